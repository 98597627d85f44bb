//! Who sends what, and what became of it: each a commit in the one order of changes, so that no two nodes
//! ever send the same mail side by side.

use super::{LEASE, PER_USER, PER_USER_SECONDS, State, due::Due, letter::Content};
use crate::{
    delivery::{inbox::Status, outbox::Tx},
    error::Result,
    ids::{NotificationId, UserId},
    sql,
    store::schema::{notifications, users},
    time::Time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// A notification that nobody else sends until the claim lapses.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) content: Content,
    /// With this one; also what makes the claim ours.
    pub(super) attempts: i32,
}

/// What is to be written of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// The server took it at this time.
    Sent(Time),
    /// It will never be sent.
    Failed(Time),
    /// It is tried again at this time.
    Again(Time),
}

type Row = (UserId, String, String, String, String);

/// Claims it until `now` and [`LEASE`]. `None` when it is not to be sent any more: it was confirmed, read,
/// deleted or claimed since it was seen, its user is gone, does not want it, or has had enough.
///
/// # Errors
/// 503 when the database is away.
pub(super) async fn claim(tx: &mut Tx, seen: Due, now: Time) -> Result<Option<Claim>> {
    let as_seen = notifications::table
        .inner_join(users::table.on(users::id.eq(notifications::user_id)))
        .filter(notifications::id.eq(seen.id).and(notifications::status.eq(Status::Pending)))
        .filter(notifications::mail_state.eq(seen.state).and(notifications::mail_attempts.eq(seen.attempts)))
        .filter(users::notify_by_email.eq(true).and(users::disabled.eq(false)))
        .select((users::id, notifications::message, users::email, users::first_name, users::last_name));
    let row: Option<Row> = sql!(&mut tx.conn, |c| as_seen.first(c).await.optional())?;
    let Some((user, message, email, first, last)) = row else { return Ok(None) };
    let mailed = notifications::table
        .filter(notifications::user_id.eq(user).and(notifications::id.ne(seen.id)))
        .filter(notifications::mail_due_at.gt(now.plus_seconds(-PER_USER_SECONDS)))
        .filter(notifications::mail_state.eq_any([State::Claimed, State::Sent]));
    let mailed: i64 = sql!(&mut tx.conn, |c| mailed.count().get_result(c).await)?;
    if mailed >= PER_USER {
        return Ok(None);
    }
    let attempts = seen.attempts + 1;
    let mark = diesel::update(notifications::table.filter(notifications::id.eq(seen.id))).set((
        notifications::mail_state.eq(State::Claimed),
        notifications::mail_attempts.eq(attempts),
        notifications::mail_due_at.eq(now.plus_seconds(LEASE)),
    ));
    sql!(&mut tx.conn, |c| mark.execute(c).await)?;
    let content = Content { id: seen.id, message, email, name: [first, last] };
    Ok(Some(Claim { content, attempts }))
}

/// Writes what became of a claim, unless it lapsed and is somebody else's now.
///
/// # Errors
/// 503 when the database is away.
pub(super) async fn settle(tx: &mut Tx, id: NotificationId, attempts: i32, settled: Settled) -> Result<()> {
    let (state, at) = match settled {
        Settled::Sent(at) => (State::Sent, at),
        Settled::Failed(at) => (State::Failed, at),
        Settled::Again(at) => (State::None, at),
    };
    let ours = notifications::table
        .filter(notifications::id.eq(id).and(notifications::mail_attempts.eq(attempts)))
        .filter(notifications::mail_state.eq(State::Claimed));
    let mark = diesel::update(ours).set((notifications::mail_state.eq(state), notifications::mail_due_at.eq(at)));
    sql!(&mut tx.conn, |c| mark.execute(c).await)?;
    Ok(())
}

#[cfg(test)]
#[path = "claim_test.rs"]
mod tests;
