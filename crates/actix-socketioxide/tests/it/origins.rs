use crate::support::{
    Raw, TestServer,
    raw::handshake,
    session::{POLLING, WEBSOCKET},
};
use actix_socketioxide::Origins;

fn listing() -> TestServer {
    TestServer::with(|mount| mount.origins(Origins::list(["https://a.example"])))
}

fn upgrade(server: &TestServer, path: &str, origin: &str) -> u16 {
    let mut raw = Raw::connect(server.addr);
    raw.send(handshake(path, &[("origin", origin)]));
    raw.answer().status
}

#[test]
fn a_foreign_page_can_neither_upgrade_nor_poll() {
    let server = listing();
    assert_eq!(upgrade(&server, WEBSOCKET, "https://evil.example"), 403);
    assert_eq!(upgrade(&server, "/ws", "https://evil.example"), 403);
    let headers = [("origin", "https://evil.example")];
    let answer = Raw::connect(server.addr).request("GET", POLLING, &headers, "");
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let stats = server.mount.stats();
    assert_eq!((stats.forbidden_origin, stats.refused[4]), (3, 3));
}

#[test]
fn listed_pages_own_pages_and_programs_may() {
    let server = listing();
    for origin in ["https://a.example", "http://herald.example", ""] {
        assert_eq!(upgrade(&server, WEBSOCKET, origin), 101, "{origin:?}");
        assert_eq!(upgrade(&server, "/ws", origin), 101, "{origin:?}");
    }
}

#[test]
fn ordinary_routes_do_not_ask_for_the_origin() {
    let server = listing();
    let headers = [("origin", "https://evil.example")];
    assert_eq!(Raw::connect(server.addr).request("GET", "/hello", &headers, "").status, 200);
}

#[test]
fn a_listed_page_may_read_the_answer_with_credentials() {
    let server = listing();
    let headers = [("origin", "https://a.example")];
    let answer = Raw::connect(server.addr).request("GET", POLLING, &headers, "");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://a.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(answer.header("vary"), Some("Origin"));
}

#[test]
fn any_page_may_read_the_answer_without_credentials() {
    let server = TestServer::with(|mount| mount.origins(Origins::any()));
    let headers = [("origin", "https://evil.example")];
    let answer = Raw::connect(server.addr).request("GET", POLLING, &headers, "");
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}

#[test]
fn a_preflight_is_answered() {
    let server = listing();
    let headers = [
        ("origin", "https://a.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    let answer = Raw::connect(server.addr).request("OPTIONS", POLLING, &headers, "");
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET, POST"));
    let allowed = answer.header("access-control-allow-headers");
    assert_eq!(allowed, Some("authorization,content-type"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://a.example"));
}
