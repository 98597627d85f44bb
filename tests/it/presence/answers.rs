//! `GET /v1/presence`, and what is no question at all.

use super::{SHORT, everywhere, ids, is, path, server_with};
use crate::support::Over;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn whoever_has_no_way_to_ask_on_a_socket_asks_over_http() {
    let server = server_with(SHORT).await;
    let (ann, bob, eve) = (server.user("ann").await, server.user("bob").await, server.user("eve").await);
    ann.group(&[&bob]).await;
    let (_one, _two) = (bob.live(Over::Sse).await, bob.live(Over::Polling).await);
    let all = [is(&bob, true, 2), is(&ann, false, 0), is(&bob, true, 2)];
    assert_eq!(ann.presence_of(&[&bob, &ann, &bob]).await, all, "in the order asked");
    let (strange, missing) = (eve.get(path(&[&eve, &bob])).await, eve.get(path(&[&eve, &server.stranger(&[])])).await);
    let strange = strange.refused(403, "forbidden");
    assert_eq!(strange.body, missing.refused(403, "forbidden").body, "who is not there looks the same");
    server.call("GET", path(&[&bob])).await.refused(401, "unauthorized");
}

#[tokio::test]
async fn back_ends_and_administrators_ask_about_anybody() {
    let server = server_with(SHORT).await;
    let (bob, back_end) =
        (server.stranger(&["USER"]), server.back_end_with(json!({ "rooms": [], "events": [] })).await);
    let _bobs = bob.live(Over::WebSocket).await;
    let answer = back_end.call("GET", path(&[&bob])).await.ok();
    assert_eq!(answer.list(), &[is(&bob, true, 1)]);
    assert_eq!(server.operator().presence_of(&[&bob]).await, [is(&bob, true, 1)]);
    server.operator().delete(format!("/v1/admin/api-keys/{}", back_end.id)).await.gone();
    back_end.call("GET", path(&[&bob])).await.refused(401, "unauthorized");
}

#[tokio::test]
async fn what_names_nobody_or_too_many_is_refused() {
    let server = server_with(SHORT).await;
    let root = server.operator();
    let many = vec![root.id.clone(); 201];
    let many_in_a_row = many.join(",");
    for query in ["", "?userIds=", "?userIds=all", "?userIds=,", "?ids=1", &*format!("?userIds={many_in_a_row}")] {
        root.get(format!("/v1/presence{query}")).await.refused(422, "invalid_request");
    }
    assert_eq!(root.presence_of(&[&root; 200]).await.len(), 200);
    for mut live in everywhere(&root).await {
        for data in
            [json!({}), json!(null), json!("x"), json!({ "userIds": [] }), json!(["x"]), json!([1]), json!(many)]
        {
            live.is_refused("presence:subscribe", data, "invalid_request").await;
        }
        live.is_refused("presence:unsubscribe", json!({ "userIds": ["x"] }), "invalid_request").await;
        // The array alone will do.
        live.asks("presence:subscribe", json!(ids(&[&root]))).await;
    }
}

#[tokio::test]
async fn a_connection_watches_five_hundred_users_at_most() {
    let server = server_with(SHORT).await;
    let root = server.operator();
    let some = |count: usize| -> Vec<Value> { (0..count).map(|_| json!(Uuid::now_v7())).collect() };
    for mut live in everywhere(&root).await {
        let first = some(100);
        for wanted in [first.clone(), some(200), some(200)] {
            live.asks("presence:subscribe", json!({ "userIds": wanted })).await;
        }
        live.is_refused("presence:subscribe", json!({ "userIds": some(1) }), "limit_exceeded").await;
        live.asks("presence:subscribe", json!({ "userIds": first })).await;
        live.asks("presence:unsubscribe", json!({ "userIds": first })).await;
        live.asks("presence:subscribe", json!({ "userIds": some(100) })).await;
    }
}
