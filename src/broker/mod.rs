//! Who is connected, who is in which room, and in which order everybody hears of things.

mod frame;
mod messages;
mod outlet;

pub use frame::Frame;
pub use messages::{
    Authenticate, Away, Cause, Connect, ConnectionInfo, Disconnect, Emit, History, Join, Joined, Leave, Page, Refusal,
    Standing, Transport,
};
pub use outlet::{Outlet, Overflow};
