//! [`Builder`]: the settings of a mount, each with the harm that it prevents.

use crate::{engine::Engine, mount::Mount, origins::Origins};
use std::{sync::Arc, time::Duration};

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) paths: Vec<Arc<str>>,
    pub(crate) max_payload: usize,
    pub(crate) stall: Duration,
    pub(crate) origins: Origins,
    pub(crate) max_connections: usize,
    pub(crate) max_per_address: usize,
    pub(crate) keep_headers: Vec<String>,
    pub(crate) request_timeout: Duration,
    pub(crate) keep_alive: Duration,
    pub(crate) send_buffer: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            paths: vec![Arc::from("/socket.io")],
            max_payload: 100_000,
            stall: Duration::from_secs(10),
            origins: Origins::same(),
            max_connections: 20_000,
            max_per_address: 1_000,
            keep_headers: vec!["authorization".into(), "origin".into()],
            request_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(15),
            send_buffer: None,
        }
    }
}

/// Builds a [`Mount`]. Made by [`Mount::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct Builder<E> {
    engine: E,
    settings: Settings,
}

impl<E: Engine> Builder<E> {
    pub(crate) fn new(engine: E) -> Self {
        Self { engine, settings: Settings::default() }
    }

    /// Where the engine answers, without a trailing slash. Must be the path that the engine was
    /// configured with. Default `/socket.io`.
    pub fn path(self, path: &str) -> Self {
        self.paths([path])
    }

    /// Several paths, for an [`Engine`] of your own that chooses by path.
    pub fn paths<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        let normal = |path: &str| Arc::from(format!("/{}", path.trim_matches('/')));
        self.settings.paths = paths.into_iter().map(normal).collect();
        self
    }

    /// The longest body that a client may post over polling. The engine has a limit of its own,
    /// but sees the body only when it is complete. Default 100,000 bytes.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.settings.max_payload = bytes;
        self
    }

    /// How long a reader may take nothing while something waits for it, before its stream is
    /// cut: a client that stops reading would hold its memory for ever. Default 10 s.
    pub fn stall(mut self, after: Duration) -> Self {
        self.settings.stall = after;
        self
    }

    /// Which pages may poll, or upgrade on any path of the port: without it, any page could open
    /// a websocket as its visitor. Default [`Origins::same`].
    pub fn origins(mut self, origins: Origins) -> Self {
        self.settings.origins = origins;
        self
    }

    /// How many streams may be open at a time, and as many polling sessions. One more gets a 503
    /// and is closed. Default 20,000.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = connections;
        self
    }

    /// The same for one address (an IPv6 /64 is one address). Behind a reverse proxy all clients
    /// come from its address: raise it to `max_connections` there. Default 1,000.
    pub fn max_per_address(mut self, connections: usize) -> Self {
        self.settings.max_per_address = connections;
        self
    }

    /// The headers of the handshake that handlers find in `socket.req_parts()`, in lower case.
    /// The rest is dropped: it would stay in memory as long as the session. Default
    /// `authorization` and `origin`.
    pub fn keep_headers<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.settings.keep_headers = names.into_iter().map(str::to_ascii_lowercase).collect();
        self
    }

    /// How long a client may take to send its first request head or a polling body: slow senders
    /// would hold their connection. Default 5 s.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.settings.request_timeout = timeout;
        self
    }

    /// How long a connection may stay idle between requests. Default 15 s.
    pub fn keep_alive(mut self, idle: Duration) -> Self {
        self.settings.keep_alive = idle;
        self
    }

    /// Size of the kernel's send buffer per TCP stream. Left alone, the kernel takes megabytes
    /// for a reader that does not read, and only then does [`stall`](Self::stall) begin to count.
    pub fn send_buffer(mut self, bytes: usize) -> Self {
        self.settings.send_buffer = Some(bytes);
        self
    }

    /// The mount. Clone it into each worker.
    pub fn build(self) -> Mount<E> {
        Mount::new(self.engine, self.settings)
    }
}
