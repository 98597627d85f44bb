//! User records (CONTRACT 2 and 5): a user and the administrators see one, and nobody else.

use crate::support::TestServer;
use serde_json::json;

#[tokio::test]
async fn a_changed_name_is_told_to_its_owner_and_to_administrators_alone() {
    let server = TestServer::start().await;
    let (ann, bob, root) = (server.user("ann").await, server.user("bob").await, server.admin("root").await);
    let (mut anns, mut bobs, mut roots) = (ann.everywhere().await, bob.everywhere().await, root.everywhere().await);

    let path = format!("/v1/users/{}", ann.id);
    let changed = ann.put(&path, json!({ "firstName": "Anna", "notifyOnEventUpdate": false })).await.ok();
    assert_eq!((&changed["firstName"], &changed["notifyOnEventUpdate"]), (&json!("Anna"), &json!(false)));
    assert_eq!((&changed["lastName"], &changed["notifyAdminOnReviewRequest"]), (&json!("Test"), &json!(true)));

    let notice = anns.hears("CHANGED_RECORD").await;
    assert_eq!((&notice["type"], &notice["record"]), (&json!("USER"), &changed.body));
    assert_eq!(roots.hears_of("CHANGED_RECORD", &ann.id).await, changed.body);
    bobs.hears_nothing().await;
    assert_eq!(ann.get("/v1/user").await.ok().body, changed.body);
}

#[tokio::test]
async fn a_new_user_is_told_to_administrators() {
    let server = TestServer::start().await;
    let (root, bob) = (server.admin("root").await, server.user("bob").await);
    let (mut roots, mut bobs) = (root.everywhere().await, bob.everywhere().await);
    let ann = server.user("ann").await;
    roots.hears_of("NEW_RECORD", &ann.id).await;
    bobs.hears_nothing().await;
}

#[tokio::test]
async fn a_user_writes_own_names_and_nothing_else() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let path = format!("/v1/users/{}", ann.id);
    for field in ["roles", "disabled", "email", "id"] {
        ann.put(&path, json!({ field: null })).await.refused(422, "invalid_request").naming(field);
    }
    // Bob may not even know that there is an Ann.
    bob.put(&path, json!({ "firstName": "Bob" })).await.refused(404, "not_found");
    ann.get("/v1/admin/users").await.refused(403, "forbidden");
    ann.put(format!("/v1/admin/users/{}", ann.id), json!({ "roles": ["ADMIN"] })).await.refused(403, "forbidden");
    ann.delete(format!("/v1/admin/users/{}", ann.id)).await.refused(403, "forbidden");
}

#[tokio::test]
async fn administrators_list_users_and_set_their_roles() {
    let server = TestServer::start().await;
    let (root, ann) = (server.admin("root").await, server.user("ann").await);
    let all = root.get("/v1/admin/users").await.ok();
    assert!(all.seq() > 0);
    let ids = all.ids();
    assert!(ids.contains(&ann.id) && ids.contains(&root.id), "{ids:?}");
    let path = format!("/v1/admin/users/{}", ann.id);
    let changed = root.put(&path, json!({ "roles": ["USER", "SELLER"] })).await.ok();
    assert_eq!(changed["roles"], json!(["USER", "SELLER"]));
    root.put(&path, json!({ "roles": ["EMPEROR"] })).await.refused(422, "invalid_request");
    root.put(&path, json!({ "firstNom": "x" })).await.refused(422, "invalid_request").naming("firstNom");
    assert_eq!(ann.get("/v1/user").await.ok()["roles"], json!(["USER", "SELLER"]));
}

#[tokio::test]
async fn a_deleted_user_is_told_to_administrators_as_gone() {
    let server = TestServer::start().await;
    let (root, ann, bob) = (server.admin("root").await, server.user("ann").await, server.user("bob").await);
    let (mut roots, mut bobs) = (root.everywhere().await, bob.everywhere().await);
    root.delete(format!("/v1/admin/users/{}", ann.id)).await.gone();
    let gone = roots.hears_of("DELETED_RECORD", &ann.id).await;
    assert_eq!(gone["type"], "USER");
    bobs.hears_nothing().await;
    assert!(!root.get("/v1/admin/users").await.ok().ids().contains(&ann.id));
}

#[tokio::test]
async fn somebody_without_a_record_is_still_told_who_they_are() {
    let server = TestServer::start().await;
    let guest = server.stranger(&["USER", "BUYER"]);
    // There is nothing more to say without a record (docs/protocol.md).
    let answer = guest.get("/v1/user").await.ok();
    assert_eq!(answer["id"], guest.id);
    assert_eq!(answer["roles"], json!(["USER", "BUYER"]));
}
