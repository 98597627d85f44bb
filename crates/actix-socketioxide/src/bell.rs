//! [`Bell`]: wakes whoever waits for a change, and costs next to nothing while nobody does.

use futures_util::future::{Either, select};
use std::{
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering, fence},
};
use tokio::sync::Notify;

/// A change is made first and rung for afterwards; who waits listens first and looks afterwards. A
/// `Notify` alone takes a lock at every ring, which is felt where some hundred thousand writes a
/// second ring and nobody listens.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    listeners: AtomicUsize,
    notify: Notify,
}

impl Bell {
    /// Something has changed.
    pub(crate) fn ring(&self) {
        // Either the listener is seen here, or the listener, who looks behind such a fence as well,
        // sees the change.
        fence(Ordering::SeqCst);
        if self.listeners.load(Ordering::Relaxed) > 0 {
            self.notify.notify_waiters();
        }
    }

    /// Waits until `held` is true.
    pub(crate) async fn wait(&self, held: impl Fn() -> bool) {
        self.wait_with(|| None, held).await;
    }

    /// The same, where another bell is rung for it as well. That one may come to be later; this one is
    /// rung then.
    pub(crate) async fn wait_with<'a>(&self, other: impl Fn() -> Option<&'a Self>, held: impl Fn() -> bool) {
        let _listening = Listening::to(self);
        loop {
            let mut rung = pin!(self.notify.notified());
            rung.as_mut().enable();
            let other = other();
            let _listening = other.map(Listening::to);
            let mut other = pin!(other.map(|bell| bell.notify.notified()));
            if let Some(other) = other.as_mut().as_pin_mut() {
                other.enable();
            }
            if held() {
                return;
            }
            match other.as_pin_mut() {
                Some(other) => match select(rung, other).await {
                    Either::Left(_) | Either::Right(_) => {}
                },
                None => rung.await,
            }
        }
    }
}

/// Counted in as long as it lives.
struct Listening<'a>(&'a Bell);

impl<'a> Listening<'a> {
    fn to(bell: &'a Bell) -> Self {
        bell.listeners.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        Self(bell)
    }
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.0.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}
