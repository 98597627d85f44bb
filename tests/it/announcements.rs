//! What administrators tell everybody (CONTRACT 8): live, and on coming back.

use crate::support::{Over, TestServer};
use serde_json::json;

#[tokio::test]
async fn an_announcement_is_heard_by_everybody_on_every_wire() {
    let server = TestServer::start().await;
    let (root, ann) = (server.operator(), server.stranger(&["USER"]));
    let mut anns = ann.everywhere().await;
    let mut away = ann.live(Over::SocketIo).await;
    away.cut().await;
    let said = root.post("/v1/admin/announcements", json!({ "message": "Cake at four" })).await.created();
    assert_eq!(said.body, json!({ "message": "Cake at four" }));
    let body = json!({ "message": "Back at noon", "startsAt": "2027-05-01T08:00:00.000Z" });
    let gone = root.post("/v1/admin/maintenance", body.clone()).await.created();
    assert_eq!(anns.hears("system:announcement").await, json!({ "message": "Cake at four", "seq": said.seq() }));
    let heard = anns.hears("system:maintenance").await;
    assert_eq!(heard, json!({ "message": "Back at noon", "startsAt": body["startsAt"], "seq": gone.seq() }));
    away.resume().await;
    away.hears("system:announcement").await;
    away.hears("system:maintenance").await;
}

#[tokio::test]
async fn everybody_is_addressed_by_administrators_alone_and_with_words() {
    let server = TestServer::start().await;
    let (root, ann) = (server.operator(), server.stranger(&["USER", "SELLER", "BUYER"]));
    let mut anns = ann.live(Over::SocketIo).await;
    ann.post("/v1/admin/announcements", json!({ "message": "Hi" })).await.refused(403, "forbidden");
    let body = json!({ "message": "Hi", "startsAt": "2027-05-01T08:00:00.000Z" });
    ann.post("/v1/admin/maintenance", body).await.refused(403, "forbidden");
    for (path, body, field) in [
        ("announcements", json!({ "message": "" }), "message"),
        ("announcements", json!({ "message": "x".repeat(2001) }), "message"),
        ("maintenance", json!({ "message": "Hi" }), "startsAt"),
        ("maintenance", json!({ "message": "Hi", "startsAt": "soon" }), "startsAt"),
    ] {
        root.post(format!("/v1/admin/{path}"), body).await.refused(422, "invalid_request").naming(field);
    }
    anns.hears_nothing().await;
}
