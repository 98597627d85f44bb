//! What waits in a shard, gathered by notice and written out by connection.

use crate::broker::Frame;
use actix_socketioxide::Frames;
use std::sync::Arc;

/// Bytes that are gathered before they are written. As much goes to a connection in one call, and
/// however little it may hold, it is given no more at once.
pub const RUN_BYTES: usize = 64 << 10;

/// Frames that go to the same connections.
struct Push {
    frames: Vec<Arc<Frame>>,
    /// The same, for a websocket.
    whole: Frames,
    /// Whether some go through the library: what wants to be confirmed, which is not the same for all connections.
    emitted: bool,
}

/// The pushes that were gathered.
#[derive(Default)]
pub struct Pushes {
    all: Vec<Push>,
    bytes: usize,
    /// The run that was put together last: most connections have the same as the one before.
    last: (Vec<u32>, Frames),
}

/// Who gets which of them.
#[derive(Default)]
pub struct Order {
    to: Vec<Vec<u32>>,
    /// In the order in which they were named first.
    named: Vec<u32>,
    /// By index: the first and the last step of a connection's way through the pushes.
    ways: Vec<Option<(u32, u32)>>,
    /// A push, and the next step.
    steps: Vec<(u32, u32)>,
    run: Vec<u32>,
    /// Everybody gets all of it.
    alike: bool,
}

impl Pushes {
    /// Adds one.
    pub fn add(&mut self, frames: Vec<Arc<Frame>>) {
        // All of them are whole: see `Frame::socket_io`.
        let parts: Vec<Frames> = frames.iter().filter_map(|frame| Frames::whole(frame.socket_io().clone())).collect();
        let whole = match &*parts {
            [one] => one.clone(),
            several => Frames::concat(several),
        };
        self.bytes += whole.len();
        let emitted = frames.iter().any(|frame| frame.wants_confirmation());
        self.all.push(Push { frames, whole, emitted });
    }

    /// Whether it is time to write.
    pub const fn is_full(&self) -> bool {
        self.bytes >= RUN_BYTES
    }

    /// Whether there is nothing to write.
    pub const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether something in this run goes through the library.
    pub fn are_emitted(&self, run: &[u32]) -> bool {
        run.iter().any(|push| self.all[*push as usize].emitted)
    }

    /// The frames of this run, one by one.
    pub fn each(&self, run: &[u32]) -> impl Iterator<Item = &Arc<Frame>> {
        run.iter().flat_map(|push| &self.all[*push as usize].frames)
    }

    /// The frames of this run in one piece.
    pub fn whole(&mut self, run: &[u32]) -> &Frames {
        if let [push] = run {
            return &self.all[*push as usize].whole;
        }
        if self.last.0 != run {
            let parts: Vec<&Frames> = run.iter().map(|push| &self.all[*push as usize].whole).collect();
            self.last = (run.to_vec(), Frames::concat(parts));
        }
        &self.last.1
    }

    /// All were written.
    pub fn clear(&mut self) {
        *self = Self { all: std::mem::take(&mut self.all), ..Self::default() };
        self.all.clear();
    }
}

impl Order {
    /// The next push goes to these.
    pub fn add(&mut self, to: Vec<u32>) {
        self.to.push(to);
    }

    /// Finds out who gets what; answers how many get something.
    pub fn sort(&mut self) -> usize {
        self.alike = self.to.windows(2).all(|pair| pair[0] == pair[1]);
        if self.alike {
            self.run.clear();
            self.run.extend(0..self.to.len() as u32);
            self.named = std::mem::take(&mut self.to).pop().unwrap_or_default();
            return self.named.len();
        }
        for (push, to) in self.to.drain(..).enumerate() {
            for index in to {
                if self.ways.len() <= index as usize {
                    self.ways.resize(index as usize + 1, None);
                }
                let step = self.steps.len() as u32;
                self.steps.push((push as u32, u32::MAX));
                match &mut self.ways[index as usize] {
                    Some((_, last)) => self.steps[std::mem::replace(last, step) as usize].1 = step,
                    way => {
                        *way = Some((step, step));
                        self.named.push(index);
                    }
                }
            }
        }
        self.named.len()
    }

    /// One of those who get something, and which pushes. Each can be asked for once.
    pub fn run(&mut self, at: usize) -> (u32, &[u32]) {
        let index = self.named[at];
        if !self.alike {
            self.run.clear();
            let mut next = self.ways[index as usize].take().map(|(first, _)| first);
            while let Some((push, step)) = next.and_then(|step| self.steps.get(step as usize)) {
                self.run.push(*push);
                next = Some(*step);
            }
        }
        (index, &self.run)
    }

    /// All were asked for.
    pub fn clear(&mut self) {
        self.to.clear();
        self.named.clear();
        self.steps.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn runs(order: &mut Order) -> Vec<(u32, Vec<u32>)> {
        let count = order.sort();
        let mut runs = Vec::new();
        for at in 0..count {
            let (index, run) = order.run(at);
            runs.push((index, run.to_vec()));
        }
        order.clear();
        runs
    }

    #[test]
    fn a_run_is_put_together_once_for_all_who_get_the_same() {
        let mut pushes = Pushes::default();
        for text in ["1", "2", "3"] {
            pushes.add(vec![Frame::new("x", None, text)]);
        }
        let first = pushes.whole(&[0, 2]).bytes().as_ptr();
        assert_eq!(&pushes.whole(&[0, 2]).bytes()[..], b"\x81\x0942[\"x\",1]\x81\x0942[\"x\",3]");
        assert_eq!(pushes.whole(&[0, 2]).bytes().as_ptr(), first);
        assert_eq!(&pushes.whole(&[1]).bytes()[..], b"\x81\x0942[\"x\",2]");
        assert_eq!(pushes.each(&[1, 2]).map(|frame| &*frame.payload).collect::<Vec<_>>(), ["2", "3"]);
    }

    #[test]
    fn it_is_full_when_a_run_is_long_enough_and_empty_again_when_it_is_cleared() {
        let mut pushes = Pushes::default();
        pushes.add(vec![Frame::new("x", None, format!("\"{}\"", "x".repeat(RUN_BYTES / 2)))]);
        assert!(!pushes.is_full() && !pushes.is_empty());
        pushes.add(vec![Frame::new("x", None, format!("\"{}\"", "x".repeat(RUN_BYTES / 2)))]);
        assert!(pushes.is_full());
        pushes.clear();
        assert!(!pushes.is_full() && pushes.is_empty());
        pushes.add(vec![Frame::new("x", None, "1")]);
        pushes.add(vec![Frame::new("x", None, "2")]);
        assert_eq!(&pushes.whole(&[0, 1]).bytes()[..], b"\x81\x0942[\"x\",1]\x81\x0942[\"x\",2]");
    }

    proptest! {
        #[test]
        fn everybody_gets_what_was_for_them_once_and_in_order(
            rounds in prop::collection::vec(
                prop::collection::vec(prop::collection::btree_set(0u32..12, 0..12), 1..8), 1..4,
            ),
            alike in any::<bool>(),
        ) {
            let mut order = Order::default();
            for mut round in rounds {
                if alike {
                    let first = round[0].clone();
                    round.fill(first);
                }
                let mut expected: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
                for (push, to) in round.into_iter().enumerate() {
                    to.iter().for_each(|index| expected.entry(*index).or_default().push(push as u32));
                    order.add(to.into_iter().collect());
                }
                let runs = runs(&mut order);
                prop_assert_eq!(runs.len(), expected.len());
                prop_assert_eq!(runs.into_iter().collect::<BTreeMap<_, _>>(), expected);
            }
        }
    }
}
