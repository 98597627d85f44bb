//! One message to very many, in stretches: everybody gets one, whoever puts it there.

use super::*;
use crate::{
    body::parse,
    delivery::inbox::send::Send as Body,
    store::{Store, schema::notifications},
};
use serde_json::json;
use std::collections::HashMap;

struct House {
    store: Store,
    outbox: Outbox,
    runtime: tokio::runtime::Runtime,
    _dir: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&format!("sqlite:{}", dir.path().join("db").display())).expect("a store");
        store.migrate().expect("tables");
        let outbox = Self::another(&store);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { store, outbox, runtime, _dir: dir }
    }

    /// Another node's.
    fn another(store: &Store) -> Outbox {
        Outbox::start(store.clone(), Box::new(|_| {})).expect("a thread").0
    }

    fn does<T: Send + 'static>(&self, work: impl AsyncFnOnce(&mut Tx) -> Result<T> + Send + 'static) -> T {
        self.runtime.block_on(self.outbox.commit(work)).expect("done").value
    }

    /// Registers so many, every tenth a seller.
    fn users(&self, count: usize) -> Vec<UserId> {
        self.users_by_a_clock(count, 0)
    }

    /// The same, on a node whose clock is so many seconds ahead.
    fn users_by_a_clock(&self, count: usize, ahead: i64) -> Vec<UserId> {
        let ids: Vec<UserId> = (0..count).map(|_| UserId::generate()).collect();
        let all = ids.clone();
        self.does(async move |tx| {
            let now = tx.now().plus_seconds(ahead);
            for (at, id) in all.iter().enumerate() {
                let roles: Roles = [Role::User].into_iter().chain((at % 10 == 0).then_some(Role::Seller)).collect();
                let row = (
                    (users::id.eq(id), users::email.eq(id.to_string()), users::password_hash.eq("")),
                    (users::first_name.eq(""), users::last_name.eq(""), users::roles.eq(Json(roles))),
                    (users::disabled.eq(false), users::notify_admin_on_review_request.eq(true)),
                    (users::notify_on_event_update.eq(true), users::version.eq(1_i64)),
                    (users::created_at.eq(now), users::updated_at.eq(now)),
                );
                sql!(&mut tx.conn, |c| diesel::insert_into(users::table).values(row).execute(c).await)?;
            }
            Ok(())
        });
        ids
    }

    fn are_deleted(&self, ids: &[UserId]) {
        let ids = ids.to_vec();
        self.does(async move |tx| {
            let now = tx.now();
            for id in ids {
                sql!(&mut tx.conn, |c| diesel::delete(users::table.find(id)).execute(c).await)?;
                let row = (deleted_users::id.eq(id), deleted_users::deleted_at.eq(now));
                sql!(&mut tx.conn, |c| diesel::insert_into(deleted_users::table).values(row).execute(c).await)?;
            }
            Ok(())
        });
    }

    /// Sends it; the count that is answered.
    fn sends(&self, by: UserId, body: &Value) -> i64 {
        let body: Body = parse(body.to_string().as_bytes()).expect("a body");
        let sending = body.checked(by).expect("fine");
        let counted = self.runtime.block_on(async {
            let mut conn = self.store.read().await.expect("a connection");
            sending.counted(&mut conn).await.expect("a count")
        });
        let answer = self.does(async move |tx| counted.begin(tx).await);
        serde_json::from_str::<Value>(&answer.body).expect("json")["count"].as_i64().expect("a count")
    }

    /// Goes on until nothing is left; how many stretches that took.
    fn finishes(&self) -> usize {
        let broadcasts = Broadcasts::new(self.outbox.clone());
        self.runtime.block_on(async {
            let mut steps = 0;
            while broadcasts.step().await.expect("a stretch") {
                steps += 1;
            }
            steps
        })
    }

    /// How many notifications each user has.
    fn inboxes(&self) -> HashMap<UserId, usize> {
        let all: Vec<UserId> = self.runtime.block_on(async {
            let mut conn = self.store.read().await.expect("a connection");
            sql!(&mut conn, |c| notifications::table.select(notifications::user_id).load(c).await).expect("rows")
        });
        let mut count = HashMap::new();
        all.into_iter().for_each(|user| *count.entry(user).or_default() += 1);
        count
    }

    fn left(&self) -> i64 {
        self.runtime.block_on(left(&self.store))
    }
}

/// How many rows are not done.
async fn left(store: &Store) -> i64 {
    let mut conn = store.read().await.expect("a connection");
    sql!(&mut conn, |c| broadcasts::table.count().get_result(c).await).expect("a count")
}

fn one_each(users: impl IntoIterator<Item = UserId>) -> HashMap<UserId, usize> {
    users.into_iter().map(|user| (user, 1)).collect()
}

