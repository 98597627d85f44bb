//! What a connection missed: from the ring, or from blocks of the history that all who need them share. In
//! turns, piece by piece, as far as the outlet should take it in one go.

use super::{
    Away, Cause, Frame, Page,
    block::Block,
    dispatch::{Ask, Dispatch},
    hub::{Hub, Slot},
    link::{Link, Pending, Spent},
    resume::Next,
    ring::Sent,
    shelf::Served,
    turns::Turn,
};
use crate::notice::{Audience, Seq};
use std::sync::Arc;

/// After so many notices others have their turn, however few of them a connection may see.
const LOOKS: usize = 2048;

/// What came of going through a piece.
#[derive(Default)]
struct Gathered {
    looks: usize,
    /// Notices that the connection is given.
    notices: u64,
    /// The outlet has to take those first.
    full: bool,
}

impl Dispatch {
    /// Sends what was missed, as far as the outlet should take it now. The rooms held now decide, not
    /// those held then.
    pub(super) fn replay(&mut self, slot: Slot, pending: &mut Pending) -> Next {
        let mut looks = 0;
        while pending.position < self.last {
            let busy = || self.hub.spot(slot).is_some_and(|(shard, _)| self.shards.is_busy(shard));
            // What was read for it may be nowhere else any more: that gets it on, if only a little.
            let first = looks == 0 && pending.block.is_some();
            if looks >= LOOKS || (!first && busy()) {
                self.wait_for_turn(slot, None);
                return Next::Wait;
            }
            let block = if self.ring.reaches(pending.position) {
                None
            } else {
                let Some(block) = self.block_at(pending, pending.position) else {
                    return self.wait_for_block(slot, pending.position);
                };
                Some(block)
            };
            let Self { hub, ring, last, frames, .. } = self;
            let gathered = match &block {
                None => gather(hub, slot, pending, frames, ring.after(pending.position), *last),
                Some(block) => {
                    gather(hub, slot, pending, frames, block.after(pending.position), block.upto().min(*last))
                }
            };
            looks += gathered.looks;
            let Some(seat) = hub.get_mut(slot) else { return Next::Wait };
            if !frames.is_empty() {
                let stretch = self.stretches.of(frames);
                frames.clear();
                if seat.carries.outlet.send_all(&stretch).is_err() {
                    return Next::Close(Cause::SlowConsumer);
                }
                self.stats.replayed += gathered.notices;
            }
            if gathered.full {
                let drained = seat.carries.outlet.drained();
                self.asks.push_back(Ask::Drained { slot, drained });
                return Next::Wait;
            }
        }
        Next::Live
    }

    /// What follows this place, before the ring: what was read for this connection, or is on the shelf.
    pub(super) fn block_at(&mut self, pending: &Pending, place: Seq) -> Option<Arc<Block>> {
        let given = pending.block.as_ref().filter(|block| block.covers(place));
        given.cloned().or_else(|| self.shelf.at(place))
    }

    /// It needs what follows this place from the history.
    pub(super) fn wait_for_block(&mut self, slot: Slot, place: Seq) -> Next {
        if place < self.pruned {
            // That is gone. It comes again and is told to fetch (`resync`).
            return Next::Close(Cause::SlowConsumer);
        }
        let Self { hub, shelf, .. } = self;
        shelf.want(slot, place, |slot| hub.get(slot).is_some());
        self.read_blocks();
        Next::Wait
    }

    /// A block was read.
    pub(super) fn block_done(&mut self, number: i64, page: Result<Page, Away>) {
        match page {
            Err(Away) => {
                self.shelf.failed(number);
                self.asks.push_back(Ask::BlockLater(number));
            }
            Ok(page) => {
                self.stats.pages_read += 1;
                self.learn_pruned(page.pruned);
                let arrival = self.shelf.arrived(number, page);
                for slot in arrival.slots {
                    self.wait_for_turn(slot, arrival.block.clone());
                }
                if arrival.later {
                    // The history is behind the order: not in a tight loop.
                    self.asks.push_back(Ask::BlockLater(number));
                }
            }
        }
        self.read_blocks();
    }

