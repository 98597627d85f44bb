//! The inbox: what must reach a person even when nobody is there (CONTRACT 6).
//!
//! A notification is stored first, in the transaction of what it tells of, together with its
//! `new_notification`; then it is sent. Its status only moves `PENDING` → `DELIVERED` → `READ`:
//! every step is a compare-and-set in the one order of changes.

mod confirm;
mod notify;
mod pending;

pub use notify::{Message, notify};

use super::outbox::Outbox;
use crate::{
    ids::{NotificationId, UserId},
    store::{Json, Store, schema::notifications},
    text_enum,
    time::Time,
};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;

text_enum! {
    /// How far a notification has come.
    Status {
        /// Nobody confirmed it yet.
        Pending = "PENDING",
        /// A client confirmed that it has it.
        Delivered = "DELIVERED",
        /// The user has read it.
        Read = "READ",
    }
}

/// A notification, as its user sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Queryable, Selectable, Insertable)]
#[diesel(table_name = notifications)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    id: NotificationId,
    user_id: UserId,
    message: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Json<Value>>,
    status: Status,
    created_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_at: Option<Time>,
    /// The place of its `new_notification`.
    seq: i64,
}

/// The inboxes of all users; cheap to clone.
#[derive(Clone)]
pub struct Inbox {
    store: Store,
    outbox: Outbox,
}

impl Inbox {
    /// In this database, changed through this outbox.
    #[must_use]
    pub const fn new(store: Store, outbox: Outbox) -> Self {
        Self { store, outbox }
    }
}
