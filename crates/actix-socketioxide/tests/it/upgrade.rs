use crate::support::{
    Frame, Polling, Raw, TestServer, Websocket,
    raw::{frame, handshake, request},
    session::WEBSOCKET,
};

fn refused(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let mut raw = Raw::connect(server.addr);
    raw.send(handshake(path, headers));
    let answer = raw.answer();
    raw.ends();
    (answer.status, answer.body)
}

#[test]
fn a_websocket_opens_with_the_right_accept_key() {
    let server = TestServer::start();
    let mut raw = Raw::connect(server.addr);
    raw.send(handshake(WEBSOCKET, &[]));
    let answer = raw.answer();
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
}

#[test]
fn another_websocket_version_is_told_which_one_is_spoken() {
    let server = TestServer::start();
    let mut raw = Raw::connect(server.addr);
    raw.send(handshake(WEBSOCKET, &[("sec-websocket-version", "8")]));
    let answer = raw.answer();
    assert_eq!(answer.status, 426);
    assert_eq!(answer.header("sec-websocket-version"), Some("13"));
}

#[test]
fn a_handshake_without_a_version_or_with_a_bad_key_is_refused() {
    let server = TestServer::start();
    for wrong in [
        ("sec-websocket-version", ""),
        ("sec-websocket-key", ""),
        ("sec-websocket-key", "too short"),
        ("sec-websocket-key", "this is 24 characters!!!"),
        ("connection", "keep-alive"),
    ] {
        assert_eq!(refused(&server, WEBSOCKET, &[wrong]).0, 400, "{wrong:?}");
    }
    assert_eq!(server.mount.stats().refused, [0, 0, 0, 5, 0, 0]);
}

#[test]
fn each_bad_query_is_refused_with_its_own_code() {
    let server = TestServer::start();
    for (query, code) in [
        ("EIO=4&transport=grpc", 0),
        ("EIO=4&transport=websocket&sid=AA9AAA0AAzAAAAHs", 1),
        ("EIO=4&transport=websocket&sid=nonsense", 1),
        ("EIO=4&transport=polling", 3),
        ("EIO=3&transport=websocket", 5),
        ("transport=websocket", 5),
    ] {
        let (status, body) = refused(&server, &format!("/socket.io/?{query}"), &[]);
        assert_eq!(status, 400, "{query}");
        assert!(body.starts_with(&format!(r#"{{"code":{code},"#)), "{query}: {body}");
    }
    assert_eq!(server.mount.stats().refused, [1, 2, 0, 1, 0, 2]);
}

#[test]
fn a_probe_that_dies_half_way_closes_its_session() {
    let server = TestServer::start();
    let (mut session, live) = Polling::connect(&server);
    let mut probe = Websocket::shake_hands(&server, &session.upgrade_path());
    probe.raw.text("2probe");
    assert_eq!(probe.text(), "3probe");
    drop(probe);
    server.went();
    assert!(live.link.is_closed());
    assert_eq!(session.poll().status, 400);
}

#[test]
fn a_probe_that_says_nothing_sensible_closes_its_session() {
    let server = TestServer::start();
    let (session, _live) = Polling::connect(&server);
    let mut probe = Websocket::shake_hands(&server, &session.upgrade_path());
    probe.raw.text("4hello");
    server.went();
}

#[test]
fn a_second_upgrade_is_closed_and_the_first_goes_on() {
    let server = TestServer::start();
    let (session, live) = Polling::connect(&server);
    let mut first = Websocket::shake_hands(&server, &session.upgrade_path());
    first.raw.text("2probe");
    assert_eq!(first.text(), "3probe");
    let mut second = Websocket::shake_hands(&server, &session.upgrade_path());
    assert_eq!(second.raw.frame(), Frame::Close);
    second.raw.ends();
    first.raw.text("5");
    live.socket.emit("still", "here").expect("an emit");
    assert_eq!(first.text(), r#"42["still","here"]"#);
}

#[test]
fn an_upgraded_session_ends_with_its_websocket() {
    let server = TestServer::start();
    let (session, live) = Polling::connect(&server);
    assert!(!live.link.is_websocket());
    assert_eq!(server.mount.stats().polling, 1);
    let mut websocket = Websocket::upgrade(&server, &session);
    live.socket.emit("now", "here").expect("an emit");
    assert_eq!(websocket.text(), r#"42["now","here"]"#);
    assert!(live.link.is_websocket());
    assert_eq!(server.mount.stats().polling, 0);
    assert_eq!(server.mount.stats().websockets, 1);
    drop(websocket);
    server.went();
    assert!(live.link.is_closed());
}

#[test]
fn requests_pipelined_before_an_upgrade_are_answered_first() {
    let server = TestServer::start();
    let mut raw = Raw::connect(server.addr);
    raw.send(request("GET", "/hello", &[], "") + &handshake(WEBSOCKET, &[]));
    assert_eq!(raw.answer().body, "hello");
    assert_eq!(raw.answer().status, 101);
    assert!(matches!(raw.frame(), Frame::Text(open) if open.starts_with("0{")));
}

#[test]
fn a_frame_sent_together_with_the_handshake_is_not_lost() {
    let server = TestServer::start();
    let mut raw = Raw::connect(server.addr);
    raw.send([handshake(WEBSOCKET, &[]).into_bytes(), frame("40")].concat());
    assert_eq!(raw.answer().status, 101);
    server.came();
}

#[test]
fn only_chosen_headers_of_the_handshake_are_kept() {
    let server = TestServer::start();
    let mut raw = Raw::connect(server.addr);
    let headers = [("authorization", "Bearer x"), ("cookie", "large"), ("user-agent", "test")];
    raw.send([handshake(WEBSOCKET, &headers).into_bytes(), frame("40")].concat());
    let live = server.came();
    let kept = &live.socket.req_parts().headers;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept["authorization"], "Bearer x");
    assert_eq!(live.link.peer().map(|peer| peer.ip()), Some(server.addr.ip()));
}
