//! What one may ask the broker: who is connected, and how it does. Nothing here changes anything.

use super::{Carrier, Transport, dispatch::Dispatch, hub::Slot};
use crate::{
    identity::Roles,
    ids::UserId,
    notice::{ConnectionId, Room, Seq},
    time::Time,
};
use actix::prelude::*;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use std::net::IpAddr;

/// What operators and tests may know of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionInfo {
    /// Its id.
    pub id: ConnectionId,
    /// Whose it is.
    pub user_id: UserId,
    /// Which wire.
    pub transport: Transport,
    /// The rooms it is in.
    pub rooms: Vec<Room>,
    /// What it may be.
    pub roles: Roles,
    /// Who is at the other end of its stream: the client, or a proxy before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub address: Option<IpAddr>,
    /// Of Socket.IO: how its packets travel now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Carrier>,
    /// When it came.
    pub connected_at: Time,
}

/// Which connections; what is `None` limits nothing.
#[derive(Debug, Clone, Default)]
pub struct ConnectionFilter {
    /// One of these.
    pub ids: Option<Vec<ConnectionId>>,
    /// Of this user.
    pub user: Option<UserId>,
    /// In this room.
    pub room: Option<Room>,
    /// On this wire.
    pub transport: Option<Transport>,
    /// Behind this one, in the order of their ids.
    pub after: Option<ConnectionId>,
    /// At most this many.
    pub limit: Option<usize>,
}

/// The connections of this node that fit, in the order of their ids.
#[derive(Message)]
#[rtype(result = "Vec<ConnectionInfo>")]
pub struct Connections(pub ConnectionFilter);

/// How the broker does.
#[derive(Message)]
#[rtype(result = "Stats")]
pub struct ReadStats;

/// Numbers of this node: how things are, then counts since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "BrokerStats")]
pub struct Stats {
    /// Connections on Socket.IO.
    pub socket_io: usize,
    /// Of these, those that are polling now.
    pub polling: usize,
    /// Connections on `/ws`.
    pub websocket: usize,
    /// Connections on `/v1/stream`.
    pub sse: usize,
    /// Of all these, those that are not live yet.
    pub catching_up: usize,
    /// Users who are online.
    pub users: usize,
    /// Rooms that somebody is in.
    pub rooms: usize,
    /// The last stored notice that went out.
    pub last: Seq,
    /// Stored notices that went out.
    pub notices: u64,
    /// Notices handed to connections, live.
    pub deliveries: u64,
    /// Notices handed to connections that came back.
    pub replayed: u64,
    /// Pages read from the history.
    pub pages_read: u64,
    /// Connections that came.
    pub opened: u64,
    /// Connections that went, whyever.
    pub closed: u64,
    /// Connections closed because they could not keep up.
    pub slow_consumers: u64,
}

impl Stats {
    /// Connections on any transport.
    #[must_use]
    pub const fn connections(&self) -> usize {
        self.socket_io + self.websocket + self.sse
    }
}

impl Dispatch {
    /// Answers [`Connections`].
    pub(super) fn connections(&self, filter: &ConnectionFilter) -> Vec<ConnectionInfo> {
        let fits = |slot: &Slot| {
            self.hub.get(*slot).is_some_and(|seat| {
                filter.user.is_none_or(|user| user == seat.identity.user)
                    && filter.after.as_ref().is_none_or(|after| *after < seat.id)
                    && filter.transport.is_none_or(|transport| transport == seat.carries.transport)
                    && filter.room.as_ref().is_none_or(|room| self.hub.holds(*slot, room))
            })
        };
        let mut slots: Vec<Slot> = match (&filter.ids, filter.user, &filter.room) {
            (Some(ids), ..) => ids.iter().filter_map(|id| self.hub.find(id)).filter(fits).collect(),
            (_, Some(user), _) => self.hub.members(&Room::User(user)).filter(fits).collect(),
            (_, _, Some(room)) => self.hub.members(room).filter(fits).collect(),
            (None, None, None) => self.hub.slots().filter(fits).collect(),
        };
        let by_name = |a: &Slot, b: &Slot| self.name(*a).cmp(&self.name(*b));
        // A page of very many: only what is in it is put in order.
        if let Some(limit) = filter.limit.filter(|limit| *limit < slots.len()) {
            if limit > 0 {
                slots.select_nth_unstable_by(limit - 1, by_name);
            }
            slots.truncate(limit);
        }
        slots.sort_unstable_by(by_name);
        slots.into_iter().filter_map(|slot| self.info(slot)).collect()
    }

    /// Answers [`ReadStats`].
    pub(super) fn read_stats(&self) -> Stats {
        let mut stats = Stats { rooms: self.hub.room_count(), last: self.last, ..self.stats };
        stats.slow_consumers += self.shards.fallen();
        for seat in self.hub.slots().filter_map(|slot| self.hub.get(slot)) {
            match seat.carries.transport {
                Transport::SocketIo => {
                    stats.socket_io += 1;
                    stats.polling += usize::from(seat.carries.outlet.wire().carrier == Some(Carrier::Polling));
                }
                Transport::WebSocket => stats.websocket += 1,
                Transport::Sse => stats.sse += 1,
            }
            stats.catching_up += usize::from(seat.carries.pending.is_some());
        }
        stats
    }

    fn name(&self, slot: Slot) -> Option<&ConnectionId> {
        self.hub.get(slot).map(|seat| &seat.id)
    }

    pub(super) fn info(&self, slot: Slot) -> Option<ConnectionInfo> {
        let seat = self.hub.get(slot)?;
        let mut rooms: Vec<Room> = self.hub.rooms_of(slot).cloned().collect();
        rooms.sort_unstable();
        let wire = seat.carries.outlet.wire();
        Some(ConnectionInfo {
            id: seat.id.clone(),
            user_id: seat.identity.user,
            transport: seat.carries.transport,
            rooms,
            roles: seat.identity.roles,
            address: wire.address,
            carrier: wire.carrier,
            connected_at: DateTime::<Utc>::from_timestamp_millis(seat.carries.since).unwrap_or_default().into(),
        })
    }
}
