//! What is said on `/admin`, in both dialects. The Admin UI's is that of `@socket.io/admin-ui` 0.5; it
//! knows of sockets only, so every connection is shown as one, whatever its wire. Pure.

use super::{
    login::Dialect,
    told::{ConnectionsTold, Counted, NamespaceCount, RoomMove, ServerStats},
};
use crate::{
    broker::{Carrier, Changes, ConnectionInfo, News, Overview, Stats, Transport},
    host::Host,
    notice::{ConnectionId, EventName, Room},
    time::Time,
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// One event: its name and arguments.
pub type Said = (&'static str, Vec<Value>);

/// What the Admin UI may do here. Not `EMIT`: what is published has a door of its own.
const FEATURES: [&str; 8] =
    ["JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT", "AGGREGATED_EVENTS", "ALL_EVENTS"];
/// The namespace in which all connections are shown.
pub const NAMESPACE: &str = "/";

/// What the Admin UI hears first.
pub fn welcome(session: &str) -> [Said; 2] {
    [("session", vec![session.into()]), ("config", vec![json!({ "supportedFeatures": FEATURES })])]
}

/// Speaks one dialect; counts go from one telling to the next.
pub struct Speaker {
    dialect: Dialect,
    before: Option<Stats>,
}

impl Speaker {
    /// One who has said nothing yet.
    pub const fn new(dialect: Dialect) -> Self {
        Self { dialect, before: None }
    }

    /// The events that tell some news.
    pub fn tell(&mut self, news: &News, now: Time) -> Vec<Said> {
        match (news, self.dialect) {
            (News::Stats(stats), _) => {
                let said = server_stats(Host::this(), stats, &self.before.unwrap_or(**stats), now);
                self.before = Some(**stats);
                vec![("server_stats", vec![said])]
            }
            (News::All(all), Dialect::Herald) => vec![("connections", vec![overview(all)])],
            (News::Changes(changes), Dialect::Herald) => vec![("connections", vec![in_one(changes)])],
            (News::Expiring { expires_at, seconds }, Dialect::Herald) => {
                let at: Time =
                    DateTime::<Utc>::from_timestamp(*expires_at, 0).unwrap_or(DateTime::<Utc>::MAX_UTC).into();
                vec![(EventName::AuthExpiring.as_str(), vec![json!({ "expiresAt": at, "seconds": seconds })])]
            }
            (News::All(all), Dialect::AdminUi) => {
                vec![("all_sockets", vec![all.connections.iter().map(socket).collect()])]
            }
            (News::Changes(changes), Dialect::AdminUi) => one_by_one(changes, now),
            // It has no word for it.
            (News::Expiring { .. }, Dialect::AdminUi) => Vec::new(),
        }
    }
}

fn overview(all: &Overview) -> Value {
    json!(ConnectionsTold {
        all: true,
        total: Some(all.total),
        connected: &all.connections,
        disconnected: &[],
        joined: Vec::new(),
        left: Vec::new(),
    })
}

fn in_one(changes: &Changes) -> Value {
    json!(ConnectionsTold {
        all: false,
        total: None,
        connected: &changes.connected,
        disconnected: &changes.disconnected,
        joined: moves(&changes.joined),
        left: moves(&changes.left),
    })
}

fn moves(moved: &[(ConnectionId, Room)]) -> Vec<RoomMove<'_>> {
    moved.iter().map(|(id, room)| RoomMove { id, room }).collect()
}

fn one_by_one(changes: &Changes, now: Time) -> Vec<Said> {
    let Changes { connected, disconnected, joined, left } = changes;
    let came = connected.iter().map(|info| ("socket_connected", vec![socket(info), json!(now)]));
    let went = disconnected
        .iter()
        .map(|id| ("socket_disconnected", vec![NAMESPACE.into(), json!(id), "disconnected".into(), json!(now)]));
    let moved =
        |event, (id, room): &(ConnectionId, Room)| (event, vec![NAMESPACE.into(), json!(room), json!(id), json!(now)]);
    let joined = joined.iter().map(|one| moved("room_joined", one));
    let left = left.iter().map(|one| moved("room_left", one));
    came.chain(went).chain(joined).chain(left).collect()
}

fn socket(info: &ConnectionInfo) -> Value {
    let transport = match (info.transport, info.carrier) {
        (Transport::SocketIo, Some(Carrier::Polling)) => "polling",
        (Transport::SocketIo, _) => "websocket",
        (Transport::WebSocket, _) => "/ws",
        (Transport::Sse, _) => "SSE",
    };
    let address = info.address.map(|address| address.to_string()).unwrap_or_default();
    json!({
        "id": info.id, "clientId": info.id, "transport": transport, "nsp": NAMESPACE, "rooms": info.rooms,
        "data": { "userId": info.user_id, "roles": info.roles },
        "handshake": {
            "address": address, "headers": {}, "query": {}, "secure": false, "url": "", "xdomain": false,
            "issued": info.connected_at.unix() * 1000, "time": info.connected_at,
        },
    })
}

fn server_stats(host: &Host, stats: &Stats, before: &Stats, now: Time) -> Value {
    let since = |r#type, count: u64, before: u64| {
        let count = count.saturating_sub(before);
        (count > 0).then(|| Counted { timestamp: now.unix() * 1000, r#type, count })
    };
    let aggregated_events = [
        since("rawConnection", stats.opened, before.opened),
        since("rawDisconnection", stats.closed, before.closed),
        since("packetsOut", stats.deliveries, before.deliveries),
    ];
    json!(ServerStats {
        server_id: format!("{}#{}", host.hostname, host.pid),
        hostname: &host.hostname,
        pid: host.pid,
        version: host.version,
        uptime: host.uptime(),
        clients_count: stats.connections(),
        polling_clients_count: stats.polling,
        aggregated_events: aggregated_events.into_iter().flatten().collect(),
        namespaces: [NamespaceCount { name: NAMESPACE, sockets_count: stats.connections() }],
        connections: stats,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn counts_are_told_from_one_telling_to_the_next() {
        let mut speaker = Speaker::new(Dialect::AdminUi);
        let mut tell = |opened| {
            let news = News::Stats(Arc::new(Stats { opened, ..Stats::default() }));
            let said = speaker.tell(&news, Time::now());
            said[0].1[0]["aggregatedEvents"].clone()
        };
        assert_eq!(tell(5), json!([]), "what was before one came is not told");
        assert_eq!(tell(8)[0]["count"], 3);
        assert_eq!(tell(8), json!([]));
    }

    #[test]
    fn each_dialect_has_words_of_its_own() {
        let id = ConnectionId("a".into());
        let moved = vec![(id.clone(), Room::Topic("x".into()))];
        let changes = Changes { disconnected: vec![id], joined: moved, ..Changes::default() };
        let news = News::Changes(Arc::new(changes));
        let names = |dialect| -> Vec<&str> {
            Speaker::new(dialect).tell(&news, Time::now()).into_iter().map(|(event, _)| event).collect()
        };
        assert_eq!(names(Dialect::Herald), ["connections"]);
        assert_eq!(names(Dialect::AdminUi), ["socket_disconnected", "room_joined"]);
    }
}
