//! What changes a connection's rooms without its asking: effects in the order of notices, and new
//! tokens. Part of the pure [`Hub`].

use super::{
    Refusal,
    hub::{Hub, Slot},
    rights,
};
use crate::{
    identity::Identity,
    notice::{Effect, Room, Seq},
};

impl<C> Hub<C> {
    /// Applies an effect at its place in the order (`None`: live only) and appends the connections
    /// that have to be closed because of it. Connections that knew of it when they came are left
    /// alone.
    pub fn apply(&mut self, effect: &Effect, at: Option<Seq>, closed: &mut Vec<Slot>) {
        // Everybody concerned is in one of these rooms.
        let concerned = match effect {
            Effect::Join { user, .. }
            | Effect::Leave { user, .. }
            | Effect::Party { user, .. }
            | Effect::Standing { user, .. } => Room::User(*user),
            Effect::Dissolve { room } => room.clone(),
            Effect::End { sid } => Room::Session(sid.clone()),
        };
        let slots: Vec<Slot> = self.members(&concerned).collect();
        for slot in slots {
            let knew = self.get(slot).is_none_or(|seat| at.is_some_and(|at| at <= seat.as_of));
            if !knew && self.apply_to(slot, effect) {
                closed.push(slot);
            }
        }
    }

    /// Applies an effect to one connection, if it concerns it at all. Answers whether the
    /// connection has to be closed.
    pub fn apply_to(&mut self, slot: Slot, effect: &Effect) -> bool {
        let Some(seat) = self.get_mut(slot) else { return false };
        let own = seat.identity.user;
        match effect {
            Effect::Join { user, room } if *user == own && !rights::is_identity(room) => self.enter(slot.index, room),
            Effect::Leave { user, room } if *user == own && !rights::is_identity(room) => {
                self.exit(slot.index, room);
            }
            Effect::Party { user, room } if *user == own => seat.grants.raise(room),
            Effect::Dissolve { room } if !rights::is_identity(room) => self.exit(slot.index, room),
            Effect::Standing { user, roles, disabled } if *user == own => {
                seat.record = Some(*roles);
                seat.identity.roles = roles.narrowed_to(seat.identity.token_roles);
                self.fit(slot);
                return *disabled;
            }
            Effect::End { sid } => return *sid == seat.identity.sid,
            _ => {}
        }
        false
    }

    /// Goes on with a new token: rooms lost by it are left, `admin` is entered if it gives that.
    ///
    /// # Errors
    /// [`Refusal::Gone`]; [`Refusal::OtherIdentity`] for another user or login session, and nothing
    /// changes (CONTRACT 3).
    pub fn renew(&mut self, slot: Slot, mut identity: Identity) -> Result<(), Refusal> {
        let seat = self.get_mut(slot).ok_or(Refusal::Gone)?;
        if (identity.user, &identity.sid) != (seat.identity.user, &seat.identity.sid) {
            return Err(Refusal::OtherIdentity);
        }
        // The token was checked a moment ago; the record may have been heard to change since.
        if let Some(record) = seat.record {
            identity.roles = identity.roles.narrowed_to(record);
        }
        seat.identity = identity;
        self.fit(slot);
        Ok(())
    }

    /// Makes the rooms fit what the connection may be now.
    fn fit(&mut self, slot: Slot) {
        let Some(seat) = self.get(slot) else { return };
        let lost: Vec<Room> = self
            .rooms
            .names(slot.index)
            .filter(|room| !rights::may_stay(&seat.identity, room, &seat.grants))
            .cloned()
            .collect();
        let admin = seat.identity.is_admin();
        for room in lost {
            self.exit(slot.index, &room);
        }
        if admin {
            self.enter(slot.index, &Room::Admin);
        }
    }
}
