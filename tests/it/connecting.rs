//! Connecting (CONTRACT 3): `ready` is the same on each transport, and who is not let in is told why.

use crate::{
    over_every_wire,
    support::{Live, Over, PATIENCE, Pass, TestServer, Way, http::Request, plain, socketio::SocketIo, wire::Said},
};
use serde_json::{Value, json};

over_every_wire! {
    async fn the_first_event_says_who_one_is_where_one_starts_and_which_rooms_one_is_in(over) {
        let server = TestServer::start().await;
        let (ann, root) = (server.user("ann").await, server.operator());
        let group = ann.group(&[]).await;
        let newest = root.post("/v1/departments", json!({ "name": "Newest" })).await.created().seq();
        let live = ann.live(over).await;
        let ready = &live.ready;
        assert_eq!(ready["user"], json!({ "id": ann.id, "roles": ["USER"] }));
        assert_eq!((&ready["resumed"], &ready["resync"]), (&json!(false), &json!(false)));
        assert_eq!((&ready["seq"], &ready["refusedRooms"]), (&json!(newest), &json!([])));
        assert!(!live.id().is_empty());
        let mut rooms: Vec<&str> = ready["rooms"].as_array().expect("rooms").iter().filter_map(Value::as_str).collect();
        rooms.sort_unstable();
        let mut expected = ["all".to_owned(), ann.room(), format!("session-{}", ann.sid()), group.room()];
        expected.sort_unstable();
        assert_eq!(rooms, expected);
        let fields: Vec<&String> = ready.as_object().expect("an object").keys().collect();
        assert_eq!(fields, ["id", "refusedRooms", "resumed", "resync", "rooms", "seq", "user"]);
    }

    async fn each_connection_has_an_id_of_its_own(over) {
        let server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        assert_ne!(ann.live(over).await.id(), ann.live(over).await.id());
    }

    async fn nobody_is_let_in_without_a_token(over) {
        let server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        let refusal = Live::attempt(&ann, Way::new(over).pass(Pass::None)).await.err().expect("a refusal");
        assert_eq!(refusal.message, "unauthorized");
        let status = if over.is_socket_io() { None } else { Some(401) };
        assert_eq!(refusal.status, status, "{refusal:?}");
        if !over.is_socket_io() {
            assert_eq!((&refusal.data["code"], &refusal.data["status"]), (&json!("unauthorized"), &json!(401)));
        }
    }

    async fn the_header_lets_in_as_well(over) {
        let server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        let live = ann.live_by(Way::new(over).pass(Pass::Header(ann.token()))).await;
        assert_eq!(live.ready["user"]["id"], ann.id);
    }

    async fn rooms_named_in_the_handshake_are_joined_or_refused_one_by_one(over) {
        let server = TestServer::start().await;
        let sub = uuid::Uuid::now_v7().to_string();
        let claims = crate::support::Claims::of(&sub, &["USER", "SELLER"]).with("topics", json!(["news", "eu-*"]));
        let sam = server.bearer(&sub, &claims);
        let (own, foreign) = (format!("seller-{sub}"), format!("seller-{}", uuid::Uuid::now_v7()));
        let asked = ["topic-news", "topic-eu-south", "topic-us", own.as_str(), foreign.as_str(), "sellers", "buyers", "admin", "nonsense"];
        let live = sam.live_by(Way::new(over).rooms(&asked)).await;
        let rooms = live.ready["rooms"].as_array().expect("rooms").clone();
        for room in ["topic-news", "topic-eu-south", &own, "sellers"] {
            assert!(rooms.contains(&json!(room)), "{room} is not in {rooms:?}");
        }
        let mut refused: Vec<&str> = live.ready["refusedRooms"].as_array().expect("rooms").iter().filter_map(Value::as_str).collect();
        refused.sort_unstable();
        let mut expected = ["topic-us", &foreign, "buyers", "admin", "nonsense"];
        expected.sort_unstable();
        assert_eq!(refused, expected);
        assert_eq!(rooms.iter().filter(|room| expected.contains(&room.as_str().unwrap_or_default())).count(), 0);
    }

    async fn a_page_of_another_site_is_not_let_in(over) {
        let server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        if over == Over::Sse {
            // Browsers keep what it says from such a page: it has no header that allows it.
            let path = "/v1/stream";
            let call = ann.call("GET", path).header("Origin", "https://evil.example");
            let (head, _) = call.request.open(server.addr).await.expect("an answer");
            assert_eq!(head.header("Access-Control-Allow-Origin"), None);
            return;
        }
        let evil = Way { origin: Some("https://evil.example".into()), ..Way::new(over) };
        let refusal = Live::attempt(&ann, evil).await.err().expect("a refusal");
        assert_eq!(refusal.status, Some(403), "{refusal:?}");
        for origin in ["https://friend.example".to_owned(), format!("http://{}", server.addr)] {
            let way = Way { origin: Some(origin), ..Way::new(over) };
            ann.live_by(way).await;
        }
    }
}

#[tokio::test]
async fn two_different_tokens_in_one_handshake_are_refused() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.stranger(&["USER"]), server.stranger(&["USER"]));
    for over in [Over::SocketIo, Over::Polling] {
        let same = Way::new(over).pass(Pass::Both(ann.token(), ann.token()));
        assert_eq!(ann.live_by(same).await.ready["user"]["id"], ann.id);
        let both = Way::new(over).pass(Pass::Both(ann.token(), bob.token()));
        let refusal = Live::attempt(&ann, both).await.err().expect("a refusal");
        assert_eq!(refusal.message, "unauthorized", "{over:?}");
    }
}

