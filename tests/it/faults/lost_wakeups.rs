//! The message that tells the broker of a commit may be lost; the notice is in the database all the
//! same, and is heard in its place. A commit by somebody beside the server is one that was never told.

use crate::support::{PASSWORD, Process, TestServer};
use herald::{
    ids::DepartmentId,
    notice::{Audience, EventName, Room},
};
use serde_json::json;
use std::{io::Write as _, process::Stdio};

/// Commits notices of departments to everybody, and tells nobody; their ids.
fn commits_in_silence(server: &TestServer, count: usize) -> Vec<String> {
    let ids: Vec<DepartmentId> = (0..count).map(|_| DepartmentId::generate()).collect();
    let told = ids.clone();
    server.writes(async move |tx| {
        for id in told {
            let notice = json!({ "type": "DEPARTMENT", "record": { "id": id, "name": "Silent" } });
            tx.tell(EventName::NewRecord, &notice, Audience::to([Room::All]))?;
        }
        Ok(())
    });
    ids.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_notice_that_nobody_told_of_is_heard_all_the_same() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let mut everywhere = ann.everywhere().await;
    for id in commits_in_silence(&server, 3) {
        everywhere.hears_of("NEW_RECORD", &id).await;
    }
    everywhere.hears_nothing().await;
}

#[tokio::test]
async fn a_notice_that_nobody_told_of_comes_before_what_was_made_after_it() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let mut everywhere = ann.everywhere().await;
    for _ in 0..5 {
        let mut expected = commits_in_silence(&server, 2);
        expected.push(ann.draft("Told of").await.id());
        for id in expected {
            everywhere.hears_of("NEW_RECORD", &id).await;
        }
    }
    everywhere.hears_nothing().await;
}

#[tokio::test]
async fn who_comes_back_hears_what_nobody_told_of() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let mut everywhere = ann.everywhere().await;
    for live in &mut everywhere.0 {
        live.cut().await;
    }
    let ids = commits_in_silence(&server, 3);
    for live in &mut everywhere.0 {
        live.resume().await;
        for id in &ids {
            live.hears_of("NEW_RECORD", id).await;
        }
    }
    everywhere.hears_nothing().await;
}

#[tokio::test]
async fn an_administrator_made_beside_the_running_server_is_heard_of_and_logs_in() {
    let server = TestServer::start().await;
    let root = server.admin("root").await;
    let mut roots = root.everywhere().await;
    let mut command = Process::command(&server.database);
    command.args(["admin", "--email", "first@example.com"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("stdin");
    writeln!(stdin, "{PASSWORD}").expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("its end");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let login = server.post("/v1/auth/login", json!({ "email": "first@example.com", "password": PASSWORD })).await.ok();
    assert!(login["user"]["roles"].as_array().expect("roles").contains(&json!("ADMIN")), "{}", login.body);
    let id = login["user"]["id"].as_str().expect("an id");
    roots.hears_of("NEW_RECORD", id).await;
}
