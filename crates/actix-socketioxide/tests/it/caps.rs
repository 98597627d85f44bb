use crate::support::{Polling, Raw, TestServer, Websocket, session::POLLING, wait};

#[test]
fn one_connection_too_many_is_told_so_and_closed() {
    let server = TestServer::with(|mount| mount.max_per_address(2));
    let (first, live) = Websocket::connect(&server);
    let mut second = Raw::connect(server.addr);
    assert_eq!(second.get("/hello").status, 200);
    let mut third = Raw::connect(server.addr);
    assert_eq!(third.answer().status, 503);
    third.ends();
    assert_eq!(server.mount.stats().over_cap, 1);

    drop(first);
    server.went();
    wait(live.link.closed());
    assert_eq!(second.get("/hello").status, 200);
    assert_eq!(Raw::connect(server.addr).get("/hello").status, 200);
}

#[test]
fn the_cap_in_all_holds_as_well() {
    let server = TestServer::with(|mount| mount.max_connections(1));
    let _first = Websocket::open(&server);
    assert_eq!(Raw::connect(server.addr).answer().status, 503);
}

#[test]
fn polling_sessions_are_capped_though_they_hold_no_connection() {
    let server = TestServer::with(|mount| mount.max_per_address(2));
    let mut first = Polling::open(&server);
    first.raw.get(POLLING);
    assert_eq!(first.raw.get(POLLING).status, 503);
    assert_eq!(server.mount.stats().polling, 2);
    first.post("1");
    assert_eq!(first.raw.get(POLLING).status, 200);
}
