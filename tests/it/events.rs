//! Events (CONTRACT 5): who hears what as they are drafted, reviewed, published, changed by way of
//! versions, deleted; over all wires, with one who hears and one who does not.

use crate::support::{A_DAY, TestServer, User};
use serde_json::{Value, json};

fn path(id: &str) -> String {
    format!("/v1/events/{id}")
}

#[tokio::test]
async fn a_draft_is_heard_by_its_author_and_the_members_of_its_groups_alone() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let (eve, root) = (server.user("eve").await, server.admin("root").await);
    let group = ann.group(&[&bob]).await;
    let (mut anns, mut bobs) = (ann.everywhere().await, bob.everywhere().await);
    let (mut eves, mut roots) = (eve.everywhere().await, root.everywhere().await);

    let draft = ann.draft_in(&group, "Outing").await;
    let id = draft.id();
    let notice = anns.hears("NEW_RECORD").await;
    assert_eq!(
        (&notice["type"], &notice["record"], notice["seq"].as_i64()),
        (&json!("EVENT"), &draft.body, Some(draft.seq()))
    );
    bobs.hears_of("NEW_RECORD", &id).await;

    let changed = bob.describes(&id, "Outing to the lake").await.ok();
    assert_eq!(changed["version"], 2);
    assert_eq!(anns.hears_of("CHANGED_RECORD", &id).await, changed.body);
    bobs.hears_of("CHANGED_RECORD", &id).await;

    let gone = ann.delete(path(&id)).await.gone();
    for hears in [&mut anns, &mut bobs] {
        assert_eq!(hears.hears("DELETED_RECORD").await, json!({ "type": "EVENT", "id": id, "seq": gone.seq() }));
    }
    ann.get(path(&id)).await.refused(404, "not_found");

    let marker = server.marker().await;
    eves.hears_marker(&marker).await;
    roots.hears_marker(&marker).await;
    anns.hears_marker(&marker).await;
}

#[tokio::test]
async fn a_review_narrows_to_the_author_and_widens_to_administrators() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let (eve, root) = (server.user("eve").await, server.admin("root").await);
    let group = ann.group(&[&bob]).await;
    let draft = ann.draft_in(&group, "Outing").await;
    let id = draft.id();
    let (mut anns, mut bobs) = (ann.everywhere().await, bob.everywhere().await);
    let (mut eves, mut roots) = (eve.everywhere().await, root.everywhere().await);

    let moved = ann.moves(&id, "REVIEW").await.ok();
    assert_eq!((&moved[0]["id"], &moved[0]["state"], &moved[0]["version"]), (&json!(id), &json!("REVIEW"), &json!(2)));
    assert_eq!(anns.hears_of("CHANGED_RECORD", &id).await, moved[0]);
    bobs.hears_of("DELETED_RECORD", &id).await;
    roots.hears_of("NEW_RECORD", &id).await;
    roots.is_notified("event.review_requested").await;
    bob.get(path(&id)).await.refused(404, "not_found");
    root.get(path(&id)).await.ok();

    // Taken back: the other way round.
    ann.moves(&id, "DRAFT").await.ok();
    anns.hears_of("CHANGED_RECORD", &id).await;
    bobs.hears_of("NEW_RECORD", &id).await;
    roots.hears_of("DELETED_RECORD", &id).await;

    ann.moves(&id, "REVIEW").await.ok();
    root.moves(&id, "REFUSED").await.ok();
    for _ in 0..2 {
        anns.hears_of("CHANGED_RECORD", &id).await;
    }
    anns.is_notified("event.refused").await;
    bobs.hears_of("DELETED_RECORD", &id).await;
    roots.hears_of("NEW_RECORD", &id).await;
    roots.is_notified("event.review_requested").await;
    assert_eq!(roots.hears_of("CHANGED_RECORD", &id).await["state"], "REFUSED");

    ann.moves(&id, "DRAFT").await.ok();
    bobs.hears_of("NEW_RECORD", &id).await;
    roots.hears_of("DELETED_RECORD", &id).await;
    eves.hears_nothing().await;
}

