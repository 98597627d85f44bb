//! Progress is told at most so often.

use std::time::Duration;
use tokio::time::Instant;

/// CONTRACT 5 allows five a second; this leaves room for two clocks and a busy committer.
const APART: Duration = Duration::from_millis(250);

/// When a job's progress was last told.
#[derive(Debug)]
pub struct Throttle {
    last: Instant,
}

impl Throttle {
    /// Something was told just now.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self { last: now }
    }

    /// Whether something may be told now; if so, it counts as told.
    pub fn lets(&mut self, now: Instant) -> bool {
        let lets = now.duration_since(self.last) >= APART;
        if lets {
            self.last = now;
        }
        lets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_often_it_is_asked_it_lets_five_a_second_through_at_most() {
        let start = Instant::now();
        let mut throttle = Throttle::new(start);
        let asked = (1..=10_000).map(|n| start + Duration::from_millis(n));
        let told: Vec<Instant> = asked.filter(|now| throttle.lets(*now)).collect();
        assert_eq!(told.len(), 40);
        for six in told.windows(6) {
            assert!(six[5].duration_since(six[0]) > Duration::from_secs(1));
        }
    }

    #[test]
    fn after_a_pause_the_next_is_told_at_once() {
        let start = Instant::now();
        let mut throttle = Throttle::new(start);
        assert!(!throttle.lets(start + Duration::from_millis(1)), "something was told when it began");
        assert!(throttle.lets(start + Duration::from_secs(9)));
    }
}
