//! Caps: how many of something there may be, in all and from one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Counts holders of a [`Slot`] and refuses one too many.
#[derive(Debug)]
pub(crate) struct Cap {
    in_all: usize,
    per_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One place under a cap, given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    cap: Arc<Cap>,
    address: Option<IpAddr>,
}

impl Cap {
    pub(crate) fn new(in_all: usize, per_address: usize) -> Arc<Self> {
        Arc::new(Self { in_all, per_address, taken: Mutex::default() })
    }

    /// `None` when the cap is reached.
    pub(crate) fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Slot> {
        let address = address.map(one_holder);
        let mut taken = self.taken();
        if taken.total >= self.in_all {
            return None;
        }
        if let Some(address) = address {
            let of_address = taken.by_address.entry(address).or_default();
            if *of_address >= self.per_address {
                return None;
            }
            *of_address += 1;
        }
        taken.total += 1;
        drop(taken);
        Some(Slot { cap: Arc::clone(self), address })
    }

    pub(crate) fn in_use(&self) -> usize {
        self.taken().total
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.cap.taken();
        taken.total -= 1;
        if let Some(address) = self.address
            && let Some(of_address) = taken.by_address.get_mut(&address)
        {
            *of_address -= 1;
            if *of_address == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

/// One subscriber holds a whole IPv6 /64, so counting single IPv6 addresses would cap nobody.
fn one_holder(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn one_address_too_many_is_refused_while_others_go_on() {
        let cap = Cap::new(10, 2);
        let first = cap.take(address("10.0.0.1"));
        let _second = cap.take(address("10.0.0.1"));
        assert!(cap.take(address("10.0.0.1")).is_none());
        assert!(cap.take(address("10.0.0.2")).is_some());
        drop(first);
        assert!(cap.take(address("10.0.0.1")).is_some());
    }

    #[test]
    fn the_cap_in_all_holds_whatever_the_address() {
        let cap = Cap::new(2, 2);
        let _held = (cap.take(address("10.0.0.1")), cap.take(None));
        assert!(cap.take(address("10.0.0.2")).is_none());
        assert_eq!(cap.in_use(), 2);
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_holder_and_a_mapped_ipv4_is_itself() {
        let cap = Cap::new(10, 1);
        let _first = cap.take(address("2001:db8::1"));
        assert!(cap.take(address("2001:db8::2")).is_none());
        assert!(cap.take(address("2001:db8:0:1::1")).is_some());
        let _mapped = cap.take(address("::ffff:10.0.0.1"));
        assert!(cap.take(address("10.0.0.1")).is_none());
    }

    #[test]
    fn an_address_that_left_is_forgotten() {
        let cap = Cap::new(10, 1);
        drop(cap.take(address("10.0.0.1")));
        assert!(cap.taken().by_address.is_empty());
    }
}
