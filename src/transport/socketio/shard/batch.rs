//! What was pushed to a shard and is not yet with all of those that it is for.

use crate::broker::{Frame, Stretch};
use actix_socketioxide::Frames;
use std::{collections::VecDeque, sync::Arc};

/// Bytes that go to a connection in one call; what it gets in one turn is put together in such pieces. However
/// little it may hold, it is given no more at once.
pub const PIECE_BYTES: usize = 64 << 10;

/// So many stretches of replays are remembered as they are written: of those who come back at once, most
/// get the same.
const KEPT: usize = 64;

/// Frames, and how they are written.
#[derive(Clone)]
struct List {
    frames: Stretch,
    /// The same, for a websocket.
    whole: Frames,
    /// Whether some go through the library: what wants to be confirmed, which is not the same for all connections.
    emitted: bool,
}

/// Frames that go to the same connections.
struct Push {
    list: List,
    /// Connections that do not have it yet.
    left: usize,
    /// What it counts for in the shard's queue until all have it.
    bytes: usize,
    /// If it is of a replay: how much of those in the queue it is.
    replayed: usize,
}

/// The pushes, by numbers that go up by one, from the oldest that somebody does not have yet.
#[derive(Default)]
pub struct Pushes {
    kept: VecDeque<Push>,
    /// The number of the oldest.
    oldest: u64,
    /// What was put together last: most connections get the same as the one before.
    last: (Vec<u64>, Vec<Frames>),
    /// Of replays, those that were put together last, the newest first.
    known: VecDeque<List>,
    /// Of replays, what was let go and not yet asked for.
    replayed: usize,
}

impl Pushes {
    /// Adds one for so many connections; answers its number.
    pub fn add(&mut self, frames: Stretch, to: usize, bytes: usize) -> u64 {
        self.put(Push { list: List::new(frames), left: to, bytes, replayed: 0 })
    }

    /// Adds one of a replay, for one connection; others may be given the same.
    pub fn add_replayed(&mut self, frames: Stretch, bytes: usize, replayed: usize) -> u64 {
        let known = self.known.iter().find(|known| Arc::ptr_eq(&known.frames, &frames)).cloned();
        let list = known.unwrap_or_else(|| {
            let list = List::new(frames);
            self.known.truncate(KEPT - 1);
            self.known.push_front(list.clone());
            list
        });
        self.put(Push { list, left: 1, bytes, replayed })
    }

    fn put(&mut self, push: Push) -> u64 {
        self.kept.push_back(push);
        self.oldest + self.kept.len() as u64 - 1
    }

    /// How much of replays was let go since this was last asked.
    pub fn take_replayed(&mut self) -> usize {
        std::mem::take(&mut self.replayed)
    }

    /// Whether something of replays is remembered.
    pub fn remember(&self) -> bool {
        !self.known.is_empty()
    }

    /// Forgets the replays.
    pub fn forget(&mut self) {
        self.known = VecDeque::new();
    }

    /// One more connection has these. Answers what they counted for, once all have them.
    pub fn written(&mut self, run: &[u64]) -> usize {
        for push in run {
            let at = self.at(*push);
            self.kept[at].left -= 1;
        }
        self.let_go()
    }

    /// Lets go of the oldest that everybody has. Answers what they counted for.
    pub fn let_go(&mut self) -> usize {
        let mut bytes = 0;
        while let Some(push) = self.kept.pop_front_if(|push| push.left == 0) {
            self.oldest += 1;
            bytes += push.bytes;
            self.replayed += push.replayed;
        }
        if self.kept.is_empty() {
            self.last = Default::default();
        }
        bytes
    }

    /// Whether something in this run goes through the library.
    pub fn are_emitted(&self, run: &[u64]) -> bool {
        run.iter().any(|push| self.kept[self.at(*push)].list.emitted)
    }

    /// One push in one piece, unless some of it goes through the library.
    pub fn piece(&self, push: u64) -> Option<&Frames> {
        let List { whole, emitted, .. } = &self.kept[self.at(push)].list;
        (!emitted).then_some(whole)
    }

    /// The frames of one push, one by one.
    pub fn frames(&self, push: u64) -> &[Arc<Frame>] {
        &self.kept[self.at(push)].list.frames
    }

    /// The frames of this run in pieces of [`PIECE_BYTES`], or larger ones of one push.
    pub fn pieces(&mut self, run: &[u64]) -> &[Frames] {
        if let [push] = run {
            let at = self.at(*push);
            return std::slice::from_ref(&self.kept[at].list.whole);
        }
        if self.last.0 != run {
            let mut pieces = Vec::new();
            let mut rest = run;
            while !rest.is_empty() {
                let mut bytes = 0;
                let fits = |push: &&u64| {
                    bytes += self.kept[self.at(**push)].list.whole.len();
                    bytes <= PIECE_BYTES
                };
                let (piece, behind) = rest.split_at(rest.iter().take_while(fits).count().max(1));
                pieces.push(match piece {
                    [push] => self.kept[self.at(*push)].list.whole.clone(),
                    several => {
                        let parts: Vec<&Frames> =
                            several.iter().map(|push| &self.kept[self.at(*push)].list.whole).collect();
                        Frames::concat(parts)
                    }
                });
                rest = behind;
            }
            self.last = (run.to_vec(), pieces);
        }
        &self.last.1
    }

