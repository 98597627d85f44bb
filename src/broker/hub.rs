//! The pure heart of the broker: connections, their rooms, and whom a notice reaches. It knows no
//! actor, no clock, no socket; what a connection carries is the caller's.

use super::{
    Refusal,
    grants::Grants,
    journal::{Change, Journal},
    rights::{self, ROOMS_MAX},
    rooms::{RoomKey, Rooms},
    shards::Spot,
};
use crate::{
    identity::{Identity, Roles},
    ids::{GroupId, UserId},
    notice::{Audience, ConnectionId, Notice, Room, Seq},
};
use std::collections::HashMap;

/// A connection's place. It names that one connection for ever: when the place is given to another,
/// the old slot names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot {
    pub(super) index: u32,
    generation: u32,
}

/// What is looked at for each candidate of each notice, kept apart so that it stays in the cache.
#[derive(Debug, Default)]
struct Hot {
    generation: u32,
    live: bool,
    /// Where its way out lies, if that is together with others.
    spot: Option<Spot>,
    /// The notice that last considered this seat; so nobody is reached twice.
    mark: u64,
}

/// One connection.
#[derive(Debug)]
pub struct Seat<C> {
    /// What the caller keeps with it.
    pub carries: C,
    /// Its name.
    pub id: ConnectionId,
    /// Whose it is, and what they may be now.
    pub identity: Identity,
    /// Effects up to here were in its rooms when it came.
    pub as_of: Seq,
    /// The roles that the user's record was last heard to say, if it changed since the connection
    /// came. A new token can't bring back what the record took.
    pub(super) record: Option<Roles>,
    /// What the database said of its rooms.
    pub(super) grants: Grants,
}

/// All connections and the membership map.
#[derive(Debug)]
pub struct Hub<C> {
    pub(super) seats: Vec<Option<Seat<C>>>,
    hot: Vec<Hot>,
    free: Vec<u32>,
    by_id: HashMap<ConnectionId, u32>,
    pub(super) rooms: Rooms,
    notices: u64,
    /// What changes, while somebody watches.
    pub(super) journal: Option<Journal>,
    // Scratch of `reach`, kept so that a notice costs no allocation.
    to: Vec<RoomKey>,
    within: Vec<RoomKey>,
    except: Vec<RoomKey>,
}

impl<C> Default for Hub<C> {
    fn default() -> Self {
        Self {
            seats: Vec::new(),
            hot: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            rooms: Rooms::default(),
            notices: 0,
            journal: None,
            to: Vec::new(),
            within: Vec::new(),
            except: Vec::new(),
        }
    }
}

impl<C> Hub<C> {
    /// How many connections there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether nobody is connected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// How many rooms have members.
    #[must_use]
    pub fn room_count(&self) -> usize {
        self.rooms.len()
    }

    /// Takes a connection in, in its automatic rooms (CONTRACT 4), still catching up: no notice
    /// reaches it before [`set_live`](Self::set_live). `None` if the name is taken.
    pub fn seat(
        &mut self,
        id: ConnectionId,
        identity: Identity,
        groups: &[GroupId],
        as_of: Seq,
        carries: C,
    ) -> Option<Slot> {
        if self.by_id.contains_key(&id) {
            return None;
        }
        let index = self.free.pop().unwrap_or_else(|| {
            self.seats.push(None);
            self.hot.push(Hot::default());
            u32::try_from(self.seats.len() - 1).unwrap_or(u32::MAX)
        });
        for room in rights::automatic(&identity, groups) {
            self.rooms.enter(index, &room);
        }
        self.by_id.insert(id.clone(), index);
        self.note_change(|| Change::Came(id.clone()));
        self.seats[index as usize] =
            Some(Seat { carries, id, identity, as_of, record: None, grants: Grants::default() });
        Some(self.slot(index))
    }