#[tokio::test]
async fn what_is_published_is_new_to_everybody_but_those_who_reviewed_it() {
    let server = TestServer::start().await;
    let (ann, eve) = (server.stranger(&["USER"]), server.stranger(&["USER"]));
    let root = server.operator();
    let id = ann.draft("Fair").await.id();
    ann.moves(&id, "REVIEW").await.ok();
    let (mut anns, mut eves, mut roots) = (ann.everywhere().await, eve.everywhere().await, root.everywhere().await);

    let moved = root.moves(&id, "PUBLISHED").await.ok();
    assert_eq!(anns.hears_of("CHANGED_RECORD", &id).await, moved[0]);
    anns.is_notified("event.published").await;
    assert_eq!(roots.hears_of("CHANGED_RECORD", &id).await, moved[0]);
    assert_eq!(eves.hears_of("NEW_RECORD", &id).await, moved[0]);
    assert_eq!(eve.get(path(&id)).await.ok()["state"], "PUBLISHED");
    // Each once.
    let marker = server.marker().await;
    for hears in [&mut anns, &mut eves, &mut roots] {
        hears.hears_marker(&marker).await;
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Who {
    Author,
    Admin,
    Member,
    Outsider,
}

/// What has to come of it: the contract's table, written out.
fn expected(who: Who, from: &str, to: &str) -> (u16, &'static str) {
    use Who::{Admin, Author, Member};
    let sees = match from {
        "DRAFT" => matches!(who, Author | Member),
        "REVIEW" | "REFUSED" => matches!(who, Author | Admin),
        _ => true,
    };
    let movers: &[Who] = match (from, to) {
        ("DRAFT", "REVIEW") => &[Author, Admin],
        ("REVIEW", "PUBLISHED" | "REFUSED") => &[Admin],
        ("REVIEW" | "REFUSED", "DRAFT") => &[Author],
        _ => &[],
    };
    match () {
        () if !sees => (404, "not_found"),
        () if movers.is_empty() => (409, "invalid_transition"),
        () if !movers.contains(&who) => (403, "forbidden"),
        () => (200, ""),
    }
}

#[tokio::test]
async fn only_the_steps_of_the_contract_are_taken_and_only_by_those_whose_they_are() {
    const STATES: [&str; 4] = ["DRAFT", "REVIEW", "PUBLISHED", "REFUSED"];
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let (eve, root) = (server.stranger(&["USER"]), server.operator());
    let group = ann.group(&[&bob]).await;
    let people = [(Who::Author, &ann), (Who::Admin, &root), (Who::Member, &bob), (Who::Outsider, &eve)];
    for (who, by) in people {
        for from in STATES {
            for to in STATES {
                let id = ann.draft_in(&group, "An event").await.id();
                if from != "DRAFT" {
                    ann.moves(&id, "REVIEW").await.ok();
                }
                if from == "PUBLISHED" || from == "REFUSED" {
                    root.moves(&id, from).await.ok();
                }
                let story = format!("{who:?}: {from} -> {to}");
                let answer = by.moves(&id, to).await;
                let (status, code) = expected(who, from, to);
                assert_eq!(answer.head.status, status, "{story}: {}", answer.body);
                let state = if status == 200 { to } else { from };
                if status != 200 {
                    answer.refused(status, code);
                }
                assert_eq!(ann.get(path(&id)).await.ok()["state"], state, "{story}");
            }
        }
    }
}

#[tokio::test]
async fn an_administrator_who_sees_a_draft_may_hand_it_in() {
    let server = TestServer::start().await;
    let (ann, root) = (server.user("ann").await, server.admin("root").await);
    let group = ann.group(&[&root]).await;
    let id = ann.draft_in(&group, "Outing").await.id();
    root.moves(&id, "REVIEW").await.ok();
    ann.moves(&id, "DRAFT").await.ok();
}

#[tokio::test]
async fn change_state_moves_all_or_none() {
    let server = TestServer::start().await;
    let (ann, root) = (server.stranger(&["USER"]), server.operator());
    let (first, second) = (ann.draft("First").await.id(), ann.draft("Second").await.id());
    let theirs = root.draft("Not Ann's").await.id();
    let mut live = ann.everywhere().await;
    let to = |ids: &[&String], state: &str| ann.post("/v1/events/change_state", json!({ "ids": ids, "state": state }));
    to(&[&first, &theirs], "REVIEW").await.refused(404, "not_found");
    to(&[&first, &second], "PUBLISHED").await.refused(409, "invalid_transition");
    to(&[], "REVIEW").await.refused(422, "invalid_request").naming("ids");
    to(&[&first], "LOST").await.refused(422, "invalid_request");
    live.hears_nothing().await;
    assert_eq!(ann.get(path(&first)).await.ok()["version"], 1);

    let moved = ann
        .post("/v1/events/change_state", json!({ "ids": [second, first], "state": "REVIEW", "message": "Please look" }))
        .await
        .ok();
    assert_eq!(moved.ids(), [second.clone(), first.clone()]);
    live.hears_of("CHANGED_RECORD", &second).await;
    let last = live.hears("CHANGED_RECORD").await;
    assert_eq!(last["record"]["id"], first);
    // The administrators' notice of it is the last of the request.
    assert_eq!(last["seq"].as_i64(), Some(moved.seq() - 1));
}

#[tokio::test]
async fn putting_a_draft_into_a_group_shows_it_to_the_group_and_taking_it_out_hides_it() {
    let server = TestServer::start().await;
    let (ann, bob, eve) = (server.user("ann").await, server.user("bob").await, server.user("eve").await);
    let group = ann.group(&[&bob]).await;
    let id = ann.draft("Outing").await.id();
    let (mut anns, mut bobs, mut eves) = (ann.everywhere().await, bob.everywhere().await, eve.everywhere().await);

    ann.put(path(&id), json!({ "groupIds": [group.id] })).await.ok();
    anns.hears_of("CHANGED_RECORD", &id).await;
    bobs.hears_of("NEW_RECORD", &id).await;
    ann.put(path(&id), json!({ "groupIds": [] })).await.ok();
    anns.hears_of("CHANGED_RECORD", &id).await;
    bobs.hears_of("DELETED_RECORD", &id).await;
    bob.get(path(&id)).await.refused(404, "not_found");
    let marker = server.marker().await;
    for hears in [&mut anns, &mut bobs, &mut eves] {
        hears.hears_marker(&marker).await;
    }
}

#[tokio::test]
async fn one_puts_an_event_only_into_groups_one_is_in() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let bobs_own = bob.group(&[]).await;
    let mut body = json!({ "description": "x", "start": A_DAY.0, "end": A_DAY.1, "groupIds": [bobs_own.id] });
    ann.post("/v1/events", body.clone()).await.refused(422, "invalid_request").naming("groupIds");
    body["groupIds"] = json!([uuid::Uuid::now_v7()]);
    ann.post("/v1/events", body).await.refused(422, "invalid_request").naming("groupIds");
    let id = ann.draft("Mine").await.id();
    ann.put(path(&id), json!({ "groupIds": [bobs_own.id] })).await.refused(422, "invalid_request");
}

#[tokio::test]
async fn an_event_needs_a_description_a_start_and_an_end_that_follows() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let whole = json!({ "description": "x", "start": A_DAY.0, "end": A_DAY.1 });
    for field in ["description", "start", "end"] {
        let mut body = whole.clone();
        body.as_object_mut().expect("an object").remove(field);
        ann.post("/v1/events", body).await.refused(422, "invalid_request").naming(field);
    }
    let with = |field: &str, value: Value| {
        let mut body = whole.clone();
        body[field] = value;
        ann.post("/v1/events", body)
    };
    with("start", json!(A_DAY.1)).await.refused(422, "invalid_request").naming("start");
    with("start", json!("tomorrow")).await.refused(422, "invalid_request").naming("start");
    with("description", json!("")).await.refused(422, "invalid_request").naming("description");
    with("departmentIds", json!([uuid::Uuid::now_v7()])).await.refused(422, "invalid_request").naming("departmentIds");
    for field in ["id", "authorId", "state", "parentId", "version", "deletedAt"] {
        with(field, json!("x")).await.refused(422, "invalid_request").naming(field);
    }
    let made = with("location", json!("Here")).await.created();
    let fields: Vec<&str> = made.body.as_object().expect("an object").keys().map(String::as_str).collect();
    for field in [
        "id",
        "authorId",
        "state",
        "start",
        "end",
        "location",
        "description",
        "descriptionLong",
        "departmentIds",
        "groupIds",
        "parentId",
        "clonedFromId",
        "jobId",
        "version",
        "createdAt",
        "updatedAt",
        "deletedAt",
    ] {
        assert!(fields.contains(&field), "{field} is missing in {}", made.body);
    }
    assert_eq!((&made["start"], &made["end"]), (&json!(A_DAY.0), &json!(A_DAY.1)));
    assert_eq!((&made["authorId"], &made["state"]), (&json!(ann.id), &json!("DRAFT")));
}

