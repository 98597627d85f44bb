//! The ledger: what is open now, shared by all workers.

use crate::{
    bell::Bell,
    caps::Cap,
    meter::Meter,
    stats::{Counters, Stats},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) connections: Arc<Cap>,
    pub(crate) sessions: Arc<Cap>,
    pub(crate) counters: Counters,
    closing: AtomicBool,
    /// Streams that left the HTTP service: nobody else can end them.
    handed_over: Mutex<HashMap<u64, Meter>>,
    next_id: AtomicU64,
    one_went: Bell,
}

impl Ledger {
    pub(crate) fn new(in_all: usize, per_address: usize) -> Arc<Self> {
        Arc::new(Self {
            connections: Cap::new(in_all, per_address),
            sessions: Cap::new(in_all, per_address),
            counters: Counters::default(),
            closing: AtomicBool::new(false),
            handed_over: Mutex::default(),
            next_id: AtomicU64::new(0),
            one_went: Bell::default(),
        })
    }

    pub(crate) fn stats(&self) -> Stats {
        self.counters.snapshot(self.connections.in_use(), self.sessions.in_use())
    }

    /// Enters a stream that leaves the HTTP service; it is struck off when the entry is dropped.
    pub(crate) fn hand_over(self: &Arc<Self>, meter: &Meter, to: Taker) -> Entry {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.handed_over().insert(id, meter.clone());
        if to == Taker::SocketIo {
            self.counters.websockets.fetch_add(1, Ordering::Relaxed);
        }
        // `close` may have looked before this stream was entered.
        if self.is_closing() {
            meter.cut();
        }
        Entry { ledger: Arc::clone(self), id, to }
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        // Not under the lock: whoever is woken may drop its stream, which strikes it off here.
        let open: Vec<Meter> = self.handed_over().values().cloned().collect();
        open.iter().for_each(Meter::cut);
    }

    /// Resolves when no handed-over stream is left.
    pub(crate) async fn emptied(&self) {
        self.one_went.wait(|| self.handed_over().is_empty()).await;
    }

    fn handed_over(&self) -> MutexGuard<'_, HashMap<u64, Meter>> {
        self.handed_over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who took over a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taker {
    SocketIo,
    /// A route of the application, such as an `actix-web-actors` websocket.
    Route,
}

#[derive(Debug)]
pub(crate) struct Entry {
    ledger: Arc<Ledger>,
    id: u64,
    to: Taker,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.to == Taker::SocketIo {
            self.ledger.counters.websockets.fetch_sub(1, Ordering::Relaxed);
        }
        // Last, so that whoever sees the list empty sees the counter right.
        self.ledger.handed_over().remove(&self.id);
        self.ledger.one_went.ring();
    }
}
