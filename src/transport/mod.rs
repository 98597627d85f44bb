//! The three wires: Socket.IO, plain WebSocket, server-sent events. Each lets somebody in, gives the
//! broker a way out to them, and carries their wishes to it; the same events, rooms, resume and
//! guarantees on all (CONTRACT 3 and 4).
//!
//! | Where | What |
//! |---|---|
//! | `entrance`, `gate`, `limits` | what the wires share: who may come in, the way to the broker, the limits |
//! | `handshake` | what a client says when it comes; pure |
//! | `client_event` | the names of what a client may ask for |
//! | `commands` | what it may ask for; read, then put to the broker |
//! | `pace` | how fast it may say what is worth little |
//! | `lane`, `session` | one connection's affairs, one after the other, in the order sent |
//! | `door` | the checks before `/ws` and `/v1/stream` open |
//! | `receipts`, `handover` | what clients have of their inboxes: by their word, or by bytes that left |
//! | `queue` | what waits for one reader, bounded in bytes (`websocket`, `sse`) |
//! | `steward` | what administrators do to many connections, page by page |
//! | `socketio`, `websocket`, `sse` | the wires |

mod client_event;
mod commands;
mod door;
mod entrance;
mod gate;
mod handover;
mod handshake;
mod lane;
mod limits;
mod pace;
mod queue;
mod receipts;
mod session;
pub mod socketio;
pub mod sse;
mod steward;
pub mod websocket;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod wire_tests;

pub use client_event::ClientEvent;
pub use commands::{ChatTyping, Command, Done, Echoed, Moved, Settled, Watching, refused};
pub use entrance::{Entering, Entrance, Seat, Wish};
pub use gate::{Credential, Gate, Guard};
pub use handshake::{Handshake, ROOMS_MAX};
pub use limits::Limits;
pub use receipts::Receipts;
pub use steward::{Act, Report, Selection, Steward};
