//! SIGTERM stops within 15 s (CONTRACT 1), whoever is connected.

use crate::support::{Over, Process, TestServer, Way};
use std::time::Duration;

#[tokio::test]
async fn asked_to_stop_it_closes_every_connection_and_goes() {
    let mut herald = Process::start().await;
    let ann = herald.stranger(&["USER"]);
    let mut everywhere = ann.everywhere().await;
    let stopping = tokio::task::spawn_blocking(move || {
        let (status, took) = herald.terminate();
        (status, took, herald)
    });
    for live in &mut everywhere.0 {
        let end = live.ends().await;
        if live.over() == Over::WebSocket {
            assert_eq!(end.code, Some(1001), "{end:?}");
        }
    }
    let (status, took, _herald) = stopping.await.expect("it stops");
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[tokio::test]
async fn asked_to_stop_it_waits_for_no_client_that_does_not_answer() {
    let mut herald = Process::start().await;
    let ann = herald.stranger(&["USER"]);
    // They neither read nor close, the last has not even said what it wants.
    let mut silent = Vec::new();
    for over in Over::ALL {
        silent.push(ann.live_by(Way { receive_buffer: Some(4096), ..Way::new(over) }).await);
    }
    let _idle = tokio::net::TcpStream::connect(herald.addr).await.expect("a connection");
    let (status, took) = herald.terminate();
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[tokio::test]
async fn a_server_that_comes_back_has_all_that_was_answered() {
    let mut server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let id = ann.draft("1").await.id();
    let calls = (0..50).map(|n| ann.describes(&id, &n.to_string()).attempt());
    let answers = futures_util::future::join_all(calls).await;
    server.restart().await;
    let done = answers.iter().filter(|answer| answer.as_ref().is_ok_and(|answer| answer.head.status == 200)).count();
    let version = ann.get(format!("/v1/events/{id}")).await.ok()["version"].as_i64().expect("a version");
    assert_eq!(usize::try_from(version).expect("a number"), done + 1);
}
