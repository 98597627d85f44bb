//! The status of a notification never goes back, whatever happens in whatever order: a database file
//! against a model.

use super::{Inbox, Message, Status, marks, notify};
use crate::{
    delivery::outbox::{Outbox, Tx},
    error::Result,
    ids::{NotificationId, UserId},
    notice::{EventName, Notice},
    sql,
    store::{Store, schema::notifications},
    time::Time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::Value;
use std::sync::{Arc, mpsc};

/// What two users do; the numbers choose among all notifications, also the other's.
#[derive(Debug, Clone)]
enum Step {
    Create { user: usize },
    Confirm { user: usize, which: Vec<usize> },
    Read { user: usize, which: usize },
    ReadAll { user: usize },
    Delete { user: usize, which: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (user, which) = (0..2_usize, 0..12_usize);
    let step = prop_oneof![
        3 => user.clone().prop_map(|user| Step::Create { user }),
        3 => (user.clone(), prop::collection::vec(which.clone(), 0..4))
            .prop_map(|(user, which)| Step::Confirm { user, which }),
        3 => (user.clone(), which.clone()).prop_map(|(user, which)| Step::Read { user, which }),
        1 => user.clone().prop_map(|user| Step::ReadAll { user }),
        1 => (user, which).prop_map(|(user, which)| Step::Delete { user, which }),
    ];
    prop::collection::vec(step, 1..24)
}

#[derive(Debug, Clone)]
struct Expected {
    id: NotificationId,
    user: usize,
    status: Status,
    gone: bool,
}

struct House {
    store: Store,
    outbox: Outbox,
    told: mpsc::Receiver<Vec<Arc<Notice>>>,
    runtime: tokio::runtime::Runtime,
    _dir: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&format!("sqlite:{}", dir.path().join("db").display())).expect("a store");
        store.migrate().expect("tables");
        let (tell, told) = mpsc::channel();
        let tell = Box::new(move |emit: crate::broker::Emit| drop(tell.send(emit.0)));
        let (outbox, _) = Outbox::start(store.clone(), tell).expect("a thread");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { store, outbox, told, runtime, _dir: dir }
    }

    fn does<T: Send + 'static>(&self, work: impl AsyncFnOnce(&mut Tx) -> Result<T> + Send + 'static) -> Result<T> {
        Ok(self.runtime.block_on(self.outbox.commit(work))?.value)
    }

    /// What was pushed since the last look.
    fn pushed(&self) -> Vec<(EventName, Value)> {
        let notices = self.told.try_iter().flatten();
        notices.map(|notice| (notice.event.clone(), serde_json::from_str(&notice.payload).expect("json"))).collect()
    }

    fn status(&self, id: NotificationId) -> Option<(Status, Option<Time>, Option<Time>)> {
        let row = notifications::table.find(id);
        let row = row.select((notifications::status, notifications::delivered_at, notifications::read_at));
        self.runtime.block_on(async {
            let mut conn = self.store.read().await.expect("a connection");
            sql!(&mut conn, |c| row.first(c).await.optional()).expect("a row")
        })
    }
}

fn unread(all: &[Expected], user: usize) -> usize {
    all.iter().filter(|one| one.user == user && !one.gone && one.status != Status::Read).count()
}

