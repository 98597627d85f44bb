//! Who is connected, and what an administrator does about it (CONTRACT 9): on all four wires, and never
//! more than the people concerned may be.

use crate::support::{Answer, Call, Claims, Live, Over, TestServer, User};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

const CONNECTIONS: &str = "/v1/admin/connections";

impl User {
    fn administers(&self, deed: &str, wish: Value) -> Call {
        self.post(format!("{CONNECTIONS}/{deed}"), wish)
    }

    async fn tells(&self, event: &str, room: &str) -> Answer {
        self.post("/v1/publish", json!({ "event": event, "data": {}, "to": [room] })).await.expect(202)
    }
}

async fn on_every_wire(user: &User) -> Vec<Live> {
    let mut lives = Vec::new();
    for over in Over::ALL {
        lives.push(user.live(over).await);
    }
    lives
}

fn ids(lives: &[Live]) -> BTreeSet<String> {
    lives.iter().map(Live::id).collect()
}

async fn listed(root: &User, query: &str) -> BTreeSet<String> {
    root.get(format!("{CONNECTIONS}?{query}")).await.ok().ids().into_iter().collect()
}

#[tokio::test]
async fn nobody_but_an_administrator_sees_or_moves_connections() {
    let server = TestServer::start().await;
    let (ann, sam) = (server.stranger(&["USER"]), server.stranger(&["USER", "SELLER", "BUYER"]));
    let mut live = ann.live(Over::SocketIo).await;
    let wish = json!({ "userId": ann.id, "rooms": ["topic-a"] });
    for path in [CONNECTIONS.to_owned(), "/v1/admin/stats".into()] {
        server.call("GET", &path).await.refused(401, "unauthorized");
        for user in [&ann, &sam] {
            user.get(&path).await.refused(403, "forbidden");
        }
    }
    for deed in ["join", "leave", "disconnect"] {
        server.post(format!("{CONNECTIONS}/{deed}"), wish.clone()).await.refused(401, "unauthorized");
        for user in [&ann, &sam] {
            user.administers(deed, wish.clone()).await.refused(403, "forbidden");
        }
    }
    live.hears_nothing().await;
    let key = server.back_end().await;
    let bearer = format!("Bearer {}", key.key);
    server.call("GET", CONNECTIONS).header("Authorization", bearer).await.refused(401, "unauthorized");
}

#[tokio::test]
async fn connections_are_listed_by_user_room_and_wire_and_page_by_page() {
    let server = TestServer::start().await;
    let (ann, bob, root) = (server.stranger(&["USER"]), server.stranger(&["USER"]), server.operator());
    let (anns, bobs) = (on_every_wire(&ann).await, on_every_wire(&bob).await);
    assert_eq!(listed(&root, &format!("userId={}", ann.id)).await, ids(&anns));
    assert_eq!(listed(&root, &format!("room={}", bob.room())).await, ids(&bobs));
    assert_eq!(listed(&root, &format!("room={}&userId={}", bob.room(), ann.id)).await, BTreeSet::new());
    let both: BTreeSet<String> = ids(&anns).union(&ids(&bobs)).cloned().collect();
    assert_eq!(listed(&root, "").await, both);
    let on_sse = [anns[3].id(), bobs[3].id()].into();
    assert_eq!(listed(&root, "transport=sse").await, on_sse);
    assert_eq!(listed(&root, "transport=socket.io&room=all").await.len(), 4);

    let answer = root.get(format!("{CONNECTIONS}?userId={}&transport=socket.io", ann.id)).await.ok();
    assert!(answer.seq() >= 0);
    for info in answer.list() {
        let polls = info["id"] == *anns[1].id();
        assert_eq!(info["carrier"], if polls { "polling" } else { "websocket" });
        assert_eq!((&info["userId"], &info["address"]), (&json!(ann.id), &json!("127.0.0.1")));
        assert_eq!(info["rooms"], anns[0].ready["rooms"]);
        assert!(info["connectedAt"].as_str().is_some_and(|at| at.starts_with("20")), "{info}");
    }

    let (mut seen, mut page) = (Vec::new(), Some(format!("{CONNECTIONS}?limit=3&room=all")));
    while let Some(path) = page {
        let answer = root.get(path).await.ok();
        assert!(answer.list().len() <= 3);
        seen.extend(answer.ids());
        page = answer.next_page();
    }
    assert!(seen.is_sorted());
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), both);
    for (query, field) in
        [("limit=0", "limit"), ("room=x", "room"), ("userId=x", "userId"), ("transport=x", "transport")]
    {
        root.get(format!("{CONNECTIONS}?{query}")).await.refused(422, "invalid_request").naming(field);
    }
    root.get(format!("{CONNECTIONS}?limit=x")).await.refused(422, "invalid_request");
}

