//! Whose replay goes on, in lines: when everybody comes back at once, each turn of the broker serves a
//! few of them, and live notices pass between two turns. Pure.

use super::{hub::Slot, shelf::Served};
use std::{collections::VecDeque, sync::Arc};

/// So many are served in one turn of the broker.
const TURN: usize = 16;

/// One who waits for a turn.
pub(super) struct Turn {
    pub(super) slot: Slot,
    /// What was read for it: kept for it until then, however much is read meanwhile.
    pub(super) block: Option<Arc<Served>>,
}

/// Those who wait: a line for each shard, so that one that is behind keeps only its own waiting.
#[derive(Default)]
pub(super) struct Turns {
    lines: Vec<VecDeque<Turn>>,
    /// Where the next turn begins.
    at: usize,
    asked: bool,
}

impl Turns {
    /// One more waits in this line.
    pub(super) fn add(&mut self, line: usize, turn: Turn) {
        if self.lines.len() <= line {
            self.lines.resize_with(line + 1, VecDeque::new);
        }
        self.lines[line].push_back(turn);
    }

    /// Whether a turn has to be asked for: somebody waits, and none was asked for.
    pub(super) fn ask(&mut self) -> bool {
        let ask = !self.asked && self.lines.iter().any(|line| !line.is_empty());
        self.asked |= ask;
        ask
    }

    /// The turn that was asked for: those who are served now, one of each line after the other, none of
    /// the lines that are `busy`.
    pub(super) fn take(&mut self, busy: impl Fn(usize) -> bool) -> Vec<Turn> {
        self.asked = false;
        let mut taken = Vec::new();
        let mut open: Vec<usize> = (0..self.lines.len()).filter(|line| !busy(*line)).collect();
        while taken.len() < TURN && !open.is_empty() {
            self.at = self.at.wrapping_add(1);
            let which = self.at % open.len();
            match self.lines[open[which]].pop_front() {
                Some(turn) => taken.push(turn),
                None => _ = open.swap_remove(which),
            }
        }
        taken
    }
}
