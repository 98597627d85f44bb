//! Presence against a plain model, in any order of anything: nobody hears of somebody they may not watch,
//! and who may still watch ends up knowing the truth.

use super::*;
use crate::ids::GroupId;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const USERS: u8 = 5;

fn user(number: u8) -> UserId {
    uuid::Uuid::from_u128(u128::from(number % USERS)).into()
}

fn group(number: u8) -> GroupId {
    uuid::Uuid::from_u128(u128::from(number % 2)).into()
}

fn topic(number: u8) -> Room {
    Room::Topic((number % 2).to_string().into())
}

fn roles(bits: u8) -> Roles {
    let all = [Role::Admin, Role::Seller, Role::Buyer];
    // Else nearly everybody is an administrator.
    let bits = if bits.is_multiple_of(5) { bits } else { bits & !1 };
    all.into_iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0).map(|(_, role)| role).collect()
}

#[derive(Debug, Clone)]
enum Step {
    Connect(u8, u8),
    Disconnect(u8),
    /// The wait of this number is over.
    Waited(prop::sample::Index),
    /// The database is asked; the answer is put to the broker by `Watch`.
    Read(u8, Vec<u8>),
    Watch(u8),
    AnswerLeft(u8),
    Unwatch(u8, Option<Vec<u8>>),
    Enter(u8, u8),
    Exit(u8, u8),
    /// A change in the database, of which the broker hears by `Hear`.
    Group(u8, u8, bool),
    Dissolve(u8),
    Standing(u8, u8, bool),
    Hear,
}

fn step() -> impl Strategy<Value = Step> {
    let (s, n) = (|| 0u8..8, || any::<u8>());
    let users = || prop::collection::vec(any::<u8>(), 1..3);
    prop_oneof![
        4 => (s(), n()).prop_map(|(s, n)| Step::Connect(s, n)),
        2 => s().prop_map(Step::Disconnect),
        4 => any::<prop::sample::Index>().prop_map(Step::Waited),
        4 => (s(), users()).prop_map(|(s, users)| Step::Read(s, users)),
        4 => s().prop_map(Step::Watch),
        4 => s().prop_map(Step::AnswerLeft),
        1 => (s(), prop::option::of(users())).prop_map(|(s, users)| Step::Unwatch(s, users)),
        3 => (s(), n()).prop_map(|(s, n)| Step::Enter(s, n)),
        1 => (s(), n()).prop_map(|(s, n)| Step::Exit(s, n)),
        4 => (n(), n(), any::<bool>()).prop_map(|(who, which, enters)| Step::Group(who, which, enters)),
        1 => n().prop_map(Step::Dissolve),
        2 => (n(), n(), prop::bool::weighted(0.1)).prop_map(|(who, roles, out)| Step::Standing(who, roles, out)),
        4 => Just(Step::Hear),
    ]
}

/// What the database holds at one place of the order.
#[derive(Debug, Clone, Default)]
struct Held {
    members: BTreeSet<(UserId, GroupId)>,
    roles: BTreeMap<UserId, Roles>,
    out: BTreeSet<UserId>,
}

impl Held {
    /// Users 0 and 1 have a chat; nobody else.
    fn are_parties(a: UserId, b: UserId) -> bool {
        let both = [user(0), user(1)];
        a != b && both.contains(&a) && both.contains(&b)
    }

    fn roles_of(&self, user: UserId) -> Roles {
        self.roles.get(&user).copied().unwrap_or_default()
    }

    /// What the database would answer.
    fn ties(&self, watcher: UserId, watched: UserId) -> Vec<Tie> {
        if self.out.contains(&watched) || self.out.contains(&watcher) {
            return Vec::new();
        }
        let groups = (0..2)
            .map(group)
            .filter(|group| self.members.contains(&(watcher, *group)) && self.members.contains(&(watched, *group)));
        let shared = [Role::Seller, Role::Buyer].into_iter().filter(|role| self.roles_of(watched).has(*role));
        let party = Self::are_parties(watcher, watched).then_some(Tie::Party);
        groups.map(Tie::Group).chain(shared.map(Tie::Role)).chain(party).collect()
    }
}

