//! Slows down guessing: failed logins are counted per account and per address, successful ones
//! never are (CONTRACT 2). Who is over the limit is still heard, one attempt after the other with
//! growing pauses: a guesser gets nowhere, but nobody can lock out the one who knows the password.
//! Pure: time is handed in.

use super::settings::Attempts;
use crate::error::{Error, Result};
use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    mem,
    net::IpAddr,
};

/// Most entries of one generation; two are kept. An attacker needs this many failures, from
/// addresses that are counted themselves, to push one entry out.
const ENTRIES_MAX: usize = 50_000;

/// First pause between two attempts over the limit, and the longest, in milliseconds.
const PAUSE: (u64, u64) = (1000, 8000);
/// Longest wait for a turn, in milliseconds; more would only hold requests open.
const TURN_MAX: u64 = 10_000;

/// Failures so far. Each takes a share of the window to be forgotten, so after a burst of as many
/// as are allowed, one more is allowed per share.
#[derive(Debug)]
pub struct Throttle {
    accounts: Failures,
    addresses: Failures,
    turns: Turns,
}

/// Whose turn comes when, of those over the limit: by account and network, so that nobody is held up
/// by a guesser elsewhere.
#[derive(Debug, Default)]
struct Turns {
    hasher: RandomState,
    /// The next turn, and the pause after it.
    next: HashMap<u64, (u64, u64)>,
}

/// The failures of many keys: for each the time, in milliseconds, at which all are forgotten.
#[derive(Debug)]
struct Failures {
    share: u64,
    most: u64,
    hasher: RandomState,
    young: HashMap<u64, u64>,
    old: HashMap<u64, u64>,
}

impl Throttle {
    /// Nobody has failed yet.
    #[must_use]
    pub fn new(attempts: Attempts) -> Self {
        let Attempts { per_account, per_address, window_seconds } = attempts;
        Self {
            accounts: Failures::new(per_account, window_seconds),
            addresses: Failures::new(per_address, window_seconds),
            turns: Turns::default(),
        }
    }

    /// Whether another attempt may be made; `now` in milliseconds of any clock that only goes on.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn admit(&self, account: &str, address: IpAddr, now: u64) -> Result<()> {
        let wait = self.accounts.wait(account, now).max(self.addresses.wait(&network(address), now));
        if wait == 0 { Ok(()) } else { Err(Error::RateLimited(wait.div_ceil(1000))) }
    }

    /// An attempt failed.
    pub fn failed(&mut self, account: &str, address: IpAddr, now: u64) {
        self.accounts.add(account, now);
        self.addresses.add(&network(address), now);
    }

    /// How long, in milliseconds, an attempt over the limit has to wait for its turn.
    ///
    /// # Errors
    /// 429 with the seconds to wait when too many wait already.
    pub fn turn(&mut self, account: &str, address: IpAddr, now: u64) -> Result<u64> {
        let wait = self.turns.take(&(account, network(address)), now);
        wait.map_err(|wait| Error::RateLimited(wait.div_ceil(1000)))
    }

    /// An attempt succeeded: whoever holds the password may mistype it anew.
    pub fn succeeded(&mut self, account: &str, address: IpAddr) {
        self.accounts.forget(account);
        self.turns.forget(&(account, network(address)));
    }
}

impl Turns {
    fn take(&mut self, key: &impl std::hash::Hash, now: u64) -> Result<u64, u64> {
        if self.next.len() >= ENTRIES_MAX {
            self.next.retain(|_, (next, _)| *next > now);
            if self.next.len() >= ENTRIES_MAX {
                return Err(TURN_MAX);
            }
        }
        let (next, pause) = self.next.entry(self.hasher.hash_one(key)).or_insert((now, PAUSE.0));
        if now > *next + PAUSE.1 * 2 {
            *pause = PAUSE.0;
        }
        let at = now.max(*next);
        if at - now > TURN_MAX {
            return Err(at - now);
        }
        *next = at + *pause;
        *pause = (*pause * 2).min(PAUSE.1);
        Ok(at - now)
    }

    fn forget(&mut self, key: &impl std::hash::Hash) {
        self.next.remove(&self.hasher.hash_one(key));
    }
}

impl Failures {
    fn new(most: u32, window_seconds: u32) -> Self {
        let most = u64::from(most.max(1));
        let share = (u64::from(window_seconds) * 1000 / most).max(1);
        Self { share, most, hasher: RandomState::new(), young: HashMap::new(), old: HashMap::new() }
    }

    /// Milliseconds until one more is allowed.
    fn wait(&self, key: &(impl std::hash::Hash + ?Sized), now: u64) -> u64 {
        let key = self.hasher.hash_one(key);
        let forgotten_at = self.young.get(&key).or_else(|| self.old.get(&key)).copied().unwrap_or(0);
        forgotten_at.saturating_sub(now).saturating_sub(self.share * (self.most - 1))
    }

