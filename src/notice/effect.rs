//! What a change does to who is in which room, at its exact place in the order.

use super::Room;
use crate::{
    identity::{Roles, Sid},
    ids::UserId,
};
use serde::{Deserialize, Serialize};

/// A change of rights, stored in the order with the notices, so that every node applies it between
/// the same two of them, and a crash between commit and delivery loses none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
pub enum Effect {
    /// The user's connections enter a room.
    Join {
        /// Whose connections.
        user: UserId,
        /// Which room.
        room: Room,
    },
    /// The user's connections leave a room.
    Leave {
        /// Whose connections.
        user: UserId,
        /// Which room.
        room: Room,
    },
    /// The user is a party of the room from now on. Nobody enters by it: whoever is there as an
    /// administrator need not leave with that role any more.
    Party {
        /// Whose connections.
        user: UserId,
        /// Which room.
        room: Room,
    },
    /// The room is no more: everyone leaves it.
    Dissolve {
        /// Which room.
        room: Room,
    },
    /// The user's record says other roles now, or is disabled: connections leave the rooms that
    /// were theirs by role, and all close when disabled.
    Standing {
        /// Whose connections.
        user: UserId,
        /// The record's roles; each connection narrows them by its own token.
        roles: Roles,
        /// Whether the user is shut out (disabled or deleted).
        disabled: bool,
    },
    /// A login session ended: its connections close.
    End {
        /// Which session.
        sid: Sid,
    },
}