#[tokio::test]
async fn a_change_touches_only_the_fields_given_and_null_clears_what_may_be_missing() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let made = ann.draft_with("Fair", json!({ "location": "Here", "descriptionLong": "Long" })).await;
    let changed = ann.put(path(&made.id()), json!({ "location": null })).await.ok();
    assert_eq!((&changed["location"], &changed["descriptionLong"]), (&Value::Null, &json!("Long")));
    assert_eq!((&changed["description"], &changed["start"]), (&json!("Fair"), &made["start"]));
    assert_ne!(changed["updatedAt"], Value::Null);
    ann.put(path(&made.id()), json!({ "description": null })).await.refused(422, "invalid_request");
}

#[tokio::test]
async fn a_draft_is_nobody_elses_to_touch() {
    let server = TestServer::start().await;
    let (ann, eve, root) = (server.stranger(&["USER"]), server.stranger(&["USER"]), server.operator());
    let id = ann.draft("Mine").await.id();
    for other in [&eve, &root] {
        other.get(path(&id)).await.refused(404, "not_found");
        other.describes(&id, "Theirs").await.refused(404, "not_found");
        other.delete(path(&id)).await.refused(404, "not_found");
        other.call("POST", format!("{}/clone", path(&id))).await.refused(404, "not_found");
        assert!(!other.get("/v1/events").await.ok().ids().contains(&id));
    }
}

