//! What a client may ask for once it is in (CONTRACT 4): read from an event's name and data, then
//! put to the broker. The same on Socket.IO and `/ws`.

use super::{ClientEvent, Entrance, Seat};
use crate::{
    broker::{
        Authenticate, Ground, Join, Joined, Leave, Refusal, Say,
        presence::{PresenceOf, USERS_MAX, Unwatch, Watch},
    },
    error::{Error, Result},
    ids::{ChatId, NotificationId, RequestId, UserId},
    notice::{EventName, Room, Seq},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use std::str::FromStr;
use uuid::Uuid;

/// Most bytes of a token that are looked at: a command waits in memory until its turn.
const TOKEN_MAX: usize = 8 * 1024;

/// Most notifications in one `notification:ack` (CONTRACT 6): the change that it makes must be short.
const IDS_MAX: usize = 500;

/// How often the database is asked again because its answer was overtaken: that takes thousands of
/// notices in one round trip.
const TRIES: usize = 3;

/// A wish that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Enter these rooms; the first is the one that is acknowledged.
    Join(Vec<Room>),
    /// Leave these rooms; the first is the one that is acknowledged.
    Leave(Vec<Room>),
    /// Go on with this token.
    Authenticate(Box<str>),
    /// These notifications have arrived. As they stand in memory at their smallest: many may wait.
    Confirm(Box<[Uuid]>),
    /// Say from now on whether these users are there. At their smallest as well.
    Watch(Box<[Uuid]>),
    /// Say it no more; of nobody, where none are named.
    Unwatch(Option<Box<[Uuid]>>),
    /// Say this back.
    Echo(Said),
    /// Tell the others in this chat that one is writing, or no more.
    Typing {
        /// Where.
        chat: ChatId,
        /// Whether one has stopped.
        stopped: bool,
    },
}

/// What came with an `echo`: JSON, as it was written.
#[derive(Debug, Clone)]
pub struct Said(Box<RawValue>);

impl PartialEq for Said {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for Said {}

/// What came of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// In, or out of, this room from here on.
    Moved {
        /// The room that was named.
        room: Room,
        /// Live from here on.
        seq: Seq,
    },
    /// The connection goes on under the new token.
    Authenticated,
    /// What was confirmed is stored.
    Confirmed,
    /// The others were told.
    Said,
    /// These are watched; [`Entrance`] has to be told when the answer has left.
    Watching(Vec<PresenceOf>),
    /// They are watched no more.
    Unwatched,
    /// This is said back.
    Echoed(Said),
}

/// The acknowledgement of who entered or left a room.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Moved<'a> {
    #[schemars(extend("const" = true))]
    ok: bool,
    /// The room that was named.
    room: &'a Room,
    /// Live, or out, from here on.
    seq: Seq,
}

/// The acknowledgement of `presence:subscribe`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Watching<'a> {
    #[schemars(extend("const" = true))]
    ok: bool,
    /// How each of those asked for is now, in the order asked.
    presence: &'a [PresenceOf],
}

/// The acknowledgement of `echo`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Echoed<'a> {
    #[schemars(extend("const" = true))]
    ok: bool,
    /// What came with it.
    #[schemars(with = "Value")]
    data: &'a RawValue,
}

/// The acknowledgement of what else was done.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Done")]
pub struct Settled {
    #[schemars(extend("const" = true))]
    ok: bool,
}

/// The payload of `chat:typing` and `chat:stopped-typing`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct ChatTyping {
    chat_id: ChatId,
    /// Who is writing.
    user_id: UserId,
}

