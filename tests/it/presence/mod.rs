//! Presence (CONTRACT 9): who is online, on how many connections, who may know of it and who hears of it.

mod answers;
mod counting;
mod rights;

use crate::support::{Live, Over, PATIENCE, TestServer, User};
use serde_json::{Value, json};
use std::time::Duration;

/// Nobody is missed for long.
const SHORT: Duration = Duration::from_millis(1);
/// Nobody is ever missed in a test.
const LONG: Duration = Duration::from_secs(600);

async fn server_with(grace: Duration) -> TestServer {
    TestServer::with(move |config| config.limits.presence_grace = grace).await
}

fn is(user: &User, online: bool, connections: usize) -> Value {
    json!({ "userId": user.id, "online": online, "connections": connections })
}

/// The last that is heard of a user whom one may watch no more.
fn ended(user: &User) -> Value {
    json!({ "userId": user.id, "online": false, "connections": 0, "ended": true })
}

impl User {
    async fn presence_of(&self, others: &[&User]) -> Vec<Value> {
        self.get(path(others)).await.ok().list().clone()
    }

    /// Asks until the answer is this.
    async fn sees(&self, truth: &[Value], others: &[&User]) {
        let asking = async { while self.presence_of(others).await != truth {} };
        let in_time = tokio::time::timeout(PATIENCE, asking).await;
        assert!(in_time.is_ok(), "{truth:?} is not {:?}", self.presence_of(others).await);
    }
}

impl Live {
    async fn watches(&mut self, others: &[&User]) -> Vec<Value> {
        let ack = self.asks("presence:subscribe", json!({ "userIds": ids(others) })).await;
        ack["presence"].as_array().unwrap_or_else(|| panic!("no presence: {ack}")).clone()
    }

    async fn hears_presence(&mut self, truth: Value) {
        assert_eq!(self.hears("presence").await, truth);
    }

    /// Hears this sooner or later; what it hears before is passed over.
    async fn hears_presence_at_last(&mut self, truth: Value) {
        self.hears_at_last("presence", |data| *data == truth).await;
    }
}

/// None of them heard anything.
async fn silence(server: &TestServer, lives: &mut [Live]) {
    let marker = server.marker().await;
    for live in lives {
        live.hears_marker(&marker).await;
    }
}

fn ids(users: &[&User]) -> Vec<String> {
    users.iter().map(|user| user.id.clone()).collect()
}

fn path(users: &[&User]) -> String {
    format!("/v1/presence?userIds={}", ids(users).join(","))
}

/// The same on every wire that can ask.
async fn everywhere(user: &User) -> Vec<Live> {
    let mut all = Vec::new();
    for over in Over::BOTH_WAYS {
        all.push(user.live(over).await);
    }
    all
}
