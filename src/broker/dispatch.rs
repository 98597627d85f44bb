//! The machine inside the broker, without input or output of its own: it is told what happened,
//! sends through outlets, and leaves what it wants done as [`Ask`]s for the actor. So property tests
//! can drive it through every interleaving. `order`, `resume`, `replay` and `backlog` are parts of it.

use super::{
    Cause, Frame, Joined, Refusal, Stats,
    block::BLOCK,
    hub::{Hub, Slot},
    link::Link,
    presence::{People, Wait},
    ring::{Ring, Sent},
    shards::Shards,
    shelf::{Read, SHELF_BYTES, Shelf},
    stretch::Stretches,
    turns::Turns,
    watch::Watchers,
};
use crate::{
    ids::UserId,
    notice::{ConnectionId, Notice, Room, Seq},
};
use futures_util::future::BoxFuture;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// What the machine wants from outside.
pub(super) enum Ask {
    /// A page of the history for the order; answer with [`Dispatch::read_done`].
    Read { after: Seq },
    /// The same, a little later: the history was away.
    ReadLater,
    /// A block of the history for those who come back; answer with [`Dispatch::block_done`].
    Block(Read),
    /// The same, a little later; answer with [`Dispatch::block_again`].
    BlockLater(i64),
    /// Others first, then [`Dispatch::take_turn`]. `rest`: a little later, as those who take what is
    /// handed over are behind.
    Turn { rest: bool },
    /// Waiting for an outlet; answer with [`Dispatch::drained`].
    Drained { slot: Slot, drained: BoxFuture<'static, ()> },
    /// A page of what waits in a live connection's inbox, when its turn comes: say so with
    /// [`Dispatch::pending_begins`], answer with [`Dispatch::pending_done`].
    Pending { slot: Slot },
    /// The same, a little later: the inboxes were away.
    PendingLater { slot: Slot },
    /// Something of presence takes a while; answer with [`Dispatch::presence_waited`].
    Presence(Wait),
    /// A connection is gone.
    Ended { user: UserId, connection: ConnectionId },
}

/// See the [module](self).
pub(super) struct Dispatch {
    pub(super) hub: Hub<Link>,
    pub(super) shards: Shards,
    pub(super) people: People<Slot>,
    pub(super) ring: Ring,
    pub(super) shelf: Shelf,
    pub(super) stretches: Stretches,
    pub(super) turns: Turns,
    /// The last stored notice that went out.
    pub(super) last: Seq,
    /// Nobody starts before this: the newest that there was when the broker began.
    pub(super) begin: Seq,
    /// Up to here nothing is kept any more, as far as is known.
    pub(super) pruned: Seq,
    /// Read numbers: begun so far, and the last that found nothing more to come.
    pub(super) begun: u64,
    pub(super) complete: u64,
    /// Connections that wait for a read, see [`Stage::Waiting`](super::link::Stage).
    pub(super) waiting: Vec<Slot>,
    /// Refuses new connections.
    pub(super) stopping: bool,
    pub(super) stats: Stats,
    /// Those who watch the connections.
    pub(super) watchers: Watchers,
    pub(super) asks: VecDeque<Ask>,
    /// A read is under way, or will be tried again.
    pub(super) reading: bool,
    /// Another read has to begin after this one.
    pub(super) again: bool,
    /// The newest notice that was heard of; and of those, when a page was last asked for.
    pub(super) known: Seq,
    pub(super) known_when_asked: Seq,
    /// Notices that came before their turn.
    pub(super) ahead: BTreeMap<Seq, Arc<Notice>>,
    /// Live ones that came while some before them were missing: each goes out behind that place.
    pub(super) held: VecDeque<(Seq, Arc<Notice>)>,
    // Scratch of `send_out`, kept so that a notice costs no allocation for each connection.
    reached: Vec<Slot>,
    fallen: Vec<Slot>,
    // Of `replay`.
    pub(super) frames: Vec<Arc<Frame>>,
}

impl Dispatch {
    /// Begins at `begin`, the newest stored notice, but reads the `most` notices before it first:
    /// those who come back after a restart are then served from memory.
    pub(super) fn new(begin: Seq, most: usize, most_bytes: usize) -> Self {
        let back = i64::try_from(most).unwrap_or(i64::MAX);
        let last = Seq(begin.0.saturating_sub(back).max(0));
        let mut dispatch = Self {
            hub: Hub::default(),
            shards: Shards::default(),
            people: People::default(),
            ring: Ring::new(last, most, most_bytes),
            shelf: Shelf::new(BLOCK, SHELF_BYTES),
            stretches: Stretches::default(),
            turns: Turns::default(),
            last,
            begin,
            pruned: Seq(0),
            begun: 0,
            complete: 0,
            waiting: Vec::new(),
            stopping: false,
            stats: Stats::default(),
            watchers: Watchers::default(),
            asks: VecDeque::new(),
            reading: false,
            again: false,
            known: begin,
            known_when_asked: begin,
            ahead: BTreeMap::new(),
            held: VecDeque::new(),
            reached: Vec::new(),
            fallen: Vec::new(),
            frames: Vec::new(),
        };
        dispatch.read();
        dispatch
    }

