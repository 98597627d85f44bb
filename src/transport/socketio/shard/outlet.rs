//! The broker's end of a connection that lies in a shard.

use super::{Command, Shard};
use crate::broker::{self, Carrier, Cause, Frame, Outlet, Overflow, Place, Stretch, WireInfo};
use actix_socketioxide::Link;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Leads to one connection of a shard. Everything goes through the shard's queue, so what is sent here
/// and what is pushed to the shard stays in order.
pub struct ShardOutlet {
    shard: Arc<Shard>,
    index: u32,
    link: Link,
}

impl ShardOutlet {
    pub(super) const fn new(shard: Arc<Shard>, index: u32, link: Link) -> Self {
        Self { shard, index, link }
    }
}

impl Outlet for ShardOutlet {
    /// Never refuses: the shard itself closes who has no room.
    fn send(&mut self, frame: &Arc<Frame>) -> Result<(), Overflow> {
        broker::Shard::push(&*self.shard, std::slice::from_ref(frame), &[self.index]);
        broker::Shard::wake(&*self.shard);
        Ok(())
    }

    fn send_all(&mut self, frames: &Stretch) -> Result<(), Overflow> {
        self.shard.deliver(Command::Replay(Arc::clone(frames), self.index));
        broker::Shard::wake(&*self.shard);
        Ok(())
    }

    fn drained(&self) -> BoxFuture<'static, ()> {
        let (say, drained) = oneshot::channel();
        self.shard.command(Command::Drain(self.index, say));
        Box::pin(async move {
            // Dropped unsaid: the connection is gone.
            drained.await.ok();
        })
    }

    fn wire(&self) -> WireInfo {
        let carrier = if self.link.is_websocket() { Carrier::WebSocket } else { Carrier::Polling };
        WireInfo { address: self.link.peer().map(|peer| peer.ip()), carrier: Some(carrier) }
    }

    fn place(&self) -> Option<Place> {
        Some(Place { shard: Arc::clone(&self.shard) as Arc<dyn broker::Shard>, index: self.index })
    }

    fn close(&mut self, cause: Cause) {
        self.shard.command(Command::Close(self.index, cause));
    }
}

/// The connection ends with it, if it has not ended before.
impl Drop for ShardOutlet {
    fn drop(&mut self) {
        self.shard.remove(self.index);
    }
}
