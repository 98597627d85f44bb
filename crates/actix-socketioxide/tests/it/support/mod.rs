pub mod raw;
pub mod server;
pub mod session;

pub use raw::{Frame, Raw};
pub use server::{Live, News, TestServer, wait};
pub use session::{Polling, Websocket};
