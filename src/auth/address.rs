//! Whence a request came, through proxies that are trusted to say so.

use actix_web::{HttpRequest, http::header::HeaderMap};
use std::net::{IpAddr, Ipv4Addr};

/// The client's address: the peer's, or, if the peer is a trusted proxy, the last one in
/// `X-Forwarded-For` that is no trusted proxy itself. What stands before it anyone can make up.
#[must_use]
pub fn address_of(request: &HttpRequest, trusted: &[IpAddr]) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    through_proxies(peer, request.headers(), trusted)
}

fn through_proxies(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.contains(&address.to_canonical());
    if !is_trusted(peer) {
        return peer;
    }
    let hops: Vec<&str> =
        headers.get_all("x-forwarded-for").filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(',')).collect();
    let mut nearest = peer;
    for hop in hops.iter().rev() {
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        nearest = address;
        if !is_trusted(address) {
            break;
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn from(peer: &str, forwarded: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_str(forwarded).expect("a header"));
        let trusted: Vec<IpAddr> = ["10.0.0.1", "10.0.0.2"].map(|a| a.parse().expect("an address")).into();
        through_proxies(peer.parse().expect("an address"), &headers, &trusted).to_string()
    }

    #[test]
    fn what_a_stranger_says_of_himself_is_not_believed() {
        assert_eq!(from("192.0.2.9", "198.51.100.1"), "192.0.2.9");
    }

    #[test]
    fn a_trusted_proxy_is_asked_and_only_for_what_it_saw_itself() {
        assert_eq!(from("10.0.0.1", "198.51.100.1"), "198.51.100.1");
        assert_eq!(from("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2"), "198.51.100.1");
        assert_eq!(from("10.0.0.1", "nonsense"), "10.0.0.1");
    }
}
