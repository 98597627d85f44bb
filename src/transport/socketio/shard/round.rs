//! Whose turn it is in a shard, and what is to be written to them.
//!
//! Connections that something waits for take turns, and each gets in its turn all that waits for it. What comes
//! while others have their turn is added to what those get whose turn is still to come, and whoever had theirs
//! goes to the end. So the faster notices come, the more of them leave in one call, without waiting for any.

use std::collections::VecDeque;

/// No step follows.
const END: u32 = u32::MAX;
/// Steps that are kept for the next burst.
const KEPT: usize = 1 << 16;

/// Who is still to be given which pushes.
#[derive(Default)]
pub struct Round {
    /// May name those again who were given all out of turn.
    turns: VecDeque<u32>,
    /// By index: the first and the last step of a connection's way through the pushes.
    ways: Vec<Option<(u32, u32)>>,
    /// A push, and the next step.
    steps: Vec<(u64, u32)>,
    free: Vec<u32>,
    run: Vec<u64>,
}

impl Round {
    /// This push, which is newer than all others, goes to these.
    pub fn add(&mut self, push: u64, to: &[u32]) {
        for index in to {
            let step = self.step(push);
            if self.ways.len() <= *index as usize {
                self.ways.resize(*index as usize + 1, None);
            }
            match &mut self.ways[*index as usize] {
                Some((_, last)) => self.steps[std::mem::replace(last, step) as usize].1 = step,
                way => {
                    *way = Some((step, step));
                    self.turns.push_back(*index);
                }
            }
        }
    }

    /// Whose turn it is, and what they get, oldest first.
    pub fn next(&mut self) -> Option<(u32, &[u64])> {
        loop {
            let index = self.turns.pop_front()?;
            if self.ways[index as usize].is_some() {
                return Some((index, self.take(index)));
            }
        }
    }

    /// What this one gets, out of turn.
    pub fn take(&mut self, index: u32) -> &[u64] {
        self.run.clear();
        let mut next = self.ways.get_mut(index as usize).and_then(Option::take).map_or(END, |(first, _)| first);
        while let Some((push, following)) = self.steps.get(next as usize) {
            self.run.push(*push);
            self.free.push(next);
            next = *following;
        }
        &self.run
    }

    /// Whether nobody waits for anything.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Gives back what a burst has grown, if nobody waits for anything.
    pub fn shrink(&mut self) {
        if self.is_empty() && self.steps.len() > KEPT {
            *self = Self { ways: std::mem::take(&mut self.ways), ..Self::default() };
        }
    }

    fn step(&mut self, push: u64) -> u32 {
        if let Some(step) = self.free.pop() {
            self.steps[step as usize] = (push, END);
            return step;
        }
        self.steps.push((push, END));
        (self.steps.len() - 1) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_comes_while_others_have_their_turn_goes_with_what_waits() {
        let mut round = Round::default();
        round.add(0, &[1, 2, 3]);
        assert_eq!(round.next(), Some((1, &[0][..])));
        round.add(1, &[1, 2, 3]);
        assert_eq!(round.next(), Some((2, &[0, 1][..])));
        assert_eq!(round.next(), Some((3, &[0, 1][..])));
        assert_eq!(round.next(), Some((1, &[1][..])));
        assert_eq!(round.next(), None);
        assert!(round.is_empty());
    }

    #[test]
    fn who_was_given_all_out_of_turn_gets_nothing_twice() {
        let mut round = Round::default();
        round.add(0, &[1, 2]);
        assert_eq!(round.take(2), [0]);
        round.add(1, &[2]);
        assert_eq!(round.next(), Some((1, &[0][..])));
        assert_eq!(round.next(), Some((2, &[1][..])));
        assert_eq!(round.next(), None);
        assert_eq!(round.take(7), [0; 0]);
    }

    #[test]
    fn what_a_burst_has_grown_is_given_back() {
        let mut round = Round::default();
        round.add(0, &(0..KEPT as u32 + 1).collect::<Vec<_>>());
        round.shrink();
        while round.next().is_some() {}
        round.shrink();
        assert_eq!(round.steps.capacity(), 0);
        round.add(1, &[3]);
        assert_eq!(round.next(), Some((3, &[1][..])));
    }

    proptest! {
        #[test]
        fn everybody_gets_what_was_for_them_once_and_in_order(
            acts in prop::collection::vec(
                prop_oneof![
                    prop::collection::btree_set(0u32..12, 0..12).prop_map(Ok),
                    (0u32..12, any::<bool>()).prop_map(Err),
                ],
                1..60,
            ),
        ) {
            let mut round = Round::default();
            let (mut expected, mut given) = (vec![Vec::new(); 12], vec![Vec::new(); 12]);
            for (push, act) in (0..).zip(acts) {
                match act {
                    Ok(to) => {
                        to.iter().for_each(|index| expected[*index as usize].push(push));
                        round.add(push, &to.into_iter().collect::<Vec<_>>());
                    }
                    Err((index, true)) => given[index as usize].extend_from_slice(round.take(index)),
                    Err(_) => {
                        if let Some((index, run)) = round.next() {
                            prop_assert!(!run.is_empty());
                            given[index as usize].extend_from_slice(run);
                        }
                    }
                }
            }
            while let Some((index, run)) = round.next() {
                given[index as usize].extend_from_slice(run);
            }
            prop_assert_eq!(given, expected);
            prop_assert_eq!(round.free.len(), round.steps.len());
        }
    }
}
