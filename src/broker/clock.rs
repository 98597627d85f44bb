//! What time it is, as something that tests can say.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// A clock.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Time since 1970 (UTC).
    fn now(&self) -> Duration;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        // A machine that thinks it is before 1970 sees every token as valid for long; `auth`, which
        // reads the same clock, has let it in.
        SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
    }
}
