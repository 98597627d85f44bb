//! From a new connection to a live one: its rooms are brought up to date, it hears `ready`, then
//! what it missed, and goes live at exactly the last notice that went out. CONTRACT 3, Resume.
//!
//! Everything happens in turns of the broker. Between turns it only waits: for a page of the
//! history, or for a slow reader to take what it was given.

use super::{
    Away, Cause, Connect, Page,
    dispatch::{Ask, Dispatch},
    hub::Slot,
    link::{Link, Pending, Spent, Stage},
    ready::{self, Start},
    rights::ROOMS_MAX,
    ring::Sent,
};
use crate::notice::{Cursor, Notice, Room};
use std::{borrow::Cow, collections::VecDeque};

/// What comes next for a connection that is not live.
enum Next {
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
            page: None,
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
            if let Some(seat) = self.hub.get_mut(slot) {
                seat.carries.pending = Some(pending);
            }
            if waits {
                return;
            }
        }
    }

    /// A page for one connection is here.
    pub(super) fn page_done(&mut self, slot: Slot, page: Result<Page, Away>) {
        let Some(pending) = self.hub.get_mut(slot).and_then(|seat| seat.carries.pending.as_mut()) else { return };
        let Ok(page) = page else { return self.asks.push_back(Ask::PageLater { slot }) };
        self.stats.pages_read += 1;
        let position = match (pending.stage, pending.cursor) {
            (Stage::Opening | Stage::Waiting(_), Cursor::At(cursor)) => cursor,
            _ => pending.position,
        };
        let overtaken = page.pruned > position && !matches!(pending.stage, Stage::Opening | Stage::Waiting(_));
        let empty = page.notices.is_empty();
        pending.page = Some(VecDeque::from(page.notices));
        self.learn_pruned(page.pruned);
        if overtaken {
            // What it should see next is gone. It comes again and is told to fetch (`resync`).
            return self.close(slot, Cause::SlowConsumer);
        }
        if empty && position >= page.pruned && position < self.last && !self.ring.reaches(position) {
            // The history is behind the order: not in a tight loop.
            return self.asks.push_back(Ask::PageLater { slot });
        }
        self.advance(slot);
    }

    /// An outlet took what it was given, of its replay or of the backlog.
    pub(super) fn drained(&mut self, slot: Slot) {
        if let Some(pending) = self.hub.get_mut(slot).and_then(|seat| seat.carries.pending.as_mut()) {
            pending.spent = Spent::default();
            return self.advance(slot);
        }
        self.backlog_left(slot);
    }

    /// Applies the effects between `Standing::as_of` and now, from the ring or, page by page, from
    /// the history. Those that come by meanwhile are applied at once, and here again in their turn:
    /// the last one said about a room is the last one applied, and nothing is sent before the end.
    fn bring_rooms_up_to_date(&mut self, slot: Slot, pending: &mut Pending) -> Next {
        let Self { hub, ring, last, .. } = self;
        let page = pending.page.take();
        let mut closed = false;
        let mut apply = |notice: &Notice| {
            closed |= notice.effect.as_ref().is_some_and(|effect| hub.apply_to(slot, effect));
        };
        for notice in page.iter().flatten() {
            let within = notice.seq.filter(|seq| seq <= last);
            // Past the last there is nothing left for it: what follows comes through the order.
            pending.position = within.unwrap_or(*last);
            if within.is_none() {
                break;
            }
            apply(notice);
        }
        if ring.reaches(pending.position) {
            ring.after(pending.position).for_each(|sent| apply(&sent.notice));
            pending.position = *last;
        }
        if closed {
            return Next::Close(Cause::Revoked);
        }
        if pending.position < *last {
            self.asks.push_back(Ask::Page { slot, after: pending.position });
            return Next::Wait;
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
            Cursor::At(cursor) if !self.ring.reaches(cursor) && pending.page.is_none() => {
                self.asks.push_back(Ask::Page { slot, after: cursor });
                return Next::Wait;
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

    /// Sends what was missed, as far as the outlet should take it in one go. The rooms held now
    /// decide, not those held then.
    fn replay(&mut self, slot: Slot, pending: &mut Pending) -> Next {
        let Self { hub, ring, last, .. } = self;
        while pending.position < *last {
            let page = pending.page.get_or_insert_default();
            let sent = if ring.reaches(pending.position) {
                page.clear();
                ring.after(pending.position).next().map(Cow::Borrowed)
            } else {
                while page.front().is_some_and(|notice| notice.seq <= Some(pending.position)) {
                    page.pop_front();
                }
                page.front().and_then(|notice| Some(Cow::Owned(Sent::new(notice.clone(), notice.seq?))))
            };
            let Some(sent) = sent else {
                self.asks.push_back(Ask::Page { slot, after: pending.position });
                return Next::Wait;
            };
            if sent.seq > *last {
                // Only past a gap in the history itself. What the order has not reached is left to it.
                break;
            }
            let sees = sent.notice.audience.includes(|room| {
                hub.holds(slot, room) && !pending.late.iter().any(|(late, from)| late == room && sent.seq <= *from)
            });
            if sees && !sent.frames.is_empty() {
                let Some(seat) = hub.get_mut(slot) else { return Next::Wait };
                if !pending.spent.take(sent.wire_bytes(), sent.frames.len()) {
                    let drained = seat.carries.outlet.drained();
                    self.asks.push_back(Ask::Drained { slot, drained });
                    return Next::Wait;
                }
                if sent.frames.iter().any(|frame| seat.carries.outlet.send(frame).is_err()) {
                    return Next::Close(Cause::SlowConsumer);
                }
                self.stats.replayed += 1;
            }
            pending.position = sent.seq;
        }
        Next::Live
    }
}
