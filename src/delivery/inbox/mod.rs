//! The inbox: what must reach a person even when nobody is there (CONTRACT 6).
//!
//! A notification is stored first, in the transaction of what it tells of, together with its
//! `new_notification`; then it is sent. Its status only moves `PENDING` → `DELIVERED` → `READ`:
//! every step is a compare-and-set in the one order of changes.
//!
//! | Part | Does |
//! |---|---|
//! | `notify` | from what happened to what lies in inboxes |
//! | `pending` | what waits on connecting |
//! | `confirm`, `confirmations` | `DELIVERED`: for one who waits for it; for all others, in batches |
//! | `marks` | read, delete |
//! | `list`, `routes` | HTTP |
//! | `send`, `broadcast` | an administrator's message to some, and to very many, a stretch at a time |
//! | `retention` | what is forgotten |

mod broadcast;
mod confirm;
mod confirmations;
mod list;
mod marks;
mod notify;
mod pending;
mod retention;
mod routes;
mod send;
#[cfg(test)]
mod statuses_test;

pub use broadcast::Broadcasts;
pub use confirmations::Confirmations;
pub use marks::NotificationRead;
pub use notify::{Message, NewNotification, notify};
pub use pending::PendingNotifications;
pub use retention::{forget, sweep};
pub use routes::configure;

use super::outbox::Outbox;
use crate::{
    ids::{NotificationId, UserId},
    store::{Json, Store, schema::notifications},
    text_enum,
    time::Time,
};
use diesel::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Longest message, in characters: it is sent to phones and stored for each of many.
pub const MESSAGE_MAX: usize = 2_000;
/// Longest kind, in characters (CONTRACT 6).
pub const KIND_MAX: usize = 64;
/// Most bytes of `data`, encoded: it is stored for each of many, and sent as part of one message.
pub const DATA_MAX: usize = 8 * 1024;

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
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, Queryable, Selectable, Insertable)]
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
