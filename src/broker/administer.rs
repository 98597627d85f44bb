//! What an administrator does to connections that are not theirs: join, leave, disconnect (CONTRACT 9).
//! Some at a time: how many, the one who asks decides, since everybody else waits meanwhile.

use super::{Cause, Grant, NotificationBroker, Refusal, dispatch::Dispatch, hub::Slot};
use crate::{
    ids::UserId,
    notice::{ConnectionId, Room},
};
use actix::prelude::*;
use std::{collections::HashMap, sync::Arc};

/// What is to be done.
#[derive(Debug, Clone)]
pub enum Deed {
    /// Enter rooms, one by one: those that the connection's user may enter by right, and topics.
    Join {
        /// Which.
        rooms: Arc<[Room]>,
        /// What the database says of those that belong to their parties, for each user.
        grants: HashMap<UserId, Vec<Grant>>,
    },
    /// Leave rooms, one by one; those that one is in by what one is are refused.
    Leave(Arc<[Room]>),
    /// Close ([`Cause::Disconnected`]).
    Disconnect,
}

/// Does something to each of these connections; answered by what came of it, in the same order.
#[derive(Message)]
#[rtype(result = "Vec<Outcome>")]
pub struct Administer {
    /// To whom; those that are gone are passed over.
    pub connections: Vec<ConnectionId>,
    /// What.
    pub deed: Deed,
}

/// What came of it for one connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Whether anything is different now.
    pub changed: bool,
    /// The rooms that it was not put into, or not taken out of.
    pub refused: Vec<(Room, Refusal)>,
}

impl Dispatch {
    /// Does something to one connection.
    pub(super) fn administer(&mut self, slot: Slot, deed: &Deed) -> Outcome {
        let mut outcome = Outcome::default();
        let mut note = |room: &Room, done: Result<bool, Refusal>| match done {
            Ok(changed) => outcome.changed |= changed,
            Err(refusal) => outcome.refused.push((room.clone(), refusal)),
        };
        match deed {
            Deed::Join { rooms, grants } => {
                let known = self.hub.get(slot).and_then(|seat| grants.get(&seat.identity.user));
                let known = known.cloned().unwrap_or_default();
                self.hub.note(slot, known);
                rooms.iter().for_each(|room| note(room, self.put_into(slot, room)));
                if self.has_begun(slot) {
                    self.hub.forget_unheld(slot);
                }
            }
            Deed::Leave(rooms) => rooms.iter().for_each(|room| note(room, self.take_out_of(slot, room))),
            Deed::Disconnect => {
                self.close(slot, Cause::Disconnected);
                outcome.changed = true;
            }
        }
        outcome
    }

    fn put_into(&mut self, slot: Slot, room: &Room) -> Result<bool, Refusal> {
        if matches!(room, Room::Topic(_)) {
            let fresh = self.hub.give(slot, room)?;
            if fresh {
                self.begin_late(slot, room);
            }
            return Ok(fresh);
        }
        if self.hub.holds(slot, room) {
            return Ok(false);
        }
        self.join(slot, std::slice::from_ref(room)).map(|_| true)
    }

    fn take_out_of(&mut self, slot: Slot, room: &Room) -> Result<bool, Refusal> {
        let held = self.hub.holds(slot, room);
        self.leave(slot, std::slice::from_ref(room)).map(|_| held)
    }
}

impl Handler<Administer> for NotificationBroker {
    type Result = Vec<Outcome>;
    fn handle(&mut self, Administer { connections, deed }: Administer, ctx: &mut Self::Context) -> Self::Result {
        let outcomes = connections
            .iter()
            .map(|id| self.find(id).map_or_else(|_| Outcome::default(), |slot| self.dispatch.administer(slot, &deed)))
            .collect();
        self.carry_out(ctx);
        outcomes
    }
}
