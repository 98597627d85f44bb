//! What waits for one reader, bounded in bytes. The way out of `/ws` and `/v1/stream`, whose own
//! layers (`actix-web-actors`, a response body) have no bound.

use crate::broker::{Cause, Frame, Outlet, Overflow, WireInfo};
use actix_socketioxide::Meter;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::sync::Notify;

/// Below so many waiting bytes a further page of a replay fits.
pub const LOW_WATER: usize = 64 * 1024;

/// How long a closing connection may take to let its reader know why. A reader that is stuck never
/// gets to know; its stream is cut then, since nothing else frees what it holds.
pub const CLOSING: Duration = Duration::from_secs(2);

/// Something that waits.
#[derive(Debug)]
pub struct Parcel {
    /// As it goes out.
    pub bytes: Bytes,
    /// What it confirms once it has left, on connections where that counts.
    pub confirms: Option<Arc<Frame>>,
}

/// Encoded frames in order, with one reader. Clones are the same queue.
#[derive(Clone)]
pub struct Queue(Arc<Shared>);

struct Shared {
    max: usize,
    state: Mutex<State>,
    /// Less than [`LOW_WATER`] waits, or the queue is closed.
    eased: Notify,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Parcel>,
    bytes: usize,
    closed: Option<Cause>,
    reader: Option<Waker>,
}

