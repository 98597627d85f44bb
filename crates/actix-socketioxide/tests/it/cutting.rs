//! Readers that take nothing, and sessions that the server ends.

use crate::support::{Polling, Raw, TestServer, Websocket, raw::request, wait};
use actix_socketioxide::Link;
use socketioxide::extract::SocketRef;
use std::time::Duration;

const LARGE: usize = 256_000;
const MANY: usize = 60;

fn impatient() -> TestServer {
    TestServer::with(|mount| mount.stall(Duration::from_millis(200)).send_buffer(16_384))
}

/// More than the kernel's buffers on both sides take.
fn flood(socket: &SocketRef) {
    let large = "x".repeat(LARGE);
    for _ in 0..MANY {
        if socket.emit("large", &large).is_err() {
            return; // cut meanwhile
        }
    }
}

#[test]
fn a_stalled_reader_is_cut_and_the_others_are_not_delayed() {
    let server = impatient();
    let (mut reader, lively) = Websocket::connect(&server);
    let (_stalled, stuck) = Websocket::connect(&server);
    flood(&stuck.socket);
    lively.socket.emit("small", "news").expect("an emit");
    assert_eq!(reader.text(), r#"42["small","news"]"#);
    wait(stuck.link.closed());
    server.went();
    let stats = server.mount.stats();
    assert_eq!((stats.stalled, stats.websockets), (1, 1));
    lively.socket.emit("small", "again").expect("an emit");
    assert_eq!(reader.text(), r#"42["small","again"]"#);
}

#[test]
fn a_reader_that_falls_behind_but_reads_is_not_cut() {
    let server = TestServer::with(|mount| mount.stall(Duration::from_secs(5)).send_buffer(16_384));
    let (mut slow, live) = Websocket::connect(&server);
    let emitting = std::thread::spawn(move || flood(&live.socket));
    for _ in 0..MANY {
        assert_eq!(slow.text().len(), LARGE + r#"42["large",""]"#.len());
    }
    emitting.join().expect("all emitted");
    assert_eq!(server.mount.stats().stalled, 0);
}

#[test]
fn a_stalled_reader_of_an_ordinary_answer_is_cut_too() {
    let server = impatient();
    let mut raw = Raw::connect(server.addr);
    raw.send(request("GET", "/endless", &[], ""));
    let meter = server.metered();
    wait(meter.closed());
    assert!(meter.waiting() > 0);
    assert_eq!(server.mount.stats().stalled, 1);
}

#[test]
fn cutting_a_websockets_link_ends_it_at_once() {
    let server = TestServer::start();
    let (mut session, live) = Websocket::connect(&server);
    live.link.cut();
    session.raw.ends();
    server.went();
    assert!(live.link.is_closed());
}

#[test]
fn cutting_a_polling_link_ends_its_open_poll_and_its_session() {
    let server = TestServer::start();
    let (mut session, live) = Polling::connect(&server);
    session.raw.send(request("GET", &session.path(), &[], ""));
    live.link.cut();
    session.raw.answer();
    server.went();
    assert_eq!(session.poll().status, 400);
}

#[test]
fn cutting_an_upgraded_link_ends_its_websocket() {
    let server = TestServer::start();
    let (session, live) = Polling::connect(&server);
    let mut websocket = Websocket::upgrade(&server, &session);
    live.link.cut();
    websocket.raw.ends();
    server.went();
}

#[test]
fn a_cut_handle_works_from_any_thread() {
    let server = TestServer::start();
    let (mut session, live) = Polling::connect(&server);
    let link: Link = live.link.clone();
    std::thread::spawn(move || link.cut()).join().expect("a clean thread");
    server.went();
    assert_eq!(session.poll().status, 400);
}
