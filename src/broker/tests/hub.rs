//! The hub against a plain model: whom a notice reaches, and who may be where.

use crate::broker::{testing::*, *};
use crate::{
    identity::{Identity, Role, Roles},
    ids::{ChatId, GroupId, RequestId, UserId},
    notice::{Audience, Effect, Notice, Origin, Room, Seq},
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn user(number: u8) -> UserId {
    uuid::Uuid::from_u128(u128::from(number % 3)).into()
}

fn room(number: u8) -> Room {
    match number % 12 {
        0 => Room::All,
        1 => Room::Admin,
        2..=4 => Room::User(user(number)),
        5 | 6 => Room::Group(uuid::Uuid::from_u128(u128::from(number)).into()),
        7 => Room::Sellers,
        8 => Room::Seller(user(number)),
        9 => Room::Session("s0".parse().expect("a sid")),
        _ => Room::Topic(number.to_string().into()),
    }
}

#[derive(Debug, Clone)]
enum Step {
    Seat { name: u8, user: u8, roles: u8, groups: Vec<u8>, live: bool },
    Unseat(u8),
    Join(u8, Vec<u8>),
    Leave(u8, Vec<u8>),
    Effect(u8, u8, u8),
    Reach { to: Vec<u8>, within: Vec<u8>, except: Vec<u8>, origin: Option<(u8, u8)> },
}

fn step() -> impl Strategy<Value = Step> {
    let name = || 0u8..8;
    let rooms = |most| prop::collection::vec(0u8..12, 0..most);
    prop_oneof![
        3 => (name(), any::<u8>(), any::<u8>(), prop::collection::vec(5u8..7, 0..2), prop::bool::weighted(0.9))
            .prop_map(|(name, user, roles, groups, live)| Step::Seat { name, user, roles, groups, live }),
        1 => name().prop_map(Step::Unseat),
        2 => (name(), rooms(3)).prop_map(|(name, rooms)| Step::Join(name, rooms)),
        1 => (name(), rooms(3)).prop_map(|(name, rooms)| Step::Leave(name, rooms)),
        1 => (any::<u8>(), any::<u8>(), any::<u8>()).prop_map(|(what, who, room)| Step::Effect(what, who, room)),
        4 => (rooms(4), rooms(3), rooms(3), prop::option::of((name(), any::<u8>())))
            .prop_map(|(to, within, except, origin)| Step::Reach { to, within, except, origin }),
    ]
}

/// A connection as the model has it.
#[derive(Debug)]
struct Plain {
    identity: Identity,
    rooms: BTreeSet<Room>,
    live: bool,
}

fn may_join(identity: &Identity, room: &Room) -> bool {
    match room {
        Room::Sellers => identity.roles.has(Role::Seller),
        Room::Seller(user) => identity.roles.has(Role::Seller) && *user == identity.user,
        Room::Topic(_) => true,
        _ => false,
    }
}

fn automatic(room: &Room) -> bool {
    matches!(room, Room::All | Room::Admin | Room::User(_) | Room::Session(_) | Room::Group(_))
}

fn roles(bits: u8) -> Roles {
    Role::ALL.into_iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0).map(|(_, role)| role).collect()
}

