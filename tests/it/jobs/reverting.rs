//! `DELETE jobs/{id}`: cancelled or reverted, what the job made goes with it.

use super::{end_of, path};
use crate::support::{Over, Process, Puppets, TestServer, is_lost};
use herald::jobs::{End, Kind, Progress};
use serde_json::json;

#[tokio::test]
async fn cancelled_while_it_runs_it_stops_at_its_next_step_and_what_it_made_is_gone() {
    let (puppets, works) = Puppets::new();
    let server = TestServer::doing(works, |_| {}).await;
    let ann = server.user("ann").await;
    let id = server.job(&ann, Kind::Import, "Fair");
    let mut run = puppets.begins().await;
    run.makes("Stall").await;
    let draft = ann.get("/v1/events").await.ok().ids().remove(0);
    let mut live = ann.everywhere().await;
    ann.delete(path(&id)).await.gone();
    live.hears_of("DELETED_RECORD", &draft).await;
    let reverted = live.hears_of("CHANGED_RECORD", &id).await;
    assert_eq!((&reverted["state"], &reverted["log"]), (&json!("REVERTED"), &json!("cancelled by its owner\n")));
    let outcome = run.step(Progress { checkpoint: 1, percent: 99, log: vec!["on".into()] }, &["Too late"]).await;
    assert!(is_lost(&outcome), "{outcome:?}");
    run.ends(End::Done);
    assert_eq!(ann.get("/v1/events").await.ok().body, json!([]));
    assert_eq!(ann.get(path(&id)).await.ok().body, reverted);
    ann.delete(path(&id)).await.refused(409, "conflict");
    live.hears_nothing().await;
}

#[tokio::test]
async fn cancelled_before_its_turn_it_is_never_run() {
    let (puppets, works) = Puppets::new();
    let server = TestServer::doing(works, |config| config.jobs.at_once = 1).await;
    let ann = server.user("ann").await;
    let first = server.job(&ann, Kind::Import, "First");
    let run = puppets.begins().await;
    let (second, third) = (server.job(&ann, Kind::Import, "Second"), server.job(&ann, Kind::Import, "Third"));
    ann.delete(path(&second)).await.gone();
    run.ends(End::Done);
    assert_eq!(puppets.begins().await.job.to_string(), third);
    assert_eq!(ann.get(path(&second)).await.ok()["state"], "REVERTED");
    assert_eq!(ann.get(path(&first)).await.ok()["state"], "DONE");
}

#[tokio::test]
async fn reverted_its_drafts_go_and_its_other_events_are_marked_as_deleted() {
    let (puppets, works) = Puppets::new();
    let server = TestServer::doing(works, |_| {}).await;
    let (ann, eve, root) = (server.user("ann").await, server.user("eve").await, server.admin("root").await);
    let id = server.job(&ann, Kind::Import, "Fair");
    let mut run = puppets.begins().await;
    for name in ["Draft", "Review", "Published", "Deleted"] {
        run.makes(name).await;
    }
    run.ends(End::Failed("the rest is unreadable".into()));
    end_of(&id, &ann).await;
    let events = ann.get("/v1/events").await.ok().ids();
    ann.post("/v1/events/change_state", json!({ "ids": events[1..], "state": "REVIEW" })).await.ok();
    root.moves(&events[2], "PUBLISHED").await.ok();
    ann.delete(format!("/v1/events/{}", events[3])).await.gone();
    let own = ann.draft("Ann's own").await.id();

    let (mut anns, mut eves, mut roots) = (ann.everywhere().await, eve.everywhere().await, root.everywhere().await);
    // An administrator who sees it may, too.
    root.delete(path(&id)).await.gone();
    anns.hears_of("DELETED_RECORD", &events[0]).await;
    for hears in [&mut anns, &mut roots] {
        assert!(hears.hears_of("CHANGED_RECORD", &events[1]).await["deletedAt"].is_string());
        assert!(hears.hears_of("CHANGED_RECORD", &events[2]).await["deletedAt"].is_string());
        let job = hears.hears_of("CHANGED_RECORD", &id).await;
        assert_eq!(job["state"], "REVERTED");
        assert_eq!(job["log"], "the rest is unreadable\nreverted by an administrator\n");
    }
    assert!(eves.hears_of("CHANGED_RECORD", &events[2]).await["deletedAt"].is_string());
    for hears in [&mut anns, &mut eves, &mut roots] {
        hears.hears_nothing().await;
    }
    assert_eq!(ann.get("/v1/events").await.ok().ids(), [own]);
}

#[tokio::test]
async fn a_clone_is_reverted_like_any_job() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let source = ann.draft("Fair").await;
    let copy = ann.call("POST", format!("/v1/events/{}/clone", source.id())).await.created();
    let job = ann.get("/v1/jobs").await.ok()[0].clone();
    assert_eq!((&job["id"], &job["type"], &job["state"]), (&copy["jobId"], &json!("CLONE"), &json!("DONE")));
    assert_eq!((&job["progress"], &job["description"]), (&json!(100), &json!("Clone of Fair")));
    ann.delete(path(job["id"].as_str().expect("an id"))).await.gone();
    assert_eq!(ann.get("/v1/events").await.ok().ids(), [source.id()]);
}

#[tokio::test]
async fn what_is_too_much_for_one_change_goes_in_the_background() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    let mut live = ann.live(Over::SocketIo).await;
    let id = server.database.job_with_drafts(&ann, 450);
    live.hears_until(&server.marker().await).await;
    let accepted = ann.delete(path(&id)).await.expect(202);
    assert_eq!(
        (&accepted["id"], &accepted["state"], &accepted["progress"]),
        (&json!(id), &json!("RUNNING"), &json!(0))
    );
    let (mut gone, mut last) = (0, 0);
    loop {
        let (event, data) = live.hears_one_of(&["DELETED_RECORD", "CHANGED_RECORD"]).await;
        if event == "DELETED_RECORD" {
            gone += 1;
            continue;
        }
        let progress = data["record"]["progress"].as_i64().expect("a number");
        assert!(progress >= last, "it only grows");
        last = progress;
        if data["record"]["state"] == "REVERTED" {
            break;
        }
        assert_eq!(data["record"]["state"], "RUNNING");
    }
    assert_eq!((gone, last), (450, 100));
    assert_eq!(ann.get("/v1/events").await.ok().body, json!([]));
    ann.delete(path(&id)).await.refused(409, "conflict");
    live.hears_nothing().await;
}

#[tokio::test]
async fn killed_while_it_reverts_it_goes_on_after_the_next_start() {
    let mut herald = Process::with(&[("JOB_LEASE_SECONDS", "2")]).await;
    let ann = herald.stranger(&["USER"]);
    let mut live = ann.live(Over::SocketIo).await;
    let id = herald.database.job_with_drafts(&ann, 2000);
    live.hears_until(&herald.marker().await).await;
    ann.delete(path(&id)).await.expect(202);
    while live.hears_one_of(&["DELETED_RECORD", "CHANGED_RECORD"]).await.0 != "DELETED_RECORD" {}
    herald.kill_9();
    live.cut().await;
    herald.restart();
    let left = ann.get(path(&id)).await.ok();
    assert_eq!(left["state"], "RUNNING", "this test has to be quicker than the revert");
    live.resume().await;
    while live.hears_one_of(&["DELETED_RECORD", "CHANGED_RECORD"]).await.1["record"]["state"] != "REVERTED" {}
    assert_eq!(ann.get("/v1/events").await.ok().body, json!([]));
    live.hears_nothing().await;
}
