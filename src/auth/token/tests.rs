//! Tokens that hold, and every way in which one does not.

use super::*;
use crate::{auth::keys::read_pem, secret::Secret};
use serde_json::{Value, json};

const SECRET: &str = "a secret of the tests, 32 bytes and more";
const RSA: (&str, &str) = (include_str!("keys/rsa.pem"), include_str!("keys/rsa.pub"));
const EC: (&str, &str) = (include_str!("keys/ec.pem"), include_str!("keys/ec.pub"));
const ED: (&str, &str) = (include_str!("keys/ed.pem"), include_str!("keys/ed.pub"));
/// The time of these tests.
const NOW: i64 = 1_700_000_000;

fn now() -> Time {
    Time::from(chrono::DateTime::from_timestamp(NOW, 0).expect("a time"))
}

async fn with_secret() -> Tokens {
    Tokens::open(&Settings::with_secret(Secret::new(SECRET))).await.expect("tokens")
}

async fn with_public(pem: &str) -> Tokens {
    let keys = KeySource::Public(read_pem(pem).expect("keys"));
    Tokens::open(&Settings { keys, ..Settings::with_secret(Secret::new("")) }).await.expect("tokens")
}

fn claims() -> Value {
    json!({
        "iss": "herald", "aud": "herald", "sub": "0190a5b2-c3d4-7e8f-9a0b-1c2d3e4f5a6b", "sid": "s1",
        "roles": ["USER", "ADMIN"], "iat": NOW - 10, "exp": NOW + 60,
    })
}

/// The claims with one changed, or left out if null.
fn but(name: &str, value: Value) -> Value {
    let mut all = claims();
    all[name] = value;
    all.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    all
}

fn sign(claims: &Value, algorithm: Algorithm, key: &EncodingKey) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, key).expect("a token")
}

fn signed(claims: &Value) -> String {
    sign(claims, Algorithm::HS256, &EncodingKey::from_secret(SECRET.as_bytes()))
}

async fn is_refused(tokens: &Tokens, token: &str) -> bool {
    matches!(tokens.check(token, now()).await, Err(Error::Unauthorized))
}

#[actix_web::test]
async fn a_good_token_says_who_in_which_session_as_what_and_until_when() {
    let said = with_secret().await.check(&signed(&but("topics", json!(["a", "b*"]))), now()).await.expect("claims");
    assert_eq!(said.sid.as_str(), "s1");
    assert_eq!(said.user.as_str(), "0190a5b2-c3d4-7e8f-9a0b-1c2d3e4f5a6b");
    assert_eq!(said.roles.iter().collect::<Vec<_>>(), [Role::User, Role::Admin]);
    assert_eq!((said.expires_at, said.topics), (NOW + 60, vec!["a".to_owned(), "b*".to_owned()]));
}

#[actix_web::test]
async fn what_is_minted_can_be_read_and_no_two_are_alike() {
    let tokens = with_secret().await;
    let claims = tokens.check(&signed(&claims()), now()).await.expect("claims");
    let (one, two) = (tokens.mint(&claims, now()).expect("a token"), tokens.mint(&claims, now()).expect("a token"));
    assert_eq!(tokens.check(&one, now()).await.expect("claims"), claims);
    assert_ne!(one, two);
}

#[actix_web::test]
async fn every_required_claim_is_required() {
    let tokens = with_secret().await;
    for name in ["iss", "aud", "sub", "sid", "roles", "iat", "exp"] {
        assert!(is_refused(&tokens, &signed(&but(name, Value::Null))).await, "without {name}");
    }
}

#[actix_web::test]
async fn claims_of_the_wrong_value_are_refused() {
    let tokens = with_secret().await;
    for (name, value) in [
        ("iss", json!("someone")),
        ("iss", json!(["someone"])),
        ("aud", json!("others")),
        ("aud", json!(["others"])),
        ("aud", json!([])),
        ("sub", json!("ann")),
        ("sid", json!("")),
        ("sid", json!("x".repeat(65))),
        ("roles", json!("ADMIN")),
        ("exp", json!("tomorrow")),
        ("nbf", json!(NOW + LEEWAY + 1)),
        ("nbf", json!("soon")),
        ("topics", json!("a")),
        ("topics", json!(vec!["a"; TOPICS_MAX + 1])),
        ("topics", json!(["x".repeat(TOPIC_MAX + 1)])),
    ] {
        assert!(is_refused(&tokens, &signed(&but(name, value.clone()))).await, "{name} {value}");
    }
    let long = "x".repeat(TOKEN_MAX);
    assert!(is_refused(&tokens, &signed(&but("padding", json!(long)))).await);
}

#[actix_web::test]
async fn several_audiences_strange_roles_and_broken_seconds_are_fine() {
    let tokens = with_secret().await;
    let read = async |claims: Value| tokens.check(&signed(&claims), now()).await;
    assert!(read(but("aud", json!(["others", "herald"]))).await.is_ok());
    assert!(read(but("nbf", json!(NOW + LEEWAY))).await.is_ok());
    assert_eq!(read(but("exp", json!(NOW as f64 + 0.5 + 1.0))).await.expect("claims").expires_at, NOW + 1);
    let roles = read(but("roles", json!(["EDITOR", "USER", 7]))).await.expect("claims").roles;
    assert_eq!(roles.iter().collect::<Vec<_>>(), [Role::User]);
}