#[derive(Debug, Default)]
struct Connection {
    user: u8,
    roles: Roles,
    rooms: BTreeSet<Room>,
    /// What it asked the database.
    read: Option<(Vec<UserId>, Ties)>,
    /// The answer that has not left yet.
    answer: Option<Vec<(UserId, State)>>,
    /// What its client believes.
    knows: BTreeMap<UserId, State>,
}

#[derive(Debug, Default)]
struct Facing(BTreeMap<u8, Connection>);

impl Facts<u8> for Facing {
    fn roles(&self, watcher: u8) -> Roles {
        self.0.get(&watcher).map(|connection| connection.roles).unwrap_or_default()
    }
    fn is_in(&self, watcher: u8, room: &Room) -> bool {
        self.0.get(&watcher).is_some_and(|connection| connection.rooms.contains(room))
    }
    fn user_is_in(&self, who: UserId, room: &Room) -> bool {
        self.0.values().any(|connection| user(connection.user) == who && connection.rooms.contains(room))
    }
}

struct World {
    people: People<u8>,
    facing: Facing,
    /// The database after each effect.
    history: Vec<Held>,
    effects: Vec<Effect>,
    /// How many effects the broker heard.
    heard: usize,
    waits: Vec<Wait>,
    /// The newest farewell of each user, until its grace is over.
    graces: BTreeMap<UserId, Wait>,
}

impl World {
    fn new() -> Self {
        Self {
            people: People::default(),
            facing: Facing::default(),
            history: vec![Held::default()],
            effects: Vec::new(),
            heard: 0,
            waits: Vec::new(),
            graces: BTreeMap::new(),
        }
    }

    fn count(&self, who: UserId) -> usize {
        self.facing.0.values().filter(|connection| user(connection.user) == who).count()
    }

    fn truth(&self, who: UserId) -> State {
        let connections = self.count(who);
        State { online: connections > 0 || self.graces.contains_key(&who), connections }
    }

    /// Whether a connection may watch, by anything between what the broker heard and what there is.
    fn may(&self, s: u8, who: UserId) -> bool {
        let Some(connection) = self.facing.0.get(&s) else { return false };
        let own = user(connection.user);
        let tied = |held: &Held| {
            let ties = held.ties(own, who);
            ties.iter().any(|tie| if let Tie::Role(role) = tie { connection.roles.has(*role) } else { true })
        };
        let meets = |room: &Room| self.graces.contains_key(&who) || self.facing.user_is_in(who, room);
        own == who
            || connection.roles.has(Role::Admin)
            || self.history[self.heard..].iter().any(tied)
            || connection.rooms.iter().any(meets)
    }

    fn change<R>(&mut self, effect: Effect, change: impl FnOnce(&mut Held) -> R) {
        let mut held = self.history.last().expect("a state").clone();
        change(&mut held);
        self.history.push(held);
        self.effects.push(effect);
    }

    fn watch(&mut self, s: u8) {
        let Some(connection) = self.facing.0.get_mut(&s) else { return };
        // One wish after the other, as the lane has it.
        if connection.answer.is_some() {
            return;
        }
        let Some((users, mut ties)) = connection.read.take() else { return };
        let own = user(connection.user);
        for (at, effect) in self.effects[..self.heard].iter().enumerate() {
            ties.hear(effect, Seq(at as i64 + 1), own);
        }
        let roles = ties.record.map_or(connection.roles, |record| connection.roles.narrowed_to(record));
        let mine = connection.rooms.clone();
        let mut wanted = Vec::new();
        for who in &users {
            let mut of = ties.of.get(who).cloned().unwrap_or_default();
            of.retain(|tie| if let Tie::Role(role) = tie { roles.has(*role) } else { true });
            of.extend((*who == own).then_some(Tie::Own));
            of.extend(mine.iter().filter(|room| self.facing.user_is_in(*who, room)).cloned().map(Tie::Room));
            if of.is_empty() && !roles.has(Role::Admin) {
                return;
            }
            wanted.push(Wanted { user: *who, ties: of, connections: self.count(*who) });
        }
        let as_of = ties.as_of.max(Seq(self.heard as i64));
        let states = self.people.watch(s, own, wanted, as_of).expect("within the limit");
        let answer: Vec<_> = users.into_iter().zip(states).collect();
        for (who, state) in &answer {
            assert_eq!(*state, self.truth(*who), "an answer is the truth");
            assert!(self.may(s, *who), "{s} was answered about {who}");
        }
        self.facing.0.get_mut(&s).expect("it asked").answer = Some(answer);
    }

