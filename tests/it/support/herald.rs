//! A Herald somewhere, as its users see it: an address, and the secret that its tokens are signed with.

use super::{Call, Live, Over, Way, http::Request};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use uuid::Uuid;

/// How long anything may take; only a failure takes so long.
pub const PATIENCE: Duration = Duration::from_secs(10);
pub const SECRET: &str = "a secret that only these tests know, 32 bytes or more";
pub const PASSWORD: &str = "correct horse battery staple";

/// What stands in a token.
#[derive(Debug, Clone)]
pub struct Claims(pub Value);

impl Claims {
    /// Of somebody who is not known, for an hour.
    pub fn of(sub: &str, roles: &[&str]) -> Self {
        let now = now();
        let sid = Uuid::new_v4();
        Self(json!({
            "sub": sub, "sid": sid, "roles": roles, "iss": "herald", "aud": "herald", "iat": now, "exp": now + 3600,
        }))
    }

    pub fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.0[claim] = value.into();
        self
    }

    pub fn without(mut self, claim: &str) -> Self {
        self.0.as_object_mut().expect("claims").remove(claim);
        self
    }

    /// Signed as Herald signs.
    pub fn token(&self) -> String {
        self.signed(SECRET)
    }

    pub fn signed(&self, secret: &str) -> String {
        let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &self.0, &key).expect("a token")
    }
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(since.as_secs()).expect("a time")
}

/// Where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Herald {
    pub addr: SocketAddr,
}

impl Herald {
    /// A call by nobody.
    pub fn call(self, method: &str, path: impl Into<String>) -> Call {
        Call::new(self.addr, Request::new(method, path))
    }

    pub fn post(self, path: impl Into<String>, body: Value) -> Call {
        let request = Request::new("POST", path).json(&body);
        Call::new(self.addr, request)
    }

    /// Somebody whom Herald knows: registered and logged in.
    pub async fn user(self, name: &str) -> User {
        let email = format!("{name}-{}@example.com", Uuid::new_v4());
        let person = json!({ "email": email, "password": PASSWORD, "firstName": name, "lastName": "Test" });
        let made = self.post("/v1/auth/register", person).await.created();
        let user = User::new(self, made.id(), email);
        user.login().await;
        user
    }

    /// Somebody whom Herald knows, with these roles.
    pub async fn user_with(self, name: &str, roles: &[&str]) -> User {
        let user = self.user(name).await;
        self.operator().put(format!("/v1/admin/users/{}", user.id), json!({ "roles": roles })).await.ok();
        user.login().await;
        user
    }

    /// A known administrator.
    pub async fn admin(self, name: &str) -> User {
        self.user_with(name, &["USER", "ADMIN"]).await
    }

    /// A known seller.
    pub async fn seller(self, name: &str) -> User {
        self.user_with(name, &["USER", "SELLER"]).await
    }

    /// Somebody of another issuer's, whom Herald has no record of: let in with the token's roles.
    pub fn stranger(self, roles: &[&str]) -> User {
        let sub = Uuid::now_v7().to_string();
        self.bearer(&sub, &Claims::of(&sub, roles))
    }

    /// Whoever holds this token.
    pub fn bearer(self, id: &str, claims: &Claims) -> User {
        let user = User::new(self, id.to_owned(), String::new());
        user.tokens.borrow_mut().access = claims.token();
        user.tokens.borrow_mut().sid = claims.0["sid"].as_str().unwrap_or_default().to_owned();
        user
    }

    /// An administrator from outside, for what a test needs done and is not about.
    pub fn operator(self) -> User {
        self.stranger(&["USER", "ADMIN"])
    }

    /// Tells everybody something, as the proof that nothing came before it. All clients pass over it
    /// unless they wait for it.
    pub async fn marker(self) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("{MARKER}{} {}", NEXT.fetch_add(1, Ordering::Relaxed), Uuid::new_v4());
        self.operator().post("/v1/departments", json!({ "name": name })).await.created().id()
    }
}

