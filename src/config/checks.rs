//! What single settings have to look like.

use crate::{delivery::mail::SmtpServer, secret::Secret};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use lettre::message::Mailbox;
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
    let safe = url.scheme() == "https" || on_this_machine(url.host_str().unwrap_or_default());
    if safe { Ok(url) } else { Err("has to be https, but for loopback".into()) }
}

fn on_this_machine(host: &str) -> bool {
    let address: Result<IpAddr, _> = host.trim_matches(['[', ']']).parse();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
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

/// `smtp://` or `smtps://`, perhaps with a user and a password, which nobody must be able to read on the way.
pub(super) fn mail_server(text: &str) -> Result<SmtpServer, String> {
    let server: SmtpServer = text.parse()?;
    if server.shows_password() && !on_this_machine(server.host()) {
        return Err("its password would travel in the clear: use smtps:// or ?tls=required".into());
    }
    Ok(server)
}

/// One address to send from, perhaps with a name.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, String> {
    let mailbox: Mailbox = text.parse().map_err(|error| format!("has to be an e-mail address: {error}"))?;
    // Else every server that does not know such addresses would refuse everything.
    let ascii = AsRef::<str>::as_ref(&mailbox.email).is_ascii();
    if ascii { Ok(mailbox) } else { Err("has to be an ASCII address (a host of other letters as xn--…)".into()) }
}

/// `whsec_` and base64 of 24 to 64 bytes (Standard Webhooks).
pub(super) fn webhook_secret(text: &str) -> Result<Secret, String> {
    let bytes = text.strip_prefix("whsec_").and_then(|rest| STANDARD.decode(rest).ok());
    match bytes {
        Some(bytes) if (24..=64).contains(&bytes.len()) => Ok(Secret::new(text)),
        _ => Err("has to be whsec_ followed by the base64 of 24 to 64 bytes".into()),
    }
}