impl Command {
    /// Reads a wish. Ids come as text or as `{id}`, rooms as text or as `{room}`.
    ///
    /// # Errors
    /// 422 for an event that Herald does not know and for data that names nothing; 404 for text that
    /// names no room.
    pub fn read(event: &str, data: &Value) -> Result<Self> {
        let user = || id::<UserId>(data);
        let sellers = |id| vec![Room::Seller(id), Room::Sellers];
        let buyers = |id| vec![Room::Buyer(id), Room::Buyers];
        let event = ClientEvent::named(event).ok_or_else(|| Error::field("event", "no such event"))?;
        Ok(match event {
            ClientEvent::JoinUserRoom => Self::Join(vec![Room::User(user()?)]),
            ClientEvent::JoinSellerRoom => Self::Join(sellers(user()?)),
            ClientEvent::LeaveSellerRoom => Self::Leave(sellers(user()?)),
            ClientEvent::JoinBuyerRoom => Self::Join(buyers(user()?)),
            ClientEvent::LeaveBuyerRoom => Self::Leave(buyers(user()?)),
            ClientEvent::JoinRequestRoom => Self::Join(vec![Room::Request(id::<RequestId>(data)?)]),
            ClientEvent::LeaveRequestRoom => Self::Leave(vec![Room::Request(id::<RequestId>(data)?)]),
            ClientEvent::JoinChatRoom => Self::Join(vec![Room::Chat(id::<ChatId>(data)?)]),
            ClientEvent::LeaveChatRoom => Self::Leave(vec![Room::Chat(id::<ChatId>(data)?)]),
            ClientEvent::Join => Self::Join(vec![room(data)?]),
            ClientEvent::Leave => Self::Leave(vec![room(data)?]),
            ClientEvent::Authenticate => Self::Authenticate(token(data)?),
            ClientEvent::NotificationAck => Self::Confirm(ids(data)?),
            ClientEvent::ChatTyping => Self::Typing { chat: chat(data)?, stopped: false },
            ClientEvent::ChatStoppedTyping => Self::Typing { chat: chat(data)?, stopped: true },
            ClientEvent::PresenceSubscribe => Self::Watch(users(data)?),
            ClientEvent::Echo => {
                Self::Echo(Said(RawValue::from_string(data.to_string()).map_err(|_| Error::Internal)?))
            }
            ClientEvent::PresenceUnsubscribe => {
                Self::Unwatch(if names_nobody(data) { None } else { Some(users(data)?) })
            }
        })
    }

    /// The same of data that is still text, as it came; `None` is no data, or none that could be read.
    ///
    /// # Errors
    /// As [`Command::read`].
    pub fn read_text(event: &str, data: Option<&RawValue>) -> Result<Self> {
        if ClientEvent::named(event) == Some(ClientEvent::Echo) {
            return Ok(Self::Echo(Said(data.unwrap_or(RawValue::NULL).to_owned())));
        }
        let data = data.and_then(|data| serde_json::from_str(data.get()).ok());
        Self::read(event, &data.unwrap_or_default())
    }

    /// What comes of it, if nobody has to be asked.
    ///
    /// # Errors
    /// Itself, otherwise.
    pub fn at_once(self) -> Result<Done, Self> {
        match self {
            Self::Echo(said) => Ok(Done::Echoed(said)),
            other => Err(other),
        }
    }