#[tokio::test]
async fn an_event_under_review_or_refused_is_not_changed() {
    let server = TestServer::start().await;
    let (ann, root) = (server.stranger(&["USER"]), server.operator());
    let id = ann.draft("Mine").await.id();
    ann.moves(&id, "REVIEW").await.ok();
    for who in [&ann, &root] {
        who.describes(&id, "Another").await.refused(409, "conflict");
    }
    root.moves(&id, "REFUSED").await.ok();
    for who in [&ann, &root] {
        who.describes(&id, "Another").await.refused(409, "conflict");
    }
}

/// A version of a published event, under review.
async fn version_under_review(by: &User, parent: &str, description: &str) -> String {
    let version = by.describes(parent, description).await.created();
    assert_eq!((&version["state"], &version["parentId"]), (&json!("DRAFT"), &json!(parent)));
    assert_eq!(version["authorId"], by.id);
    by.moves(&version.id(), "REVIEW").await.ok();
    version.id()
}

#[tokio::test]
async fn changing_a_published_event_makes_a_draft_of_whoever_changes_it() {
    let server = TestServer::start().await;
    let (ann, eve, root) = (server.stranger(&["USER"]), server.stranger(&["USER"]), server.operator());
    let parent = ann.published("Fair", &root).await;
    let (mut anns, mut eves) = (ann.everywhere().await, eve.everywhere().await);
    let version = eve.describes(&parent.id(), "A better fair").await.created();
    assert_ne!(version.id(), parent.id());
    assert_eq!((&version["description"], &version["start"]), (&json!("A better fair"), &parent["start"]));
    assert_eq!(eves.hears_of("NEW_RECORD", &version.id()).await, version.body);
    anns.hears_nothing().await;
    assert_eq!(ann.get(path(&parent.id())).await.ok().body, parent.body);
}

