//! The job: rows become drafts, in small chunks, each one commit together with the place in the
//! file, so that a run that died is taken up behind its last row and makes none twice.

use super::{
    kind::Kind,
    naming::Departments,
    reading::{Chunk, Reading},
    row::{Broken, Content, Item},
};
use crate::{
    error::{Error, Result},
    ids::JobId,
    jobs::{
        End, Progress, Run, Stop, Work,
        files::{FileName, Files},
    },
    records::{
        Edit, Record as _, Viewer,
        events::{self, Event},
    },
    store::Store,
    time::Time,
};
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Rows of one commit: everybody else's changes wait for no more than these. (docs/operations.md
/// has the figures.)
const CHUNK: usize = 25;
/// After each chunk it pauses so many times as long as the chunk took: requests keep most of the
/// writer, and the busier it is, the slower an import goes.
const PAUSE: u32 = 1;
/// But no longer than this.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// A department may go between being looked up and being named; then it is looked up again.
const ATTEMPTS: usize = 3;
/// Where a job stands whose file is read to its end and may be gone.
const READ: i64 = i64::MAX;
const NO_ROW: &str = "no row could be imported";

/// Imports files.
pub struct Import {
    store: Store,
    files: Files,
}

impl Import {
    /// Of files in this folder.
    #[must_use]
    pub const fn new(store: Store, files: Files) -> Self {
        Self { store, files }
    }
}

impl Work for Import {
    fn run<'a>(&'a self, run: &'a mut Run) -> LocalBoxFuture<'a, Result<End, Stop>> {
        self.import(run).boxed_local()
    }
}

impl Import {
    async fn import(&self, run: &mut Run) -> Result<End, Stop> {
        let Some(file) = run.file.as_deref().and_then(|name| name.parse::<FileName>().ok()) else {
            return Ok(End::Failed("it has no file".into()));
        };
        if run.checkpoint != READ {
            let why = self.read(run, &file).await?;
            // From here on the file is not needed, whatever becomes of this run.
            let log = why.map(|Broken(why)| vec![why]).unwrap_or_default();
            let percent = if log.is_empty() { 100 } else { run.here().percent };
            run.step(Progress { checkpoint: READ, percent, log }, async |_| Ok(())).await?;
        }
        self.remove(&file).await;
        let made = self.made_any(run.job).await.map_err(Stop::Failed)?;
        Ok(if made { End::Done } else { End::Failed(NO_ROW.into()) })
    }

    /// Makes drafts of what is left of the file; why it could not be read to its end.
    async fn read(&self, run: &mut Run, file: &FileName) -> Result<Option<Broken>, Stop> {
        let skip = u64::try_from(run.checkpoint).unwrap_or_default();
        let kind = Kind::of(run.filename.as_deref().unwrap_or_default(), "");
        let mut reading = Reading::begin(self.files.path(file), kind, skip, CHUNK);
        while let Some(chunk) = reading.next().await {
            let began = Instant::now();
            self.take(run, &chunk).await?;
            sleep((began.elapsed() * PAUSE).min(PAUSE_MAX)).await;
        }
        Ok(reading.end().await.err())
    }

    /// Makes drafts of the good rows of a chunk, says what is wrong with the others, and moves on.
    async fn take(&self, run: &mut Run, chunk: &Chunk) -> Result<(), Stop> {
        for attempt in 1.. {
            let (drafts, log) = self.sort(run, &chunk.items).await.map_err(Stop::Failed)?;
            let items = i64::try_from(chunk.items.len()).unwrap_or_default();
            let to = Progress { checkpoint: run.checkpoint + items, percent: chunk.percent.min(99).into(), log };
            let job = run.job;
            match run.step(to, async move |edit| insert(edit, drafts, job).await).await {
                Err(Stop::Failed(Error::Invalid(_))) if attempt < ATTEMPTS => {}
                outcome => return outcome,
            }
        }
        Ok(())
    }

    /// The drafts that a chunk makes, and the lines for the log. Nobody waits for this: it is outside
    /// of the commit.
    async fn sort(&self, run: &Run, items: &[Item]) -> Result<(Vec<events::Draft>, Vec<String>)> {
        let departments = Departments::named_in(&self.store, items).await?;
        let owner = Viewer::clerk(run.owner);
        let (mut drafts, mut log) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                Item::Remark(text) => log.push(text.clone()),
                Item::Bad { row, why } => log.push(format!("row {row}: {why}")),
                Item::Event { row, content, remark } => match draft(content, &departments, &owner) {
                    Ok(draft) => {
                        drafts.push(draft);
                        log.extend(remark.map(|remark| format!("row {row}: {remark}")));
                    }
                    Err(why) => log.push(format!("row {row}: {why}")),
                },
            }
        }
        Ok((drafts, log))
    }

    /// Whether anything of it is left: what its owner deleted meanwhile counts for nothing.
    async fn made_any(&self, job: JobId) -> Result<bool> {
        let mut conn = self.store.read().await?;
        Ok(!Event::left_of_job(&mut conn, job, 1).await?.is_empty())
    }

    async fn remove(&self, file: &FileName) {
        if let Err(error) = self.files.remove(file).await {
            log::warn!("the file of an import could not be removed: {error}");
        }
    }
}

/// The draft that a row describes, if an event may be so.
fn draft(content: &Content, departments: &Departments, owner: &Viewer) -> Result<events::Draft, String> {
    let draft = events::Draft {
        description: content.description.clone(),
        start: content.start,
        end: content.end,
        location: content.location.clone(),
        description_long: content.description_long.clone(),
        department_ids: departments.ids(&content.departments)?,
        group_ids: Vec::new(),
    };
    match Event::create(draft.clone(), owner, Time::now()) {
        Ok(_) => Ok(draft),
        Err(Error::Invalid(faults)) => {
            let faults: Vec<_> = faults.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect();
            Err(faults.join("; "))
        }
        Err(error) => Err(error.to_string()),
    }
}

async fn insert(edit: &mut Edit<'_>, drafts: Vec<events::Draft>, job: JobId) -> Result<()> {
    for draft in drafts {
        let event = Event::create(draft, &edit.by, edit.tx.now())?.made_by(job);
        edit.insert(event).await?;
    }
    Ok(())
}
