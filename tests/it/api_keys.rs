//! API keys (CONTRACT 9): who makes them, what they open, and that a revoked one opens nothing.

use crate::support::{BackEnd, Live, Over, PATIENCE, Pass, TestServer, Way};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use herald::{sql, store::schema::api_keys};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use uuid::Uuid;

#[tokio::test]
async fn a_key_is_shown_once_and_only_its_hash_is_kept() {
    let server = TestServer::start().await;
    let root = server.admin("root").await;
    let body = json!({ "name": "Shop", "rooms": ["all", "topic-*", root.id], "events": ["order:*"] });
    let made = root.post("/v1/admin/api-keys", body).await.created();
    assert_eq!(made.header("Cache-Control"), Some("no-store"));
    made.seq();
    let fields: Vec<&String> = made.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["createdAt", "events", "id", "key", "lastUsedAt", "name", "rooms"]);
    let key = made["key"].as_str().expect("a key").to_owned();
    assert_eq!((key.len(), &key[..3]), (46, "hk_"));
    assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(&key[3..]).expect("base64url").len(), 32);

    let list = root.get("/v1/admin/api-keys").await.ok();
    let mut expected = made.body.clone();
    expected.as_object_mut().expect("an object").remove("key");
    assert_eq!(list.body, json!([expected]));
    assert_eq!(expected["rooms"], json!(["all", "topic-*", root.room()]), "a bare user id is the user's room");

    let hash = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&key));
    server.writes(async move |tx| {
        let kept: Vec<(String, String, String, String)> = sql!(&mut tx.conn, |c| api_keys::table
            .select((api_keys::hash, api_keys::name, api_keys::rooms, api_keys::events))
            .load(c)
            .await)?;
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].0, hash);
        assert!(!format!("{kept:?}").contains(&key[3..]), "the key itself lies nowhere");
        Ok(())
    });
    let other = root.post("/v1/admin/api-keys", json!({ "name": "Shop" })).await.created();
    assert_ne!(other["key"], made["key"]);
    assert_eq!((&other["rooms"], &other["events"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn only_administrators_handle_keys() {
    let server = TestServer::start().await;
    let back_end = server.back_end().await;
    let ann = server.user("ann").await;
    let (collection, item) = ("/v1/admin/api-keys", format!("/v1/admin/api-keys/{}", back_end.id));
    let body = json!({ "name": "Mine" });
    ann.post(collection, body.clone()).await.refused(403, "forbidden");
    ann.get(collection).await.refused(403, "forbidden");
    ann.delete(&item).await.refused(403, "forbidden");
    ann.delete(format!("/v1/admin/api-keys/{}", Uuid::now_v7())).await.refused(403, "forbidden");
    server.post(collection, body).await.refused(401, "unauthorized");
    back_end.publishes("still:there", json!({}), &["all"]).await.published();
    assert_eq!(server.operator().get(collection).await.ok().ids(), [back_end.id]);
}

#[tokio::test]
async fn a_key_opens_publishing_and_nothing_else() {
    let server = TestServer::start().await;
    let back_end = server.back_end().await;
    let nobody = Uuid::now_v7();
    let calls = [
        ("GET", "/v1/user".to_owned()),
        ("GET", "/v1/events".into()),
        ("POST", "/v1/events".into()),
        ("PUT", format!("/v1/events/{nobody}")),
        ("DELETE", format!("/v1/events/{nobody}")),
        ("POST", "/v1/events/change_state".into()),
        ("GET", "/v1/departments".into()),
        ("POST", "/v1/departments".into()),
        ("GET", "/v1/event_groups".into()),
        ("GET", "/v1/admin/users".into()),
        ("PUT", format!("/v1/admin/users/{nobody}")),
        ("GET", "/v1/admin/api-keys".into()),
        ("POST", "/v1/admin/api-keys".into()),
        ("DELETE", format!("/v1/admin/api-keys/{}", back_end.id)),
        ("POST", "/v1/auth/ticket".into()),
        ("POST", "/v1/auth/logout".into()),
        ("GET", "/v1/stream".into()),
    ];
    for (method, path) in calls {
        let call = if method == "GET" { back_end.call(method, &path) } else { send(&back_end, method, &path) };
        call.await.refused(401, "unauthorized");
    }
    let ann = server.stranger(&["USER"]);
    for over in Over::ALL {
        for pass in [Pass::Token(back_end.key.clone()), Pass::Header(back_end.key.clone())] {
            let refusal = Live::attempt(&ann, Way::new(over).pass(pass)).await.err().expect("a refusal");
            assert_eq!(refusal.message, "unauthorized", "{over:?}");
        }
    }
    let mut live = ann.live(Over::SocketIo).await;
    live.is_refused("authenticate", json!({ "token": back_end.key }), "unauthorized").await;
    back_end.publishes("all:the same", json!({}), &["all"]).await.published();
}

fn send(back_end: &BackEnd, method: &str, path: &str) -> crate::support::Call {
    let call = back_end.call(method, path);
    crate::support::Call::new(back_end.herald.addr, call.request.json(&json!({})))
}

#[tokio::test]
async fn what_is_no_key_opens_nothing() {
    let server = TestServer::start().await;
    let mut back_end = server.back_end().await;
    let good = back_end.key.clone();
    let others = [
        "hk_".to_owned(),
        good[..45].into(),
        format!("{good}A"),
        good.to_uppercase(),
        good[3..].into(),
        format!("hk_{}", "A".repeat(43)),
        format!("hk_{}", "%".repeat(43)),
    ];
    for other in others {
        back_end.key = other;
        back_end.publishes("x", json!({}), &["all"]).await.refused(401, "unauthorized");
    }
    server.post("/v1/publish", json!({ "event": "x", "data": {}, "to": ["all"] })).await.refused(401, "unauthorized");
    let ann = server.stranger(&["USER", "SELLER"]);
    let body = json!({ "event": "x", "data": {}, "to": ["all"] });
    ann.post("/v1/publish", body.clone()).await.refused(403, "forbidden");
    ann.post("/v1/publish/batch", json!([body])).await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_from_then_on() {
    let server = TestServer::start().await;
    let root = server.operator();
    let mut live = server.stranger(&["USER"]).live(Over::WebSocket).await;
    for _ in 0..10 {
        let (revoked, other) = (server.back_end().await, server.back_end().await);
        for back_end in [&revoked, &other] {
            back_end.publishes("before", json!({}), &["all"]).await.published();
            live.hears("before").await;
        }
        let path = format!("/v1/admin/api-keys/{}", revoked.id);
        root.delete(&path).await.gone();
        revoked.publishes("after", json!({}), &["all"]).await.refused(401, "unauthorized");
        // Not even told what would be wrong with it.
        revoked.publishes("ready", json!({}), &["all"]).await.refused(401, "unauthorized");
        revoked.post("/v1/publish/batch", json!([])).await.refused(401, "unauthorized");
        other.publishes("others go on", json!({}), &["all"]).await.published();
        live.hears("others go on").await;
        root.delete(&path).await.refused(404, "not_found");
    }
    root.delete("/v1/admin/api-keys/nonsense").await.refused(404, "not_found");
}

#[tokio::test]
async fn a_key_that_is_revoked_while_its_request_is_on_the_way_publishes_nothing() {
    let server = TestServer::start().await;
    let root = server.operator();
    let back_end = server.back_end().await;
    let mut live = server.stranger(&["USER"]).live(Over::WebSocket).await;
    let body = json!({ "event": "too:late", "data": {}, "to": ["all"] }).to_string();
    let (begin, rest) = body.split_at(10);

    let mut slow = TcpStream::connect(server.addr).await.expect("a connection");
    let head = format!(
        "POST /v1/publish HTTP/1.1\r\nHost: herald\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{begin}",
        back_end.key,
        body.len()
    );
    slow.write_all(head.as_bytes()).await.expect("it is sent");
    // Its first use is noted: the key was looked up, and was good.
    let noted = async { while root.get("/v1/admin/api-keys").await.ok()[0]["lastUsedAt"].is_null() {} };
    tokio::time::timeout(PATIENCE, noted).await.expect("it is noted");
    root.delete(format!("/v1/admin/api-keys/{}", back_end.id)).await.gone();
    slow.write_all(rest.as_bytes()).await.expect("it is sent");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    live.hears_nothing().await;
}

#[tokio::test]
async fn a_list_of_keys_has_pages_and_says_when_each_was_used() {
    let server = TestServer::start().await;
    let root = server.operator();
    let mut keys = Vec::new();
    for _ in 0..3 {
        keys.push(server.back_end().await);
    }
    keys[1].publishes("x", json!({}), &["all"]).await.published();
    let first = root.get("/v1/admin/api-keys?limit=2").await.ok();
    assert_eq!(first.ids(), [&*keys[0].id, &*keys[1].id]);
    assert!(first[0]["lastUsedAt"].is_null() && first[1]["lastUsedAt"].is_string(), "{}", first.body);
    first.seq();
    let second = root.get(first.next_page().expect("a second page")).await.ok();
    assert_eq!(second.ids(), [&*keys[2].id]);
    assert_eq!(second.next_page(), None);
    root.get("/v1/admin/api-keys?limit=0").await.refused(422, "invalid_request").naming("limit");
}

#[tokio::test]
async fn there_are_a_thousand_keys_at_most() {
    let server = TestServer::start().await;
    let root = server.operator();
    server.writes(async |tx| {
        for n in 0..999 {
            let row = (
                api_keys::id.eq(Uuid::now_v7().to_string()),
                api_keys::hash.eq(n.to_string()),
                (api_keys::name.eq("x"), api_keys::rooms.eq("null"), api_keys::events.eq("null")),
                api_keys::created_at.eq(tx.now()),
            );
            sql!(&mut tx.conn, |c| diesel::insert_into(api_keys::table).values(row).execute(c).await)?;
        }
        Ok(())
    });
    let last = server.back_end().await;
    root.post("/v1/admin/api-keys", json!({ "name": "One more" })).await.refused(409, "conflict");
    root.delete(format!("/v1/admin/api-keys/{}", last.id)).await.gone();
    server.back_end().await;
}

#[tokio::test]
async fn what_a_key_can_not_be_is_refused_by_name() {
    let server = TestServer::start().await;
    let root = server.operator();
    let refused = [
        (json!({}), "name"),
        (json!({ "name": "" }), "name"),
        (json!({ "name": "x".repeat(101) }), "name"),
        (json!({ "name": "x", "rooms": ["topics-news"] }), "rooms[0]"),
        (json!({ "name": "x", "rooms": vec!["all"; 101] }), "rooms"),
        (json!({ "name": "x", "events": ["fine", ""] }), "events[1]"),
        (json!({ "name": "x", "events": "order:*" }), "events"),
        (json!({ "name": "x", "key": "hk_mine" }), "key"),
    ];
    for (body, field) in refused {
        root.post("/v1/admin/api-keys", body).await.refused(422, "invalid_request").naming(field);
    }
    assert_eq!(root.get("/v1/admin/api-keys").await.ok().body, json!([]));
}
