//! Reading and deleting: what a user does with what lies in the inbox. Every push says how much is
//! unread after it, counted in the same transaction, so that badges agree (CONTRACT 6).

use super::{Status, notify::unread};
use crate::{
    delivery::outbox::Tx,
    error::Result,
    ids::{NotificationId, UserId},
    notice::{Audience, Payload as _, Room},
    payload_of, sql,
    store::schema::notifications,
    time::Time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use schemars::JsonSchema;
use serde::Serialize;

/// What one is told who marked something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Unread {
    pub(super) unread: i64,
}

/// The payload of `notification:read`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct NotificationRead {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<NotificationId>,
    /// Not one but all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("const" = true))]
    all: bool,
    /// It is gone, not only read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("const" = true))]
    deleted: bool,
    read_at: Time,
    /// How much the user has not read.
    unread: i64,
}

payload_of! { NotificationRead: NotificationRead }

/// Marks one as read, which it stays: reading it again changes nothing and tells nobody. What was
/// read without having been confirmed was delivered at that moment.
///
/// # Errors
/// 404 when there is none in this user's inbox.
pub(super) async fn read(tx: &mut Tx, user: UserId, id: NotificationId) -> Result<Unread> {
    let read_at = tx.now();
    let own = notifications::table.filter(notifications::id.eq(id).and(notifications::user_id.eq(user)));
    let found = own.select((notifications::status, notifications::delivered_at));
    let (status, delivered_at): (Status, Option<Time>) = sql!(&mut tx.conn, |c| found.first(c).await)?;
    if status == Status::Read {
        return Ok(Unread { unread: unread(&mut tx.conn, user).await? });
    }
    let change = diesel::update(own).set((
        notifications::status.eq(Status::Read),
        notifications::delivered_at.eq(delivered_at.unwrap_or(read_at)),
        notifications::read_at.eq(read_at),
    ));
    sql!(&mut tx.conn, |c| change.execute(c).await)?;
    push(tx, user, |unread| NotificationRead { id: Some(id), all: false, deleted: false, read_at, unread }).await
}

/// Marks all as read.
///
/// # Errors
/// 503 when the database is away.
pub(super) async fn read_all(tx: &mut Tx, user: UserId) -> Result<Unread> {
    let read_at = tx.now();
    let own = |status: Status| {
        notifications::table.filter(notifications::user_id.eq(user).and(notifications::status.eq(status)))
    };
    let read = (notifications::status.eq(Status::Read), notifications::read_at.eq(read_at));
    let delivered = diesel::update(own(Status::Delivered)).set(read);
    let pending = diesel::update(own(Status::Pending)).set((read, notifications::delivered_at.eq(read_at)));
    let changed =
        sql!(&mut tx.conn, |c| delivered.execute(c).await)? + sql!(&mut tx.conn, |c| pending.execute(c).await)?;
    if changed == 0 {
        return Ok(Unread { unread: 0 });
    }
    push(tx, user, |unread| NotificationRead { id: None, all: true, deleted: false, read_at, unread }).await
}

/// Deletes one, read or not.
///
/// # Errors
/// 404 when there is none in this user's inbox.
pub(super) async fn delete(tx: &mut Tx, user: UserId, id: NotificationId) -> Result<()> {
    let own = notifications::table.filter(notifications::id.eq(id).and(notifications::user_id.eq(user)));
    let gone = diesel::delete(own).returning(notifications::read_at);
    let read_at: Option<Time> = sql!(&mut tx.conn, |c| gone.get_result(c).await)?;
    let read_at = read_at.unwrap_or(tx.now());
    push(tx, user, |unread| NotificationRead { id: Some(id), all: false, deleted: true, read_at, unread })
        .await
        .map(drop)
}

/// Tells the user's connections, live only: a list that is fetched says it all.
async fn push(tx: &mut Tx, user: UserId, marked: impl FnOnce(i64) -> NotificationRead) -> Result<Unread> {
    let unread = unread(&mut tx.conn, user).await?;
    tx.tell_live(NotificationRead::EVENT, &marked(unread), Audience::to([Room::User(user)]))?;
    Ok(Unread { unread })
}
