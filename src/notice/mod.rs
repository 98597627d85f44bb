//! The vocabulary of what is pushed: a [`Notice`] is one event for one [`Audience`] at one place in
//! the order. Pure values; nothing here knows a socket, a clock or a database.

mod audience;
mod effect;
mod event_name;
mod payload;
pub mod reserved;
mod room;

pub use audience::Audience;
pub use effect::Effect;
pub use event_name::EventName;
pub use payload::Payload;
pub use room::{BadRoom, Room};

use crate::ids::UserId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, sync::Arc};

/// A place in the one order of stored notices: 1, 2, 3, … in the order of commits (CONTRACT 3).
/// `Seq(0)` is the place before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Seq(pub i64);

impl Seq {
    /// The header that says, over HTTP, up to which place an answer is true (CONTRACT 1).
    pub const HEADER: &str = "X-Herald-Seq";

    /// The place that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One connection of one user; what `ready.id` says and `X-Metadata-SocketId` names. On Socket.IO
/// the socket's id, elsewhere a random one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct ConnectionId(pub Arc<str>);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The connection that asked for a change and so need not be told of it live (CONTRACT 1, Echo).
/// Both come from the request; the broker skips the connection only if it is this user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Who called.
    pub user: UserId,
    /// The connection that the caller named.
    pub connection: ConnectionId,
}

/// One thing to push, at its place in the order.
///
/// A notice may be silent: without anybody in its audience but with an [`Effect`] on who is in
/// which room, so that rights change at one exact place in the order, on every node.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Its place; `None` for what is live only and never replayed.
    pub seq: Option<Seq>,
    /// The event's name on the wire.
    pub event: EventName,
    /// The payload: one JSON object as text, with `seq` in it when there is one.
    pub payload: Arc<str>,
    /// Who may see it.
    pub audience: Audience,
    /// Whose own change it is, when that connection is to be left out.
    pub origin: Option<Origin>,
    /// What changes in the membership of rooms, right after this notice went out.
    pub effect: Option<Effect>,
}

/// What a client says it saw last (`after`, `Last-Event-ID`). CONTRACT 3, Resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// Nothing said: begin with what comes next.
    None,
    /// Everything up to here was seen.
    At(Seq),
    /// Something was said that is no cursor: the client has to fetch again (`resync`).
    Unknown,
}

impl Cursor {
    /// Whether it says that something after this place was seen.
    #[must_use]
    pub fn is_after(self, seq: Seq) -> bool {
        matches!(self, Self::At(cursor) if cursor > seq)
    }

    /// A non-negative integer in decimal; anything else is [`Cursor::Unknown`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match i64::from_str(text) {
            Ok(seq) if digits => Self::At(Seq(seq)),
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_non_negative_decimal_and_anything_else_is_unknown() {
        assert_eq!(Cursor::parse("0"), Cursor::At(Seq(0)));
        assert_eq!(Cursor::parse("41"), Cursor::At(Seq(41)));
        for text in ["", "-1", "+1", " 1", "1.0", "abc", "99999999999999999999"] {
            assert_eq!(Cursor::parse(text), Cursor::Unknown, "{text:?}");
        }
    }
}
