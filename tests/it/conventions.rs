//! What holds for every route (CONTRACT 1): problems, lists, versions, places, the echo header, CORS.

use crate::support::{A_DAY, Call, Over, TestServer};
use serde_json::{Value, json};
use std::future::IntoFuture as _;
use uuid::Uuid;

#[tokio::test]
async fn whoever_says_no_token_is_unauthorized_on_every_route() {
    let server = TestServer::start().await;
    let id = Uuid::now_v7();
    for (method, path) in [
        ("GET", "/v1/user".to_owned()),
        ("GET", "/v1/events".to_owned()),
        ("GET", format!("/v1/events/{id}")),
        ("GET", "/v1/departments".to_owned()),
        ("GET", "/v1/event_groups".to_owned()),
        ("GET", "/v1/admin/users".to_owned()),
        ("GET", "/v1/stream".to_owned()),
        ("DELETE", format!("/v1/events/{id}")),
        ("DELETE", format!("/v1/admin/users/{id}")),
        ("POST", format!("/v1/events/{id}/clone")),
        ("POST", "/v1/auth/logout".to_owned()),
        ("POST", "/v1/auth/ticket".to_owned()),
    ] {
        server.call(method, path).await.refused(401, "unauthorized");
    }
    server.post("/v1/events", json!({})).await.refused(401, "unauthorized");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_like_any_other() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    for path in ["/v1/nothing", "/nothing", "/v1/events/nonsense", "/v1/departments/nonsense"] {
        ann.get(path).await.refused(404, "not_found");
    }
    for kind in ["events", "departments", "event_groups"] {
        ann.get(format!("/v1/{kind}/{}", Uuid::now_v7())).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_know_is_said_to_be_so() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let answer = ann.call("PATCH", "/v1/events").await.expect(405);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert!(answer.header("Allow").is_some_and(|allow| allow.contains("GET")), "{answer:?}");
    assert_eq!(answer["status"], 405);
    ann.call("DELETE", "/v1/auth/login").await.expect(405);
}

/// A call with this body as it is.
fn with_body(call: Call, kind: &str, body: impl Into<Vec<u8>>) -> Call {
    let mut call = call;
    call.request = call.request.raw(kind, body);
    call
}

#[tokio::test]
async fn a_body_that_can_not_be_read_is_refused_as_what_it_is() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let event = json!({ "description": "x", "start": A_DAY.0, "end": A_DAY.1 }).to_string();
    let post = || ann.call("POST", "/v1/events");
    for junk in ["", "{", "{\"description\":}", "[1,2", "nul"] {
        with_body(post(), "application/json", junk).await.refused(400, "invalid_request");
    }
    with_body(post(), "application/json", b"{\"description\":\"\xff\"}".to_vec()).await.refused(400, "invalid_request");
    for kind in ["text/plain", "application/xml", "multipart/form-data", ""] {
        with_body(post(), kind, event.clone()).await.refused(415, "unsupported_media_type");
    }
    with_body(post(), "application/json; charset=utf-8", event.clone()).await.created();
    let large = event.replace('x', &"x".repeat(300_000));
    with_body(post(), "application/json", large).await.refused(413, "payload_too_large");
    for wrong in ["[]", "7", "\"text\"", "null"] {
        with_body(post(), "application/json", wrong).await.refused(422, "invalid_request");
    }
}

#[tokio::test]
async fn an_unknown_field_is_refused_by_its_name() {
    let server = TestServer::start().await;
    let (ann, root) = (server.user("ann").await, server.operator());
    let body = json!({ "description": "x", "start": A_DAY.0, "end": A_DAY.1, "colour": 1 });
    ann.post("/v1/events", body).await.refused(422, "invalid_request").naming("colour");
    let id = ann.draft("x").await.id();
    let odd = json!({ "colour": 1 });
    ann.put(format!("/v1/events/{id}"), odd.clone()).await.refused(422, "invalid_request").naming("colour");
    ann.post("/v1/event_groups", json!({ "name": "x", "colour": 1 }))
        .await
        .refused(422, "invalid_request")
        .naming("colour");
    ann.put(format!("/v1/users/{}", ann.id), odd.clone()).await.refused(422, "invalid_request").naming("colour");
    root.post("/v1/departments", json!({ "name": "x", "colour": 1 }))
        .await
        .refused(422, "invalid_request")
        .naming("colour");
    let login = json!({ "email": "x", "password": "x", "colour": 1 });
    server.post("/v1/auth/login", login).await.refused(422, "invalid_request").naming("colour");
    server.post("/v1/auth/refresh", odd).await.refused(422, "invalid_request").naming("colour");
    let moved = json!({ "ids": [id], "state": "REVIEW", "colour": 1 });
    ann.post("/v1/events/change_state", moved).await.refused(422, "invalid_request").naming("colour");
}

#[tokio::test]
async fn all_faults_of_a_body_are_named_together() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let body = json!({ "description": "", "start": A_DAY.1, "end": A_DAY.0 });
    ann.post("/v1/events", body).await.refused(422, "invalid_request").naming("description").naming("start");
}

