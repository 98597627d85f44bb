use crate::support::{
    Polling, Raw, TestServer,
    raw::{KEY, request},
    server::Live,
    session::{POLLING, WEBSOCKET},
    wait,
};
use std::time::Duration;

#[test]
fn an_aborted_poll_closes_its_session() {
    let server = TestServer::start();
    let (mut session, live) = Polling::connect(&server);
    let mut second = Raw::connect(server.addr);
    second.send(request("GET", &session.path(), &[], ""));
    drop(second);
    server.went();
    assert!(live.link.is_closed());
    assert_eq!(session.poll().status, 400);
}

#[test]
fn a_session_that_leaves_is_gone() {
    let server = TestServer::start();
    let (mut session, live) = Polling::connect(&server);
    session.post("1");
    server.went();
    assert!(live.link.is_closed());
    assert_eq!(server.mount.stats().polling, 0);
}

#[test]
fn a_session_that_stays_away_is_over_when_the_engine_says_so() {
    let server = TestServer::with_pong_within(Duration::from_millis(300));
    let (_silent, Live { socket, link }) = Polling::connect(&server);
    let progress = link.written_progress();
    server.went();
    drop(socket);
    wait(progress);
    assert!(link.is_closed());
    assert_eq!(server.mount.stats().polling, 0);
}

#[test]
fn a_body_over_the_limit_is_refused() {
    let server = TestServer::with(|mount| mount.max_payload(10));
    let mut session = Polling::open(&server);
    let path = session.path();
    let answer = session.raw.request("POST", &path, &[], "4hello world");
    assert_eq!(answer.status, 413);
}

#[test]
fn each_bad_request_is_refused_with_its_own_code() {
    let server = TestServer::start();
    let unknown = format!("{POLLING}&sid=AA9AAA0AAzAAAAHs");
    for (method, path, code) in [
        ("GET", "/socket.io/?EIO=4", 0),
        ("GET", unknown.as_str(), 1),
        ("POST", POLLING, 2),
        ("GET", WEBSOCKET, 3),
        ("GET", "/socket.io/?EIO=3&transport=polling", 5),
    ] {
        let answer = Raw::connect(server.addr).request(method, path, &[], "");
        assert_eq!(answer.status, 400, "{method} {path}");
        let body = answer.body.replace(r#":"1""#, ":1");
        assert!(body.starts_with(&format!(r#"{{"code":{code},"#)), "{path}: {body}");
    }
    assert_eq!(server.mount.stats().refused, [1, 1, 1, 1, 0, 1]);
}

#[test]
fn a_websocket_key_alone_switches_nothing() {
    let server = TestServer::start();
    let headers = [("sec-websocket-key", KEY)];
    let answer = Raw::connect(server.addr).request("GET", WEBSOCKET, &headers, "");
    assert_eq!(answer.status, 400);
}

#[test]
fn the_path_answers_with_and_without_its_slash_and_nowhere_else() {
    let server = TestServer::start();
    let status = |path: &str| Raw::connect(server.addr).get(path).status;
    assert_eq!(status("/socket.io/?EIO=4&transport=polling"), 200);
    assert_eq!(status("/socket.io?EIO=4&transport=polling"), 200);
    assert_eq!(status("/socket.io/socket.io.js?EIO=4&transport=polling"), 404);
    assert_eq!(status("/socket.io-admin?EIO=4&transport=polling"), 404);
}