#[tokio::test]
async fn a_selection_that_names_nobody_moves_nobody() {
    let server = TestServer::start().await;
    let (ann, root) = (server.stranger(&["USER"]), server.operator());
    let mut live = ann.live(Over::WebSocket).await;
    for wish in [json!({}), json!({ "ids": [] })] {
        root.administers("disconnect", wish).await.refused(422, "invalid_request").naming("ids");
    }
    root.administers("join", json!({ "rooms": ["topic-a"] })).await.refused(422, "invalid_request").naming("ids");
    root.administers("join", json!({ "userId": ann.id })).await.refused(422, "invalid_request").naming("rooms");
    root.administers("leave", json!({ "userId": ann.id, "x": 1 })).await.refused(422, "invalid_request").naming("x");
    // Who is selected fits everything that is said.
    let nobody = json!({ "ids": [live.id()], "userId": root.id });
    let report = root.administers("disconnect", nobody).await.ok();
    assert_eq!((&report["matched"], &report["changed"]), (&json!(0), &json!(0)));
    live.hears_nothing().await;
}

#[tokio::test]
async fn a_topic_is_given_to_whom_the_administrator_names_on_every_wire_and_taken_again() {
    let server = TestServer::start().await;
    let (ann, bob, root) = (server.stranger(&["USER"]), server.stranger(&["USER"]), server.operator());
    let (mut anns, mut bobs) = (on_every_wire(&ann).await, on_every_wire(&bob).await);
    let wish = json!({ "userId": ann.id, "rooms": ["topic-news"] });
    let report = root.administers("join", wish.clone()).await.ok();
    assert_eq!(report.body, json!({ "matched": 4, "changed": 4, "refused": 0, "refusals": [] }));
    assert_eq!(root.administers("join", wish.clone()).await.ok()["changed"], 0, "they are in already");
    root.tells("news", "topic-news").await;
    for live in &mut anns {
        live.hears("news").await;
    }
    for live in &mut bobs {
        live.hears_nothing().await;
    }
    // One of them alone, by its id.
    let left = root.administers("leave", json!({ "ids": [anns[2].id()], "rooms": ["topic-news"] })).await.ok();
    assert_eq!((&left["matched"], &left["changed"]), (&json!(1), &json!(1)));
    root.tells("more", "topic-news").await;
    let mut out = anns.remove(2);
    for live in &mut anns {
        live.hears("more").await;
    }
    out.hears_nothing().await;
    out.is_refused("join", json!({ "room": "topic-news" }), "forbidden").await;
    assert_eq!(root.administers("leave", wish).await.ok()["changed"], 3);
    root.tells("most", "topic-news").await;
    for live in &mut anns {
        live.hears_nothing().await;
    }
}

#[tokio::test]
async fn nobody_is_put_into_a_room_that_is_not_theirs() {
    let server = TestServer::start().await;
    let (bea, root) = (server.stranger(&["USER", "BUYER"]), server.operator());
    let (sam, ann) = (server.stranger(&["USER", "SELLER"]), server.stranger(&["USER"]));
    let group = root.group(&[]).await;
    let asked = json!({ "title": "A boat", "description": "Small", "budget": "1" });
    let request = format!("request-{}", bea.post("/v1/requests", asked).await.created().id());
    let nowhere = format!("request-{}", Uuid::now_v7());
    let (mut anns, sams, beas) = (on_every_wire(&ann).await, sam.live(Over::Sse).await, bea.live(Over::Sse).await);
    let strange = [
        "admin".to_owned(),
        "sellers".into(),
        "buyers".into(),
        bea.room(),
        format!("seller-{}", sam.id),
        format!("session-{}", root.sid()),
        group.room(),
        request.clone(),
        nowhere,
    ];
    let report = root.administers("join", json!({ "userId": ann.id, "rooms": strange })).await.ok();
    assert_eq!((&report["matched"], &report["changed"]), (&json!(4), &json!(0)));
    assert_eq!(report["refused"], 4 * strange.len());
    let codes: BTreeSet<&str> =
        report["refusals"].as_array().expect("a list").iter().filter_map(|r| r["code"].as_str()).collect();
    assert_eq!(codes, ["forbidden", "not_found"].into());
    for live in &mut anns {
        assert_eq!(listed(&root, &format!("userId={}&room={request}", ann.id)).await, BTreeSet::new());
        root.tells("secret", &request).await;
        root.tells("secret", "admin").await;
        root.tells("secret", "sellers").await;
        live.hears_nothing().await;
    }
    // By right, one is: together with a topic, in one go, each for himself.
    let mixed = json!({ "room": "all", "rooms": ["sellers", request, "topic-a"] });
    let report = root.administers("join", mixed).await.ok();
    assert_eq!((&report["matched"], &report["changed"]), (&json!(6), &json!(6)));
    assert_eq!(listed(&root, "room=sellers").await, [sams.id()].into());
    assert_eq!(listed(&root, &format!("room={request}")).await, [beas.id()].into());
    assert_eq!(listed(&root, "room=topic-a").await.len(), 6);
    // What one is in by what one is, nobody is taken out of.
    let report = root.administers("leave", json!({ "userId": ann.id, "rooms": ["all", ann.room()] })).await.ok();
    assert_eq!((&report["changed"], &report["refused"]), (&json!(0), &json!(8)));
}

