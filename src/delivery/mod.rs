//! How a change becomes durable, and how what was said is found again.

mod history;
pub mod idempotency;
pub mod inbox;
pub mod mail;
pub mod outbox;
mod parties;
mod prune;
mod standing;
mod ties;

pub use crate::broker::{Grant, Ground};
pub use history::StoredHistory;
pub use parties::{Parties, grants};
pub use prune::{Keep, prune};
pub use standing::{Standings, groups_of};
