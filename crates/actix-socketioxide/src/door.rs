//! [`Door`]: the way to a websocket past the engine.

use crate::{
    frames::FrameWalker,
    ledger::Ledger,
    meter::Meter,
    packets::Frames,
    passage::{Left, Passage, Stop},
};
use socket2::SockRef;
use std::{
    fmt,
    future::poll_fn,
    io::{self, ErrorKind},
    net::Shutdown,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};
use tokio::{
    net::tcp::OwnedWriteHalf,
    runtime::Handle,
    time::{Instant, Sleep, sleep},
};

/// With more than this waiting for the system the engine has to wait as well.
const SOFT: usize = 64 * 1024;

/// More waits for this client than may: what was put was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more waits for this client than may")
    }
}

impl std::error::Error for Full {}

/// The way to a client past the engine: frames that are encoded already go straight into its socket,
/// without a queue, a task or a copy. From [`Link::door`](crate::Link::door).
///
/// ```
/// use actix_socketioxide::{Door, Frames, Full};
///
/// /// To all, behind what was emitted to each so far: nothing, here.
/// fn broadcast(doors: &[Door]) {
///     let frames = Frames::text(r#"42["tick",1]"#);
///     for door in doors {
///         if door.put(&frames, 0, 1 << 20) == Err(Full) {
///             // Too slow: see `Link::cut`.
///         }
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Door {
    way: Arc<Way>,
    /// Event bytes that left by polling, before the upgrade.
    polled: u64,
}

/// A websocket's stream, written to by the engine and by others.
#[derive(Debug)]
pub(crate) struct Way {
    state: Mutex<State>,
    meter: Meter,
    ledger: Arc<Ledger>,
    stall: Duration,
    runtime: Handle,
}

#[derive(Debug)]
struct State {
    /// `None` once the stream is gone.
    stream: Option<OwnedWriteHalf>,
    passage: Passage,
    /// A task waits until the system takes more. Only while something waits.
    flushing: bool,
    flusher: Option<Waker>,
    /// The engine, if it has to wait.
    engine: Option<Waker>,
    /// What is to be done once the backlog has left.
    ending: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    No,
    /// The engine has written its last.
    Shutdown,
    /// The engine is gone.
    Close,
}

impl Door {
    pub(crate) fn new(way: Arc<Way>, polled: u64) -> Self {
        Self { way, polled }
    }

    /// Sends frames, behind everything that was put before and behind the first `behind` event bytes
    /// that were emitted through the engine in this session, counted as
    /// [`Link::event_bytes`](crate::Link::event_bytes) counts them. If the engine has not written
    /// those yet, the frames are held for so long; what is emitted through the engine later comes
    /// later. Never waits. What a stream that has ended is given is thrown away.
    ///
    /// A session says other things than events before its first one (it opens, it connects): emit
    /// the first event through the engine, and put the rest behind it.
    ///
    /// # Errors
    /// [`Full`] if more than `most` bytes would wait for this client, the engine's events included;
    /// nothing was taken. When nothing else waits, frames of any length are taken.
    pub fn put(&self, frames: &Frames, behind: u64, most: usize) -> Result<(), Full> {
        let way = &self.way;
        if way.meter.is_cut() {
            return Ok(());
        }
        let mut state = way.lock();
        let State { stream: Some(stream), passage, .. } = &mut *state else { return Ok(()) };
        let socket = SockRef::from(stream.as_ref());
        let put = passage.put(frames, behind.saturating_sub(self.polled), most, &mut |bytes| socket.send(bytes));
        match put {
            Ok(left) => way.account(&mut state, left),
            Err(Stop::Full) => return Err(Full),
            // The engine sees its end, and closes the session.
            Err(Stop::Torn | Stop::Broken(_)) => way.meter.cut(),
        }
        Ok(())
    }

    /// Event bytes that were put so far, whether or not they have left. What was emitted through the
    /// engine plus this minus [`Link::event_bytes`](crate::Link::event_bytes) waits in this process.
    pub fn put_bytes(&self) -> u64 {
        self.way.lock().passage.put_bytes()
    }
}

impl Way {
    pub(crate) fn new(stream: OwnedWriteHalf, meter: Meter, ledger: Arc<Ledger>, stall: Duration) -> Arc<Self> {
        let state = State {
            stream: Some(stream),
            passage: Passage::default(),
            flushing: false,
            flusher: None,
            engine: None,
            ending: Ending::No,
        };
        Arc::new(Self { state: Mutex::new(state), meter, ledger, stall, runtime: Handle::current() })
    }

