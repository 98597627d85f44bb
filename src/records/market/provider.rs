//! What the payment provider tells (`POST /v1/webhooks/payments`): of payments and of payouts.

use super::{
    payments::{self, Payment},
    payouts::{self, Payout},
};
use crate::{
    delivery::outbox::Tx,
    error::Result,
    ids::{PaymentId, PayoutId},
    records::Faults,
};
use serde::Deserialize;

/// Longest id of the provider's that is kept.
const PROVIDER_ID_MAX: usize = 200;

/// A word of the provider's.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Told {
    /// How far a payment is.
    Payment {
        /// Ours.
        payment_id: PaymentId,
        /// The provider's.
        provider_payment_id: String,
        /// How far.
        status: payments::Status,
    },
    /// How far a payout is.
    Payout {
        /// Ours.
        payout_id: PayoutId,
        /// How far.
        status: payouts::Status,
        /// Where it stands in the provider's book; not needed of one that failed.
        tx_hash: Option<String>,
    },
}

/// Takes the provider's word, whose signature was checked. Late or repeated words change nothing.
///
/// # Errors
/// 404 for what there is not, 422.
pub async fn told_by_provider(tx: &mut Tx, told: Told) -> Result<()> {
    match told {
        Told::Payment { payment_id, provider_payment_id, status } => {
            let mut faults = Faults::default();
            faults.text("providerPaymentId", &provider_payment_id, 1..=PROVIDER_ID_MAX);
            faults.or(())?;
            Payment::told(tx, payment_id, provider_payment_id, status).await
        }
        Told::Payout { payout_id, status, tx_hash } => {
            let mut faults = Faults::default();
            let least = usize::from(status == payouts::Status::Completed);
            faults.text("txHash", tx_hash.as_deref().unwrap_or_default(), least..=PROVIDER_ID_MAX);
            faults.or(())?;
            Payout::told(tx, payout_id, status, tx_hash).await
        }
    }
}
