//! What was read of the history for those whose cursor lies before the ring, by blocks of places: each is
//! read once for all who wait for it, and stays for a while for those who come later. Pure.

use super::{Page, block::Block, hub::Slot};
use crate::notice::Seq;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Weak},
};

/// Most bytes kept, about.
pub(super) const SHELF_BYTES: usize = 16 << 20;
/// Most blocks that are being read, or were and still have to be looked at by some who waited for them: the
/// database has to answer everybody else, and these are held whatever the shelf takes.
pub(super) const AT_ONCE: usize = 4;
/// A block that nobody wanted for so many ticks goes.
pub(super) const TICKS: u64 = 120;

/// A block that is held for those who waited for it; let go by the last of them.
pub(super) struct Served(pub(super) Arc<Block>);

/// A read that is to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Read {
    /// The number of the block.
    pub(super) block: i64,
    /// What follows this,
    pub(super) after: Seq,
    /// so many at most.
    pub(super) limit: usize,
}

/// What comes of a read.
pub(super) struct Arrival {
    /// These go on.
    pub(super) slots: Vec<Slot>,
    /// With this, if there was anything.
    pub(super) block: Option<Arc<Served>>,
    /// Others got nothing by it: it is to be read again, but not at once.
    pub(super) later: bool,
}

/// Those who wait for a block.
#[derive(Debug, Default)]
struct Waiting {
    /// Each with the place behind which it goes on.
    slots: Vec<(Slot, Seq)>,
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the queue.
    #[default]
    Queued,
    /// Being read, behind this place; so many were waiting when that began.
    Reading(Seq, usize),
    /// To be read again a little later.
    Later,
}

/// A block that is here, and when it was wanted last.
struct Kept {
    block: Arc<Block>,
    /// By a count of all looks.
    look: u64,
    tick: u64,
}

/// See the [module](self).
pub(super) struct Shelf {
    size: i64,
    most: usize,
    kept: HashMap<i64, Kept>,
    bytes: usize,
    looks: u64,
    ticks: u64,
    waiting: HashMap<i64, Waiting>,
    queue: VecDeque<i64>,
    reading: usize,
    served: Vec<Weak<Served>>,
}

impl Shelf {
    /// An empty one, for blocks of so many places and at most so many bytes; the newest block stays.
    pub(super) fn new(size: i64, most: usize) -> Self {
        Self {
            size,
            most,
            kept: HashMap::new(),
            bytes: 0,
            looks: 0,
            ticks: 0,
            waiting: HashMap::new(),
            queue: VecDeque::new(),
            reading: 0,
            served: Vec::new(),
        }
    }

    /// The block that has what follows this place, if it is here.
    pub(super) fn at(&mut self, place: Seq) -> Option<Arc<Block>> {
        let number = self.number(place);
        let kept = self.kept.get_mut(&number).filter(|kept| kept.block.covers(place))?;
        self.looks += 1;
        (kept.look, kept.tick) = (self.looks, self.ticks);
        Some(Arc::clone(&kept.block))
    }

    /// A connection waits for what follows this place, and for nothing else.
    pub(super) fn want(&mut self, slot: Slot, place: Seq, lives: impl Fn(Slot) -> bool) {
        let number = self.number(place);
        let Waiting { slots, .. } = self.waiting.entry(number).or_insert_with(|| {
            self.queue.push_back(number);
            Waiting::default()
        });
        // However long the database is away, and however many come and go meanwhile. Fewer than were there
        // when a read began only means that it may be read again later instead of at once.
        if slots.len() == slots.capacity() {
            slots.retain(|(slot, _)| lives(*slot));
        }
        slots.push((slot, place));
    }

