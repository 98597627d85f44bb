//! Departments (CONTRACT 5): administrators write them, everybody reads and hears of them.

use crate::support::TestServer;
use serde_json::json;

#[tokio::test]
async fn everybody_hears_of_departments_and_administrators_write_them() {
    let server = TestServer::start().await;
    let (root, ann) = (server.operator(), server.stranger(&["USER"]));
    let mut anns = ann.everywhere().await;
    let body = json!({ "name": "Sales", "description": "They sell", "letter": "S", "color": "#123456" });

    let made = root.post("/v1/departments", body).await.created();
    let id = made.id();
    assert_eq!(made["version"], 1);
    assert!(made["createdAt"].as_str().is_some_and(|time| time.ends_with('Z') && time.len() == 24), "{}", made.body);
    let notice = anns.hears("NEW_RECORD").await;
    assert_eq!(
        (&notice["type"], &notice["record"], notice["seq"].as_i64()),
        (&json!("DEPARTMENT"), &made.body, Some(made.seq()))
    );

    let path = format!("/v1/departments/{id}");
    let changed = root.put(&path, json!({ "letter": "X" })).await.ok();
    assert_eq!((&changed["letter"], &changed["name"], &changed["version"]), (&json!("X"), &json!("Sales"), &json!(2)));
    assert_eq!(anns.hears_of("CHANGED_RECORD", &id).await, changed.body);
    assert_eq!(ann.get(&path).await.ok().body, changed.body);

    let gone = root.delete(&path).await.gone();
    let notice = anns.hears("DELETED_RECORD").await;
    assert_eq!(notice, json!({ "type": "DEPARTMENT", "id": id, "seq": gone.seq() }));
    ann.get(&path).await.refused(404, "not_found");
}

#[tokio::test]
async fn whoever_is_no_administrator_writes_no_department() {
    let server = TestServer::start().await;
    let (root, ann) = (server.operator(), server.stranger(&["USER", "SELLER", "BUYER"]));
    let made = root.post("/v1/departments", json!({ "name": "Sales" })).await.created();
    let path = format!("/v1/departments/{}", made.id());
    ann.post("/v1/departments", json!({ "name": "Mine" })).await.refused(403, "forbidden");
    ann.put(&path, json!({ "name": "Mine" })).await.refused(403, "forbidden");
    ann.delete(&path).await.refused(403, "forbidden");
    assert_eq!(ann.get("/v1/departments").await.ok().ids(), [made.id()]);
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let server = TestServer::start().await;
    let root = server.operator();
    root.post("/v1/departments", json!({ "name": "Sales" })).await.created();
    root.post("/v1/departments", json!({ "name": "Sales" })).await.refused(409, "conflict");
}

#[tokio::test]
async fn a_department_that_events_belong_to_stays() {
    let server = TestServer::start().await;
    let (root, ann) = (server.operator(), server.stranger(&["USER"]));
    let made = root.post("/v1/departments", json!({ "name": "Sales" })).await.created();
    let draft = ann.draft_with("Fair", json!({ "departmentIds": [made.id()] })).await;
    let path = format!("/v1/departments/{}", made.id());
    root.delete(&path).await.refused(409, "conflict");
    ann.delete(format!("/v1/events/{}", draft.id())).await.gone();
    root.delete(&path).await.gone();
}
