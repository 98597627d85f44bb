//! How runs share jobs: each has one run at a time, whoever dies, waits or gives up.

use super::{end_of, path};
use crate::support::{Over, Puppets, TestServer, is_lost};
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use herald::{
    delivery::outbox::Tx,
    ids::JobId,
    jobs::{End, Kind, Progress, Run, Stop, Work, Works, finish},
    time::Time,
};
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

#[tokio::test]
async fn a_run_that_was_thought_dead_can_do_nothing_once_another_has_its_job() {
    let (puppets, works) = Puppets::new();
    // One place each: the node that has the first run can't take the second.
    let server = TestServer::doing(works, |config| config.jobs.at_once = 1).await;
    let other = server.another().await;
    let ann = server.user("ann").await;
    let id = server.job(&ann, Kind::Import, "Fair");
    let mut first = puppets.begins().await;
    first.moves(3, 30).await;
    server.takes_from_its_run(&id);
    other.rings();
    let mut second = puppets.begins().await;
    assert_eq!((second.job.to_string(), second.checkpoint), (id.clone(), 3), "it goes on where the first came to");
    let late = first.step(Progress { checkpoint: 4, percent: 40, log: Vec::new() }, &["Twice"]).await;
    assert!(is_lost(&late), "{late:?}");
    second.step(Progress { checkpoint: 4, percent: 40, log: Vec::new() }, &["Once"]).await.expect("its own");
    second.ends(End::Done);
    assert_eq!(end_of(&id, &ann).await["state"], "DONE");
    let events = ann.get("/v1/events").await.ok();
    assert_eq!(events.list().iter().map(|event| &event["description"]).collect::<Vec<_>>(), ["Once"]);
}

/// Counts how many runs of each job there are at a time.
#[derive(Default)]
struct Count {
    now: HashMap<JobId, usize>,
    begun: usize,
}

struct Counted(Arc<Mutex<Count>>);

impl Work for Counted {
    fn run<'a>(&'a self, run: &'a mut Run) -> LocalBoxFuture<'a, Result<End, Stop>> {
        async move {
            let job = run.job;
            {
                let mut count = self.0.lock().expect("a lock");
                count.begun += 1;
                let now = count.now.entry(job).or_default();
                *now += 1;
                assert_eq!(*now, 1, "two runs of one job at the same time");
            }
            for checkpoint in 1..=5 {
                run.step(Progress { checkpoint, percent: 10, log: Vec::new() }, async |_| Ok(())).await?;
            }
            *self.0.lock().expect("a lock").now.entry(job).or_default() -= 1;
            Ok(End::Done)
        }
        .boxed_local()
    }
}

#[tokio::test]
async fn two_nodes_share_the_jobs_and_run_each_once() {
    let count = Arc::new(Mutex::new(Count::default()));
    let works = Works::default().with(Kind::Import, Counted(count.clone()));
    let server = TestServer::doing(works, |_| {}).await;
    let other = server.another().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let mut ids = Vec::new();
    for n in 0..20 {
        let owner = if n % 2 == 0 { &ann } else { &bob };
        ids.push((server.job(owner, Kind::Import, "Fair"), owner));
        other.rings();
    }
    for (id, owner) in ids {
        assert_eq!(end_of(&id, owner).await["state"], "DONE");
    }
    assert_eq!(count.lock().expect("a lock").begun, 20);
}

#[tokio::test]
async fn stopped_in_peace_it_gives_its_jobs_back_and_the_next_start_takes_them_at_once() {
    let (puppets, works) = Puppets::new();
    // Longer than any test waits: only a job that was given back is taken.
    let mut server = TestServer::doing(works, |config| config.jobs.lease = Duration::from_secs(600)).await;
    let ann = server.stranger(&["USER"]);
    let id = server.job(&ann, Kind::Import, "Fair");
    let mut run = puppets.begins().await;
    run.moves(7, 70).await;
    server.restart().await;
    let mut run = puppets.begins().await;
    assert_eq!((run.job.to_string(), run.checkpoint, run.attempt), (id.clone(), 7, 1), "it was no attempt");
    run.moves(8, 80).await;
    run.ends(End::Done);
    assert_eq!(end_of(&id, &ann).await["state"], "DONE");
}

#[tokio::test]
async fn a_job_whose_runs_die_again_and_again_ends_with_a_reason() {
    let (puppets, works) = Puppets::new();
    let server = TestServer::doing(works, |_| {}).await;
    let ann = server.user("ann").await;
    let id = server.job(&ann, Kind::Import, "Fair");
    for attempt in 1..=3 {
        let run = puppets.begins().await;
        assert_eq!(run.attempt, attempt);
        server.takes_from_its_run(&id);
    }
    let ended = end_of(&id, &ann).await;
    assert_eq!((&ended["state"], &ended["log"]), (&json!("ERROR"), &json!("given up: 3 runs ended without a word\n")));
    assert_eq!(puppets.unasked().await, 0);
}

