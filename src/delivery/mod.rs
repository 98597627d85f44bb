//! How a change becomes durable and how what was said is found again.

pub mod outbox;
