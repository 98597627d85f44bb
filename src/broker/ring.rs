//! The newest notices that went out, kept with their frames: most who come back missed only a few,
//! and are served without the database, from frames that are encoded already.

use super::{Frame, block::Cuts};
use crate::notice::{Notice, Seq};
use std::{collections::VecDeque, sync::Arc};

/// Most notices kept.
pub const RECENT: usize = 4096;
/// Most bytes of payload kept; encodings made for `/ws` and SSE may double or treble that.
pub const RECENT_BYTES: usize = 8 << 20;

/// A stored notice as it went out.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) notice: Arc<Notice>,
    pub(super) seq: Seq,
    pub(super) frames: Vec<Arc<Frame>>,
    /// Whether a piece of a replay begins with it.
    pub(super) opens: bool,
}

impl Sent {
    pub(super) fn new(notice: Arc<Notice>, seq: Seq) -> Self {
        let frames = Frame::of(&notice);
        Self { notice, seq, frames, opens: false }
    }

    /// About the bytes that it takes on a wire, all aliases together.
    pub(super) fn wire_bytes(&self) -> usize {
        self.frames.iter().map(|frame| frame.payload.len() + frame.event.len() + 64).sum()
    }

    /// About the bytes that it takes in memory, with one encoding.
    pub(super) fn memory(&self) -> usize {
        self.notice.payload.len() + self.wire_bytes() + 512
    }
}

/// Holds every notice that follows `start`, up to the last that went out.
#[derive(Debug)]
pub(super) struct Ring {
    start: Seq,
    sent: VecDeque<Sent>,
    bytes: usize,
    most: usize,
    most_bytes: usize,
    cuts: Cuts,
}

impl Ring {
    pub(super) const fn new(start: Seq, most: usize, most_bytes: usize) -> Self {
        Self { start, sent: VecDeque::new(), bytes: 0, most, most_bytes, cuts: Cuts::new() }
    }

    /// Whether everything that followed `after` is here.
    pub(super) fn reaches(&self, after: Seq) -> bool {
        self.start <= after
    }

    /// What follows, in order.
    pub(super) fn after(&self, after: Seq) -> impl Iterator<Item = &Sent> {
        self.sent.range(self.sent.partition_point(|sent| sent.seq <= after)..)
    }

    pub(super) fn push(&mut self, mut sent: Sent) {
        self.cuts.cut(&mut sent);
        self.bytes += sent.notice.payload.len();
        self.sent.push_back(sent);
        while self.sent.len() > self.most || self.bytes > self.most_bytes {
            self.pop();
        }
    }

    /// Lets go of what the history no longer keeps: a cursor is too old on every node alike.
    pub(super) fn forget(&mut self, pruned: Seq) {
        while self.sent.front().is_some_and(|sent| sent.seq <= pruned) {
            self.pop();
        }
        self.start = self.start.max(pruned);
    }

    fn pop(&mut self) {
        if let Some(sent) = self.sent.pop_front() {
            self.bytes -= sent.notice.payload.len();
            self.start = sent.seq;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::testing::notice;

    fn ring(most: usize, bytes: usize, upto: i64) -> Ring {
        let mut ring = Ring::new(Seq(0), most, bytes);
        for seq in 1..=upto {
            ring.push(Sent::new(notice(seq, []), Seq(seq)));
        }
        ring
    }

    #[test]
    fn it_keeps_the_newest_and_knows_how_far_back_it_reaches() {
        let ring = ring(3, usize::MAX, 5);
        assert!(ring.reaches(Seq(2)) && !ring.reaches(Seq(1)));
        assert_eq!(ring.after(Seq(3)).map(|sent| sent.seq.0).collect::<Vec<_>>(), [4, 5]);
        assert_eq!(ring.after(Seq(5)).count(), 0);
    }

    #[test]
    fn it_is_bounded_in_bytes_too_and_may_be_empty() {
        let ring = ring(100, 1, 5);
        assert!(ring.reaches(Seq(5)) && !ring.reaches(Seq(4)));
    }

    #[test]
    fn it_forgets_what_was_pruned_even_before_it_began() {
        let mut ring = ring(100, usize::MAX, 5);
        ring.forget(Seq(3));
        assert!(ring.reaches(Seq(3)) && !ring.reaches(Seq(2)));
        ring.forget(Seq(9));
        assert!(!ring.reaches(Seq(5)));
    }
}
