//! Signed webhooks as <https://www.standardwebhooks.com> says, symmetric kind: `v1`, HMAC-SHA256 over
//! `id.timestamp.body`. Pure: the clock is given.
//!
//! Written out and not taken from the crate `standardwebhooks`: that one reads the system's clock,
//! takes one secret at a time and only bodies that are UTF-8, and brings older versions of what is
//! here already (docs/decisions/0010).

use crate::secret::Secret;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The header with the message's id, the same at each attempt.
pub const ID: &str = "webhook-id";
/// The header with the time of the attempt, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures, separated by spaces: several while secrets are changed.
pub const SIGNATURE: &str = "webhook-signature";

/// How far a sender's clock may be off, and how old an attempt may be, in seconds: what was overheard
/// can't be played again later (CONTRACT 7).
pub const TOLERANCE: i64 = 5 * 60;
/// Longest id: it is stored.
const ID_MAX: usize = 255;
/// How a secret begins.
const PREFIX: &str = "whsec_";
/// How a signature begins.
const VERSION: &str = "v1,";

/// Why a message is not believed. For the log; the sender is told 401 and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// There are no secrets to believe anybody by.
    #[error("WEBHOOK_SECRETS is not set")]
    NoSecrets,
    /// A header is missing, there twice, or not visible ASCII.
    #[error("the header {0} is missing or can't be read")]
    Header(&'static str),
    /// The id is empty or too long.
    #[error("the id has to be 1 to {ID_MAX} characters long")]
    Id,
    /// The timestamp is no number.
    #[error("the timestamp is no number of seconds")]
    Timestamp,
    /// Sent too long ago, or by a clock that is behind.
    #[error("the timestamp is more than {TOLERANCE} s in the past")]
    Old,
    /// Sent by a clock that is ahead.
    #[error("the timestamp is more than {TOLERANCE} s in the future")]
    Early,
    /// No signature is by any of the secrets.
    #[error("no signature matches")]
    Signature,
}

/// What a message says of itself in its headers.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'r> {
    /// `webhook-id`.
    pub id: &'r str,
    /// `webhook-timestamp`, as it was written: that is what was signed.
    pub timestamp: &'r str,
    /// `webhook-signature`.
    pub signatures: &'r str,
}

/// The secrets that are in force (`WEBHOOK_SECRETS`): any of them will do.
#[derive(Clone, Default)]
pub struct Secrets(Vec<Hmac<Sha256>>);

impl Secrets {
    /// These secrets, `whsec_` and base64 each; what is none is left out (the settings were checked).
    #[must_use]
    pub fn new(secrets: &[Secret]) -> Self {
        Self(secrets.iter().filter_map(|secret| keyed(secret.expose())).collect())
    }

    /// Whether the message is by somebody who knows a secret, and of now (`now`: seconds since 1970).
    ///
    /// # Errors
    /// The first doubt.
    pub fn verify(&self, claim: Claim<'_>, body: &[u8], now: i64) -> Result<(), Doubt> {
        self.plausible(claim, now)?;
        let mut signatures =
            claim.signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix(VERSION)?).ok());
        // Compares in constant time.
        let signed = |bytes: &[u8], key: &Hmac<Sha256>| fed(key, claim, body).verify_slice(bytes).is_ok();
        let found = signatures.any(|bytes| self.0.iter().any(|key| signed(&bytes, key)));
        if found { Ok(()) } else { Err(Doubt::Signature) }
    }

    /// Everything that can be told before the body was read.
    ///
    /// # Errors
    /// The first doubt.
    pub fn plausible(&self, claim: Claim<'_>, now: i64) -> Result<(), Doubt> {
        if self.0.is_empty() {
            return Err(Doubt::NoSecrets);
        }
        if claim.id.is_empty() || claim.id.len() > ID_MAX {
            return Err(Doubt::Id);
        }
        let timestamp: i64 = claim.timestamp.parse().map_err(|_| Doubt::Timestamp)?;
        if timestamp < now.saturating_sub(TOLERANCE) {
            return Err(Doubt::Old);
        }
        if timestamp > now.saturating_add(TOLERANCE) {
            return Err(Doubt::Early);
        }
        Ok(())
    }
}

/// The signature of a message, for those who send; `None` when the secret is none.
#[must_use]
pub fn sign(secret: &Secret, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let timestamp = timestamp.to_string();
    let claim = Claim { id, timestamp: &timestamp, signatures: "" };
    let mac = fed(&keyed(secret.expose())?, claim, body).finalize().into_bytes();
    Some(format!("{VERSION}{}", STANDARD.encode(mac)))
}

fn keyed(secret: &str) -> Option<Hmac<Sha256>> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    Hmac::new_from_slice(&key).ok()
}

fn fed(key: &Hmac<Sha256>, claim: Claim<'_>, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = key.clone();
    for part in [claim.id.as_bytes(), b".", claim.timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
#[path = "signature_test.rs"]
mod tests;
