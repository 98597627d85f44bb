//! The order of notices, decided here and nowhere else: the next one is dispatched, an older one was
//! dispatched already, and a gap is filled from the history first.

use super::{
    Away, Cause, Page,
    dispatch::{Ask, Dispatch},
    hub::Slot,
    ring::Sent,
};
use crate::notice::{Notice, Seq};
use std::sync::Arc;

/// Most notices kept that came before their turn. Beyond it they are read again: nothing is lost.
const AHEAD_MAX: usize = 1024;

impl Dispatch {
    /// Committed notices, perhaps late, twice, or with gaps between them.
    pub(super) fn emit(&mut self, notices: Vec<Arc<Notice>>) {
        // What was committed together leaves together.
        self.shards.hold();
        for notice in notices {
            match notice.seq {
                // What comes before it is missing: it waits, or a client would hear a count of what is
                // unread after a newer one.
                None if self.last < self.known && self.held.len() < AHEAD_MAX => {
                    self.held.push_back((self.known, notice));
                }
                None => self.send_live(notice),
                Some(seq) if seq <= self.last => {}
                Some(seq) if seq == self.last.next() => {
                    self.put(seq, notice);
                    self.put_ahead();
                }
                Some(seq) => {
                    self.known = self.known.max(seq);
                    if self.ahead.len() < AHEAD_MAX {
                        self.ahead.insert(seq, notice);
                    }
                }
            }
        }
        self.shards.release();
        if self.last < self.known && !self.reading {
            self.read();
        }
    }

    fn send_live(&mut self, notice: Arc<Notice>) {
        self.send_out(&Sent::new(notice, self.last));
    }

    /// Sends the live ones whose time has come.
    fn send_held(&mut self) {
        while let Some((_, notice)) = self.held.pop_front_if(|(behind, _)| *behind <= self.last) {
            self.send_live(notice);
        }
    }

    /// Reads what follows from the history; if that is under way already, once more after it.
    pub(super) fn read(&mut self) {
        if self.reading {
            self.again = true;
            return;
        }
        self.begun += 1;
        self.reading = true;
        self.read_on();
    }

    /// Asks for the page that follows the last notice, as part of the same read.
    pub(super) fn read_on(&mut self) {
        self.known_when_asked = self.known;
        self.asks.push_back(Ask::Read { after: self.last });
    }

    /// A page for the order is here.
    pub(super) fn read_done(&mut self, page: Result<Page, Away>) {
        let Ok(page) = page else { return self.asks.push_back(Ask::ReadLater) };
        self.stats.pages_read += 1;
        let before = self.last;
        self.learn_pruned(page.pruned);
        if page.pruned > self.last {
            self.overrun(page.pruned);
        }
        for notice in page.notices {
            // A page has no gaps but those of the history itself.
            match notice.seq {
                Some(seq) if seq > self.last => self.put(seq, notice),
                _ => {}
            }
        }
        self.put_ahead();
        let news = self.last > before || self.known > self.known_when_asked;
        self.known = self.known.max(page.newest);
        if self.last < self.known {
            // Nothing came although there should be more: not in a tight loop.
            return if news { self.read_on() } else { self.asks.push_back(Ask::ReadLater) };
        }
        self.reading = false;
        self.complete = self.begun;
        if std::mem::take(&mut self.again) {
            self.read();
        }
        for slot in std::mem::take(&mut self.waiting) {
            self.wait_for_turn(slot, None);
        }
    }

    /// What is kept of the history became less.
    pub(super) fn learn_pruned(&mut self, pruned: Seq) {
        if pruned > self.pruned {
            self.pruned = pruned;
            self.ring.forget(pruned);
        }
    }

    /// Notices were pruned before this node dispatched them. Whoever should have heard them has to
    /// come again: the cursor is then too old, and the client fetches.
    fn overrun(&mut self, pruned: Seq) {
        // Effects were missed as well.
        let missed =
            |slot: &Slot| self.hub.get(*slot).is_some_and(|seat| seat.carries.has_begun() || seat.as_of < pruned);
        let missed: Vec<Slot> = self.hub.slots().filter(missed).collect();
        for slot in missed {
            self.close(slot, Cause::SlowConsumer);
        }
        self.last = pruned;
        self.ahead = self.ahead.split_off(&pruned.next());
        self.send_held();
    }

    /// Dispatches what came before its turn, as far as it is its turn now.
    fn put_ahead(&mut self) {
        while let Some(next) = self.ahead.first_entry() {
            match *next.key() {
                seq if seq <= self.last => drop(next.remove()),
                seq if seq == self.last.next() => {
                    let notice = next.remove();
                    self.put(seq, notice);
                }
                _ => return,
            }
        }
    }

    /// Dispatches the notice whose turn it is.
    fn put(&mut self, seq: Seq, notice: Arc<Notice>) {
        self.last = seq;
        self.known = self.known.max(seq);
        self.stats.notices += 1;
        let sent = Sent::new(notice, seq);
        self.send_out(&sent);
        self.ring.push(sent);
        self.send_held();
    }
}
