//! `kill -9` while a message goes out to many: whoever goes on with it, everybody gets one.

use crate::support::{Over, PATIENCE, Process, User};
use futures_util::future::join;
use serde_json::json;
use std::{
    cell::Cell,
    time::{Duration, Instant},
};

#[tokio::test]
async fn killed_in_the_middle_of_a_message_to_many_it_finishes_and_everybody_has_it_once() {
    let mut herald = Process::start().await;
    let ids = herald.database.crowd(3_000);
    let root = herald.operator();
    let (early, last) = (herald.one_of(&ids, 450), herald.one_of(&ids, 2_999));
    let (mut early, mut last) = (early.live(Over::SocketIo).await, last.live(Over::WebSocket).await);
    let body = json!({ "message": "Hello", "kind": "news" });
    let answer = root.post("/v1/admin/notifications", body).await.expect(202);
    assert_eq!(answer["count"], 3_000);
    // Two stretches after the answer, and many before the end.
    early.is_notified("news").await;
    herald.kill_9();
    early.cut().await;
    last.cut().await;
    let reached = herald.database.inboxes().len();
    assert!((451..3_000).contains(&reached), "it was not in the middle: {reached}");
    assert_eq!(herald.database.under_way(), 1);

    herald.restart();
    last.resume().await;
    last.hears_at_last("new_notification", |new| new["kind"] == "news").await;
    let asked = Instant::now();
    while herald.database.under_way() > 0 {
        assert!(asked.elapsed() < PATIENCE, "it never ends");
    }
    let inboxes = herald.database.inboxes();
    assert_eq!(inboxes.len(), 3_000);
    assert!(inboxes.values().all(|count| *count == 1), "nobody has two");
}

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

/// docs/operations.md has what it said.
#[tokio::test]
#[ignore = "a measurement of a minute or so: cargo test --test it -- --ignored a_hundred_thousand --nocapture"]
async fn a_hundred_thousand_in_bounded_time_and_memory_while_others_go_on() {
    const CROWD: usize = 100_000;
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
