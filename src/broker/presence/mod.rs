//! Who is online, and who is told of it (CONTRACT 9). Pure: it is told who came and went, and leaves
//! what has to be waited for as [`Wait`]s and what is to be said as [`News`].
//!
//! | Part | Does |
//! |---|---|
//! | this file | counts, the grace after the last connection, who watches whom |
//! | `ties` | by what one may watch somebody, and what ends that |
//! | `asked` | the same as part of the broker's machine: rooms and roles as the hub knows them |
//! | `wishes` | what one may say to the broker of it |

mod asked;
mod ties;
mod wishes;

#[cfg(test)]
mod played_test;
#[cfg(test)]
mod rules_test;

pub use ties::{TIES_MAX, Tie, Ties};
pub use wishes::{PresenceOf, PresenceTold, ReadPresence, StartTelling, Unwatch, Watch};

use crate::{
    identity::{Role, Roles},
    ids::UserId,
    notice::{Effect, Room, Seq},
};
use schemars::JsonSchema;
use serde::Serialize;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::Hash,
    time::Duration,
};

/// Most users that a connection may watch: each is kept with what they share.
pub const WATCHED_MAX: usize = 500;
/// Most users in one question: each costs several rows of the database.
pub const USERS_MAX: usize = 200;
/// How long who lost the last connection counts as online, where nothing else is set.
pub const GRACE: Duration = Duration::from_secs(5);
/// After something was told of a user, the next change waits so long and is told as one with what
/// follows: who comes and goes all the time must not fill the queues of those who watch.
pub(super) const REST: Duration = Duration::from_millis(250);

/// Whether somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// Whether there is a connection, or was one a moment ago.
    pub online: bool,
    /// How many there are now.
    pub connections: usize,
}

/// Something to be waited for; say so when the time has come, with [`People::waited`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// The grace after a connection went.
    Grace(UserId, Round),
    /// The pause after something was told.
    Rest(UserId, Round),
}

/// Tells one wait from a later one for the same user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Round(u64);

/// Something to be said to those who watch a user.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct News<S> {
    pub(super) to: Vec<S>,
    pub(super) user: UserId,
    /// `None`: they watch this user no more.
    pub(super) state: Option<State>,
}

/// What is known of those who watch, and of rooms, when it matters.
pub(super) trait Facts<S> {
    /// What a connection may be now.
    fn roles(&self, watcher: S) -> Roles;
    /// Whether a connection is in a room.
    fn is_in(&self, watcher: S, room: &Room) -> bool;
    /// Whether any connection of a user is in a room.
    fn user_is_in(&self, user: UserId, room: &Room) -> bool;
}

/// A user who is watched, or whose last connection went a moment ago.
#[derive(Debug)]
struct Person<S> {
    connections: usize,
    grace: Option<Round>,
    rest: Option<Round>,
    watched_by: HashSet<S>,
}

/// What a connection knows of a user.
#[derive(Debug)]
struct Sight {
    ties: Vec<Tie>,
    /// Effects up to here are in the ties.
    as_of: Seq,
    /// What the connection was told last.
    told: State,
    /// The answer to its wish is on the way: nothing may overtake that.
    held: bool,
    /// Ended while it was held.
    ended: bool,
}

/// A connection that watches.
#[derive(Debug)]
struct Watcher {
    user: UserId,
    sights: HashMap<UserId, Sight>,
}

/// A user whom somebody is about to watch.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) user: UserId,
    pub(super) ties: Vec<Tie>,
    pub(super) connections: usize,
}

/// See the [module](self). `S` names a connection.
#[derive(Debug)]
pub(super) struct People<S> {
    persons: HashMap<UserId, Person<S>>,
    watchers: HashMap<S, Watcher>,
    round: Round,
    pub(super) waits: VecDeque<Wait>,
    pub(super) news: VecDeque<News<S>>,
}

impl<S> Default for People<S> {
    fn default() -> Self {
        Self {
            persons: HashMap::new(),
            watchers: HashMap::new(),
            round: Round::default(),
            waits: VecDeque::new(),
            news: VecDeque::new(),
        }
    }
}

impl<S> Person<S> {
    const fn state(&self) -> State {
        State { online: self.connections > 0 || self.grace.is_some(), connections: self.connections }
    }
}

impl<S: Copy + Eq + Hash> People<S> {
    /// How things are with a user who has so many connections.
    pub(super) fn state(&self, user: UserId, connections: usize) -> State {
        let graced = self.persons.get(&user).is_some_and(|person| person.grace.is_some());
        State { online: connections > 0 || graced, connections }
    }

