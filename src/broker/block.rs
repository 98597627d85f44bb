//! A stretch of the history as it was read, and the pieces in which a replay hands it over.

use super::{REPLAY_BYTES, REPLAY_FRAMES, ring::Sent};
use crate::notice::{Notice, Seq};
use std::sync::Arc;

/// Places in a block, of a shelf that serves a node.
pub(super) const BLOCK: i64 = 512;

/// Everything behind `from`, up to `upto`.
#[derive(Debug)]
pub(super) struct Block {
    from: Seq,
    upto: Seq,
    sent: Vec<Sent>,
    bytes: usize,
}

impl Block {
    /// With these notices, some of which may lie outside. `before` ends where this one begins; what it has
    /// is in this one as well.
    pub(super) fn new(from: Seq, upto: Seq, notices: Vec<Arc<Notice>>, before: Option<&Self>) -> Self {
        let (begin, mut sent) = before.map_or_else(|| (from, Vec::new()), |before| (before.from, before.sent.clone()));
        let read = notices.into_iter().filter_map(|notice| Some((notice.seq?, notice)));
        sent.extend(read.filter(|(seq, _)| *seq > from && *seq <= upto).map(|(seq, notice)| Sent::new(notice, seq)));
        let mut cuts = Cuts::new();
        sent.iter_mut().for_each(|sent| cuts.cut(sent));
        let bytes = sent.iter().map(Sent::memory).sum();
        Self { from: begin, upto, sent, bytes }
    }

    /// Whether it has what follows this place.
    pub(super) fn covers(&self, place: Seq) -> bool {
        self.from <= place && place < self.upto
    }

    /// Everything up to here is in it, or never was.
    pub(super) const fn upto(&self) -> Seq {
        self.upto
    }

    /// About the bytes that it takes in memory.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// What follows, in order.
    pub(super) fn after(&self, place: Seq) -> impl Iterator<Item = &Sent> {
        self.sent[self.sent.partition_point(|sent| sent.seq <= place)..].iter()
    }
}

/// Most bytes, about, of a piece: a connection of a shard is written as much in one call.
const PIECE_BYTES: usize = REPLAY_BYTES / 2;

/// Where pieces begin: at the same notices for everybody, wherever their cursors lie, so that all but the
/// first piece of each is the same for those who see the same.
#[derive(Debug)]
pub(super) struct Cuts {
    bytes: usize,
    frames: usize,
}

impl Cuts {
    /// Before the first notice.
    pub(super) const fn new() -> Self {
        Self { bytes: 0, frames: 0 }
    }

    /// Marks the next notice if a piece begins with it.
    pub(super) fn cut(&mut self, sent: &mut Sent) {
        let (bytes, frames) = (self.bytes + sent.wire_bytes(), self.frames + sent.frames.len());
        sent.opens = sent.seq.0 % BLOCK == 1 || bytes > PIECE_BYTES || frames > REPLAY_FRAMES;
        (self.bytes, self.frames) = if sent.opens { (sent.wire_bytes(), sent.frames.len()) } else { (bytes, frames) };
    }
}
