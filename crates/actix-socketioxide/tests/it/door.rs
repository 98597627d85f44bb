//! What is put past the engine: its order, its count, its bounds.

use crate::support::{Polling, TestServer, Websocket, server::Live, wait};
use actix_socketioxide::{Door, Frames, Full};
use std::time::Duration;

const PLENTY: usize = usize::MAX;

fn event(n: usize, len: usize) -> String {
    format!(r#"42["put",{n},"{}"]"#, "x".repeat(len))
}

fn put(door: &Door, n: usize, len: usize, behind: u64) -> u64 {
    let frames = Frames::text(&event(n, len));
    door.put(&frames, behind, PLENTY).expect("there is room");
    frames.event_bytes()
}

/// Emits through the engine; answers the bytes of the packet.
fn emit(live: &Live, n: usize, len: usize) -> u64 {
    let text = "x".repeat(len);
    live.socket.emit("put", &(n, &text)).expect("room in the socket's buffer");
    event(n, len).len() as u64
}

#[test]
fn what_is_put_and_what_is_emitted_come_in_the_order_given_and_are_counted() {
    let server = TestServer::start();
    let (mut session, live) = Websocket::connect(&server);
    let door = live.link.door().expect("a websocket");
    let (mut emitted, mut put_bytes) = (0, 0);
    for n in 0..1000 {
        match n * 7 % 5 {
            0 | 1 => emitted += emit(&live, n, n % 300),
            _ => put_bytes += put(&door, n, n % 300, emitted),
        }
    }
    for n in 0..1000 {
        assert_eq!(session.text(), event(n, n % 300));
    }
    wait(async {
        while live.link.event_bytes() < emitted + put_bytes {
            let progress = live.link.written_progress();
            if live.link.event_bytes() < emitted + put_bytes {
                progress.await;
            }
        }
    });
    assert_eq!(door.put_bytes(), put_bytes);
    assert_eq!((live.link.event_bytes(), live.link.taken_bytes()), (emitted + put_bytes, emitted + put_bytes));
    assert_eq!(live.link.stream().expect("a websocket").waiting(), 0);
}

#[test]
fn the_door_opens_with_the_upgrade_and_what_is_put_follows_what_polling_left_behind() {
    let server = TestServer::start();
    let (session, live) = Polling::connect(&server);
    assert!(live.link.door().is_none());
    let mut polling = session;
    let mut emitted = emit(&live, 0, 10);
    assert_eq!(polling.receive(1), [event(0, 10)]);
    let mut websocket = Websocket::upgrade(&server, &polling);
    let door = wait(async {
        loop {
            match live.link.door() {
                Some(door) => break door,
                None => tokio::task::yield_now().await,
            }
        }
    });
    for n in 1..500 {
        if n % 3 == 0 {
            emitted += emit(&live, n, n);
        } else {
            put(&door, n, n, emitted);
        }
    }
    for n in 1..500 {
        assert_eq!(websocket.text(), event(n, n));
    }
}

#[test]
fn a_slow_reader_gets_everything_whole() {
    const LARGE: usize = 100_000;
    let server = TestServer::with(|mount| mount.send_buffer(16_384));
    let (mut slow, live) = Websocket::connect(&server);
    let door = live.link.door().expect("a websocket");
    // More than the kernel takes: pieces of frames leave.
    let mut emitted = 0;
    for n in 0..100 {
        if n % 4 == 0 {
            emitted += emit(&live, n, LARGE);
        } else {
            put(&door, n, LARGE, emitted);
        }
    }
    assert!(live.link.event_bytes() < 100 * LARGE as u64);
    for n in 0..100 {
        assert_eq!(slow.text(), event(n, LARGE));
    }
    // Nothing waits any more: the next one leaves at once.
    put(&door, 100, 1, emitted);
    assert_eq!(slow.text(), event(100, 1));
    assert_eq!(server.mount.stats().stalled, 0);
}

#[test]
fn a_reader_that_takes_nothing_is_full_at_the_bound_and_cut_after_the_stall() {
    let server = TestServer::with(|mount| mount.stall(Duration::from_millis(200)).send_buffer(16_384));
    let (_stalled, live) = Websocket::connect(&server);
    let door = live.link.door().expect("a websocket");
    let frames = Frames::text(&event(0, 10_000));
    let mut taken = 0;
    while door.put(&frames, 0, 1_000_000) == Ok(()) {
        taken += frames.len();
        assert!(taken < 20_000_000, "no bound");
    }
    assert!(taken > 1_000_000);
    assert_eq!(door.put(&Frames::text("2"), 0, 10), Err(Full));
    wait(live.link.closed());
    server.went();
    assert_eq!(server.mount.stats().stalled, 1);
    assert_eq!(door.put(&frames, 0, 10), Ok(()), "nobody is there any more");
}

#[test]
fn what_is_held_for_an_event_that_never_comes_ends_the_stream() {
    let server = TestServer::with(|mount| mount.stall(Duration::from_millis(200)));
    let (mut session, live) = Websocket::connect(&server);
    let door = live.link.door().expect("a websocket");
    put(&door, 0, 1, 1);
    wait(live.link.closed());
    session.raw.ends();
    server.went();
}

#[test]
fn a_link_that_is_cut_ends_whatever_waits() {
    let server = TestServer::with(|mount| mount.send_buffer(16_384));
    let (_stuck, live) = Websocket::connect(&server);
    let door = live.link.door().expect("a websocket");
    for n in 0..100 {
        put(&door, n, 100_000, 0);
    }
    live.link.cut();
    server.went();
    assert_eq!(server.mount.stats().websockets, 0);
}

#[test]
fn what_was_put_before_the_server_says_goodbye_still_leaves() {
    let server = TestServer::with(|mount| mount.send_buffer(16_384));
    let (mut slow, live) = Websocket::connect(&server);
    let door = live.link.door().expect("a websocket");
    for n in 0..10 {
        put(&door, n, 5_000, 0);
    }
    // On a runtime: the handler of the disconnect is spawned.
    wait(async { live.socket.clone().disconnect() }).expect("a connected socket");
    for n in 0..10 {
        assert_eq!(slow.text(), event(n, 5_000));
    }
    assert_eq!(slow.text(), "41");
}