    /// A block that could not be read may be read now.
    pub(super) fn block_again(&mut self, number: i64) {
        self.shelf.again(number);
        self.read_blocks();
    }

    fn read_blocks(&mut self) {
        let Self { hub, shelf, asks, .. } = self;
        while let Some(read) = shelf.next(|slot| hub.get(slot).is_some()) {
            asks.push_back(Ask::Block(read));
        }
    }

    /// The connection goes on when its turn comes.
    pub(super) fn wait_for_turn(&mut self, slot: Slot, block: Option<Arc<Served>>) {
        let line = self.hub.spot(slot).map_or(0, |(shard, _)| usize::from(shard) + 1);
        self.turns.add(line, Turn { slot, block });
        self.ask_for_turn(false);
    }

    fn ask_for_turn(&mut self, rest: bool) {
        if self.turns.ask() {
            self.asks.push_back(Ask::Turn { rest });
        }
    }

    /// Serves a few of those who wait for their turn.
    pub(super) fn take_turn(&mut self) {
        let shards = &self.shards;
        let busy = |line: usize| line > 0 && u16::try_from(line - 1).is_ok_and(|shard| shards.is_busy(shard));
        let turns = self.turns.take(busy);
        let rest = turns.is_empty();
        for Turn { slot, block } in turns {
            if let Some(pending) = self.hub.get_mut(slot).and_then(|seat| seat.carries.pending.as_mut()) {
                pending.block = block.as_ref().map(|block| Arc::clone(&block.0));
                self.advance(slot);
            }
        }
        self.ask_for_turn(rest);
        self.read_blocks();
    }

    /// An outlet took what it was given, of its replay or of the backlog.
    pub(super) fn drained(&mut self, slot: Slot) {
        if let Some(pending) = self.hub.get_mut(slot).and_then(|seat| seat.carries.pending.as_mut()) {
            pending.spent = Spent::default();
            return self.wait_for_turn(slot, None);
        }
        self.backlog_left(slot);
    }

    /// Time passes.
    pub(super) fn tick(&mut self) {
        self.shelf.tick();
        self.stretches.tick();
    }
}

/// Goes through the piece that begins with the first of `sent`, up to `upto`, and gathers what the
/// connection may see.
fn gather<'a>(
    hub: &Hub<Link>,
    slot: Slot,
    pending: &mut Pending,
    frames: &mut Vec<Arc<Frame>>,
    sent: impl Iterator<Item = &'a Sent>,
    upto: Seq,
) -> Gathered {
    let mut gathered = Gathered::default();
    let (before, spent) = (pending.position, pending.spent);
    // Many in a row are often meant for the same.
    let mut last: Option<(&Audience, bool)> = None;
    for sent in sent.take_while(|sent| sent.seq <= upto) {
        if gathered.looks > 0 && sent.opens {
            return gathered;
        }
        gathered.looks += 1;
        let audience = &sent.notice.audience;
        let sees = match last {
            Some((same, sees)) if pending.late.is_empty() && same == audience => sees,
            _ => audience.includes(|room| {
                hub.holds(slot, room) && !pending.late.iter().any(|(late, from)| late == room && sent.seq <= *from)
            }),
        };
        last = Some((audience, sees));
        if sees && !sent.frames.is_empty() {
            if !pending.spent.take(sent.wire_bytes(), sent.frames.len()) {
                gathered.full = true;
                if !spent.is_nothing() {
                    // The whole piece later: a part of it would be nobody else's.
                    (pending.position, pending.spent, gathered.notices) = (before, spent, 0);
                    frames.clear();
                }
                return gathered;
            }
            frames.extend(sent.frames.iter().cloned());
            gathered.notices += 1;
        }
        pending.position = sent.seq;
    }
    // Past what the history itself leaves out, too; what the order has not reached is left to it.
    pending.position = upto;
    gathered
}
