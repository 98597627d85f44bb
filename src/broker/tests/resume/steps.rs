//! What may happen, in few kinds of people and rooms, so that they meet often.

use crate::{
    identity::{Role, Roles},
    ids::{GroupId, RequestId, UserId},
    notice::{Effect, Room},
};
use proptest::prelude::*;

pub(super) const USERS: usize = 2;
pub(super) const GROUPS: usize = 2;

pub(super) fn user(number: usize) -> UserId {
    uuid::Uuid::from_u128(number as u128).into()
}

pub(super) fn group(number: usize) -> GroupId {
    uuid::Uuid::from_u128(100 + number as u128).into()
}

pub(super) fn topic() -> Room {
    Room::Topic("t".into())
}

/// The one room that belongs to its parties; everybody is asked about in it.
pub(super) fn request() -> Room {
    Room::Request(RequestId::from(uuid::Uuid::from_u128(200)))
}

pub(super) fn sid(number: usize) -> String {
    format!("s{number}")
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A change is committed, and its emit is lost (0), under way, or here already.
    Commit {
        audience: [Vec<u8>; 3],
        effect: Option<(u8, u8, u8)>,
        origin: Option<u16>,
        fat: bool,
        emit: u8,
    },
    /// One of the emits under way arrives; perhaps it will arrive again.
    Arrive(u16, bool),
    /// The history answers one of the asks, or fails to; the answer is under way.
    Fetch(u16, bool),
    /// One of the answers arrives.
    Answer(u16),
    Connect {
        user: usize,
        sid: usize,
        tokens: u8,
        age: u8,
        cursor: Option<u16>,
        handshake: bool,
        most: Option<u8>,
    },
    Disconnect(u16),
    /// Something for a user's inbox; its emit as in `Commit`.
    Notify {
        user: usize,
        emit: u8,
    },
    /// A client confirms one of the frames that it heard, perhaps long ago and on another connection.
    Confirm(u16),
    /// A user reads a notification, or deletes it; perhaps in the name of this connection.
    Read {
        which: u16,
        deletes: bool,
        origin: Option<u16>,
    },
    /// The process dies and starts again: all that was under way is gone.
    Crash,
    /// Into one of the rooms that are joined by asking, or out of it.
    Wish(u16, u8, bool),
    Prune(u16),
    Tick,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let rooms = || prop::collection::vec(0u8..9, 0..3);
    let audience =
        (rooms(), prop_oneof![2 => Just(vec![]), 1 => rooms()], prop_oneof![2 => Just(vec![]), 1 => rooms()])
            .prop_map(|(to, within, except)| [to, within, except]);
    let effect = prop::option::weighted(0.4, (0u8..14, any::<u8>(), any::<u8>()));
    let origin = prop::option::weighted(0.2, any::<u16>());
    prop_oneof![
        8 => (audience, effect, origin, prop::bool::weighted(0.2), 0u8..6)
            .prop_map(|(audience, effect, origin, fat, emit)| Step::Commit { audience, effect, origin, fat, emit }),
        8 => (any::<u16>(), prop::bool::weighted(0.1)).prop_map(|(which, again)| Step::Arrive(which, again)),
        6 => (any::<u16>(), prop::bool::weighted(0.85)).prop_map(|(which, works)| Step::Fetch(which, works)),
        6 => any::<u16>().prop_map(Step::Answer),
        4 => (
            0..USERS, 0usize..2, any::<u8>(), prop_oneof![2 => Just(0u8), 1 => any::<u8>()],
            prop::option::weighted(0.8, any::<u16>()), any::<bool>(), prop::option::weighted(0.2, 1u8..4),
        )
            .prop_map(|(user, sid, tokens, age, cursor, handshake, most)| Step::Connect {
                user, sid, tokens, age, cursor, handshake, most,
            }),
        1 => any::<u16>().prop_map(Step::Disconnect),
        5 => (0..USERS, 0u8..6).prop_map(|(user, emit)| Step::Notify { user, emit }),
        3 => any::<u16>().prop_map(Step::Confirm),
        2 => (any::<u16>(), any::<bool>(), prop::option::weighted(0.5, any::<u16>()))
            .prop_map(|(which, deletes, origin)| Step::Read { which, deletes, origin }),
        1 => prop::bool::weighted(0.2).prop_map(|dies| if dies { Step::Crash } else { Step::Tick }),
        4 => (any::<u16>(), any::<u8>(), prop::bool::weighted(0.7))
            .prop_map(|(which, room, enters)| Step::Wish(which, room, enters)),
        1 => any::<u16>().prop_map(Step::Prune),
        1 => Just(Step::Tick),
    ]
}

pub(super) fn room(number: u8) -> Room {
    match number {
        0 | 1 => Room::Group(group(usize::from(number))),
        2 => Room::All,
        3 => Room::Admin,
        4 => Room::Sellers,
        5 => topic(),
        8 => request(),
        _ => Room::User(user(usize::from(number) - 6)),
    }
}

pub(super) fn effect((kind, who, what): (u8, u8, u8)) -> Effect {
    let user = user(usize::from(who) % USERS);
    let room = Room::Group(group(usize::from(what) % GROUPS));
    match kind {
        0..=3 => Effect::Join { user, room },
        4 | 5 => Effect::Leave { user, room },
        6 => Effect::Dissolve { room },
        7..=9 => Effect::Standing { user, roles: roles(what), disabled: false },
        10 => Effect::Standing { user, roles: roles(what), disabled: true },
        11 | 12 => Effect::Party { user, room: request() },
        _ => Effect::End { sid: sid(usize::from(what) % 2).parse().expect("a sid") },
    }
}

pub(super) fn roles(bits: u8) -> Roles {
    Role::ALL.into_iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0).map(|(_, role)| role).collect()
}
