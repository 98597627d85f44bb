//! Rooms (CONTRACT 4): who may enter which, and that nobody's ids are trusted.

use crate::support::{Claims, Over, TestServer, User, Way};
use serde_json::{Value, json};
use uuid::Uuid;

/// What `ready` said of the rooms of a connection that names these.
async fn rooms_of(user: &User, rooms: &[String]) -> Vec<Value> {
    let live = user.live_by(Way::new(Over::SocketIo).rooms(rooms)).await;
    live.ready["rooms"].as_array().expect("rooms").clone()
}

fn with_topics(server: &TestServer, roles: &[&str], topics: Value) -> User {
    let sub = Uuid::now_v7().to_string();
    server.bearer(&sub, &Claims::of(&sub, roles).with("topics", topics))
}

#[tokio::test]
async fn one_joins_ones_own_room_and_no_other_users() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.stranger(&["USER"]), server.stranger(&["USER"]));
    for over in Over::BOTH_WAYS {
        let mut live = ann.live(over).await;
        for id in [json!(ann.id), json!({ "id": ann.id })] {
            let ack = live.asks("join-user-room", id).await;
            assert_eq!(ack["room"], ann.room());
            assert_eq!(ack["seq"], live.ready["seq"]);
        }
        for id in [json!(bob.id), json!({ "id": bob.id })] {
            live.is_refused("join-user-room", id, "forbidden").await;
        }
        live.is_refused("join", json!({ "room": bob.room() }), "forbidden").await;
        live.is_refused("join", json!({ "room": bob.id }), "forbidden").await;
        live.is_refused("join-user-room", json!({}), "invalid_request").await;
        live.is_refused("join-user-room", json!("all"), "invalid_request").await;
        bob.draft("Bob's own").await;
        live.hears_nothing().await;
    }
}

#[tokio::test]
async fn an_echo_is_said_back_in_its_turn_on_every_wire() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    for over in Over::BOTH_WAYS {
        let mut live = ann.live(over).await;
        for data in [json!({ "n": 1, "text": "a \"quoted\" ä" }), json!([1, 2]), json!("x"), json!(null), json!(1.5)] {
            assert_eq!(live.asks("echo", data.clone()).await, json!({ "ok": true, "data": data }));
        }
        let mut said = Vec::new();
        for n in 0..30 {
            said.push(match n % 3 {
                0 => live.says("join-user-room", json!(ann.id)).await,
                1 => live.says("nonsense", json!(null)).await,
                _ => live.says("echo", json!(n)).await,
            });
        }
        let acked = live.acked_until(said[29]).await;
        assert_eq!(acked[acked.len() - 30..], said, "{over:?}");
    }
}

#[tokio::test]
async fn sellers_and_buyers_join_their_rooms_and_nobody_elses() {
    let server = TestServer::start().await;
    let sam = server.stranger(&["USER", "SELLER"]);
    let bea = server.stranger(&["USER", "BUYER"]);
    let ann = server.stranger(&["USER"]);
    for over in Over::BOTH_WAYS {
        let (mut sams, mut beas, mut anns) = (sam.live(over).await, bea.live(over).await, ann.live(over).await);
        let ack = sams.asks("join-seller-room", json!(sam.id)).await;
        assert_eq!(ack["room"], format!("seller-{}", sam.id));
        assert!(ack["seq"].is_i64(), "{ack}");
        let ack = beas.asks("join-buyer-room", json!({ "id": bea.id })).await;
        assert_eq!(ack["room"], format!("buyer-{}", bea.id));
        sams.is_refused("join-seller-room", json!(bea.id), "forbidden").await;
        sams.is_refused("join-buyer-room", json!(sam.id), "forbidden").await;
        beas.is_refused("join-seller-room", json!(bea.id), "forbidden").await;
        beas.is_refused("join-buyer-room", json!(sam.id), "forbidden").await;
        anns.is_refused("join-seller-room", json!(ann.id), "forbidden").await;
        anns.is_refused("join-buyer-room", json!(ann.id), "forbidden").await;
        sams.asks("leave-seller-room", json!(sam.id)).await;
        beas.asks("leave-buyer-room", json!(bea.id)).await;
    }
}

#[tokio::test]
async fn topics_are_joined_as_the_token_allows() {
    let server = TestServer::start().await;
    let ann = with_topics(&server, &["USER"], json!(["news", "eu-*"]));
    for over in Over::BOTH_WAYS {
        let mut live = ann.live(over).await;
        for room in ["topic-news", "topic-eu-", "topic-eu-south"] {
            assert_eq!(live.asks("join", json!({ "room": room })).await["room"], room);
            assert_eq!(live.asks("leave", json!({ "room": room })).await["room"], room);
            assert_eq!(live.asks("join", json!(room)).await["room"], room);
        }
        for room in ["topic-newsroom", "topic-us-north", "topic-*", "topic-eu"] {
            live.is_refused("join", json!({ "room": room }), "forbidden").await;
        }
    }
}

