//! The body of a stream: what waits in the queue, and a comment when nothing does.

use crate::{
    broker::Cause,
    transport::{
        Seat,
        handover::Handover,
        queue::{Parcel, Queue},
    },
};
use actix_socketioxide::Meter;
use bytes::Bytes;
use futures_util::Stream;
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// First line: a browser that loses the stream comes back after so many milliseconds.
pub(super) const HEAD: Bytes = Bytes::from_static(b"retry: 1000\n\n");

/// A line that clients skip.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// Reads the queue as fast as actix takes it, which is as fast as the reader reads: the rest waits in
/// the queue, which has a bound.
pub struct Body {
    head: Option<Bytes>,
    queue: Queue,
    comment: Interval,
    handover: Option<Handover<Meter>>,
    _seat: Seat,
}

impl Body {
    /// A stream for the connection in this seat. Without a `handover` the client confirms in other ways.
    pub fn new(queue: Queue, handover: Option<Handover<Meter>>, seat: Seat, every: Duration) -> Self {
        let mut comment = interval_at(Instant::now() + every, every);
        comment.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { head: Some(HEAD), queue, comment, handover, _seat: seat }
    }
}

impl Stream for Body {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(head) = this.head.take() {
            return Poll::Ready(Some(Ok(head)));
        }
        if let Poll::Ready(parcel) = this.queue.poll_take(context, true) {
            let Some(Parcel { bytes, confirms }) = parcel else { return Poll::Ready(None) };
            if let (Some(frame), Some(handover)) = (&confirms, &this.handover) {
                // From here it goes into the write buffer, whatever is put round it there.
                handover.add(handover.road().written(), frame);
            }
            return Poll::Ready(Some(Ok(bytes)));
        }
        this.comment.poll_tick(context).map(|_| Some(Ok(COMMENT)))
    }
}

/// The reader is gone: nothing that is still emitted needs to be kept.
impl Drop for Body {
    fn drop(&mut self) {
        self.queue.close(Cause::Disconnected);
    }
}
