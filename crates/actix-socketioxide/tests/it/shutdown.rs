use crate::support::{News, Polling, Raw, TestServer, Websocket, raw::handshake, session::*, wait};

#[test]
fn closing_all_ends_every_session_and_admits_no_more() {
    let server = TestServer::start();
    let (mut websocket, _) = Websocket::connect(&server);
    let (mut polling, _) = Polling::connect(&server);
    let mut actors = Websocket::shake_hands(&server, "/ws");
    server.metered();

    wait(server.mount.close_all());

    websocket.raw.ends();
    actors.raw.ends();
    assert_eq!(polling.poll().status, 400);
    for _ in 0..2 {
        assert!(matches!(server.news(), News::Went));
    }
    let stats = server.mount.stats();
    assert_eq!((stats.websockets, stats.polling), (0, 0));

    assert_eq!(polling.raw.get(POLLING).status, 503);
    let mut late = Raw::connect(server.addr);
    late.send(handshake(WEBSOCKET, &[]));
    assert_eq!(late.answer().status, 503);
}
