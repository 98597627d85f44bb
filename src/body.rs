//! JSON bodies: read within a limit, refused with the exact field that is wrong (CONTRACT 1).

use crate::error::{Error, Result};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, web};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The setting `BODY_MAX`, as app data.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimit(pub usize);

impl BodyLimit {
    /// The limit that holds for a request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> usize {
        /// Where nothing is set.
        const DEFAULT: usize = 256 * 1024;
        request.app_data::<Self>().map_or(DEFAULT, |limit| limit.0)
    }
}

/// The body of a request, read as `T`.
///
/// Refusals: 415 when it is not said to be JSON, 413 when it is too large, 400 when it does not
/// parse, 422 when a field is unknown, missing or of the wrong kind.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = receive(request, payload);
        Box::pin(async move { parse(&bytes.await?).map(Self) })
    }
}

/// What was received, as a hash (SHA-256): by it a request that comes again is known
/// (`delivery::idempotency`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of several parts, of which each stays in its place: `["a", "bc"]` is not `["ab", "c"]`.
    #[must_use]
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(Sha256::digest(part));
        }
        Self(hash.finalize().into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A [`Body`] together with its fingerprint, for requests that may come twice.
#[derive(Debug)]
pub struct MarkedBody<T> {
    /// What it says.
    pub value: T,
    /// The hash of what was received.
    pub fingerprint: Fingerprint,
}

impl<T: DeserializeOwned + 'static> FromRequest for MarkedBody<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = receive(request, payload);
        Box::pin(async move {
            let bytes = bytes.await?;
            Ok(Self { value: parse(&bytes)?, fingerprint: Fingerprint::of(&bytes) })
        })
    }
}

/// The bytes of a JSON body: 415, 413, 400 when it broke off.
fn receive(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<Bytes>> + 'static {
    let limit = BodyLimit::of(request);
    let json = is_json(request);
    let payload = web::Payload::from_request(request, payload);
    async move {
        if !json {
            return Err(Error::UnsupportedMediaType("application/json"));
        }
        let payload = payload.await.map_err(|error| Error::Malformed(error.to_string().into()))?;
        match payload.to_bytes_limited(limit).await {
            Err(_) => Err(Error::PayloadTooLarge(limit)),
            Ok(Err(_)) => Err(Error::Malformed("the body broke off".into())),
            Ok(Ok(bytes)) => Ok(bytes),
        }
    }
}

fn is_json(request: &HttpRequest) -> bool {
    let Ok(Some(kind)) = request.mime_type() else { return false };
    kind.subtype() == "json" || kind.suffix().is_some_and(|suffix| suffix == "json")
}

/// Reads `T` from JSON.
///
/// # Errors
/// 400 when it is no JSON, 422 with the field's path when it is no `T`.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    // JSON is UTF-8 (RFC 8259, 8.1): other bytes are no JSON, wherever they stand.
    let text = std::str::from_utf8(bytes).map_err(|_| Error::Malformed("the body is not UTF-8".into()))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        // A wrong kind may be met before the place where the text breaks off.
        match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => fault(&path, &cause),
            Err(broken) => malformed(&broken),
        }
    })?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(cause: &serde_json::Error) -> Error {
    Error::Malformed(format!("the body is no JSON: {cause}").into())
}

fn fault(path: &str, cause: &serde_json::Error) -> Error {
    let text = cause.to_string();
    // The position counts bytes of a body that nobody reads by position.
    let message = text.split(" at line ").next().unwrap_or_default().to_owned();
    // A missing or unknown field is named by serde's message, not by the path.
    let named = message.split('`').nth(1).filter(|_| message.contains(" field `")).map(str::to_owned);
    let field = match (path, named) {
        ("." | "", Some(name)) => name,
        ("." | "", None) => "body".into(),
        (path, Some(name)) if !path.ends_with(&name) => format!("{path}.{name}"),
        (path, _) => path.to_owned(),
    };
    Error::field(field, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only read by serde")]
        at: i64,
    }

    fn field(json: &str) -> String {
        match parse::<Vec<Inner>>(json.as_bytes()) {
            Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| fault.field.into_owned()).collect(),
            other => panic!("not a fault of a field: {other:?}"),
        }
    }

    #[test]
    fn a_fault_names_the_field_that_is_wrong() {
        assert_eq!(field(r#"[{"at":1},{"at":"x"}]"#), "[1].at");
        assert_eq!(field(r#"[{"at":1,"more":2}]"#), "[0].more");
        assert_eq!(field(r"[{}]"), "[0].at");
        assert_eq!(field(r"{}"), "body");
    }

    #[test]
    fn a_fingerprint_tells_bodies_apart_and_parts_from_their_neighbours() {
        assert_eq!(Fingerprint::of(b"abc").to_string().get(..8), Some("ba7816bf"), "SHA-256");
        assert_ne!(Fingerprint::of_parts(&[b"a", b"bc"]), Fingerprint::of_parts(&[b"ab", b"c"]));
    }

    #[test]
    fn what_does_not_parse_is_malformed_and_so_is_what_follows() {
        for json in ["", "{", "[1,]", "[] []", "nul"] {
            assert!(matches!(parse::<Vec<Inner>>(json.as_bytes()), Err(Error::Malformed(_))), "{json}");
        }
        assert!(matches!(parse::<String>(b"\"\xff\""), Err(Error::Malformed(_))), "not UTF-8");
    }
}
