//! [`Meter`]: what anyone may know about one accepted stream, and the means to end it.

use crate::bell::Bell;
use futures_util::task::AtomicWaker;
use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::Waker,
};

/// A handle on one accepted stream. Cheap to clone; holding one does not keep the stream open.
///
/// Every request that arrives through [`Mount::tcp`](crate::Mount::tcp) finds the meter of its
/// stream with `HttpRequest::conn_data::<Meter>()`, be it an ordinary request, an
/// `actix-web-actors` websocket or an SSE answer.
#[derive(Clone, Debug)]
pub struct Meter(Arc<Shared>);

/// In this order: what every write touches lies together. One writes at a time, whoever holds the stream, so the
/// counts need no exchange.
#[derive(Debug)]
#[repr(C)]
struct Shared {
    cut: AtomicBool,
    gone: AtomicBool,
    written: AtomicU64,
    event_bytes: AtomicU64,
    waiting: AtomicUsize,
    moved: Bell,
    elsewhere: AtomicU64,
    reader: AtomicWaker,
    writer: AtomicWaker,
    peer: Option<SocketAddr>,
}

impl Meter {
    pub(crate) fn new(peer: Option<SocketAddr>) -> Self {
        Self(Arc::new(Shared {
            peer,
            written: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            event_bytes: AtomicU64::new(0),
            elsewhere: AtomicU64::new(0),
            cut: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
            moved: Bell::default(),
        }))
    }

    /// Bytes that the operating system has taken, headers and all.
    pub fn written(&self) -> u64 {
        self.0.written.load(Ordering::Acquire)
    }

    /// Bytes that the last write offered and the operating system did not take yet.
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Acquire)
    }

    /// Payload bytes of the Socket.IO EVENT and ACK packets (`42...`, `43...`, of the namespace `/`) that were written
    /// completely.
    /// Counts on streams that were handed to Socket.IO; stays 0 on all others.
    pub fn event_bytes(&self) -> u64 {
        self.0.event_bytes.load(Ordering::Acquire)
    }

    /// Where the stream comes from.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer
    }

    /// Resolves once more was written than when this was *called*, or the stream is closed. To
    /// miss nothing, call it first, then look at the counters, then await it.
    pub fn progress(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        let (meter, seen) = (self.clone(), self.written());
        async move {
            let moved = || meter.written() != seen || meter.is_closed();
            meter.0.moved.wait(moved).await;
        }
    }

    /// Ends the stream at once: whoever reads sees its end, whoever writes gets an error, and
    /// what was not sent yet is thrown away.
    pub fn cut(&self) {
        if !self.0.cut.swap(true, Ordering::AcqRel) {
            self.0.reader.wake();
            self.0.writer.wake();
            self.0.moved.ring();
        }
    }

    /// Whether the stream was cut or is gone.
    pub fn is_closed(&self) -> bool {
        self.is_cut() || self.0.gone.load(Ordering::Acquire)
    }

    /// Resolves when the stream was cut or is gone.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        let meter = self.clone();
        async move { meter.0.moved.wait(|| meter.is_closed()).await }
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.0.cut.load(Ordering::Acquire)
    }

    pub(crate) fn wrote(&self, taken: usize, offered: usize) {
        self.moved(taken, offered - taken);
    }

    /// More events have left. Before [`wrote`](Self::wrote), which rings for both.
    pub(crate) fn wrote_events(&self, len: u64) {
        if len > 0 {
            add(&self.0.event_bytes, len);
        }
    }

    /// More events of other namespaces came by. Before [`moved`](Self::moved), which rings for both.
    pub(crate) fn passed_elsewhere(&self, count: u64) {
        if count > 0 {
            add(&self.0.elsewhere, count);
        }
    }

    /// Events of other namespaces that came by.
    pub(crate) fn elsewhere(&self) -> u64 {
        self.0.elsewhere.load(Ordering::Acquire)
    }

    /// So many bytes were taken, and so many wait.
    pub(crate) fn moved(&self, taken: usize, waiting: usize) {
        self.0.waiting.store(waiting, Ordering::Release);
        if taken > 0 {
            add(&self.0.written, taken as u64);
            self.0.moved.ring();
        }
    }

    /// Rings when anything of this stream changes.
    pub(crate) fn bell(&self) -> &Bell {
        &self.0.moved
    }

    pub(crate) fn wake_reader_on_cut(&self, waker: &Waker) {
        self.0.reader.register(waker);
    }

    pub(crate) fn wake_writer_on_cut(&self, waker: &Waker) {
        self.0.writer.register(waker);
    }

    pub(crate) fn went(&self) {
        self.0.gone.store(true, Ordering::Release);
        self.0.moved.ring();
    }
}

/// Adds to what only one adds to at a time.
fn add(count: &AtomicU64, more: u64) {
    count.store(count.load(Ordering::Relaxed) + more, Ordering::Release);
}
