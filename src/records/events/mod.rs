//! Events of the calendar: written as drafts, reviewed, published, changed by way of versions.
//!
//! The struct, who may do what, and who sees it are here; [`state`] has the steps between states,
//! `change_state` what a step brings with it, `inboxes` what it puts into inboxes, `batch` the change
//! of many, `links` the queries.

mod batch;
mod change_state;
mod inboxes;
mod input;
mod links;
mod routes;
mod state;

pub use input::{Draft, Patch};
pub use routes::configure;
pub use state::State;

use super::{Listing, Record, Removal, Update, Viewer};
use crate::{
    error::{Error, Result},
    ids::{DepartmentId, EventId, GroupId, JobId, UserId},
    notice::Room,
    store::{Conn, Json, schema::events},
    stored_in,
    time::Time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use schemars::JsonSchema;
use serde::Serialize;

/// An event.
// What `skip_update` stands at is settled when it comes to be, but for its state.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(treat_none_as_null = true)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "CalendarEvent")]
pub struct Event {
    id: EventId,
    #[diesel(skip_update)]
    author_id: UserId,
    #[diesel(skip_update)]
    state: State,
    #[serde(rename = "start")]
    starts_at: Time,
    #[serde(rename = "end")]
    ends_at: Time,
    location: Option<String>,
    description: String,
    description_long: Option<String>,
    department_ids: Json<Vec<DepartmentId>>,
    group_ids: Json<Vec<GroupId>>,
    /// The published event that this is a version of.
    #[diesel(skip_update)]
    parent_id: Option<EventId>,
    #[diesel(skip_update)]
    cloned_from_id: Option<EventId>,
    #[diesel(skip_update)]
    job_id: Option<JobId>,
    version: i64,
    #[diesel(skip_update)]
    created_at: Time,
    updated_at: Time,
    deleted_at: Option<Time>,
}

impl Record for Event {
    const TYPE: &'static str = "EVENT";
    type Draft = Draft;
    type Patch = Patch;

    fn create(draft: Draft, by: &Viewer, now: Time) -> Result<Self> {
        let event = Self {
            id: EventId::generate(),
            author_id: by.user(),
            state: State::Draft,
            starts_at: draft.start,
            ends_at: draft.end,
            location: draft.location,
            description: draft.description,
            description_long: draft.description_long,
            department_ids: Json(draft.department_ids),
            group_ids: Json(draft.group_ids),
            parent_id: None,
            cloned_from_id: None,
            job_id: None,
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        event.valid(by, &[])
    }

    fn apply(self, patch: Patch, by: &Viewer, now: Time) -> Result<Update<Self>> {
        self.not_deleted()?;
        match self.state {
            State::Draft if self.is_shared_with(by) => {
                let already = self.group_ids.0.clone();
                self.with(patch).valid(by, &already).map(Update::Changed)
            }
            State::Draft => Err(Error::forbidden("a draft is changed by its author and the members of its groups")),
            State::Published => {
                let version = Self { parent_id: Some(self.id), ..self.draft_for(by, now) };
                version.with(patch).valid(by, &[]).map(Update::Branched)
            }
            State::Review => Err(Error::Conflict("an event under review can't be changed".into())),
            State::Refused => {
                Err(Error::Conflict("a refused event can't be changed before its author takes it back".into()))
            }
        }
    }

    fn remove(self, by: &Viewer, now: Time) -> Result<Removal<Self>> {
        if !self.is_by(by) && !by.is_admin() {
            return Err(Error::forbidden("an event is deleted by its author or an administrator"));
        }
        self.not_deleted()?;
        Ok(match self.state {
            State::Draft => Removal::Gone,
            _ => Removal::Marked(Self { deleted_at: Some(now), ..self }),
        })
    }

    /// A deleted event keeps the audience of its state: they have to hear that it is deleted.
    fn audience(&self) -> Vec<Room> {
        let author = Room::User(self.author_id);
        match self.state {
            State::Draft => {
                std::iter::once(author).chain(self.group_ids.0.iter().map(|group| Room::Group(*group))).collect()
            }
            State::Review | State::Refused => vec![author, Room::Admin],
            State::Published => vec![Room::All],
        }
    }

    async fn check(&self, conn: &mut Conn) -> Result<()> {
        if links::departments_exist(conn, &self.department_ids.0).await? {
            return Ok(());
        }
        Err(Error::field("departmentIds", "names a department that does not exist"))
    }

    async fn list(conn: &mut Conn, by: &Viewer, listing: &Listing) -> QueryResult<Vec<Self>> {
        links::visible_to(conn, by, listing).await
    }

    stored_in!(events, EventId, linked = links::renew, rare = [state]);
}

impl Event {
    /// The events of a group, in whatever state; for the group, when somebody comes or it goes.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn in_group(conn: &mut Conn, group: GroupId) -> QueryResult<Vec<Self>> {
        links::in_group(conn, group).await
    }

    /// The events that a job made, without those that are deleted, at most so many; for the job, when
    /// it is reverted.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn left_of_job(conn: &mut Conn, job: JobId, limit: i64) -> QueryResult<Vec<Self>> {
        links::left_of_job(conn, job, limit).await
    }

    /// How many these are.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn count_left_of_job(conn: &mut Conn, job: JobId) -> QueryResult<i64> {
        links::count_left_of_job(conn, job).await
    }

    /// It, made by a job.
    #[must_use]
    pub fn made_by(self, job: JobId) -> Self {
        Self { job_id: Some(job), ..self }
    }

    /// It, taken out of a group.
    #[must_use]
    pub fn without(mut self, group: GroupId) -> Self {
        self.group_ids.0.retain(|id| *id != group);
        self
    }

    /// A new draft of the caller's with the same content. It is in those of its groups that the
    /// caller is in: into others the caller may put nothing.
    fn draft_for(&self, by: &Viewer, now: Time) -> Self {
        let groups = self.group_ids.0.iter().copied().filter(|group| by.groups.contains(group));
        Self {
            id: EventId::generate(),
            author_id: by.user(),
            state: State::Draft,
            group_ids: Json(groups.collect()),
            parent_id: None,
            cloned_from_id: None,
            job_id: None,
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            ..self.clone()
        }
    }

    /// A new draft of the caller's that says where it came from.
    fn clone_for(&self, by: &Viewer, now: Time) -> Self {
        Self { cloned_from_id: Some(self.id), ..self.draft_for(by, now) }
    }

    #[cfg(test)]
    pub(super) fn in_state(self, state: State) -> Self {
        Self { state, ..self }
    }

    fn is_by(&self, by: &Viewer) -> bool {
        self.author_id == by.user()
    }

    fn is_shared_with(&self, by: &Viewer) -> bool {
        self.is_by(by) || self.group_ids.0.iter().any(|group| by.groups.contains(group))
    }

    fn not_deleted(&self) -> Result<()> {
        match self.deleted_at {
            None => Ok(()),
            Some(_) => Err(Error::Conflict("the event is deleted".into())),
        }
    }
}

#[cfg(test)]
#[path = "rules_test.rs"]
mod tests;
