//! Work whose every move a test makes: what a job's run does, when, and how it ends.

use super::{A_DAY, Database, PATIENCE, TestServer, User};
use diesel::{ExpressionMethods as _, QueryDsl as _};
use diesel_async::RunQueryDsl as _;
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use herald::{
    delivery::outbox::Tx,
    error::Error,
    ids::JobId,
    jobs::{End, Job, Kind, Progress, Run, Stop, Work, Works, enqueue},
    records::{Edit, Record as _, Viewer, events::Event},
    sql,
    store::schema::jobs,
};
use serde_json::json;
use tokio::sync::{
    Mutex,
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

/// Where runs of puppets come in as they begin.
pub struct Puppets(Mutex<UnboundedReceiver<Strings>>);

/// One run, to be moved.
pub struct Strings {
    pub job: JobId,
    pub attempt: i32,
    pub checkpoint: i64,
    orders: UnboundedSender<Order>,
    said: UnboundedReceiver<Result<(), Stop>>,
}

enum Order {
    Step(Progress, Vec<String>),
    End(End),
}

struct Puppet(UnboundedSender<Strings>);

impl Puppets {
    /// Works that do imports and uploads as they are told.
    pub fn new() -> (Self, Works) {
        let (begun, runs) = unbounded_channel();
        let works = Works::default().with(Kind::Import, Puppet(begun.clone())).with(Kind::Upload, Puppet(begun));
        (Self(Mutex::new(runs)), works)
    }

    /// The next run that begins.
    pub async fn begins(&self) -> Strings {
        let next = async { self.0.lock().await.recv().await.expect("a server") };
        tokio::time::timeout(PATIENCE, next).await.expect("a run begins")
    }

    /// The runs that began and that nobody asked for.
    pub async fn unasked(&self) -> usize {
        let mut runs = self.0.lock().await;
        std::iter::from_fn(|| runs.try_recv().ok()).count()
    }
}

impl Work for Puppet {
    fn run<'a>(&'a self, run: &'a mut Run) -> LocalBoxFuture<'a, Result<End, Stop>> {
        async move {
            let (orders, mut ordered) = unbounded_channel();
            let (says, said) = unbounded_channel();
            let (job, attempt, checkpoint) = (run.job, run.attempt, run.checkpoint);
            self.0.send(Strings { job, attempt, checkpoint, orders, said }).ok();
            loop {
                match ordered.recv().await {
                    Some(Order::Step(to, drafts)) => {
                        let outcome = run.step(to, async move |edit| make(edit, job, drafts).await).await;
                        match outcome {
                            Ok(()) => drop(says.send(Ok(()))),
                            Err(Stop::Lost) => {
                                says.send(Err(Stop::Lost)).ok();
                                return Err(Stop::Lost);
                            }
                            Err(Stop::Failed(error)) => {
                                says.send(Err(Stop::Failed(Error::Internal))).ok();
                                return Err(Stop::Failed(error));
                            }
                        }
                    }
                    Some(Order::End(end)) => return Ok(end),
                    // The test let go of the strings: it hangs there, alive.
                    None => std::future::pending().await,
                }
            }
        }
        .boxed_local()
    }
}

async fn make(edit: &mut Edit<'_>, job: JobId, drafts: Vec<String>) -> Result<(), Error> {
    for description in drafts {
        let draft = json!({ "description": description, "start": A_DAY.0, "end": A_DAY.1 });
        let draft = serde_json::from_value(draft).expect("a draft");
        let event = Event::create(draft, &edit.by, edit.tx.now())?.made_by(job);
        edit.insert(event).await?;
    }
    Ok(())
}

impl Strings {
    /// Makes drafts and moves the job on.
    pub async fn step(&mut self, to: Progress, drafts: &[&str]) -> Result<(), Stop> {
        let drafts = drafts.iter().map(|draft| (*draft).to_owned()).collect();
        self.orders.send(Order::Step(to, drafts)).map_err(|_| Stop::Lost)?;
        let said = tokio::time::timeout(PATIENCE, self.said.recv()).await.expect("an answer");
        said.unwrap_or(Err(Stop::Lost))
    }

    /// The same, to a place and a percentage.
    pub async fn moves(&mut self, checkpoint: i64, percent: i32) {
        let to = Progress { checkpoint, percent, log: Vec::new() };
        self.step(to, &[]).await.expect("the job is its own");
    }

    pub async fn makes(&mut self, draft: &str) {
        let to = Progress { checkpoint: self.checkpoint, ..Progress::default() };
        self.step(to, &[draft]).await.expect("the job is its own");
    }

    pub fn ends(self, end: End) {
        self.orders.send(Order::End(end)).ok();
    }
}

/// Whether a run was told that its job is not its own any more, or did not even live to hear it.
pub fn is_lost(outcome: &Result<(), Stop>) -> bool {
    matches!(outcome, Err(Stop::Lost))
}

impl TestServer {
    /// A job of this user's, to be run; its id.
    pub fn job(&self, of: &User, kind: Kind, description: &str) -> String {
        let id = self.database.job(of, kind, description);
        self.rings();
        id
    }

    /// Takes a job from its run, as if that had not been heard of for the length of its lease.
    pub fn takes_from_its_run(&self, job: &str) {
        let job: JobId = job.parse().expect("an id");
        self.writes(async move |tx: &mut Tx| {
            let lost = (jobs::due_at.eq(tx.now().plus_seconds(-1)), jobs::lease.eq("nobody/any more"));
            sql!(&mut tx.conn, |c| diesel::update(jobs::table.find(job)).set(lost).execute(c).await)?;
            Ok(())
        });
        self.rings();
    }

    /// Lets the time come for which a job waits.
    pub fn lets_time_pass_for(&self, job: &str) {
        let job: JobId = job.parse().expect("an id");
        self.writes(async move |tx: &mut Tx| {
            let due = jobs::due_at.eq(tx.now());
            sql!(&mut tx.conn, |c| diesel::update(jobs::table.find(job)).set(due).execute(c).await)?;
            Ok(())
        });
        self.rings();
    }
}

impl Database {
    /// A job of this user's, to be run; its id.
    pub fn job(&self, of: &User, kind: Kind, description: &str) -> String {
        let (owner, description) = (of.id.parse().expect("an id"), description.to_owned());
        self.does(async move |tx: &mut Tx| {
            let by = Viewer::clerk(owner);
            let job = Job::new(kind, &by, description, Some("fair.csv".into()), None, tx.now());
            Ok(enqueue(&mut Edit { tx, by }, job, i64::MAX).await?.id().to_string())
        })
    }

    /// A job of this user's that is done, and so many drafts that it made; its id.
    pub fn job_with_drafts(&self, of: &User, count: usize) -> String {
        let owner = of.id.parse().expect("an id");
        self.does(async move |tx: &mut Tx| {
            let by = Viewer::clerk(owner);
            let job = Job::done(Kind::Import, &by, "Many".into(), tx.now());
            let mut edit = Edit { tx, by };
            let job = edit.insert(job).await?;
            make(&mut edit, job.id(), (0..count).map(|n| n.to_string()).collect()).await?;
            Ok(job.id().to_string())
        })
    }
}
