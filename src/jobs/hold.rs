//! A run's hold on its job: a lease that is looked at inside every transaction that it makes.

use super::{Job, Progress, work::End};
use crate::{
    delivery::outbox::{Outbox, Tx},
    error::{Error, Result},
    ids::JobId,
    records::{Edit, Record as _, Viewer},
    sql,
    store::schema::jobs,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::time::Duration;

/// How long a run that the database set back waits for the next.
const SET_BACK: Duration = Duration::from_secs(5);

/// The right to write for a job, for as long as it holds.
#[derive(Clone)]
pub(super) struct Hold {
    pub(super) outbox: Outbox,
    pub(super) job: JobId,
    pub(super) lease: String,
    /// It is over when it was not renewed for so long.
    pub(super) keep: Duration,
}

/// How a run came to its end.
#[derive(Debug)]
pub(super) enum Outcome {
    /// By its own word.
    End(End),
    /// Something that Herald needs was away.
    SetBack(String),
}

/// What a step did.
pub(super) struct Stepped<T> {
    pub(super) value: T,
    pub(super) heard: Heard,
}

/// What those who see the job heard of it.
pub(super) enum Heard {
    /// How it is now.
    All,
    /// How it was.
    NotYet,
    /// Nothing, as there was nothing to say.
    NothingNew,
}

impl Hold {
    /// Does something and moves the job on, in one commit; `None`, and nothing is done, when the
    /// hold is lost. With `tell` it is told, if there is something new or something was left `untold`.
    pub(super) async fn step<T: Send + 'static>(
        &self,
        to: Progress,
        tell: bool,
        untold: bool,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T> + Send + 'static,
    ) -> Result<Option<Stepped<T>>> {
        let (job, lease, keep) = (self.job, self.lease.clone(), self.keep);
        let change = async move |tx: &mut Tx| {
            if held(tx, job, &lease).await?.is_none() {
                return Ok(None);
            }
            let value = work(tx).await?;
            // Read again: the work may have changed it, by what it did to its events.
            let before = Job::find(&mut tx.conn, job).await?;
            let after = before.clone().moved(&to, tx.now() + keep);
            let heard = match (untold || !after.looks_like(&before), tell) {
                (true, true) => Heard::All,
                (true, false) => Heard::NotYet,
                (false, _) => Heard::NothingNew,
            };
            let mut edit = Edit { by: Viewer::clerk(before.owner()), tx };
            if matches!(heard, Heard::All) {
                edit.store(&before, after).await?;
            } else {
                edit.store_quietly(&before, after).await?;
            }
            Ok(Some(Stepped { value, heard }))
        };
        Ok(self.outbox.commit(change).await?.value)
    }

    /// Says that the run lives, and with `tell` how far it is; `false` when the hold is lost.
    pub(super) async fn renew(&self, tell: bool) -> Result<bool> {
        let (job, lease, keep) = (self.job, self.lease.clone(), self.keep);
        let change = async move |tx: &mut Tx| {
            let Some(before) = held(tx, job, &lease).await? else { return Ok(false) };
            let until = tx.now() + keep;
            let mut edit = Edit { by: Viewer::clerk(before.owner()), tx };
            if tell {
                edit.store(&before, before.clone().kept(until)).await?;
            } else {
                let change = diesel::update(jobs::table.find(job)).set(jobs::due_at.eq(until));
                sql!(&mut edit.tx.conn, |c| change.execute(c).await)?;
            }
            Ok(true)
        };
        Ok(self.outbox.commit(change).await?.value)
    }

    /// Ends the run; nothing happens when the hold is lost.
    pub(super) async fn settle(&self, outcome: &Outcome) -> Result<()> {
        let (job, lease) = (self.job, self.lease.clone());
        let outcome = match outcome {
            Outcome::End(end) => Outcome::End(end.clone()),
            Outcome::SetBack(why) => Outcome::SetBack(why.clone()),
        };
        let change = async move |tx: &mut Tx| {
            let Some(before) = held(tx, job, &lease).await? else { return Ok(()) };
            let now = tx.now();
            let job = before.clone();
            let after = match outcome {
                Outcome::End(End::Done) => job.ended(Ok(())),
                Outcome::End(End::Failed(why)) => job.ended(Err(why)),
                Outcome::End(End::Later { after, why }) => job.postponed(now + after, &why),
                Outcome::End(End::Waits { until, otherwise }) => job.waiting(until, otherwise),
                Outcome::SetBack(why) => job.set_back(now + SET_BACK, &why),
            };
            Edit { by: Viewer::clerk(before.owner()), tx }.store(&before, after).await.map(drop)
        };
        self.outbox.commit(change).await.map(drop)
    }
}

/// The job, if this lease is still its lease.
async fn held(tx: &mut Tx, job: JobId, lease: &str) -> Result<Option<Job>> {
    match Job::find(&mut tx.conn, job).await {
        Ok(job) => Ok(Some(job).filter(|job| job.is_held_by(lease))),
        Err(diesel::NotFound) => Ok(None),
        Err(error) => Err(Error::from(error)),
    }
}
