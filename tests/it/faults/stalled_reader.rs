//! One of many clients stops reading (CONTRACT 3, Guarantees): the others are not delayed, it is closed,
//! memory stays bounded, and it comes back without a gap.

use crate::support::{Live, Over, Process, TestServer, Way};
use futures_util::future::join_all;
use serde_json::json;

const OTHERS: usize = 49;
const NOTICES: i64 = 100;
/// Of each notice, in bytes.
const WEIGHT: usize = 15_000;

async fn story(over: Over) {
    // Small bounds, so that the stall shows soon.
    let herald = Process::with(&[("QUEUE_MAX", "262144"), ("STALL_SECONDS", "2")]).await;
    let ann = herald.stranger(&["USER"]);
    let id = ann.draft("1").await.id();
    let mut others = Vec::new();
    for n in 0..OTHERS {
        others.push(ann.live(Over::BOTH_WAYS[n % 3]).await);
    }
    let mut stalled = ann.live_by(Way { receive_buffer: Some(4096), ..Way::new(over) }).await;
    let before = herald.resident();

    // While one does not read at all, all others hear each notice before the next one is made.
    let last = NOTICES + 1;
    let expected: Vec<i64> = (2..=last).collect();
    for version in 2..=last {
        let text = format!("{version:06}").repeat(WEIGHT / 6);
        ann.put(format!("/v1/events/{id}"), json!({ "descriptionLong": text })).await.ok();
        let hearing = others.iter_mut().map(async |live: &mut Live| {
            assert_eq!(live.hears_versions(&id, version).await, [version]);
        });
        join_all(hearing).await;
    }

    // It took what the kernel and its queue held, then it was cut; nothing was silently skipped.
    let (mut heard, _) = stalled.hears_versions_until_it_ends(&id).await;
    assert!(heard.len() < expected.len(), "it was not cut, though it held {} notices", heard.len());
    assert_eq!(heard, (2..).take(heard.len()).collect::<Vec<i64>>());
    if let (Some(before), Some(after)) = (before, herald.resident()) {
        let grown = after.saturating_sub(before);
        // What was sent to all is 75 MB: held for more than a moment, it would show.
        assert!(grown < 32 * 1024, "{before} KiB grew by {grown} KiB");
    }

    stalled.cut().await;
    stalled.resume().await;
    heard.extend(stalled.hears_versions(&id, last).await);
    assert_eq!(heard, expected);
    let marker = herald.marker().await;
    stalled.hears_marker(&marker).await;
    for live in &mut others {
        live.hears_marker(&marker).await;
    }
}

#[tokio::test]
async fn one_of_fifty_stops_reading_on_socket_io() {
    story(Over::SocketIo).await;
}

#[tokio::test]
async fn one_of_fifty_stops_reading_on_ws() {
    story(Over::WebSocket).await;
}

#[tokio::test]
async fn one_of_fifty_stops_reading_on_sse() {
    story(Over::Sse).await;
}

#[tokio::test]
async fn one_of_fifty_stops_polling() {
    story(Over::Polling).await;
}

#[tokio::test]
async fn one_that_reads_but_can_not_keep_up_is_told_so_on_ws() {
    // Less than can be set: a single stretch of a replay is more than the queue takes.
    let server = TestServer::with(|config| config.limits.queue = 16 * 1024).await;
    let ann = server.stranger(&["USER"]);
    for n in 0..40 {
        ann.draft_with(&n.to_string(), json!({ "descriptionLong": "x".repeat(4000) })).await;
    }
    let end = Live::ends_as(&ann, Way::new(Over::WebSocket).after(0)).await;
    assert_eq!((end.code, end.how.as_str()), (Some(4008), "slow_consumer"));
}
