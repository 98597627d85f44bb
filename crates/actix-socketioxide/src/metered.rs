//! [`Metered`]: the wrapper round every accepted stream. It counts, watches and cuts.

mod reading;
mod writing;

use crate::{
    caps::Slot,
    door::Way,
    frames::{FrameWalker, Message},
    ledger::{Entry, Ledger, Taker},
    link::Link,
    meter::Meter,
};
use bytes::Bytes;
use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    net::tcp::{OwnedReadHalf, OwnedWriteHalf},
    time::{Sleep, sleep},
};

/// What can be done with streams of one kind beside reading and writing.
#[derive(Debug)]
pub(crate) struct Kind<S> {
    /// Has the stream reset when it is dropped.
    pub(crate) reset: fn(&S),
    /// Lets others than the engine write to it.
    pub(crate) split: Option<fn(S) -> (OwnedReadHalf, OwnedWriteHalf)>,
}

impl<S> Kind<S> {
    /// Nothing.
    pub(crate) const ANY: Self = Self { reset: |_| {}, split: None };
}

impl<S> Clone for Kind<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Kind<S> {}

/// An accepted stream under the mount's eyes: what is written is counted, a reader that takes
/// nothing for too long is cut, and its place under the caps is given back when it is dropped.
///
/// A pointer, as it is moved through several services and into the engine's futures, which keep room for each step.
#[derive(Debug)]
pub struct Metered<S>(Box<Inner<S>>);

#[derive(Debug)]
struct Inner<S> {
    io: Io<S>,
    meter: Meter,
    /// Bytes to read before the stream's own: a request head that is given back.
    replay: Bytes,
    stall: Duration,
    /// Runs only while a write is stuck, so an idle stream has no timer.
    stuck: Option<Pin<Box<Sleep>>>,
    session: Option<Session>,
    kind: Kind<S>,
    ledger: Arc<Ledger>,
    entry: Option<Entry>,
    slot: Option<Slot>,
}

#[derive(Debug)]
enum Io<S> {
    Whole(S),
    /// A websocket that others write to as well.
    Shared(OwnedReadHalf, Arc<Way>),
    Gone,
}

/// What is followed once the stream carries a session.
#[derive(Debug)]
struct Session {
    link: Link,
    written: Written,
    /// Looks for the end of the upgrade, then for nothing.
    read: Option<FrameWalker>,
}

/// How far the writing has come.
#[derive(Debug)]
enum Written {
    /// Somebody else answers the handshake.
    Nothing,
    /// The handshake's answer, or the rest of it, is to leave with the first frame.
    Greeting(Bytes),
    /// Frames from here on.
    Frames(FrameWalker),
}

impl<S> Metered<S> {
    pub(crate) fn new(
        io: S,
        peer: Option<SocketAddr>,
        stall: Duration,
        kind: Kind<S>,
        ledger: Arc<Ledger>,
        slot: Slot,
    ) -> Self {
        Self(Box::new(Inner {
            io: Io::Whole(io),
            meter: Meter::new(peer),
            replay: Bytes::new(),
            stall,
            stuck: None,
            session: None,
            kind,
            ledger,
            entry: None,
            slot: Some(slot),
        }))
    }

    /// The handle on this stream.
    pub fn meter(&self) -> &Meter {
        &self.0.meter
    }

    /// From here on the stream's end is the end of this session.
    pub(crate) fn carry(&mut self, link: Link, upgrading: bool) {
        self.enter(Taker::SocketIo);
        let read = upgrading.then(FrameWalker::default);
        self.0.session = Some(Session { link, written: Written::Nothing, read });
    }

    /// Holds the handshake's answer back until the engine's first frame, which leaves with it: one packet and one
    /// wake-up of the client less. For sessions in which the engine speaks first; else it leaves before the first read.
    pub(crate) fn greet(&mut self, answer: Bytes) {
        if let Some(session) = &mut self.0.session {
            session.written = Written::Greeting(answer);
        }
    }

    /// From here on only websocket frames are written, and by others too, if the stream's kind allows.
    pub(crate) fn count_frames(&mut self) {
        if let Some(session) = &mut self.0.session {
            session.written = Written::Frames(FrameWalker::default());
        }
        self.0.share();
    }

    /// Puts the stream on the list of those that shutdown has to close.
    pub(crate) fn enter(&mut self, to: Taker) {
        self.0.entry = Some(self.0.ledger.hand_over(&self.0.meter, to));
    }

    pub(crate) fn replay(&mut self, bytes: Bytes) {
        self.0.replay = bytes;
    }
}

impl<S> Inner<S> {
    /// Lets others write as well, where the stream's kind allows: from the end of a message on.
    fn share(&mut self) {
        let (Some(session), Some(split)) = (&self.session, self.kind.split) else { return };
        if !matches!(&session.written, Written::Frames(walker) if walker.is_between()) {
            return;
        }
        self.io = match std::mem::replace(&mut self.io, Io::Gone) {
            Io::Whole(io) => {
                let (read, write) = split(io);
                let way = Way::new(write, self.meter.clone(), Arc::clone(&self.ledger), self.stall);
                session.link.open(Arc::clone(&way));
                Io::Shared(read, way)
            }
            other => other,
        };
    }

    fn greets(&self) -> bool {
        self.session.as_ref().is_some_and(|session| matches!(session.written, Written::Greeting(_)))
    }

    fn took<'a>(&mut self, offered: usize, mut taken: usize, slices: impl Iterator<Item = &'a [u8]>) {
        self.stuck = None;
        let all = taken;
        if let Some(Session { written: Written::Frames(written), .. }) = &mut self.session {
            for slice in slices {
                let here = taken.min(slice.len());
                let event = |message: Message| {
                    self.meter.wrote_events(if message.is_event() { message.len } else { 0 });
                    self.meter.passed_elsewhere(u64::from(message.is_event_elsewhere()));
                };
                written.walk(&slice[..here], event);
                taken -= here;
            }
        }
        self.meter.moved(all, offered - all);
    }

    /// Decides what becomes of a write that cannot go on.
    fn poll_stuck(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        self.meter.wake_writer_on_cut(cx.waker());
        if self.meter.is_cut() {
            return Poll::Ready(ErrorKind::ConnectionAborted.into());
        }
        let stall = self.stall;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(stall)));
        ready!(stuck.as_mut().poll(cx));
        self.ledger.counters.stalled.fetch_add(1, Ordering::Relaxed);
        log::debug!("{:?} took nothing for {stall:?}: cut", self.meter.peer());
        self.meter.cut();
        Poll::Ready(ErrorKind::TimedOut.into())
    }

    fn check_open(&self) -> io::Result<()> {
        if self.meter.is_cut() {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl<S> Drop for Inner<S> {
    fn drop(&mut self) {
        match &self.io {
            Io::Whole(io) if self.meter.is_cut() => (self.kind.reset)(io),
            Io::Shared(_, way) => way.leave(),
            Io::Whole(_) | Io::Gone => {}
        }
        // Whoever waits for the end may count on the place being free.
        self.slot = None;
        self.entry = None;
        self.meter.went();
        if let Some(session) = &self.session {
            session.link.stream_went();
        }
    }
}

#[cfg(test)]
#[path = "metered_test.rs"]
mod tests;