/// Goes through one story; every step is compared with what it should have come to.
fn story(house: &House, steps: Vec<Step>) {
    let users = [UserId::generate(), UserId::generate()];
    let inbox = Inbox::new(house.store.clone(), house.outbox.clone());
    let mut all: Vec<Expected> = Vec::new();
    for step in steps {
        let before = all.clone();
        // How many pushes of `notification:read` it has to make, and to whom.
        let mut marks_of = None;
        let (by, answered) = match step.clone() {
            Step::Create { user } => {
                let what = Message { kind: "k".into(), message: "m".into(), data: None };
                let to = users[user];
                house.does(async move |tx| notify(tx, &[to], &what).await).expect("stored");
                (user, None)
            }
            Step::Confirm { user, which } => {
                let ids = which.iter().filter_map(|at| all.get(*at)).map(|one| one.id).collect();
                house.runtime.block_on(inbox.confirm(users[user], ids)).expect("confirmed");
                for at in which {
                    if let Some(one) = all.get_mut(at).filter(|one| one.user == user && one.status == Status::Pending) {
                        one.status = Status::Delivered;
                    }
                }
                (user, None)
            }
            Step::Read { user, which } => {
                let Some(one) = all.get_mut(which) else { continue };
                let (who, id) = (users[user], one.id);
                let outcome = house.does(async move |tx| marks::read(tx, who, id).await);
                if one.gone || one.user != user {
                    assert!(matches!(outcome, Err(crate::error::Error::NotFound)), "{outcome:?}");
                    (user, None)
                } else {
                    marks_of = (one.status != Status::Read).then_some(user);
                    one.status = Status::Read;
                    (user, Some(outcome.expect("read").unread))
                }
            }
            Step::ReadAll { user } => {
                let who = users[user];
                let outcome = house.does(async move |tx| marks::read_all(tx, who).await);
                marks_of = (unread(&all, user) > 0).then_some(user);
                all.iter_mut().filter(|one| one.user == user).for_each(|one| one.status = Status::Read);
                (user, Some(outcome.expect("read").unread))
            }
            Step::Delete { user, which } => {
                let Some(one) = all.get_mut(which) else { continue };
                let (who, id) = (users[user], one.id);
                let outcome = house.does(async move |tx| marks::delete(tx, who, id).await);
                let there = !one.gone && one.user == user;
                assert_eq!(outcome.is_ok(), there, "{outcome:?}");
                one.gone |= there;
                marks_of = there.then_some(user);
                (user, None)
            }
        };
        let pushed = house.pushed();
        if let Step::Create { user } = step {
            let [(EventName::NewNotification, new)] = pushed.as_slice() else { panic!("{pushed:?}") };
            let id = new["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
            all.push(Expected { id, user, status: Status::Pending, gone: false });
            assert_eq!(new["unread"], unread(&all, user), "authoritative");
        } else {
            assert_eq!(pushed.len(), usize::from(marks_of.is_some()), "{step:?} pushed {pushed:?}");
            for (event, mark) in &pushed {
                assert_eq!((event, &mark["unread"]), (&EventName::NotificationRead, &unread(&all, by).into()));
                assert!(mark["readAt"].is_string() && mark["seq"].is_null(), "{mark}");
            }
        }
        if let Some(answered) = answered {
            assert_eq!(usize::try_from(answered).expect("small"), unread(&all, by));
        }
        for (at, one) in all.iter().enumerate() {
            let Some((status, delivered_at, read_at)) = house.status(one.id) else {
                assert!(one.gone, "{one:?} was lost");
                continue;
            };
            assert!(!one.gone, "{one:?} is still there");
            assert_eq!(status, one.status, "after {step:?}");
            let rank = |status: Status| Status::ALL.iter().position(|other| *other == status);
            assert!(before.get(at).is_none_or(|was| rank(was.status) <= rank(status)), "it went back: {step:?}");
            assert_eq!(
                (delivered_at.is_some(), read_at.is_some()),
                (status != Status::Pending, status == Status::Read)
            );
        }
    }
}

#[test]
fn a_status_never_goes_back_and_what_is_unread_is_always_known() {
    let house = House::new();
    let mut runner = TestRunner::new(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() });
    runner
        .run(&steps(), |steps| {
            story(&house, steps);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn a_confirmation_that_comes_late_leaves_what_was_read_as_it_is() {
    let house = House::new();
    let create = Step::Create { user: 0 };
    let confirm = Step::Confirm { user: 0, which: vec![0] };
    story(&house, vec![create.clone(), Step::Read { user: 0, which: 0 }, confirm.clone()]);
    story(&house, vec![create, Step::ReadAll { user: 0 }, confirm]);
}

#[test]
fn only_what_was_read_long_ago_is_forgotten() {
    let house = House::new();
    let user = UserId::generate();
    let seeded = house.does(async move |tx| {
        let what = Message { kind: "k".into(), message: "m".into(), data: None };
        for _ in 0..4 {
            notify(tx, &[user], &what).await?;
        }
        let ids = notifications::table.order(notifications::seq).select(notifications::id);
        let ids: Vec<NotificationId> = sql!(&mut tx.conn, |c| ids.load(c).await)?;
        for id in &ids[1..] {
            marks::read(tx, user, *id).await?;
        }
        // The first is old and unread, the second old and read just now, the third old and read long ago.
        let (old, now) = (tx.now().plus_seconds(-100), tx.now());
        for (at, created, read) in [(0, old, None), (1, old, Some(now)), (2, old, Some(old))] {
            let set = (notifications::created_at.eq(created), notifications::read_at.eq(read));
            let change = diesel::update(notifications::table.find(ids[at])).set(set);
            sql!(&mut tx.conn, |c| change.execute(c).await)?;
        }
        Ok(ids)
    });
    let ids = seeded.expect("seeded");
    let gone = house.runtime.block_on(super::sweep(&house.outbox, 50)).expect("swept");
    let left: Vec<bool> = ids.iter().map(|id| house.status(*id).is_some()).collect();
    assert_eq!((gone, left), (1, vec![true, true, false, true]));
}