    /// Puts the wish to the broker. Rights are checked there; the ids are never trusted.
    ///
    /// # Errors
    /// 403 for what is somebody else's, 404 for what is not there, 422 over the limit of rooms, 401
    /// for a token that does not hold, 503 when the connection, the broker or the database is gone.
    pub async fn run(self, seat: &Seat, entrance: &Entrance) -> Result<Done> {
        let connection = seat.connection().clone();
        match self {
            Self::Join(rooms) => {
                let room = first(&rooms)?;
                let mut grants = entrance.grants(seat.user(), rooms.iter().cloned()).await?;
                loop {
                    let wish = Join { connection: connection.clone(), rooms: rooms.clone(), grants: grants.clone() };
                    let joined = entrance.ask(wish).await?;
                    let by_role = grants.iter().any(|grant| grant.ground == Ground::Admin);
                    if joined.is_err() || !by_role {
                        return moved(room, joined);
                    }
                    // An administrator may have become a party between the answer and the wish: the effect
                    // that says so passed the broker before it knew of the room.
                    let now = entrance.grants(seat.user(), rooms.iter().cloned()).await?;
                    if now == grants {
                        return moved(room, joined);
                    }
                    grants = now;
                }
            }
            Self::Leave(rooms) => {
                let room = first(&rooms)?;
                moved(room, entrance.ask(Leave { connection, rooms }).await?)
            }
            Self::Typing { chat, stopped } => {
                let event = if stopped { EventName::ChatStoppedTyping } else { EventName::ChatTyping };
                let payload = encoded(&ChatTyping { chat_id: chat, user_id: seat.user() }).into();
                let say = Say { connection, room: Room::Chat(chat), event, payload };
                entrance.ask(say).await?.map(|()| Done::Said).map_err(refused)
            }
            Self::Watch(users) => watch(seat, entrance, users.into_iter().map(UserId::from).collect()).await,
            Self::Unwatch(users) => {
                let users = users.map(|users| users.into_iter().map(UserId::from).collect());
                entrance.ask(Unwatch { connection, users }).await?.map(|()| Done::Unwatched).map_err(refused)
            }
            Self::Echo(said) => Ok(Done::Echoed(said)),
            Self::Confirm(ids) => {
                let ids = ids.into_iter().map(NotificationId::from).collect();
                entrance.confirm(seat.user(), ids).await.map(|()| Done::Confirmed)
            }
            Self::Authenticate(token) => {
                let mut identity = entrance.identify(&token).await?;
                loop {
                    let wish = Authenticate { connection: connection.clone(), identity: identity.clone() };
                    entrance.ask(wish).await?.map_err(refused)?;
                    // A change of roles may have passed the broker between the first reading and the
                    // wish, which then brought the old ones back.
                    let now = entrance.identify(&token).await?;
                    if now.roles == identity.roles {
                        return Ok(Done::Authenticated);
                    }
                    identity = now;
                }
            }
        }
    }
}

async fn watch(seat: &Seat, entrance: &Entrance, users: Vec<UserId>) -> Result<Done> {
    for _ in 0..TRIES {
        let ties = entrance.ties(seat.user(), &users).await?;
        let watch = Watch { connection: seat.connection().clone(), users: users.clone(), ties };
        match entrance.ask(watch).await? {
            Err(Refusal::Overtaken) => {}
            outcome => return outcome.map(Done::Watching).map_err(refused),
        }
    }
    Err(refused(Refusal::Overtaken))
}

/// The acknowledgement: `{ok, room, seq}`, `{ok, presence}`, `{ok, data}`, `{ok}`, or the problem document; JSON text.
#[must_use]
pub fn answer(outcome: &Result<Done>) -> String {
    match outcome {
        Ok(Done::Moved { room, seq }) => encoded(&Moved { ok: true, room, seq: *seq }),
        Ok(Done::Echoed(Said(data))) => encoded(&Echoed { ok: true, data }),
        Ok(Done::Watching(presence)) => encoded(&Watching { ok: true, presence }),
        Ok(Done::Authenticated | Done::Confirmed | Done::Said | Done::Unwatched) => encoded(&Settled { ok: true }),
        Err(error) => encoded(&error.problem()),
    }
}

/// Text, numbers and lists of them always encode.
fn encoded(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn moved(room: Room, outcome: Result<Joined, Refusal>) -> Result<Done> {
    outcome.map(|joined| Done::Moved { room, seq: joined.seq }).map_err(refused)
}

fn first(rooms: &[Room]) -> Result<Room> {
    rooms.first().cloned().ok_or_else(|| Error::internal("a command without a room"))
}

/// What a client is told of a refusal.
#[must_use]
pub fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Forbidden | Refusal::OtherIdentity | Refusal::SharesNothing => Error::forbidden(refusal.to_string()),
        Refusal::NotFound => Error::NotFound,
        Refusal::LimitExceeded | Refusal::WatchesTooMany => Error::LimitExceeded(refusal.to_string().into()),
        Refusal::Gone | Refusal::Overtaken => Error::Unavailable(refusal.to_string().into()),
    }
}

