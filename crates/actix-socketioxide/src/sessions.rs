//! Finds the [`Link`] of a polling session by its sid.

use crate::link::{Link, WeakLink};
use engineioxide::socket::Sid;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Below this many entries, dead ones are not worth looking for.
const FIRST_SWEEP: usize = 1024;

/// Bounded by twice the live sessions, which are capped: a session lives as long as the engine
/// keeps the request that opened it.
#[derive(Debug)]
pub(crate) struct Sessions(Mutex<Known>);

#[derive(Debug)]
struct Known {
    by_sid: HashMap<Sid, WeakLink>,
    sweep_at: usize,
}

impl Default for Sessions {
    fn default() -> Self {
        Self(Mutex::new(Known { by_sid: HashMap::new(), sweep_at: FIRST_SWEEP }))
    }
}

impl Sessions {
    pub(crate) fn insert(&self, sid: Sid, link: &Link) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.by_sid.len() >= known.sweep_at {
            known.by_sid.retain(|_, link| !link.is_dead());
            known.sweep_at = FIRST_SWEEP.max(known.by_sid.len() * 2);
        }
        known.by_sid.insert(sid, link.downgrade());
    }

    pub(crate) fn find(&self, sid: &Sid) -> Option<Link> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.by_sid.get(sid).and_then(WeakLink::upgrade)
    }

    pub(crate) fn all(&self) -> Vec<Link> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.by_sid.values().filter_map(WeakLink::upgrade).collect()
    }
}