    /// Lets a connection go; answers what it carried.
    pub fn unseat(&mut self, slot: Slot) -> Option<Seat<C>> {
        self.get(slot)?;
        let seat = self.seats[slot.index as usize].take()?;
        self.by_id.remove(&seat.id);
        self.note_change(|| Change::Went(seat.id.clone()));
        self.rooms.exit_all(slot.index);
        let hot = &mut self.hot[slot.index as usize];
        (hot.generation, hot.live, hot.spot) = (hot.generation.wrapping_add(1), false, None);
        self.free.push(slot.index);
        Some(seat)
    }

    /// The connection of this name.
    #[must_use]
    pub fn find(&self, id: &ConnectionId) -> Option<Slot> {
        self.by_id.get(id).map(|index| self.slot(*index))
    }

    /// What is known of a connection, unless it is gone.
    #[must_use]
    pub fn get(&self, slot: Slot) -> Option<&Seat<C>> {
        let seat = self.seats.get(slot.index as usize)?.as_ref()?;
        (self.hot[slot.index as usize].generation == slot.generation).then_some(seat)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Seat<C>> {
        let seat = self.seats.get_mut(slot.index as usize)?.as_mut()?;
        (self.hot[slot.index as usize].generation == slot.generation).then_some(seat)
    }

    /// All connections.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        self.by_id.values().map(|index| self.slot(*index))
    }

    /// The connections in a room.
    pub fn members(&self, room: &Room) -> impl Iterator<Item = Slot> {
        let members = self.rooms.key(room).map_or(&[][..], |key| self.rooms.members(key));
        members.iter().map(|member| self.slot(member.seat))
    }

    /// How many connections a user has: their presence.
    #[must_use]
    pub fn presence(&self, user: UserId) -> usize {
        self.rooms.key(&Room::User(user)).map_or(0, |key| self.rooms.members(key).len())
    }

    /// The rooms that a connection is in.
    pub fn rooms_of(&self, slot: Slot) -> impl Iterator<Item = &Room> {
        self.get(slot).into_iter().flat_map(move |_| self.rooms.names(slot.index))
    }

    /// From now on notices reach the connection.
    pub fn set_live(&mut self, slot: Slot) {
        if self.get(slot).is_some() {
            self.hot[slot.index as usize].live = true;
        }
    }

    /// Notes where the connection's way out lies.
    pub(super) fn set_spot(&mut self, slot: Slot, spot: Spot) {
        if self.get(slot).is_some() {
            self.hot[slot.index as usize].spot = Some(spot);
        }
    }

    /// Where the way out of a connection that was just reached lies.
    pub(super) fn spot(&self, slot: Slot) -> Option<Spot> {
        self.hot.get(slot.index as usize)?.spot
    }

    /// Whether the connection is in the room.
    #[must_use]
    pub fn holds(&self, slot: Slot, room: &Room) -> bool {
        self.get(slot).is_some() && self.rooms.holds(slot.index, room)
    }

    /// Whether the connection may see what is meant for this audience, by the rooms it holds now.
    #[must_use]
    pub fn sees(&self, slot: Slot, audience: &Audience) -> bool {
        audience.includes(|room| self.holds(slot, room))
    }

