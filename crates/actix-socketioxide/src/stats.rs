//! Counters for a metrics page.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A snapshot of what a [`Mount`](crate::Mount) holds now and has refused since it was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Streams open now, of whatever kind.
    pub connections: u64,
    /// Socket.IO websockets open now, those still upgrading included.
    pub websockets: u64,
    /// Sessions on the polling transport now.
    pub polling: u64,
    /// Refused handshakes and requests by Engine.IO error code: 0 unknown transport, 1 unknown
    /// session, 2 bad handshake method, 3 bad request, 4 forbidden, 5 unsupported version.
    pub refused: [u64; 6],
    /// Streams cut because their reader took nothing for too long.
    pub stalled: u64,
    /// Connections and polling sessions refused by a cap.
    pub over_cap: u64,
    /// Requests refused for their `Origin`.
    pub forbidden_origin: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) websockets: AtomicU64,
    pub(crate) refused: [AtomicU64; 6],
    pub(crate) stalled: AtomicU64,
    pub(crate) over_cap: AtomicU64,
    pub(crate) forbidden_origin: AtomicU64,
}

impl Counters {
    pub(crate) fn refused(&self, code: usize) {
        if let Some(counter) = self.refused.get(code) {
            counter.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn snapshot(&self, connections: usize, polling: usize) -> Stats {
        Stats {
            connections: connections as u64,
            websockets: self.websockets.load(Relaxed),
            polling: polling as u64,
            refused: self.refused.each_ref().map(|counter| counter.load(Relaxed)),
            stalled: self.stalled.load(Relaxed),
            over_cap: self.over_cap.load(Relaxed),
            forbidden_origin: self.forbidden_origin.load(Relaxed),
        }
    }
}
