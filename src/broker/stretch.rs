//! What a replay hands over in one piece. Those who come back at once mostly missed the same: they are
//! given the same list, so that whatever is put together of it is put together once.

use super::Frame;
use std::{collections::VecDeque, sync::Arc};

/// Frames that are handed over together, in order; who gets the same ones may be given the same list.
pub type Stretch = Arc<[Arc<Frame>]>;

/// So many lists are remembered.
const KEPT: usize = 64;

/// After so many ticks without any they are forgotten.
const TICKS: u32 = 20;

/// The lists that were made last, the newest first.
#[derive(Default)]
pub(super) struct Stretches {
    known: VecDeque<Stretch>,
    /// Ticks since one was wanted.
    idle: u32,
}

impl Stretches {
    /// A list of these frames: one that was made before, if one has just these.
    pub(super) fn of(&mut self, frames: &[Arc<Frame>]) -> Stretch {
        self.idle = 0;
        // The last frame first: lists that differ often begin alike.
        let same = |known: &&Stretch| {
            known.len() == frames.len() && known.iter().rev().zip(frames.iter().rev()).all(|(a, b)| Arc::ptr_eq(a, b))
        };
        if let Some(known) = self.known.iter().find(same) {
            return Arc::clone(known);
        }
        let fresh = Stretch::from(frames);
        self.known.truncate(KEPT - 1);
        self.known.push_front(Arc::clone(&fresh));
        fresh
    }

    /// Time passes.
    pub(super) fn tick(&mut self) {
        self.idle = self.idle.saturating_add(1);
        if self.idle == TICKS {
            self.known = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_frames_are_one_list_and_others_are_another() {
        let frames: Vec<Arc<Frame>> = ["1", "2", "3"].map(|text| Frame::new("x", None, text)).into();
        let mut stretches = Stretches::default();
        let all = stretches.of(&frames);
        assert!(Arc::ptr_eq(&all, &stretches.of(&frames)));
        let some = stretches.of(&frames[1..]);
        assert_eq!(some.iter().map(|frame| &*frame.payload).collect::<Vec<_>>(), ["2", "3"]);
        assert!(Arc::ptr_eq(&all, &stretches.of(&frames)) && Arc::ptr_eq(&some, &stretches.of(&frames[1..])));
        for number in 0..KEPT {
            stretches.of(&[Frame::new("x", None, number.to_string())]);
        }
        assert!(!Arc::ptr_eq(&all, &stretches.of(&frames)), "not for ever");
        assert_eq!(stretches.known.len(), KEPT);
        (1..TICKS).for_each(|_| stretches.tick());
        let last = stretches.of(&frames);
        (1..TICKS).for_each(|_| stretches.tick());
        assert!(Arc::ptr_eq(&last, &stretches.of(&frames)));
        (0..TICKS).for_each(|_| stretches.tick());
        assert!(stretches.known.is_empty());
    }
}
