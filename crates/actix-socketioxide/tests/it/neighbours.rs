//! What else lives on the port is served as if the mount were not there.

use crate::support::{
    Raw, TestServer, Websocket,
    raw::{handshake, request},
    wait,
};

#[test]
fn ordinary_routes_work_and_keep_their_connection() {
    let server = TestServer::start();
    let mut raw = Raw::connect(server.addr);
    for _ in 0..3 {
        assert_eq!(raw.get("/hello").body, "hello");
    }
    assert_eq!(raw.get("/nowhere").status, 404);
}

#[test]
fn an_actors_websocket_works_beside_socket_io() {
    let server = TestServer::start();
    let (_socket_io, _live) = Websocket::connect(&server);
    let mut session = Websocket::shake_hands(&server, "/ws");
    let meter = server.metered();
    for text in ["one", "two"] {
        session.raw.text(text);
        assert_eq!(session.text(), text);
    }
    assert!(meter.written() > 0);
    assert_eq!(meter.event_bytes(), 0);
    meter.cut();
    session.raw.ends();
}

#[test]
fn an_actors_websocket_that_leaves_is_noticed() {
    let server = TestServer::start();
    let session = Websocket::shake_hands(&server, "/ws");
    let meter = server.metered();
    drop(session);
    wait(meter.closed());
}

#[test]
fn an_upgrade_that_the_application_refuses_is_answered_and_closed() {
    let server = TestServer::start();
    let mut raw = Raw::connect(server.addr);
    raw.send(handshake("/closed-ws", &[]));
    assert_eq!(raw.answer().status, 401);
    raw.ends();
}

#[test]
fn requests_pipelined_before_an_actors_websocket_are_answered_first() {
    let server = TestServer::start();
    let mut raw = Raw::connect(server.addr);
    raw.send(request("GET", "/hello", &[], "") + &handshake("/ws", &[]));
    assert_eq!(raw.answer().body, "hello");
    assert_eq!(raw.answer().status, 101);
}
