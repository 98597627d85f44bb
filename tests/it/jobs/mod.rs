//! Jobs: who sees and hears of them, who may do what (CONTRACT 5); `running` is how runs share them,
//! `reverting` what is removed with them.

mod reverting;
mod running;

use crate::support::{Over, Puppets, TestServer, User};
use herald::jobs::{End, Kind};
use serde_json::{Value, json};

fn path(id: &str) -> String {
    format!("/v1/jobs/{id}")
}

/// Waits until a job has ended; as its owner hears it.
async fn end_of(id: &str, of: &User) -> Value {
    let mut live = of.live(Over::SocketIo).await;
    let ended = |job: &Value| ["DONE", "ERROR", "REVERTED"].contains(&job["state"].as_str().unwrap_or_default());
    let mut job = of.get(path(id)).await.ok().body;
    while !ended(&job) {
        let data = live.hears_one_of(&["NEW_RECORD", "CHANGED_RECORD", "DELETED_RECORD"]).await.1;
        if data["record"]["id"] == id {
            job = data["record"].clone();
        }
    }
    job
}

#[tokio::test]
async fn a_job_is_told_to_its_owner_step_by_step_and_to_nobody_else() {
    let (puppets, works) = Puppets::new();
    let server = TestServer::doing(works, |_| {}).await;
    let (ann, eve, root) = (server.user("ann").await, server.user("eve").await, server.operator());
    let (mut anns, mut eves, mut roots) = (ann.everywhere().await, eve.everywhere().await, root.everywhere().await);
    let id = server.job(&ann, Kind::Import, "Fair");
    let new = anns.hears_of("NEW_RECORD", &id).await;
    assert_eq!((&new["state"], &new["progress"], &new["log"]), (&json!("PENDING"), &json!(0), &json!("")));
    assert_eq!((&new["userId"], &new["filename"]), (&json!(ann.id), &json!("fair.csv")));
    assert_eq!(anns.hears_of("CHANGED_RECORD", &id).await["state"], "RUNNING");
    let mut run = puppets.begins().await;
    assert_eq!((run.job.to_string(), run.attempt, run.checkpoint), (id.clone(), 1, 0));
    run.makes("Stall").await;
    let draft = anns.hears("NEW_RECORD").await;
    assert_eq!((&draft["record"]["jobId"], &draft["record"]["authorId"]), (&json!(id), &json!(ann.id)));
    run.moves(1, 50).await;
    // However soon it was, it is told.
    assert_eq!(anns.hears_of("CHANGED_RECORD", &id).await["progress"], 50);
    run.ends(End::Done);
    let done = anns.hears_of("CHANGED_RECORD", &id).await;
    assert_eq!((&done["state"], &done["progress"]), (&json!("DONE"), &json!(100)));
    assert_eq!(ann.get(path(&id)).await.ok().body, done);
    for hears in [&mut eves, &mut roots] {
        hears.hears_nothing().await;
    }
}

#[tokio::test]
async fn a_job_is_there_for_its_owner_alone() {
    let (puppets, works) = Puppets::new();
    let server = TestServer::doing(works, |_| {}).await;
    let (ann, eve, root) = (server.user("ann").await, server.user("eve").await, server.operator());
    let (first, second) = (server.job(&ann, Kind::Import, "First"), server.job(&ann, Kind::Upload, "Second"));
    let _runs = (puppets.begins().await, puppets.begins().await);
    let list = ann.get("/v1/jobs").await.ok();
    assert_eq!(list.ids(), [first.clone(), second.clone()]);
    assert_eq!((&list[0]["type"], &list[1]["type"]), (&json!("IMPORT"), &json!("UPLOAD")));
    let page = ann.get("/v1/jobs?limit=1").await.ok();
    assert_eq!(page.ids(), [&*first]);
    assert_eq!(ann.get(page.next_page().expect("one more")).await.ok().ids(), [second]);
    for other in [&eve, &root] {
        assert_eq!(other.get("/v1/jobs").await.ok().list().len(), 0);
        other.get(path(&first)).await.refused(404, "not_found");
        other.put(path(&first), json!({ "description": "Mine" })).await.refused(404, "not_found");
        other.delete(path(&first)).await.refused(404, "not_found");
    }
    ann.post("/v1/jobs", json!({ "type": "IMPORT" })).await.refused(405, "method_not_allowed");
    server.call("GET", path(&first)).await.refused(401, "unauthorized");
}

