//! Keys that another issuer publishes at an address (`JWKS_URL`).

use super::keys::{KEYS_MAX, Key, choose};
use crate::error::{Error, Result};
use jsonwebtoken::jwk::Jwk;
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// An unknown key makes Herald ask again, but no more often than this: tokens are made up for free.
const AGAIN: Duration = Duration::from_secs(300);
/// While there are no keys at all, nobody gets in: ask again sooner.
const AGAIN_WHEN_EMPTY: Duration = Duration::from_secs(10);
/// Keys are asked for anew after this, so that one that was withdrawn stops working.
const STALE: Duration = Duration::from_secs(3600);
/// How long the issuer may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Most bytes of an answer; a key set is a few thousand.
const BYTES_MAX: usize = 256 * 1024;

/// The published keys as they were fetched last.
pub(super) struct Jwks {
    url: String,
    client: reqwest::Client,
    keys: RwLock<Arc<[Key]>>,
    /// When was asked last; held while asking, so that one asks for all.
    asked: Mutex<Instant>,
}

#[derive(serde::Deserialize)]
struct Published {
    keys: Vec<serde_json::Value>,
}

impl Jwks {
    pub(super) async fn open(url: &str) -> Result<Self> {
        // Fails only when a provider was chosen already, which is just as well.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Error::internal)?;
        let jwks =
            Self { url: url.to_owned(), client, keys: RwLock::new(Arc::new([])), asked: Mutex::new(Instant::now()) };
        jwks.fetch().await;
        Ok(jwks)
    }

    pub(super) async fn named(&self, name: Option<&str>) -> Result<Vec<Key>> {
        let keys = self.current();
        let found = choose(&keys, name);
        self.refresh(found.is_empty(), keys.is_empty()).await;
        let keys = self.current();
        if keys.is_empty() {
            return Err(Error::Unavailable("the issuer's keys can't be had at the moment".into()));
        }
        Ok(choose(&keys, name))
    }

    fn current(&self) -> Arc<[Key]> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn refresh(&self, unknown: bool, empty: bool) {
        let due = match (empty, unknown) {
            (true, _) => AGAIN_WHEN_EMPTY,
            (_, true) => AGAIN,
            _ => STALE,
        };
        // Who has no key waits for the one who asks; everybody else goes on with what there is.
        let mut asked = match self.asked.try_lock() {
            Ok(asked) => asked,
            Err(_) if unknown => self.asked.lock().await,
            Err(_) => return,
        };
        if asked.elapsed() >= due {
            *asked = Instant::now();
            self.fetch().await;
        }
    }

    async fn fetch(&self) {
        match self.ask().await {
            Ok(keys) => {
                log::info!("{} keys fetched from {}", keys.len(), self.url);
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
            }
            Err(cause) => log::error!("no keys from {}: {cause}", self.url),
        }
    }

    async fn ask(&self) -> Result<Vec<Key>, String> {
        let mut answer = self.client.get(&self.url).send().await.map_err(|e| e.without_url().to_string())?;
        if !answer.status().is_success() {
            return Err(format!("the answer is {}", answer.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| e.without_url().to_string())? {
            if body.len() + chunk.len() > BYTES_MAX {
                return Err(format!("the answer is larger than {BYTES_MAX} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        read(&body)
    }
}

/// The usable keys of a key set. One that can't be read does not spoil the others.
fn read(body: &[u8]) -> Result<Vec<Key>, String> {
    let published: Published = serde_json::from_slice(body).map_err(|_| "the answer is no key set".to_owned())?;
    let keys: Vec<Key> = published
        .keys
        .into_iter()
        .filter_map(|value| serde_json::from_value::<Jwk>(value).ok())
        .filter_map(|jwk| Key::published(&jwk))
        .take(KEYS_MAX)
        .collect();
    if keys.is_empty() { Err("none of the keys is for RS256, ES256 or EdDSA".into()) } else { Ok(keys) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::Algorithm;
    use std::{
        io::{Read as _, Write as _},
        sync::atomic::{AtomicUsize, Ordering},
    };

    /// Answers every request with this status and body; how many there were.
    fn issuer(status: u16, body: String) -> (String, Arc<AtomicUsize>) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let (url, asked) = (format!("http://{}/keys", listener.local_addr().expect("an address")), Arc::default());
        let count: Arc<AtomicUsize> = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let _ = stream.read(&mut [0; 4096]).expect("a request");
                count.fetch_add(1, Ordering::SeqCst);
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close", body.len());
                // Whoever finds it too long hangs up.
                let _ = write!(stream, "{head}\r\n\r\n{body}");
            }
        });
        (url, asked)
    }

    fn one_key() -> String {
        let x = "oa3nqYUHGVb_NSMSvjFCYf9g97YQJugA7A8iuMvmbh4";
        serde_json::json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "a" }] }).to_string()
    }

    #[actix_web::test]
    async fn keys_are_fetched_once_and_made_up_names_do_not_make_herald_ask_again() {
        let (url, asked) = issuer(200, one_key());
        let jwks = Jwks::open(&url).await.expect("a client");
        assert_eq!(jwks.named(Some("a")).await.expect("keys").len(), 1);
        assert_eq!(jwks.named(None).await.expect("keys").len(), 1, "the only one");
        for n in 0..10 {
            assert!(jwks.named(Some(&n.to_string())).await.expect("keys").is_empty());
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[actix_web::test]
    async fn without_keys_nobody_can_tell_and_that_is_said() {
        for (status, body) in [(500, one_key()), (302, one_key()), (200, "x".repeat(BYTES_MAX + 1)), (200, "{}".into())]
        {
            let (url, _) = issuer(status, body);
            let jwks = Jwks::open(&url).await.expect("a client");
            assert!(matches!(jwks.named(Some("a")).await, Err(Error::Unavailable(_))), "{status}");
        }
    }

    #[test]
    fn a_key_set_yields_the_keys_for_signatures_and_skips_secrets_and_what_it_does_not_know() {
        let x = "oa3nqYUHGVb_NSMSvjFCYf9g97YQJugA7A8iuMvmbh4";
        let set = serde_json::json!({ "keys": [
            { "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "a" },
            { "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "b", "use": "enc" },
            { "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "c", "alg": "ES256" },
            { "kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I", "kid": "d" },
            { "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "short" },
            { "kty": "LATTICE", "kid": "e" },
            17,
        ]});
        let keys = read(set.to_string().as_bytes()).expect("keys");
        let found: Vec<_> = keys.iter().map(|key| (key.name.as_deref(), key.algorithm)).collect();
        assert_eq!(found, [(Some("a"), Algorithm::EdDSA)]);
        assert!(read(b"{}").is_err());
        assert!(read(b"{\"keys\":[]}").is_err());
    }
}