    /// The next read that may begin.
    pub(super) fn next(&mut self, lives: impl Fn(Slot) -> bool) -> Option<Read> {
        self.served.retain(|served| served.strong_count() > 0);
        while self.reading + self.served.len() < AT_ONCE {
            let number = self.queue.pop_front()?;
            let Some(waiting) = self.waiting.get_mut(&number) else { continue };
            waiting.slots.retain(|(slot, _)| lives(*slot));
            if waiting.slots.is_empty() {
                self.waiting.remove(&number);
                continue;
            }
            let (begin, end) = (Seq(number * self.size), Seq((number + 1) * self.size));
            // Only what came since, if that is enough for all.
            let have = self.kept.get(&number).map(|kept| kept.block.upto());
            let after = have.filter(|upto| waiting.slots.iter().all(|(_, place)| place >= upto)).unwrap_or(begin);
            waiting.state = State::Reading(after, waiting.slots.len());
            self.reading += 1;
            return Some(Read { block: number, after, limit: usize::try_from(end.0 - after.0).unwrap_or(1) });
        }
        None
    }

    /// A read failed; it is to be tried again a little later.
    pub(super) fn failed(&mut self, number: i64) {
        self.reading -= 1;
        if let Some(waiting) = self.waiting.get_mut(&number) {
            waiting.state = State::Later;
        }
    }

    /// What was to be read a little later may be read now.
    pub(super) fn again(&mut self, number: i64) {
        if let Some(waiting) = self.waiting.get_mut(&number)
            && waiting.state == State::Later
        {
            waiting.state = State::Queued;
            self.queue.push_back(number);
        }
    }

    /// A read is done.
    pub(super) fn arrived(&mut self, number: i64, page: Page) -> Arrival {
        self.reading -= 1;
        let mut waiting = self.waiting.remove(&number).unwrap_or_default();
        let State::Reading(after, asked) = waiting.state else {
            return Arrival { slots: Vec::new(), block: None, later: false };
        };
        let pruned = page.pruned;
        let block = self.put(number, after, page);
        let upto = block.as_ref().map_or(after, |block| block.upto());
        // Those who wait for what is gone are to hear that.
        let goes_on = |place: Seq| place < upto || place < pruned;
        // Who came after the read had begun may know of more than it could find.
        let later = waiting.slots.iter().take(asked).any(|(_, place)| !goes_on(*place));
        let slots = waiting.slots.extract_if(.., |(_, place)| goes_on(*place)).map(|(slot, _)| slot).collect();
        if !waiting.slots.is_empty() {
            waiting.state = if later { State::Later } else { State::Queued };
            self.queue.extend((!later).then_some(number));
            self.waiting.insert(number, waiting);
        }
        let block = block.map(|block| Arc::new(Served(block)));
        self.served.extend(block.as_ref().map(Arc::downgrade));
        Arrival { slots, block, later }
    }

    /// Time passes: what nobody has wanted for long goes.
    pub(super) fn tick(&mut self) {
        self.ticks += 1;
        let (ticks, bytes) = (self.ticks, &mut self.bytes);
        self.kept.retain(|_, kept| {
            let stays = ticks - kept.tick < TICKS;
            *bytes -= if stays { 0 } else { kept.block.bytes() };
            stays
        });
    }

    /// Puts what was read behind `after` to what is here already; `None` if that is nothing.
    fn put(&mut self, number: i64, after: Seq, page: Page) -> Option<Arc<Block>> {
        let end = Seq((number + 1) * self.size);
        // A page has no gaps but those of the history itself. Where it ends more may follow; if it is empty,
        // nothing does.
        let upto = page.notices.last().map_or(Some(page.newest), |last| last.seq)?.min(end);
        let from = page.pruned.max(after);
        if upto <= from {
            return None;
        }
        let before = self.kept.remove(&number).map(|kept| kept.block);
        self.bytes -= before.as_ref().map_or(0, |before| before.bytes());
        let before = before.filter(|before| before.upto() == from);
        let block = Arc::new(Block::new(from, upto, page.notices, before.as_deref()));
        self.looks += 1;
        self.bytes += block.bytes();
        while self.bytes > self.most {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.look).map(|(number, _)| *number);
            let Some(old) = oldest.and_then(|oldest| self.kept.remove(&oldest)) else { break };
            self.bytes -= old.block.bytes();
        }
        self.kept.insert(number, Kept { block: Arc::clone(&block), look: self.looks, tick: self.ticks });
        Some(block)
    }

    const fn number(&self, place: Seq) -> i64 {
        place.0.div_euclid(self.size)
    }
}
