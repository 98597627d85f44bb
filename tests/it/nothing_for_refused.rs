//! Nothing is pushed for a request that is refused or rolled back (CONTRACT 3): every kind of refusal
//! of every write, while everybody who might hear of it listens.

use crate::support::{A_DAY, Answer, Over, TestServer};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn nothing_is_heard_of_what_was_refused() {
    let server = TestServer::start().await;
    let (ann, bob, root) = (server.user("ann").await, server.user("bob").await, server.admin("root").await);
    let group = ann.group(&[&bob]).await;
    let (draft, published) = (ann.draft_in(&group, "Draft").await.id(), ann.published("Published", &root).await.id());
    let review = ann.draft("Review").await.id();
    ann.moves(&review, "REVIEW").await.ok();
    let department = root.post("/v1/departments", json!({ "name": "Sales" })).await.created().id();
    let used = json!({ "departmentIds": [department] });
    ann.put(format!("/v1/events/{draft}"), used).await.ok();
    let newest = ann.get("/v1/events").await.ok().seq();

    let mut listening = Vec::new();
    for user in [&ann, &bob, &root] {
        listening.push(user.everywhere().await);
    }

    let event = |id: &str| format!("/v1/events/{id}");
    let nobody = Uuid::now_v7();
    let refused: Vec<(u16, Answer)> = vec![
        (401, server.post("/v1/events", json!({ "description": "x", "start": A_DAY.0, "end": A_DAY.1 })).await),
        (422, ann.post("/v1/events", json!({ "description": "x", "start": A_DAY.1, "end": A_DAY.0 })).await),
        (422, ann.post("/v1/events", json!({ "description": "x", "start": A_DAY.0, "end": A_DAY.1, "more": 1 })).await),
        (422, ann.put(event(&draft), json!({ "departmentIds": [nobody] })).await),
        (422, bob.put(event(&draft), json!({ "groupIds": [nobody] })).await),
        (412, ann.describes(&draft, "x").if_version(99).await),
        (422, ann.describes(&draft, "x").header("If-Match", "junk").await),
        (404, root.describes(&draft, "x").await),
        (403, bob.delete(event(&draft)).await),
        (404, bob.delete(event(&review)).await),
        (409, ann.describes(&review, "x").await),
        (403, bob.delete(event(&published)).await),
        (403, bob.moves(&draft, "REVIEW").await),
        (409, ann.moves(&draft, "PUBLISHED").await),
        (403, ann.moves(&review, "PUBLISHED").await),
        (409, root.moves(&published, "REFUSED").await),
        // The first of the two could be done, and is taken back.
        (409, ann.post("/v1/events/change_state", json!({ "ids": [draft, published], "state": "REVIEW" })).await),
        (404, ann.post("/v1/events/change_state", json!({ "ids": [draft, nobody], "state": "REVIEW" })).await),
        (404, ann.put("/v1/events", json!([{ "id": draft, "description": "x" }, { "id": nobody }])).await),
        (409, ann.put("/v1/events", json!([{ "id": draft, "description": "x" }, { "id": review }])).await),
        (422, ann.put("/v1/events", json!([{ "id": draft, "description": "x" }, { "id": draft }])).await),
        (404, root.call("POST", format!("/v1/events/{draft}/clone")).await),
        (403, ann.post("/v1/departments", json!({ "name": "Mine" })).await),
        (409, root.post("/v1/departments", json!({ "name": "Sales" })).await),
        (409, root.delete(format!("/v1/departments/{department}")).await),
        (422, root.put(format!("/v1/departments/{department}"), json!({ "color": "blue" })).await),
        (404, root.put(format!("/v1/departments/{nobody}"), json!({ "color": "#000000" })).await),
        (422, ann.post("/v1/event_groups", json!({ "name": "" })).await),
        (422, ann.post(format!("{}/members", group.path()), json!({ "userId": nobody })).await),
        (404, ann.delete(format!("{}/members/{nobody}", group.path())).await),
        (422, ann.put(format!("/v1/users/{}", ann.id), json!({ "roles": ["ADMIN"] })).await),
        (403, ann.put(format!("/v1/admin/users/{}", bob.id), json!({ "disabled": true })).await),
        (422, root.put(format!("/v1/admin/users/{}", bob.id), json!({ "roles": ["KING"] })).await),
        (
            409,
            server
                .post(
                    "/v1/auth/register",
                    json!({ "email": ann.email, "password": "long enough", "firstName": "x", "lastName": "y" }),
                )
                .await,
        ),
        (401, server.post("/v1/auth/login", json!({ "email": ann.email, "password": "wrong, sorry" })).await),
        (401, server.post("/v1/auth/refresh", json!({ "refreshToken": "nonsense" })).await),
    ];
    for (n, (status, answer)) in refused.iter().enumerate() {
        assert_eq!(answer.head.status, *status, "no. {n}: {answer:?}");
    }
    assert_eq!(ann.get("/v1/events").await.ok().seq(), newest, "a refused request takes no place in the order");

    let marker = server.marker().await;
    for hears in &mut listening {
        hears.hears_marker(&marker).await;
    }
}

#[tokio::test]
async fn what_was_rolled_back_is_not_heard_of_later_either() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let draft = ann.draft("Draft").await;
    let mut live = ann.live(Over::SocketIo).await;
    live.cut().await;
    let both = json!({ "ids": [draft.id(), Uuid::now_v7()], "state": "REVIEW" });
    ann.post("/v1/events/change_state", both).await.refused(404, "not_found");
    live.resume().await;
    live.hears_nothing().await;
    assert_eq!(ann.get(format!("/v1/events/{}", draft.id())).await.ok()["state"], "DRAFT");
}

#[tokio::test]
async fn a_refused_change_among_many_at_once_leaves_the_others_heard() {
    use std::future::IntoFuture as _;
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let mut live = ann.live(Over::WebSocket).await;
    // All wait for one commit, or a few; every third contradicts itself.
    let calls = (0..60).map(|n| {
        let end = if n % 3 == 0 { "2020-01-01T00:00:00Z" } else { A_DAY.1 };
        let body = json!({ "description": n.to_string(), "start": A_DAY.0, "end": end });
        ann.post("/v1/events", body).into_future()
    });
    let answers = futures_util::future::join_all(calls).await;
    let mut made: Vec<(i64, String)> = Vec::new();
    for (n, answer) in answers.into_iter().enumerate() {
        if n % 3 == 0 {
            answer.refused(422, "invalid_request");
        } else {
            let answer = answer.created();
            made.push((answer.seq(), answer.id()));
        }
    }
    made.sort_unstable();
    for (seq, id) in made {
        let notice = live.hears("NEW_RECORD").await;
        assert_eq!((notice["seq"].as_i64(), notice["record"]["id"].as_str()), (Some(seq), Some(id.as_str())));
    }
    live.hears_nothing().await;
}
