//! The outbox against a real database file.

use super::*;
use crate::{
    broker::History as _,
    delivery::{Keep, StoredHistory, prune},
    notice::{Audience, EventName, Room},
    sql,
    store::schema::departments,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::future::join_all;
use std::sync::{Arc, Mutex, PoisonError};

struct Fixture {
    outbox: Outbox,
    store: Store,
    told: Arc<Mutex<Vec<i64>>>,
    _dir: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(&format!("sqlite:{}", dir.path().join("test.db").display())).expect("a store");
    store.migrate().expect("migrations");
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let tell: super::Told = Box::new(move |Emit(notices)| {
        let seqs = notices.iter().filter_map(|notice| notice.seq).map(|seq| seq.0);
        heard.lock().unwrap_or_else(PoisonError::into_inner).extend(seqs);
    });
    let (outbox, _) = Outbox::start(store.clone(), tell).expect("a thread");
    Fixture { outbox, store, told, _dir: dir }
}

fn in_runtime(test: impl AsyncFnOnce(&Fixture)) {
    let fixture = fixture();
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test(&fixture));
}

async fn name(tx: &mut Tx, name: &str) -> Result<()> {
    let now = tx.now();
    let row = (
        departments::id.eq(crate::ids::DepartmentId::generate()),
        departments::name.eq(name),
        departments::description.eq(""),
        departments::letter.eq(""),
        departments::color.eq(""),
        departments::version.eq(1),
        departments::created_at.eq(now),
        departments::updated_at.eq(now),
    );
    sql!(&mut tx.conn, |c| diesel::insert_into(departments::table).values(row).execute(c).await)?;
    tx.tell(EventName::NewRecord, &serde_json::json!({ "name": name }), Audience::to([Room::All])).map(drop)
}

async fn names(store: &Store) -> Vec<String> {
    let mut conn = store.read().await.expect("a connection");
    sql!(&mut conn, |c| departments::table.select(departments::name).order(departments::name).load(c).await)
        .expect("names")
}

#[test]
fn a_refused_change_leaves_nothing_behind_and_its_neighbours_in_the_batch_alone() {
    in_runtime(async |f| {
        let all = (0..100).map(|i| {
            f.outbox.commit(async move |tx| {
                name(tx, &format!("{i:03}")).await?;
                if i % 3 == 0 { Err(Error::NotFound) } else { Ok(i) }
            })
        });
        let outcomes = join_all(all).await;
        let kept: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
        assert_eq!(kept.len(), 66);
        assert!(outcomes.iter().step_by(3).all(|outcome| matches!(outcome, Err(Error::NotFound))));
        let expected: Vec<_> = (0..100).filter(|i| i % 3 != 0).map(|i| format!("{i:03}")).collect();
        assert_eq!(names(&f.store).await, expected);
        // Places are without a gap, each change has its own, and the broker was told in order.
        let mut places: Vec<_> = kept.iter().map(|done| done.seq.0).collect();
        places.sort_unstable();
        assert_eq!(places, (1..=66).collect::<Vec<_>>());
        assert_eq!(*f.told.lock().unwrap_or_else(PoisonError::into_inner), places);
    });
}

#[test]
fn a_change_that_breaks_a_rule_of_the_database_is_refused_alone() {
    in_runtime(async |f| {
        f.outbox.commit(async |tx| name(tx, "same").await).await.expect("the first");
        let twice = f.outbox.commit(async |tx| name(tx, "same").await);
        let other = f.outbox.commit(async |tx| name(tx, "other").await);
        let (twice, other) = futures_util::future::join(twice, other).await;
        assert!(matches!(twice, Err(Error::Conflict(message)) if message.contains("name")));
        assert_eq!(other.expect("the other").seq, Seq(2));
    });
}

#[test]
fn a_change_that_panics_is_rolled_back_and_the_committer_goes_on() {
    in_runtime(async |f| {
        let broken = f.outbox.commit::<(), _>(async |tx| {
            name(tx, "broken").await?;
            panic!("a bug")
        });
        let fine = f.outbox.commit(async |tx| name(tx, "fine").await);
        let (broken, fine) = futures_util::future::join(broken, fine).await;
        assert!(matches!(broken, Err(Error::Internal)));
        assert_eq!(fine.expect("the other").seq, Seq(1));
        assert_eq!(names(&f.store).await, ["fine"]);
    });
}