#[tokio::test]
async fn a_list_is_paged_by_its_link() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(ann.draft(&n.to_string()).await.id());
    }
    let mut page = Some("/v1/events?limit=2".to_owned());
    let mut read = Vec::new();
    let mut sizes = Vec::new();
    while let Some(path) = page {
        let answer = ann.get(path).await.ok();
        assert!(answer.seq() >= 5);
        sizes.push(answer.list().len());
        read.extend(answer.ids());
        page = answer.next_page();
    }
    assert_eq!((read, &sizes[..3]), (made, &[2, 2, 1][..]));
    for limit in ["0", "-1", "many"] {
        ann.get(format!("/v1/events?limit={limit}")).await.refused(422, "invalid_request");
    }
    ann.get("/v1/events?after=nonsense").await.refused(422, "invalid_request");
}

#[tokio::test]
async fn a_page_holds_fifty_unless_told_otherwise_and_two_hundred_at_most() {
    let server = TestServer::start().await;
    let root = server.operator();
    for n in 0..205 {
        root.post("/v1/departments", json!({ "name": n.to_string() })).await.created();
    }
    assert_eq!(root.get("/v1/departments").await.ok().list().len(), 50);
    // More than 200 is lowered to it (docs/protocol.md).
    let answer = root.get("/v1/departments?limit=1000").await.ok();
    assert_eq!(answer.list().len(), 200);
    let rest = root.get(answer.next_page().expect("a next page")).await.ok();
    assert_eq!(rest.list().len(), 5);
}

#[tokio::test]
async fn every_write_says_the_place_of_its_last_notice_and_every_list_how_far_it_goes() {
    let server = TestServer::start().await;
    let (ann, root) = (server.user("ann").await, server.admin("root").await);
    let mut roots = root.live(Over::WebSocket).await;
    let mut anns = ann.live(Over::Sse).await;
    let draft = ann.draft("x").await;
    assert_eq!(anns.hears("NEW_RECORD").await["seq"], draft.seq());
    assert_eq!(ann.get("/v1/events").await.ok().seq(), draft.seq());
    let changed = ann.describes(&draft.id(), "y").await.ok();
    assert_eq!(anns.hears("CHANGED_RECORD").await["seq"], changed.seq());
    // The last of several: first the author's, then the administrators'.
    let moved = ann.moves(&draft.id(), "REVIEW").await.ok();
    let last = roots.hears("NEW_RECORD").await["seq"].clone();
    assert!(last.as_i64() <= Some(moved.seq()) && last.as_i64() > Some(changed.seq()), "{last} {}", moved.seq());
    assert!(anns.hears("CHANGED_RECORD").await["seq"].as_i64() <= Some(moved.seq()));
    assert_eq!(root.get("/v1/departments").await.ok().seq(), moved.seq());
    assert_eq!(root.get("/v1/admin/users").await.ok().seq(), moved.seq());
    assert_eq!(ann.get("/v1/event_groups").await.ok().seq(), moved.seq());
    let renamed = ann.put(format!("/v1/users/{}", ann.id), json!({ "firstName": "Anna" })).await.ok();
    assert_eq!(anns.hears("CHANGED_RECORD").await["seq"], renamed.seq());
    let group = ann.post("/v1/event_groups", json!({ "name": "x" })).await.created();
    assert_eq!(anns.hears("NEW_RECORD").await["seq"], group.seq());
    let gone = ann.delete(format!("/v1/event_groups/{}", group.id())).await.gone();
    assert_eq!(anns.hears("DELETED_RECORD").await["seq"], gone.seq());
}

#[tokio::test]
async fn a_change_for_another_version_is_refused_and_changes_nothing() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let draft = ann.draft("1").await;
    assert_eq!(draft.header("ETag"), Some("\"1\""));
    let path = format!("/v1/events/{}", draft.id());
    let to = |text: &str| ann.put(&path, json!({ "description": text }));
    assert_eq!(to("2").if_version(1).await.ok()["version"], 2);
    let mut live = ann.live(Over::SocketIo).await;
    to("3").if_version(1).await.refused(412, "precondition_failed");
    to("3").if_version(7).await.refused(412, "precondition_failed");
    live.hears_nothing().await;
    assert_eq!(ann.get(&path).await.ok()["description"], "2");
    assert_eq!(to("3").header("If-Match", "*").await.ok()["version"], 3);
    assert_eq!(to("4").await.ok()["version"], 4);
    for junk in ["junk", "4", "\"four\"", "\"", "\"4", "W/\"4\"", ""] {
        let answer = to("5").header("If-Match", junk).await;
        assert_eq!(answer.head.status, 422, "{junk:?}: {}", answer.body);
        answer.refused(422, "invalid_request");
    }
    ann.delete(&path).if_version(1).await.refused(412, "precondition_failed");
    ann.delete(&path).if_version(4).await.gone();
}