proptest! {
    #[test]
    fn a_notice_reaches_exactly_those_whom_a_plain_model_names_and_each_once(
        steps in prop::collection::vec(step(), 0..120)
    ) {
        let mut hub = Hub::<u8>::default();
        let mut plain = BTreeMap::<u8, Plain>::new();
        let mut out = Vec::new();
        for step in steps {
            match step {
                Step::Seat { name, user: who, roles: bits, groups, live } => {
                    let mut who = identity(user(who), "s0", &[]);
                    (who.roles, who.token_roles) = (roles(bits), roles(bits));
                    let ids: Vec<GroupId> =
                        groups.iter().map(|group| uuid::Uuid::from_u128(u128::from(*group)).into()).collect();
                    let slot = hub.seat(id(name), who.clone(), &ids, Seq(0), name);
                    prop_assert_eq!(slot.is_some(), !plain.contains_key(&name), "a name is given once");
                    let Some(slot) = slot else { continue };
                    if live {
                        hub.set_live(slot);
                    }
                    let mut rooms: BTreeSet<Room> = [Room::All, room(9), Room::User(who.user)].into();
                    rooms.extend(groups.into_iter().map(room));
                    if who.is_admin() {
                        rooms.insert(Room::Admin);
                    }
                    plain.insert(name, Plain { identity: who, rooms, live });
                }
                Step::Unseat(name) => {
                    let slot = hub.find(&id(name));
                    prop_assert_eq!(slot.is_some(), plain.remove(&name).is_some());
                    let Some(slot) = slot else { continue };
                    prop_assert_eq!(hub.unseat(slot).map(|seat| seat.carries), Some(name));
                    prop_assert!(hub.get(slot).is_none() && hub.unseat(slot).is_none(), "a slot names one for ever");
                }
                Step::Join(name, rooms) => {
                    let Some(slot) = hub.find(&id(name)) else { continue };
                    let (rooms, guest) =
                        (rooms.into_iter().map(room).collect::<Vec<_>>(), plain.get_mut(&name).expect("seated"));
                    let allowed = rooms.iter().all(|room| guest.rooms.contains(room) || may_join(&guest.identity, room));
                    prop_assert_eq!(hub.join(slot, &rooms), if allowed { Ok(()) } else { Err(Refusal::Forbidden) });
                    if allowed {
                        guest.rooms.extend(rooms);
                    }
                }
                Step::Leave(name, rooms) => {
                    let Some(slot) = hub.find(&id(name)) else { continue };
                    let (rooms, guest) =
                        (rooms.into_iter().map(room).collect::<Vec<_>>(), plain.get_mut(&name).expect("seated"));
                    let refused = rooms.iter().any(|room| automatic(room) && guest.rooms.contains(room));
                    prop_assert_eq!(hub.leave(slot, &rooms), if refused { Err(Refusal::Forbidden) } else { Ok(()) });
                    if !refused {
                        guest.rooms.retain(|room| !rooms.contains(room));
                    }
                }
                Step::Effect(what, who, number) => {
                    let (user, room) = (user(who), room(5 + number % 2));
                    let own = |guest: &&mut Plain| guest.identity.user == user;
                    let effect = match what % 4 {
                        0 => {
                            plain.values_mut().filter(own).for_each(|guest| guest.rooms.extend([room.clone()]));
                            Effect::Join { user, room }
                        }
                        1 => {
                            plain.values_mut().filter(own).for_each(|guest| guest.rooms.retain(|held| *held != room));
                            Effect::Leave { user, room }
                        }
                        2 => {
                            plain.values_mut().for_each(|guest| guest.rooms.retain(|held| *held != room));
                            Effect::Dissolve { room }
                        }
                        _ => {
                            let record = roles(number);
                            plain.values_mut().filter(own).for_each(|guest| {
                                guest.identity.roles = record.narrowed_to(guest.identity.token_roles);
                                let identity = guest.identity.clone();
                                guest.rooms.retain(|room| automatic(room) || may_join(&identity, room));
                                guest.rooms.remove(&Room::Admin);
                                guest.rooms.extend(identity.is_admin().then_some(Room::Admin));
                            });
                            Effect::Standing { user, roles: record, disabled: false }
                        }
                    };
                    let mut closed = Vec::new();
                    hub.apply(&effect, None, &mut closed);
                    prop_assert!(closed.is_empty());
                }
                Step::Reach { to, within, except, origin } => {
                    let rooms = |numbers: &[u8]| numbers.iter().copied().map(room).collect::<Vec<_>>();
                    let audience = Audience::to(rooms(&to)).within(rooms(&within)).except(rooms(&except));
                    let origin = origin.map(|(name, who)| Origin { user: user(who), connection: id(name) });
                    let notice = Notice { audience, origin: origin.clone(), ..(*notice(1, [])).clone() };
                    hub.reach(&notice, &mut out);
                    let mut reached: Vec<u8> =
                        out.iter().map(|slot| hub.get(*slot).expect("there").carries).collect();
                    reached.sort_unstable();
                    let any = |numbers: &[u8], guest: &Plain| rooms(numbers).iter().any(|room| guest.rooms.contains(room));
                    let said: Vec<u8> = plain
                        .iter()
                        .filter(|(name, guest)| {
                            let own = origin.as_ref().is_some_and(|origin| {
                                origin.connection == id(**name) && origin.user == guest.identity.user
                            });
                            guest.live && !own
                                && any(&to, guest) && (within.is_empty() || any(&within, guest)) && !any(&except, guest)
                        })
                        .map(|(name, _)| *name)
                        .collect();
                    prop_assert_eq!(reached, said);
                }
            }
            for (name, guest) in &plain {
                let slot = hub.find(&id(name)).expect("seated");
                let rooms: BTreeSet<Room> = hub.rooms_of(slot).cloned().collect();
                prop_assert_eq!(&rooms, &guest.rooms);
            }
            prop_assert_eq!(hub.len(), plain.len());
        }
    }
}

