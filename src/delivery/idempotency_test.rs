//! What comes twice is done once, against a real database file.

use super::*;
use crate::{
    ids::UserId,
    notice::{Audience, EventName, Room},
    store::Store,
};
use actix_web::test::TestRequest;
use serde_json::json;

const ROUTE: &str = "/v1/things";

/// Runs the story with an outbox of its own.
fn story(story: impl AsyncFnOnce(&Outbox)) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(&format!("sqlite:{}", dir.path().join("db").display())).expect("a store");
    store.migrate().expect("tables");
    let (outbox, _) = Outbox::start(store, Box::new(|_| {})).expect("a thread");
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(story(&outbox));
}

fn named(key: &str) -> Result<Option<Key>> {
    let request = TestRequest::default().insert_header((HEADER, key)).to_http_request();
    Key::of(&request, "ann", ROUTE, &Fingerprint::of(b"body"))
}

fn key(caller: impl Display, route: &'static str, key: &str, body: &str) -> Option<Key> {
    let request = TestRequest::default().insert_header((HEADER, key)).to_http_request();
    Key::of(&request, caller, route, &Fingerprint::of(body.as_bytes())).expect("a good key")
}

/// Tells one notice, unless it was done before.
async fn does(outbox: &Outbox, key: Option<Key>) -> Result<Answer> {
    let work = async move |tx: &mut Tx| {
        once(tx, key, async |tx| {
            let seq = tx.tell(EventName::NewRecord, &json!({}), Audience::to([Room::All]))?;
            Answer::new(StatusCode::CREATED, &json!({ "made": seq }))
        })
        .await
    };
    Ok(outbox.commit(work).await?.value)
}

async fn ages(outbox: &Outbox, seconds: i64) {
    let work = async move |tx: &mut Tx| {
        let then = tx.now().plus_seconds(-seconds);
        let older = diesel::update(idempotency_keys::table).set(idempotency_keys::created_at.eq(then));
        sql!(&mut tx.conn, |c| older.execute(c).await)?;
        Ok(())
    };
    outbox.commit(work).await.expect("older");
}

async fn known(outbox: &Outbox) -> i64 {
    let work = async |tx: &mut Tx| Ok(sql!(&mut tx.conn, |c| idempotency_keys::table.count().get_result(c).await)?);
    outbox.commit(work).await.expect("a count").value
}

#[test]
fn a_key_is_one_to_255_visible_characters_named_once() {
    let fine = [String::from("k"), "x".repeat(255), "9f:{}~!".into()];
    assert!(fine.iter().all(|key| matches!(named(key), Ok(Some(_)))));
    for key in ["", "a b", "tab\t.", "é", &"x".repeat(256)] {
        assert!(matches!(named(key), Err(Error::Invalid(faults)) if faults[0].field == HEADER), "{key:?}");
    }
    let twice = TestRequest::default().append_header((HEADER, "a")).append_header((HEADER, "b")).to_http_request();
    assert!(Key::of(&twice, "ann", ROUTE, &Fingerprint::of(b"")).is_err());
    let without = TestRequest::default().to_http_request();
    assert_eq!(Key::of(&without, "ann", ROUTE, &Fingerprint::of(b"")).expect("no fault"), None);
}

#[test]
fn the_same_key_gets_the_first_answer_again_and_nothing_is_done() {
    story(async |outbox| {
        let (ann, bob) = (UserId::generate(), UserId::generate());
        let first = does(outbox, key(ann, ROUTE, "k", "body")).await.expect("done");
        assert_eq!((first.status, first.seq, first.again), (StatusCode::CREATED, Seq(1), false));
        let other = does(outbox, None).await.expect("done");
        assert_eq!(other.seq, Seq(2));
        let again = does(outbox, key(ann, ROUTE, "k", "body")).await.expect("answered");
        assert_eq!(again, Answer { again: true, ..first.clone() });
        let changed = does(outbox, key(ann, ROUTE, "k", "another")).await;
        assert!(matches!(changed, Err(Error::Conflict(_))), "{changed:?}");
        // Somebody else's, another route's, another one: each is done.
        let others = [key(bob, ROUTE, "k", "body"), key(ann, "/v1/others", "k", "x"), key(ann, ROUTE, "K", "body")];
        for (at, other) in others.into_iter().enumerate() {
            let done = does(outbox, other).await.expect("done");
            assert_eq!((done.again, done.seq.0), (false, i64::try_from(at).expect("small") + 3));
        }
    });
}

#[test]
fn two_at_the_same_time_are_done_once() {
    story(async |outbox| {
        let both = (0..8).map(|_| does(outbox, key("ann", ROUTE, "k", "body")));
        let answers = futures_util::future::join_all(both).await;
        let answers: Vec<Answer> = answers.into_iter().map(|answer| answer.expect("answered")).collect();
        assert_eq!(answers.iter().filter(|answer| !answer.again).count(), 1);
        assert!(answers.iter().all(|answer| answer.body == r#"{"made":1}"# && answer.seq == Seq(1)));
    });
}

#[test]
fn what_was_refused_left_nothing_and_may_be_tried_again() {
    story(async |outbox| {
        let refused = key("ann", ROUTE, "k", "body");
        let work = async move |tx: &mut Tx| once(tx, refused, async |_| Err(Error::NotFound)).await;
        assert!(matches!(outbox.commit(work).await, Err(Error::NotFound)));
        assert_eq!(known(outbox).await, 0);
        let other_body = does(outbox, key("ann", ROUTE, "k", "a better body")).await.expect("done");
        assert!(!other_body.again);
    });
}

#[test]
fn after_a_day_a_key_is_new_whether_it_was_swept_or_not() {
    story(async |outbox| {
        does(outbox, key("ann", ROUTE, "k", "body")).await.expect("done");
        ages(outbox, KEPT - 60).await;
        sweep(outbox).await.expect("swept");
        assert!(does(outbox, key("ann", ROUTE, "k", "body")).await.expect("answered").again, "within the day");
        ages(outbox, KEPT + 60).await;
        assert!(!does(outbox, key("ann", ROUTE, "k", "new body")).await.expect("done").again);
        assert_eq!(known(outbox).await, 1);
        does(outbox, key("ann", ROUTE, "another", "body")).await.expect("done");
        ages(outbox, KEPT + 60).await;
        sweep(outbox).await.expect("swept");
        assert_eq!(known(outbox).await, 0);
    });
}

#[test]
fn sweeping_takes_many_in_steps() {
    story(async |outbox| {
        let many = async |tx: &mut Tx| {
            for n in 0..STEP * 2 + 1 {
                let key = key("ann", ROUTE, &n.to_string(), "body").expect("a key");
                store(tx, key, &Answer::new(StatusCode::OK, &n)?).await?;
            }
            Ok(())
        };
        outbox.commit(many).await.expect("stored");
        // One millisecond apart, as they come.
        let spread = "UPDATE idempotency_keys SET created_at = datetime('2020-01-01', '+' || key || ' seconds')";
        let spread = async move |tx: &mut Tx| {
            sql!(&mut tx.conn, |c| diesel::sql_query(spread).execute(c).await)?;
            Ok(())
        };
        outbox.commit(spread).await.expect("spread");
        let step = outbox.commit(async |tx| sweep_step(tx).await).await.expect("a step").value;
        assert_eq!((step, known(outbox).await), (STEP.unsigned_abs(), STEP + 1));
        sweep(outbox).await.expect("swept");
        assert_eq!(known(outbox).await, 0);
    });
}
