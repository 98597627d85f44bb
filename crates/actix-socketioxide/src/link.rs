//! [`Link`]: one Engine.IO session, whatever its transport.

use crate::{
    bell::Bell,
    caps::Slot,
    door::{Door, Way},
    engine::Close,
    meter::Meter,
};
use engineioxide::socket::Sid;
use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio::{runtime::Handle, task::JoinHandle};

/// The way to one client: how much of what was emitted has left, and the means to end it.
///
/// A Socket.IO handler finds it in the handshake's extensions, over polling, over a websocket
/// and across the upgrade from one to the other:
///
/// ```
/// use actix_socketioxide::Link;
/// use socketioxide::extract::SocketRef;
///
/// async fn on_connect(socket: SocketRef) {
///     if let Some(link) = socket.req_parts().extensions.get::<Link>() {
///         log::info!("{:?} connected, websocket: {}", link.peer(), link.is_websocket());
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Link(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    peer: Option<SocketAddr>,
    /// Event bytes that went into polls' answers; what a websocket carries, its stream counts.
    polled: AtomicU64,
    /// Of those, the ones that were read for certain.
    polled_taken: AtomicU64,
    /// Event bytes that are said to have been emitted through the engine.
    emitted: AtomicU64,
    /// Events of other namespaces than `/`: those that were emitted, and those that went into polls' answers.
    emitted_elsewhere: AtomicU64,
    polled_elsewhere: AtomicU64,
    websocket: AtomicBool,
    closed: AtomicBool,
    moved: Bell,
    stream: OnceLock<Meter>,
    way: OnceLock<Arc<Way>>,
    /// `None` for a session that began as a websocket.
    polling: Option<Box<Polling>>,
}

#[derive(Debug)]
struct Polling {
    sid: OnceLock<Sid>,
    close: Arc<dyn Close>,
    path: Arc<str>,
    runtime: Handle,
    upgrading: AtomicBool,
    slot: Mutex<Option<Slot>>,
}

impl Link {
    /// A session that begins as a websocket.
    pub(crate) fn of_websocket(meter: &Meter) -> Self {
        let link = Self::new(meter.peer(), None);
        link.0.websocket.store(true, Ordering::Release);
        link.attach(meter);
        link
    }

    /// A session that begins with polling. Its sid is not known before the handshake's answer.
    pub(crate) fn of_polling(peer: Option<SocketAddr>, path: Arc<str>, close: Arc<dyn Close>, slot: Slot) -> Self {
        Self::new(
            peer,
            Some(Box::new(Polling {
                sid: OnceLock::new(),
                close,
                path,
                runtime: Handle::current(),
                upgrading: AtomicBool::new(false),
                slot: Mutex::new(Some(slot)),
            })),
        )
    }

    fn new(peer: Option<SocketAddr>, polling: Option<Box<Polling>>) -> Self {
        Self(Arc::new(Inner {
            peer,
            polled: AtomicU64::new(0),
            polled_taken: AtomicU64::new(0),
            emitted: AtomicU64::new(0),
            emitted_elsewhere: AtomicU64::new(0),
            polled_elsewhere: AtomicU64::new(0),
            websocket: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            moved: Bell::default(),
            stream: OnceLock::new(),
            way: OnceLock::new(),
            polling,
        }))
    }

    /// Bytes of the EVENT and ACK packets (`42...`, `43...`) of the namespace `/` that have left for this client:
    /// those of polling answers, counted when the answer goes to its stream, and those of websocket
    /// frames, counted when the operating system has taken the frame's last byte. Packets with
    /// binary attachments (`45...`), and other namespaces are not counted.
    ///
    /// What was emitted minus this is what still waits in this process.
    pub fn event_bytes(&self) -> u64 {
        self.0.polled.load(Ordering::Acquire) + self.stream().map_or(0, Meter::event_bytes)
    }

    /// Resolves once [`event_bytes`](Self::event_bytes) has grown since this was *called*, or the
    /// link is closed. To miss nothing, call it first, then look, then await it.
    pub fn written_progress(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        let (link, seen) = (self.clone(), self.event_bytes());
        async move {
            link.wait(|| link.event_bytes() != seen || link.is_closed()).await;
        }
    }