/// Text that stands alone or in this field of an object.
fn text<'a>(data: &'a Value, field: &'static str) -> Result<&'a str> {
    data.as_str()
        .or_else(|| data.get(field)?.as_str())
        .ok_or_else(|| Error::field(field, "must be given as text, or as a field of an object"))
}

fn id<T: FromStr>(data: &Value) -> Result<T> {
    text(data, "id")?.parse().map_err(|_| Error::field("id", "must be a UUID"))
}

fn chat(data: &Value) -> Result<ChatId> {
    text(data, "chatId")?.parse().map_err(|_| Error::field("chatId", "must be a UUID"))
}

/// `{ids: [..]}`, or the array alone.
fn ids(data: &Value) -> Result<Box<[Uuid]>> {
    let ids = data.as_array().or_else(|| data.get("ids")?.as_array());
    let ids = ids.ok_or_else(|| Error::field("ids", "must be given as an array, or as a field of an object"))?;
    if ids.len() > IDS_MAX {
        return Err(Error::field("ids", format!("must be at most {IDS_MAX}")));
    }
    let id = |id: &Value| id.as_str().filter(|id| id.parse::<NotificationId>().is_ok())?.parse().ok();
    ids.iter().map(id).collect::<Option<_>>().ok_or_else(|| Error::field("ids", "each must be a UUID"))
}

/// `{userIds: [..]}`, or the array alone.
fn users(data: &Value) -> Result<Box<[Uuid]>> {
    let users = data.as_array().or_else(|| data.get("userIds")?.as_array());
    let users =
        users.ok_or_else(|| Error::field("userIds", "must be given as an array, or as a field of an object"))?;
    if users.is_empty() || users.len() > USERS_MAX {
        return Err(Error::field("userIds", format!("must be 1 to {USERS_MAX}")));
    }
    let user = |user: &Value| user.as_str().filter(|user| user.parse::<UserId>().is_ok())?.parse().ok();
    users.iter().map(user).collect::<Option<_>>().ok_or_else(|| Error::field("userIds", "each must be a UUID"))
}

fn names_nobody(data: &Value) -> bool {
    data.is_null() || data.as_object().is_some_and(|fields| fields.get("userIds").is_none_or(Value::is_null))
}

fn room(data: &Value) -> Result<Room> {
    text(data, "room")?.parse().map_err(|_| Error::NotFound)
}

