//! A runner on a database of its own.

use super::*;
use crate::{
    jobs::{End, Kind, Stop, Work, enqueue},
    notice::Notice,
    records::{Edit, Viewer},
    store::Store,
};
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

struct Panics;

impl Work for Panics {
    fn run<'a>(&'a self, _: &'a mut Run) -> LocalBoxFuture<'a, Result<End, Stop>> {
        async { panic!("on purpose") }.boxed_local()
    }
}

struct Finishes;

impl Work for Finishes {
    fn run<'a>(&'a self, _: &'a mut Run) -> LocalBoxFuture<'a, Result<End, Stop>> {
        async { Ok(End::Done) }.boxed_local()
    }
}

async fn queue(outbox: &Outbox, kind: Kind) -> String {
    let change = async move |tx: &mut Tx| {
        let by = Viewer::clerk("01890000-0000-7000-8000-000000000000".parse().expect("an id"));
        let job = Job::new(kind, &by, String::new(), None, None, tx.now());
        Ok(enqueue(&mut Edit { tx, by }, job, 10).await?.id().to_string())
    };
    outbox.commit(change).await.expect("a job").value
}

/// The first notice that says that this job has ended.
async fn end_of(id: &str, told: &mut UnboundedReceiver<Vec<Arc<Notice>>>, heard: &mut Vec<Value>) -> Value {
    loop {
        let ended = heard.iter().find(|job| job["id"] == id && job["state"] != "PENDING" && job["state"] != "RUNNING");
        if let Some(job) = ended {
            return job.clone();
        }
        for notice in told.recv().await.expect("a committer") {
            let mut payload: Value = serde_json::from_str(&notice.payload).expect("json");
            heard.push(payload["record"].take());
        }
    }
}

#[test]
fn a_run_that_panics_ends_its_own_job_and_no_other() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(&format!("sqlite:{}", dir.path().join("db").display())).expect("a store");
    store.migrate().expect("tables");
    let (tell, mut told) = unbounded_channel();
    let (outbox, _committer) = Outbox::start(store, Box::new(move |emit| drop(tell.send(emit.0)))).expect("a thread");
    System::new().block_on(async {
        let works = Works::default().with(Kind::Import, Panics).with(Kind::Upload, Finishes);
        let settings = config::Jobs { at_once: 1, per_user: 10, lease: Duration::from_secs(60) };
        let bell = Bell::default();
        JobRunner::new(outbox.clone(), works, settings, bell.clone()).start();
        let (bad, good) = (queue(&outbox, Kind::Import).await, queue(&outbox, Kind::Upload).await);
        bell.ring();
        let mut heard = Vec::new();
        let ended = end_of(&bad, &mut told, &mut heard).await;
        assert_eq!(ended["state"], "ERROR");
        assert_eq!(ended["log"], "something went wrong on our side\n", "the cause is for the log of the server");
        assert_eq!(end_of(&good, &mut told, &mut heard).await["state"], "DONE", "the place was free again");
    });
}
