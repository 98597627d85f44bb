//! The first event on every connection. CONTRACT 3.

use super::Frame;
use crate::{
    identity::{Identity, Roles},
    ids::UserId,
    notice::{ConnectionId, EventName, Room, Seq},
};
use serde::Serialize;
use std::sync::Arc;

/// The payload of `ready`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ready<'a> {
    id: &'a ConnectionId,
    seq: Seq,
    user: User,
    rooms: &'a [&'a Room],
    refused_rooms: &'a [String],
    resumed: bool,
    resync: bool,
}

#[derive(Debug, Serialize)]
struct User {
    id: UserId,
    roles: Roles,
}

/// Where a connection starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// At the client's own cursor.
    Resumed(Seq),
    /// With what comes next; the client named no cursor.
    Fresh(Seq),
    /// With what comes next; the client's cursor is of no use, it has to fetch again.
    Resync(Seq),
}

impl Start {
    pub(super) const fn seq(self) -> Seq {
        match self {
            Self::Resumed(seq) | Self::Fresh(seq) | Self::Resync(seq) => seq,
        }
    }
}

/// The frame of `ready`. It carries its `seq` as notices do, so that every client's cursor starts
/// there (CONTRACT 3).
pub(super) fn frame(
    id: &ConnectionId,
    identity: &Identity,
    rooms: &[&Room],
    refused_rooms: &[String],
    start: Start,
) -> Arc<Frame> {
    let ready = Ready {
        id,
        seq: start.seq(),
        user: User { id: identity.user, roles: identity.roles },
        rooms,
        refused_rooms,
        resumed: matches!(start, Start::Resumed(_)),
        resync: matches!(start, Start::Resync(_)),
    };
    // Strings, numbers and lists always encode.
    let payload = serde_json::to_string(&ready).unwrap_or_default();
    Frame::new(EventName::Ready.as_str(), Some(start.seq()), payload)
}
