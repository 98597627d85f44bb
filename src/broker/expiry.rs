//! When the tokens of live connections end: pure bookkeeping, stepped with the time. CONTRACT 3.

use crate::notice::ConnectionId;
use std::time::Duration;

/// How long before its end a token's owner is told, in seconds (CONTRACT 3).
pub const WARNING: i64 = 60;

/// Longest sleep between two looks at the clock: it may be set while one sleeps.
const LONGEST: Duration = Duration::from_secs(600);
/// Shortest: a step that could not be taken is tried again.
const SHORTEST: Duration = Duration::from_millis(100);

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The client is to be told; `seconds` are left.
    Warning { expires_at: i64, seconds: i64 },
    /// The connection is to be closed.
    End,
}

#[derive(Debug)]
struct Deadline {
    connection: ConnectionId,
    expires_at: i64,
    warned: bool,
}

/// The connections of one user and the end of each one's token. A list, since most users have one: a map of one takes
/// four times the memory, and whatever happens goes through all of them anyway.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    deadlines: Vec<Deadline>,
}

impl Expiry {
    /// A connection came, or goes on with a new token, until `expires_at` (seconds since 1970).
    pub(super) fn set(&mut self, connection: ConnectionId, expires_at: i64) {
        self.remove(&connection);
        if self.deadlines.is_empty() {
            self.deadlines.reserve_exact(1);
        }
        self.deadlines.push(Deadline { connection, expires_at, warned: false });
    }

    /// A connection went.
    pub(super) fn remove(&mut self, connection: &ConnectionId) {
        self.deadlines.retain(|deadline| deadline.connection != *connection);
    }

    /// How many connections there are.
    pub(super) fn len(&self) -> usize {
        self.deadlines.len()
    }

    /// What is due now. An end stays due until the connection is removed, a warning until it is
    /// [`warned`](Self::warned): whoever could not act on it is asked again.
    pub(super) fn due(&self, now: Duration) -> Vec<(ConnectionId, Due)> {
        let now = seconds(now);
        let due = |deadline: &Deadline| match deadline.expires_at.saturating_sub(now) {
            ..=0 => Some(Due::End),
            left if left <= WARNING && !deadline.warned => {
                Some(Due::Warning { expires_at: deadline.expires_at, seconds: left })
            }
            _ => None,
        };
        self.deadlines.iter().filter_map(|deadline| Some((deadline.connection.clone(), due(deadline)?))).collect()
    }

    /// The client was told.
    pub(super) fn warned(&mut self, connection: &ConnectionId) {
        if let Some(deadline) = self.deadlines.iter_mut().find(|deadline| deadline.connection == *connection) {
            deadline.warned = true;
        }
    }

    /// How long to sleep until something is due; `None` if nobody is there.
    pub(super) fn sleep(&self, now: Duration) -> Option<Duration> {
        let next = |deadline: &Deadline| match deadline.expires_at {
            at if deadline.warned => at,
            at => at.saturating_sub(WARNING),
        };
        let next = self.deadlines.iter().map(next).min()?;
        let next = Duration::from_secs(u64::try_from(next).unwrap_or(0));
        Some(next.saturating_sub(now).clamp(SHORTEST, LONGEST))
    }
}

fn seconds(now: Duration) -> i64 {
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> ConnectionId {
        ConnectionId(name.into())
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_client_is_told_once_a_minute_before_and_closed_at_the_end() {
        let mut expiry = Expiry::default();
        expiry.set(id("a"), 1000);
        assert_eq!(expiry.due(at(939)), []);
        assert_eq!(expiry.due(at(940)), [(id("a"), Due::Warning { expires_at: 1000, seconds: 60 })]);
        expiry.warned(&id("a"));
        assert_eq!(expiry.due(at(999)), []);
        assert_eq!(expiry.due(at(1000)), [(id("a"), Due::End)]);
        expiry.remove(&id("a"));
        assert_eq!(expiry.due(at(1001)), []);
    }

    #[test]
    fn a_token_that_is_nearly_over_is_announced_at_once() {
        let mut expiry = Expiry::default();
        expiry.set(id("a"), 1000);
        assert_eq!(expiry.due(at(990)), [(id("a"), Due::Warning { expires_at: 1000, seconds: 10 })]);
    }

    #[test]
    fn a_new_token_moves_the_end_and_the_warning() {
        let mut expiry = Expiry::default();
        expiry.set(id("a"), 1000);
        expiry.warned(&id("a"));
        expiry.set(id("a"), 2000);
        assert_eq!(expiry.due(at(1500)), []);
        assert_eq!(expiry.due(at(1940)), [(id("a"), Due::Warning { expires_at: 2000, seconds: 60 })]);
    }

    #[test]
    fn it_sleeps_to_the_next_thing_due_but_never_too_long_nor_in_a_tight_loop() {
        let mut expiry = Expiry::default();
        assert_eq!(expiry.sleep(at(0)), None);
        expiry.set(id("a"), 1000);
        assert_eq!(expiry.sleep(at(930)), Some(at(10)));
        expiry.warned(&id("a"));
        assert_eq!(expiry.sleep(Duration::from_millis(999_500)), Some(Duration::from_millis(500)));
        assert_eq!(expiry.sleep(at(1000)), Some(SHORTEST));
        expiry.set(id("a"), i64::MAX);
        assert_eq!(expiry.sleep(at(930)), Some(LONGEST));
    }
}