/// How the name of a marker begins.
pub const MARKER: &str = "Marker ";

#[derive(Debug, Clone, Default)]
struct Tokens {
    access: String,
    refresh: String,
    sid: String,
}

/// A person, with the tokens of one login.
pub struct User {
    pub herald: Herald,
    pub id: String,
    pub email: String,
    tokens: RefCell<Tokens>,
}

impl User {
    fn new(herald: Herald, id: String, email: String) -> Self {
        Self { herald, id, email, tokens: RefCell::default() }
    }

    /// The same person, logged in once more, as on another device.
    pub async fn elsewhere(&self) -> Self {
        let other = Self::new(self.herald, self.id.clone(), self.email.clone());
        other.login().await;
        other
    }

    /// Logs in anew.
    pub async fn login(&self) {
        let body = json!({ "email": self.email, "password": PASSWORD });
        let answer = self.herald.post("/v1/auth/login", body).await.ok();
        self.take(&answer);
    }

    /// Trades the refresh token for new ones.
    pub async fn refresh(&self) {
        let body = json!({ "refreshToken": self.refresh_token() });
        let answer = self.herald.post("/v1/auth/refresh", body).await.ok();
        self.take(&answer);
    }

    fn take(&self, answer: &Value) {
        let text = |field: &str| answer[field].as_str().unwrap_or_else(|| panic!("no {field}: {answer}")).to_owned();
        let access = text("accessToken");
        let sid = claims_of(&access)["sid"].as_str().expect("a sid").to_owned();
        *self.tokens.borrow_mut() = Tokens { access, refresh: text("refreshToken"), sid };
    }

    pub fn token(&self) -> String {
        self.tokens.borrow().access.clone()
    }

    pub fn refresh_token(&self) -> String {
        self.tokens.borrow().refresh.clone()
    }

    /// The login session.
    pub fn sid(&self) -> String {
        self.tokens.borrow().sid.clone()
    }

    /// Claims of this user in this login session, to be bent.
    pub fn claims(&self, roles: &[&str]) -> Claims {
        Claims::of(&self.id, roles).with("sid", self.sid())
    }

    pub fn room(&self) -> String {
        format!("user-{}", self.id)
    }

    pub fn call(&self, method: &str, path: impl Into<String>) -> Call {
        self.herald.call(method, path).header("Authorization", format!("Bearer {}", self.token()))
    }

    fn send(&self, method: &str, path: impl Into<String>, body: &Value) -> Call {
        let call = self.call(method, path);
        Call::new(self.herald.addr, call.request.json(body))
    }

    pub fn get(&self, path: impl Into<String>) -> Call {
        self.call("GET", path)
    }

    pub fn post(&self, path: impl Into<String>, body: Value) -> Call {
        self.send("POST", path, &body)
    }

    pub fn put(&self, path: impl Into<String>, body: Value) -> Call {
        self.send("PUT", path, &body)
    }

    pub fn delete(&self, path: impl Into<String>) -> Call {
        self.call("DELETE", path)
    }

    /// A one-use ticket.
    pub async fn ticket(&self) -> String {
        let answer = self.call("POST", "/v1/auth/ticket").await.created();
        assert_eq!(answer["expiresIn"], 30);
        answer["ticket"].as_str().expect("a ticket").to_owned()
    }

    /// A live connection over this wire, after `ready`.
    pub async fn live(&self, over: Over) -> Live {
        self.live_by(Way::new(over)).await
    }

    /// The same, with more to say in the handshake.
    pub async fn live_by(&self, way: Way) -> Live {
        Live::open(self, way).await
    }
}

/// What stands in a token, unchecked.
pub fn claims_of(token: &str) -> Value {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    let part = token.split('.').nth(1).expect("three parts");
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64");
    serde_json::from_slice(&bytes).expect("claims")
}
