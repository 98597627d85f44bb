//! What the Engine.IO suite talks to: everything comes back.

use bytes::Bytes;
use engineioxide::{DisconnectReason, Socket, Str, handler::EngineIoHandler};
use std::sync::Arc;

#[derive(Debug, Clone)]
pub struct Echo;

impl EngineIoHandler for Echo {
    type Data = ();

    fn on_connect(self: Arc<Self>, _: Arc<Socket<()>>) {}

    fn on_disconnect(&self, _: Arc<Socket<()>>, _: DisconnectReason) {}

    fn on_message(self: &Arc<Self>, message: Str, socket: Arc<Socket<()>>) {
        if socket.emit(message).is_err() {
            log::warn!("not echoed: the buffer is full or the socket closed");
        }
    }

    fn on_binary(self: &Arc<Self>, data: Bytes, socket: Arc<Socket<()>>) {
        if socket.emit_binary(data).is_err() {
            log::warn!("not echoed: the buffer is full or the socket closed");
        }
    }
}
