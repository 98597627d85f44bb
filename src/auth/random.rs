//! Random texts that open doors, and the hashes of them that are stored.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// 256 random bits as 43 characters that need no escaping in an address.
#[must_use]
pub fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// What is stored of such a text. Nobody can guess 256 bits, so one plain hash is enough, and a
/// look-up by hash tells nothing by the time it takes.
pub(super) fn stored(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}