    /// Where whoever begins now, begins.
    pub(super) fn now(&self) -> Seq {
        self.last.max(self.begin)
    }

    /// Whether the history is being read.
    pub(super) const fn is_reading(&self) -> bool {
        self.reading
    }

    /// Sends a notice to the live connections that it reaches, then applies its effect.
    pub(super) fn send_out(&mut self, sent: &Sent) {
        self.outdate_backlogs(&sent.notice);
        let Self { hub, shards, reached, fallen, stats, .. } = self;
        if !sent.frames.is_empty() {
            hub.reach(&sent.notice, reached);
            stats.deliveries += reached.len() as u64;
            for slot in reached.iter() {
                if let Some(spot) = hub.spot(*slot) {
                    shards.gather(spot);
                    continue;
                }
                let Some(seat) = hub.get_mut(*slot) else { continue };
                if sent.frames.iter().any(|frame| seat.carries.outlet.send(frame).is_err()) {
                    fallen.push(*slot);
                }
            }
            shards.push(&sent.frames);
        }
        while let Some(slot) = self.fallen.pop() {
            self.close(slot, Cause::SlowConsumer);
        }
        if let Some(effect) = &sent.notice.effect {
            let mut closed = Vec::new();
            self.hub.apply(effect, sent.notice.seq, &mut closed);
            self.presence_hears(effect, sent.notice.seq);
            self.watchers.apply(effect);
            for slot in closed {
                self.close(slot, Cause::Revoked);
            }
        }
    }

    /// Enters rooms by the client's wish; they are live from the answer on.
    pub(super) fn join(&mut self, slot: Slot, rooms: &[Room]) -> Result<Joined, Refusal> {
        let fresh: Vec<Room> = rooms.iter().filter(|room| !self.hub.holds(slot, room)).cloned().collect();
        self.hub.join(slot, rooms)?;
        fresh.iter().for_each(|room| self.begin_late(slot, room));
        Ok(Joined { seq: self.now() })
    }

    /// A room was entered by a wish: what went out before is no part of a replay that still goes on.
    pub(super) fn begin_late(&mut self, slot: Slot, room: &Room) {
        let seq = self.now();
        if let Some(pending) = self.hub.get_mut(slot).and_then(|seat| seat.carries.pending.as_mut()) {
            pending.late.retain(|(late, _)| late != room);
            pending.late.push((room.clone(), seq));
        }
    }

    /// Leaves rooms by the client's wish.
    pub(super) fn leave(&mut self, slot: Slot, rooms: &[Room]) -> Result<Joined, Refusal> {
        self.hub.leave(slot, rooms)?;
        if let Some(pending) = self.hub.get_mut(slot).and_then(|seat| seat.carries.pending.as_mut()) {
            pending.late.retain(|(room, _)| !rooms.contains(room));
        }
        self.review_presence(slot);
        Ok(Joined { seq: self.now() })
    }

    /// Whether the rooms of a connection's handshake were joined, and it heard `ready`.
    pub(super) fn has_begun(&self, slot: Slot) -> bool {
        self.hub.get(slot).is_some_and(|seat| seat.carries.has_begun())
    }

    /// Sends a frame to one connection alone, after `ready`.
    pub(super) fn tell(&mut self, slot: Slot, frame: Arc<Frame>) {
        let Some(seat) = self.hub.get_mut(slot) else { return };
        let has_begun = seat.carries.has_begun();
        match &mut seat.carries.pending {
            Some(pending) if !has_begun => pending.held.push(frame),
            _ if seat.carries.outlet.send(&frame).is_err() => self.close(slot, Cause::SlowConsumer),
            _ => {}
        }
    }

    /// Closes a connection and forgets it.
    pub(super) fn close(&mut self, slot: Slot, cause: Cause) {
        if let Some(mut link) = self.forget(slot) {
            self.stats.slow_consumers += u64::from(cause == Cause::SlowConsumer);
            link.outlet.close(cause);
        }
    }

    /// Forgets a connection that is gone.
    pub(super) fn forget(&mut self, slot: Slot) -> Option<Link> {
        let seat = self.hub.unseat(slot)?;
        self.presence_went(slot, seat.identity.user);
        self.stats.closed += 1;
        self.asks.push_back(Ask::Ended { user: seat.identity.user, connection: seat.id });
        Some(seat.carries)
    }

    /// Herald stops: closes every connection and takes no more.
    pub(super) fn close_all(&mut self, cause: Cause) {
        self.stopping = true;
        self.watchers.close_all(cause);
        let all: Vec<Slot> = self.hub.slots().collect();
        for slot in all {
            self.close(slot, cause);
        }
    }
}
