//! How a change becomes durable, and how what was said is found again.

mod history;
pub mod idempotency;
pub mod inbox;
pub mod mail;
pub mod outbox;
mod prune;
mod standing;

pub use history::StoredHistory;
pub use prune::{Keep, prune};
pub use standing::{Standings, groups_of};
