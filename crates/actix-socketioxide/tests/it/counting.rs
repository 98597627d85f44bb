//! The backlog must be exact: emitted minus `event_bytes` is what the server still holds.

use crate::support::{Polling, TestServer, Websocket, server::Live, wait};
use actix_socketioxide::Link;

fn emit(live: &Live, count: usize) -> u64 {
    let mut queued = 0;
    for n in 0..count {
        let text = "é".repeat(n * 7 % 300);
        live.socket.emit("n", &(n, &text)).expect("room in the socket's buffer");
        queued += format!(r#"42["n",{n},"{text}"]"#).len() as u64;
    }
    queued
}

/// Waits as a server would that must not queue too much.
async fn all_written(link: &Link, queued: u64) {
    loop {
        let progress = link.written_progress();
        if link.event_bytes() == queued {
            return;
        }
        assert!(link.event_bytes() < queued, "more was counted than was emitted");
        progress.await;
    }
}

#[test]
fn every_event_byte_over_a_websocket_is_counted() {
    let server = TestServer::start();
    let (mut session, live) = Websocket::connect(&server);
    let queued = emit(&live, 500);
    let received: usize = (0..500).map(|_| session.text().len()).sum();
    assert_eq!(received as u64, queued);
    wait(all_written(&live.link, queued));
    let stream = live.link.stream().expect("a websocket");
    assert_eq!(stream.event_bytes(), queued);
    assert!(stream.written() > queued);
    assert_eq!(stream.waiting(), 0);
}

#[test]
fn every_event_byte_over_polling_is_counted() {
    let server = TestServer::start();
    let (mut session, live) = Polling::connect(&server);
    let queued = emit(&live, 500);
    assert_eq!(live.link.event_bytes(), 0);
    let received: usize = session.receive(500).iter().map(String::len).sum();
    assert_eq!(received as u64, queued);
    wait(all_written(&live.link, queued));
}

#[test]
fn a_polls_answer_counts_as_taken_when_the_client_polls_again_or_upgrades() {
    let server = TestServer::start();
    let (mut session, live) = Polling::connect(&server);
    let first = emit(&live, 10);
    session.receive(10);
    assert_eq!((live.link.event_bytes(), live.link.taken_bytes()), (first, 0));
    let second = emit(&live, 10);
    session.receive(10);
    assert_eq!((live.link.event_bytes(), live.link.taken_bytes()), (first + second, first));
    let progress = live.link.taken_progress();
    let mut websocket = Websocket::upgrade(&server, &session);
    wait(progress);
    let third = emit(&live, 10);
    for _ in 0..10 {
        websocket.text();
    }
    wait(all_written(&live.link, first + second + third));
    assert_eq!(live.link.taken_bytes(), first + second + third);
}

#[test]
fn an_upgrade_goes_on_counting_where_polling_ended() {
    let server = TestServer::start();
    let (mut session, live) = Polling::connect(&server);
    let by_polling = emit(&live, 100);
    session.receive(100);
    let mut websocket = Websocket::upgrade(&server, &session);
    let by_websocket = emit(&live, 100);
    for _ in 0..100 {
        websocket.text();
    }
    wait(all_written(&live.link, by_polling + by_websocket));
}

#[test]
fn acknowledgements_count_and_binary_events_and_other_namespaces_do_not() {
    let server = TestServer::start();
    let (mut session, live) = Websocket::connect(&server);
    session.raw.text("40/admin,");
    let admin = server.came();
    assert!(session.text().starts_with("40/admin,{"));
    session.raw.text(r#"427["echo","x"]"#);
    let ack = session.text();
    assert_eq!(ack, r#"437["x"]"#);
    let bytes = rmpv::Value::Binary(vec![1, 2, 3]);
    live.socket.emit("binary", &bytes).expect("an emit");
    assert!(session.text().starts_with("451-["));
    session.raw.frame();
    admin.socket.emit("a", "b").expect("an emit");
    assert_eq!(session.text(), r#"42/admin,["a","b"]"#);
    live.socket.emit("a", "b").expect("an emit");
    let text = session.text();
    assert_eq!(text, r#"42["a","b"]"#);
    wait(all_written(&live.link, (ack.len() + text.len()) as u64));
}

#[test]
fn two_namespaces_on_one_link_count_apart() {
    let server = TestServer::start();
    let (mut session, live) = Websocket::connect(&server);
    session.raw.text("40/admin,");
    let admin = server.came();
    assert!(session.text().starts_with("40/admin,{"));
    let queued = emit(&live, 20);
    emit_elsewhere(&admin, 20);
    let received: Vec<String> = (0..40).map(|_| session.text()).collect();
    assert_eq!(received.iter().filter(|text| text.starts_with(r#"42/admin,["a","#)).count(), 20);
    wait(all_written(&live.link, queued));
    wait(live.link.elsewhere_left());
}

#[test]
fn two_namespaces_over_polling_count_apart() {
    let server = TestServer::start();
    let (mut session, live) = Polling::connect(&server);
    session.post("40/admin,");
    let admin = server.came();
    assert!(session.poll().body.starts_with("40/admin,{"));
    let queued = emit(&live, 10);
    emit_elsewhere(&admin, 10);
    assert!(live.link.event_bytes() == 0 && live.link.elsewhere_waits());
    session.receive(20);
    wait(all_written(&live.link, queued));
    wait(live.link.elsewhere_left());
}

fn emit_elsewhere(live: &Live, count: usize) {
    for n in 0..count {
        live.link.emits_elsewhere();
        live.socket.emit("a", &n).expect("room in the socket's buffer");
    }
}

#[test]
fn progress_ends_when_the_stream_does() {
    let server = TestServer::start();
    let (session, live) = Websocket::connect(&server);
    let progress = live.link.written_progress();
    let stream = live.link.stream().expect("a websocket").clone();
    drop(session);
    wait(progress);
    wait(stream.closed());
    server.went();
}
