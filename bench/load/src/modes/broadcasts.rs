//! Who got which broadcast, and whether each got every one of them, once and in the same order.

use crate::{histogram::Histogram, sys::SECOND};

/// A broadcast that is not everywhere after so long no longer holds up the closed loop.
const OVERDUE: u64 = 5 * SECOND;

struct Broadcast {
    /// When it was sent, or due.
    at: u64,
    received: usize,
    expected: usize,
    /// The place at which the first client saw it. None so far: nobody did.
    place: Option<usize>,
    /// Whether it still counts as in flight.
    open: bool,
}

/// What one client saw.
#[derive(Clone, Default)]
struct Seen {
    /// The place after the newest one seen.
    next: usize,
    /// Earlier places that were skipped and may still come.
    skipped: Vec<usize>,
}

/// All broadcasts of a run. The order is that in which any client first sees them: requests on different
/// connections may overtake each other, clients may not.
pub struct Broadcasts {
    sent: Vec<Broadcast>,
    seen: Vec<Seen>,
    places: usize,
    oldest_open: usize,
    /// How many are not everywhere yet.
    pub in_flight: usize,
    /// From the request to each client.
    pub latency: Histogram,
    /// From the request to the last client.
    pub last: Histogram,
    /// How many arrived in the time that counts.
    pub deliveries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many came to somebody who had them.
    pub doubled: u64,
    /// How many came after a later one.
    pub out_of_order: u64,
    /// From when on it counts.
    pub from: u64,
    /// Until when.
    pub until: u64,
}

impl Broadcasts {
    /// None yet, and nothing counts.
    pub fn new(clients: usize) -> Self {
        Self {
            sent: vec![],
            seen: vec![Seen::default(); clients],
            places: 0,
            oldest_open: 0,
            in_flight: 0,
            latency: Histogram::default(),
            last: Histogram::default(),
            deliveries: 0,
            bytes: 0,
            doubled: 0,
            out_of_order: 0,
            from: u64::MAX,
            until: u64::MAX,
        }
    }

    /// The number of the next.
    pub fn next(&self) -> u64 {
        self.sent.len() as u64
    }

    /// The next one is sent, to so many clients.
    pub fn send(&mut self, at: u64, expected: usize) {
        self.sent.push(Broadcast { at, received: 0, expected, place: None, open: true });
        self.in_flight += 1;
    }

    /// A client got one.
    #[inline]
    pub fn receive(&mut self, client: usize, number: usize, at: u64, size: usize) {
        let Some(broadcast) = self.sent.get_mut(number) else { return };
        let place = *broadcast.place.get_or_insert_with(|| {
            self.places += 1;
            self.places - 1
        });
        let seen = &mut self.seen[client];
        if place >= seen.next {
            seen.skipped.extend(seen.next..place);
            seen.next = place + 1;
        } else if let Some(index) = seen.skipped.iter().position(|&skipped| skipped == place) {
            seen.skipped.swap_remove(index);
            self.out_of_order += 1;
        } else {
            self.doubled += 1;
            return;
        }
        broadcast.received += 1;
        let everywhere = broadcast.received == broadcast.expected;
        if (self.from..self.until).contains(&at) {
            self.deliveries += 1;
            self.bytes += size as u64;
            if broadcast.at >= self.from {
                self.latency.add(at.saturating_sub(broadcast.at));
                if everywhere {
                    self.last.add(at.saturating_sub(broadcast.at));
                }
            }
        }
        if everywhere && broadcast.open {
            broadcast.open = false;
            self.in_flight -= 1;
        }
    }

    /// Gives up waiting for what should have been everywhere long ago.
    pub fn give_up(&mut self, now: u64) {
        while let Some(broadcast) = self.sent.get_mut(self.oldest_open) {
            if broadcast.open {
                if now < broadcast.at + OVERDUE {
                    return;
                }
                broadcast.open = false;
                self.in_flight -= 1;
            }
            self.oldest_open += 1;
        }
    }

    /// How many did not arrive.
    pub fn lost(&self) -> usize {
        self.sent.iter().map(|broadcast| broadcast.expected.saturating_sub(broadcast.received)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_doubled_or_out_of_order_is_counted() {
        let mut broadcasts = Broadcasts::new(2);
        (broadcasts.from, broadcasts.until) = (0, 100);
        (0..3).for_each(|_| broadcasts.send(1, 2));
        [0, 1, 2].into_iter().for_each(|number| broadcasts.receive(0, number, 2, 10));
        [2, 1, 1].into_iter().for_each(|number| broadcasts.receive(1, number, 3, 10));
        assert_eq!((broadcasts.lost(), broadcasts.doubled, broadcasts.out_of_order), (1, 1, 1));
        assert_eq!((broadcasts.deliveries, broadcasts.bytes, broadcasts.in_flight), (5, 50, 1));
        broadcasts.give_up(1 + OVERDUE);
        assert_eq!(broadcasts.in_flight, 0);
    }

    #[test]
    fn requests_that_overtake_each_other_are_no_disorder_if_all_clients_see_the_same() {
        let mut broadcasts = Broadcasts::new(2);
        (0..2).for_each(|_| broadcasts.send(1, 2));
        for client in [0, 1] {
            [1, 0].into_iter().for_each(|number| broadcasts.receive(client, number, 2, 10));
        }
        assert_eq!((broadcasts.lost(), broadcasts.out_of_order), (0, 0));
    }
}