    /// The engine writes: all of it is taken, or nothing, so that others come between its messages.
    pub(crate) fn poll_engine(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        walker: &mut FrameWalker,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        let State { stream: Some(stream), passage, engine, .. } = &mut *state else {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        };
        if passage.backlog() > SOFT {
            *engine = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let held = passage.holds();
        let socket = SockRef::from(stream.as_ref());
        match passage.engine(walker, bytes, &mut |bytes| socket.send(bytes)) {
            Ok(left) => {
                if held && let Some(flusher) = state.flusher.take() {
                    flusher.wake();
                }
                self.account(&mut state, left);
                Poll::Ready(Ok(bytes.len()))
            }
            Err(Stop::Broken(error)) => Poll::Ready(Err(error)),
            Err(Stop::Torn | Stop::Full) => {
                log::error!("the engine does not write whole websocket messages: cut");
                self.meter.cut();
                Poll::Ready(Err(ErrorKind::InvalidData.into()))
            }
        }
    }

    /// The engine writes no more.
    pub(crate) fn shutdown(&self) {
        let mut state = self.lock();
        state.ending = Ending::Shutdown;
        if state.passage.backlog() == 0 {
            state.shutdown();
        }
    }

    /// The engine has dropped the stream. What it wrote last still leaves, unless the stream was cut.
    pub(crate) fn leave(&self) {
        let mut state = self.lock();
        state.engine = None;
        state.ending = Ending::Close;
        if self.meter.is_cut() || state.passage.backlog() == 0 {
            self.close(&mut state);
        }
    }

    fn close(&self, state: &mut State) {
        state.passage.clear();
        if let Some(stream) = state.stream.take() {
            if self.meter.is_cut() {
                // The kernel's buffer is given back at once, not after its retries.
                let _ = stream.as_ref().set_zero_linger();
            }
            stream.forget();
        }
        for waker in [state.flusher.take(), state.engine.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    fn account(self: &Arc<Self>, state: &mut State, left: Left) {
        self.meter.wrote_events(left.events);
        self.meter.passed_elsewhere(state.passage.take_elsewhere());
        self.meter.moved(left.bytes, state.passage.backlog());
        if !state.flushing && state.passage.is_waiting() {
            state.flushing = true;
            self.runtime.spawn(flush(Arc::clone(self)));
        }
    }

    /// Sees what waits off, until nothing does, or nothing moves for too long.
    fn poll_flush(&self, cx: &mut Context<'_>, mut stuck: Pin<&mut Sleep>, seen: &mut (u64, u64)) -> Poll<()> {
        self.meter.wake_writer_on_cut(cx.waker());
        let mut state = self.lock();
        let mut flushed = self.poll_backlog(cx, &mut state);
        if flushed.is_pending() {
            let now = (self.meter.written(), state.passage.passed());
            if std::mem::replace(seen, now) != now {
                stuck.as_mut().reset(Instant::now() + self.stall);
            }
            state.flusher = Some(cx.waker().clone());
            ready!(stuck.poll(cx));
            self.ledger.counters.stalled.fetch_add(1, Ordering::Relaxed);
            log::debug!("{:?} took nothing for {:?}: cut", self.meter.peer(), self.stall);
            flushed = Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        if ready!(flushed).is_err() {
            self.meter.cut();
        }
        (state.flushing, state.flusher) = (false, None);
        state.engine.take().into_iter().for_each(Waker::wake);
        match state.ending {
            Ending::No => {}
            Ending::Shutdown => state.shutdown(),
            Ending::Close => self.close(&mut state),
        }
        Poll::Ready(())
    }

    fn poll_backlog(&self, cx: &mut Context<'_>, state: &mut State) -> Poll<io::Result<()>> {
        loop {
            let State { stream: Some(stream), passage, ending, engine, .. } = state else {
                return Poll::Ready(Ok(()));
            };
            if self.meter.is_cut() {
                return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
            }
            if passage.backlog() == 0 {
                // What is held for an engine that is gone is held for ever.
                let done = *ending == Ending::Close || passage.settle();
                return if done { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
            ready!(stream.as_ref().poll_write_ready(cx))?;
            match passage.flush(|slices| stream.try_write_vectored(slices)) {
                Ok(left) => {
                    self.meter.wrote_events(left.events);
                    self.meter.moved(left.bytes, passage.backlog());
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            if passage.backlog() <= SOFT
                && let Some(engine) = engine.take()
            {
                engine.wake();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn shutdown(&self) {
        if let Some(stream) = &self.stream {
            // A stream that is broken is at its end already.
            let _ = SockRef::from(stream.as_ref()).shutdown(Shutdown::Write);
        }
    }
}

async fn flush(way: Arc<Way>) {
    let mut stuck = pin!(sleep(way.stall));
    let mut seen = (way.meter.written(), 0);
    poll_fn(|cx| way.poll_flush(cx, stuck.as_mut(), &mut seen)).await;
}
