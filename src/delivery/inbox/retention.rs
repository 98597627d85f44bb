//! What is forgotten: old notifications that were read, and the inboxes of users who are deleted.

use crate::{
    delivery::outbox::{Outbox, Tx},
    error::Result,
    ids::{NotificationId, UserId},
    sql,
    store::{Conn, schema::notifications},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Status;

/// Rows deleted in one transaction: other changes wait for no more than this.
const STEP: usize = 500;

/// Forgets notifications that were read so many seconds ago, in steps; how many went. What was not
/// read stays, however old it is. To be called every minute or so.
///
/// # Errors
/// 503 when the database is away; what was deleted until then stays deleted.
pub async fn sweep(outbox: &Outbox, seconds: i64) -> Result<usize> {
    let mut gone = 0;
    loop {
        let step = outbox.commit(async move |tx| sweep_step(tx, seconds).await).await?.value;
        gone += step;
        if step < STEP {
            return Ok(gone);
        }
    }
}

async fn sweep_step(tx: &mut Tx, seconds: i64) -> Result<usize> {
    let oldest = tx.now().plus_seconds(-seconds);
    let old = notifications::table
        .filter(notifications::status.eq(Status::Read))
        // No later than it was read, and there is an index: the first looks through few rows, the
        // second is what counts.
        .filter(notifications::created_at.lt(oldest).and(notifications::read_at.lt(oldest)))
        .select(notifications::id)
        .limit(i64::try_from(STEP).unwrap_or(i64::MAX));
    let old: Vec<NotificationId> = sql!(&mut tx.conn, |c| old.load(c).await)?;
    let gone = notifications::table.filter(notifications::id.eq_any(&old));
    Ok(sql!(&mut tx.conn, |c| diesel::delete(gone).execute(c).await)?)
}

/// Forgets the inbox of a user who is being deleted.
///
/// # Errors
/// 503 when the database is away.
pub async fn forget(conn: &mut Conn, user: UserId) -> Result<()> {
    let inbox = notifications::table.filter(notifications::user_id.eq(user));
    sql!(conn, |c| diesel::delete(inbox).execute(c).await)?;
    Ok(())
}