#[tokio::test]
async fn a_refused_handshake_leaves_the_next_one_free() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    // On one Engine.IO session: first without a token, then with one, as a client does that logs in.
    let way = Way::new(Over::SocketIo);
    let mut session = SocketIo::engine(server.addr, &way).await.expect("a session");
    session.enter(&way.clone().pass(Pass::None)).await.expect_err("a refusal");
    session.enter(&way.pass(Pass::Token(ann.token()))).await.expect("let in");
    let said = tokio::time::timeout(PATIENCE, session.next()).await.expect("something");
    let Said::Event { name, data } = said else { panic!("no event: {said:?}") };
    assert_eq!((name.as_str(), &data["user"]["id"]), ("ready", &json!(ann.id)));
}

#[tokio::test]
async fn only_administrators_enter_the_admin_namespace() {
    let server = TestServer::start().await;
    let (ann, root) = (server.stranger(&["USER"]), server.operator());
    let to_admin = |token: String| Way { namespace: "/admin", ..Way::new(Over::SocketIo).pass(Pass::Token(token)) };
    let refusal = SocketIo::open(server.addr, &to_admin(ann.token())).await.err().expect("a refusal");
    assert_eq!(refusal.message, "forbidden");
    SocketIo::open(server.addr, &to_admin(root.token())).await.expect("let in");
}

#[tokio::test]
async fn a_namespace_that_is_none_is_refused() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let way = Way { namespace: "/nowhere", ..Way::new(Over::SocketIo).pass(Pass::Token(ann.token())) };
    let refusal = SocketIo::open(server.addr, &way).await.err().expect("a refusal");
    assert_eq!(refusal.message, "Invalid namespace");
}

#[tokio::test]
async fn an_upgrade_from_polling_in_the_middle_of_a_stream_loses_nothing() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let id = ann.draft("1").await.id();
    let mut live = ann.live(Over::Polling).await;
    for version in 2..6 {
        ann.describes(&id, &version.to_string()).await.ok();
    }
    live.upgrades().await;
    for version in 6..10 {
        ann.describes(&id, &version.to_string()).await.ok();
    }
    assert_eq!(live.hears_versions(&id, 9).await, (2..=9).collect::<Vec<_>>());
    live.hears_nothing().await;
}

#[tokio::test]
async fn what_is_no_message_on_ws_is_answered_or_closed_and_hurts_nobody_else() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.stranger(&["USER"]), server.stranger(&["USER"]));
    let mut bobs = bob.live(Over::WebSocket).await;
    for junk in ["", "junk", "[]", "{}", "{\"event\":7}", "{\"event\":\"nothing\",\"id\":{}}"] {
        let mut live = ann.live(Over::WebSocket).await;
        live.says_raw(junk).await;
        // It either goes on or is closed; it does not hang, and tells no tales.
        let marker = server.marker().await;
        live.hears_marker_or_ends(&marker).await;
        bobs.hears_marker(&marker).await;
    }
}

#[tokio::test]
async fn an_unknown_event_is_acknowledged_as_a_problem() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    for over in Over::BOTH_WAYS {
        let mut live = ann.live(over).await;
        live.is_refused("make-me-admin", json!({}), "invalid_request").await;
        live.hears_nothing().await;
    }
}

#[tokio::test]
async fn an_upgrade_elsewhere_is_an_ordinary_problem() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let way = Way::new(Over::WebSocket).pass(Pass::Token(ann.token()));
    let refusal = plain::upgrade(server.addr, "/v1/nowhere", &way).await.expect_err("a refusal");
    assert_eq!((refusal.status, refusal.message.as_str()), (Some(404), "not_found"));
}

#[tokio::test]
async fn a_stream_is_neither_stored_nor_buffered_on_its_way() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let request = Request::new("GET", "/v1/stream").header("Authorization", format!("Bearer {}", ann.token()));
    let (head, _body) = request.open(server.addr).await.expect("an answer");
    assert_eq!(head.status, 200);
    assert!(head.header("Cache-Control").is_some_and(|value| value.contains("no-")), "{head:?}");
}

#[tokio::test]
async fn the_pages_and_probes_answer() {
    let server = TestServer::start().await;
    for path in ["/healthz", "/readyz", "/", "/client/"] {
        server.call("GET", path).await.ok();
    }
}

#[tokio::test]
async fn one_address_holds_so_many_connections_and_no_more() {
    let server = TestServer::with(|config| config.limits.connections_per_address = 3).await;
    let ann = server.stranger(&["USER"]);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(ann.live(Over::WebSocket).await);
    }
    let refusal = Live::attempt(&ann, Way::new(Over::WebSocket)).await.err().expect("a refusal");
    assert_eq!(refusal.status, Some(503), "{refusal:?}");
    held.pop();
    // The place is free as soon as the server has seen that it is.
    let mut attempts = 0;
    while Live::attempt(&ann, Way::new(Over::WebSocket)).await.is_err() {
        attempts += 1;
        assert!(attempts < 500, "the place is never given back");
    }
}