    fn play(&mut self, step: &Step) {
        match step {
            Step::Connect(s, who) => {
                if !self.facing.0.contains_key(s) && !self.history[self.heard].out.contains(&user(*who)) {
                    let roles = self.history[self.heard].roles_of(user(*who));
                    let connection = Connection { user: *who, roles, ..Connection::default() };
                    self.facing.0.insert(*s, connection);
                    self.people.came(user(*who), self.count(user(*who)), &self.facing);
                }
            }
            Step::Disconnect(s) => self.disconnect(*s),
            Step::Waited(at) if !self.waits.is_empty() => {
                let wait = self.waits.swap_remove(at.index(self.waits.len()));
                self.graces.retain(|_, grace| *grace != wait);
                self.people.waited(wait, &self.facing);
            }
            Step::Waited(_) => {}
            Step::Read(s, users) => {
                let (held, as_of) = (self.history.last().expect("a state"), Seq(self.effects.len() as i64));
                if let Some(connection) = self.facing.0.get_mut(s) {
                    let own = user(connection.user);
                    let users: Vec<UserId> = users.iter().map(|number| user(*number)).collect();
                    let of = users.iter().map(|who| (*who, held.ties(own, *who))).collect();
                    let ties = Ties { as_of, record: Some(held.roles_of(own)), of };
                    connection.read = Some((users, ties));
                }
            }
            Step::Watch(s) => self.watch(*s),
            Step::AnswerLeft(s) => {
                if let Some(answer) = self.facing.0.get_mut(s).and_then(|connection| connection.answer.take()) {
                    self.facing.0.get_mut(s).expect("it is there").knows.extend(answer);
                    self.people.start_telling(*s, &self.facing);
                }
            }
            Step::Unwatch(s, users) => {
                let users: Option<Vec<UserId>> = users.as_ref().map(|users| users.iter().copied().map(user).collect());
                if let Some(connection) = self.facing.0.get_mut(s).filter(|connection| connection.answer.is_none()) {
                    connection.knows.retain(|who, _| users.as_ref().is_some_and(|users| !users.contains(who)));
                    self.people.unwatch(*s, users.as_deref());
                }
            }
            Step::Enter(s, room) => {
                if let Some(connection) = self.facing.0.get_mut(s) {
                    connection.rooms.insert(topic(*room));
                }
            }
            Step::Exit(s, room) => {
                if let Some(connection) = self.facing.0.get_mut(s) {
                    connection.rooms.remove(&topic(*room));
                    let who = user(connection.user);
                    self.people.review_watcher(*s, &self.facing);
                    self.people.review_watched(who, &self.facing);
                }
            }
            Step::Group(who, which, enters) => {
                let (who, which) = (user(*who), group(*which));
                let room = Room::Group(which);
                if *enters {
                    self.change(Effect::Join { user: who, room }, |held| held.members.insert((who, which)));
                } else {
                    self.change(Effect::Leave { user: who, room }, |held| held.members.remove(&(who, which)));
                }
            }
            Step::Dissolve(which) => {
                let which = group(*which);
                let effect = Effect::Dissolve { room: Room::Group(which) };
                self.change(effect, |held| held.members.retain(|(_, group)| *group != which));
            }
            Step::Standing(who, bits, out) => {
                let (who, roles) = (user(*who), roles(*bits));
                self.change(Effect::Standing { user: who, roles, disabled: *out }, |held| {
                    held.roles.insert(who, if *out { Roles::default() } else { roles });
                    if *out { held.out.insert(who) } else { held.out.remove(&who) }
                });
            }
            Step::Hear => self.hear(),
        }
        self.look();
    }

