//! What the broker keeps with each connection.

use super::{Frame, Outlet, Transport, backlog::Backlog, block::Block, ready::Start};
use crate::notice::{Cursor, Room, Seq};
use std::sync::Arc;

/// The way out of a connection, and what is still to be done before it is live.
pub(super) struct Link {
    pub(super) outlet: Box<dyn Outlet>,
    pub(super) transport: Transport,
    /// When it came, in milliseconds since 1970 (UTC).
    pub(super) since: i64,
    /// `None` once live.
    pub(super) pending: Option<Box<Pending>>,
    /// What is still to come of its user's inbox; `None` before it is live, and when that is done.
    pub(super) backlog: Option<Box<Backlog>>,
}

/// A connection that is not live yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) stage: Stage,
    /// What the client said it saw last.
    pub(super) cursor: Cursor,
    /// Where it starts, once `ready` said so.
    pub(super) start: Option<Start>,
    /// Rooms named in the handshake, until they are joined.
    pub(super) rooms: Vec<String>,
    /// Everything up to here is dealt with: effects while settling, notices while replaying.
    pub(super) position: Seq,
    /// What it waited for and is given in this turn; `None` between turns.
    pub(super) block: Option<Arc<Block>>,
    /// Rooms joined by a later wish: live only from there on, so no part of the replay.
    pub(super) late: Vec<(Room, Seq)>,
    /// What waits for `ready`, which comes first.
    pub(super) held: Vec<Arc<Frame>>,
    /// What was sent since the outlet was last known to be drained.
    pub(super) spent: Spent,
}

/// Where a connection stands on its way to being live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its rooms are brought from `Standing::as_of` to now.
    Settling,
    /// Its cursor is ahead of the broker, or the broker itself only begins: the read of this number
    /// has to be done before it is known where it starts.
    Waiting(u64),
    /// About to hear `ready`.
    Opening,
    /// It heard `ready`; what it missed follows.
    Replaying,
}

/// Most bytes, about, that a replay hands to an outlet before it waits for [`Outlet::drained`].
pub const REPLAY_BYTES: usize = 128 << 10;
/// Most frames that it hands over before it waits.
pub const REPLAY_FRAMES: usize = 512;

/// How much of a replay an outlet was given.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spent {
    bytes: usize,
    frames: usize,
}

impl Spent {
    /// Counts a notice in, unless it would be too much: the first one always fits.
    pub(super) fn take(&mut self, bytes: usize, frames: usize) -> bool {
        let more = Self { bytes: self.bytes + bytes, frames: self.frames + frames };
        if self.frames > 0 && (more.bytes > REPLAY_BYTES || more.frames > REPLAY_FRAMES) {
            return false;
        }
        *self = more;
        true
    }

    /// Whether the outlet has taken everything.
    pub(super) const fn is_nothing(self) -> bool {
        self.frames == 0
    }
}

impl Link {
    /// Whether it heard `ready`.
    pub(super) fn has_begun(&self) -> bool {
        self.pending.as_ref().is_none_or(|pending| pending.stage == Stage::Replaying)
    }
}
