//! One run of a job.

use super::{
    Job, Progress,
    hold::{Heard, Hold},
    throttle::Throttle,
};
use crate::{
    delivery::outbox::Tx,
    error::{Error, Result},
    ids::{JobId, UserId},
    records::{Edit, Record as _, Viewer},
};
use tokio::time::Instant;

/// Why a run can't go on.
#[derive(Debug)]
pub enum Stop {
    /// The job is not this run's any more: cancelled, or taken up by another. Nothing is left to do.
    Lost,
    /// A step was refused. 503 is tried again a few times, anything else ends the job with this reason.
    Failed(Error),
}

/// One run of a job, fenced: nothing it commits takes hold once it was cancelled or another run has it.
pub struct Run {
    /// The job.
    pub job: JobId,
    /// Whose it is. Steps act with the rights that the owner has at their time.
    pub owner: UserId,
    /// How far the runs before this one came, and then this one.
    pub checkpoint: i64,
    /// The how many-th run it is since the job last moved on; 1 is the first.
    pub attempt: i32,
    /// The name of the file in `UPLOADS_DIR`.
    pub file: Option<String>,
    /// What its owner calls it.
    pub filename: Option<String>,
    percent: i32,
    hold: Hold,
    throttle: Throttle,
}

impl Run {
    pub(super) fn new(job: &Job, hold: Hold) -> Self {
        Self {
            job: job.id(),
            owner: job.owner(),
            checkpoint: job.checkpoint(),
            attempt: job.attempt(),
            file: job.file().map(str::to_owned),
            filename: job.filename().map(str::to_owned),
            percent: job.percent(),
            hold,
            throttle: Throttle::new(Instant::now()),
        }
    }

    /// Where it is: for a step that does not move it on.
    #[must_use]
    pub const fn here(&self) -> Progress {
        Progress { checkpoint: self.checkpoint, percent: self.percent, log: Vec::new() }
    }

    pub(super) fn hold(&self) -> Hold {
        self.hold.clone()
    }

    pub(super) fn throttle(&self) -> Throttle {
        self.throttle.clone()
    }

    /// Does something for the job, as its owner, and moves it on, in one commit. Progress is told at
    /// most five times a second; what moves in between is stored in silence.
    ///
    /// # Errors
    /// `Stop::Lost` when it is not this run's any more, `Stop::Failed` with what `work` refused;
    /// then nothing is done.
    pub async fn step<T: Send + 'static>(
        &mut self,
        to: Progress,
        work: impl AsyncFnOnce(&mut Edit<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T, Stop> {
        let owner = self.owner;
        let as_owner = async move |tx: &mut Tx| {
            let by = Viewer::absent(&mut tx.conn, owner).await?;
            work(&mut Edit { tx, by }).await
        };
        self.commit(to, as_owner).await
    }

    /// The same, without asking for the owner's rights: Herald cleans up after itself.
    pub(super) async fn commit<T: Send + 'static>(
        &mut self,
        to: Progress,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T> + Send + 'static,
    ) -> Result<T, Stop> {
        let (checkpoint, percent) = (to.checkpoint, to.percent);
        let (tell, untold) = (self.throttle.lets(Instant::now()), self.throttle.untold());
        let stepped = self.hold.step(to, tell, untold, work).await.map_err(Stop::Failed)?.ok_or(Stop::Lost)?;
        (self.checkpoint, self.percent) = (checkpoint, percent);
        match stepped.heard {
            Heard::All => self.throttle.told(Instant::now()),
            Heard::NotYet => self.throttle.kept_quiet(),
            Heard::NothingNew => {}
        }
        Ok(stepped.value)
    }
}
