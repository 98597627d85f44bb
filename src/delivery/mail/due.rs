//! Which notifications are to go out by e-mail, read beside all changes.

use super::{BATCH, FIRST_WITHIN, PER_USER, PER_USER_SECONDS, RETRIED_WITHIN, State};
use crate::{
    delivery::inbox::Status,
    ids::NotificationId,
    sql,
    store::{
        Conn,
        schema::{notifications, users},
    },
    time::Time,
};
use diesel::{
    dsl::{count_star, min, not},
    prelude::*,
};
use diesel_async::RunQueryDsl;

/// A notification as it was seen: it is claimed only if it still is so.
#[derive(Debug, Clone, Copy, Queryable)]
pub(super) struct Due {
    pub(super) id: NotificationId,
    pub(super) state: State,
    pub(super) attempts: i32,
}

/// The oldest that are due `now`, at most [`BATCH`]; `after`: how long one may wait for its user, in seconds.
pub(super) async fn due(conn: &mut Conn, now: Time, after: i64) -> QueryResult<Vec<Due>> {
    let late = now.plus_seconds(-after);
    let fresh = late.plus_seconds(-FIRST_WITHIN);
    // By this the index on (status, created_at) ends the search; retries are over long before.
    let oldest = fresh.plus_seconds(-RETRIED_WITHIN);
    let mailed = diesel::alias!(notifications as mailed);
    let had_enough = mailed
        .filter(mailed.field(notifications::mail_due_at).gt(now.plus_seconds(-PER_USER_SECONDS)))
        .filter(mailed.field(notifications::mail_state).eq_any([State::Claimed, State::Sent]))
        // Not by the column itself: SQLite would walk through an index in the order of users, past every mail
        // that was ever sent, rather than through the one in the order of times.
        .group_by(mailed.field(notifications::user_id).concat(""))
        .having(count_star().ge(PER_USER))
        .select(min(mailed.field(notifications::user_id)).assume_not_null());
    let waiting = notifications::table
        .inner_join(users::table.on(users::id.eq(notifications::user_id)))
        .filter(notifications::status.eq(Status::Pending))
        .filter(notifications::created_at.gt(oldest).and(notifications::created_at.le(late)))
        .filter(notifications::mail_state.eq_any([State::None, State::Claimed]))
        .filter(
            (notifications::mail_due_at.is_null().and(notifications::created_at.gt(fresh)))
                .or(notifications::mail_due_at.le(now).assume_not_null()),
        )
        .filter(users::notify_by_email.eq(true).and(users::disabled.eq(false)))
        .filter(not(notifications::user_id.eq_any(had_enough)))
        .order(notifications::created_at)
        .limit(BATCH)
        .select((notifications::id, notifications::mail_state, notifications::mail_attempts));
    sql!(conn, |c| waiting.load(c).await)
}