#[tokio::test]
async fn publishing_a_version_renews_its_parent_and_refuses_the_other_versions_in_that_order() {
    let server = TestServer::start().await;
    let (ann, eve, bob) = (server.stranger(&["USER"]), server.stranger(&["USER"]), server.stranger(&["USER"]));
    let root = server.operator();
    let parent = ann.published("Fair", &root).await;
    let id = parent.id();
    let chosen = version_under_review(&eve, &id, "A better fair").await;
    let other = version_under_review(&bob, &id, "A worse fair").await;
    let draft = bob.describes(&id, "Still a draft").await.created().id();
    let (mut anns, mut eves) = (ann.everywhere().await, eve.everywhere().await);
    let (mut bobs, mut roots) = (bob.everywhere().await, root.everywhere().await);

    let moved = root.moves(&chosen, "PUBLISHED").await.ok();
    assert_eq!((&moved[0]["id"], &moved[0]["description"]), (&json!(id), &json!("A better fair")));
    assert!(moved[0]["version"].as_i64() > parent["version"].as_i64());
    assert_eq!(moved[0]["authorId"], ann.id);

    roots.hears_of("CHANGED_RECORD", &id).await;
    roots.hears_of("DELETED_RECORD", &chosen).await;
    assert_eq!(roots.hears_of("CHANGED_RECORD", &other).await["state"], "REFUSED");
    eves.hears_of("CHANGED_RECORD", &id).await;
    eves.hears_of("DELETED_RECORD", &chosen).await;
    assert_eq!(eves.is_notified("event.published").await["data"], json!({ "eventId": id, "state": "PUBLISHED" }));
    bobs.hears_of("CHANGED_RECORD", &id).await;
    assert_eq!(bobs.hears_of("CHANGED_RECORD", &other).await["state"], "REFUSED");
    assert_eq!(bobs.is_notified("event.refused").await["data"], json!({ "eventId": other, "state": "REFUSED" }));
    assert_eq!(anns.hears_of("CHANGED_RECORD", &id).await, moved[0]);
    let marker = server.marker().await;
    for hears in [&mut anns, &mut eves, &mut bobs, &mut roots] {
        hears.hears_marker(&marker).await;
    }
    eve.get(path(&chosen)).await.refused(404, "not_found");
    assert_eq!(bob.get(path(&draft)).await.ok()["state"], "DRAFT");
}

#[tokio::test]
async fn a_version_of_a_deleted_event_is_not_published() {
    let server = TestServer::start().await;
    let (ann, eve, root) = (server.stranger(&["USER"]), server.stranger(&["USER"]), server.operator());
    let id = ann.published("Fair", &root).await.id();
    let version = version_under_review(&eve, &id, "A better fair").await;
    ann.delete(path(&id)).await.gone();
    let mut roots = root.everywhere().await;
    root.moves(&version, "PUBLISHED").await.expect(409);
    roots.hears_nothing().await;
    assert_eq!(eve.get(path(&version)).await.ok()["state"], "REVIEW");
}

#[tokio::test]
async fn what_was_published_is_only_marked_as_deleted_and_leaves_the_lists() {
    let server = TestServer::start().await;
    let (ann, eve, root) = (server.stranger(&["USER"]), server.stranger(&["USER"]), server.operator());
    let id = ann.published("Fair", &root).await.id();
    let mut eves = eve.everywhere().await;
    eve.delete(path(&id)).await.refused(403, "forbidden");
    ann.delete(path(&id)).await.gone();
    let record = eves.hears_of("CHANGED_RECORD", &id).await;
    assert!(record["deletedAt"].is_string(), "{record}");
    assert!(!eve.get("/v1/events").await.ok().ids().contains(&id));
    assert!(eve.get("/v1/events?deleted=true").await.ok().ids().contains(&id));
    // It is over.
    ann.delete(path(&id)).await.expect(409);
    eve.describes(&id, "More").await.expect(409);
}

#[tokio::test]
async fn an_event_under_review_is_marked_as_deleted_by_its_author_or_an_administrator() {
    let server = TestServer::start().await;
    let (ann, eve, root) = (server.stranger(&["USER"]), server.stranger(&["USER"]), server.operator());
    for deleter in [&ann, &root] {
        let id = ann.draft("Fair").await.id();
        ann.moves(&id, "REVIEW").await.ok();
        let (mut anns, mut eves, mut roots) = (ann.everywhere().await, eve.everywhere().await, root.everywhere().await);
        deleter.delete(path(&id)).await.gone();
        for hears in [&mut anns, &mut roots] {
            assert!(hears.hears_of("CHANGED_RECORD", &id).await["deletedAt"].is_string());
        }
        eves.hears_nothing().await;
    }
}

