//! Event groups (CONTRACT 4 and 5): their members see them and their drafts; who comes and who goes
//! gains and loses that sight at once.

use crate::support::{Over, TestServer};
use serde_json::json;

#[tokio::test]
async fn a_group_is_heard_of_by_its_members_alone() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let (eve, root) = (server.user("eve").await, server.admin("root").await);
    let (mut anns, mut bobs) = (ann.everywhere().await, bob.everywhere().await);
    let (mut eves, mut roots) = (eve.everywhere().await, root.everywhere().await);

    let made = ann.post("/v1/event_groups", json!({ "name": "Staff", "description": "Us" })).await.created();
    let id = made.id();
    assert_eq!(made["memberIds"], json!([ann.id]));
    let notice = anns.hears("NEW_RECORD").await;
    assert_eq!((&notice["type"], &notice["record"]), (&json!("EVENT_GROUP"), &made.body));

    let path = format!("/v1/event_groups/{id}");
    let joined = ann.post(format!("{path}/members"), json!({ "userId": bob.id })).await.created();
    assert_eq!(joined["memberIds"], json!([ann.id, bob.id]));
    anns.hears_of("CHANGED_RECORD", &id).await;
    assert_eq!(bobs.hears_of("NEW_RECORD", &id).await, joined.body);

    let renamed = bob.put(&path, json!({ "name": "Crew" })).await.ok();
    assert_eq!((&renamed["name"], &renamed["description"]), (&json!("Crew"), &json!("Us")));
    anns.hears_of("CHANGED_RECORD", &id).await;
    bobs.hears_of("CHANGED_RECORD", &id).await;

    ann.delete(&path).await.gone();
    anns.hears_of("DELETED_RECORD", &id).await;
    bobs.hears_of("DELETED_RECORD", &id).await;
    let marker = server.marker().await;
    for hears in [&mut anns, &mut bobs, &mut eves, &mut roots] {
        hears.hears_marker(&marker).await;
    }
}

#[tokio::test]
async fn a_group_is_nobody_elses_but_administrators_write_it() {
    let server = TestServer::start().await;
    let (ann, eve, root) = (server.user("ann").await, server.user("eve").await, server.operator());
    let group = ann.group(&[]).await;
    let members = format!("{}/members", group.path());
    eve.get(group.path()).await.refused(404, "not_found");
    eve.put(group.path(), json!({ "name": "Mine" })).await.refused(404, "not_found");
    eve.post(&members, json!({ "userId": eve.id })).await.refused(404, "not_found");
    eve.delete(format!("{members}/{}", ann.id)).await.refused(404, "not_found");
    eve.delete(group.path()).await.refused(404, "not_found");
    assert!(eve.get("/v1/event_groups").await.ok().list().is_empty());
    ann.post(&members, json!({ "userId": uuid::Uuid::now_v7() }))
        .await
        .refused(422, "invalid_request")
        .naming("userId");

    root.post(&members, json!({ "userId": eve.id })).await.created();
    root.put(group.path(), json!({ "name": "Theirs" })).await.ok();
    root.delete(format!("{members}/{}", eve.id)).await.gone();
    root.delete(group.path()).await.gone();
}

#[tokio::test]
async fn whoever_enters_a_group_sees_its_drafts_from_then_on() {
    let server = TestServer::start().await;
    let (ann, bob, eve) = (server.user("ann").await, server.user("bob").await, server.user("eve").await);
    let group = ann.group(&[]).await;
    let draft = ann.draft_in(&group, "Before").await;
    let (mut bobs, mut eves) = (bob.everywhere().await, eve.everywhere().await);
    ann.lets_in(&group, &bob).await;
    bobs.hears_of("NEW_RECORD", &group.id).await;
    assert_eq!(bobs.hears_of("NEW_RECORD", &draft.id()).await, draft.body);
    ann.describes(&draft.id(), "After").await.ok();
    bobs.hears_of("CHANGED_RECORD", &draft.id()).await;
    eves.hears_nothing().await;
}

