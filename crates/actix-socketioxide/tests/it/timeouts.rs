//! Clients that send too slowly do not keep their connection.

use crate::support::{Polling, Raw, TestServer};
use std::time::Duration;

fn hasty() -> TestServer {
    TestServer::with(|mount| mount.request_timeout(Duration::from_millis(100)))
}

#[test]
fn a_client_that_never_ends_its_request_head_is_closed() {
    let server = hasty();
    let mut raw = Raw::connect(server.addr);
    raw.send("GET /hello HTTP/1.1\r\nhost: ");
    assert_eq!(raw.answer().status, 408);
    raw.ends();
}

#[test]
fn a_client_that_never_ends_its_polling_body_is_closed() {
    let server = hasty();
    let mut session = Polling::open(&server);
    let head = format!("POST {} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n4", session.path());
    session.raw.send(head);
    assert_eq!(session.raw.answer().status, 408);
}

#[test]
fn an_idle_connection_is_closed() {
    let server = TestServer::with(|mount| mount.keep_alive(Duration::from_millis(100)));
    let mut raw = Raw::connect(server.addr);
    assert_eq!(raw.get("/hello").status, 200);
    raw.ends();
}
