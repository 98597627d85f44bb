//! The first event on every connection. CONTRACT 3.

use super::Frame;
use crate::{
    identity::{Identity, Roles},
    ids::UserId,
    notice::{ConnectionId, Payload as _, Room, Seq},
    payload_of,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// The payload of `ready`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Ready<'a> {
    /// The connection's, for `X-Metadata-SocketId`.
    id: &'a ConnectionId,
    /// Where the connection starts: the cursor to keep until more comes.
    seq: Seq,
    user: User,
    rooms: &'a [&'a Room],
    /// Those asked for that are none, or not the user's.
    refused_rooms: &'a [String],
    /// Whether everything after the cursor follows.
    resumed: bool,
    /// Whether the cursor was of no use: fetch again over HTTP.
    resync: bool,
}

payload_of! { Ready: Ready<'_> }

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
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
    Frame::new(Ready::EVENT.as_str(), Some(start.seq()), payload)
}
