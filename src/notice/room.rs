//! Rooms: the names of who hears something. Their text is built by `Display` and read by `FromStr`
//! here and nowhere else. CONTRACT 4.

use crate::{
    identity::Sid,
    ids::{ChatId, GroupId, RequestId, UserId},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// Most bytes in a topic's name: a room's name is kept per connection.
pub const TOPIC_MAX: usize = 128;

/// A room of CONTRACT 4.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Room {
    /// Every authenticated connection.
    All,
    /// Administrators.
    Admin,
    /// All connections of one user.
    User(UserId),
    /// The connections of one login session.
    Session(Sid),
    /// Members of an event group.
    Group(GroupId),
    /// One seller, after `join-seller-room`.
    Seller(UserId),
    /// All sellers, after `join-seller-room`.
    Sellers,
    /// One buyer, after `join-buyer-room`.
    Buyer(UserId),
    /// All buyers, after `join-buyer-room`.
    Buyers,
    /// The parties of a purchase request, after `join-request-room`.
    Request(RequestId),
    /// The participants of a chat, after `join-chat-room`.
    Chat(ChatId),
    /// A topic that the token allows, after `join`.
    Topic(Box<str>),
}

/// Text that names no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such room")]
pub struct BadRoom;

impl JsonSchema for Room {
    fn schema_name() -> Cow<'static, str> {
        "Room".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "The name of a room, such as `user-{id}`, `all` or `topic-news`.", "type": "string" })
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Admin => f.write_str("admin"),
            Self::Sellers => f.write_str("sellers"),
            Self::Buyers => f.write_str("buyers"),
            Self::User(id) => write!(f, "user-{id}"),
            Self::Session(sid) => write!(f, "session-{sid}"),
            Self::Group(id) => write!(f, "group-{id}"),
            Self::Seller(id) => write!(f, "seller-{id}"),
            Self::Buyer(id) => write!(f, "buyer-{id}"),
            Self::Request(id) => write!(f, "request-{id}"),
            Self::Chat(id) => write!(f, "chat-{id}"),
            Self::Topic(name) => write!(f, "topic-{name}"),
        }
    }
}

impl FromStr for Room {
    type Err = BadRoom;

    fn from_str(text: &str) -> Result<Self, BadRoom> {
        fn id<T: FromStr>(text: &str) -> Result<T, BadRoom> {
            text.parse().map_err(|_| BadRoom)
        }
        match text {
            "all" => return Ok(Self::All),
            "admin" => return Ok(Self::Admin),
            "sellers" => return Ok(Self::Sellers),
            "buyers" => return Ok(Self::Buyers),
            _ => {}
        }
        // The bare id of a user means the user's room.
        if let Ok(user) = text.parse() {
            return Ok(Self::User(user));
        }
        let (kind, rest) = text.split_once('-').ok_or(BadRoom)?;
        match kind {
            "user" => id(rest).map(Self::User),
            "session" => id(rest).map(Self::Session),
            "group" => id(rest).map(Self::Group),
            "seller" => id(rest).map(Self::Seller),
            "buyer" => id(rest).map(Self::Buyer),
            "request" => id(rest).map(Self::Request),
            "chat" => id(rest).map(Self::Chat),
            "topic" if topic(rest) => Ok(Self::Topic(rest.into())),
            _ => Err(BadRoom),
        }
    }
}

/// No control characters, no comma (the separator of `?rooms=`), not empty, not long.
fn topic(name: &str) -> bool {
    !name.is_empty() && name.len() <= TOPIC_MAX && !name.chars().any(|c| c.is_control() || c == ',')
}

impl TryFrom<String> for Room {
    type Error = BadRoom;
    fn try_from(text: String) -> Result<Self, BadRoom> {
        text.parse()
    }
}

impl From<Room> for String {
    fn from(room: Room) -> Self {
        room.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_room_reads_back_from_its_own_text() {
        let user = UserId::generate();
        for room in [
            Room::All,
            Room::Admin,
            Room::Sellers,
            Room::Buyers,
            Room::User(user),
            Room::Session("s1".parse().expect("a sid")),
            Room::Group(GroupId::generate()),
            Room::Seller(user),
            Room::Buyer(user),
            Room::Request(RequestId::generate()),
            Room::Chat(ChatId::generate()),
            Room::Topic("orders-eu".into()),
        ] {
            assert_eq!(room.to_string().parse(), Ok(room));
        }
        assert_eq!(user.to_string().parse(), Ok(Room::User(user)));
    }

    #[test]
    fn text_that_names_no_room_is_refused() {
        let long = format!("topic-{}", "x".repeat(TOPIC_MAX + 1));
        for text in ["", "everyone", "user-", "user-1", "group-all", "topic-", "topic-a,b", "topic-a\n", &long] {
            assert_eq!(text.parse::<Room>(), Err(BadRoom), "{text:?}");
        }
    }
}
