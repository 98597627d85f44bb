//! `acks: false`: a notification is confirmed once its bytes were handed to the operating system
//! (CONTRACT 6), never before. While no notification is on its way this costs nothing.

use super::receipts::Addressee;
use crate::{broker::Frame, ids::NotificationId};
use actix_socketioxide::{Link, Meter};
use std::{
    collections::VecDeque,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Most notifications of one connection that may be on their way. More stay `PENDING` and come again.
const UNDER_WAY_MAX: usize = 4096;

/// A way to a client, on which it is known what the operating system has taken.
pub trait Road: Clone + Send + Sync + 'static {
    /// What carries this mark or a lower one has been taken; `None`: nothing is known.
    fn passed(&self) -> Option<u64>;
    /// Resolves when that may have changed since the call, and when the way has ended.
    fn progress(&self) -> impl Future<Output = ()> + Send;
    /// Whether the way has ended.
    fn ended(&self) -> bool;
}

/// A stream whose owner marks with [`Meter::written`] what it puts into the write buffer. Each write
/// offers all of the buffer: when one that came later left nothing waiting, that was taken.
impl Road for Meter {
    fn passed(&self) -> Option<u64> {
        // In this order: the mount stores what waits before it counts what was written.
        let written = self.written();
        if self.waiting() == 0 { written.checked_sub(1) } else { None }
    }

    fn progress(&self) -> impl Future<Output = ()> + Send {
        Meter::progress(self)
    }

    fn ended(&self) -> bool {
        self.is_closed()
    }
}

/// A Socket.IO session; marked with the bytes of all events up to and with this one.
impl Road for Link {
    fn passed(&self) -> Option<u64> {
        Some(self.taken_bytes())
    }

    fn progress(&self) -> impl Future<Output = ()> + Send {
        self.taken_progress()
    }

    fn ended(&self) -> bool {
        self.is_closed()
    }
}

/// Notifications on their way to one client. Clones are the same.
pub struct Handover<R>(Arc<Shared<R>>);

struct Shared<R> {
    road: R,
    addressee: Addressee,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    under_way: VecDeque<(u64, Vec<NotificationId>)>,
    count: usize,
    watched: bool,
}

impl<R: Road> Handover<R> {
    /// On this road, to this user.
    pub fn new(road: R, addressee: Addressee) -> Self {
        Self(Arc::new(Shared { road, addressee, state: Mutex::default() }))
    }

    /// The road.
    pub fn road(&self) -> &R {
        &self.0.road
    }

    /// The frame is on its way under this mark; marks do not fall.
    pub fn add(&self, mark: u64, frame: &Frame) {
        let ids = frame.confirms();
        let mut state = self.lock();
        if ids.is_empty() || state.count + ids.len() > UNDER_WAY_MAX {
            return;
        }
        state.count += ids.len();
        state.under_way.push_back((mark, ids.to_vec()));
        // Without a runtime the process is at its end.
        if !state.watched
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            state.watched = true;
            runtime.spawn(self.clone().watch());
        }
    }

    /// Confirms what has passed, until nothing is on its way.
    async fn watch(self) {
        loop {
            // Both before looking, or what happens between the two is missed.
            let progress = self.0.road.progress();
            let ended = self.0.road.ended();
            let passed = self.0.road.passed();
            let mut ids = Vec::new();
            let done = {
                let mut state = self.lock();
                while let Some((_, more)) = state.under_way.pop_front_if(|(mark, _)| Some(*mark) <= passed) {
                    state.count -= more.len();
                    ids.extend(more);
                }
                // What the system has not taken at the end stays `PENDING`.
                state.watched = !state.under_way.is_empty();
                !state.watched || ended
            };
            self.0.addressee.has(&ids);
            if done {
                return;
            }
            progress.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R> Clone for Handover<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::UserId;
    use crate::transport::fake::Kept;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
    use tokio::sync::Notify;

    /// Passes what it is told to.
    #[derive(Clone, Default)]
    struct Lane(Arc<(AtomicU64, AtomicBool, Notify)>);

    impl Lane {
        fn passes(&self, mark: u64) {
            self.0.0.store(mark, SeqCst);
            self.0.2.notify_waiters();
        }

        fn ends(&self) {
            self.0.1.store(true, SeqCst);
            self.0.2.notify_waiters();
        }
    }

    impl Road for Lane {
        fn passed(&self) -> Option<u64> {
            Some(self.0.0.load(SeqCst))
        }

        fn progress(&self) -> impl Future<Output = ()> + Send {
            let lane = self.clone();
            let seen = self.passed();
            async move {
                let mut moved = std::pin::pin!(lane.0.2.notified());
                moved.as_mut().enable();
                if lane.passed() == seen && !lane.ended() {
                    moved.await;
                }
            }
        }

        fn ended(&self) -> bool {
            self.0.1.load(SeqCst)
        }
    }

    fn page(count: usize) -> (Arc<Frame>, Vec<NotificationId>) {
        let ids: Vec<_> = (0..count).map(|_| NotificationId::generate()).collect();
        (Frame::pending("{}".into(), ids.clone().into()), ids)
    }

    #[tokio::test]
    async fn what_has_passed_is_confirmed_and_nothing_else() {
        let (lane, kept) = (Lane::default(), Kept::default());
        let handover = Handover::new(lane.clone(), Addressee::new(Arc::new(kept.clone()), UserId::generate()));
        let ((first, one), (second, two), (third, three)) = (page(1), page(2), page(3));
        handover.add(10, &first);
        handover.add(20, &second);
        lane.passes(9);
        tokio::task::yield_now().await;
        assert_eq!(kept.ids(), []);
        lane.passes(10);
        kept.holds(&one).await;
        lane.passes(25);
        kept.holds(&[one.clone(), two.clone()].concat()).await;
        // Nothing is on its way, so nobody watches; the next begins anew.
        handover.add(30, &third);
        lane.passes(30);
        kept.holds(&[one, two, three].concat()).await;
    }

    #[tokio::test]
    async fn what_never_left_before_the_end_is_not_confirmed() {
        let (lane, kept) = (Lane::default(), Kept::default());
        let handover = Handover::new(lane.clone(), Addressee::new(Arc::new(kept.clone()), UserId::generate()));
        let ((first, one), (second, _)) = (page(1), page(1));
        handover.add(10, &first);
        handover.add(20, &second);
        lane.0.0.store(10, SeqCst);
        lane.ends();
        kept.holds(&one).await;
        lane.passes(20);
        tokio::task::yield_now().await;
        assert_eq!(kept.ids(), one);
    }

    #[tokio::test]
    async fn what_is_on_its_way_has_a_bound() {
        let (lane, kept) = (Lane::default(), Kept::default());
        let handover = Handover::new(lane.clone(), Addressee::new(Arc::new(kept.clone()), UserId::generate()));
        let (frame, ids) = page(UNDER_WAY_MAX);
        handover.add(1, &frame);
        handover.add(2, &page(1).0);
        lane.passes(2);
        kept.holds(&ids).await;
    }
}
