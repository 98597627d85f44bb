//! What waits for a user who connects: `pending_notifications`.

use super::{Inbox, Notification, Status, notify::unread};
use crate::{
    broker::{self, Away, Pending, REPLAY_BYTES},
    error::{Error, Result},
    ids::UserId,
    notice::Seq,
    payload_of, sql,
    store::schema::notifications,
};
use diesel::{dsl::exists, prelude::*, select};
use diesel_async::RunQueryDsl;
use futures_util::{FutureExt as _, future::BoxFuture};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// Most notifications in one `pending_notifications` (CONTRACT 6).
const BATCH_MAX: usize = 100;

/// The payload of `pending_notifications`.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub struct PendingNotifications<'a> {
    /// Oldest first.
    notifications: &'a [Notification],
    /// How much the user has not read.
    unread: i64,
}

payload_of! { PendingNotifications: PendingNotifications<'_> }

impl Inbox {
    async fn read_pending(self, user: UserId, after: Seq, upto: Seq, owed: bool) -> Result<Pending> {
        if owed {
            if let Some(unread) = self.unread_if_nothing(user, after, upto).await? {
                return batch(&[], unread, None);
            }
        } else if self.is_nothing(user, after, upto).await? {
            return Ok(Pending { payload: "".into(), ids: Arc::default(), more: None });
        }
        let mut conn = self.store.read().await?;
        let (mut waiting, unread) = conn
            .snapshot(async |conn| {
                let pending = notifications::table
                    .filter(notifications::user_id.eq(user).and(notifications::status.eq(Status::Pending)))
                    .filter(notifications::seq.gt(after.0).and(notifications::seq.le(upto.0)))
                    .order(notifications::seq)
                    .limit(BATCH_MAX as i64 + 1);
                let waiting: Vec<Notification> =
                    sql!(conn, |c| pending.select(Notification::as_select()).load(c).await)?;
                Ok((waiting, unread(conn, user).await?))
            })
            .await?;
        let fit = fitting(&waiting)?;
        let more = waiting.get(fit).is_some();
        waiting.truncate(fit);
        let more = waiting.last().filter(|_| more).map(|last| Seq(last.seq));
        batch(&waiting, unread, more)
    }

    /// Whether nothing is pending: what most who connect find, at the price of a look-up.
    async fn is_nothing(&self, user: UserId, after: Seq, upto: Seq) -> Result<bool> {
        let mut conn = self.store.lookup().await?;
        let waits: bool = sql!(&mut conn, |c| select(exists(between(user, after, upto))).get_result(c).await)?;
        Ok(!waits)
    }

    /// How many are unread, if nothing is pending: what most who come back find.
    async fn unread_if_nothing(&self, user: UserId, after: Seq, upto: Seq) -> Result<Option<i64>> {
        let mut conn = self.store.lookup().await?;
        // The states one by one: what was read is most of an inbox, and for two in one condition SQLite builds a
        // table of its own, which costs more than both counts.
        let count = |status: Status| {
            notifications::table
                .filter(notifications::user_id.eq(user).and(notifications::status.eq(status)))
                .count()
                .single_value()
        };
        // One statement, so all are of one moment.
        let (waits, pending, delivered): (bool, Option<i64>, Option<i64>) = sql!(&mut conn, |c| select((
            exists(between(user, after, upto)),
            count(Status::Pending),
            count(Status::Delivered)
        ))
        .first(c)
        .await)?;
        Ok((!waits).then_some(pending.unwrap_or(0) + delivered.unwrap_or(0)))
    }
}

/// What is pending between these places.
#[diesel::dsl::auto_type]
fn between(user: UserId, after: Seq, upto: Seq) -> _ {
    let (after, upto): (i64, i64) = (after.0, upto.0);
    let pending: Status = Status::Pending;
    notifications::table
        .filter(notifications::user_id.eq(user).and(notifications::status.eq(pending)))
        .filter(notifications::seq.gt(after).and(notifications::seq.le(upto)))
}

fn batch(waiting: &[Notification], unread: i64, more: Option<Seq>) -> Result<Pending> {
    let payload = PendingNotifications { notifications: waiting, unread };
    let payload = serde_json::to_string(&payload).map_err(Error::internal)?;
    Ok(Pending { payload: payload.into(), ids: waiting.iter().map(|waiting| waiting.id).collect(), more })
}

/// How many of these go into one batch: not more bytes than a stretch of a replay, but at least one.
fn fitting(waiting: &[Notification]) -> Result<usize> {
    let mut bytes = 0;
    for (count, notification) in waiting.iter().enumerate() {
        bytes += serde_json::to_string(notification).map_err(Error::internal)?.len();
        if count == BATCH_MAX || (count > 0 && bytes > REPLAY_BYTES) {
            return Ok(count);
        }
    }
    Ok(waiting.len())
}

impl broker::Inbox for Inbox {
    fn pending(&self, user: UserId, after: Seq, upto: Seq, owed: bool) -> BoxFuture<'static, Result<Pending, Away>> {
        // The cause is logged where it happened.
        self.clone().read_pending(user, after, upto, owed).map(|pending| pending.map_err(|_| Away)).boxed()
    }
}
