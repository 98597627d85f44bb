//! The way out of one connection, as the broker sees it. Each transport has its own.

use super::{Cause, Frame, Stretch};
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use std::{net::IpAddr, sync::Arc};

/// The connection holds more than it may: it is to be closed as a slow consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection's queue is full")]
pub struct Overflow;

/// Takes frames for one connection without ever waiting, in the order given, within a bound in
/// bytes. What it took and could not send when the connection ends is lost with the connection:
/// the client resumes by its cursor.
pub trait Outlet: Send {
    /// Takes one frame.
    ///
    /// # Errors
    /// [`Overflow`] when the bound is reached; the frame was not taken and nothing that follows may
    /// be sent: the caller closes the connection.
    fn send(&mut self, frame: &Arc<Frame>) -> Result<(), Overflow>;

    /// Takes several, as if one after the other; others may be given the same list.
    ///
    /// # Errors
    /// [`Overflow`], as for one; some may have been taken.
    fn send_all(&mut self, frames: &Stretch) -> Result<(), Overflow> {
        frames.iter().try_for_each(|frame| self.send(frame))
    }

    /// Resolves once so little waits that a further stretch of a replay fits: [`REPLAY_BYTES`] and
    /// [`REPLAY_FRAMES`](super::REPLAY_FRAMES), or one bigger notice alone. Also resolves when the
    /// connection is gone. It is what paces a long replay to a slow reader, so the bound should be
    /// well above one stretch: live notices come on top.
    ///
    /// [`REPLAY_BYTES`]: super::REPLAY_BYTES
    fn drained(&self) -> BoxFuture<'static, ()>;

    /// What operators may know of the wire. Asked for now and then, so nothing is kept for it.
    fn wire(&self) -> WireInfo {
        WireInfo::default()
    }

    /// Where the outlet lies, if it can be reached together with others. Never changes.
    fn place(&self) -> Option<Place> {
        None
    }

    /// Closes the connection, saying why where the transport has a way to; what was taken before
    /// need not be sent. Must free the connection's resources even if its reader is stuck.
    fn close(&mut self, cause: Cause);
}

/// What an [`Outlet`] knows of the way to its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WireInfo {
    /// Who is at the other end of the stream: the client, or a proxy before it.
    pub address: Option<IpAddr>,
    /// Of Socket.IO: how its packets travel now.
    pub carrier: Option<Carrier>,
}

/// How the packets of Socket.IO travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Carrier {
    /// One long request after the other.
    Polling,
    /// A websocket, from the start or after the upgrade.
    WebSocket,
}

/// Outlets that are written to together: a notice costs one call, not one for each of them. What is
/// pushed and what is sent to one of its outlets goes out in the order of the calls; so only the one
/// who holds the outlets may push.
pub trait Shard: Send + Sync {
    /// As if each of these frames were sent to the outlet at each of these indices, in order. Whoever
    /// has no room for them is closed as a slow consumer from there. May wait a moment for a shard
    /// that is far behind. The shard may begin with it at once, and does so at the latest when it is
    /// [woken](Self::wake).
    fn push(&self, frames: &[Arc<Frame>], to: &[u32]);

    /// There is something to do.
    fn wake(&self) {}

    /// How many were closed so, so far.
    fn fallen(&self) -> u64;

    /// Whether so much of what [`Outlet::send_all`] was given still waits to be written that more of it would
    /// only keep live notices waiting.
    fn is_busy(&self) -> bool {
        false
    }
}

/// Where an outlet lies.
#[derive(Clone)]
pub struct Place {
    /// Among which.
    pub shard: Arc<dyn Shard>,
    /// Its own place there, its own for as long as the outlet is not dropped.
    pub index: u32,
}
