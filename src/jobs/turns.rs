//! Whose turn it is on this node, so that nobody's many jobs keep others waiting.

use crate::{ids::UserId, time::Time};
use std::collections::HashMap;

/// Users of whom it is known when they had their last turn; who had it before these counts as one
/// who had none.
const REMEMBERED: usize = 256;

/// What users had: how many jobs of each are running, and who had the last turns.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns {
    running: HashMap<UserId, usize>,
    /// The latest last.
    had: Vec<UserId>,
}

impl Turns {
    /// A job of this user's begins.
    pub(super) fn begins(&mut self, user: UserId) {
        *self.running.entry(user).or_default() += 1;
        self.had.retain(|other| *other != user);
        if self.had.len() == REMEMBERED {
            self.had.remove(0);
        }
        self.had.push(user);
    }

    /// A job of this user's ended.
    pub(super) fn ends(&mut self, user: UserId) {
        let left = self.running.remove(&user).unwrap_or(0).saturating_sub(1);
        if left > 0 {
            self.running.insert(user, left);
        }
    }

    /// The place in the list of the one whose turn it is: of those with the fewest running jobs, who
    /// had the last turn the longest ago; of those who had none, who waits longest.
    pub(super) fn next(&self, waiting: &[(UserId, Time)]) -> Option<usize> {
        let turn = |(user, since): &(UserId, Time)| {
            let running = self.running.get(user).copied().unwrap_or(0);
            let had = self.had.iter().position(|other| other == user).map_or(0, |place| place + 1);
            (running, had, *since)
        };
        (0..waiting.len()).min_by_key(|at| turn(&waiting[*at]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::now().plus_seconds(seconds)
    }

    #[test]
    fn who_waits_longest_comes_first() {
        let (ann, bob) = (UserId::generate(), UserId::generate());
        assert_eq!(Turns::default().next(&[(ann, at(-1)), (bob, at(-2))]), Some(1));
        assert_eq!(Turns::default().next(&[]), None);
    }

    #[test]
    fn who_has_a_place_lets_others_go_first() {
        let (ann, bob) = (UserId::generate(), UserId::generate());
        let waiting = [(ann, at(-100)), (bob, at(-1))];
        let mut turns = Turns::default();
        turns.begins(bob);
        turns.begins(ann);
        turns.begins(ann);
        assert_eq!(turns.next(&waiting), Some(1), "one place is fewer than two");
        turns.ends(ann);
        turns.ends(ann);
        assert_eq!(turns.next(&waiting), Some(0));
    }

    #[test]
    fn with_one_place_everybody_has_it_in_turn_however_many_jobs_one_has() {
        let (ann, bob, eve) = (UserId::generate(), UserId::generate(), UserId::generate());
        let waiting = [(ann, at(-100)), (bob, at(-2)), (eve, at(-1))];
        let mut turns = Turns::default();
        let mut order = Vec::new();
        for _ in 0..6 {
            let user = waiting[turns.next(&waiting).expect("somebody")].0;
            turns.begins(user);
            turns.ends(user);
            order.push(user);
        }
        assert_eq!(order, [ann, bob, eve, ann, bob, eve]);
    }

    #[test]
    fn it_remembers_no_more_than_it_may() {
        let mut turns = Turns::default();
        for _ in 0..2 * REMEMBERED {
            let user = UserId::generate();
            turns.begins(user);
            turns.ends(user);
        }
        assert_eq!((turns.had.len(), turns.running.len()), (REMEMBERED, 0));
    }
}
