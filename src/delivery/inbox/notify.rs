//! From something that happened to what lies in inboxes.

use super::{DATA_MAX, KIND_MAX, MESSAGE_MAX, Notification, Status};
use crate::{
    delivery::outbox::Tx,
    error::{Error, Result},
    ids::{NotificationId, UserId},
    insert_all,
    notice::{Audience, Room},
    payload_of, sql,
    store::{Conn, Json, schema::notifications},
    time::Time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use schemars::JsonSchema;
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
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct NewNotification<'a> {
    id: NotificationId,
    user_id: UserId,
    message: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    status: Status,
    created_at: Time,
    /// How much the user has not read, this one included.
    unread: i64,
}

payload_of! { NewNotification: NewNotification<'_> }

impl Message {
    /// How many bytes it is about, encoded.
    pub(super) fn size(&self) -> usize {
        let data = self.data.as_ref().map_or(0, |data| data.to_string().len());
        self.kind.len() + self.message.len() + data
    }

    /// Itself, with its texts cut to what an inbox takes.
    fn bounded(&self) -> Result<Self> {
        if self.data.as_ref().is_some_and(|data| data.to_string().len() > DATA_MAX) {
            return Err(Error::internal(format_args!("the data of a {} is too large for an inbox", self.kind)));
        }
        let cut = |text: &str, most| text.chars().take(most).collect();
        Ok(Self { kind: cut(&self.kind, KIND_MAX), message: cut(&self.message, MESSAGE_MAX), data: self.data.clone() })
    }
}

/// Puts a message into the inboxes of these users and tells them, the caller included. Texts that are
/// longer than an inbox takes are cut.
///
/// # Errors
/// 503 when the database is away; 500 when `data` is larger than [`DATA_MAX`].
pub async fn notify(tx: &mut Tx, users: &[UserId], what: &Message) -> Result<()> {
    tx.spare(None);
    let Message { kind, message, data } = what.bounded()?;
    let (status, created_at) = (Status::Pending, tx.now());
    let mut unread = unread_of(&mut tx.conn, users).await?;
    let mut rows = Vec::with_capacity(users.len());
    for user_id in users.iter().copied() {
        let id = NotificationId::generate();
        let unread = unread.entry(user_id).or_default();
        *unread += 1;
        let new = NewNotification {
            id,
            user_id,
            message: &message,
            kind: &kind,
            data: data.as_ref(),
            status,
            created_at,
            unread: *unread,
        };
        let seq = tx.tell_of(&new, Audience::to([Room::User(user_id)]))?.0;
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
        rows.push((row, notifications::mail_state.eq("NONE"), notifications::mail_attempts.eq(0)));
    }
    insert_all!(&mut tx.conn, notifications::table, &rows)?;
    Ok(())
}

/// How much each of these users has not read; those who have read all are left out.
pub(super) async fn unread_of(conn: &mut Conn, users: &[UserId]) -> QueryResult<HashMap<UserId, i64>> {
    // Named one by one, as an index is looked through: what was read is most of an inbox.
    let unread = notifications::table
        .filter(notifications::user_id.eq_any(users))
        .filter(notifications::status.eq_any([Status::Pending, Status::Delivered]))
        .group_by(notifications::user_id)
        .select((notifications::user_id, diesel::dsl::count_star()));
    let counts: Vec<(UserId, i64)> = sql!(conn, |c| unread.load(c).await)?;
    Ok(counts.into_iter().collect())
}

/// How much this user has not read.
pub(super) async fn unread(conn: &mut Conn, user: UserId) -> QueryResult<i64> {
    Ok(unread_of(conn, &[user]).await?.remove(&user).unwrap_or(0))
}
