//! What single settings have to look like.

use crate::secret::Secret;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Url;
use std::net::IpAddr;

/// `https://host` or `http://host:port`, without a path: what browsers send as `Origin`.
pub(super) fn origin(text: &str) -> Result<String, String> {
    if text == "*" {
        return Err("name the origins one by one; `*` would let every page in the world connect".into());
    }
    let url = Url::parse(text).map_err(|_| "has to be an origin such as https://app.example.com".to_owned())?;
    let origin = url.origin();
    if !matches!(url.scheme(), "http" | "https") || url.path() != "/" || url.query().is_some() || text.ends_with('/') {
        return Err("has to be an origin such as https://app.example.com, without a path or a slash".into());
    }
    Ok(origin.ascii_serialization())
}

/// An address that Herald or others can call.
pub(super) fn web_address(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        // It is logged and printed, so it must not hold a password.
        Ok(url) if url.password().is_some() || !url.username().is_empty() => {
            Err("must not hold a user name or password".into())
        }
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err("has to be an address such as https://example.com/path".into()),
    }
}

/// An address that keys may come from: nobody must be able to change them on the way.
pub(super) fn safe_address(text: &str) -> Result<Url, String> {
    let url = web_address(text)?;
    let here = match url.host_str().unwrap_or_default() {
        "localhost" => true,
        host => host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    };
    if url.scheme() == "https" || here { Ok(url) } else { Err("has to be https, but for loopback".into()) }
}

/// The file of `sqlite:PATH`, also written `sqlite://PATH`; PostgreSQL's as it is.
pub(super) fn database(text: &str) -> Result<String, String> {
    let Some((scheme, rest)) = text.split_once(':') else {
        return Err("has to be sqlite:PATH or postgres://…".into());
    };
    match scheme {
        "sqlite" => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            match path {
                "" => Err("sqlite: needs the path of a file".into()),
                // Each connection would have an empty database of its own.
                ":memory:" => Err("has to be a file: what is acknowledged has to outlive the process".into()),
                path => Ok(format!("sqlite:{path}")),
            }
        }
        "postgres" | "postgresql" if rest.starts_with("//") => Ok(text.to_owned()),
        _ => Err("has to be sqlite:PATH or postgres://…".into()),
    }
}

/// `smtp://` or `smtps://`, perhaps with a user and a password, and how the line is secured.
pub(super) fn mail_server(text: &str) -> Result<String, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "smtp" | "smtps") && url.has_host() => Ok(text.to_owned()),
        _ => Err("has to be smtps://USER:PASSWORD@HOST or smtp://HOST:PORT?tls=required".into()),
    }
}

/// One address to send from, perhaps with a name.
pub(super) fn mailbox(text: &str) -> Result<String, String> {
    let mailbox: Result<lettre::message::Mailbox, _> = text.parse();
    mailbox.map(|mailbox| mailbox.to_string()).map_err(|error| format!("has to be an e-mail address: {error}"))
}

/// `whsec_` and base64 of 24 to 64 bytes (Standard Webhooks).
pub(super) fn webhook_secret(text: &str) -> Result<Secret, String> {
    let bytes = text.strip_prefix("whsec_").and_then(|rest| STANDARD.decode(rest).ok());
    match bytes {
        Some(bytes) if (24..=64).contains(&bytes.len()) => Ok(Secret::new(text)),
        _ => Err("has to be whsec_ followed by the base64 of 24 to 64 bytes".into()),
    }
}
