//! The marketplace (CONTRACT 8): buyers ask, sellers offer, one offer is accepted, the two chat, the
//! buyer pays, the seller is paid, and what goes wrong is disputed.
//!
//! Each kind of document is one file that reads as its rules: struct, input, the pure steps of its
//! state machine, queries, routes. Documents are no [`Record`](super::Record)s: nobody hears that "a
//! record changed", each step tells an event of its own to rooms of its own. What they have in common
//! is in `document`; steps that move several documents at once are in `deal`, what the payment provider tells
//! in `provider` (docs/decisions/0012-marketplace.md).

mod chats;
mod deal;
mod desk;
mod disputes;
mod document;
mod evidence;
mod haggling;
mod money;
mod offers;
mod payments;
mod payouts;
mod provider;
mod requests;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod strangers_test;

pub use chats::{ChatMessageRead, Message};
pub use deal::OfferAccepted;
pub use disputes::{Dispute, DisputeResolved};
pub use evidence::{DisputeEvidenceAdded, Evidence};
pub use haggling::OfferNegotiationUpdate;
pub use money::{Currency, Money};
pub use offers::{Offer, RequestOfferReceived};
pub use payments::{Payment, PaymentCompleted, PaymentStatusUpdated};
pub use payouts::{Payout, PayoutCompleted};
pub use provider::{Told, told_by_provider};
pub use requests::{PurchaseRequest, RequestStatusUpdated};

use actix_web::web;
use document::{Document, find, has, id_of, kept_in, list, list_of, page, seen, seen_by_its_sides};

/// Longest text that people write to each other: each travels whole, to everybody who may see it.
const TEXT_MAX: usize = 4_000;

/// The routes of the marketplace.
pub fn configure(cfg: &mut web::ServiceConfig) {
    requests::configure(cfg);
    deal::configure(cfg);
    offers::configure(cfg);
    haggling::configure(cfg);
    chats::configure(cfg);
    payments::configure(cfg);
    payouts::configure(cfg);
    disputes::configure(cfg);
    evidence::configure(cfg);
}