#[tokio::test]
async fn put_off_it_is_run_again_and_counts() {
    let (puppets, works) = Puppets::new();
    let server = TestServer::doing(works, |_| {}).await;
    let ann = server.user("ann").await;
    let id = server.job(&ann, Kind::Upload, "Fair");
    for attempt in 1..=4 {
        let run = puppets.begins().await;
        assert_eq!(run.attempt, attempt);
        run.ends(End::Later { after: Duration::from_millis(1), why: format!("attempt {attempt}: away") });
    }
    puppets.begins().await.ends(End::Failed("away for too long".into()));
    let ended = end_of(&id, &ann).await;
    assert_eq!(ended["state"], "ERROR");
    assert!(ended["log"].as_str().expect("text").ends_with("attempt 4: away\naway for too long\n"), "{ended}");
}

#[tokio::test]
async fn one_that_waits_is_ended_by_somebody_else_once() {
    let (puppets, works) = Puppets::new();
    let server = TestServer::doing(works, |_| {}).await;
    let ann = server.user("ann").await;
    let later = Time::now().plus_seconds(3600);
    let mut live = ann.everywhere().await;
    let id = server.job(&ann, Kind::Upload, "Fair");
    live.hears_of("NEW_RECORD", &id).await;
    puppets.begins().await.ends(End::Waits { until: later, otherwise: "no answer came".into() });
    let job: JobId = id.parse().expect("an id");
    let done = move |expected: bool| {
        async move |tx: &mut Tx| {
            assert_eq!(finish(tx, job, Ok(())).await?, expected);
            Ok(())
        }
    };
    // Also when the word comes before the run has said that it waits.
    server.writes(done(true));
    let ended = loop {
        let job = live.hears_of("CHANGED_RECORD", &id).await;
        if job["state"] != "RUNNING" {
            break job;
        }
    };
    assert_eq!((&ended["state"], &ended["progress"]), (&json!("DONE"), &json!(100)));
    server.writes(done(false));
    assert_eq!(ann.get(path(&id)).await.ok().body, ended);
    live.hears_nothing().await;
}

#[tokio::test]
async fn one_that_waits_in_vain_ends_with_its_reason_even_after_a_restart() {
    let (puppets, works) = Puppets::new();
    let mut server = TestServer::doing(works, |_| {}).await;
    let ann = server.stranger(&["USER"]);
    let mut live = ann.live(Over::SocketIo).await;
    let id = server.job(&ann, Kind::Upload, "Fair");
    let until = Time::now().plus_seconds(3600);
    live.hears_of("NEW_RECORD", &id).await;
    assert_eq!(live.hears_of("CHANGED_RECORD", &id).await["state"], "RUNNING");
    puppets.begins().await.ends(End::Waits { until, otherwise: "no answer came".into() });
    live.hears_of("CHANGED_RECORD", &id).await;
    live.cut().await;
    server.restart().await;
    server.lets_time_pass_for(&id);
    let ended = end_of(&id, &ann).await;
    assert_eq!((&ended["state"], &ended["log"]), (&json!("ERROR"), &json!("no answer came\n")));
    assert_eq!(puppets.unasked().await, 0, "it was not run again");
}

#[tokio::test]
async fn whose_rights_are_gone_has_nothing_done_any_more() {
    let (puppets, works) = Puppets::new();
    let server = TestServer::doing(works, |_| {}).await;
    let (ann, root) = (server.user("ann").await, server.admin("root").await);
    let id = server.job(&ann, Kind::Import, "Fair");
    let mut run = puppets.begins().await;
    run.makes("Before").await;
    root.put(format!("/v1/admin/users/{}", ann.id), json!({ "disabled": true })).await.ok();
    let outcome = run.step(Progress::default(), &["After"]).await;
    assert!(matches!(outcome, Err(Stop::Failed(_))), "{outcome:?}");
    drop(run);
    root.put(format!("/v1/admin/users/{}", ann.id), json!({ "disabled": false })).await.ok();
    ann.login().await;
    assert_eq!(end_of(&id, &ann).await["state"], "ERROR");
    assert_eq!(ann.get("/v1/events").await.ok().list().len(), 1);
}

#[tokio::test]
async fn nobody_s_many_jobs_keep_others_waiting() {
    let (puppets, works) = Puppets::new();
    let server = TestServer::doing(works, |config| config.jobs.at_once = 1).await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let first = server.job(&ann, Kind::Import, "1");
    let run = puppets.begins().await;
    let second = server.job(&ann, Kind::Import, "2");
    let third = server.job(&ann, Kind::Import, "3");
    let bobs = server.job(&bob, Kind::Import, "Bob's");
    let mut order = vec![run.job.to_string()];
    run.ends(End::Done);
    for _ in 0..3 {
        let run = puppets.begins().await;
        order.push(run.job.to_string());
        run.ends(End::Done);
    }
    assert_eq!(order, [first, bobs, second, third]);
}

#[tokio::test]
async fn a_job_that_nobody_here_can_do_ends_with_a_reason() {
    let server = TestServer::doing(Works::default(), |_| {}).await;
    let ann = server.user("ann").await;
    let id = server.job(&ann, Kind::Upload, "Fair");
    let ended = end_of(&id, &ann).await;
    assert_eq!(ended["state"], "ERROR");
    assert!(ended["log"].as_str().expect("text").contains("nothing here does"), "{ended}");
}
