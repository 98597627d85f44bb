//! Presence, one rule at a time.

use super::*;
use crate::ids::GroupId;
use std::collections::{BTreeMap, BTreeSet};

/// Connections with their roles and rooms, as a test says.
#[derive(Default)]
struct Told {
    roles: BTreeMap<u8, Roles>,
    rooms: BTreeSet<(u8, Room)>,
    of_users: BTreeSet<(UserId, Room)>,
}

impl Facts<u8> for Told {
    fn roles(&self, watcher: u8) -> Roles {
        self.roles.get(&watcher).copied().unwrap_or_default()
    }
    fn is_in(&self, watcher: u8, room: &Room) -> bool {
        self.rooms.contains(&(watcher, room.clone()))
    }
    fn user_is_in(&self, user: UserId, room: &Room) -> bool {
        self.of_users.contains(&(user, room.clone()))
    }
}

fn user(number: u128) -> UserId {
    uuid::Uuid::from_u128(number).into()
}

const fn state(online: bool, connections: usize) -> State {
    State { online, connections }
}

/// User 1 on connection 1 watches user 2, who has so many connections, by this.
fn watching(people: &mut People<u8>, tie: Tie, connections: usize, facts: &Told) -> State {
    let wanted = vec![Wanted { user: user(2), ties: vec![tie], connections }];
    let states = people.watch(1, user(1), wanted, Seq(5)).expect("within the limit");
    people.start_telling(1, facts);
    states[0]
}

/// What was said since, as states (`None`: the end).
fn said(people: &mut People<u8>) -> Vec<Option<State>> {
    people.news.drain(..).map(|news| news.state).collect()
}

fn pass(people: &mut People<u8>, facts: &Told) {
    while let Some(wait) = people.waits.pop_front() {
        people.waited(wait, facts);
    }
}

#[test]
fn who_comes_back_within_the_grace_was_never_away() {
    let (mut people, facts) = (People::default(), Told::default());
    assert_eq!(watching(&mut people, Tie::Party, 1, &facts), state(true, 1));
    people.went(user(2), 0, &facts);
    assert_eq!(people.state(user(2), 0), state(true, 0));
    people.came(user(2), 1, &facts);
    pass(&mut people, &facts);
    assert_eq!(said(&mut people), []);
    people.went(user(2), 0, &facts);
    pass(&mut people, &facts);
    assert_eq!(said(&mut people), [Some(state(false, 0))]);
    assert_eq!(people.state(user(2), 0), state(false, 0));
}

#[test]
fn the_grace_counts_anew_from_each_farewell() {
    let (mut people, facts) = (People::default(), Told::default());
    watching(&mut people, Tie::Party, 1, &facts);
    people.went(user(2), 0, &facts);
    let first = people.waits.pop_front().expect("a wait");
    people.came(user(2), 1, &facts);
    people.went(user(2), 0, &facts);
    people.waited(first, &facts);
    assert_eq!((said(&mut people), people.state(user(2), 0)), (vec![], state(true, 0)));
    pass(&mut people, &facts);
    assert_eq!(said(&mut people), [Some(state(false, 0))]);
}

#[test]
fn what_changes_quickly_is_told_at_once_and_then_as_one() {
    let (mut people, facts) = (People::default(), Told::default());
    watching(&mut people, Tie::Party, 0, &facts);
    for connections in 1..=9 {
        people.came(user(2), connections, &facts);
    }
    assert_eq!(said(&mut people), [Some(state(true, 1))]);
    pass(&mut people, &facts);
    assert_eq!(said(&mut people), [Some(state(true, 9))]);
}

#[test]
fn nothing_overtakes_the_answer_and_what_came_meanwhile_follows_it() {
    let (mut people, facts) = (People::default(), Told::default());
    let wanted = || vec![Wanted { user: user(2), ties: vec![Tie::Party], connections: 0 }];
    assert_eq!(people.watch(1, user(1), wanted(), Seq(0)), Some(vec![state(false, 0)]));
    people.came(user(2), 1, &facts);
    assert_eq!(said(&mut people), []);
    people.start_telling(1, &facts);
    assert_eq!(said(&mut people), [Some(state(true, 1))]);
    // Asking again is answered by the newest, which need not be said again.
    pass(&mut people, &facts);
    people.came(user(2), 2, &facts);
    assert_eq!(said(&mut people), [Some(state(true, 2))]);
    assert_eq!(people.watch(1, user(1), wanted(), Seq(0)), Some(vec![state(true, 2)]));
    let out = Effect::Standing { user: user(2), roles: Roles::default(), disabled: true };
    people.hear(&out, Some(Seq(9)), &[], &facts);
    assert_eq!(said(&mut people), []);
    people.start_telling(1, &facts);
    assert_eq!(said(&mut people), [None]);
}

