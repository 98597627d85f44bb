//! What changed among the connections since it was last told, for those who watch them. Pure, and
//! bounded: whoever is told rarely is told of the outcome, or that there was too much.

use crate::notice::{ConnectionId, Room};
use std::collections::{BTreeMap, BTreeSet};

/// Most changes that are kept: some hundred kilobytes. After more, all is told anew.
pub(super) const CHANGES_MAX: usize = 2_000;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Came(ConnectionId),
    Went(ConnectionId),
    Entered(ConnectionId, Room),
    Left(ConnectionId, Room),
}

/// Changes, in the order in which they happened.
#[derive(Debug, Default)]
pub struct Journal {
    changes: Vec<Change>,
    lost: bool,
}

/// The outcome of some changes: nothing stands in it twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Outcome {
    pub(super) came: BTreeSet<ConnectionId>,
    pub(super) went: BTreeSet<ConnectionId>,
    /// Of connections that neither came nor went: whether they are in the room now.
    pub(super) moved: BTreeMap<(ConnectionId, Room), bool>,
}

impl Journal {
    /// Notes a change.
    pub(super) fn note(&mut self, change: Change) {
        if self.lost || self.changes.len() >= CHANGES_MAX {
            (self.lost, self.changes) = (true, Vec::new());
        } else {
            self.changes.push(change);
        }
    }

    /// What came of it all since the last time; `None` when there was too much.
    pub(super) fn take(&mut self) -> Option<Outcome> {
        let changes = std::mem::take(&mut self.changes);
        if std::mem::take(&mut self.lost) {
            return None;
        }
        let mut outcome = Outcome::default();
        for change in changes {
            match change {
                Change::Came(id) => _ = outcome.came.insert(id),
                // Who came and went meanwhile was never there.
                Change::Went(id) if outcome.came.remove(&id) => {}
                Change::Went(id) => _ = outcome.went.insert(id),
                Change::Entered(id, room) => _ = outcome.moved.insert((id, room), true),
                Change::Left(id, room) => _ = outcome.moved.insert((id, room), false),
            }
        }
        let Outcome { came, went, moved } = &mut outcome;
        moved.retain(|(id, _), _| !came.contains(id) && !went.contains(id));
        Some(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::testing::id;

    fn topic(name: &str) -> Room {
        Room::Topic(name.into())
    }

    #[test]
    fn the_outcome_is_told_and_not_the_way_to_it() {
        let mut journal = Journal::default();
        let changes = [
            Change::Came(id("new")),
            Change::Entered(id("new"), topic("a")),
            Change::Came(id("brief")),
            Change::Went(id("brief")),
            Change::Entered(id("old"), topic("a")),
            Change::Left(id("old"), topic("a")),
            Change::Left(id("old"), topic("b")),
            Change::Entered(id("old"), topic("b")),
            Change::Entered(id("gone"), topic("b")),
            Change::Went(id("gone")),
        ];
        changes.into_iter().for_each(|change| journal.note(change));
        let outcome = journal.take().expect("not too much");
        assert_eq!(outcome.came, [id("new")].into());
        assert_eq!(outcome.went, [id("gone")].into());
        assert_eq!(outcome.moved, [((id("old"), topic("a")), false), ((id("old"), topic("b")), true)].into());
        assert_eq!(journal.take(), Some(Outcome::default()), "it is told once");
    }

    #[test]
    fn what_is_too_much_is_not_kept_and_not_told_in_part() {
        let mut journal = Journal::default();
        for number in 0..=CHANGES_MAX {
            journal.note(Change::Came(id(number)));
        }
        journal.note(Change::Came(id("one more")));
        assert!(journal.changes.is_empty());
        assert_eq!(journal.take(), None);
        journal.note(Change::Came(id("later")));
        assert_eq!(journal.take().expect("not too much").came, [id("later")].into());
    }
}
