//! [`Metered`]: the wrapper round every accepted stream. It counts, watches and cuts.

use crate::{
    caps::Slot,
    door::Way,
    frames::{FrameWalker, Message},
    ledger::{Entry, Ledger, Taker},
    link::Link,
    meter::Meter,
};
use bytes::{Buf, Bytes};
use std::{
    io::{self, ErrorKind, IoSlice},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
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
#[derive(Debug)]
pub struct Metered<S> {
    io: Io<S>,
    meter: Meter,
    /// Bytes to read before the stream's own: a request head that is given back.
    replay: Bytes,
    stall: Duration,
    /// Runs only while a write is stuck, so an idle stream has no timer.
    stuck: Option<Pin<Box<Sleep>>>,
    session: Option<Box<Session>>,
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
    /// From the first frame on; the handshake's answer before it is none.
    written: Option<FrameWalker>,
    /// Looks for the end of the upgrade, then for nothing.
    read: Option<FrameWalker>,
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
        Self {
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
        }
    }

    /// The handle on this stream.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// From here on the stream's end is the end of this session.
    pub(crate) fn carry(&mut self, link: Link, upgrading: bool) {
        self.enter(Taker::SocketIo);
        let read = upgrading.then(FrameWalker::default);
        self.session = Some(Box::new(Session { link, written: None, read }));
    }

    /// From here on only websocket frames are written, and by others too, if the stream's kind allows.
    pub(crate) fn count_frames(&mut self) {
        let Some(session) = &mut self.session else { return };
        session.written = Some(FrameWalker::default());
        let Some(split) = self.kind.split else { return };
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

    /// Puts the stream on the list of those that shutdown has to close.
    pub(crate) fn enter(&mut self, to: Taker) {
        self.entry = Some(self.ledger.hand_over(&self.meter, to));
    }

    pub(crate) fn replay(&mut self, bytes: Bytes) {
        self.replay = bytes;
    }

    fn took<'a>(&mut self, offered: usize, mut taken: usize, slices: impl Iterator<Item = &'a [u8]>) {
        self.stuck = None;
        let all = taken;
        if let Some(written) = self.session.as_mut().and_then(|session| session.written.as_mut()) {
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

impl<S> Drop for Metered<S> {
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

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.meter.is_cut() {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        if !this.replay.is_empty() {
            let len = this.replay.len().min(buf.remaining());
            buf.put_slice(&this.replay[..len]);
            this.replay.advance(len);
            if this.replay.is_empty() {
                // An empty one still holds the memory that it was a part of.
                this.replay = Bytes::new();
            }
        } else {
            let read = match &mut this.io {
                Io::Whole(io) => Pin::new(io).poll_read(cx, buf),
                Io::Shared(read, _) => Pin::new(read).poll_read(cx, buf),
                Io::Gone => return Poll::Ready(Ok(())),
            };
            if read.is_pending() {
                this.meter.wake_reader_on_cut(cx.waker());
                if !this.meter.is_cut() {
                    return Poll::Pending;
                }
                return Poll::Ready(Ok(()));
            }
            ready!(read)?;
        }
        if let Some(session) = &mut this.session
            && let Some(read) = &mut session.read
        {
            let mut upgraded = false;
            read.walk(&buf.filled()[before..], |message| upgraded |= message.is_upgrade());
            if upgraded {
                session.read = None;
                session.link.upgraded();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check_open()?;
        let io = match &mut this.io {
            Io::Whole(io) => io,
            Io::Shared(_, way) => match this.session.as_mut().and_then(|session| session.written.as_mut()) {
                Some(written) => return way.poll_engine(cx, written, buf),
                None => return Poll::Ready(Err(ErrorKind::BrokenPipe.into())),
            },
            Io::Gone => return Poll::Ready(Err(ErrorKind::BrokenPipe.into())),
        };
        match Pin::new(io).poll_write(cx, buf) {
            Poll::Ready(Ok(taken)) => {
                this.took(buf.len(), taken, std::iter::once(buf));
                Poll::Ready(Ok(taken))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                this.meter.wrote(0, buf.len());
                this.poll_stuck(cx).map(Err)
            }
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check_open()?;
        let Io::Whole(io) = &mut this.io else {
            // A piece may end within a message, where nothing may come between.
            let whole: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
            return Pin::new(this).poll_write(cx, &whole);
        };
        let offered = bufs.iter().map(|buf| buf.len()).sum();
        match Pin::new(io).poll_write_vectored(cx, bufs) {
            Poll::Ready(Ok(taken)) => {
                this.took(offered, taken, bufs.iter().map(|buf| &**buf));
                Poll::Ready(Ok(taken))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                this.meter.wrote(0, offered);
                this.poll_stuck(cx).map(Err)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        matches!(&self.io, Io::Whole(io) if io.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check_open()?;
        let Io::Whole(io) = &mut this.io else {
            // As with the kernel's own buffer: what was taken is on its way.
            return Poll::Ready(Ok(()));
        };
        match Pin::new(io).poll_flush(cx) {
            Poll::Ready(done) => {
                // Flushing TCP is always done at once and says nothing of a write that is stuck.
                if this.meter.waiting() == 0 {
                    this.stuck = None;
                }
                Poll::Ready(done)
            }
            Poll::Pending => this.poll_stuck(cx).map(Err),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check_open()?;
        let io = match &mut this.io {
            Io::Whole(io) => io,
            Io::Shared(_, way) => {
                way.shutdown();
                return Poll::Ready(Ok(()));
            }
            Io::Gone => return Poll::Ready(Ok(())),
        };
        match Pin::new(io).poll_shutdown(cx) {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending => this.poll_stuck(cx).map(Err),
        }
    }
}

#[cfg(test)]
#[path = "metered_test.rs"]
mod tests;