    fn at(&self, push: u64) -> usize {
        (push - self.oldest) as usize
    }
}

impl List {
    fn new(frames: Stretch) -> Self {
        // All of them are whole: see `Frame::socket_io`.
        let parts: Vec<Frames> = frames.iter().filter_map(|frame| Frames::whole(frame.socket_io().clone())).collect();
        let whole = match &*parts {
            [one] => one.clone(),
            several => Frames::concat(several),
        };
        let emitted = frames.iter().any(|frame| frame.wants_confirmation());
        Self { frames, whole, emitted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NotificationId;

    fn pushes(texts: &[&str], to: usize) -> Pushes {
        let mut pushes = Pushes::default();
        for text in texts {
            pushes.add([Frame::new("x", None, *text)].into(), to, 7);
        }
        pushes
    }

    fn bytes(pieces: &[Frames]) -> Vec<&[u8]> {
        pieces.iter().map(|piece| &piece.bytes()[..]).collect()
    }

    #[test]
    fn a_run_is_put_together_once_for_all_who_get_the_same() {
        let mut pushes = pushes(&["1", "2", "3"], 2);
        let first = pushes.pieces(&[0, 2])[0].bytes().as_ptr();
        assert_eq!(bytes(pushes.pieces(&[0, 2])), [b"\x81\x0942[\"x\",1]\x81\x0942[\"x\",3]"]);
        assert_eq!(pushes.pieces(&[0, 2])[0].bytes().as_ptr(), first);
        assert_eq!(bytes(pushes.pieces(&[1])), [b"\x81\x0942[\"x\",2]"]);
        assert_eq!(&pushes.piece(2).expect("it may be put").bytes()[..], b"\x81\x0942[\"x\",3]");
    }

    #[test]
    fn a_stretch_of_a_replay_is_put_together_once_until_it_is_forgotten() {
        let stretch: Stretch = ["1", "2"].map(|text| Frame::new("x", None, text)).into();
        let mut pushes = Pushes::default();
        pushes.add_replayed(Arc::clone(&stretch), 7, 20);
        let first = pushes.pieces(&[0])[0].bytes().clone();
        assert_eq!(&first[..], b"\x81\x0942[\"x\",1]\x81\x0942[\"x\",2]");
        assert_eq!((pushes.take_replayed(), pushes.written(&[0])), (0, 7));
        assert_eq!((pushes.take_replayed(), pushes.take_replayed()), (20, 0));
        pushes.add_replayed(Arc::clone(&stretch), 7, 20);
        assert_eq!(pushes.pieces(&[1])[0].bytes().as_ptr(), first.as_ptr());
        assert!(pushes.remember());
        pushes.forget();
        assert!(!pushes.remember());
        for number in 0..=KEPT {
            pushes.add_replayed([Frame::new("x", None, number.to_string())].into(), 7, 20);
        }
        assert_eq!(pushes.known.len(), KEPT);
    }

    #[test]
    fn what_is_to_be_confirmed_is_not_put_past_the_library() {
        let mut pushes = Pushes::default();
        let waits = Frame::pending("{}".into(), [NotificationId::generate()].into());
        pushes.add([Frame::new("x", None, "1"), waits].into(), 1, 7);
        assert!(pushes.are_emitted(&[0]));
        assert!(pushes.piece(0).is_none());
        assert_eq!(
            pushes.frames(0).iter().map(|frame| &*frame.event).collect::<Vec<_>>(),
            ["x", "pending_notifications"]
        );
    }

    #[test]
    fn a_long_run_goes_in_pieces_and_a_large_push_in_one_of_its_own() {
        let (half, large) = (format!("\"{}\"", "x".repeat(PIECE_BYTES / 2 - 40)), "x".repeat(PIECE_BYTES * 2));
        let mut pushes = pushes(&[&half, &half, &half, &format!("\"{large}\""), "1", "2"], 1);
        let lens: Vec<usize> = pushes.pieces(&[0, 1, 2, 3, 4, 5]).iter().map(Frames::len).collect();
        let one = pushes.pieces(&[0])[0].len();
        let all: usize = (0..6).map(|push| pushes.pieces(&[push])[0].len()).sum();
        assert_eq!(lens[..2], [2 * one, one]);
        assert!(lens[2] > PIECE_BYTES && lens[3] < 100 && lens.len() == 4);
        assert_eq!(lens.iter().sum::<usize>(), all);
    }

    #[test]
    fn a_push_is_kept_until_all_have_it_and_those_before_it() {
        let mut pushes = pushes(&["1", "2"], 2);
        assert_eq!(pushes.written(&[1]), 0);
        assert_eq!(pushes.written(&[1]), 0, "the first is still there");
        assert_eq!(pushes.written(&[0]), 0);
        assert_eq!(bytes(pushes.pieces(&[1])), [b"\x81\x0942[\"x\",2]"]);
        assert_eq!(pushes.written(&[0]), 14);
        assert_eq!(pushes.add([Frame::new("x", None, "3")].into(), 0, 7), 2);
        assert_eq!(pushes.let_go(), 7, "it was for nobody");
        assert!(pushes.kept.is_empty() && pushes.last.0.is_empty());
    }
}
