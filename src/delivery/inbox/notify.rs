//! From something that happened to what lies in inboxes.

use super::{Notification, Status};
use crate::{
    delivery::outbox::Tx,
    error::Result,
    ids::{NotificationId, UserId},
    notice::{Audience, EventName, Room},
    sql,
    store::{Conn, Json, schema::notifications},
    time::Time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;

/// What is said.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// What it is about, for programs: free text, at most 64 characters.
    pub kind: String,
    /// For people.
    pub message: String,
    /// For programs.
    pub data: Option<Value>,
}

/// The payload of `new_notification`; `seq` is added to it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct New<'a> {
    id: NotificationId,
    user_id: UserId,
    message: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    status: Status,
    created_at: Time,
    unread: i64,
}

/// Puts a message into the inboxes of these users and tells them, the caller included.
///
/// # Errors
/// 503 when the database is away.
pub async fn notify(tx: &mut Tx, users: &[UserId], what: &Message) -> Result<()> {
    tx.spare(None);
    let (status, created_at) = (Status::Pending, tx.now());
    let mut unread = unread_of(&mut tx.conn, users).await?;
    for user_id in users.iter().copied() {
        let id = NotificationId::generate();
        let Message { kind, message, data } = what;
        let unread = unread.entry(user_id).or_default();
        *unread += 1;
        let new = New { id, user_id, message, kind, data: data.as_ref(), status, created_at, unread: *unread };
        let seq = tx.tell(EventName::NewNotification, &new, Audience::to([Room::User(user_id)]))?.0;
        let row = Notification {
            id,
            user_id,
            message: message.clone(),
            kind: kind.clone(),
            data: data.clone().map(Json),
            status,
            created_at,
            delivered_at: None,
            read_at: None,
            seq,
        };
        let row = (row, notifications::mail_state.eq("NONE"), notifications::mail_attempts.eq(0));
        sql!(&mut tx.conn, |c| diesel::insert_into(notifications::table).values(&row).execute(c).await)?;
    }
    Ok(())
}

/// How much each of these users has not read; those who have read all are left out.
pub(super) async fn unread_of(conn: &mut Conn, users: &[UserId]) -> QueryResult<HashMap<UserId, i64>> {
    let unread = notifications::table
        .filter(notifications::user_id.eq_any(users).and(notifications::status.ne(Status::Read)))
        .group_by(notifications::user_id)
        .select((notifications::user_id, diesel::dsl::count_star()));
    let counts: Vec<(UserId, i64)> = sql!(conn, |c| unread.load(c).await)?;
    Ok(counts.into_iter().collect())
}
