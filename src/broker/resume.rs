//! From a new connection to a live one: its rooms are brought up to date, it hears `ready`, then
//! what it missed, and goes live at exactly the last notice that went out. CONTRACT 3, Resume.
//!
//! Everything happens in turns of the broker. Between turns it only waits: for a block of the
//! history, for a slow reader to take what it was given, or for others to have their turn.

use super::{
    Cause, Connect,
    dispatch::Dispatch,
    hub::Slot,
    link::{Link, Pending, Spent, Stage},
    ready::{self, Start},
    rights::ROOMS_MAX,
    ring::Sent,
};
use crate::notice::{Cursor, Room};

/// What comes next for a connection that is not live.
pub(super) enum Next {
    /// The following stage at once.
    Go(Stage),
    /// It is live.
    Live,
    /// It waits; what wakes it was asked for.
    Wait,
    /// It is closed.
    Close(Cause),
}

impl Dispatch {
    /// Takes a new connection in. Answers whether it was.
    pub(super) fn connect(&mut self, connect: Connect) -> bool {
        let Connect { connection, identity, standing, after, rooms, grants, transport, mut outlet } = connect;
        if self.stopping || self.hub.find(&connection).is_some() {
            outlet.close(Cause::GoingAway);
            return false;
        }
        let behind = standing.as_of < self.last;
        let pending = Pending {
            stage: if behind { Stage::Settling } else { Stage::Opening },
            cursor: after,
            start: None,
            rooms,
            position: standing.as_of,
            block: None,
            late: Vec::new(),
            held: Vec::new(),
            spent: Spent::default(),
        };
        let spot = outlet.place().and_then(|place| self.shards.spot(place));
        let link = Link { outlet, transport, since: 0, pending: Some(Box::new(pending)), backlog: None };
        let user = identity.user;
        let seated = self.hub.seat(connection, identity, &standing.groups, standing.as_of, link);
        let Some(slot) = seated else { return false };
        if let Some(spot) = spot {
            self.hub.set_spot(slot, spot);
        }
        self.stats.opened += 1;
        self.hub.note(slot, grants);
        self.presence_came(user);
        self.advance(slot);
        true
    }

    /// Takes a connection as far towards live as it goes in one turn.
    pub(super) fn advance(&mut self, slot: Slot) {
        loop {
            // Taken out while it is worked on, put back unless it is live or closed.
            let Some(mut pending) = self.hub.get_mut(slot).and_then(|seat| seat.carries.pending.take()) else { return };
            let next = match pending.stage {
                Stage::Settling => self.bring_rooms_up_to_date(slot, &mut pending),
                Stage::Waiting(read) if self.complete < read || self.last < self.begin => {
                    self.waiting.push(slot);
                    Next::Wait
                }
                Stage::Waiting(_) | Stage::Opening => self.open(slot, &mut pending),
                Stage::Replaying => self.replay(slot, &mut pending),
            };
            match next {
                Next::Live => {
                    self.hub.set_live(slot);
                    return pending.start.into_iter().for_each(|start| self.begin_backlog(slot, start));
                }
                Next::Close(cause) => return self.close(slot, cause),
                Next::Go(stage) => pending.stage = stage,
                Next::Wait => {}
            }
            let waits = matches!(next, Next::Wait);
            if waits {
                pending.block = None;
            }
            if let Some(seat) = self.hub.get_mut(slot) {
                seat.carries.pending = Some(pending);
            }
            if waits {
                return;
            }
        }
    }

    /// Applies the effects between `Standing::as_of` and now, from the ring or, block by block, from
    /// the history. Those that come by meanwhile are applied at once, and here again in their turn:
    /// the last one said about a room is the last one applied, and nothing is sent before the end.
    fn bring_rooms_up_to_date(&mut self, slot: Slot, pending: &mut Pending) -> Next {
        while pending.position < self.last {
            let reaches = self.ring.reaches(pending.position);
            let block = if reaches { None } else { self.block_at(pending, pending.position) };
            let Self { hub, ring, last, .. } = self;
            let mut closed = false;
            let mut apply = |sent: &Sent| {
                closed |= sent.notice.effect.as_ref().is_some_and(|effect| hub.apply_to(slot, effect));
            };
            match block {
                Some(block) => {
                    let upto = block.upto().min(*last);
                    block.after(pending.position).take_while(|sent| sent.seq <= upto).for_each(apply);
                    pending.position = upto;
                }
                None if reaches => {
                    ring.after(pending.position).for_each(&mut apply);
                    pending.position = *last;
                }
                None => return self.wait_for_block(slot, pending.position),
            }
            if closed {
                return Next::Close(Cause::Revoked);
            }
        }
        self.review_presence(slot);
        Next::Go(Stage::Opening)
    }

    /// Decides where the connection starts, and says `ready`.
    fn open(&mut self, slot: Slot, pending: &mut Pending) -> Next {
        let tried = matches!(pending.stage, Stage::Waiting(_));
        let seen = self.hub.get(slot).map_or(self.last, |seat| seat.as_of);
        let start = match pending.cursor {
            // The broker itself only begins, or is slower than the HTTP answer that named this seq, or than
            // what was read for the connection's standing: then it would hear anew what it could fetch before.
            // A read that begins from now on brings it there, or proves that there is no such notice.
            cursor if !tried && (self.last < self.begin.max(seen) || cursor.is_after(self.last)) => {
                let read = self.begun + 1;
                self.read();
                return Next::Go(Stage::Waiting(read));
            }
            Cursor::None => Start::Fresh(self.last),
            Cursor::Unknown => Start::Resync(self.last),
            Cursor::At(cursor) if cursor > self.last || cursor < self.pruned => Start::Resync(self.last),
            // Looks into the history before it promises anything: it may be pruned.
            Cursor::At(cursor) if !self.ring.reaches(cursor) && self.block_at(pending, cursor).is_none() => {
                return self.wait_for_block(slot, cursor);
            }
            Cursor::At(cursor) => Start::Resumed(cursor),
        };
        let refused = self.join_by_name(slot, std::mem::take(&mut pending.rooms));
        let Some(seat) = self.hub.get(slot) else { return Next::Wait };
        let mut rooms: Vec<&Room> = self.hub.rooms_of(slot).collect();
        rooms.sort_unstable();
        let ready = ready::frame(&seat.id, &seat.identity, &rooms, &refused, start);
        (pending.position, pending.start) = (start.seq(), Some(start));
        let Some(seat) = self.hub.get_mut(slot) else { return Next::Wait };
        for frame in std::iter::once(ready).chain(pending.held.drain(..)) {
            if seat.carries.outlet.send(&frame).is_err() {
                return Next::Close(Cause::SlowConsumer);
            }
        }
        Next::Go(Stage::Replaying)
    }

    /// Joins the rooms of the handshake, one by one; answers those that were refused, as the client
    /// wrote them. Looks at no more of them than a connection may be in; the rest are refused unseen.
    fn join_by_name(&mut self, slot: Slot, mut names: Vec<String>) -> Vec<String> {
        let unseen = names.split_off(names.len().min(ROOMS_MAX));
        names.retain(|name| match name.parse() {
            Ok(room) => self.hub.join(slot, &[room]).is_err(),
            Err(_) => true,
        });
        self.hub.forget_unheld(slot);
        names.extend(unseen);
        names
    }
}
