//! `kill -9` while a message goes out to many: whoever goes on with it, everybody gets one.

use crate::support::{Over, PATIENCE, Process};
use serde_json::json;
use std::time::Instant;

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
