//! The payloads of what is told on `/admin` in Herald's own words. Shapes only.

use crate::{
    broker::{ConnectionInfo, Stats},
    notice::{ConnectionId, Room},
};
use schemars::JsonSchema;
use serde::Serialize;

/// The payload of `connections`: all that are there, or what changed since.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ConnectionsTold<'a> {
    /// Whether these are all: what was told before is over.
    pub all: bool,
    /// How many there are, where these are all; at most 1,000 of them are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<usize>,
    /// Those that are there, or that came.
    pub connected: &'a [ConnectionInfo],
    /// Those that went.
    pub disconnected: &'a [ConnectionId],
    /// Who entered which room.
    pub joined: Vec<RoomMove<'a>>,
    /// Who left which room.
    pub left: Vec<RoomMove<'a>>,
}

/// A connection that entered or left a room.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RoomMove<'a> {
    /// Which connection.
    pub id: &'a ConnectionId,
    /// Which room.
    pub room: &'a Room,
}

/// The payload of `server_stats`: what the Admin UI expects of a server, and the broker's own numbers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct ServerStats<'a> {
    /// Names this process among others.
    pub server_id: String,
    /// The machine's name.
    pub hostname: &'a str,
    /// The process's number.
    pub pid: u32,
    /// Herald's version.
    pub version: &'a str,
    /// For how long it runs, in seconds.
    pub uptime: f64,
    /// Connections on any wire.
    pub clients_count: usize,
    /// Of these, those that are polling.
    pub polling_clients_count: usize,
    /// What happened since it was told last.
    pub aggregated_events: Vec<Counted>,
    /// Always one: `/`.
    pub namespaces: [NamespaceCount; 1],
    /// The broker's numbers.
    pub connections: &'a Stats,
}

/// How often something happened.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Counted {
    /// When that was counted, in milliseconds since 1970.
    pub timestamp: i64,
    /// What: `rawConnection`, `rawDisconnection`, `packetsOut`.
    pub r#type: &'static str,
    /// How often.
    pub count: u64,
}

/// How many are in a namespace.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceCount {
    /// Which.
    pub name: &'static str,
    /// How many.
    pub sockets_count: usize,
}
