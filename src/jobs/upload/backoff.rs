//! How long to wait before the next attempt.

use std::time::Duration;

/// Twice as long each time, up to a bound, and of that a random part (full jitter): when the processor
/// comes back, not all uploads come at once.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// At most this after the first attempt.
    pub first: Duration,
    /// At most this after any.
    pub most: Duration,
}

impl Backoff {
    /// For the world: the default of 8 attempts takes ten minutes on average.
    pub const DEFAULT: Self = Self { first: Duration::from_secs(10), most: Duration::from_secs(3600) };
    /// For tests: at once.
    pub const NONE: Self = Self { first: Duration::ZERO, most: Duration::ZERO };

    /// How long to wait after this attempt (1 is the first); `random` is in 0..1.
    #[must_use]
    pub fn wait(self, attempt: i32, random: f64) -> Duration {
        let doublings = attempt.clamp(1, 32).unsigned_abs() - 1;
        self.first.saturating_mul(2_u32.saturating_pow(doublings)).min(self.most).mul_f64(random.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_longest_wait_doubles_up_to_its_bound() {
        let waits: Vec<u64> = (1..=11).map(|attempt| Backoff::DEFAULT.wait(attempt, 1.0).as_secs()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]);
    }

    proptest! {
        #[test]
        fn a_wait_is_any_part_of_the_longest_and_never_more(attempt: i32, random in 0.0..1.0_f64) {
            let longest = Backoff::DEFAULT.wait(attempt, 1.0);
            let wait = Backoff::DEFAULT.wait(attempt, random);
            prop_assert!(wait <= longest && longest <= Backoff::DEFAULT.most);
            let off = wait.as_secs_f64() - longest.as_secs_f64() * random;
            prop_assert!(off.abs() < 1e-6, "{off}");
        }
    }
}
