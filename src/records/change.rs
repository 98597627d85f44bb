//! From a change of a record to what everybody is told of it (CONTRACT 5).

use super::{Gone, Record, Removal, Update, Viewer, Whole};
use crate::{
    delivery::outbox::Tx,
    error::{Error, Result},
    identity::Role,
    ids::UserId,
    notice::{Audience, EventName, Origin, Room},
    sql,
    store::{
        Conn, Json,
        schema::{event_group_members, users},
    },
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;

/// A change by somebody: the transaction, who looks, and the calls that store a record and tell of it.
pub struct Edit<'t> {
    /// The transaction.
    pub tx: &'t mut Tx,
    /// The caller, with rights as they are inside this transaction.
    pub by: Viewer,
}

impl<'t> Edit<'t> {
    /// Begins a change; `origin` is the connection that need not be told of it.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn begin(tx: &'t mut Tx, by: crate::identity::Identity, origin: Option<Origin>) -> Result<Self> {
        let by = Viewer::load(&mut tx.conn, by).await?;
        tx.spare(origin);
        Ok(Self { tx, by })
    }

    /// Makes a record from what the caller sent.
    ///
    /// # Errors
    /// 403, 409, 422 as the record's rules say.
    pub async fn create<R: Record>(&mut self, draft: R::Draft) -> Result<R> {
        let record = R::create(draft, &self.by, self.tx.now())?;
        self.insert(record).await
    }

    /// Changes a record as the caller asked. The caller must see it, and `expected`, if given, must
    /// be its version.
    ///
    /// # Errors
    /// 404, 412, then 403, 409, 422 as the record's rules say.
    pub async fn update<R: Record>(&mut self, id: R::Id, patch: R::Patch, expected: Option<i64>) -> Result<Update<R>> {
        let before: R = self.by.find(&mut self.tx.conn, id).await?;
        expect_version(&before, expected)?;
        match before.clone().apply(patch, &self.by, self.tx.now())? {
            Update::Changed(after) => Ok(Update::Changed(self.store(&before, after).await?)),
            Update::Branched(new) => Ok(Update::Branched(self.insert(new).await?)),
        }
    }

    /// Removes a record that the caller sees.
    ///
    /// # Errors
    /// 404, 412, then 403, 409 as the record's rules say.
    pub async fn remove<R: Record>(&mut self, id: R::Id, expected: Option<i64>) -> Result<()> {
        let before: R = self.by.find(&mut self.tx.conn, id).await?;
        expect_version(&before, expected)?;
        match before.clone().remove(&self.by, self.tx.now())? {
            Removal::Gone => self.delete(&before).await,
            Removal::Marked(after) => self.store(&before, after).await.map(drop),
        }
    }

    /// Stores a new record and tells those who may see it.
    ///
    /// # Errors
    /// 409, 422.
    pub async fn insert<R: Record>(&mut self, mut record: R) -> Result<R> {
        record.stamp(1, self.tx.now());
        record.check(&mut self.tx.conn).await?;
        record.insert(&mut self.tx.conn).await?;
        record.arrive(self).await?;
        self.tell_new(&record, Audience::to(record.audience()))?;
        Ok(record)
    }

    /// Stores a changed record and tells those who could see it, those who can now, and those who
    /// can both before and after, each what it means to them.
    ///
    /// # Errors
    /// 409, 422.
    pub async fn store<R: Record>(&mut self, before: &R, mut after: R) -> Result<R> {
        after.stamp(before.version() + 1, self.tx.now());
        after.check(&mut self.tx.conn).await?;
        after.update(before, &mut self.tx.conn).await?;
        let (was, is) = (before.audience(), after.audience());
        let whole = Whole::of(&after);
        if is.iter().all(|room| was.contains(room)) && was.iter().all(|room| is.contains(room)) {
            self.tell::<R>(EventName::ChangedRecord, &whole, Audience::to(is))?;
            return Ok(after);
        }
        self.tell::<R>(EventName::ChangedRecord, &whole, Audience::to(is.clone()).within(was.clone()))?;
        if is.iter().any(|room| !was.contains(room)) {
            self.tell_new(&after, Audience::to(is.clone()).except(was.clone()))?;
        }
        // Nobody loses sight of what everybody may see.
        if !is.contains(&Room::All) && was.iter().any(|room| !is.contains(room)) {
            self.tell_gone::<R>(after.id(), was, is).await?;
        }
        Ok(after)
    }

    /// Stores a changed record without a word: what it is now is told with its next change.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn store_quietly<R: Record>(&mut self, before: &R, mut after: R) -> Result<R> {
        after.stamp(before.version() + 1, self.tx.now());
        after.update(before, &mut self.tx.conn).await?;
        Ok(after)
    }

    /// Deletes a record's row and tells those who could see it.
    ///
    /// # Errors
    /// 409 when something else refers to it.
    pub async fn delete<R: Record>(&mut self, record: &R) -> Result<()> {
        record.depart(self).await?;
        // While it is there: with a group, the knowledge goes of who was in it.
        self.tell_gone::<R>(record.id(), record.audience(), Vec::new()).await?;
        Ok(record.delete(&mut self.tx.conn).await?)
    }

    /// Tells somebody of a record that is new to them.
    ///
    /// # Errors
    /// 500 when it can't be encoded.
    pub fn tell_new<R: Record>(&mut self, record: &R, audience: Audience) -> Result<()> {
        self.tell::<R>(EventName::NewRecord, &Whole::of(record), audience)
    }

    /// Tells those in `was` but not in `still` that they see the record no longer. It is addressed
    /// to them by name as well: who lost the room since, and comes back, must hear of this
    /// (CONTRACT 3, Resume).
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn tell_gone<R: Record>(&mut self, id: R::Id, was: Vec<Room>, still: Vec<Room>) -> Result<()> {
        let mut to = was;
        for user in inhabitants(&mut self.tx.conn, &to).await? {
            let room = Room::User(user);
            if !to.contains(&room) {
                to.push(room);
            }
        }
        let audience = Audience::to(to).except(still);
        self.tell::<R>(EventName::DeletedRecord, &Gone::<R>::of(id), audience)
    }

    fn tell<R: Record>(&mut self, event: EventName, body: &impl Serialize, audience: Audience) -> Result<()> {
        if !R::ECHOES {
            return self.tx.tell(event, body, audience).map(drop);
        }
        let spared = self.tx.spare(None);
        let told = self.tx.tell(event, body, audience).map(drop);
        self.tx.spare(spared);
        told
    }
}

/// Refuses a caller who has read another version than this.
///
/// # Errors
/// 412.
pub fn expect_version<R: Record>(record: &R, expected: Option<i64>) -> Result<()> {
    match expected {
        Some(version) if version != record.version() => Err(Error::PreconditionFailed(record.version())),
        _ => Ok(()),
    }
}

/// The users whose right to be in these rooms can be taken away: members of groups, administrators.
async fn inhabitants(conn: &mut Conn, rooms: &[Room]) -> Result<Vec<UserId>> {
    let mut found = Vec::new();
    for room in rooms {
        match room {
            Room::Group(group) => found.extend(sql!(conn, |c| event_group_members::table
                .filter(event_group_members::group_id.eq(group))
                .select(event_group_members::user_id)
                .load::<UserId>(c)
                .await)?),
            Room::Admin => {
                let all: Vec<(UserId, Json<crate::identity::Roles>)> = sql!(conn, |c| users::table
                    .filter(users::roles.like("%ADMIN%"))
                    .select((users::id, users::roles))
                    .load(c)
                    .await)?;
                found.extend(all.into_iter().filter(|(_, roles)| roles.0.has(Role::Admin)).map(|(id, _)| id));
            }
            _ => {}
        }
    }
    Ok(found)
}
