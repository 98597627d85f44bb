//! Tokens: reading what one says, once its signature, time, issuer and audience hold, and minting
//! new ones (CONTRACT 2).

mod known;

use super::{
    keys::{Key, Keys, only_checks},
    settings::{KeySource, Settings},
};
use crate::{
    error::{Error, Result},
    identity::{Role, Roles, Sid},
    ids::UserId,
    time::Time,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, Validation, errors::ErrorKind};
use known::Known;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// How far the issuer's clock may be ahead of ours, in seconds (`nbf`). `exp` gets no grace: a
/// connection let in after it would be closed at once.
const LEEWAY: i64 = 5;
/// Longest token that is looked at, in bytes: checking costs time for each.
const TOKEN_MAX: usize = 8 * 1024;
/// Most topics of a token, which its connections keep.
const TOPICS_MAX: usize = 100;
/// Longest topic in a token, in bytes.
const TOPIC_MAX: usize = 128;

/// What a token says, checked. Not yet narrowed by the user's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    /// Who.
    pub user: UserId,
    /// In which login session.
    pub sid: Sid,
    /// As what.
    pub roles: Roles,
    /// Which topics may be followed: exact names, or prefixes that end in `*`.
    pub topics: Vec<String>,
    /// Until when, in seconds since 1970 (UTC).
    pub expires_at: i64,
}

/// Checks tokens, and mints them where there is a secret.
pub struct Tokens {
    keys: Keys,
    known: Known,
    signing: Option<EncodingKey>,
    issuer: String,
    audience: String,
}

/// What stands in a token that Herald mints.
#[derive(Serialize)]
struct Minted<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: UserId,
    sid: &'a Sid,
    roles: Roles,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    topics: &'a [String],
    iat: i64,
    exp: i64,
    /// So that two tokens of the same second differ.
    jti: Uuid,
}

/// What has to stand in a token; `iss` and `aud` are checked on the way here.
#[derive(Deserialize)]
struct Wire {
    sub: UserId,
    sid: Sid,
    /// Other issuers have roles that mean nothing here; they grant nothing.
    roles: Vec<serde_json::Value>,
    #[serde(default)]
    topics: Vec<String>,
    #[serde(deserialize_with = "seconds")]
    exp: i64,
    #[serde(rename = "iat", deserialize_with = "seconds")]
    _iat: i64,
    #[serde(default, deserialize_with = "maybe_seconds")]
    nbf: Option<i64>,
}

/// A NumericDate of RFC 7519: whole or broken, but a number.
fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(from)?;
    let whole = number.as_i64().or_else(|| number.as_f64().map(|f| f.floor() as i64));
    whole.ok_or_else(|| serde::de::Error::custom("not a time"))
}

fn maybe_seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    seconds(from).map(Some)
}

impl Tokens {
    /// Opens the keys; fetches them where they are fetched.
    ///
    /// # Errors
    /// 500 when no client can be built to fetch them with.
    pub async fn open(settings: &Settings) -> Result<Self> {
        let signing = match &settings.keys {
            KeySource::Secret(secret) => Some(EncodingKey::from_secret(secret.expose().as_bytes())),
            KeySource::Public(_) | KeySource::Jwks(_) => None,
        };
        let (issuer, audience) = (settings.issuer.clone(), settings.audience.clone());
        Ok(Self { keys: Keys::open(&settings.keys).await?, known: Known::default(), signing, issuer, audience })
    }

    /// Whether this server can mint tokens, hence log anybody in.
    ///
    /// # Errors
    /// 503 saying why not.
    pub fn can_mint(&self) -> Result<()> {
        if self.signing.is_some() { Ok(()) } else { Err(only_checks()) }
    }

    /// A token that says this.
    ///
    /// # Errors
    /// 503 where tokens come from another issuer.
    pub fn mint(&self, claims: &Claims, now: Time) -> Result<String> {
        let signing = self.signing.as_ref().ok_or_else(only_checks)?;
        let Claims { user, sid, roles, topics, expires_at } = claims;
        let minted = Minted {
            iss: &self.issuer,
            aud: &self.audience,
            sub: *user,
            sid,
            roles: *roles,
            topics,
            iat: now.unix(),
            exp: *expires_at,
            jti: Uuid::new_v4(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &minted, signing).map_err(Error::internal)
    }

    /// What the token says, if it holds at this time.
    ///
    /// # Errors
    /// `Unauthorized`, `TokenExpired`, or 503 when the issuer's keys are not to be had.
    pub async fn check(&self, token: &str, now: Time) -> Result<Claims> {
        if token.len() > TOKEN_MAX {
            return Err(Error::Unauthorized);
        }
        if let Some(said) = self.known.find(token) {
            return said.at(now.unix());
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Error::Unauthorized)?;
        // Whoever names extensions as critical wants them understood (RFC 7515, 4.1.11); we know none.
        if header.crit.is_some() {
            return Err(Error::Unauthorized);
        }
        for key in self.keys.named(header.kid.as_deref()).await? {
            if let Some(wire) = self.decode(token, &key)? {
                let said = Said::of(wire)?;
                let claims = said.clone().at(now.unix())?;
                // Keys that are fetched may be withdrawn: what they signed is checked each time.
                if matches!(self.keys, Keys::Fixed(_)) {
                    self.known.add(token, said);
                }
                return Ok(claims);
            }
        }
        Err(Error::Unauthorized)
    }

    /// `None` when the token is not of this key.
    fn decode(&self, token: &str, key: &Key) -> Result<Option<Wire>> {
        let mut rules = Validation::new(key.algorithm);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        rules.set_issuer(&[&self.issuer]);
        rules.set_audience(&[&self.audience]);
        // Both are checked by `claims`, against a clock that tests can set.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        match jsonwebtoken::decode::<Wire>(token, &key.key, &rules) {
            Ok(data) => Ok(Some(data.claims)),
            Err(error) => match error.kind() {
                ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => Ok(None),
                _ => Err(Error::Unauthorized),
            },
        }
    }
}

/// What a token says whenever it is asked; whether it holds is a matter of the time.
#[derive(Debug, Clone)]
struct Said {
    claims: Claims,
    not_before: Option<i64>,
}

impl Said {
    fn of(wire: Wire) -> Result<Self> {
        let Wire { sub, sid, roles, topics, exp, nbf, _iat } = wire;
        if topics.len() > TOPICS_MAX || topics.iter().any(|topic| topic.len() > TOPIC_MAX) {
            return Err(Error::Unauthorized);
        }
        let roles = roles.into_iter().filter_map(|role| serde_json::from_value::<Role>(role).ok()).collect();
        Ok(Self { claims: Claims { user: sub, sid, roles, topics, expires_at: exp }, not_before: nbf })
    }

    fn at(self, now: i64) -> Result<Claims> {
        if self.not_before.is_some_and(|nbf| nbf > now + LEEWAY) {
            return Err(Error::Unauthorized);
        }
        if self.claims.expires_at <= now {
            return Err(Error::TokenExpired);
        }
        Ok(self.claims)
    }
}

#[cfg(test)]
mod tests;