#[test]
fn closing_ends_the_committer_whoever_holds_an_outbox_and_after_what_was_accepted() {
    let Fixture { outbox, store, _dir, .. } = fixture();
    let (closed, committer) = Outbox::start(store.clone(), Box::new(drop)).expect("a thread");
    drop(outbox);
    let holder = closed.clone();
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
        let mut accepted = std::pin::pin!(closed.commit(async |tx: &mut Tx| name(tx, "Accepted").await));
        // Polled once: it lies in the queue, or is done already.
        let early = futures_util::poll!(&mut accepted);
        closed.close();
        let done = if let std::task::Poll::Ready(done) = early { done } else { accepted.await };
        done.expect("what was accepted is committed");
    });
    committer.join().expect("it ends well");
    let late = futures_util::FutureExt::now_or_never(holder.commit(async |tx: &mut Tx| name(tx, "Late").await));
    assert!(matches!(late, Some(Err(Error::Unavailable(_)))));
}

#[test]
fn the_history_reads_back_what_was_told_with_its_place_in_the_payload() {
    in_runtime(async |f| {
        for i in 0..5 {
            f.outbox.commit(async move |tx| name(tx, &i.to_string()).await).await.expect("a change");
        }
        let page = StoredHistory(f.store.clone()).after(Seq(2), 2).await.expect("a page");
        let payloads: Vec<_> = page.notices.iter().map(|notice| &*notice.payload).collect();
        assert_eq!(payloads, [r#"{"name":"2","seq":3}"#, r#"{"name":"3","seq":4}"#]);
        assert_eq!((page.newest, page.pruned), (Seq(5), Seq(0)));
    });
}

#[test]
fn a_live_notice_takes_its_turn_among_the_changes_and_none_of_its_own() {
    let Fixture { store, _dir, .. } = fixture();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&heard);
    let tell: super::Told = Box::new(move |Emit(notices)| {
        ears.lock().unwrap_or_else(PoisonError::into_inner).extend(notices.iter().map(|notice| notice.seq));
    });
    let (outbox, _) = Outbox::start(store, tell).expect("a thread");
    let body = serde_json::json!({ "at": 1 });
    let live = || outbox.tell_live(EventName::Published("tick".into()), &body, Audience::to([Room::All]), None);
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
        // The node does not know yet where the order stands.
        assert_eq!(live().await.expect("told").seq, Seq(0));
        let one = outbox.commit(async |tx| name(tx, "one").await);
        let two = outbox.commit(async |tx| name(tx, "two").await);
        let (one, told, two) = futures_util::future::join3(one, live(), two).await;
        assert_eq!((one.expect("one").seq, two.expect("two").seq), (Seq(1), Seq(2)));
        assert_eq!(told.expect("told").seq, Seq(1), "what was before it");
        assert_eq!(live().await.expect("told").seq, Seq(2));
        let no_object = outbox.tell_live(EventName::Published("tick".into()), &1, Audience::nobody(), None).await;
        assert!(matches!(no_object, Err(Error::Internal)));
    });
    assert_eq!(
        *heard.lock().unwrap_or_else(PoisonError::into_inner),
        [None, Some(Seq(1)), None, Some(Seq(2)), None],
        "in the order asked"
    );
}

#[test]
fn pruning_keeps_the_newest_notices_and_remembers_where_the_history_begins() {
    in_runtime(async |f| {
        for i in 0..10 {
            f.outbox.commit(async move |tx| name(tx, &i.to_string()).await).await.expect("a change");
        }
        let history = StoredHistory(f.store.clone());
        let keep = Keep { seconds: 3600, notices: 4 };
        assert_eq!(prune(&f.outbox, keep).await.expect("pruned"), 6);
        let page = history.after(Seq(0), 100).await.expect("a page");
        assert_eq!((page.notices.len(), page.newest, page.pruned), (4, Seq(10), Seq(6)));
        let keep = Keep { seconds: -1, notices: 4 };
        assert_eq!(prune(&f.outbox, keep).await.expect("pruned"), 4, "all are older than a second from now");
        assert_eq!(history.bounds().await.expect("bounds"), (Seq(10), Seq(10)));
        let next = f.outbox.commit(async |tx| name(tx, "next").await).await.expect("a change");
        assert_eq!(next.seq, Seq(11), "places are never used again");
    });
}