#[tokio::test]
async fn what_is_no_room_or_somebody_elses_is_not_joined() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let group = bob.group(&[]).await;
    for over in Over::BOTH_WAYS {
        let mut live = ann.live(over).await;
        for room in
            ["admin".to_owned(), group.room(), format!("session-{}", bob.sid()), "sellers".into(), "buyers".into()]
        {
            live.is_refused("join", json!({ "room": room }), "forbidden").await;
        }
        for room in ["nonsense", "", "topic-", "group-1"] {
            live.is_refused("join", json!({ "room": room }), "not_found").await;
        }
        live.is_refused("join", json!({}), "invalid_request").await;
        live.is_refused("join", json!({ "room": 7 }), "invalid_request").await;
        bob.draft_in(&group, "Not Ann's").await;
        live.hears_nothing().await;
    }
}

#[tokio::test]
async fn requests_and_chats_that_do_not_exist_are_not_joined() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER", "BUYER", "ADMIN"]);
    for over in Over::BOTH_WAYS {
        let mut live = ann.live(over).await;
        for event in ["join-request-room", "join-chat-room"] {
            let ack = live.call(event, json!(Uuid::now_v7())).await;
            assert!(["forbidden", "not_found"].contains(&ack["code"].as_str().unwrap_or_default()), "{event}: {ack}");
        }
    }
}

#[tokio::test]
async fn nobody_leaves_a_room_that_is_theirs_by_right() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    for over in Over::BOTH_WAYS {
        let mut live = ann.live(over).await;
        for room in ["all".to_owned(), ann.room()] {
            let ack = live.call("leave", json!({ "room": room })).await;
            assert_eq!(ack["code"], "forbidden", "{room}: {ack}");
        }
        // Nor is anything lost by trying.
        let draft = ann.draft("Still heard").await;
        live.hears_of("NEW_RECORD", &draft.id()).await;
        live.hears_nothing().await;
    }
}

#[tokio::test]
async fn a_connection_is_in_a_hundred_rooms_at_most() {
    let server = TestServer::start().await;
    let ann = with_topics(&server, &["USER"], json!(["*"]));
    for over in Over::BOTH_WAYS {
        let mut live = ann.live(over).await;
        let already = live.ready["rooms"].as_array().expect("rooms").len();
        for n in already..100 {
            live.asks("join", json!({ "room": format!("topic-{n}") })).await;
        }
        live.is_refused("join", json!({ "room": "topic-one-more" }), "limit_exceeded").await;
        live.asks("join", json!({ "room": "topic-99" })).await;
        live.asks("leave", json!({ "room": "topic-99" })).await;
        live.asks("join", json!({ "room": "topic-one-more" })).await;
    }
}

#[tokio::test]
async fn more_than_a_hundred_rooms_in_a_handshake_are_refused_by_name() {
    let server = TestServer::start().await;
    let ann = with_topics(&server, &["USER"], json!(["*"]));
    let asked: Vec<String> = (0..120).map(|n| format!("topic-{n}")).collect();
    for over in Over::ALL {
        let live = ann.live_by(Way::new(over).rooms(&asked)).await;
        let count = |field: &str| live.ready[field].as_array().expect("rooms").len();
        assert_eq!(count("rooms"), 100, "{over:?}");
        assert_eq!(count("refusedRooms"), 120 - (100 - 3), "{over:?}");
    }
}

#[tokio::test]
async fn rooms_of_a_role_are_lost_with_the_role_at_once() {
    let server = TestServer::start().await;
    let sam = server.seller("sam").await;
    let mut lives = Vec::new();
    for over in Over::BOTH_WAYS {
        let mut live = sam.live(over).await;
        live.asks("join-seller-room", json!(sam.id)).await;
        lives.push(live);
    }
    server.operator().put(format!("/v1/admin/users/{}", sam.id), json!({ "roles": ["USER"] })).await.ok();
    for live in &mut lives {
        live.hears_of("CHANGED_RECORD", &sam.id).await;
        live.is_refused("join-seller-room", json!(sam.id), "forbidden").await;
    }
    let asked = [format!("seller-{}", sam.id), "sellers".into()];
    let rooms = rooms_of(&sam, &asked).await;
    assert!(!rooms.iter().any(|room| asked.iter().any(|one| room == one.as_str())), "{rooms:?}");
}

#[tokio::test]
async fn every_tab_and_device_of_a_user_is_in_the_users_room() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let tablet = ann.elsewhere().await;
    let (mut tabs, mut more_tabs) = (ann.everywhere().await, ann.everywhere().await);
    let (mut on_the_tablet, mut bobs) = (tablet.everywhere().await, bob.everywhere().await);
    let draft = ann.draft("For all of Ann's").await;
    for hears in [&mut tabs, &mut more_tabs, &mut on_the_tablet] {
        hears.hears_of("NEW_RECORD", &draft.id()).await;
    }
    bobs.hears_nothing().await;
}

#[tokio::test]
async fn a_notice_comes_once_however_many_of_its_rooms_one_is_in() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let (one, two) = (ann.group(&[&bob]).await, ann.group(&[&bob]).await);
    let (mut anns, mut bobs) = (ann.everywhere().await, bob.everywhere().await);
    let draft = ann.draft_with("Both", json!({ "groupIds": [one.id, two.id] })).await;
    anns.hears_of("NEW_RECORD", &draft.id()).await;
    bobs.hears_of("NEW_RECORD", &draft.id()).await;
    let marker = server.marker().await;
    anns.hears_marker(&marker).await;
    bobs.hears_marker(&marker).await;
}