    /// A connection came; the user has so many now. With several nodes this is where theirs are added.
    pub(super) fn came(&mut self, user: UserId, connections: usize, facts: &impl Facts<S>) {
        let Some(person) = self.persons.get_mut(&user) else { return };
        person.connections = connections;
        if person.watched_by.is_empty() {
            self.persons.remove(&user);
        } else {
            self.tell(user, facts);
        }
    }

    /// A connection went; the user has so many left.
    pub(super) fn went(&mut self, user: UserId, connections: usize, facts: &impl Facts<S>) {
        if connections > 0 && !self.persons.contains_key(&user) {
            return;
        }
        let round = self.next_round();
        let person = self.person(user, connections);
        (person.connections, person.grace) = (connections, Some(round));
        self.waits.push_back(Wait::Grace(user, round));
        self.tell(user, facts);
    }

    /// What was to be waited for is over.
    pub(super) fn waited(&mut self, wait: Wait, facts: &impl Facts<S>) {
        let (Wait::Grace(user, round) | Wait::Rest(user, round)) = wait;
        let Some(person) = self.persons.get_mut(&user) else { return };
        match wait {
            Wait::Grace(..) if person.grace == Some(round) => {
                person.grace = None;
                // Whoever met this user only in rooms that were not entered again meets nobody now.
                self.review_watched(user, facts);
            }
            Wait::Rest(..) if person.rest == Some(round) => person.rest = None,
            _ => return,
        }
        self.tell(user, facts);
        self.tidy(user);
    }

    /// A connection watches these users from now on, or goes on to, by what is known now. It is told
    /// nothing until [`start_telling`](Self::start_telling). `None` over [`WATCHED_MAX`].
    pub(super) fn watch(&mut self, s: S, user: UserId, wanted: Vec<Wanted>, as_of: Seq) -> Option<Vec<State>> {
        let known = self.watchers.get(&s).map(|watcher| &watcher.sights);
        let fresh: HashSet<UserId> = wanted.iter().map(|wanted| wanted.user).collect();
        let fresh = fresh.iter().filter(|user| known.is_none_or(|known| !known.contains_key(user))).count();
        if fresh + known.map_or(0, HashMap::len) > WATCHED_MAX {
            return None;
        }
        let mut states = Vec::with_capacity(wanted.len());
        for Wanted { user: watched, ties, connections } in wanted {
            let person = self.person(watched, connections);
            person.watched_by.insert(s);
            let told = person.state();
            let watcher = self.watchers.entry(s).or_insert_with(|| Watcher { user, sights: HashMap::new() });
            watcher.sights.insert(watched, Sight { ties, as_of, told, held: true, ended: false });
            states.push(told);
        }
        Some(states)
    }

    /// The answer to a connection's wish has left: what changed since is told now.
    pub(super) fn start_telling(&mut self, s: S, facts: &impl Facts<S>) {
        let Some(watcher) = self.watchers.get_mut(&s) else { return };
        let mut freed = Vec::new();
        for (user, sight) in watcher.sights.iter_mut().filter(|(_, sight)| sight.held) {
            sight.held = false;
            freed.push((*user, sight.ended));
        }
        for (user, ended) in freed {
            if ended {
                self.end(s, user);
            } else {
                self.tell(user, facts);
            }
        }
    }

    /// A connection watches these users, or all, no more.
    pub(super) fn unwatch(&mut self, s: S, users: Option<&[UserId]>) {
        let watched = self.watchers.get(&s).map(|watcher| watcher.sights.keys().copied().collect::<Vec<_>>());
        for user in users.map_or_else(|| watched.unwrap_or_default(), <[UserId]>::to_vec) {
            self.forget(s, user);
        }
    }

    /// An effect, at its place in the order. `own` are the connections of the user that it is about.
    pub(super) fn hear(&mut self, effect: &Effect, at: Option<Seq>, own: &[S], facts: &impl Facts<S>) {
        let mut concerned: Vec<(S, UserId)> = Vec::new();
        let all_of = |s: &S| self.watchers.get(s).into_iter().flat_map(|watcher| watcher.sights.keys().copied());
        match effect {
            Effect::Leave { user, .. } | Effect::Standing { user, .. } => {
                concerned.extend(own.iter().flat_map(|s| all_of(s).map(|watched| (*s, watched))));
                let watched_by = self.persons.get(user).into_iter().flat_map(|person| &person.watched_by);
                concerned.extend(watched_by.map(|s| (*s, *user)));
            }
            // Rare enough to ask everybody.
            Effect::Dissolve { .. } => {
                concerned.extend(self.watchers.keys().flat_map(|s| all_of(s).map(|watched| (*s, watched))));
            }
            Effect::Join { .. } | Effect::Party { .. } | Effect::End { .. } => {}
        }
        for (s, watched) in concerned {
            let Some(watcher) = self.watchers.get_mut(&s) else { continue };
            let Some(sight) = watcher.sights.get_mut(&watched) else { continue };
            if at.is_none_or(|at| at > sight.as_of) {
                sight.ties.retain(|tie| !tie.is_ended_by(effect, watcher.user, watched));
            }
            self.review(s, watched, facts);
        }
    }

