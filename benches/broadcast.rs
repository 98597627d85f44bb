//! One message to 100,000 users: how long it takes, what it needs, and what others feel of it meanwhile:
//! `cargo bench --bench broadcast`. Herald runs as a process of its own, on a SQLite file.

#[expect(dead_code, unused_imports, reason = "the words of the tests, of which this needs a few")]
#[path = "../tests/it/support/mod.rs"]
mod support;

use futures_util::future::join;
use serde_json::json;
use std::{
    cell::Cell,
    time::{Duration, Instant},
};
use support::{Process, User};

const CROWD: usize = 100_000;

/// Changes an event again and again until it is over; how long each took.
async fn changes(by: &User, id: &str, over: &Cell<bool>) -> Vec<Duration> {
    let mut took = Vec::new();
    while !over.get() {
        let began = Instant::now();
        by.describes(id, &took.len().to_string()).await.ok();
        took.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    took.sort_unstable();
    took
}

fn percentiles(took: &[Duration]) -> String {
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    format!("{} changes: p50 {:?}, p99 {:?}, most {:?}", took.len(), at(50), at(99), at(100))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let herald = Process::start().await;
    let ids = herald.database.crowd(CROWD);
    let (root, ann) = (herald.operator(), herald.stranger(&["USER"]));
    let id = ann.draft("Fair").await.id();
    let idle = Cell::new(false);
    let resting = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        idle.set(true);
    };
    let (before, ()) = join(changes(&ann, &id, &idle), resting).await;
    let last = herald.one_of(&ids, CROWD - 1);
    let resident = herald.resident();
    let began = Instant::now();
    let sent = root.post("/v1/admin/notifications", json!({ "message": "Hello, everybody", "kind": "news" })).await;
    assert_eq!(sent.expect(202)["count"], CROWD);
    let answered = began.elapsed();
    let over = Cell::new(false);
    let watching = async {
        let mut most = 0;
        while last.get("/v1/notifications").await.ok().list().is_empty() {
            most = most.max(herald.resident().unwrap_or(0));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        over.set(true);
        most
    };
    let (during, most) = join(changes(&ann, &id, &over), watching).await;
    eprintln!("answered after {answered:?}, all after {:?}", began.elapsed());
    eprintln!("resident: {resident:?} KiB before, at most {most} KiB");
    eprintln!("idle: {}", percentiles(&before));
    eprintln!("meanwhile: {}", percentiles(&during));
    assert_eq!(herald.database.inboxes().len(), CROWD);
}
