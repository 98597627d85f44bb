//! The plain model: everything worked out anew from the beginning, each time.

use super::steps::{GROUPS, group, topic, user};
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
}

impl Record {
    /// Of this user after all effects up to `at`.
    pub(super) fn at(notices: &[Arc<Notice>], number: usize, at: Seq) -> Self {
        let mut record = Self { roles: Role::ALL.into_iter().collect(), disabled: false, groups: BTreeSet::new() };
        for notice in notices.iter().filter(|notice| notice.seq <= Some(at)) {
            let Some(effect) = &notice.effect else { continue };
            let named = |room: &Room| (0..GROUPS).find(|number| *room == Room::Group(group(*number)));
            match effect {
                Effect::Join { user: who, room } if *who == user(number) => record.groups.extend(named(room)),
                Effect::Leave { user: who, room } if *who == user(number) => {
                    named(room).map(|left| record.groups.remove(&left));
                }
                Effect::Dissolve { room } => drop(named(room).map(|left| record.groups.remove(&left))),
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
    pub(super) ended: Option<Seq>,
}

impl Guest {
    pub(super) fn held(&self, notices: &[Arc<Notice>], at: Seq) -> Held {
        let record = Record::at(notices, self.number, self.as_of);
        let mut held = Held {
            roles: record.roles.narrowed_to(self.identity.token_roles),
            rooms: [Room::All, Room::User(self.identity.user), Room::Session(self.identity.sid.clone())].into(),
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
            let Some(effect) = notice.effect.as_ref().filter(|_| seq > self.as_of) else { continue };
            match effect {
                Effect::Join { user, room } if *user == self.identity.user => drop(held.rooms.insert(room.clone())),
                Effect::Leave { user, room } if *user == self.identity.user => drop(held.rooms.remove(room)),
                Effect::Dissolve { room } => drop(held.rooms.remove(room)),
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
            let seller = held.roles.has(Role::Seller);
            assert_eq!(ready["refusedRooms"], serde_json::json!(if seller { &[][..] } else { &["sellers"] }));
            let joined = std::iter::once(topic()).chain(seller.then_some(Room::Sellers));
            joined.for_each(|room| {
                rooms.insert(room.clone());
                self.wishes.push((last, room, true));
            });
        }
        assert_eq!(ready["rooms"], serde_json::to_value(&rooms).expect("JSON"));
        start
    }
}