#[test]
fn a_tie_ends_with_what_it_was_made_of_for_either_side_and_whoever_is_away() {
    let group = GroupId::generate();
    let leave = |number| Effect::Leave { user: user(number), room: Room::Group(group) };
    let standing =
        |roles: &[Role], disabled| Effect::Standing { user: user(2), roles: roles.iter().copied().collect(), disabled };
    let seller = Told { roles: [(1, [Role::Seller].into_iter().collect())].into(), ..Told::default() };
    for (tie, effect) in [
        (Tie::Group(group), leave(1)),
        (Tie::Group(group), leave(2)),
        (Tie::Group(group), Effect::Dissolve { room: Room::Group(group) }),
        (Tie::Role(Role::Seller), standing(&[Role::User], false)),
        (Tie::Role(Role::Seller), standing(&[Role::Seller], true)),
        (Tie::Party, standing(&[], true)),
    ] {
        let mut people = People::default();
        watching(&mut people, tie.clone(), 0, &seller);
        people.hear(&effect, Some(Seq(5)), &[1], &seller);
        assert_eq!(said(&mut people), [], "{tie:?} was read after {effect:?}");
        people.hear(&effect, Some(Seq(6)), &[1], &seller);
        assert_eq!(said(&mut people), [None], "{tie:?}, {effect:?}");
        people.came(user(2), 1, &seller);
        assert_eq!(said(&mut people), []);
        assert!(people.persons.is_empty() && people.watchers.is_empty(), "nothing is kept");
    }
    for (tie, effect) in [
        (Tie::Group(group), leave(3)),
        (Tie::Group(group), Effect::Leave { user: user(2), room: Room::Group(GroupId::generate()) }),
        (Tie::Role(Role::Seller), standing(&[Role::Seller, Role::Buyer], false)),
        (Tie::Party, standing(&[], false)),
        (Tie::Own, standing(&[], true)),
    ] {
        let mut people = People::default();
        watching(&mut people, tie.clone(), 0, &seller);
        people.hear(&effect, Some(Seq(6)), &[1], &seller);
        assert_eq!(said(&mut people), [], "{tie:?}, {effect:?}");
    }
}

#[test]
fn an_administrator_watches_anybody_until_the_role_goes() {
    let mut facts = Told { roles: [(1, [Role::Admin].into_iter().collect())].into(), ..Told::default() };
    let mut people = People::default();
    let wanted = vec![Wanted { user: user(2), ties: vec![], connections: 0 }];
    people.watch(1, user(1), wanted, Seq(0));
    people.start_telling(1, &facts);
    people.came(user(2), 1, &facts);
    assert_eq!(said(&mut people), [Some(state(true, 1))]);
    pass(&mut people, &facts);
    facts.roles.clear();
    // Even if nobody said that it went: rights are looked at before each word.
    people.came(user(2), 2, &facts);
    assert_eq!(said(&mut people), [None]);
}

#[test]
fn who_is_met_in_a_room_is_watched_while_both_are_in_it() {
    let room = Room::Topic("news".into());
    let (mut people, mut facts) = (People::default(), Told::default());
    facts.rooms.insert((1, room.clone()));
    facts.of_users.insert((user(2), room.clone()));
    watching(&mut people, Tie::Room(room.clone()), 1, &facts);
    // A reload: away for a moment, then back, and in the room again.
    facts.of_users.clear();
    people.went(user(2), 0, &facts);
    people.came(user(2), 1, &facts);
    facts.of_users.insert((user(2), room.clone()));
    pass(&mut people, &facts);
    assert_eq!(said(&mut people), []);
    // Back, but not in the room.
    facts.of_users.clear();
    people.went(user(2), 0, &facts);
    people.came(user(2), 1, &facts);
    pass(&mut people, &facts);
    assert_eq!(said(&mut people), [None]);
}

#[test]
fn a_connection_watches_so_many_users_and_no_more() {
    let mut people: People<u8> = People::default();
    let wanted = |users: std::ops::Range<u128>| -> Vec<Wanted> {
        users.map(|number| Wanted { user: user(number), ties: vec![Tie::Party], connections: 0 }).collect()
    };
    let most = WATCHED_MAX as u128;
    assert!(people.watch(1, user(0), wanted(1..most), Seq(0)).is_some());
    assert!(people.watch(1, user(0), wanted(most..most + 2), Seq(0)).is_none());
    assert_eq!(people.persons.len(), WATCHED_MAX - 1, "all or none");
    assert!(people.watch(1, user(0), wanted(most - 1..most + 1), Seq(0)).is_some(), "known ones cost nothing");
    assert!(people.watch(1, user(0), wanted(most + 1..most + 2), Seq(0)).is_none());
    people.unwatch(1, Some(&[user(1)]));
    assert!(people.watch(1, user(0), wanted(most + 1..most + 2), Seq(0)).is_some());
    people.unwatch(1, None);
    assert!(people.persons.is_empty() && people.watchers.is_empty());
}
