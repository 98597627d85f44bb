//! What goes to the client, paced by what the client takes. `actix-web-actors` buffers without a
//! bound, so only so much is handed to it; the rest waits in the queue, which has one.

use crate::{
    broker::Frame,
    transport::{
        handover::Handover,
        queue::{Parcel, Queue},
    },
};
use actix_socketioxide::Meter;
use bytes::Bytes;
use futures_util::{Stream, future::BoxFuture};
use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

/// Most bytes that are handed on and have not left yet.
pub const WINDOW: u64 = 64 * 1024;

/// Bytes of a frame from a server: header and payload (RFC 6455, 5.2). Exactly: what is counted wrong
/// here adds up until nothing may leave any more.
const fn frame_bytes(payload: usize) -> u64 {
    let header = match payload {
        0..126 => 2,
        126..65_536 => 4,
        _ => 10,
    };
    payload as u64 + header
}

/// Bytes handed to the context against bytes that left the stream.
pub struct Ledger {
    meter: Meter,
    handed: Cell<u64>,
    /// What had left the stream when the count began.
    base: Cell<u64>,
}

impl Ledger {
    /// Counts from now on.
    pub fn new(meter: Meter) -> Rc<Self> {
        let base = Cell::new(meter.written());
        Rc::new(Self { meter, handed: Cell::new(0), base })
    }

    /// Something with so many bytes of payload is handed on.
    pub fn hand(&self, payload: usize) {
        self.handed.set(self.handed.get() + frame_bytes(payload));
    }

    /// How much is on its way.
    pub fn under_way(&self) -> u64 {
        let left = self.meter.written().saturating_sub(self.base.get());
        if left > self.handed.get() {
            // The answer to the handshake left as well; it was not handed on here.
            self.base.set(self.base.get() + left - self.handed.get());
            return 0;
        }
        self.handed.get() - left
    }

    /// Whether one more may be handed on.
    pub fn is_open(&self) -> bool {
        self.under_way() < WINDOW
    }

    fn progress(&self) -> BoxFuture<'static, ()> {
        Box::pin(self.meter.progress())
    }
}

/// The queue's frames, as fast as they leave. Ends when the queue is closed.
pub struct Outgoing {
    queue: Queue,
    ledger: Rc<Ledger>,
    progress: Option<BoxFuture<'static, ()>>,
}

impl Outgoing {
    /// From this queue, by this ledger.
    pub fn new(queue: Queue, ledger: Rc<Ledger>) -> Self {
        Self { queue, ledger, progress: None }
    }
}

impl Stream for Outgoing {
    type Item = Parcel;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Parcel>> {
        let this = self.get_mut();
        while !this.ledger.is_open() {
            // Listen first, then look again, or what leaves between the two is missed.
            let Some(progress) = &mut this.progress else {
                this.progress = Some(this.ledger.progress());
                continue;
            };
            if progress.as_mut().poll(context).is_pending() {
                return this.queue.poll_take(context, false);
            }
            this.progress = None;
        }
        this.progress = None;
        this.queue.poll_take(context, true)
    }
}

/// Frames that were handed to the context and are not encoded yet.
pub type Unencoded = Rc<RefCell<Vec<Arc<Frame>>>>;

/// The context's bytes on their way to the stream, where that confirms notifications (`acks: false`).
pub struct Confirming<S> {
    encoded: S,
    unencoded: Unencoded,
    handover: Handover<Meter>,
}

impl<S> Confirming<S> {
    /// These bytes, which hold these frames.
    pub const fn new(encoded: S, unencoded: Unencoded, handover: Handover<Meter>) -> Self {
        Self { encoded, unencoded, handover }
    }
}

impl<S: Stream<Item = Result<Bytes, E>> + Unpin, E> Stream for Confirming<S> {
    type Item = Result<Bytes, E>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let next = Pin::new(&mut this.encoded).poll_next(context);
        if let Poll::Ready(Some(Ok(_))) = &next {
            // The context encodes all that it was handed at once. From here it goes into the write buffer.
            for frame in this.unencoded.borrow_mut().drain(..) {
                this.handover.add(this.handover.road().written(), &frame);
            }
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_http::ws::{Codec, Message};
    use bytes::BytesMut;
    use tokio_util::codec::Encoder;

    #[test]
    fn a_frame_is_counted_as_the_codec_writes_it() {
        for payload in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000] {
            let mut out = BytesMut::new();
            Codec::new().encode(Message::Text("x".repeat(payload).into()), &mut out).expect("is encoded");
            assert_eq!(frame_bytes(payload), out.len() as u64, "{payload}");
        }
    }
}
