//! By what somebody may know whether somebody else is online: a room other than `all` that both share
//! (CONTRACT 9). Who is offline is in no room, so most of it is asked of the database, and what ends it
//! is heard in the order of notices.

use crate::{
    identity::{Role, Roles},
    ids::{GroupId, UserId},
    notice::{Effect, Room, Seq},
};
use std::collections::HashMap;

/// What two users share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tie {
    /// They are one and the same.
    Own,
    /// Both are members of this group.
    Group(GroupId),
    /// The one who is watched has this role by record; who watches has to have it too.
    Role(Role),
    /// They are the people of a chat, or the buyer and the accepted seller of a request. Nothing ends
    /// that but the account of the one who is watched.
    Party,
    /// A connection of each is in this room by its own wish.
    Room(Room),
}

/// What the database says of somebody and some others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ties {
    /// At least everything up to here is in it: read this first, then the rest. What ends later is
    /// applied as it comes by.
    pub as_of: Seq,
    /// The roles that the record of the one who asks says, nothing if it is disabled; `None` for whom
    /// Herald has no record of.
    pub record: Option<Roles>,
    /// What they share with each; those with whom they share nothing may be missing.
    pub of: HashMap<UserId, Vec<Tie>>,
}

/// Most ties kept between two users: one is enough, the others only save asking again when it ends.
pub const TIES_MAX: usize = 16;

/// Rooms that count while both are in them. The others are nobody else's, or the database knows better.
pub(super) const fn is_meeting_place(room: &Room) -> bool {
    matches!(room, Room::Sellers | Room::Buyers | Room::Request(_) | Room::Chat(_) | Room::Topic(_))
}

impl Tie {
    /// Whether this effect ends what `watcher` shares with `watched`. What `watcher` lost by role, or
    /// by leaving a room, is seen on the connection itself.
    pub(super) fn is_ended_by(&self, effect: &Effect, watcher: UserId, watched: UserId) -> bool {
        match (effect, self) {
            (Effect::Leave { user, room: Room::Group(left) }, Self::Group(group)) => {
                left == group && (*user == watcher || *user == watched)
            }
            (Effect::Dissolve { room: Room::Group(gone) }, Self::Group(group)) => gone == group,
            (Effect::Standing { user, disabled: true, .. }, tie) if *user == watched => *tie != Self::Own,
            (Effect::Standing { user, roles, .. }, Self::Role(role)) if *user == watched => !roles.has(*role),
            _ => false,
        }
    }
}

impl Ties {
    /// Brings it from its place to that of a later effect of the order.
    pub(super) fn hear(&mut self, effect: &Effect, at: Seq, watcher: UserId) {
        if at <= self.as_of {
            return;
        }
        self.as_of = at;
        for (watched, ties) in &mut self.of {
            ties.retain(|tie| !tie.is_ended_by(effect, watcher, *watched));
        }
        if let Effect::Standing { user, roles, disabled } = effect
            && *user == watcher
        {
            self.record = Some(if *disabled { Roles::default() } else { *roles });
        }
    }
}
