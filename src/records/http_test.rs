//! The routes of events and groups over HTTP: words are no ids, statuses and headers are the contract's.

use crate::{
    auth::{Auth, Claims, Settings, Tokens},
    records::{
        Viewer, event_groups, events,
        stage::{Stage, admin, draft, user},
    },
    secret::Secret,
    time::Time,
};
use actix_web::{
    App,
    http::{Method, StatusCode},
    rt::System,
    test as call, web,
};
use serde_json::{Value, json};

struct Answer {
    status: StatusCode,
    seq: Option<String>,
    body: Value,
}

/// Sends requests one after the other; `{0}` in a path stands for the id in the first answer, and so on.
fn send(stage: &Stage, requests: Vec<(&Viewer, Method, &str, Value)>) -> Vec<Answer> {
    System::new().block_on(async {
        let settings = || Settings::with_secret(Secret::new("0123456789abcdef0123456789abcdef"));
        let tokens = Tokens::open(&settings()).await.expect("keys");
        let auth = Auth::start(settings(), stage.store.clone(), stage.outbox.clone()).await.expect("auth");
        let app = App::new()
            .app_data(web::Data::new(auth))
            .app_data(web::Data::new(stage.store.clone()))
            .app_data(web::Data::new(stage.outbox.clone()))
            .configure(events::configure)
            .configure(event_groups::configure);
        let app = call::init_service(app).await;
        let mut answers: Vec<Answer> = Vec::new();
        for (by, method, path, body) in requests {
            let fill = |text: String| {
                let ids = answers.iter().map(|answer| answer.body["id"].as_str().unwrap_or_default()).enumerate();
                ids.fold(text, |text, (at, id)| text.replace(&format!("{{{at}}}"), id))
            };
            let identity = &by.identity;
            let claims = Claims {
                user: identity.user,
                sid: identity.sid.clone(),
                roles: identity.roles,
                topics: Vec::new(),
                expires_at: Time::now().unix() + 60,
            };
            let token = tokens.mint(&claims, Time::now()).expect("a token");
            let mut request = call::TestRequest::with_uri(&fill(path.into()))
                .method(method)
                .insert_header(("Authorization", format!("Bearer {token}")));
            if !body.is_null() {
                request =
                    request.insert_header(("Content-Type", "application/json")).set_payload(fill(body.to_string()));
            }
            let answer = call::call_service(&app, request.to_request()).await;
            let (status, seq) = (answer.status(), answer.headers().get("X-Herald-Seq").cloned());
            let bytes = call::read_body(answer).await;
            let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            answers.push(Answer { status, seq: seq.map(|seq| seq.to_str().expect("text").to_owned()), body });
        }
        answers
    })
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status.as_u16()).collect()
}

#[test]
fn words_are_no_ids_and_every_route_of_events_answers_as_the_contract_says() {
    let (ann, bob, root) = (user(), user(), admin());
    let stage = Stage::new(&[("ann", &ann), ("bob", &bob), ("root", &root)]);
    let answers = send(
        &stage,
        vec![
            (&ann, Method::POST, "/events", draft()),
            (&ann, Method::PUT, "/events", json!([{"id": "{0}", "location": "Hall"}])),
            (&ann, Method::PUT, "/events", json!([{"id": "{0}", "start": "soon"}])),
            (&bob, Method::GET, "/events/{0}", Value::Null),
            (
                &ann,
                Method::POST,
                "/events/change_state",
                json!({"ids": ["{0}"], "state": "REVIEW", "message": "Please"}),
            ),
            (&ann, Method::PUT, "/events/{0}", json!({"location": "Yard"})),
            (&root, Method::POST, "/events/change_state", json!({"ids": ["{0}"], "state": "PUBLISHED"})),
            (&bob, Method::POST, "/events/{0}/clone", Value::Null),
            (&bob, Method::PUT, "/events/{0}", json!({"location": "Yard"})),
            (&bob, Method::DELETE, "/events/{0}", Value::Null),
            (&ann, Method::DELETE, "/events/{0}", Value::Null),
            (&ann, Method::DELETE, "/events/{0}", Value::Null),
            (&bob, Method::POST, "/events/change_state", json!({"ids": ["{0}"], "state": "LOST"})),
        ],
    );
    assert_eq!(statuses(&answers), [201, 200, 422, 404, 200, 409, 200, 201, 201, 403, 204, 409, 422]);
    assert_eq!(answers[1].body[0]["location"], "Hall");
    assert_eq!(answers[2].body["errors"][0]["field"], "[0].start");
    assert_eq!(answers[6].body[0]["state"], "PUBLISHED");
    assert_eq!(answers[7].body["clonedFromId"], answers[0].body["id"]);
    assert_eq!(answers[8].body["parentId"], answers[0].body["id"]);
    assert!([0, 1, 4, 6, 7, 8, 10].iter().all(|at| answers[*at].seq.is_some()), "every write says its place");
}

