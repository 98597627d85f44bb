//! The house's own words for telling a test as a story.

mod answer;
mod back_end;
mod crowd;
mod herald;
pub mod http;
mod live;
mod people;
pub mod plain;
mod process;
pub mod processor;
mod puppet;
mod server;
pub mod smtp;
pub mod socketio;
pub mod sse;
mod watch;
pub mod wire;

pub use answer::{Answer, Call};
pub use back_end::BackEnd;
pub use herald::{Claims, Herald, MARKER, PASSWORD, PATIENCE, SECRET, User, claims_of, now};
pub use live::{Everywhere, Live};
pub use people::A_DAY;
pub use process::Process;
pub use puppet::{Puppets, is_lost};
pub use server::{Database, TestServer};
pub use wire::{Over, Pass, Way};

/// The same story over each wire: a test of its own for each.
#[macro_export]
macro_rules! over_every_wire {
    ($($(#[$meta:meta])* async fn $name:ident($over:ident) $body:block)*) => { $(
        $(#[$meta])*
        mod $name {
            use super::*;
            async fn story($over: Over) $body
            #[tokio::test]
            async fn socket_io() { story(Over::SocketIo).await }
            #[tokio::test]
            async fn polling() { story(Over::Polling).await }
            #[tokio::test]
            async fn websocket() { story(Over::WebSocket).await }
            #[tokio::test]
            async fn sse() { story(Over::Sse).await }
        }
    )* };
}