fn token(data: &Value) -> Result<Box<str>> {
    let token = text(data, "token")?;
    if token.len() > TOKEN_MAX { Err(Error::Unauthorized) } else { Ok(token.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn code(event: &str, data: Value) -> &'static str {
        Command::read(event, &data).expect_err("is refused").code()
    }

    #[test]
    fn ids_come_as_text_or_as_an_object() {
        let user = UserId::generate();
        let both = Command::Join(vec![Room::Seller(user), Room::Sellers]);
        assert_eq!(Command::read("join-seller-room", &json!(user)).expect("is read"), both);
        assert_eq!(Command::read("join-seller-room", &json!({ "id": user })).expect("is read"), both);
        let chat = ChatId::generate();
        let leave = Command::Leave(vec![Room::Chat(chat)]);
        assert_eq!(Command::read("leave-chat-room", &json!({ "id": chat })).expect("is read"), leave);
    }

    #[test]
    fn rooms_come_as_text_or_as_an_object_and_a_bare_user_id_is_a_room() {
        let user = UserId::generate();
        let topic = Command::Join(vec![Room::Topic("a".into())]);
        assert_eq!(Command::read("join", &json!({ "room": "topic-a" })).expect("is read"), topic);
        assert_eq!(Command::read("join", &json!("topic-a")).expect("is read"), topic);
        assert_eq!(Command::read("leave", &json!(user)).expect("is read"), Command::Leave(vec![Room::User(user)]));
    }

    #[test]
    fn notifications_are_confirmed_by_a_list_alone_or_in_an_object() {
        let ids = [NotificationId::generate(), NotificationId::generate()];
        let uuids = ids.map(|id| id.as_str().parse().expect("a UUID"));
        for data in [json!({ "ids": ids }), json!(ids)] {
            let command = Command::read("notification:ack", &data).expect("is read");
            assert_eq!(command, Command::Confirm(uuids.into()));
        }
        assert_eq!(Command::read("notification:ack", &json!([])).expect("is read"), Command::Confirm([].into()));
        assert_eq!(answer(&Ok(Done::Confirmed)), r#"{"ok":true}"#);
    }

    #[test]
    fn users_are_watched_by_a_list_and_all_are_left_by_none() {
        let users = [UserId::generate(), UserId::generate()];
        let uuids = users.map(|id| id.as_str().parse().expect("a UUID"));
        for data in [json!({ "userIds": users }), json!(users)] {
            assert_eq!(Command::read("presence:subscribe", &data).expect("is read"), Command::Watch(uuids.into()));
            let some = Command::Unwatch(Some(uuids.into()));
            assert_eq!(Command::read("presence:unsubscribe", &data).expect("is read"), some);
        }
        for data in [json!({}), Value::Null, json!({ "userIds": null })] {
            assert_eq!(Command::read("presence:unsubscribe", &data).expect("is read"), Command::Unwatch(None));
            assert_eq!(code("presence:subscribe", data), "invalid_request");
        }
        let many = vec![users[0]; USERS_MAX + 1];
        for data in [json!([]), json!("x"), json!(["x"]), json!(many)] {
            assert_eq!(code("presence:subscribe", data.clone()), "invalid_request");
            assert_eq!(code("presence:unsubscribe", data), "invalid_request");
        }
        assert_eq!(answer(&Ok(Done::Unwatched)), r#"{"ok":true}"#);
    }

    #[test]
    fn what_cannot_be_read_is_told_apart() {
        assert_eq!(code("join-user-room", Value::Null), "invalid_request");
        assert_eq!(code("join-user-room", json!("all")), "invalid_request");
        assert_eq!(code("join", json!({ "id": "all" })), "invalid_request");
        assert_eq!(code("join", json!("everyone")), "not_found");
        assert_eq!(code("authenticate", json!({})), "invalid_request");
        assert_eq!(code("authenticate", json!("x".repeat(TOKEN_MAX + 1))), "unauthorized");
        for ids in [json!({}), json!("x"), json!({ "ids": "x" }), json!(["x"]), json!([1]), json!(vec!["x"; 501])] {
            let refused = Command::read("notification:ack", &ids).expect_err("is refused");
            assert!(json!(refused.problem())["errors"][0]["field"] == "ids", "{ids}: {refused:?}");
        }
        let id = NotificationId::generate();
        assert!(Command::read("notification:ack", &json!(vec![id; IDS_MAX + 1])).is_err());
        assert_eq!(code("chat:typing", json!({})), "invalid_request");
        assert_eq!(code("chat:stopped-typing", json!({ "chatId": "all" })), "invalid_request");
        assert_eq!(code("ready", json!({})), "invalid_request");
    }

    #[test]
    fn an_answer_says_what_the_contract_says() {
        let done = Done::Moved { room: Room::All, seq: Seq(7) };
        assert_eq!(answer(&Ok(done)), r#"{"ok":true,"room":"all","seq":7}"#);
        assert_eq!(answer(&Ok(Done::Authenticated)), r#"{"ok":true}"#);
        let refused: Value = serde_json::from_str(&answer(&Err(refused(Refusal::Forbidden)))).expect("JSON");
        assert_eq!(refused["code"], "forbidden");
        assert_eq!(refused["status"], 403);
    }

    proptest! {
        #[test]
        fn reading_never_fails_otherwise(event in ".{0,20}", data in ".{0,40}") {
            let _ = Command::read(&event, &Value::from(data.clone()));
            let _ = Command::read("join", &json!({ "room": data }));
        }
    }
}