#[test]
fn members_come_and_go_over_http() {
    let (ann, bob) = (user(), user());
    let stage = Stage::new(&[("ann", &ann), ("bob", &bob)]);
    let (member, his) = (json!({"userId": bob.user()}), format!("/event_groups/{{0}}/members/{}", bob.user()));
    let answers = send(
        &stage,
        vec![
            (&ann, Method::POST, "/event_groups", json!({"name": "Fair"})),
            (&bob, Method::GET, "/event_groups/{0}", Value::Null),
            (&ann, Method::POST, "/event_groups/{0}/members", member.clone()),
            (&ann, Method::POST, "/event_groups/{0}/members", member),
            (&bob, Method::PUT, "/event_groups/{0}", json!({"memberIds": []})),
            (&bob, Method::DELETE, &his, Value::Null),
            (&bob, Method::DELETE, &his, Value::Null),
            (&ann, Method::DELETE, "/event_groups/{0}/members/nobody", Value::Null),
            (&ann, Method::DELETE, "/event_groups/{0}", Value::Null),
        ],
    );
    assert_eq!(statuses(&answers), [201, 404, 201, 200, 422, 204, 404, 404, 204]);
    assert_eq!(answers[2].body["memberIds"], json!([ann.user(), bob.user()]));
    assert_eq!(answers[4].body["errors"][0]["field"], "memberIds");
}

#[test]
fn members_see_a_draft_of_their_group_but_not_what_is_under_review() {
    let (ann, bob) = (user(), user());
    let stage = Stage::new(&[("ann", &ann), ("bob", &bob)]);
    let mut shared = draft();
    shared["groupIds"] = json!(["{0}"]);
    let answers = send(
        &stage,
        vec![
            (&ann, Method::POST, "/event_groups", json!({"name": "Fair"})),
            (&ann, Method::POST, "/event_groups/{0}/members", json!({"userId": bob.user()})),
            (&ann, Method::POST, "/events", shared.clone()),
            (&bob, Method::GET, "/events", Value::Null),
            (&bob, Method::PUT, "/events/{2}", json!({"location": "Hall"})),
            (&bob, Method::POST, "/events/change_state", json!({"ids": ["{2}"], "state": "REVIEW"})),
            (&bob, Method::DELETE, "/events/{2}", Value::Null),
            (&ann, Method::POST, "/events/change_state", json!({"ids": ["{2}"], "state": "REVIEW"})),
            (&bob, Method::GET, "/events/{2}", Value::Null),
            (&bob, Method::GET, "/events", Value::Null),
        ],
    );
    assert_eq!(statuses(&answers), [201, 201, 201, 200, 200, 403, 403, 200, 404, 200]);
    assert_eq!(answers[3].body[0]["id"], answers[2].body["id"]);
    assert_eq!(answers[9].body, json!([]));
}