fn seated(roles: &[Role]) -> (Hub<()>, Slot, Identity) {
    let (mut hub, who) = (Hub::default(), identity(UserId::generate(), "s", roles));
    let slot = hub.seat(id("c"), who.clone(), &[], Seq(5), ()).expect("a seat");
    (hub, slot, who)
}

#[test]
fn a_connection_is_in_at_most_a_hundred_rooms_but_automatic_ones_are_never_refused() {
    let (mut hub, slot, who) = seated(&[Role::User]);
    let topic = |number: usize| Room::Topic(number.to_string().into());
    let held = hub.rooms_of(slot).count();
    let most: Vec<Room> = (held..ROOMS_MAX).map(topic).collect();
    let mut more = most.clone();
    more.push(topic(1000));
    assert_eq!(hub.join(slot, &more), Err(Refusal::LimitExceeded));
    assert_eq!(hub.rooms_of(slot).count(), held, "all or none");
    assert_eq!(hub.join(slot, &most), Ok(()));
    assert_eq!(hub.join(slot, &[topic(1000)]), Err(Refusal::LimitExceeded));
    assert_eq!(hub.join(slot, &most[..1]), Ok(()), "it is there already");
    let group = Room::Group(GroupId::generate());
    assert!(!hub.apply_to(slot, &Effect::Join { user: who.user, room: group.clone() }));
    assert!(hub.holds(slot, &group));
}

#[test]
fn rooms_of_parties_open_by_what_the_database_says_and_close_with_the_role_that_opened_them() {
    let (mut hub, slot, who) = seated(&[Role::User, Role::Admin]);
    let room = || Room::Request(RequestId::generate());
    let (own, foreign, chat) = (room(), room(), Room::Chat(ChatId::generate()));
    let grant = |room: &Room, ground| Grant { room: room.clone(), ground };
    hub.note(slot, vec![grant(&own, Ground::Party), grant(&foreign, Ground::Admin), grant(&chat, Ground::Nothing)]);
    assert_eq!(hub.join(slot, &[own.clone(), foreign.clone()]), Ok(()));
    assert_eq!(hub.join(slot, std::slice::from_ref(&chat)), Err(Refusal::Forbidden));
    assert_eq!(hub.join(slot, &[room()]), Err(Refusal::NotFound));
    hub.forget_unheld(slot);
    assert_eq!(hub.join(slot, &[chat]), Err(Refusal::NotFound), "forgotten");
    hub.apply_to(slot, &Effect::Standing { user: who.user, roles: roles(1), disabled: false });
    assert!(hub.holds(slot, &own) && !hub.holds(slot, &foreign));
    hub.note(slot, vec![grant(&foreign, Ground::Admin)]);
    assert_eq!(hub.join(slot, &[foreign]), Err(Refusal::Forbidden));
}

