//! What waits for a user, as the broker reads it: `pending_notifications` (CONTRACT 6).

use super::Away;
use crate::{
    ids::{NotificationId, UserId},
    notice::Seq,
};
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// A stretch of what waits for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The payload of `pending_notifications`: `{notifications, unread}`, JSON text.
    pub payload: Arc<str>,
    /// The notifications in it, oldest first; may be none.
    pub ids: Arc<[NotificationId]>,
    /// Where to go on, if there is more.
    pub more: Option<Seq>,
}

/// The inboxes, as the broker reads them.
pub trait Inbox: Send + Sync + 'static {
    /// What is `PENDING` for the user between these places (`after < seq <= upto`), oldest first, at
    /// most 100 and no more bytes than fit into one stretch of a replay. If nothing is, and that is not `owed` to
    /// anybody, the payload may be left out.
    fn pending(&self, user: UserId, after: Seq, upto: Seq, owed: bool) -> BoxFuture<'static, Result<Pending, Away>>;
}