#[test]
fn everybody_but_the_sender_gets_one_and_nobody_who_registers_later() {
    let house = House::new();
    let mut all = house.users(2 * STRETCH + 40);
    all.extend(house.users_by_a_clock(10, 2));
    let sender = all[STRETCH / 2];
    let count = house.sends(sender, &json!({ "message": "Hello" }));
    assert_eq!(usize::try_from(count).expect("small"), all.len() - 1);
    assert!(house.inboxes().len() <= STRETCH, "the answer waits for one stretch");
    house.users_by_a_clock(10, 4);
    assert_eq!((house.finishes(), house.left()), (2, 0));
    assert_eq!(house.inboxes(), one_each(all.into_iter().filter(|user| *user != sender)));
}

#[test]
fn what_fits_into_one_stretch_is_done_at_once() {
    let house = House::new();
    let all = house.users(STRETCH - 1);
    assert_eq!(house.sends(UserId::generate(), &json!({ "message": "Hello" })), 199);
    assert_eq!((house.left(), house.inboxes()), (0, one_each(all)));
}

#[test]
fn a_role_reaches_those_who_have_it_but_not_the_sender() {
    let house = House::new();
    let all = house.users(2500);
    let sellers: Vec<UserId> = all.iter().copied().step_by(10).collect();
    let count = house.sends(sellers[3], &json!({ "message": "Hello", "role": "SELLER" }));
    assert_eq!(count, 249);
    house.finishes();
    assert_eq!(house.inboxes(), one_each(sellers.iter().copied().filter(|user| *user != sellers[3])));
}

#[test]
fn named_are_reached_the_sender_too_and_who_is_not_known_but_nobody_who_was_deleted() {
    let house = House::new();
    let known = house.users(2 * IDS_AT_ONCE);
    let mut named: Vec<UserId> = (0..700).map(|_| UserId::generate()).chain(known.clone()).collect();
    let gone = [known[0], known[150], known[1999]];
    house.are_deleted(&gone);
    // In no order.
    named.reverse();
    named.swap(3, 900);
    let count = house.sends(named[0], &json!({ "message": "Hello", "userIds": named }));
    assert_eq!((count, house.left()), (2697, 3), "in rows of a thousand");
    house.finishes();
    let expected = named.into_iter().filter(|user| !gone.contains(user));
    assert_eq!((house.left(), house.inboxes()), (0, one_each(expected)));
}

#[test]
fn who_is_deleted_meanwhile_gets_nothing_any_more() {
    let house = House::new();
    let all = house.users(STRETCH + 2);
    house.sends(UserId::generate(), &json!({ "message": "Hello" }));
    house.are_deleted(&all[STRETCH..=STRETCH]);
    house.finishes();
    assert!(!house.inboxes().contains_key(&all[STRETCH]));
    assert_eq!(house.inboxes().len(), STRETCH + 1);
}

#[test]
fn large_messages_go_out_in_shorter_stretches() {
    let house = House::new();
    let all = house.users(60);
    let data = json!({ "text": "x".repeat(8_000) });
    house.sends(UserId::generate(), &json!({ "message": "Hello", "data": data }));
    assert_eq!(house.inboxes().len(), STRETCH_BYTES / 8_027);
    house.finishes();
    assert_eq!(house.inboxes(), one_each(all));
}

#[test]
fn two_nodes_and_two_messages_at_once_and_still_each_gets_each_once() {
    let house = House::new();
    let all = house.users(3 * STRETCH);
    for _ in 0..2 {
        house.sends(UserId::generate(), &json!({ "message": "Hello" }));
    }
    let nodes = [Broadcasts::new(house.outbox.clone()), Broadcasts::new(House::another(&house.store))];
    let finish = async |node: &Broadcasts| while node.step().await.expect("a stretch") {};
    house.runtime.block_on(futures_util::future::join(finish(&nodes[0]), finish(&nodes[1])));
    let expected: HashMap<UserId, usize> = all.into_iter().map(|user| (user, 2)).collect();
    assert_eq!(house.inboxes(), expected);
}

#[test]
fn what_is_left_from_before_is_finished_without_being_asked() {
    let house = House::new();
    let all = house.users(2 * STRETCH);
    house.sends(UserId::generate(), &json!({ "message": "Hello" }));
    let broadcasts = Broadcasts::new(house.outbox.clone());
    house.runtime.block_on(async {
        let running = broadcasts.clone().run();
        let done = async { while left(&house.store).await > 0 {} };
        tokio::select! {
            () = running => {}
            () = done => {}
        }
    });
    assert_eq!(house.inboxes(), one_each(all));
}
