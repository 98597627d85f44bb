//! Progress is told at most so often, and the last of it always.

use std::{cell::Cell, rc::Rc, time::Duration};
use tokio::time::Instant;

/// CONTRACT 5 allows five a second; this leaves room for two clocks.
const APART: Duration = Duration::from_millis(250);

/// When a job's progress was last told, and whether there is some that was not. Shared between a run
/// and what keeps it alive: clones are one and the same.
#[derive(Debug, Clone)]
pub(super) struct Throttle {
    last: Rc<Cell<Instant>>,
    untold: Rc<Cell<bool>>,
}

impl Throttle {
    /// Something was told just now.
    pub(super) fn new(now: Instant) -> Self {
        Self { last: Rc::new(Cell::new(now)), untold: Rc::default() }
    }

    /// Whether something may be told now.
    pub(super) fn lets(&self, now: Instant) -> bool {
        now.duration_since(self.last.get()) >= APART
    }

    /// Whether something was stored that nobody was told of.
    pub(super) fn untold(&self) -> bool {
        self.untold.get()
    }

    /// All there is was told, just now.
    pub(super) fn told(&self, now: Instant) {
        self.last.set(now);
        self.untold.set(false);
    }

    /// Something was stored in silence.
    pub(super) fn kept_quiet(&self) {
        self.untold.set(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_often_it_is_asked_it_lets_five_a_second_through_at_most() {
        let start = Instant::now();
        let throttle = Throttle::new(start);
        let asked = (1..=10_000).map(|n| start + Duration::from_millis(n));
        let told: Vec<Instant> = asked.filter(|now| throttle.lets(*now)).inspect(|now| throttle.told(*now)).collect();
        assert_eq!(told.len(), 40);
        for six in told.windows(6) {
            assert!(six[5].duration_since(six[0]) > Duration::from_secs(1));
        }
    }

    #[test]
    fn after_a_pause_the_next_is_told_at_once() {
        let start = Instant::now();
        let throttle = Throttle::new(start);
        assert!(!throttle.lets(start + Duration::from_millis(1)), "something was told when it began");
        assert!(throttle.lets(start + Duration::from_secs(9)));
    }
}
