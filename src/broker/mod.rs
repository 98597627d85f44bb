//! Who is connected, who is in which room, and in which order everybody hears of things.
//!
//! | Part | Does |
//! |---|---|
//! | [`NotificationBroker`] (`actor`, `handlers`) | receives, asks, keeps the user sessions |
//! | `dispatch` | the machine inside it, without input or output of its own |
//! | `order` | decides which notice is next |
//! | `shards` ([`Shard`]) | the ways out that are written to together |
//! | `resume`, `replay` (`link`, `ready`, `turns`) | from a new connection to a live one |
//! | `backlog` ([`Inbox`]) | what waits in the inbox, for a connection that went live |
//! | [`Hub`] (`hub`, `effects`, `grants`, `rights`, `rooms`) | who is in which room, whom a notice reaches; pure |
//! | `administer` | what an administrator does to connections |
//! | [`presence`] | who is online, and who is told of it |
//! | `watch` (`watching`, `journal`) | administrators who look on: what changed, the numbers |
//! | `ring` | the newest notices, for those who missed only a few |
//! | `shelf` (`block`) | what was read of the history for those who missed more |
//! | `stretch` | what a replay hands over in one piece |
//! | [`UserSession`] (`session`, `expiry`) | a user's connections and the end of their tokens |

mod actor;
mod administer;
mod backlog;
mod block;
mod clock;
mod dispatch;
mod effects;
mod expiry;
mod frame;
mod grants;
mod handlers;
mod hub;
mod inbox;
mod journal;
mod link;
mod messages;
mod order;
mod outlet;
pub mod presence;
mod queries;
mod ready;
mod replay;
mod resume;
mod rights;
mod ring;
mod rooms;
mod session;
mod shards;
mod shelf;
mod stretch;
mod turns;
mod watch;
mod watching;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use actor::NotificationBroker;
pub use administer::{Administer, Deed, Outcome};
pub use clock::{Clock, SystemClock};
pub use expiry::WARNING;
pub use frame::Frame;
pub use hub::{Hub, Seat, Slot};
pub use inbox::{Inbox, Pending};
pub use link::{REPLAY_BYTES, REPLAY_FRAMES};
pub use messages::{
    Authenticate, Away, BadTransport, CatchUp, Cause, Close, CloseAll, Connect, Disconnect, Emit, Grant, Ground,
    History, Join, Joined, Leave, Page, Refusal, Say, Standing, Tell, Transport,
};
pub use outlet::{Carrier, Outlet, Overflow, Place, Shard, WireInfo};
pub use queries::{ConnectionFilter, ConnectionInfo, Connections, ReadStats, Stats};
pub use ready::Ready;
pub use rights::ROOMS_MAX;
pub use ring::{RECENT, RECENT_BYTES};
pub use session::{AuthExpiring, UserSession};
pub use stretch::Stretch;
pub use watch::{Changes, News, Overview, SHOWN_MAX, WATCHERS_MAX, Watcher};
pub use watching::{KeepLooking, LookAway, LookOn};
