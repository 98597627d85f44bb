//! One websocket connection, from its TCP handshake to its end.

use crate::sys::socket::Socket;

/// How far a connection is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum State {
    /// Waits for the TCP connection.
    Connecting,
    /// Waits for the HTTP 101.
    Upgrading,
    /// Waits for the Engine.IO open packet.
    Opening,
    /// Waits for the answer to the Socket.IO CONNECT.
    Joining,
    /// Connected.
    Live,
    /// Refused or gone.
    Gone,
}

/// A connection and what of its stream is not a whole frame yet.
pub struct Client {
    /// None once it is gone, and before it begins.
    pub socket: Option<Socket>,
    /// How far it is.
    pub state: State,
    /// When it began to connect.
    pub since: u64,
    /// The beginning of a frame whose end has not come.
    pub partial: Vec<u8>,
}

impl Default for Client {
    fn default() -> Self {
        Self { socket: None, state: State::Connecting, since: 0, partial: Vec::new() }
    }
}
