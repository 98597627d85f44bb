//! `DELETE jobs/{id}`: what a job made is removed, and what it still does is stopped. Here, and not
//! among the records, since it is about jobs and events together; with the routes of jobs.

use super::{Bell, End, Job, Kind, Progress, Run, Stop, Work, files::Files, upload};
use crate::{
    answer::{answer_gone, origin},
    auth::Caller,
    delivery::outbox::{Committed, Outbox, Tx},
    error::Result,
    records::{
        Edit, Record as _, Removal, Viewer,
        events::Event,
        expect_version,
        routes::{answer_record, find, id_of, if_match, list, update},
    },
};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use std::sync::Arc;
use tokio::time::{Instant, sleep};

/// Most events that are removed while the caller and everybody else waits.
const AT_ONCE_MAX: i64 = 200;
/// Events that a background run removes in one transaction: others wait for no more than these.
const CHUNK: i64 = 25;

/// The routes of jobs. Nobody makes one as such: a `POST` is 405.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/jobs").get(list::<Job>))
        .service(web::resource("/jobs/{id}").get(find::<Job>).put(update::<Job>).delete(remove));
}

/// 204 when all is gone; 202 with the job when it is so much that it goes in the background.
async fn remove(
    request: HttpRequest,
    caller: Caller,
    id: web::Path<String>,
    outbox: web::Data<Outbox>,
    bell: web::Data<Bell>,
    files: web::Data<Files>,
) -> Result<HttpResponse> {
    let id = id_of::<Job>(&id)?;
    let expected = if_match(&request)?;
    let (origin, by) = (origin(&request, &caller), caller.0);
    let change = async move |tx: &mut Tx| {
        let mut edit = Edit::begin(tx, by, origin).await?;
        let before: Job = edit.by.find(&mut edit.tx.conn, id).await?;
        expect_version(&before, expected)?;
        let file = before.file().map(str::to_owned);
        Ok((revert(&mut edit, before).await?, file))
    };
    let Committed { value: (job, file), seq } = outbox.commit(change).await?;
    if let Some(name) = file.and_then(|name| name.parse().ok())
        && let Err(error) = files.remove(&name).await
    {
        // The sweep finds it.
        log::warn!("the file of a reverted job could not be removed: {error}");
    }
    if !job.is_reverting() {
        return Ok(answer_gone(&Committed { value: (), seq }));
    }
    bell.ring();
    Ok(answer_record(HttpResponse::Accepted(), &Committed { value: job, seq }))
}

/// Takes back what the job made, and its right to make more; the job as it is then.
async fn revert(edit: &mut Edit<'_>, before: Job) -> Result<Job> {
    if before.is_reverting() {
        return Ok(before);
    }
    let Removal::Marked(reverted) = before.clone().remove(&edit.by, edit.tx.now())? else { return Ok(before) };
    let events = Event::left_of_job(&mut edit.tx.conn, before.id(), AT_ONCE_MAX + 1).await?;
    let_go(edit, &before).await?;
    if i64::try_from(events.len()).is_ok_and(|count| count > AT_ONCE_MAX) {
        let begun = before.clone().called_off(&edit.by).begin_reverting(edit.tx.now());
        return edit.store(&before, begun).await;
    }
    remove_all(edit, events).await?;
    edit.store(&before, reverted).await
}

/// What else goes with a job of this kind, in the same transaction as its end.
async fn let_go(edit: &mut Edit<'_>, job: &Job) -> Result<()> {
    match job.kind() {
        Kind::Import | Kind::Clone => Ok(()),
        Kind::Upload => Ok(upload::forget(&mut edit.tx.conn, job.id()).await?),
    }
}

/// As each event's rules say: a draft goes, any other is marked as deleted.
async fn remove_all(edit: &mut Edit<'_>, events: Vec<Event>) -> Result<()> {
    for event in events {
        match event.clone().remove(&edit.by, edit.tx.now())? {
            Removal::Gone => edit.delete(&event).await?,
            Removal::Marked(deleted) => drop(edit.store(&event, deleted).await?),
        }
    }
    Ok(())
}

/// The work of a job, of whatever kind, that made too much to be removed at once.
pub(super) struct Reverting;

impl Reverting {
    pub(super) fn work() -> Arc<dyn Work> {
        Arc::new(Self)
    }
}

impl Work for Reverting {
    fn run<'a>(&'a self, run: &'a mut Run) -> LocalBoxFuture<'a, Result<End, Stop>> {
        remove_in_chunks(run).boxed_local()
    }
}

/// In chunks, since everybody else's changes wait for each, and with as long a pause after each.
async fn remove_in_chunks(run: &mut Run) -> Result<End, Stop> {
    let (job, owner) = (run.job, run.owner);
    let count = async move |tx: &mut Tx| Ok(Event::count_left_of_job(&mut tx.conn, job).await?);
    let total = run.checkpoint + run.commit(run.here(), count).await?;
    loop {
        let checkpoint = (run.checkpoint + CHUNK).min(total);
        let percent = i32::try_from(checkpoint * 100 / total.max(1)).unwrap_or(100);
        let chunk = async move |tx: &mut Tx| {
            let events = Event::left_of_job(&mut tx.conn, job, CHUNK).await?;
            let none = events.is_empty();
            // Their author: whoever asked for this was allowed to.
            remove_all(&mut Edit { by: Viewer::clerk(owner), tx }, events).await?;
            Ok(none)
        };
        let begun = Instant::now();
        if run.commit(Progress { checkpoint, percent, log: Vec::new() }, chunk).await? {
            return Ok(End::Done);
        }
        sleep(begun.elapsed()).await;
    }
}
