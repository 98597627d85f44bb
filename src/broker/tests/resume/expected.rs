//! The plain model: everything worked out anew from the beginning, each time.

use super::steps::{GROUPS, group, request, topic, user};
use crate::broker::{hub::Slot, testing::*};
use crate::{
    identity::{Identity, Role, Roles},
    notice::{Cursor, Effect, Notice, Room, Seq},
};
use std::{collections::BTreeSet, sync::Arc};

/// What the record of a user says.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) roles: Roles,
    pub(super) disabled: bool,
    pub(super) groups: BTreeSet<usize>,
    /// Whether the request is theirs.
    pub(super) party: bool,
}

impl Record {
    /// Of this user after all effects up to `at`.
    pub(super) fn at(notices: &[Arc<Notice>], number: usize, at: Seq) -> Self {
        let roles = Role::ALL.into_iter().collect();
        let mut record = Self { roles, disabled: false, groups: BTreeSet::new(), party: false };
        for notice in notices.iter().filter(|notice| notice.seq <= Some(at)) {
            let Some(effect) = &notice.effect else { continue };
            let named = |room: &Room| (0..GROUPS).find(|number| *room == Room::Group(group(*number)));
            match effect {
                Effect::Join { user: who, room } if *who == user(number) => record.groups.extend(named(room)),
                Effect::Leave { user: who, room } if *who == user(number) => {
                    named(room).map(|left| record.groups.remove(&left));
                }
                Effect::Dissolve { room } => drop(named(room).map(|left| record.groups.remove(&left))),
                Effect::Party { user: who, .. } if *who == user(number) => record.party = true,
                Effect::Standing { user: who, roles, disabled } if *who == user(number) => {
                    (record.roles, record.disabled) = (*roles, *disabled);
                }
                _ => {}
            }
        }
        record
    }
}

/// A connection, in the plain model's eyes.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) number: usize,
    pub(super) slot: Slot,
    pub(super) client: Client,
    pub(super) identity: Identity,
    pub(super) as_of: Seq,
    /// Rooms entered and left by its own wish: at which `last`, before the next notice.
    pub(super) wishes: Vec<(Seq, Room, bool)>,
    /// From where on the database's answer was known that the request is theirs.
    pub(super) party_since: Vec<Seq>,
    /// Until when a room is no part of the replay.
    pub(super) late: Vec<(Room, Seq)>,
    pub(super) expected: Vec<i64>,
    /// As of the end of the previous step: the place up to which it was served once it heard
    /// `ready`, and whether it was live.
    pub(super) position: Option<Seq>,
    pub(super) live: bool,
    pub(super) name: String,
    pub(super) cursor: Cursor,
    pub(super) handshake: bool,
    pub(super) bounded: bool,
    pub(super) newest_then: Seq,
    /// What it was told of its unread ones over HTTP, and how many frames it had heard then.
    pub(super) told: Option<(usize, usize)>,
}

/// Rooms and roles of a guest, worked out anew from the beginning.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) roles: Roles,
    pub(super) rooms: BTreeSet<Room>,
    pub(super) party: bool,
    pub(super) ended: Option<Seq>,
}

impl Guest {
    pub(super) fn held(&self, notices: &[Arc<Notice>], at: Seq) -> Held {
        let record = Record::at(notices, self.number, self.as_of);
        let mut held = Held {
            roles: record.roles.narrowed_to(self.identity.token_roles),
            rooms: [Room::All, Room::User(self.identity.user), Room::Session(self.identity.sid.clone())].into(),
            party: record.party || self.party_since.iter().any(|since| *since <= self.as_of),
            ended: None,
        };
        held.rooms.extend(record.groups.iter().map(|number| Room::Group(group(*number))));
        let mut wishes = self.wishes.iter().peekable();
        let fit = |held: &mut Held| {
            if held.roles.has(Role::Admin) {
                held.rooms.insert(Room::Admin)
            } else {
                held.rooms.remove(&Room::Admin)
            };
            if !held.roles.has(Role::Admin) && !held.party {
                held.rooms.remove(&request());
            }
            if !held.roles.has(Role::Seller) {
                held.rooms.remove(&Room::Sellers);
            }
        };
        fit(&mut held);
        let mut wish = |held: &mut Held, before: Seq| {
            while let Some((_, room, enters)) = wishes.next_if(|(seq, ..)| *seq < before) {
                if *enters {
                    held.rooms.insert(room.clone())
                } else {
                    held.rooms.remove(room)
                };
            }
        };
        for notice in notices {
            let seq = notice.seq.expect("a stored notice");
            if seq > at {
                break;
            }
            wish(&mut held, seq);
            held.party |= self.party_since.iter().any(|since| *since < seq);
            let Some(effect) = notice.effect.as_ref().filter(|_| seq > self.as_of) else { continue };
            match effect {
                Effect::Join { user, room } if *user == self.identity.user => drop(held.rooms.insert(room.clone())),
                Effect::Leave { user, room } if *user == self.identity.user => drop(held.rooms.remove(room)),
                Effect::Dissolve { room } => drop(held.rooms.remove(room)),
                Effect::Party { user, .. } if *user == self.identity.user => held.party = true,
                Effect::Standing { user, roles, disabled } if *user == self.identity.user => {
                    held.roles = roles.narrowed_to(self.identity.token_roles);
                    fit(&mut held);
                    if *disabled {
                        held.ended = held.ended.or(Some(seq));
                    }
                }
                Effect::End { sid } if *sid == self.identity.sid => held.ended = held.ended.or(Some(seq)),
                _ => {}
            }
        }
        wish(&mut held, at.next());
        held.party |= self.party_since.iter().any(|since| *since <= at);
        held
    }
}

impl Guest {
    /// Compares `ready` with what it should say; answers where the guest starts.
    pub(super) fn welcome(&mut self, last: Seq, held: &Held, pruned: Seq) -> Seq {
        let ready = self.client.ready();
        let (resumed, resync) = (ready["resumed"] == true, ready["resync"] == true);
        let start = match self.cursor {
            Cursor::At(cursor) if resumed => cursor,
            Cursor::At(cursor) => {
                assert!(resync && (cursor > self.newest_then || cursor < pruned), "fetching again needs a reason");
                last
            }
            cursor => {
                assert_eq!((resumed, resync), (false, cursor == Cursor::Unknown));
                last
            }
        };
        assert_eq!(ready["seq"], start.0);
        let mut rooms = held.rooms.clone();
        if self.handshake {
            let (seller, close) = (held.roles.has(Role::Seller), held.party || held.roles.has(Role::Admin));
            let asked = [(topic(), true), (Room::Sellers, seller), (request(), close)];
            let refused: Vec<&Room> = asked.iter().filter(|(_, may)| !may).map(|(room, _)| room).collect();
            assert_eq!(ready["refusedRooms"], serde_json::json!(refused));
            for (room, _) in asked.into_iter().filter(|(_, may)| *may) {
                rooms.insert(room.clone());
                self.wishes.push((last, room, true));
            }
        }
        assert_eq!(ready["rooms"], serde_json::to_value(&rooms).expect("JSON"));
        start
    }
}
