//! What the database said of rooms that belong to their parties: the rooms of requests and chats, which
//! no token and no role alone opens (CONTRACT 4). Whoever asks for one brings the answer along; it is
//! kept with the connection while it is in the room, so that who is there only as an administrator
//! leaves with the role, unless an effect said meanwhile that they became a party. Topics that an
//! administrator put somebody into are kept here as well. Part of the pure [`Hub`].

use super::{
    Grant, Ground, Refusal,
    hub::{Hub, Slot},
    rights::ROOMS_MAX,
};
use crate::{identity::Identity, notice::Room};

/// What is known of a connection's rooms.
#[derive(Debug, Default)]
pub(super) struct Grants(Vec<Grant>);

impl Grants {
    /// By what the room may be entered; `None` when there is no such room, as far as is known.
    pub(super) fn ground(&self, room: &Room) -> Option<Ground> {
        self.0.iter().find(|grant| grant.room == *room).map(|grant| grant.ground)
    }

    /// Whose connection this is has become a party of the room, if it was asked about at all.
    pub(super) fn raise(&mut self, room: &Room) {
        self.0.iter_mut().filter(|grant| grant.room == *room).for_each(|grant| grant.ground = Ground::Party);
    }

    /// What was said of the room holds no longer.
    pub(super) fn forget(&mut self, room: &Room) {
        self.0.retain(|grant| grant.room != *room);
    }
}

impl Ground {
    /// Whether somebody may be in the room.
    pub(super) const fn holds_for(self, identity: &Identity) -> bool {
        match self {
            Self::Party | Self::Given => true,
            Self::Admin => identity.is_admin(),
            Self::Nothing => false,
        }
    }
}

impl<C> Hub<C> {
    /// Puts a connection into a room by an administrator's word, which needs no right of the user's and
    /// holds until the connection leaves the room or ends. Answers whether it was not there yet. Only
    /// for topics: every other room says who one is.
    ///
    /// # Errors
    /// [`Refusal::Gone`]; [`Refusal::Forbidden`] for a room that is no topic; [`Refusal::LimitExceeded`]
    /// above [`ROOMS_MAX`].
    pub fn give(&mut self, slot: Slot, room: &Room) -> Result<bool, Refusal> {
        self.get(slot).ok_or(Refusal::Gone)?;
        if !matches!(room, Room::Topic(_)) {
            return Err(Refusal::Forbidden);
        }
        let fresh = !self.holds(slot, room);
        if fresh && self.rooms.count(slot.index) >= ROOMS_MAX {
            return Err(Refusal::LimitExceeded);
        }
        self.note(slot, vec![Grant { room: room.clone(), ground: Ground::Given }]);
        if fresh {
            self.enter(slot.index, room);
        }
        Ok(fresh)
    }

    /// Notes what the database says, for the join that follows.
    pub fn note(&mut self, slot: Slot, grants: Vec<Grant>) {
        let Some(seat) = self.get_mut(slot) else { return };
        let known = &mut seat.grants.0;
        for new in grants {
            match known.iter_mut().find(|old| old.room == new.room) {
                // Nobody stops being a party: an answer that does not say so yet was overtaken on its way.
                Some(old) if old.ground == Ground::Party => {}
                Some(old) => *old = new,
                None => known.push(new),
            }
        }
    }

    /// Forgets what was said of rooms that the connection is not in.
    pub fn forget_unheld(&mut self, slot: Slot) {
        let Some(seat) = self.get_mut(slot) else { return };
        let mut known = std::mem::take(&mut seat.grants.0);
        known.retain(|grant| self.holds(slot, &grant.room));
        if let Some(seat) = self.get_mut(slot) {
            seat.grants.0 = known;
        }
    }
}