    /// Of [`event_bytes`](Self::event_bytes), those of which it is certain that the operating system
    /// has taken them. On a websocket that is all of them. A poll's answer is not followed into its
    /// stream; it counts when the client, which had to read it for that, polls again or upgrades.
    pub fn taken_bytes(&self) -> u64 {
        if self.is_websocket() {
            // Polling is over: what its answers held was taken before the upgrade.
            return self.event_bytes();
        }
        self.0.polled_taken.load(Ordering::Acquire)
    }

    /// Resolves once [`taken_bytes`](Self::taken_bytes) has grown since this was *called*, or the
    /// link is closed. To miss nothing, call it first, then look, then await it.
    pub fn taken_progress(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        let (link, seen) = (self.clone(), self.taken_bytes());
        async move {
            link.wait(|| link.taken_bytes() != seen || link.is_closed()).await;
        }
    }

    /// Says that so many event bytes, counted as [`event_bytes`](Self::event_bytes) counts them, were emitted
    /// through the engine. Whoever says so for each event can put frames [behind](Door::put) them.
    pub fn emits(&self, bytes: u64) {
        self.0.emitted.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Event bytes that are said to have been emitted through the engine.
    pub fn emitted(&self) -> u64 {
        self.0.emitted.load(Ordering::Acquire)
    }

    /// Says that an event of another namespace than `/` is about to be emitted. Whoever says so for
    /// each of them, whichever socket it is for, can ask whether any [waits](Self::elsewhere_waits).
    pub fn emits_elsewhere(&self) {
        self.0.emitted_elsewhere.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether an event of another namespace than `/` may still wait in this process: one that was
    /// [announced](Self::emits_elsewhere) did not come by, or the stream has something, of whichever
    /// namespace, that the operating system did not take. Events with binary attachments never come by.
    pub fn elsewhere_waits(&self) -> bool {
        let left = self.0.polled_elsewhere.load(Ordering::Acquire) + self.stream().map_or(0, Meter::elsewhere);
        self.0.emitted_elsewhere.load(Ordering::Acquire) > left
            || self.stream().is_some_and(|stream| stream.waiting() > 0)
    }

    /// Resolves once none [waits](Self::elsewhere_waits), or the link is closed.
    pub fn elsewhere_left(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        let link = self.clone();
        async move { link.wait(|| !link.elsewhere_waits() || link.is_closed()).await }
    }

    /// Ends the session at once. A websocket's stream is closed, what was not sent is thrown
    /// away; over polling the session is closed, and an open poll ends.
    pub fn cut(&self) {
        drop(self.end());
    }

    /// Where the client comes from: the peer of the stream that opened the session.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer
    }

    /// Whether the session is on a websocket now, begun so or upgraded.
    pub fn is_websocket(&self) -> bool {
        self.0.websocket.load(Ordering::Acquire)
    }

    /// The websocket's stream, once there is one.
    pub fn stream(&self) -> Option<&Meter> {
        self.0.stream.get()
    }

    /// The way past the engine, for frames that are encoded already. Only while the session is on a
    /// websocket over plain TCP ([`Mount::tcp`](crate::Mount::tcp)); it stays on it from then on.
    pub fn door(&self) -> Option<Door> {
        let way = self.0.way.get().filter(|_| self.is_websocket())?;
        Some(Door::new(Arc::clone(way), self.0.polled.load(Ordering::Acquire)))
    }

    /// Whether the session was cut or left, its websocket or open poll is gone, or the engine has
    /// forgotten it. A polling client that simply stays away is noticed by the engine's heartbeat;
    /// it forgets the session once nobody holds its socket.
    pub fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }

