pub mod raw;
pub mod server;
pub mod session;

pub use raw::{Frame, Raw};
pub use server::{News, TestServer, wait};
pub use session::{Polling, Websocket};
