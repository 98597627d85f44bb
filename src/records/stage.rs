//! A stage for tests of records: people, a database of their own, and who of them hears what.

use super::{Edit, Viewer};
use crate::{
    delivery::outbox::{Outbox, Tx},
    error::Result,
    identity::{Identity, Role, Roles},
    ids::{DepartmentId, UserId},
    notice::{Audience, Effect, EventName, Notice, Room, Seq},
    records::{Record as _, events::Event},
    sql,
    store::{
        Conn, Json, Store,
        schema::{departments, users},
    },
    time::Time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    sync::{Arc, mpsc},
};

/// Somebody with these roles.
pub fn somebody(roles: &[Role]) -> Identity {
    let user = UserId::generate();
    let roles: Roles = roles.iter().copied().collect();
    let sid = "s".parse().expect("a sid");
    Identity { user, sid, roles, token_roles: roles, expires_at: i64::MAX, topics: Vec::new() }
}

fn viewer(roles: &[Role]) -> Viewer {
    Viewer { identity: somebody(roles), groups: Vec::new() }
}

/// Somebody.
pub fn user() -> Viewer {
    viewer(&[Role::User])
}

/// An administrator.
pub fn admin() -> Viewer {
    viewer(&[Role::User, Role::Admin])
}

/// The least that makes an event.
pub fn draft() -> Value {
    json!({"description": "Fair", "start": "2026-05-01T09:00:00.000Z", "end": "2026-05-01T17:00:00.000Z"})
}

/// A new draft of somebody's, not stored.
pub fn event(by: &Viewer) -> Event {
    Event::create(serde_json::from_value(draft()).expect("a draft"), by, Time::now()).expect("a valid draft")
}

/// A database with its committer, and everybody's ears.
pub struct Stage {
    /// The way to write.
    pub outbox: Outbox,
    /// The way to read.
    pub store: Store,
    told: mpsc::Receiver<Vec<Arc<Notice>>>,
    history: Vec<Arc<Notice>>,
    runtime: tokio::runtime::Runtime,
    last: Seq,
    people: Vec<(&'static str, Viewer, HashSet<Room>)>,
    _dir: tempfile::TempDir,
}

impl Stage {
    pub fn new(people: &[(&'static str, &Viewer)]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&format!("sqlite:{}", dir.path().join("db").display())).expect("a store");
        store.migrate().expect("tables");
        let (tell, told) = mpsc::channel();
        let (outbox, _) =
            Outbox::start(store.clone(), Box::new(move |emit| drop(tell.send(emit.0)))).expect("a thread");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let everybody = people.iter().map(|(name, viewer)| {
            let mut rooms = HashSet::from([Room::All, Room::User(viewer.user())]);
            rooms.extend(viewer.is_admin().then_some(Room::Admin));
            (*name, (*viewer).clone(), rooms)
        });
        let stage = Self {
            outbox,
            store,
            told,
            history: Vec::new(),
            runtime,
            last: Seq(0),
            people: everybody.collect(),
            _dir: dir,
        };
        for (at, (_, viewer)) in people.iter().enumerate() {
            stage.register(viewer, at);
        }
        stage
    }

    fn register(&self, viewer: &Viewer, at: usize) {
        let (user, roles) = (viewer.user(), Json(viewer.identity.roles));
        let work = async move |tx: &mut Tx| {
            let now = tx.now();
            let row = (
                users::id.eq(user),
                users::email.eq(format!("{at}@example.com")),
                users::password_hash.eq(""),
                users::first_name.eq(""),
                users::last_name.eq(""),
                users::roles.eq(roles),
                users::disabled.eq(false),
                users::notify_admin_on_review_request.eq(true),
                users::notify_on_event_update.eq(true),
                users::version.eq(1_i64),
                users::created_at.eq(now),
                users::updated_at.eq(now),
            );
            sql!(&mut tx.conn, |c| diesel::insert_into(users::table).values(row).execute(c).await)?;
            Ok(())
        };
        self.runtime.block_on(self.outbox.commit(work)).expect("a user");
    }

    pub fn disable(&mut self, viewer: &Viewer) {
        let user = viewer.user();
        self.edit(viewer, async move |edit: &mut Edit<'_>| {
            let change = diesel::update(users::table.find(user)).set(users::disabled.eq(true));
            sql!(&mut edit.tx.conn, |c| change.execute(c).await)?;
            Ok(())
        })
        .expect("a change");
    }

    pub fn department(&mut self, by: &Viewer) -> DepartmentId {
        let id = DepartmentId::generate();
        self.edit(by, async move |edit: &mut Edit<'_>| {
            let now = edit.tx.now();
            let row = (
                departments::id.eq(id),
                departments::name.eq(id.to_string()),
                departments::description.eq(""),
                departments::letter.eq(""),
                departments::color.eq("#000000"),
                departments::version.eq(1_i64),
                departments::created_at.eq(now),
                departments::updated_at.eq(now),
            );
            sql!(&mut edit.tx.conn, |c| diesel::insert_into(departments::table).values(row).execute(c).await)?;
            Ok(())
        })
        .expect("a department");
        id
    }