#[tokio::test]
async fn whoever_leaves_a_group_loses_it_and_its_drafts_at_once() {
    let server = TestServer::start().await;
    let (ann, bob, eve) = (server.user("ann").await, server.user("bob").await, server.user("eve").await);
    let group = ann.group(&[&bob, &eve]).await;
    let (shared, bobs_own) = (ann.draft_in(&group, "Ann's").await.id(), bob.draft_in(&group, "Bob's").await.id());
    let (mut anns, mut bobs, mut eves) = (ann.everywhere().await, bob.everywhere().await, eve.everywhere().await);

    ann.sends_away(&group, &bob).await;
    bobs.hears_of("DELETED_RECORD", &group.id).await;
    bobs.hears_of("DELETED_RECORD", &shared).await;
    for hears in [&mut anns, &mut eves] {
        let record = hears.hears_of("CHANGED_RECORD", &group.id).await;
        assert_eq!(record["memberIds"], json!([ann.id, eve.id]));
    }
    ann.describes(&shared, "Without Bob").await.ok();
    anns.hears_of("CHANGED_RECORD", &shared).await;
    eves.hears_of("CHANGED_RECORD", &shared).await;
    bobs.hears_nothing().await;
    bob.get(group.path()).await.refused(404, "not_found");
    bob.get(format!("/v1/events/{shared}")).await.refused(404, "not_found");
    bob.get(format!("/v1/events/{bobs_own}")).await.ok();
}

#[tokio::test]
async fn whoever_sees_a_draft_by_another_group_as_well_does_not_lose_it() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let (one, two) = (ann.group(&[&bob]).await, ann.group(&[&bob]).await);
    let draft = ann.draft_with("Both", json!({ "groupIds": [one.id, two.id] })).await.id();
    let mut bobs = bob.everywhere().await;
    ann.sends_away(&one, &bob).await;
    bobs.hears_of("DELETED_RECORD", &one.id).await;
    ann.describes(&draft, "Still seen, once").await.ok();
    bobs.hears_of("CHANGED_RECORD", &draft).await;
    bobs.hears_nothing().await;
}

#[tokio::test]
async fn one_leaves_by_oneself_but_the_last_does_not() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let group = ann.group(&[&bob]).await;
    let mut bobs = bob.live(Over::SocketIo).await;
    bob.sends_away(&group, &bob).await;
    bobs.hears_of("DELETED_RECORD", &group.id).await;
    ann.delete(format!("{}/members/{}", group.path(), ann.id)).await.expect(409);
    ann.delete(format!("{}/members/{}", group.path(), bob.id)).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_group_that_ends_takes_its_drafts_out_of_sight() {
    let server = TestServer::start().await;
    let (ann, bob, eve) = (server.user("ann").await, server.user("bob").await, server.user("eve").await);
    let group = ann.group(&[&bob]).await;
    let draft = ann.draft_in(&group, "Shared").await.id();
    let (mut anns, mut bobs, mut eves) = (ann.everywhere().await, bob.everywhere().await, eve.everywhere().await);
    ann.delete(group.path()).await.gone();
    let record = anns.hears_of("CHANGED_RECORD", &draft).await;
    assert_eq!(record["groupIds"], json!([]));
    anns.hears_of("DELETED_RECORD", &group.id).await;
    bobs.hears_of("DELETED_RECORD", &draft).await;
    bobs.hears_of("DELETED_RECORD", &group.id).await;
    eves.hears_nothing().await;
    bob.get(format!("/v1/events/{draft}")).await.refused(404, "not_found");
}

#[tokio::test]
async fn entering_twice_changes_nothing() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let group = ann.group(&[&bob]).await;
    let mut anns = ann.live(Over::WebSocket).await;
    ann.post(format!("{}/members", group.path()), json!({ "userId": bob.id })).await.ok();
    anns.hears_nothing().await;
}
