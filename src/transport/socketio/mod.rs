//! Socket.IO: namespaces, limits, and the order of what clients send.
//!
//! `/` is for everyone who is signed in, `/admin` for administrators only: no notices go there and it
//! does not count in presence (CONTRACT 3). socketioxide's own rooms stay unused: the broker's map is
//! the only membership.
//!
//! A refusal is a `connect_error` whose message is the problem's code (`token_expired` for a token
//! that was good once). The problem itself can't travel as its `data`: socketioxide 0.18.9 writes
//! `{"message": …}` and nothing else (`socketioxide-parser-common`, `PacketData::ConnectError`).
//!
//! What goes out goes by `shard`, past the library where a connection is on a websocket (decision 17).
//!
//! **Order.** socketioxide reads packets of one connection one after the other and, for each, calls
//! the handler's function in place, but *spawns the future that it returns*: what happens inside such
//! futures comes out of order (67 of 2,000 when measured). Hence the one handler here, `listener`, is
//! no such function: it does its work, which is to push into the connection's `Lane`, where it is called. The
//! lane does one step at a time. `admission` installs it before CONNECT is answered, so that nothing
//! that a client sends right afterwards can come too early.

mod admin;
mod admission;
mod asking;
mod listener;
mod outlet;
mod shard;

pub use self::admin::{ConnectionsTold, ServerStats};

use self::admission::Admitted;
use super::{Entering, Entrance, Steward, session::Step};
use crate::{
    broker::Transport,
    error::{Error, Result},
    notice::ConnectionId,
};
use actix_socketioxide::{Engine, Link};
use outlet::SocketIoOutlet;
use serde_json::Value;
use shard::Shards;
use socketioxide::{
    ParserConfig, SocketIo,
    extract::{SocketRef, TryData},
    handler::ConnectHandler,
};
use std::{fmt, future::ready, time::Duration};

/// Most packets that the library keeps for one connection. Beyond that it drops silently, so the
/// bound in bytes ([`Limits::queue_max`](super::Limits)) has to be reached first: 1 MiB is some 7,000
/// of the smallest notices. Memory is taken as it is needed.
const PACKETS_MAX: usize = 16_384;

/// Bytes of the engine's read buffer; clients send little, and every idle connection holds one. It grows to the longest
/// message, which mostly is the first, with the token; the mount reads more at once from the system.
const READ_BUFFER: usize = 128;

/// Bytes of binary attachments, their number, and the time they may take: Herald takes none, so
/// these only bound what a hostile client can make the parser hold.
const ATTACHMENTS: (usize, usize, Duration) = (256 * 1024, 10, Duration::from_secs(5));

/// The Socket.IO service, for [`Mount::builder`](actix_socketioxide::Mount::builder), and the handle
/// on it, to close it with. The mount has to use the same [`Limits::message_max`](super::Limits).
pub fn build(entrance: &Entrance, steward: &Steward) -> (impl Engine + use<>, SocketIo) {
    let limits = entrance.limits();
    let (bytes, number, time) = ATTACHMENTS;
    let parser = ParserConfig::common()
        .max_incoming_binary_buf_size(bytes)
        .max_incoming_binaries(number)
        .packet_completion_timeout(time);
    let (service, io) = SocketIo::builder()
        .max_buffer_size(PACKETS_MAX)
        .max_payload(limits.message_max as u64)
        .ws_max_message_size(limits.message_max)
        .ws_max_frame_size(limits.message_max)
        .ws_read_buffer_size(READ_BUFFER)
        .ping_interval(limits.ping_interval)
        .ping_timeout(limits.ping_timeout)
        .connect_timeout(limits.connect_timeout)
        .ack_timeout(asking::ACK_TIMEOUT)
        .with_parser(parser)
        .build_svc();

    let (everyone, steward) = (entrance.clone(), steward.clone());
    let (entering, shards) = (entrance.clone(), Shards::default());
    let enter = move |socket: SocketRef| {
        enter(&socket, &entering, &shards);
        ready(())
    };
    io.ns(
        "/",
        enter.with(async move |socket: SocketRef, TryData(auth): TryData<Value>| {
            admission::admit(&socket, &auth.unwrap_or_default(), everyone).await.map_err(Refused)
        }),
    );
    let enter_admin = |socket: SocketRef| {
        admin::enter(socket);
        ready(())
    };
    io.ns(
        "/admin",
        enter_admin.with(async move |socket: SocketRef, TryData(auth): TryData<Value>| {
            admin::admit(&socket, &auth.unwrap_or_default(), &steward).await
        }),
    );
    (service, io)
}

/// The connection was admitted and CONNECT is answered: it goes to the broker.
fn enter(socket: &SocketRef, entrance: &Entrance, shards: &Shards) {
    let Some(Admitted { identity, standing, handshake, lane, link }) = socket.extensions.remove::<Admitted>() else {
        return;
    };
    let addressee = entrance.addressee(identity.user);
    let queue_max = entrance.limits().queue_max;
    let outlet = SocketIoOutlet::new(socket.clone(), link.clone(), queue_max, addressee, handshake.acks);
    let entering = Box::new(Entering {
        connection: ConnectionId(socket.id.as_str().into()),
        identity,
        standing,
        handshake,
        transport: Transport::SocketIo,
        outlet: Box::new(shards.here().add(outlet)),
    });
    let refused = Box::new(move || link.cut());
    // The lane was empty until CONNECT was answered; what came since waits behind a seat.
    if lane.push(Step::Enter { entering, refused }).is_err() {
        log::debug!("a client asked for more than it may before it was in");
    }
}

/// The way to the client, which the mount lays down in every handshake.
fn link(socket: &SocketRef) -> Result<Link> {
    let link = socket.req_parts().extensions.get::<Link>().cloned();
    link.ok_or_else(|| Error::internal("a Socket.IO handshake that did not come through the mount"))
}

/// The text of a `connect_error`.
struct Refused(Error);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Self::text(&self.0, f)
    }
}

impl Refused {
    fn text(error: &Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match error {
            Error::TokenExpired => "token_expired",
            other => other.code(),
        })
    }
}
