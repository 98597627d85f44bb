//! Who is in which room: the membership map, and the only one. Pure and dense: entering, leaving
//! and going through a room's members cost no search through other members.

use crate::notice::Room;
use std::collections::HashMap;

/// A room that has members, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RoomKey(u32);

/// A seat in a room's list of members, and where that seat's own list names the room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// The seat's number.
    pub(super) seat: u32,
    at: u32,
}

/// A room in a seat's list, and where the room's list of members names the seat.
#[derive(Debug, Clone, Copy)]
struct Held {
    room: u32,
    at: u32,
}

#[derive(Debug)]
struct Entry {
    name: Room,
    members: Vec<Member>,
}

/// The membership map. Seats are the numbers that the hub gives out, small and reused; rooms exist
/// while somebody is in them.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    keys: HashMap<Room, u32>,
    entries: Vec<Entry>,
    free: Vec<u32>,
    held: Vec<Vec<Held>>,
}

impl Rooms {
    /// How many rooms have members.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The room's number, if anybody is in it.
    pub(super) fn key(&self, room: &Room) -> Option<RoomKey> {
        self.keys.get(room).copied().map(RoomKey)
    }

    /// Who is in the room.
    pub(super) fn members(&self, key: RoomKey) -> &[Member] {
        &self.entries[key.0 as usize].members
    }

    /// Whether the seat is in one of these rooms.
    pub(super) fn holds_any(&self, seat: u32, keys: &[RoomKey]) -> bool {
        self.list(seat).iter().any(|held| keys.contains(&RoomKey(held.room)))
    }

    /// Whether the seat is in the room.
    pub(super) fn holds(&self, seat: u32, room: &Room) -> bool {
        self.key(room).is_some_and(|key| self.holds_any(seat, &[key]))
    }

    /// How many rooms the seat is in.
    pub(super) fn count(&self, seat: u32) -> usize {
        self.list(seat).len()
    }

    /// The rooms that the seat is in, in no order.
    pub(super) fn names(&self, seat: u32) -> impl Iterator<Item = &Room> {
        self.list(seat).iter().map(|held| &self.entries[held.room as usize].name)
    }

    /// The seat enters the room, if it is not there yet.
    pub(super) fn enter(&mut self, seat: u32, room: &Room) {
        if self.holds(seat, room) {
            return;
        }
        let key = self.keys.get(room).copied().unwrap_or_else(|| self.open(room));
        if self.held.len() <= seat as usize {
            self.held.resize_with(seat as usize + 1, Vec::new);
        }
        let (list, members) = (&mut self.held[seat as usize], &mut self.entries[key as usize].members);
        let (member, held) = (Member { seat, at: number(list.len()) }, Held { room: key, at: number(members.len()) });
        list.push(held);
        members.push(member);
    }

    /// The seat leaves the room, if it is there.
    pub(super) fn exit(&mut self, seat: u32, room: &Room) {
        let Some(key) = self.key(room) else { return };
        if let Some(at) = self.list(seat).iter().position(|held| held.room == key.0) {
            self.exit_at(seat, at);
        }
    }

    /// The seat leaves all rooms, for good.
    pub(super) fn exit_all(&mut self, seat: u32) {
        for at in (0..self.count(seat)).rev() {
            self.exit_at(seat, at);
        }
        // A seat is reused by another connection: keep nothing of a big list.
        if let Some(list) = self.held.get_mut(seat as usize) {
            *list = Vec::new();
        }
    }

    fn list(&self, seat: u32) -> &[Held] {
        self.held.get(seat as usize).map_or(&[], Vec::as_slice)
    }

    fn open(&mut self, room: &Room) -> u32 {
        let entry = Entry { name: room.clone(), members: Vec::new() };
        let key = match self.free.pop() {
            Some(key) => {
                self.entries[key as usize] = entry;
                key
            }
            None => {
                self.entries.push(entry);
                number(self.entries.len() - 1)
            }
        };
        self.keys.insert(room.clone(), key);
        key
    }

    /// Takes one entry out of both lists; what moved into a gap is told its new place.
    fn exit_at(&mut self, seat: u32, at: usize) {
        let list = &mut self.held[seat as usize];
        let left = list.swap_remove(at);
        if let Some(moved) = list.get(at) {
            self.entries[moved.room as usize].members[moved.at as usize].at = number(at);
        }
        let entry = &mut self.entries[left.room as usize];
        entry.members.swap_remove(left.at as usize);
        if let Some(moved) = entry.members.get(left.at as usize) {
            self.held[moved.seat as usize][moved.at as usize].at = left.at;
        }
        if entry.members.is_empty() {
            entry.members = Vec::new();
            self.keys.remove(&entry.name);
            self.free.push(left.room);
        }
    }
}

/// Places in lists of connections and rooms: memory ends long before they do.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn topic(number: u8) -> Room {
        Room::Topic(number.to_string().into())
    }

    proptest! {
        #[test]
        fn the_map_says_what_a_plain_set_of_pairs_says(
            steps in prop::collection::vec((0u8..3, 0u32..6, 0u8..6), 0..200)
        ) {
            let mut rooms = Rooms::default();
            let mut plain = BTreeMap::<u32, BTreeSet<u8>>::new();
            for (what, seat, room) in steps {
                match what {
                    0 | 1 if what == 0 || !plain.contains_key(&seat) => {
                        rooms.enter(seat, &topic(room));
                        plain.entry(seat).or_default().insert(room);
                    }
                    1 => {
                        rooms.exit(seat, &topic(room));
                        plain.entry(seat).or_default().remove(&room);
                    }
                    _ => {
                        rooms.exit_all(seat);
                        plain.remove(&seat);
                    }
                }
                for seat in 0..6 {
                    let names: BTreeSet<Room> = rooms.names(seat).cloned().collect();
                    let said = plain.get(&seat).into_iter().flatten().map(|room| topic(*room)).collect();
                    prop_assert_eq!(names, said);
                }
                let mut open = 0;
                for room in 0..6 {
                    let members: BTreeSet<u32> = rooms
                        .key(&topic(room))
                        .map(|key| rooms.members(key).iter().map(|member| member.seat).collect())
                        .unwrap_or_default();
                    let said: BTreeSet<u32> =
                        plain.iter().filter(|(_, held)| held.contains(&room)).map(|(seat, _)| *seat).collect();
                    open += usize::from(!said.is_empty());
                    prop_assert_eq!(members, said);
                }
                prop_assert_eq!(rooms.len(), open);
            }
        }
    }
}
