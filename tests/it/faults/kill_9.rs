//! A change that was answered 2xx is never lost, not by `kill -9` (CONTRACT 3, Guarantees).

use crate::{
    over_every_wire,
    support::{Over, Process, User},
};
use futures_util::future::{join, join_all};
use std::cell::Cell;

/// Changes the event again and again until the server is gone; the last version that was acknowledged.
async fn until_it_dies(by: &User, id: &str, acknowledged: &Cell<i64>) {
    for n in 0.. {
        match by.describes(id, &n.to_string()).attempt().await {
            Ok(answer) => acknowledged.set(answer.ok()["version"].as_i64().expect("a version")),
            Err(_) => return,
        }
    }
}

over_every_wire! {
    async fn killed_in_the_middle_of_a_stream_of_changes_it_loses_none_that_was_acknowledged(over) {
        let mut herald = Process::start().await;
        let ann = herald.stranger(&["USER"]);
        let id = ann.draft("1").await.id();
        let mut live = ann.live(over).await;
        let mut heard = Vec::new();
        for round in 1..=2 {
            let acknowledged = Cell::new(0);
            let writing = until_it_dies(&ann, &id, &acknowledged);
            let killing = async {
                let last = heard.last().copied().unwrap_or(1);
                heard.extend(live.hears_versions(&id, last + 20).await);
                herald.kill_9();
                live.cut().await;
            };
            join(writing, killing).await;
            herald.restart();
            let now = ann.get(format!("/v1/events/{id}")).await.ok()["version"].as_i64().expect("a version");
            // One more may have been committed and not answered.
            let acknowledged = acknowledged.get();
            assert!(now == acknowledged || now == acknowledged + 1, "round {round}: {acknowledged} of {now}");
            live.resume().await;
            if heard.last() != Some(&now) {
                heard.extend(live.hears_versions(&id, now).await);
            }
            assert_eq!(heard, (2..=now).collect::<Vec<i64>>(), "round {round}");
        }
        live.hears_nothing().await;
    }
}

#[tokio::test]
async fn killed_under_many_writers_it_keeps_each_ones_changes_in_their_order() {
    let mut herald = Process::start().await;
    let ann = herald.stranger(&["USER"]);
    let mut live = ann.live(Over::SocketIo).await;
    let mut ids = Vec::new();
    for n in 0..16 {
        ids.push(ann.draft(&n.to_string()).await.id());
    }
    let acknowledged: Vec<Cell<i64>> = ids.iter().map(|_| Cell::new(1)).collect();
    let writing = join_all(ids.iter().zip(&acknowledged).map(|(id, cell)| until_it_dies(&ann, id, cell)));
    let killing = async {
        for id in &ids {
            live.hears_of("NEW_RECORD", id).await;
        }
        live.hears_some(200).await;
        let cursor = live.cursor();
        herald.kill_9();
        live.cut().await;
        cursor
    };
    let (_, cursor) = join(writing, killing).await;
    herald.restart();
    live.resume().await;
    let marker = herald.marker().await;
    let missed = live.hears_until(&marker).await;
    // Everything since the cursor, without a hole: `seq` counts every notice, and all are Ann's.
    let seqs: Vec<i64> = missed.iter().filter_map(|(_, data)| data["seq"].as_i64()).collect();
    assert_eq!(seqs, (cursor + 1..=cursor + i64::try_from(seqs.len()).expect("a number")).collect::<Vec<_>>());
    for (id, acknowledged) in ids.iter().zip(acknowledged) {
        let stored = ann.get(format!("/v1/events/{id}")).await.ok()["version"].as_i64().expect("a version");
        assert!((acknowledged.get()..=acknowledged.get() + 1).contains(&stored), "{stored} of {acknowledged:?}");
    }
}