#[tokio::test]
async fn a_given_topic_stays_when_rights_change_and_ends_with_the_stay() {
    let server = TestServer::start().await;
    let (root, ann) = (server.operator(), server.user("ann").await);
    let mut live = ann.live(Over::WebSocket).await;
    let give = json!({ "ids": [live.id()], "rooms": ["topic-given"] });
    root.administers("join", give.clone()).await.ok();
    // A new token, and other roles: both look at every room again.
    ann.refresh().await;
    live.asks("authenticate", json!({ "token": ann.token() })).await;
    root.put(format!("/v1/admin/users/{}", ann.id), json!({ "roles": ["USER", "BUYER"] })).await.ok();
    live.hears("CHANGED_RECORD").await;
    root.tells("still", "topic-given").await;
    live.hears("still").await;
    // Left once, it is gone, also for a token that allows it for a while only.
    live.asks("leave", json!({ "room": "topic-given" })).await;
    live.is_refused("join", json!({ "room": "topic-given" }), "forbidden").await;
    root.administers("join", give).await.ok();
    live.cut().await;
    live.resume().await;
    root.tells("gone", "topic-given").await;
    live.hears_nothing().await;
}

#[tokio::test]
async fn a_word_that_was_taken_back_does_not_keep_anybody_in_later() {
    let server = TestServer::start().await;
    let root = server.operator();
    let sub = Uuid::now_v7().to_string();
    let claims = Claims::of(&sub, &["USER"]);
    let ann = server.bearer(&sub, &claims.clone().with("topics", json!(["a"])));
    let mut live = ann.live(Over::WebSocket).await;
    let wish = json!({ "ids": [live.id()], "rooms": ["topic-a"] });
    root.administers("join", wish.clone()).await.ok();
    root.administers("leave", wish).await.ok();
    live.asks("join", json!({ "room": "topic-a" })).await;
    live.asks("authenticate", json!({ "token": claims.token() })).await;
    root.tells("gone", "topic-a").await;
    live.hears_nothing().await;
}

#[tokio::test]
async fn who_is_disconnected_is_told_so_and_nobody_else_is_touched() {
    let server = TestServer::start().await;
    let (ann, bob, root) = (server.stranger(&["USER"]), server.stranger(&["USER"]), server.operator());
    let (mut anns, mut bobs) = (on_every_wire(&ann).await, on_every_wire(&bob).await);
    let report = root.administers("disconnect", json!({ "room": ann.room() })).await.ok();
    assert_eq!(report.body, json!({ "matched": 4, "changed": 4, "refused": 0, "refusals": [] }));
    for live in &mut anns {
        let end = live.ends().await;
        match live.over() {
            Over::SocketIo | Over::Polling => assert_eq!(end.how, "disconnected", "a DISCONNECT packet"),
            Over::WebSocket => assert_eq!(end.code, Some(4000)),
            Over::Sse => {}
        }
    }
    for live in &mut bobs {
        live.hears_nothing().await;
    }
    assert_eq!(listed(&root, &format!("userId={}", ann.id)).await, BTreeSet::new());
}

#[tokio::test]
async fn many_connections_are_gone_through_page_by_page() {
    let server = TestServer::start().await;
    let (ann, root) = (server.stranger(&["USER"]), server.operator());
    let mut lives = Vec::new();
    for _ in 0..40 {
        lives.push(ann.live(Over::WebSocket).await);
    }
    // So many rooms that the broker takes two connections at a time.
    let rooms: Vec<String> = (0..96).map(|number| format!("topic-{number}")).collect();
    let report = root.administers("join", json!({ "userId": ann.id, "rooms": rooms })).await.ok();
    assert_eq!((&report["matched"], &report["changed"], &report["refused"]), (&json!(40), &json!(40), &json!(0)));
    let more = root.administers("join", json!({ "userId": ann.id, "rooms": ["topic-x", "topic-y"] })).await.ok();
    assert_eq!(more["refused"], 40, "a hundred rooms are the most: all, user, session, 96, and one more");
    assert_eq!(more["refusals"][0]["code"], "limit_exceeded");
    for live in &mut lives {
        root.tells("hello", "topic-95").await;
        live.hears_at_last("hello", |_| true).await;
    }
}

#[tokio::test]
async fn the_numbers_of_a_node_are_told_to_administrators() {
    let server = TestServer::start().await;
    let (ann, root) = (server.stranger(&["USER"]), server.operator());
    let _lives = on_every_wire(&ann).await;
    let stats = root.get("/v1/admin/stats").await.ok();
    let connections = &stats["connections"];
    assert_eq!([&connections["socketIo"], &connections["polling"]], [2, 1]);
    assert_eq!([&connections["websocket"], &connections["sse"], &connections["users"]], [1, 1, 1]);
    assert_eq!(stats["streams"]["polling"], 1);
    assert_eq!(stats["newest"], stats.seq());
    assert_eq!(stats["pid"], std::process::id());
    assert!(stats["uptimeSeconds"].is_number() && stats["version"].is_string() && stats["hostname"].is_string());
}