    fn add(&mut self, key: &(impl std::hash::Hash + ?Sized), now: u64) {
        let key = self.hasher.hash_one(key);
        let before = self.young.remove(&key).or_else(|| self.old.remove(&key)).unwrap_or(0);
        if self.young.len() >= ENTRIES_MAX {
            self.old = mem::take(&mut self.young);
        }
        // Failures over the limit keep it there; they do not pile up.
        let most = now + self.share * self.most;
        self.young.insert(key, (before.max(now) + self.share).min(most));
    }

    fn forget(&mut self, key: &(impl std::hash::Hash + ?Sized)) {
        let key = self.hasher.hash_one(key);
        self.young.remove(&key);
        self.old.remove(&key);
    }
}

/// What counts as one address: with IPv6 a customer has a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: &str = "ann@example.com";
    const BOB: &str = "bob@example.com";

    fn throttle() -> Throttle {
        // One failure is forgotten every 300 s per account, every 90 s per address.
        Throttle::new(Attempts { per_account: 3, per_address: 10, window_seconds: 900 })
    }

    fn at(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn seconds_to_wait(throttle: &Throttle, account: &str, address: IpAddr, now: u64) -> u64 {
        match throttle.admit(account, address, now) {
            Ok(()) => 0,
            Err(Error::RateLimited(seconds)) => seconds,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn an_account_is_slowed_down_after_its_failures_wherever_they_came_from() {
        let mut throttle = throttle();
        for from in 1..=3 {
            assert_eq!(seconds_to_wait(&throttle, ANN, at(from), 1000), 0);
            throttle.failed(ANN, at(from), 1000);
        }
        assert_eq!(seconds_to_wait(&throttle, ANN, at(4), 1000), 300);
        assert_eq!(seconds_to_wait(&throttle, BOB, at(1), 1000), 0);
        assert_eq!(seconds_to_wait(&throttle, ANN, at(4), 300_999), 1);
        assert_eq!(seconds_to_wait(&throttle, ANN, at(4), 301_000), 0);
        throttle.failed(ANN, at(4), 301_000);
        assert_eq!(seconds_to_wait(&throttle, ANN, at(4), 301_000), 300, "one at a time from here");
        assert_eq!(seconds_to_wait(&throttle, ANN, at(4), 2_000_000), 0, "in the end all is forgotten");
    }

    #[test]
    fn an_address_is_slowed_down_after_its_failures_whatever_the_accounts() {
        let mut throttle = throttle();
        for n in 0..10 {
            throttle.failed(&format!("user{n}@example.com"), at(1), 0);
        }
        assert!(seconds_to_wait(&throttle, ANN, at(1), 0) > 0);
        assert_eq!(seconds_to_wait(&throttle, ANN, at(2), 0), 0);
    }

    #[test]
    fn success_never_counts_and_wipes_the_slate_of_its_account() {
        let mut throttle = throttle();
        for _ in 0..1000 {
            assert_eq!(seconds_to_wait(&throttle, ANN, at(1), 0), 0);
            throttle.succeeded(ANN, at(1));
        }
        throttle.failed(ANN, at(1), 0);
        throttle.failed(ANN, at(1), 0);
        throttle.succeeded(ANN, at(1));
        throttle.failed(ANN, at(1), 0);
        assert_eq!(seconds_to_wait(&throttle, ANN, at(1), 0), 0);
    }

    #[test]
    fn over_the_limit_one_is_heard_in_turn_with_growing_pauses_and_a_guesser_elsewhere_is_not_in_the_way() {
        let mut throttle = throttle();
        let mut turn = |from: u8, now| throttle.turn(ANN, at(from), now).ok();
        assert_eq!([turn(1, 0), turn(1, 0), turn(1, 0)], [Some(0), Some(1000), Some(3000)]);
        assert_eq!([turn(1, 0), turn(1, 0)], [Some(7000), None], "no more than ten seconds ahead");
        assert_eq!(turn(2, 0), Some(0), "from another address");
        assert_eq!(turn(1, 100_000), Some(0));
        assert_eq!(turn(1, 100_000), Some(1000), "after a while the pauses are short again");
    }

    #[test]
    fn failures_over_the_limit_do_not_pile_up() {
        let mut throttle = throttle();
        for _ in 0..100 {
            throttle.failed(ANN, at(1), 1000);
        }
        assert_eq!(seconds_to_wait(&throttle, ANN, at(2), 1000), 300);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let parse = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(network(parse("2001:db8:1:2::1")), network(parse("2001:db8:1:2:ffff::9")));
        assert_ne!(network(parse("2001:db8:1:2::1")), network(parse("2001:db8:1:3::1")));
        assert_eq!(network(parse("::ffff:192.0.2.1")), at(1));
    }

    #[test]
    fn memory_is_bounded_however_many_fail() {
        let mut throttle = throttle();
        for n in 0..(3 * ENTRIES_MAX) {
            throttle.failed(&n.to_string(), at(1), 0);
        }
        assert!(throttle.accounts.young.len() + throttle.accounts.old.len() <= 2 * ENTRIES_MAX);
    }
}
