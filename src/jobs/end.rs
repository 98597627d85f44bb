//! Ending a job from outside its runs.

use super::Job;
use crate::{
    delivery::outbox::Tx,
    error::Result,
    ids::JobId,
    records::{Edit, Record as _, Viewer},
};

/// Ends a job that waits, well or with a reason, inside somebody's transaction; tells it. A run that
/// still has it loses it. `false`, and nothing is done, when it has ended, is being reverted, or is not
/// there.
///
/// # Errors
/// 503 when the database is away.
pub async fn finish(tx: &mut Tx, job: JobId, end: Result<(), String>) -> Result<bool> {
    let before = match Job::find(&mut tx.conn, job).await {
        Ok(job) if job.is_unfinished() && !job.is_reverting() => job,
        Ok(_) | Err(diesel::NotFound) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let mut edit = Edit { by: Viewer::clerk(before.owner()), tx };
    edit.store(&before, before.clone().ended(end)).await?;
    Ok(true)
}
