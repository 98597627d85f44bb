//! Which files go.

use super::*;
use crate::{
    delivery::outbox::{Outbox, Tx},
    ids::UserId,
    jobs::{Job, Kind, enqueue, finish},
    records::{Edit, Record as _, Viewer},
    time::Time,
};
use std::{
    fs::{File, OpenOptions},
    time::SystemTime,
};

fn touched(path: &std::path::Path, ago: Duration) {
    let file: File = OpenOptions::new().write(true).open(path).expect("the file");
    file.set_modified(SystemTime::now() - ago).expect("a time");
}

#[tokio::test]
async fn only_old_files_that_no_unfinished_job_names_go() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(&format!("sqlite:{}", dir.path().join("db").display())).expect("a store");
    let migrated = store.clone();
    tokio::task::spawn_blocking(move || migrated.migrate()).await.expect("a thread").expect("tables");
    let files = Files::open(&dir.path().join("files")).expect("files");
    let (outbox, _) = Outbox::start(store.clone(), Box::new(|_| {})).expect("a thread");

    let mut names = Vec::new();
    for _ in 0..4 {
        names.push(files.create().await.expect("a file").keep().await.expect("kept").name);
    }
    let [waiting, ended, orphan, fresh] = &names[..] else { panic!("four") };
    for name in [waiting, ended, orphan] {
        touched(&files.path(name), AGE + Duration::from_secs(1));
    }
    for (name, end) in [(waiting.clone(), false), (ended.clone(), true)] {
        let work = async move |tx: &mut Tx| {
            let mut edit = Edit { by: Viewer::clerk(UserId::generate()), tx };
            let job = Job::new(Kind::Upload, &edit.by, String::new(), None, Some(name.to_string()), Time::now());
            let job = enqueue(&mut edit, job, 1).await?;
            if end {
                finish(edit.tx, job.id(), Ok(())).await?;
            }
            Ok(())
        };
        outbox.commit(work).await.expect("a job");
    }
    sweep(&files, &store).await.expect("swept");
    let there = names.iter().filter(|name| files.path(name).exists()).collect::<Vec<_>>();
    assert_eq!(there, [waiting, fresh]);
}
