//! The keys that tokens are checked with. Each key has exactly one algorithm, which the key itself
//! decides and a token never does (CONTRACT 2).

use super::{jwks::Jwks, settings::KeySource};
use crate::error::{Error, Result};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use std::sync::Arc;

/// Shortest secret for HS256, in bytes: what the hash itself gives (RFC 7518, 3.2).
pub const SECRET_MIN: usize = 32;
/// Most keys of one source: each may be tried on a token that names none.
pub const KEYS_MAX: usize = 16;
/// Shortest RSA modulus, in bytes (2048 bits; RFC 7518, 3.3).
const RSA_MIN: usize = 256;
/// A point of P-256, uncompressed.
const P256_POINT: usize = 65;

/// A key and its one algorithm.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its name, where it has one: tokens choose by it (`kid`).
    pub name: Option<String>,
    /// The only algorithm it is used with.
    pub algorithm: Algorithm,
    /// The key.
    pub key: DecodingKey,
}

impl Key {
    /// The key of a shared secret.
    #[must_use]
    pub fn secret(secret: &[u8]) -> Self {
        Self { name: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret) }
    }

    /// A published key; `None` for what Herald has no use for (other algorithms, encryption, secrets).
    #[must_use]
    pub fn published(jwk: &Jwk) -> Option<Self> {
        if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        let (algorithm, named) = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
            AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
                (Algorithm::ES256, KeyAlgorithm::ES256)
            }
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
                (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
            }
            _ => return None,
        };
        if jwk.common.key_algorithm.is_some_and(|said| said != named) {
            return None;
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        let strong = match key.kind() {
            jsonwebtoken::DecodingKeyKind::RsaModulusExponent { n, .. } => n.len() >= RSA_MIN,
            _ => true,
        };
        strong.then(|| Self { name: jwk.common.key_id.clone(), algorithm, key })
    }
}

/// Reads the public keys of a PEM file: one or several blocks.
///
/// # Errors
/// What is wrong with which block, in words.
pub fn read_pem(text: &str) -> Result<Vec<Key>, String> {
    const BEGIN: &str = "-----BEGIN ";
    let mut keys = Vec::new();
    for (index, rest) in text.split(BEGIN).skip(1).enumerate() {
        let nth = index + 1;
        let label = rest.split("-----").next().unwrap_or_default();
        if !matches!(label, "PUBLIC KEY" | "RSA PUBLIC KEY") {
            return Err(format!("block {nth} is a {label}; what is needed is a PUBLIC KEY"));
        }
        let block = format!("{BEGIN}{rest}");
        keys.push(public(block.as_bytes()).ok_or_else(|| {
            format!("block {nth} is no key for RS256 (2048 bits or more), ES256 (P-256) or EdDSA (Ed25519)")
        })?);
    }
    match keys.len() {
        0 => Err("there is no PEM block in it".into()),
        1..=KEYS_MAX => Ok(keys),
        _ => Err(format!("it has more than {KEYS_MAX} keys")),
    }
}

fn public(pem: &[u8]) -> Option<Key> {
    let key = |algorithm, key| Some(Key { name: None, algorithm, key });
    let length = |key: &DecodingKey| key.try_get_as_bytes().map_or(0, <[u8]>::len);
    if let Ok(found) = DecodingKey::from_ed_pem(pem) {
        return key(Algorithm::EdDSA, found);
    }
    if let Ok(found) = DecodingKey::from_ec_pem(pem) {
        return if length(&found) == P256_POINT { key(Algorithm::ES256, found) } else { None };
    }
    // Modulus, exponent and a few bytes of DER round them.
    DecodingKey::from_rsa_pem(pem).ok().filter(|found| length(found) > RSA_MIN).and_then(|k| key(Algorithm::RS256, k))
}

/// All keys that may be right for a token.
pub(super) enum Keys {
    Fixed(Arc<[Key]>),
    Fetched(Jwks),
}

impl Keys {
    pub(super) async fn open(source: &KeySource) -> Result<Self> {
        Ok(match source {
            KeySource::Secret(secret) => Self::Fixed(Arc::new([Key::secret(secret.expose().as_bytes())])),
            KeySource::Public(keys) => Self::Fixed(keys.as_slice().into()),
            KeySource::Jwks(url) => Self::Fetched(Jwks::open(url).await?),
        })
    }

    /// The keys to try, by the name that the token gives.
    pub(super) async fn named(&self, name: Option<&str>) -> Result<Vec<Key>> {
        match self {
            Self::Fixed(keys) => Ok(choose(keys, name)),
            Self::Fetched(jwks) => jwks.named(name).await,
        }
    }
}

/// By name among named keys; all that have no name, since a token can't tell those apart; and the
/// only one there is, if the token names none.
pub(super) fn choose(keys: &[Key], name: Option<&str>) -> Vec<Key> {
    if let ([only], None) = (keys, name) {
        return vec![only.clone()];
    }
    keys.iter().filter(|key| key.name.is_none() || key.name.as_deref() == name).cloned().collect()
}

/// 503 where tokens would have to be minted, but the keys can only check them.
pub(super) fn only_checks() -> Error {
    Error::Unavailable("tokens come from another issuer here; this server can't log anybody in".into())
}