    pub fn drop_department(&mut self, by: &Viewer, id: DepartmentId) -> Result<()> {
        let remove = async move |edit: &mut Edit<'_>| {
            sql!(&mut edit.tx.conn, |c| diesel::delete(departments::table.find(id)).execute(c).await)?;
            Ok(())
        };
        self.edit(by, remove).map(drop)
    }

    /// Runs a change; what it returns, and who heard what, as `name: EVENT TYPE` in the order told.
    pub fn edit<T: Send + 'static>(
        &mut self,
        by: &Viewer,
        work: impl AsyncFnOnce(&mut Edit<'_>) -> Result<T> + Send + 'static,
    ) -> Result<(T, Vec<String>)> {
        let by = by.identity.clone();
        let change = async move |tx: &mut Tx| {
            let mut edit = Edit::begin(tx, by, None).await?;
            work(&mut edit).await
        };
        let (value, told) = self.change(change)?;
        let mut heard = Vec::new();
        for notice in told {
            self.hear(&notice, &mut heard);
        }
        Ok((value, heard))
    }

    /// Runs a change; what it returns, and what it told.
    pub fn change<T: Send + 'static>(
        &mut self,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T> + Send + 'static,
    ) -> Result<(T, Vec<Arc<Notice>>)> {
        let done = self.runtime.block_on(self.outbox.commit(work))?;
        let mut told = Vec::new();
        while self.last < done.seq {
            for notice in self.told.recv().expect("what was told") {
                assert_eq!(notice.seq, Some(self.last.next()), "nothing else was told");
                self.last = self.last.next();
                self.history.push(notice.clone());
                told.push(notice);
            }
        }
        Ok((done.value, told))
    }

    /// Reads.
    pub fn read<T>(&self, read: impl AsyncFnOnce(&mut Conn) -> T) -> T {
        self.runtime.block_on(async { read(&mut self.store.read().await.expect("a connection")).await })
    }

    fn hear(&mut self, notice: &Arc<Notice>, heard: &mut Vec<String>) {
        for (name, _, _) in self.people.iter().filter(|(.., rooms)| reaches(&notice.audience, rooms)) {
            assert_ne!(notice.event, EventName::Silent);
            heard.push(format!("{name}: {}", words(notice)));
        }
        for (_, viewer, rooms) in &mut self.people {
            match &notice.effect {
                Some(Effect::Join { user, room }) if *user == viewer.user() => drop(rooms.insert(room.clone())),
                Some(Effect::Leave { user, room }) if *user == viewer.user() => drop(rooms.remove(room)),
                Some(Effect::Dissolve { room }) => drop(rooms.remove(room)),
                _ => {}
            }
        }
    }

    /// What somebody who was away since `after` is told on coming back, by the rooms held now.
    pub fn replay(&self, name: &str, after: Seq) -> Vec<String> {
        let (.., rooms) = self.people.iter().find(|(other, ..)| *other == name).expect("a name");
        let missed = self.history.iter().filter(|notice| notice.seq > Some(after));
        missed.filter(|notice| reaches(&notice.audience, rooms)).map(|notice| words(notice)).collect()
    }

    /// Who is in a room.
    pub fn in_room(&self, room: &Room) -> Vec<&'static str> {
        self.people.iter().filter(|(.., rooms)| rooms.contains(room)).map(|(name, ..)| *name).collect()
    }

    /// What was told last.
    pub fn newest(&self) -> &Notice {
        self.history.last().expect("something was told")
    }

    /// The newest place.
    pub const fn seq(&self) -> Seq {
        self.last
    }
}

fn reaches(audience: &Audience, rooms: &HashSet<Room>) -> bool {
    audience.includes(|room| rooms.contains(room))
}

/// `CHANGED EVENT`, `NEW EVENT_GROUP`, `INBOX event.refused`, …
fn words(notice: &Notice) -> String {
    let payload: Value = serde_json::from_str(&notice.payload).expect("json");
    if notice.event == EventName::NewNotification {
        return format!("INBOX {}", payload["kind"].as_str().unwrap_or_default());
    }
    let event = notice.event.as_str().trim_end_matches("_RECORD");
    format!("{event} {}", payload["type"].as_str().unwrap_or_default())
}
