//! Forgetting old notices: by age and by number (`HISTORY_DAYS`, `HISTORY_MAX`).

use super::outbox::Outbox;
use crate::{
    error::Result,
    sql,
    store::schema::{outbox, sequence},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// Rows deleted in one transaction: other changes wait for no more than this.
const STEP: i64 = 5000;

/// How much history is kept: a cursor that is older gets `resync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Seconds; what is older goes.
    pub seconds: i64,
    /// Notices; what is more than this goes, the oldest first.
    pub notices: i64,
}

/// Deletes what need not be kept, in steps; returns how many rows went.
///
/// # Errors
/// 503 when the database is away; what was deleted until then stays deleted.
pub async fn prune(outbox: &Outbox, keep: Keep) -> Result<u64> {
    let mut gone = 0;
    loop {
        let step = outbox.commit(async move |tx| step(tx, keep).await).await?.value;
        gone += step;
        if step < STEP.unsigned_abs() {
            return Ok(gone);
        }
    }
}

async fn step(tx: &mut super::outbox::Tx, keep: Keep) -> Result<u64> {
    let oldest = tx.now().plus_seconds(-keep.seconds);
    let (newest, pruned): (i64, i64) =
        sql!(&mut tx.conn, |c| sequence::table.select((sequence::newest, sequence::pruned)).first(c).await)?;
    // The rows are in the order of their times, give or take a clock that was set back.
    let last_old: Option<i64> = sql!(&mut tx.conn, |c| outbox::table
        .filter(outbox::seq.le(pruned + STEP))
        .filter(outbox::created_at.lt(oldest))
        .select(diesel::dsl::max(outbox::seq))
        .first(c)
        .await)?;
    let upto = last_old.unwrap_or(0).max(newest - keep.notices).min(pruned + STEP);
    if upto <= pruned {
        return Ok(0);
    }
    sql!(&mut tx.conn, |c| diesel::update(sequence::table).set(sequence::pruned.eq(upto)).execute(c).await)?;
    sql!(&mut tx.conn, |c| diesel::delete(outbox::table.filter(outbox::seq.le(upto))).execute(c).await)?;
    Ok((upto - pruned).unsigned_abs())
}