#[tokio::test]
async fn of_two_changes_at_once_to_one_version_one_wins() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let id = ann.draft("1").await.id();
    let calls = (0..8).map(|n| ann.describes(&id, &n.to_string()).if_version(1).into_future());
    let answers = futures_util::future::join_all(calls).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.head.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 7, "{statuses:?}");
}

#[tokio::test]
async fn a_change_is_not_pushed_back_to_the_connection_it_came_from() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    for over in Over::ALL {
        let (mut origin, mut other) = (ann.live(over).await, ann.live(over).await);
        let body = json!({ "description": "x", "start": A_DAY.0, "end": A_DAY.1 });
        let id = ann.post("/v1/events", body).from(&origin).await.created().id();
        other.hears_of("NEW_RECORD", &id).await;
        ann.describes(&id, "y").from(&origin).await.ok();
        other.hears_of("CHANGED_RECORD", &id).await;
        ann.delete(format!("/v1/events/{id}")).from(&origin).await.gone();
        other.hears_of("DELETED_RECORD", &id).await;
        let marker = server.marker().await;
        origin.hears_marker(&marker).await;
        other.hears_marker(&marker).await;
    }
}

#[tokio::test]
async fn nobody_silences_a_connection_that_is_somebody_elses() {
    let server = TestServer::start().await;
    let (ann, root) = (server.stranger(&["USER"]), server.operator());
    for over in Over::ALL {
        let mut anns = ann.live(over).await;
        let body = json!({ "name": format!("{over:?}") });
        let id = root.post("/v1/departments", body).from(&anns).await.created().id();
        anns.hears_of("NEW_RECORD", &id).await;
        for room in ["all".to_owned(), ann.room(), ann.id.clone(), String::new(), "x".repeat(5000)] {
            let path = format!("/v1/departments/{id}");
            let call = root.put(path, json!({ "letter": "x" })).header("X-Metadata-SocketId", room);
            call.await.ok();
            anns.hears_of("CHANGED_RECORD", &id).await;
        }
    }
}

#[tokio::test]
async fn a_change_of_state_is_told_to_the_caller_too() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    for over in Over::ALL {
        let id = ann.draft("x").await.id();
        let mut live = ann.live(over).await;
        ann.moves(&id, "REVIEW").from(&live).await.ok();
        assert_eq!(live.hears_of("CHANGED_RECORD", &id).await["state"], "REVIEW");
        live.hears_nothing().await;
    }
}

#[tokio::test]
async fn pages_of_friends_may_call_and_others_may_not() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let from = |origin: &str| ann.get("/v1/events").header("Origin", origin);
    let friend = from("https://friend.example").await.ok();
    assert_eq!(friend.header("Access-Control-Allow-Origin"), Some("https://friend.example"));
    let exposed = friend.header("Access-Control-Expose-Headers").unwrap_or_default().to_lowercase();
    assert!(["x-herald-seq", "link", "etag"].iter().all(|name| exposed.contains(name)), "{exposed}");
    let foe = from("https://evil.example").await;
    assert_eq!(foe.header("Access-Control-Allow-Origin"), None);

    let asks = |origin: &str| {
        server
            .call("OPTIONS", "/v1/events")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "PUT")
            .header("Access-Control-Request-Headers", "authorization,content-type,if-match,x-metadata-socketid")
    };
    let allowed = asks("https://friend.example").await.ok();
    assert_eq!(allowed.header("Access-Control-Allow-Origin"), Some("https://friend.example"));
    let headers = allowed.header("Access-Control-Allow-Headers").unwrap_or_default().to_lowercase();
    assert!(
        ["authorization", "if-match", "x-metadata-socketid"].iter().all(|name| headers.contains(name)),
        "{headers}"
    );
    assert_eq!(asks("https://evil.example").await.header("Access-Control-Allow-Origin"), None);
}

#[tokio::test]
async fn polling_has_cors_as_well() {
    let server = TestServer::start().await;
    let poll = |origin: &str| server.call("GET", "/socket.io/?EIO=4&transport=polling").header("Origin", origin);
    let friend = poll("https://friend.example").await.ok();
    assert_eq!(friend.header("Access-Control-Allow-Origin"), Some("https://friend.example"));
    let foe = poll("https://evil.example").await;
    assert_eq!(foe.header("Access-Control-Allow-Origin"), None);
}

#[tokio::test]
async fn times_are_told_in_utc_with_milliseconds_whatever_zone_they_came_in() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let zoned = json!({ "start": "2027-05-01T10:00:00.5+02:00", "end": "2027-05-01T12:00:00+02:00" });
    let made = ann.draft_with("x", zoned).await;
    assert_eq!(
        (&made["start"], &made["end"]),
        (&json!("2027-05-01T08:00:00.500Z"), &json!("2027-05-01T10:00:00.000Z"))
    );
    let id: Uuid = made.id().parse().expect("a UUID");
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(made["updatedAt"].as_str().map(str::len), Some("2027-05-01T08:00:00.500Z".len()));
    let null: Vec<&Value> = ["location", "parentId", "deletedAt"].iter().map(|field| &made[*field]).collect();
    assert!(null.iter().all(|value| value.is_null()));
}
