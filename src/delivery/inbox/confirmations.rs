//! What clients confirm one by one, on its way into the inboxes in batches.

use super::Inbox;
use crate::ids::{NotificationId, UserId};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::sync::{Notify, mpsc};

/// Most confirmations that wait to be written. Those beyond it are dropped: a notification stays
/// `PENDING` and comes again, which is better than memory that fills while the database is away.
const WAITING_MAX: usize = 8192;
/// Most confirmations read from the queue at once.
const READ_AT_ONCE: usize = 256;
/// Most notifications in one change: everybody waits for it.
const CHANGE_MAX: usize = 500;
/// How long to wait before a batch that could not be written is tried again, and how often.
const PAUSES: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2)];

/// The way for confirmations that nobody waits for; cheap to clone.
#[derive(Clone)]
pub struct Confirmations {
    inbox: Inbox,
    waiting: mpsc::Sender<(UserId, Vec<NotificationId>)>,
    closing: Arc<Notify>,
}

impl Confirmations {
    /// The way, and what has to run for them to arrive; it ends after [`end`](Self::end), when
    /// everything that was taken is written.
    pub fn new(inbox: Inbox) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        let closing = Arc::new(Notify::new());
        let written = write(inbox.clone(), waiting, closing.clone());
        (Self { inbox, waiting: sender, closing }, written)
    }

    /// The user's client has these. Never waits; may be lost.
    pub fn add(&self, user: UserId, ids: &[NotificationId]) {
        if !ids.is_empty() && self.waiting.try_send((user, ids.to_vec())).is_err() {
            log::debug!("too many confirmations; these notifications will come again");
        }
    }

    /// For those who wait until it is written.
    #[must_use]
    pub const fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// Takes no more.
    pub fn end(&self) {
        self.closing.notify_one();
    }
}

async fn write(inbox: Inbox, mut waiting: mpsc::Receiver<(UserId, Vec<NotificationId>)>, closing: Arc<Notify>) {
    let mut read = Vec::new();
    loop {
        let count = tokio::select! {
            biased;
            () = closing.notified(), if !waiting.is_closed() => {
                waiting.close();
                continue;
            }
            count = waiting.recv_many(&mut read, READ_AT_ONCE) => count,
        };
        if count == 0 {
            return;
        }
        // A notification and its alias are confirmed one after the other, and so are two tabs.
        let pairs = read.drain(..).flat_map(|(user, ids)| ids.into_iter().map(move |id| (user, id)));
        let pairs: Vec<(UserId, NotificationId)> = pairs.collect::<HashSet<_>>().into_iter().collect();
        for change in pairs.chunks(CHANGE_MAX) {
            write_change(&inbox, change, &waiting).await;
        }
    }
}

async fn write_change<T>(inbox: &Inbox, change: &[(UserId, NotificationId)], waiting: &mpsc::Receiver<T>) {
    let mut pauses = PAUSES.iter();
    while let Err(error) = inbox.confirm_many(change.to_vec()).await {
        // Whoever stops does not wait for a database that is away.
        let Some(pause) = pauses.next().filter(|_| !waiting.is_closed()) else {
            return log::warn!("{} confirmations are lost: {error}", change.len());
        };
        tokio::time::sleep(*pause).await;
    }
}