    /// The live connections that a notice reaches, each once, whatever rooms it is in. The one that
    /// asked for the change is left out if it is that user's own (CONTRACT 1, Echo).
    pub fn reach(&mut self, notice: &Notice, out: &mut Vec<Slot>) {
        out.clear();
        let Self { rooms, hot, to, within, except, .. } = self;
        let fill = |keys: &mut Vec<RoomKey>, names: &[Room]| {
            keys.clear();
            keys.extend(names.iter().filter_map(|room| rooms.key(room)));
        };
        fill(to, &notice.audience.to);
        fill(within, &notice.audience.within);
        fill(except, &notice.audience.except);
        // Going through the fewer of the two, and asking each whether it is also among the others:
        // "those of `all` who saw the draft" must not go through everybody.
        let size = |keys: &[RoomKey]| keys.iter().map(|key| rooms.members(*key).len()).sum::<usize>();
        let limited = !notice.audience.within.is_empty();
        let (through, also) = if limited && size(within) < size(to) { (&*within, &*to) } else { (&*to, &*within) };
        let origin = notice.origin.as_ref().and_then(|origin| {
            let index = *self.by_id.get(&origin.connection)?;
            let seat = self.seats[index as usize].as_ref()?;
            (seat.identity.user == origin.user).then_some(index)
        });
        self.notices += 1;
        for member in through.iter().flat_map(|key| rooms.members(*key)) {
            let seat = &mut hot[member.seat as usize];
            if !seat.live || seat.mark == self.notices {
                continue;
            }
            seat.mark = self.notices;
            if Some(member.seat) == origin
                || (limited && !rooms.holds_any(member.seat, also))
                || (!except.is_empty() && rooms.holds_any(member.seat, except))
            {
                continue;
            }
            out.push(Slot { index: member.seat, generation: seat.generation });
        }
    }

    /// Enters rooms, all or none.
    ///
    /// # Errors
    /// [`Refusal::Gone`]; [`Refusal::Forbidden`] or [`Refusal::NotFound`] for a room that is not
    /// theirs; [`Refusal::LimitExceeded`] above [`ROOMS_MAX`].
    pub fn join(&mut self, slot: Slot, wanted: &[Room]) -> Result<(), Refusal> {
        let seat = self.get(slot).ok_or(Refusal::Gone)?;
        let mut fresh: Vec<&Room> = wanted.iter().filter(|room| !self.rooms.holds(slot.index, room)).collect();
        for room in &fresh {
            rights::may_join(&seat.identity, room, &seat.grants)?;
        }
        fresh.sort_unstable();
        fresh.dedup();
        if !fresh.is_empty() && self.rooms.count(slot.index) + fresh.len() > ROOMS_MAX {
            return Err(Refusal::LimitExceeded);
        }
        for room in fresh {
            self.enter(slot.index, room);
        }
        Ok(())
    }

    /// Leaves rooms, all or none; leaving one that one is not in is no fault.
    ///
    /// # Errors
    /// [`Refusal::Gone`]; [`Refusal::Forbidden`] for a room that one is in without having asked.
    pub fn leave(&mut self, slot: Slot, rooms: &[Room]) -> Result<(), Refusal> {
        self.get(slot).ok_or(Refusal::Gone)?;
        if rooms.iter().any(|room| rights::is_automatic(room) && self.rooms.holds(slot.index, room)) {
            return Err(Refusal::Forbidden);
        }
        for room in rooms {
            self.exit(slot.index, room);
        }
        Ok(())
    }

    /// Every entering goes through here, but for that of a new connection.
    pub(super) fn enter(&mut self, index: u32, room: &Room) {
        self.note_move(index, room, false, Change::Entered);
        self.rooms.enter(index, room);
    }

    fn note_change(&mut self, change: impl FnOnce() -> Change) {
        if let Some(journal) = &mut self.journal {
            journal.note(change());
        }
    }

    /// Notes a move, unless the connection is where it goes to already.
    fn note_move(&mut self, index: u32, room: &Room, held: bool, change: fn(ConnectionId, Room) -> Change) {
        if self.journal.is_some()
            && self.rooms.holds(index, room) == held
            && let Some(id) = self.seats[index as usize].as_ref().map(|seat| seat.id.clone())
        {
            self.note_change(|| change(id, room.clone()));
        }
    }

    /// Every leaving of a connection that stays. What was said of the room is forgotten: an
    /// administrator's word (`grants`) holds for one stay.
    pub(super) fn exit(&mut self, index: u32, room: &Room) {
        self.note_move(index, room, true, Change::Left);
        self.rooms.exit(index, room);
        if let Some(seat) = &mut self.seats[index as usize] {
            seat.grants.forget(room);
        }
    }

    pub(super) fn slot(&self, index: u32) -> Slot {
        Slot { index, generation: self.hot[index as usize].generation }
    }
}