    /// Resolves when [`is_closed`](Self::is_closed) becomes true.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        let link = self.clone();
        async move { link.wait(|| link.is_closed()).await }
    }

    /// Events go into a poll's answer.
    pub(crate) fn answered_events(&self, len: u64) {
        self.0.polled.fetch_add(len, Ordering::AcqRel);
        self.0.moved.ring();
    }

    /// Events of other namespaces than `/` go into a poll's answer.
    pub(crate) fn answered_elsewhere(&self, count: u64) {
        self.0.polled_elsewhere.fetch_add(count, Ordering::AcqRel);
        self.0.moved.ring();
    }

    /// The client has read all that polls were answered.
    pub(crate) fn took_all(&self) {
        self.0.polled_taken.store(self.0.polled.load(Ordering::Acquire), Ordering::Release);
        self.0.moved.ring();
    }

    /// Opens the way past the engine, to be used once the session is on its websocket.
    pub(crate) fn open(&self, way: Arc<Way>) {
        let _ = self.0.way.set(way);
    }

    /// Whether this call won the right to upgrade: a session has one upgrade under way at most.
    pub(crate) fn begin_upgrade(&self, meter: &Meter) -> bool {
        let Some(polling) = &self.0.polling else {
            return false;
        };
        if self.is_closed() || polling.upgrading.swap(true, Ordering::AcqRel) {
            return false;
        }
        self.attach(meter);
        true
    }

    /// The client said `5`: from here on the session is a websocket.
    pub(crate) fn upgraded(&self) {
        self.0.websocket.store(true, Ordering::Release);
        // It waits for its last poll's answer first.
        self.took_all();
        self.free_polling_slot();
    }

    /// [`cut`](Self::cut), for those who wait until the engine knows.
    pub(crate) fn end(&self) -> Option<JoinHandle<()>> {
        self.mark_closed();
        if let Some(stream) = self.stream() {
            stream.cut();
        }
        self.close_polling()
    }

    pub(crate) fn stream_went(&self) {
        self.mark_closed();
        // A probe that died half-way leaves the session upgrading for ever. After a completed
        // upgrade the engine refuses this, which is as good.
        self.close_polling();
    }

    /// Names the session; from here on it can be closed.
    pub(crate) fn opened(&self, sid: Sid) {
        if let Some(polling) = &self.0.polling {
            let _ = polling.sid.set(sid);
            if self.is_closed() {
                self.close_polling();
            }
        }
    }

    /// Closes a session that is still on polling; does nothing to one that is not. Done on the
    /// runtime that opened the session: what the engine spawns for it must live on.
    pub(crate) fn close_polling(&self) -> Option<JoinHandle<()>> {
        let polling = self.0.polling.as_ref()?;
        let sid = *polling.sid.get()?;
        self.free_polling_slot();
        self.mark_closed();
        Some(polling.runtime.spawn(polling.close.close(Arc::clone(&polling.path), sid)))
    }

    pub(crate) fn downgrade(&self) -> WeakLink {
        WeakLink(Arc::downgrade(&self.0))
    }

    fn attach(&self, meter: &Meter) {
        let _ = self.0.stream.set(meter.clone());
        // Whoever waits has to listen to the stream as well.
        self.0.moved.ring();
        if self.is_closed() {
            meter.cut();
        }
    }

    fn mark_closed(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.moved.ring();
    }

    async fn wait(&self, held: impl Fn() -> bool) {
        self.0.moved.wait_with(|| self.stream().map(Meter::bell), held).await;
    }

    fn free_polling_slot(&self) {
        if let Some(polling) = &self.0.polling {
            polling.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

/// Goes into the handshake of a polling session beside its link: dropped together with the
/// engine's socket, it tells that the session is over however that came about.
#[derive(Clone, Debug)]
pub(crate) struct Lifetime {
    _ends: Arc<Ends>,
}

#[derive(Debug)]
struct Ends(Link);

impl Lifetime {
    pub(crate) fn of(link: &Link) -> Self {
        Self { _ends: Arc::new(Ends(link.clone())) }
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        // Whoever waits for the end may count on the place being free.
        self.0.free_polling_slot();
        self.0.mark_closed();
    }
}

/// Does not keep the session's counters alive.
#[derive(Clone, Debug)]
pub(crate) struct WeakLink(Weak<Inner>);

impl WeakLink {
    pub(crate) fn upgrade(&self) -> Option<Link> {
        self.0.upgrade().map(Link)
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.0.strong_count() == 0
    }
}
