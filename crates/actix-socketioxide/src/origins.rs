//! Which web pages may use the port: the allow-list of origins.

use std::collections::HashSet;

/// The pages that may open a connection. Requests without an `Origin` header (not from a browser)
/// always pass, and so do pages of the server's own host.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    any: bool,
    listed: HashSet<String>,
}

/// What the allow-list says of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No browser sent it.
    NoOrigin,
    /// The server's own page or a listed one: may carry credentials.
    Known,
    /// Some page, let in because all are.
    Any,
    Refused,
}

impl Origins {
    /// Every page. Such pages get no credentials (cookies) by CORS.
    pub fn any() -> Self {
        Self { any: true, listed: HashSet::new() }
    }

    /// Only pages of the server's own host. The default.
    pub fn same() -> Self {
        Self::default()
    }

    /// These pages, written as browsers do (`https://a.example`, `http://localhost:5173`), and
    /// those of the server's own host.
    pub fn list<T: AsRef<str>>(origins: impl IntoIterator<Item = T>) -> Self {
        Self { any: false, listed: origins.into_iter().map(|text| normal(text.as_ref())).collect() }
    }

    pub(crate) fn judge(&self, origin: Option<&str>, host: Option<&str>) -> Verdict {
        let Some(origin) = origin else {
            return Verdict::NoOrigin;
        };
        let origin = normal(origin);
        if self.listed.contains(&origin) || host.is_some_and(|host| is_same_host(&origin, host)) {
            Verdict::Known
        } else if self.any {
            Verdict::Any
        } else {
            Verdict::Refused
        }
    }
}

fn normal(origin: &str) -> String {
    let text = origin.trim().trim_end_matches('/').to_ascii_lowercase();
    match text.split_once("://") {
        Some((scheme, authority)) => {
            format!("{scheme}://{}", without_default_port(scheme, authority))
        }
        None => text,
    }
}

/// The scheme is not compared: behind a proxy that ends TLS, the server does not know its own.
fn is_same_host(origin: &str, host: &str) -> bool {
    let host = host.trim().to_ascii_lowercase();
    match origin.split_once("://") {
        Some((scheme, authority)) => authority == without_default_port(scheme, &host),
        None => false,
    }
}

fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = match scheme {
        "http" | "ws" => ":80",
        "https" | "wss" => ":443",
        _ => return authority,
    };
    authority.strip_suffix(port).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::{Verdict::*, *};

    fn listed(origin: &str) -> Verdict {
        Origins::list(["https://a.example", "http://localhost:5173/"]).judge(Some(origin), Some("herald.example"))
    }

    #[test]
    fn a_request_without_an_origin_passes() {
        assert_eq!(Origins::same().judge(None, Some("a.example")), NoOrigin);
    }

    #[test]
    fn listed_pages_and_the_servers_own_pass_and_others_do_not() {
        assert_eq!(listed("https://a.example"), Known);
        assert_eq!(listed("HTTPS://A.example:443"), Known);
        assert_eq!(listed("http://localhost:5173"), Known);
        assert_eq!(listed("https://herald.example"), Known);
        assert_eq!(listed("https://evil.example"), Refused);
        assert_eq!(listed("https://a.example.evil.example"), Refused);
        assert_eq!(listed("http://a.example"), Refused);
        assert_eq!(listed("null"), Refused);
    }

    #[test]
    fn the_port_is_part_of_the_servers_own_origin() {
        let judge = |origin, host| Origins::same().judge(Some(origin), Some(host));
        assert_eq!(judge("http://a.example:8080", "a.example:8080"), Known);
        assert_eq!(judge("http://a.example", "a.example:80"), Known);
        assert_eq!(judge("http://a.example:8081", "a.example:8080"), Refused);
        assert_eq!(judge("http://a.example", "a.example:8080"), Refused);
    }

    #[test]
    fn any_page_passes_but_is_not_known() {
        assert_eq!(Origins::any().judge(Some("https://evil.example"), None), Any);
    }
}