#[tokio::test]
async fn a_clone_is_a_new_draft_of_whoever_clones() {
    let server = TestServer::start().await;
    let (ann, bob, eve) = (server.user("ann").await, server.user("bob").await, server.stranger(&["USER"]));
    let root = server.operator();
    let group = ann.group(&[&bob]).await;
    let source = ann.draft_in(&group, "Outing").await;
    let (mut bobs, mut eves) = (bob.everywhere().await, eve.everywhere().await);
    let copy = bob.call("POST", format!("{}/clone", path(&source.id()))).await.created();
    assert_eq!((&copy["clonedFromId"], &copy["authorId"]), (&source["id"], &json!(bob.id)));
    assert_eq!(
        (&copy["state"], &copy["description"], &copy["version"]),
        (&json!("DRAFT"), &json!("Outing"), &json!(1))
    );
    let job = bobs.hears_of("NEW_RECORD", copy["jobId"].as_str().expect("a job made it")).await;
    assert_eq!((&job["type"], &job["state"], &job["progress"]), (&json!("CLONE"), &json!("DONE"), &json!(100)));
    assert_eq!(bobs.hears_of("NEW_RECORD", &copy.id()).await, copy.body);
    eves.hears_nothing().await;

    // Of what is published everybody makes one, in no group that is not theirs.
    ann.moves(&source.id(), "REVIEW").await.ok();
    root.moves(&source.id(), "PUBLISHED").await.ok();
    let copy = eve.call("POST", format!("{}/clone", path(&source.id()))).await.created();
    assert_eq!((&copy["groupIds"], &copy["parentId"], &copy["state"]), (&json!([]), &Value::Null, &json!("DRAFT")));
}

#[tokio::test]
async fn a_batch_changes_drafts_all_or_none_in_its_own_order() {
    let server = TestServer::start().await;
    let (ann, root) = (server.stranger(&["USER"]), server.operator());
    let (first, second) = (ann.draft("First").await.id(), ann.draft("Second").await.id());
    let theirs = root.draft("Not Ann's").await.id();
    let published = ann.published("Out", &root).await.id();
    let mut live = ann.everywhere().await;
    let batch = |entries: Value| ann.put("/v1/events", entries);
    let entry = |id: &str| json!({ "id": id, "description": "Changed" });

    batch(json!([entry(&first), entry(&theirs)])).await.refused(404, "not_found");
    batch(json!([entry(&first), entry(&published)])).await.refused(409, "conflict");
    let late = json!({ "id": second, "start": "2028-01-01T00:00:00Z" });
    batch(json!([entry(&first), late])).await.refused(422, "invalid_request").naming("[1].start");
    let unknown = json!({ "id": second, "colour": "red" });
    batch(json!([entry(&first), unknown])).await.refused(422, "invalid_request").naming("[1].colour");
    let many: Vec<Value> = (0..101).map(|_| json!({ "id": uuid::Uuid::now_v7() })).collect();
    batch(json!(many)).await.refused(422, "invalid_request");
    batch(json!([{ "description": "no id" }])).await.refused(422, "invalid_request");
    live.hears_nothing().await;
    assert_eq!(ann.get(path(&first)).await.ok()["version"], 1);

    let done = batch(json!([entry(&second), { "id": first, "location": "There" }])).await.ok();
    assert_eq!(done.ids(), [second.clone(), first.clone()]);
    assert_eq!((&done[0]["description"], &done[1]["location"]), (&json!("Changed"), &json!("There")));
    live.hears_of("CHANGED_RECORD", &second).await;
    let last = live.hears("CHANGED_RECORD").await;
    assert_eq!((&last["record"]["id"], last["seq"].as_i64()), (&json!(first), Some(done.seq())));
}

#[tokio::test]
async fn a_full_batch_is_taken() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let mut ids = Vec::new();
    for n in 0..100 {
        ids.push(ann.draft(&n.to_string()).await.id());
    }
    let entries: Vec<Value> = ids.iter().rev().map(|id| json!({ "id": id, "location": "There" })).collect();
    let done = ann.put("/v1/events", json!(entries)).await.ok();
    assert_eq!(done.ids(), ids.iter().rev().cloned().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_list_holds_what_one_would_hear_of() {
    let server = TestServer::start().await;
    let (ann, bob, eve) = (server.user("ann").await, server.user("bob").await, server.user("eve").await);
    let root = server.operator();
    let group = ann.group(&[&bob]).await;
    let own = ann.draft("Own").await.id();
    let shared = ann.draft_in(&group, "Shared").await.id();
    let review = ann.draft("Review").await.id();
    ann.moves(&review, "REVIEW").await.ok();
    let published = ann.published("Published", &root).await.id();
    let lists = [
        (&ann, vec![&own, &shared, &review, &published]),
        (&bob, vec![&shared, &published]),
        (&eve, vec![&published]),
        (&root, vec![&review, &published]),
    ];
    for (who, expected) in lists {
        assert_eq!(who.get("/v1/events").await.ok().ids(), expected.into_iter().cloned().collect::<Vec<_>>());
    }
}
