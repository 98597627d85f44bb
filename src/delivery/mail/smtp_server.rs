//! `SMTP_URL`: where e-mail is handed over, and how the way there is secured.

use crate::secret::Secret;
use reqwest::Url;
use std::str::FromStr;

/// How the way to the server is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    /// TLS from the first byte (`smtps://`).
    Wrapped,
    /// STARTTLS, or nothing is said (`?tls=required`).
    Required,
    /// STARTTLS if the server offers it, which whoever sits between may hide (`?tls=opportunistic`).
    Opportunistic,
    /// None: for a server on the same machine.
    Plain,
}

/// The server that takes our e-mail.
#[derive(Debug, Clone)]
pub struct SmtpServer {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) login: Option<(String, Secret)>,
}

const SHAPE: &str = "has to be smtps://USER:PASSWORD@HOST or smtp://HOST:PORT?tls=required";

impl FromStr for SmtpServer {
    type Err = String;

    /// The message never repeats the text: it may hold a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| SHAPE.to_owned())?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| SHAPE.to_owned())?;
        let parameters: Vec<_> = url.query_pairs().collect();
        let parameters: Vec<_> = parameters.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        let (security, port) = match (url.scheme(), parameters.as_slice()) {
            ("smtps", []) => (Security::Wrapped, 465),
            ("smtp", [("tls", "required")]) => (Security::Required, 587),
            ("smtp", [("tls", "opportunistic")]) => (Security::Opportunistic, 587),
            ("smtp", []) => (Security::Plain, 25),
            _ => return Err(format!("{SHAPE} (or tls=opportunistic, or smtp://HOST without)")),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(format!("{SHAPE}, without a path"));
        }
        let login = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() && !password.is_empty() => {
                let wrong = || "has a % in its user or password that is not written %25".to_owned();
                let (user, password) = (decoded(user).ok_or_else(wrong)?, decoded(password).ok_or_else(wrong)?);
                Some((user, Secret::new(password)))
            }
            _ => return Err("needs both a user and a password, or neither".into()),
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Self { host, port: url.port().unwrap_or(port), security, login })
    }
}

impl SmtpServer {
    /// Its name or address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether somebody on the way could read the password.
    #[must_use]
    pub const fn shows_password(&self) -> bool {
        self.login.is_some() && matches!(self.security, Security::Plain | Security::Opportunistic)
    }
}

/// `%40` as `@`; `None` when it is no such text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    while let Some(byte) = bytes.next() {
        plain.push(if byte == b'%' { (hex(bytes.next()?)? << 4) | hex(bytes.next()?)? } else { byte });
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> SmtpServer {
        text.parse().unwrap_or_else(|what| panic!("{text}: {what}"))
    }

    #[test]
    fn the_scheme_and_tls_say_how_the_way_is_secured_and_which_port_is_usual() {
        for (text, security, port) in [
            ("smtps://mail.example", Security::Wrapped, 465),
            ("smtp://mail.example?tls=required", Security::Required, 587),
            ("smtp://mail.example/?tls=opportunistic", Security::Opportunistic, 587),
            ("smtp://127.0.0.1", Security::Plain, 25),
            ("smtp://[::1]:2525", Security::Plain, 2525),
        ] {
            let server = read(text);
            assert_eq!((server.security, server.port), (security, port), "{text}");
        }
        assert_eq!(read("smtp://[::1]:2525").host(), "::1");
    }

    #[test]
    fn user_and_password_may_hold_any_character_by_its_code() {
        let server = read("smtps://ann%40example.com:p%3Aa+%2f%C3%BC@mail.example");
        let (user, password) = server.login.expect("a login");
        assert_eq!((user.as_str(), password.expose()), ("ann@example.com", "p:a+/ü"));
    }

    #[test]
    fn what_is_mistyped_is_refused_without_repeating_it() {
        for text in [
            "mail.example",
            "http://mail.example",
            "smtp:mail.example",
            "smtp://u:hunter22@mail.example?tls=require",
            "smtps://u:hunter22@mail.example?tls=required",
            "smtps://u:hunter22@mail.example/path",
            "smtps://u:hunter22%zz@mail.example",
            "smtps://hunter22@mail.example",
            "smtps://:hunter22@mail.example",
        ] {
            let what = text.parse::<SmtpServer>().expect_err(text);
            assert!(!what.contains("hunter22"), "{what}");
        }
    }

    #[test]
    fn a_password_is_shown_where_tls_is_not_certain_and_in_no_debug_text() {
        assert!(read("smtp://u:hunter22@mail.example").shows_password());
        assert!(read("smtp://u:hunter22@mail.example?tls=opportunistic").shows_password());
        assert!(!read("smtp://u:hunter22@mail.example?tls=required").shows_password());
        assert!(!read("smtps://u:hunter22@mail.example").shows_password());
        assert!(!read("smtp://mail.example").shows_password());
        assert!(!format!("{:?}", read("smtps://u:hunter22@mail.example")).contains("hunter22"));
    }
}
