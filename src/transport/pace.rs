//! How fast one connection may say what costs others something and is worth little: that somebody is
//! typing goes to everybody in the chat.

use std::time::{Duration, Instant};

/// So many at once: somebody who writes in several chats by turns.
const BURST: u32 = 20;
/// One more each.
const EVERY: Duration = Duration::from_millis(500);

/// What one connection may still say.
#[derive(Debug)]
pub struct Pace {
    left: u32,
    /// Up to here time was turned into words.
    since: Option<Instant>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { left: BURST, since: None }
    }
}

impl Pace {
    /// Whether one more may be said now.
    pub fn take(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        let earned =
            u32::try_from(now.saturating_duration_since(since).as_millis() / EVERY.as_millis()).unwrap_or(BURST);
        if earned >= BURST - self.left {
            (self.left, self.since) = (BURST, Some(now));
        } else {
            (self.left, self.since) = (self.left + earned, Some(since + EVERY * earned));
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_may_be_said_at_once_and_then_one_at_a_time() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let said = |pace: &mut Pace, at: Duration| (0..100).filter(|_| pace.take(start + at)).count();
        assert_eq!(said(&mut pace, Duration::ZERO), 20);
        assert_eq!(said(&mut pace, EVERY - Duration::from_millis(1)), 0);
        assert_eq!(said(&mut pace, EVERY), 1);
        assert_eq!(said(&mut pace, EVERY * 7 / 2), 2, "halves are kept");
        assert_eq!(said(&mut pace, EVERY * 4), 1);
        assert_eq!(said(&mut pace, EVERY * 1000), 20, "silence earns no more than a burst");
    }
}
