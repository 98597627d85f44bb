//! What was seen and what is claimed are two moments: whatever happened between, on a real database file.

use super::*;
use crate::{
    delivery::{
        inbox::{Message, notify},
        mail::due::due,
        outbox::Outbox,
    },
    store::Store,
};

struct Story {
    outbox: Outbox,
    store: Store,
    user: UserId,
    /// An hour after the notifications were made.
    now: Time,
}

fn story(story: impl AsyncFnOnce(&Story)) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(&format!("sqlite:{}", dir.path().join("db").display())).expect("a store");
    store.migrate().expect("tables");
    let (outbox, _) = Outbox::start(store.clone(), Box::new(|_| {})).expect("a thread");
    let it = Story { outbox, store, user: UserId::generate(), now: Time::now().plus_seconds(3600) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        it.begins().await;
        story(&it).await;
    });
}

impl Story {
    async fn does<T: Send + 'static>(&self, work: impl AsyncFnOnce(&mut Tx) -> Result<T> + Send + 'static) -> T {
        self.outbox.commit(work).await.expect("it is done").value
    }

    /// Somebody, with one notification.
    async fn begins(&self) {
        let user = self.user;
        self.does(async move |tx| {
            let row = (
                (users::id.eq(user), users::email.eq("ann@example.com"), users::password_hash.eq("")),
                (users::first_name.eq("Ann"), users::last_name.eq(""), users::roles.eq("[]")),
                (users::disabled.eq(false), users::notify_admin_on_review_request.eq(true)),
                (users::notify_on_event_update.eq(true), users::notify_by_email.eq(true)),
                (users::version.eq(1), users::created_at.eq(tx.now()), users::updated_at.eq(tx.now())),
            );
            sql!(&mut tx.conn, |c| diesel::insert_into(users::table).values(row).execute(c).await)?;
            let what = Message { kind: "test".into(), message: "Hi".into(), data: None };
            notify(tx, &[user], &what).await
        })
        .await;
    }

    /// The one notification that is due, as it is now.
    async fn seen(&self) -> Due {
        let due = due(&mut self.store.read().await.expect("a connection"), self.now, 900).await.expect("a list");
        assert_eq!(due.len(), 1, "{due:?}");
        due[0]
    }

    async fn claims(&self, seen: Due) -> bool {
        let now = self.now;
        self.does(async move |tx| claim(tx, seen, now).await).await.is_some()
    }

    async fn settles(&self, seen: Due, attempts: i32, settled: Settled) {
        self.does(async move |tx| settle(tx, seen.id, attempts, settled).await).await;
    }

    async fn state(&self) -> (State, i32) {
        let mut conn = self.store.read().await.expect("a connection");
        let row = notifications::table.select((notifications::mail_state, notifications::mail_attempts));
        sql!(&mut conn, |c| row.first(c).await).expect("a notification")
    }
}

#[test]
fn what_was_confirmed_or_deleted_since_it_was_seen_is_not_claimed() {
    story(async |it| {
        let seen = it.seen().await;
        it.does(async |tx| {
            let status = notifications::status.eq(Status::Delivered);
            Ok(sql!(&mut tx.conn, |c| diesel::update(notifications::table).set(status).execute(c).await)?)
        })
        .await;
        assert!(!it.claims(seen).await);
        assert_eq!(it.state().await, (State::None, 0));
        it.does(async |tx| Ok(sql!(&mut tx.conn, |c| diesel::delete(notifications::table).execute(c).await)?)).await;
        assert!(!it.claims(seen).await);
    });
}

#[test]
fn who_was_shut_out_or_wants_no_e_mail_since_is_spared() {
    story(async |it| {
        let seen = it.seen().await;
        for (wanted, disabled) in [(false, false), (true, true)] {
            it.does(async move |tx| {
                let change = (users::notify_by_email.eq(wanted), users::disabled.eq(disabled));
                Ok(sql!(&mut tx.conn, |c| diesel::update(users::table).set(change).execute(c).await)?)
            })
            .await;
            assert!(!it.claims(seen).await, "wanted {wanted}, disabled {disabled}");
        }
    });
}

#[test]
fn what_two_saw_one_claims_whatever_became_of_it_meanwhile() {
    story(async |it| {
        let seen = it.seen().await;
        assert!(it.claims(seen).await);
        assert!(!it.claims(seen).await, "while it is sent");
        it.settles(seen, 1, Settled::Again(it.now)).await;
        assert!(!it.claims(seen).await, "the other tried meanwhile: it is not as it was seen");
        let again = it.seen().await;
        assert!(it.claims(again).await);
        it.settles(again, 2, Settled::Sent(it.now)).await;
        assert!(!it.claims(again).await);
        assert_eq!(it.state().await, (State::Sent, 2));
    });
}

#[test]
fn who_lost_a_claim_writes_nothing_of_it() {
    story(async |it| {
        let seen = it.seen().await;
        assert!(it.claims(seen).await);
        let lapsed =
            Story { outbox: it.outbox.clone(), store: it.store.clone(), now: it.now.plus_seconds(LEASE), ..*it };
        let again = lapsed.seen().await;
        assert!(lapsed.claims(again).await);
        it.settles(seen, 1, Settled::Again(it.now)).await;
        assert_eq!(it.state().await, (State::Claimed, 2), "the other's claim stands");
    });
}