impl Queue {
    /// An empty queue for at most `max` bytes. A single frame that is larger still passes when
    /// nothing else waits: it could never be sent otherwise, however often the client came back.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self(Arc::new(Shared { max, state: Mutex::default(), eased: Notify::new() }))
    }

    /// Adds a frame.
    ///
    /// # Errors
    /// [`Overflow`] when it does not fit or the queue is closed; it was not taken.
    pub fn push(&self, frame: Bytes) -> Result<(), Overflow> {
        self.send(Parcel { bytes: frame, confirms: None })
    }

    fn send(&self, parcel: Parcel) -> Result<(), Overflow> {
        let reader = {
            let mut state = self.lock();
            let len = parcel.bytes.len();
            let fits = state.bytes == 0 || state.bytes + len <= self.0.max;
            if state.closed.is_some() || !fits {
                return Err(Overflow);
            }
            state.bytes += len;
            state.frames.push_back(parcel);
            state.reader.take()
        };
        // Woken without the lock, which it will want at once.
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    /// The next frame if `may_take`; `None` at the end. Else the reader is woken when there is one,
    /// or when the queue is closed. What waits is not read to the end: a close is heard at once.
    pub fn poll_take(&self, context: &mut Context<'_>, may_take: bool) -> Poll<Option<Parcel>> {
        let mut state = self.lock();
        if state.closed.is_some() {
            return Poll::Ready(None);
        }
        if may_take && let Some(frame) = state.frames.pop_front() {
            let before = state.bytes;
            state.bytes -= frame.bytes.len();
            if before > LOW_WATER && state.bytes <= LOW_WATER {
                self.0.eased.notify_waiters();
            }
            if state.frames.is_empty() {
                // What a burst has grown is not kept for the idle time that follows.
                state.frames = VecDeque::new();
            }
            return Poll::Ready(Some(frame));
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }

    /// Closes the queue and drops what waits. The first cause counts.
    pub fn close(&self, cause: Cause) {
        let (reader, frames) = {
            let mut state = self.lock();
            state.closed.get_or_insert(cause);
            state.bytes = 0;
            (state.reader.take(), std::mem::take(&mut state.frames))
        };
        drop(frames);
        self.0.eased.notify_waiters();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Why the queue was closed, once it is.
    #[must_use]
    pub fn closed(&self) -> Option<Cause> {
        self.lock().closed
    }

    /// Resolves once at most [`LOW_WATER`] bytes wait, or the queue is closed.
    pub fn drained(&self) -> BoxFuture<'static, ()> {
        let queue = self.clone();
        Box::pin(async move {
            loop {
                let mut eased = std::pin::pin!(queue.0.eased.notified());
                // Listen before looking, or what happens between the two is missed.
                eased.as_mut().enable();
                if queue.lock().bytes <= LOW_WATER {
                    return;
                }
                eased.await;
            }
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way out of a connection that reads from a [`Queue`].
pub struct QueueOutlet {
    queue: Queue,
    meter: Meter,
    encode: fn(&Frame) -> &Bytes,
    acks: bool,
}

impl QueueOutlet {
    /// Into this queue, in this encoding; the reader is at the other end of this stream. Without
    /// `acks` the frames that want a confirmation travel with their bytes.
    #[must_use]
    pub fn new(queue: Queue, meter: Meter, encode: fn(&Frame) -> &Bytes, acks: bool) -> Self {
        Self { queue, meter, encode, acks }
    }
}

impl Outlet for QueueOutlet {
    fn send(&mut self, frame: &Arc<Frame>) -> Result<(), Overflow> {
        let confirms = (!self.acks && frame.wants_confirmation()).then(|| Arc::clone(frame));
        self.queue.send(Parcel { bytes: (self.encode)(frame).clone(), confirms })
    }

    fn drained(&self) -> BoxFuture<'static, ()> {
        self.queue.drained()
    }

    fn wire(&self) -> WireInfo {
        WireInfo { address: self.meter.peer().map(|peer| peer.ip()), carrier: None }
    }

    /// The reader's side says why and ends the stream. It is not even asked while the stream is
    /// stuck, so the stream is cut from here when that takes too long.
    fn close(&mut self, cause: Cause) {
        self.queue.close(cause);
        let meter = self.meter.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = tokio::time::timeout(CLOSING, meter.closed()).await;
                meter.cut();
            });
        }
    }
}

/// An outlet that nobody holds any more leads nowhere: its client would wait in vain.
impl Drop for QueueOutlet {
    fn drop(&mut self) {
        if self.queue.closed().is_none() {
            self.close(Cause::GoingAway);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, future::poll_fn, task::noop_waker};
    use proptest::prelude::*;

    fn bytes(len: usize) -> Bytes {
        Bytes::from(vec![0; len])
    }

    fn bytes_of(taken: Poll<Option<Parcel>>) -> Poll<Option<Bytes>> {
        taken.map(|parcel| parcel.map(|parcel| parcel.bytes))
    }

    fn take(queue: &Queue) -> Poll<Option<Bytes>> {
        bytes_of(queue.poll_take(&mut Context::from_waker(&noop_waker()), true))
    }

    #[test]
    fn frames_come_out_in_the_order_in_which_they_went_in() {
        let queue = Queue::new(100);
        for text in ["a", "b", "c"] {
            queue.push(text.into()).expect("there is room");
        }
        for text in ["a", "b", "c"] {
            assert_eq!(take(&queue), Poll::Ready(Some(text.into())));
        }
        assert_eq!(take(&queue), Poll::Pending);
    }

    #[test]
    fn a_full_queue_takes_nothing_but_one_frame_always_fits() {
        let queue = Queue::new(10);
        queue.push(bytes(20)).expect("an empty queue takes any frame");
        assert_eq!(queue.push(bytes(1)), Err(Overflow));
        assert!(take(&queue).is_ready());
        queue.push(bytes(4)).expect("there is room");
        queue.push(bytes(6)).expect("there is room");
        assert_eq!(queue.push(bytes(1)), Err(Overflow));
    }

    #[test]
    fn a_closed_queue_ends_at_once_whatever_waits() {
        let queue = Queue::new(10);
        queue.push(bytes(1)).expect("there is room");
        queue.close(Cause::SlowConsumer);
        queue.close(Cause::GoingAway);
        assert_eq!(take(&queue), Poll::Ready(None));
        assert_eq!(queue.push(bytes(1)), Err(Overflow));
        assert_eq!(queue.closed(), Some(Cause::SlowConsumer), "the first cause counts");
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken_by_a_frame_and_by_the_end() {
        let queue = Queue::new(10);
        for _ in 0..2 {
            let reader = tokio::spawn({
                let queue = queue.clone();
                async move { poll_fn(|context| bytes_of(queue.poll_take(context, true))).await }
            });
            tokio::task::yield_now().await;
            queue.push("a".into()).expect("there is room");
            assert_eq!(reader.await.expect("ends"), Some("a".into()));
        }
        let reader = tokio::spawn({
            let queue = queue.clone();
            async move { poll_fn(|context| bytes_of(queue.poll_take(context, false))).await }
        });
        tokio::task::yield_now().await;
        queue.close(Cause::GoingAway);
        assert_eq!(reader.await.expect("ends"), None);
    }

    #[tokio::test]
    async fn drained_resolves_below_the_low_water_mark_and_at_the_end() {
        let queue = Queue::new(10 * LOW_WATER);
        queue.push(bytes(LOW_WATER)).expect("there is room");
        queue.drained().await;
        queue.push(bytes(LOW_WATER)).expect("there is room");
        let mut drained = tokio::spawn(queue.drained());
        tokio::task::yield_now().await;
        assert!((&mut drained).now_or_never().is_none());
        assert!(take(&queue).is_ready());
        drained.await.expect("ends");

        queue.push(bytes(LOW_WATER)).expect("there is room");
        let drained = tokio::spawn(queue.drained());
        tokio::task::yield_now().await;
        queue.close(Cause::GoingAway);
        drained.await.expect("ends");
    }

    proptest! {
        #[test]
        fn what_waits_never_exceeds_the_bound_and_nothing_taken_is_lost(
            steps in prop::collection::vec(prop::option::of(0_usize..200), 0..200),
        ) {
            let (queue, max) = (Queue::new(500), 500);
            let mut waiting = VecDeque::new();
            for step in steps {
                match step {
                    Some(len) => {
                        let sum: usize = waiting.iter().sum();
                        let fits = sum == 0 || sum + len <= max;
                        prop_assert_eq!(queue.push(bytes(len)).is_ok(), fits);
                        if fits {
                            waiting.push_back(len);
                        }
                    }
                    None => match waiting.pop_front() {
                        Some(len) => prop_assert_eq!(take(&queue), Poll::Ready(Some(bytes(len)))),
                        None => prop_assert!(take(&queue).is_pending()),
                    },
                }
            }
        }
    }
}