#[test]
fn who_becomes_a_party_keeps_the_room_without_the_role_and_who_does_not_leaves() {
    let (mut hub, slot, who) = seated(&[Role::User, Role::Admin]);
    let room = || Room::Request(RequestId::generate());
    let (own, foreign, never_asked) = (room(), room(), room());
    let grant = |room: &Room, ground| Grant { room: room.clone(), ground };
    hub.note(slot, vec![grant(&own, Ground::Admin), grant(&foreign, Ground::Admin)]);
    assert_eq!(hub.join(slot, &[own.clone(), foreign.clone()]), Ok(()));
    let party = |user, room: &Room| Effect::Party { user, room: room.clone() };
    hub.apply_to(slot, &party(who.user, &own));
    hub.apply_to(slot, &party(UserId::generate(), &foreign));
    hub.apply_to(slot, &party(who.user, &never_asked));
    assert!(!hub.holds(slot, &never_asked), "nobody enters by it");
    // An answer of the database that was overtaken by the effect.
    hub.note(slot, vec![grant(&own, Ground::Admin)]);
    hub.apply_to(slot, &Effect::Standing { user: who.user, roles: roles(1), disabled: false });
    assert!(hub.holds(slot, &own) && !hub.holds(slot, &foreign));
}

#[test]
fn an_effect_that_a_connection_came_with_is_not_applied_again() {
    let (mut hub, slot, who) = seated(&[Role::User, Role::Admin]);
    let (mut closed, effect) = (Vec::new(), Effect::Standing { user: who.user, roles: roles(1), disabled: false });
    hub.apply(&effect, Some(Seq(5)), &mut closed);
    assert!(hub.holds(slot, &Room::Admin));
    hub.apply(&effect, Some(Seq(6)), &mut closed);
    assert!(!hub.holds(slot, &Room::Admin));
}

#[test]
fn a_new_token_narrows_widens_and_never_brings_back_what_the_record_took() {
    let (mut hub, slot, mut who) = seated(&[Role::User, Role::Seller]);
    let topic = Room::Topic("t".into());
    assert_eq!(hub.join(slot, &[Room::Sellers, topic.clone()]), Ok(()));
    (who.roles, who.token_roles) = (roles(0b0011), roles(0b0011));
    who.topics.clear();
    assert_eq!(hub.renew(slot, who.clone()), Ok(()));
    assert!(hub.holds(slot, &Room::Admin) && !hub.holds(slot, &Room::Sellers) && !hub.holds(slot, &topic));
    hub.apply_to(slot, &Effect::Standing { user: who.user, roles: roles(1), disabled: false });
    assert_eq!(hub.renew(slot, who.clone()), Ok(()));
    assert!(!hub.holds(slot, &Room::Admin), "that token was checked before the record changed");
    who.sid = "other".parse().expect("a sid");
    assert_eq!(hub.renew(slot, who), Err(Refusal::OtherIdentity));
}

#[test]
fn an_ended_login_session_and_a_disabled_user_close_their_connections_alone() {
    let (mut hub, slot, who) = seated(&[Role::User]);
    hub.seat(id("other"), identity(UserId::generate(), "s2", &[]), &[], Seq(0), ()).expect("a seat");
    for effect in
        [Effect::End { sid: who.sid.clone() }, Effect::Standing { user: who.user, roles: who.roles, disabled: true }]
    {
        let mut closed = Vec::new();
        hub.apply(&effect, Some(Seq(9)), &mut closed);
        assert_eq!(closed, [slot]);
    }
}