#[actix_web::test]
async fn an_expired_token_says_that_this_is_why() {
    let tokens = with_secret().await;
    for exp in [NOW, NOW - 1, NOW - 1000] {
        let outcome = tokens.check(&signed(&but("exp", json!(exp))), now()).await;
        assert!(matches!(outcome, Err(Error::TokenExpired)), "{exp}");
    }
    let forged = sign(&but("exp", json!(NOW - 1)), Algorithm::HS256, &EncodingKey::from_secret(b"another"));
    assert!(is_refused(&tokens, &forged).await, "nothing is said of what we did not sign");
}

#[actix_web::test]
async fn a_token_of_each_kind_of_key_holds_with_that_key_alone() {
    let (rsa, ec, ed) = (with_public(RSA.1).await, with_public(EC.1).await, with_public(ED.1).await);
    let by_rsa = |alg| sign(&claims(), alg, &EncodingKey::from_rsa_pem(RSA.0.as_bytes()).expect("a key"));
    let by_ec = sign(&claims(), Algorithm::ES256, &EncodingKey::from_ec_pem(EC.0.as_bytes()).expect("a key"));
    let by_ed = sign(&claims(), Algorithm::EdDSA, &EncodingKey::from_ed_pem(ED.0.as_bytes()).expect("a key"));
    assert!(rsa.check(&by_rsa(Algorithm::RS256), now()).await.is_ok());
    assert!(ec.check(&by_ec, now()).await.is_ok());
    assert!(ed.check(&by_ed, now()).await.is_ok());
    assert!(is_refused(&rsa, &by_rsa(Algorithm::RS512)).await, "the key's algorithm is RS256, whatever the token says");
    assert!(is_refused(&rsa, &by_ec).await);
    assert!(is_refused(&ec, &by_ed).await);
    assert!(is_refused(&ed, &by_rsa(Algorithm::RS256)).await);
    let all = with_public(&[RSA.1, EC.1, ED.1].concat()).await;
    for token in [by_rsa(Algorithm::RS256), by_ec, by_ed] {
        assert!(all.check(&token, now()).await.is_ok());
    }
}

#[actix_web::test]
async fn a_public_key_is_no_secret_to_sign_with() {
    let rsa = with_public(RSA.1).await;
    for text in [RSA.1, RSA.1.trim()] {
        let forged = sign(&claims(), Algorithm::HS256, &EncodingKey::from_secret(text.as_bytes()));
        assert!(is_refused(&rsa, &forged).await);
    }
    let secret = with_secret().await;
    let by_rsa = sign(&claims(), Algorithm::RS256, &EncodingKey::from_rsa_pem(RSA.0.as_bytes()).expect("a key"));
    assert!(is_refused(&secret, &by_rsa).await);
    let hs512 = sign(&claims(), Algorithm::HS512, &EncodingKey::from_secret(SECRET.as_bytes()));
    assert!(is_refused(&secret, &hs512).await);
}

#[actix_web::test]
async fn an_unsigned_token_is_refused_however_it_is_written() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let tokens = with_secret().await;
    let body = URL_SAFE_NO_PAD.encode(claims().to_string());
    for alg in ["none", "None", "NONE", "", "HS256"] {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": alg, "typ": "JWT" }).to_string());
        assert!(is_refused(&tokens, &format!("{header}.{body}.")).await, "{alg}");
        assert!(is_refused(&tokens, &format!("{header}.{body}")).await, "{alg}");
    }
    for junk in ["", ".", "..", "a.b.c", "hk_key"] {
        assert!(is_refused(&tokens, junk).await, "{junk}");
    }
}

#[actix_web::test]
async fn critical_extensions_are_not_waved_through() {
    let header = Header { crit: Some(vec!["exp".into()]), ..Header::new(Algorithm::HS256) };
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&header, &claims(), &key).expect("a token");
    assert!(is_refused(&with_secret().await, &token).await);
}

#[actix_web::test]
async fn where_only_public_keys_are_known_nothing_is_minted() {
    let tokens = with_public(ED.1).await;
    assert!(matches!(tokens.can_mint(), Err(Error::Unavailable(_))));
}

#[test]
fn a_file_of_keys_says_which_block_is_no_good() {
    assert!(read_pem(RSA.0).expect_err("private").contains("block 1 is a PRIVATE KEY"));
    assert!(read_pem(&format!("{}{}", ED.1, EC.0)).expect_err("private").contains("block 2"));
    assert!(read_pem("hello").is_err());
    let broken = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    assert!(read_pem(broken).expect_err("broken").contains("block 1"));
}

#[actix_web::test]
async fn a_token_that_was_checked_before_ends_with_its_time_all_the_same() {
    let tokens = with_secret().await;
    let token = signed(&but("nbf", json!(NOW)));
    for _ in 0..2 {
        assert_eq!(tokens.check(&token, now()).await.expect("claims").expires_at, NOW + 60);
    }
    assert_eq!(tokens.known.count(), 1);
    assert!(matches!(tokens.check(&token, now().plus_seconds(60)).await, Err(Error::TokenExpired)));
    assert!(matches!(tokens.check(&token, now().plus_seconds(-60)).await, Err(Error::Unauthorized)), "not yet");
}

#[actix_web::test]
async fn what_was_refused_is_not_remembered_nor_anything_that_differs_from_what_holds() {
    let tokens = with_secret().await;
    let token = signed(&claims());
    tokens.check(&token, now()).await.expect("claims");
    let (said, signature) = token.rsplit_once('.').expect("a signature");
    let mut other = signature.to_owned();
    other.replace_range(..1, if signature.starts_with('A') { "B" } else { "A" });
    assert!(is_refused(&tokens, &format!("{said}.{other}")).await);
    assert!(is_refused(&tokens, &signed(&but("iss", json!("else")))).await);
    assert_eq!(tokens.known.count(), 1);
}
