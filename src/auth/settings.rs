//! What identity needs to know before it starts. Filled by `config`.

use super::keys::Key;
use crate::secret::Secret;
use std::net::IpAddr;

/// The settings of identity (CONTRACT 1 and 2).
#[derive(Debug, Clone)]
pub struct Settings {
    /// What tokens are checked with.
    pub keys: KeySource,
    /// The only `iss` that is accepted.
    pub issuer: String,
    /// The `aud` that has to be among a token's.
    pub audience: String,
    /// How long an access token lasts, in seconds.
    pub access_seconds: i64,
    /// How long a refresh token lasts, in seconds, counted anew at each refresh.
    pub refresh_seconds: i64,
    /// Whether strangers may register.
    pub registration: bool,
    /// When failed logins are slowed down.
    pub attempts: Attempts,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// What one password hash costs.
    pub cost: Cost,
}

/// Where the keys come from: exactly one of three.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// HS256; Herald checks and mints tokens.
    Secret(Secret),
    /// RS256, ES256, EdDSA from a file; another issuer mints.
    Public(Vec<Key>),
    /// The same, fetched from this address.
    Jwks(String),
}

/// How many failed logins are taken in a while; successful ones are never counted.
#[derive(Debug, Clone, Copy)]
pub struct Attempts {
    /// Failures for one account, from wherever.
    pub per_account: u32,
    /// Failures from one address, for whatever account.
    pub per_address: u32,
    /// The while, in seconds.
    pub window_seconds: u32,
}

/// What one password hash costs (Argon2id).
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory: u32,
    /// Passes over the memory.
    pub passes: u32,
}

impl Cost {
    /// What OWASP asks for at least: 19 MiB, 2 passes.
    pub const DEFAULT: Self = Self { memory: 19 * 1024, passes: 2 };
    /// Next to nothing, so that tests are quick. Not to be had by any setting.
    pub const CHEAP: Self = Self { memory: 8, passes: 1 };
}

impl Settings {
    /// Defaults round a secret; for tests and examples, which change what they need to.
    #[must_use]
    pub fn with_secret(secret: Secret) -> Self {
        Self {
            keys: KeySource::Secret(secret),
            issuer: "herald".into(),
            audience: "herald".into(),
            access_seconds: 900,
            refresh_seconds: 30 * 86_400,
            registration: true,
            attempts: Attempts { per_account: 10, per_address: 100, window_seconds: 900 },
            trusted_proxies: Vec::new(),
            cost: Cost::DEFAULT,
        }
    }
}
