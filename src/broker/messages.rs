//! What one may say to the broker. Messages are verbs.

use super::{Frame, Outlet};
use crate::{
    identity::Identity,
    ids::GroupId,
    notice::{ConnectionId, Cursor, EventName, Notice, Room, Seq},
};
use actix::prelude::*;
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use std::{str::FromStr, sync::Arc};

/// Notices that were committed, in their order. If the message is lost, the broker finds them in
/// the history all the same.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Emit(pub Vec<Arc<Notice>>);

/// Which wire a connection uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Transport {
    /// Socket.IO, over polling or websocket.
    #[serde(rename = "socket.io")]
    SocketIo,
    /// `/ws`.
    WebSocket,
    /// `/v1/stream`.
    Sse,
}

/// Text that names no wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such transport")]
pub struct BadTransport;

impl FromStr for Transport {
    type Err = BadTransport;

    fn from_str(text: &str) -> Result<Self, BadTransport> {
        match text {
            "socket.io" => Ok(Self::SocketIo),
            "websocket" => Ok(Self::WebSocket),
            "sse" => Ok(Self::Sse),
            _ => Err(BadTransport),
        }
    }
}

/// Why Herald closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It could not keep up (CONTRACT 3): close code 4008 on `/ws`.
    SlowConsumer,
    /// Its token ended: close code 4001 on `/ws`.
    TokenExpired,
    /// Its login session ended, or its user was shut out: close code 4003 on `/ws`.
    Revoked,
    /// Herald stops: close code 1001 on `/ws`.
    GoingAway,
    /// An administrator's wish: close code 4000 on `/ws`.
    Disconnected,
}

/// What a user's record and memberships said when somebody connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// At least everything up to here is in it, and in the roles of the [`Identity`] it comes with:
    /// read this first, then those. Only what came later is applied as it comes by.
    pub as_of: Seq,
    /// The groups that the user is a member of.
    pub groups: Vec<GroupId>,
}

/// A new connection, authenticated. It hears `ready` first, then what it missed, then what comes.
/// Answered by `false` when the node takes no more (it is stopping) or the name is in use; the outlet
/// is closed then.
#[derive(Message)]
#[rtype(result = "bool")]
pub struct Connect {
    /// Its name; must be new.
    pub connection: ConnectionId,
    /// Whose it is.
    pub identity: Identity,
    /// What the user may see, read after the token was checked.
    pub standing: Standing,
    /// Where the client left off.
    pub after: Cursor,
    /// Rooms named in the handshake; each is joined or reported in `ready.refusedRooms`.
    pub rooms: Vec<String>,
    /// What the database says of those that belong to their parties.
    pub grants: Vec<Grant>,
    /// Which wire.
    pub transport: Transport,
    /// The way out.
    pub outlet: Box<dyn Outlet>,
}

/// The connection is gone.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Disconnect {
    /// Which.
    pub connection: ConnectionId,
}

/// Why a client's wish is refused; travels as the error ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The room is somebody else's, or needs a role or a claim that the caller has not.
    #[error("this room is not yours to join")]
    Forbidden,
    /// There is no such room.
    #[error("no such room")]
    NotFound,
    /// The connection is in as many rooms as it may be.
    #[error("a connection may be in at most 100 rooms")]
    LimitExceeded,
    /// The connection watches as many users as it may.
    #[error("a connection may watch at most 500 users")]
    WatchesTooMany,
    /// Somebody is among them with whom the caller shares no room; who is not there looks the same.
    #[error("you share no room with one of these users")]
    SharesNothing,
    /// What the database said is too old by now; ask it again.
    #[error("the answer was overtaken")]
    Overtaken,
    /// The new token is another user's or another login session's.
    #[error("the token belongs to another user or login session")]
    OtherIdentity,
    /// There is no such connection any more.
    #[error("the connection is closed")]
    Gone,
}

/// Where a join took hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// The connection hears of the room whatever comes after this.
    pub seq: Seq,
}

/// By what a room that belongs to its parties (a request's, a chat's) may be entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// As a party; nothing ends that.
    Party,
    /// As an administrator, for as long as one is.
    Admin,
    /// Not at all: it is somebody else's.
    Nothing,
    /// By an administrator's word, for this stay: a topic.
    Given,
}

/// What the database says of one such room, for one user. Of a room that is not there it says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Which room.
    pub room: Room,
    /// By what.
    pub ground: Ground,
}

/// Says something to a room that the connection is in: live only, to all there but its own user.
#[derive(Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct Say {
    /// Which connection.
    pub connection: ConnectionId,
    /// To whom.
    pub room: Room,
    /// What happened.
    pub event: EventName,
    /// A JSON object.
    pub payload: Arc<str>,
}

/// Enters rooms, all or none; rights are checked here. For `join-seller-room` both rooms at once.
#[derive(Message)]
#[rtype(result = "Result<Joined, Refusal>")]
pub struct Join {
    /// Which connection.
    pub connection: ConnectionId,
    /// Which rooms.
    pub rooms: Vec<Room>,
    /// What the database says of those that belong to their parties.
    pub grants: Vec<Grant>,
}

/// Leaves rooms; leaving one that one is not in is no fault, leaving an automatic one is refused.
#[derive(Message)]
#[rtype(result = "Result<Joined, Refusal>")]
pub struct Leave {
    /// Which connection.
    pub connection: ConnectionId,
    /// Which rooms.
    pub rooms: Vec<Room>,
}

/// Goes on with a new token; it must be the same user's and the same login session's.
#[derive(Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct Authenticate {
    /// Which connection.
    pub connection: ConnectionId,
    /// What the new token says, checked.
    pub identity: Identity,
}

/// Sends a frame to one connection alone: behind `ready`, otherwise at once.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Tell {
    /// Which connection; if it is gone, nobody is told.
    pub connection: ConnectionId,
    /// What.
    pub frame: Arc<Frame>,
}

/// Closes one connection.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Close {
    /// Which.
    pub connection: ConnectionId,
    /// Why.
    pub cause: Cause,
}

/// Closes every connection ([`Cause::GoingAway`]) and takes no more: Herald stops.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CloseAll;

/// There may be something new in the history, or less of it: look. What another node's bus, or
/// pruning, says.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CatchUp;

/// A stretch of the history.
#[derive(Debug, Clone)]
pub struct Page {
    /// The notices, in order, without a gap.
    pub notices: Vec<Arc<Notice>>,
    /// The newest that there was when it was read.
    pub newest: Seq,
    /// Up to here nothing is kept any more. Read after `notices` (or in one snapshot with them), so
    /// that pruning in between can't make a gap look whole.
    pub pruned: Seq,
}

/// The history can't be read just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the history can't be read just now")]
pub struct Away;

/// The stored notices, as the broker reads them: to catch up, and to replay.
pub trait History: Send + Sync + 'static {
    /// At most `limit` notices that follow `after`.
    fn after(&self, after: Seq, limit: usize) -> BoxFuture<'static, Result<Page, Away>>;
}
