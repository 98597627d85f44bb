//! Where others report back: `/v1/webhooks/…`, signed (CONTRACT 7). The [`Door`] is the same for all
//! of them: it checks the signature, takes each message once, and commits what the message does
//! together with the memory that it came. What a message does is a function of each route.

mod door;
mod payments;
mod processor;
pub mod signature;

pub use door::{Door, sweep};

use actix_web::web;

/// The routes of webhooks.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(processor::route()).service(payments::route());
}
