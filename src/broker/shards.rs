//! The shards that connections lie in: whom a notice reaches is gathered by shard, so that each of
//! them is told once.

use super::{Frame, Place, Shard};
use std::sync::Arc;

/// A connection's place: the number of its shard here, and its index there.
pub(super) type Spot = (u16, u32);

/// Those that were seen so far, one for each thread that has connections.
#[derive(Default)]
pub(super) struct Shards {
    all: Vec<Gathering>,
    /// Several notices are on their way: who is to write them is woken behind the last.
    holding: bool,
}

struct Gathering {
    shard: Arc<dyn Shard>,
    /// Something was pushed to it since it was last woken.
    sleeps: bool,
    /// Kept empty, so that a notice costs no allocation here.
    to: Vec<u32>,
}

impl Shards {
    /// Where this place is.
    pub(super) fn spot(&mut self, place: Place) -> Option<Spot> {
        let known = self.all.iter().position(|known| Arc::ptr_eq(&known.shard, &place.shard));
        let number = known.unwrap_or_else(|| {
            self.all.push(Gathering { shard: place.shard, sleeps: false, to: Vec::new() });
            self.all.len() - 1
        });
        Some((u16::try_from(number).ok()?, place.index))
    }

    /// What is pushed next is for this one as well.
    pub(super) fn gather(&mut self, (shard, index): Spot) {
        if let Some(gathering) = self.all.get_mut(usize::from(shard)) {
            gathering.to.push(index);
        }
    }

    /// Hands frames to all that were gathered.
    pub(super) fn push(&mut self, frames: &[Arc<Frame>]) {
        for Gathering { shard, sleeps, to } in self.all.iter_mut().filter(|gathering| !gathering.to.is_empty()) {
            shard.push(frames, to);
            to.clear();
            *sleeps = true;
        }
        if !self.holding {
            self.wake();
        }
    }

    /// What follows, until [`release`](Self::release), is to leave together.
    pub(super) fn hold(&mut self) {
        self.holding = true;
    }

    /// All of it was pushed.
    pub(super) fn release(&mut self) {
        self.holding = false;
        self.wake();
    }

    fn wake(&mut self) {
        for Gathering { shard, sleeps, .. } in &mut self.all {
            if std::mem::take(sleeps) {
                shard.wake();
            }
        }
    }

    /// Whether more of a replay would only keep live notices waiting there.
    pub(super) fn is_busy(&self, shard: u16) -> bool {
        self.all.get(usize::from(shard)).is_some_and(|gathering| gathering.shard.is_busy())
    }

    /// How many could not keep up so far.
    pub(super) fn fallen(&self) -> u64 {
        self.all.iter().map(|gathering| gathering.shard.fallen()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Keeps what it is given: events, and to whom.
    #[derive(Default)]
    struct Kept(Mutex<Vec<(Vec<String>, Vec<u32>)>>);

    impl Shard for Kept {
        fn push(&self, frames: &[Arc<Frame>], to: &[u32]) {
            let events = frames.iter().map(|frame| frame.event.to_string()).collect();
            self.0.lock().expect("a lock").push((events, to.to_vec()));
        }

        fn wake(&self) {
            self.0.lock().expect("a lock").push((vec!["woken".to_owned()], vec![]));
        }

        fn fallen(&self) -> u64 {
            2
        }
    }

    #[test]
    fn who_is_to_write_several_notices_is_woken_once_behind_the_last() {
        let kept = [Arc::<Kept>::default(), Arc::default()];
        let mut shards = Shards::default();
        let mut spot = |shard: usize| {
            let shard = Arc::clone(&kept[shard]) as Arc<dyn Shard>;
            shards.spot(Place { shard, index: 0 }).expect("a spot")
        };
        let spots = [spot(0), spot(1)];
        shards.hold();
        for event in ["a", "b"] {
            shards.gather(spots[0]);
            shards.push(&[Frame::new(event, None, "{}")]);
        }
        shards.release();
        shards.gather(spots[0]);
        shards.push(&[Frame::new("c", None, "{}")]);
        let told = kept.map(|kept| kept.0.lock().expect("a lock").iter().map(|(names, _)| names.concat()).collect());
        let told: [Vec<String>; 2] = told;
        assert_eq!(told, [vec!["a", "b", "woken", "c", "woken"], vec![]]);
    }

    #[test]
    fn each_shard_is_told_once_whom_a_notice_reaches_and_not_at_all_if_nobody() {
        let kept = [Arc::<Kept>::default(), Arc::default(), Arc::default()];
        let mut shards = Shards::default();
        let mut spot = |shard: usize, index| {
            let shard = Arc::clone(&kept[shard]) as Arc<dyn Shard>;
            shards.spot(Place { shard, index }).expect("a spot")
        };
        let spots = [spot(0, 7), spot(1, 7), spot(0, 3), spot(2, 0)];
        spots[..3].iter().for_each(|spot| shards.gather(*spot));
        shards.push(&[Frame::new("a", None, "{}"), Frame::new("b", None, "{}")]);
        shards.gather(spots[1]);
        shards.push(&[Frame::new("c", None, "{}")]);
        let told = kept.map(|kept| kept.0.lock().expect("a lock").clone());
        let (both, last) = (vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]);
        let woken = || (vec!["woken".to_owned()], vec![]);
        let first = vec![(both.clone(), vec![7, 3]), woken()];
        assert_eq!(told, [first, vec![(both, vec![7]), woken(), (last, vec![7]), woken()], vec![]]);
        assert_eq!(shards.fallen(), 6);
    }
}
