//! Where confirmations go: what a client has is `DELIVERED` (CONTRACT 6).

use crate::{
    delivery::inbox::Confirmations,
    error::Result,
    ids::{NotificationId, UserId},
};
use futures_util::future::{BoxFuture, FutureExt as _};
use std::sync::Arc;

/// Takes confirmations. A trait, so that the wires can be tested without a database.
pub trait Receipts: Send + Sync + 'static {
    /// The user's client has these. Never waits; may get lost, then they come again.
    fn received(&self, user: UserId, ids: &[NotificationId]);

    /// The same, resolved once it is stored. 503.
    fn confirm(&self, user: UserId, ids: Vec<NotificationId>) -> BoxFuture<'static, Result<()>>;
}

impl Receipts for Confirmations {
    fn received(&self, user: UserId, ids: &[NotificationId]) {
        self.add(user, ids);
    }

    fn confirm(&self, user: UserId, ids: Vec<NotificationId>) -> BoxFuture<'static, Result<()>> {
        let inbox = self.inbox().clone();
        async move { inbox.confirm(user, ids).await }.boxed()
    }
}

/// Whose inbox one connection confirms.
#[derive(Clone)]
pub struct Addressee {
    receipts: Arc<dyn Receipts>,
    user: UserId,
}

impl Addressee {
    /// This user, by these receipts.
    pub fn new(receipts: Arc<dyn Receipts>, user: UserId) -> Self {
        Self { receipts, user }
    }

    /// The client has these.
    pub fn has(&self, ids: &[NotificationId]) {
        self.receipts.received(self.user, ids);
    }
}