    fn disconnect(&mut self, s: u8) {
        let Some(gone) = self.facing.0.remove(&s) else { return };
        self.people.unwatch(s, None);
        self.people.went(user(gone.user), self.count(user(gone.user)), &self.facing);
    }

    fn hear(&mut self) {
        let Some(effect) = self.effects.get(self.heard).cloned() else { return };
        self.heard += 1;
        let at = Seq(self.heard as i64);
        let (who, out) = match &effect {
            Effect::Leave { user, .. } => (Some(*user), false),
            Effect::Standing { user: who, roles, disabled } => {
                for connection in self.facing.0.values_mut().filter(|connection| user(connection.user) == *who) {
                    connection.roles = *roles;
                }
                (Some(*who), *disabled)
            }
            _ => (None, false),
        };
        let own: Vec<u8> = self.facing.0.iter().filter(|(_, c)| Some(user(c.user)) == who).map(|(s, _)| *s).collect();
        self.people.hear(&effect, Some(at), &own, &self.facing);
        if out {
            own.iter().for_each(|s| self.disconnect(*s));
        }
    }

    /// Takes note of what was asked for and said, and checks it.
    fn look(&mut self) {
        for wait in std::mem::take(&mut self.people.waits) {
            if let Wait::Grace(who, _) = wait {
                self.graces.insert(who, wait);
            }
            self.waits.push(wait);
        }
        for News { to, user: who, state } in std::mem::take(&mut self.people.news) {
            for s in to {
                // Gone in the same turn.
                if !self.facing.0.contains_key(&s) {
                    continue;
                }
                if let Some(state) = state {
                    assert!(self.may(s, who), "{s} heard of {who}");
                    assert_eq!(state, self.truth(who), "what is told is true");
                    assert!(state.online == (state.connections > 0), "nobody hears of the grace");
                }
                let connection = self.facing.0.get_mut(&s).expect("it is there");
                let held = connection.answer.iter().flatten().any(|(user, _)| *user == who);
                assert!(!held, "overtook the answer");
                let before = match state {
                    Some(state) => connection.knows.insert(who, state),
                    None => connection.knows.remove(&who),
                };
                assert!(before.is_some(), "{s} did not watch {who}");
                assert_ne!(before, state, "said twice");
            }
        }
    }

    fn settle(&mut self) {
        while self.heard < self.effects.len() {
            self.play(&Step::Hear);
        }
        for s in 0..8 {
            self.play(&Step::AnswerLeft(s));
        }
        while let Some(wait) = (!self.waits.is_empty()).then(|| self.waits.remove(0)) {
            self.graces.retain(|_, grace| *grace != wait);
            self.people.waited(wait, &self.facing);
            self.look();
        }
        for (s, connection) in &self.facing.0 {
            for (who, state) in &connection.knows {
                assert_eq!(*state, self.truth(*who), "{s} knows of {who}");
                assert!(self.may(*s, *who), "{s} still watches {who}");
            }
        }
        for s in 0..8 {
            self.play(&Step::Disconnect(s));
        }
        while let Some(wait) = self.waits.pop() {
            self.people.waited(wait, &self.facing);
            self.look();
        }
        assert!(self.people.persons.is_empty() && self.people.watchers.is_empty(), "nothing is kept");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn nobody_hears_of_somebody_they_may_not_watch_and_all_others_know_the_truth(
        steps in prop::collection::vec(step(), 0..80)
    ) {
        let mut world = World::new();
        for step in &steps {
            world.play(step);
        }
        world.settle();
    }
}