#[tokio::test]
async fn its_owner_gives_it_a_description_and_nothing_else() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let copy = ann.call("POST", format!("/v1/events/{}/clone", ann.draft("Fair").await.id())).await.created();
    let id = copy["jobId"].as_str().expect("a job").to_owned();
    let mut live = ann.everywhere().await;
    let echoed = &live.0[0];
    // Jobs are told to the caller as well, whatever the header says.
    let change = ann.put(path(&id), json!({ "description": "Ours" })).if_version(1).from(echoed);
    let changed = change.await.ok();
    assert_eq!((&changed["description"], &changed["version"]), (&json!("Ours"), &json!(2)));
    assert_eq!(live.hears_of("CHANGED_RECORD", &id).await, changed.body);
    ann.put(path(&id), json!({ "description": "Late" })).if_version(1).await.refused(412, "precondition_failed");
    ann.put(path(&id), json!({ "state": "DONE" })).await.refused(422, "invalid_request").naming("state");
    ann.put(path(&id), json!({ "description": null })).await.refused(422, "invalid_request").naming("description");
    let long = json!({ "description": "x".repeat(1001) });
    ann.put(path(&id), long).await.refused(422, "invalid_request").naming("description");
    ann.delete(path(&id)).if_version(1).await.refused(412, "precondition_failed");
    live.hears_nothing().await;
}

#[tokio::test]
async fn administrators_see_a_job_while_they_see_an_event_of_it() {
    let (puppets, works) = Puppets::new();
    let server = TestServer::doing(works, |_| {}).await;
    // An administrator without an inbox, which would be told as well.
    let (ann, eve, root) = (server.user("ann").await, server.user("eve").await, server.operator());
    let id = server.job(&ann, Kind::Import, "Fair");
    let mut run = puppets.begins().await;
    run.makes("Stall").await;
    run.makes("Stage").await;
    run.ends(End::Done);
    end_of(&id, &ann).await;
    server.marker().await;
    let (mut anns, mut eves, mut roots) = (ann.everywhere().await, eve.everywhere().await, root.everywhere().await);
    let drafts = ann.get("/v1/events").await.ok().ids();
    let all = |state: &str| ann.post("/v1/events/change_state", json!({ "ids": drafts, "state": state }));

    all("REVIEW").await.ok();
    for draft in &drafts {
        anns.hears_of("CHANGED_RECORD", draft).await;
        roots.hears_of("NEW_RECORD", draft).await;
    }
    let shown = roots.hears_of("NEW_RECORD", &id).await;
    assert_eq!(anns.hears_of("CHANGED_RECORD", &id).await, shown);
    assert_eq!(root.get("/v1/jobs").await.ok().ids(), [&*id]);
    root.get(path(&id)).await.ok();
    root.put(path(&id), json!({ "description": "Ours" })).await.refused(403, "forbidden");

    // One of two comes back: the other is still before them.
    ann.moves(&drafts[0], "DRAFT").await.ok();
    anns.hears_of("CHANGED_RECORD", &drafts[0]).await;
    roots.hears_of("DELETED_RECORD", &drafts[0]).await;
    ann.moves(&drafts[1], "DRAFT").await.ok();
    anns.hears_of("CHANGED_RECORD", &drafts[1]).await;
    roots.hears_of("DELETED_RECORD", &drafts[1]).await;
    anns.hears_of("CHANGED_RECORD", &id).await;
    roots.hears_of("DELETED_RECORD", &id).await;
    root.get(path(&id)).await.refused(404, "not_found");
    assert_eq!(root.get("/v1/jobs").await.ok().body, json!([]));
    for hears in [&mut anns, &mut eves, &mut roots] {
        hears.hears_nothing().await;
    }
}

#[tokio::test]
async fn progress_is_told_five_times_a_second_at_most_and_the_last_of_it_always() {
    let (puppets, works) = Puppets::new();
    let server = TestServer::doing(works, |_| {}).await;
    let ann = server.user("ann").await;
    let mut live = ann.live(Over::SocketIo).await;
    let id = server.job(&ann, Kind::Import, "Fair");
    let mut run = puppets.begins().await;
    let began = std::time::Instant::now();
    let mut steps = 0;
    while began.elapsed() < std::time::Duration::from_millis(1200) {
        steps += 1;
        run.moves(steps, i32::try_from(steps % 99).expect("a number") + 1).await;
    }
    let last = steps % 99 + 1;
    let mut told: Vec<Value> = Vec::new();
    assert_eq!(live.hears_of("NEW_RECORD", &id).await["state"], "PENDING");
    assert_eq!(live.hears_of("CHANGED_RECORD", &id).await["state"], "RUNNING");
    while told.last().is_none_or(|job| job["progress"] != last) {
        told.push(live.hears_of("CHANGED_RECORD", &id).await);
    }
    let at = |job: &Value| {
        let text = job["updatedAt"].as_str().expect("a time");
        chrono::DateTime::parse_from_rfc3339(text).expect("a time").timestamp_millis()
    };
    // The machine may be slow; then there is less to see.
    assert!(told.len() >= 2 && i64::try_from(told.len()).expect("a number") < steps, "{} of {steps}", told.len());
    for six in told.windows(6) {
        assert!(at(&six[5]) - at(&six[0]) > 1000, "six within a second: {six:#?}");
    }
    // Each step wrote the job, told or not.
    assert!(told.last().expect("some")["version"].as_i64().expect("a version") > steps);
}
