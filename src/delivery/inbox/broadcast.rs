//! One message for very many: put into their inboxes a stretch at a time, in the order of their ids.
//!
//! Each stretch is one change, which also moves the mark up to which it is done. There is one writer:
//! whoever takes the next stretch, this node or another, after a crash or not, begins where the last
//! one ended, so nobody gets it twice and nobody is left out.

use super::{Message, notify};
use crate::{
    delivery::outbox::{Outbox, Tx},
    error::Result,
    identity::{Role, Roles},
    ids::{BroadcastId, UserId},
    sql,
    store::{
        Json,
        schema::{broadcasts, deleted_users, users},
    },
    time::Time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::Notify, time};

/// Most inboxes in one change: everybody else's changes wait for no more than this.
const STRETCH: usize = 200;
/// Most bytes in one change: large messages go out in shorter stretches.
const STRETCH_BYTES: usize = 256 * 1024;
/// Most users looked at in one change, where only some have the role.
const SCAN: i64 = 1000;
/// Most ids in one row: it is read again for every stretch.
pub(super) const IDS_AT_ONCE: usize = 1000;
/// Least pause between two stretches; else as long as the last one took, so that half of the time is
/// others'.
const PAUSE: Duration = Duration::from_millis(5);
/// How soon it is tried again when the database is away.
const RETRY: Duration = Duration::from_secs(1);
/// How often somebody looks unasked: what a node left undone that went away is another's.
const LOOK: Duration = Duration::from_secs(30);

/// A message on its way to many.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
pub(super) struct Broadcast {
    id: BroadcastId,
    sender_id: UserId,
    message: String,
    kind: String,
    data: Option<Json<Value>>,
    /// Only those who have it.
    role: Option<Json<Role>>,
    /// Only these, in their order; else all known users but the sender.
    user_ids: Option<Json<Vec<UserId>>>,
    /// Up to this user it is done.
    position: String,
    /// Who registered later does not get it.
    created_at: Time,
}

impl Broadcast {
    pub(super) fn new(
        sender_id: UserId,
        what: Message,
        role: Option<Role>,
        user_ids: Option<Vec<UserId>>,
        created_at: Time,
    ) -> Self {
        Self {
            id: BroadcastId::generate(),
            sender_id,
            message: what.message,
            kind: what.kind,
            data: what.data.map(Json),
            role: role.map(Json),
            user_ids: user_ids.map(Json),
            position: String::new(),
            created_at,
        }
    }

    /// Stores it, to be gone on with.
    pub(super) async fn store(&self, tx: &mut Tx) -> Result<()> {
        sql!(&mut tx.conn, |c| diesel::insert_into(broadcasts::table).values(self).execute(c).await)?;
        Ok(())
    }

    /// Puts it into the next inboxes and remembers how far it is: how many they were, and whether
    /// there may be more.
    pub(super) async fn step(&mut self, tx: &mut Tx) -> Result<(i64, bool)> {
        let (message, kind) = (self.message.clone(), self.kind.clone());
        let what = Message { kind, message, data: self.data.clone().map(|data| data.0) };
        let most = (STRETCH_BYTES / what.size().max(1)).clamp(1, STRETCH);
        let stretch = match &self.user_ids {
            Some(Json(ids)) => self.named(tx, ids, most).await?,
            None => self.known(tx, most).await?,
        };
        notify(tx, &stretch.users, &what).await?;
        self.position = stretch.last.map_or(String::new(), |last| last.to_string());
        Ok((i64::try_from(stretch.users.len()).unwrap_or(i64::MAX), stretch.last.is_some()))
    }

    /// The next of those who are named. Deleted users are left out; others need not be known.
    async fn named(&self, tx: &mut Tx, ids: &[UserId], most: usize) -> QueryResult<Stretch> {
        let from = ids.partition_point(|id| id.as_str() <= self.position.as_str());
        let upto = ids.len().min(from + most);
        let next = &ids[from..upto];
        let gone = deleted_users::table.filter(deleted_users::id.eq_any(next)).select(deleted_users::id);
        let gone: Vec<UserId> = sql!(&mut tx.conn, |c| gone.load(c).await)?;
        let users = next.iter().copied().filter(|id| !gone.contains(id)).collect();
        Ok(Stretch { users, last: next.last().copied().filter(|_| upto < ids.len()) })
    }

    /// The next of those who are known, as they are now.
    async fn known(&self, tx: &mut Tx, most: usize) -> QueryResult<Stretch> {
        let scan = if self.role.is_some() { SCAN } else { i64::try_from(most).unwrap_or(SCAN) };
        let next = users::table
            .filter(users::id.gt(&self.position).and(users::created_at.le(self.created_at)))
            .order(users::id)
            .limit(scan)
            .select((users::id, users::roles));
        let page: Vec<(UserId, Json<Roles>)> = sql!(&mut tx.conn, |c| next.load(c).await)?;
        let wanted = |roles: Roles| self.role.as_ref().is_none_or(|role| roles.has(role.0));
        let mut stretch = Stretch { users: Vec::new(), last: None };
        for (id, Json(roles)) in &page {
            if stretch.users.len() == most {
                return Ok(stretch);
            }
            stretch.last = Some(*id);
            if *id != self.sender_id && wanted(*roles) {
                stretch.users.push(*id);
            }
        }
        if i64::try_from(page.len()).is_ok_and(|count| count < scan) {
            stretch.last = None;
        }
        Ok(stretch)
    }
}

/// Those whose turn it is.
struct Stretch {
    users: Vec<UserId>,
    /// The last who was looked at; `None` when nobody follows.
    last: Option<UserId>,
}

/// Goes on with what is stored, on every node; cheap to clone.
#[derive(Clone)]
pub struct Broadcasts {
    outbox: Outbox,
    woken: Arc<Notify>,
}

impl Broadcasts {
    /// Through this outbox.
    #[must_use]
    pub fn new(outbox: Outbox) -> Self {
        Self { outbox, woken: Arc::default() }
    }

    /// There may be something to do.
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    /// Runs until it is dropped. Begins with what was left undone when Herald stopped or died.
    pub async fn run(self) {
        loop {
            let began = Instant::now();
            match self.step().await {
                Ok(true) => time::sleep(began.elapsed().max(PAUSE)).await,
                Ok(false) => drop(time::timeout(LOOK, self.woken.notified()).await),
                Err(error) => {
                    log::warn!("a message to many could not go on: {error}");
                    time::sleep(RETRY).await;
                }
            }
        }
    }

    /// One stretch of the oldest; `false` when there is none.
    pub(super) async fn step(&self) -> Result<bool> {
        Ok(self.outbox.commit(async |tx| step(tx).await).await?.value)
    }
}

async fn step(tx: &mut Tx) -> Result<bool> {
    let oldest = broadcasts::table.order(broadcasts::id).limit(1);
    let oldest: Option<Broadcast> =
        sql!(&mut tx.conn, |c| oldest.select(Broadcast::as_select()).first(c).await.optional())?;
    let Some(mut broadcast) = oldest else { return Ok(false) };
    let row = broadcasts::table.find(broadcast.id);
    let (_, more) = broadcast.step(tx).await?;
    if more {
        let moved = diesel::update(row).set(broadcasts::position.eq(&broadcast.position));
        sql!(&mut tx.conn, |c| moved.execute(c).await)?;
    } else {
        sql!(&mut tx.conn, |c| diesel::delete(row).execute(c).await)?;
    }
    Ok(true)
}

#[cfg(test)]
#[path = "broadcast_test.rs"]
mod tests;
