//! The shards that connections lie in: whom a notice reaches is gathered by shard, so that each of
//! them is told once.

use super::{Frame, Place, Shard};
use std::sync::Arc;

/// A connection's place: the number of its shard here, and its index there.
pub(super) type Spot = (u16, u32);

/// Those that were seen so far, one for each thread that has connections.
#[derive(Default)]
pub(super) struct Shards(Vec<Gathering>);

struct Gathering {
    shard: Arc<dyn Shard>,
    /// Kept empty, so that a notice costs no allocation here.
    to: Vec<u32>,
}

impl Shards {
    /// Where this place is.
    pub(super) fn spot(&mut self, place: Place) -> Option<Spot> {
        let known = self.0.iter().position(|known| Arc::ptr_eq(&known.shard, &place.shard));
        let number = known.unwrap_or_else(|| {
            self.0.push(Gathering { shard: place.shard, to: Vec::new() });
            self.0.len() - 1
        });
        Some((u16::try_from(number).ok()?, place.index))
    }

    /// What is pushed next is for this one as well.
    pub(super) fn gather(&mut self, (shard, index): Spot) {
        if let Some(gathering) = self.0.get_mut(usize::from(shard)) {
            gathering.to.push(index);
        }
    }

    /// Hands frames to all that were gathered.
    pub(super) fn push(&mut self, frames: &[Arc<Frame>]) {
        for Gathering { shard, to } in self.0.iter_mut().filter(|gathering| !gathering.to.is_empty()) {
            shard.push(frames, to);
            to.clear();
        }
    }

    /// Whether more of a replay would only keep live notices waiting there.
    pub(super) fn is_busy(&self, shard: u16) -> bool {
        self.0.get(usize::from(shard)).is_some_and(|gathering| gathering.shard.is_busy())
    }

    /// How many could not keep up so far.
    pub(super) fn fallen(&self) -> u64 {
        self.0.iter().map(|gathering| gathering.shard.fallen()).sum()
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

        fn fallen(&self) -> u64 {
            2
        }
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
        assert_eq!(told, [vec![(both.clone(), vec![7, 3])], vec![(both, vec![7]), (last, vec![7])], vec![]]);
        assert_eq!(shards.fallen(), 6);
    }
}