    /// A connection lost a role or left a room: whom may it still watch?
    pub(super) fn review_watcher(&mut self, s: S, facts: &impl Facts<S>) {
        let watched: Vec<UserId> = self.watchers.get(&s).into_iter().flat_map(|w| w.sights.keys().copied()).collect();
        for user in watched {
            self.review(s, user, facts);
        }
    }

    /// A user left a room: who may still watch?
    pub(super) fn review_watched(&mut self, user: UserId, facts: &impl Facts<S>) {
        let watched_by: Vec<S> =
            self.persons.get(&user).into_iter().flat_map(|p| p.watched_by.iter().copied()).collect();
        for s in watched_by {
            self.review(s, user, facts);
        }
    }

    fn review(&mut self, s: S, user: UserId, facts: &impl Facts<S>) {
        let Some(person) = self.persons.get(&user) else { return };
        let away = person.grace.is_some() && person.connections == 0;
        let Some(sight) = self.watchers.get_mut(&s).and_then(|watcher| watcher.sights.get_mut(&user)) else { return };
        sight.ties.retain(|tie| stands(tie, s, user, away, facts));
        if sight.ties.is_empty() && !facts.roles(s).has(Role::Admin) {
            self.end(s, user);
        }
    }

    /// Tells those who watch a user what they were not told yet. Asks once more whether they may.
    fn tell(&mut self, user: UserId, facts: &impl Facts<S>) {
        let Some(person) = self.persons.get_mut(&user) else { return };
        let state = person.state();
        // Who lost the last connection may be back in a moment: then there is nothing to tell.
        if person.rest.is_some() || (state.online && state.connections == 0) {
            return;
        }
        let (mut to, mut lost) = (Vec::new(), Vec::new());
        for s in &person.watched_by {
            let Some(sight) = self.watchers.get_mut(s).and_then(|w| w.sights.get_mut(&user)) else { continue };
            if sight.held || sight.told == state {
                continue;
            }
            let may = facts.roles(*s).has(Role::Admin)
                || sight.ties.iter().any(|tie| stands(tie, *s, user, person.grace.is_some(), facts));
            if may {
                sight.told = state;
                to.push(*s);
            } else {
                lost.push(*s);
            }
        }
        for s in lost {
            self.end(s, user);
        }
        if !to.is_empty() {
            let round = self.next_round();
            if let Some(person) = self.persons.get_mut(&user) {
                person.rest = Some(round);
            }
            self.waits.push_back(Wait::Rest(user, round));
            self.news.push_back(News { to, user, state: Some(state) });
        }
    }

    /// A connection may watch a user no more, and is told so.
    fn end(&mut self, s: S, user: UserId) {
        let Some(sight) = self.watchers.get_mut(&s).and_then(|watcher| watcher.sights.get_mut(&user)) else { return };
        if sight.held {
            sight.ended = true;
            return;
        }
        self.forget(s, user);
        self.news.push_back(News { to: vec![s], user, state: None });
    }

    fn forget(&mut self, s: S, user: UserId) {
        if let Some(watcher) = self.watchers.get_mut(&s) {
            watcher.sights.remove(&user);
            if watcher.sights.is_empty() {
                self.watchers.remove(&s);
            }
        }
        if let Some(person) = self.persons.get_mut(&user) {
            person.watched_by.remove(&s);
        }
        self.tidy(user);
    }

    fn person(&mut self, user: UserId, connections: usize) -> &mut Person<S> {
        let fresh = || Person { connections, grace: None, rest: None, watched_by: HashSet::new() };
        self.persons.entry(user).or_insert_with(fresh)
    }

    /// Nothing is kept of a user who is of interest to nobody.
    fn tidy(&mut self, user: UserId) {
        if self.persons.get(&user).is_some_and(|person| person.watched_by.is_empty() && person.grace.is_none()) {
            self.persons.remove(&user);
        }
    }

    const fn next_round(&mut self) -> Round {
        self.round.0 += 1;
        self.round
    }
}

/// Whether a tie holds. Of rooms: whether both are in it; who just lost connections (`lenient`) may be
/// about to enter it again.
fn stands<S: Copy>(tie: &Tie, s: S, watched: UserId, lenient: bool, facts: &impl Facts<S>) -> bool {
    match tie {
        Tie::Own | Tie::Group(_) | Tie::Party => true,
        Tie::Role(role) => facts.roles(s).has(*role),
        Tie::Room(room) => facts.is_in(s, room) && (lenient || facts.user_is_in(watched, room)),
    }
}
