//! Jobs: what is done in the background, for whom, and how far it is (CONTRACT 5).
//!
//! The struct, who may do what, and who sees it are here; `life` has the steps from one state to the
//! next, `log` the lines that it keeps. What runs jobs is in [`crate::jobs`].

mod life;
mod log;

pub use life::Progress;
pub use log::LOG_MAX;

use super::{Edit, Faults, Listing, Record, Removal, Update, Viewer, given};
use crate::{
    error::{Error, Result},
    ids::{JobId, UserId},
    notice::Room,
    sql,
    store::{Conn, schema::jobs},
    stored_in, text_enum,
    time::Time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const DESCRIPTION_MAX: usize = 1_000;
/// Longest name of a file that any system of today has.
const FILENAME_MAX: usize = 255;
/// When to try again, for who has too many unfinished jobs: how long they take nobody knows.
const TRY_AGAIN_SECONDS: u64 = 10;

text_enum! {
    /// What a job does.
    Kind {
        /// Makes drafts of the rows of a file.
        Import = "IMPORT",
        /// Makes a draft of another event; done at once.
        Clone = "CLONE",
        /// Brings a file to the processor, and waits for its answer.
        Upload = "UPLOAD",
    }
}

text_enum! {
    /// How far a job is.
    State {
        /// Waiting for its turn.
        Pending = "PENDING",
        /// Begun.
        Running = "RUNNING",
        /// Ended well.
        Done = "DONE",
        /// Ended badly; the log says why.
        Error = "ERROR",
        /// What it made is removed.
        Reverted = "REVERTED",
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(treat_none_as_null = true)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    id: JobId,
    #[serde(rename = "type")]
    kind: Kind,
    state: State,
    user_id: UserId,
    description: String,
    /// As the user called it.
    filename: Option<String>,
    /// Bounded, one line each.
    log: String,
    /// 0 to 100.
    progress: i32,
    /// Whether an event of it is under review, published or refused.
    #[serde(skip)]
    admins_see: bool,
    /// Lines for which `log` has no room.
    #[serde(skip)]
    log_left_out: i32,
    /// Whether what it made is being removed.
    #[serde(skip)]
    reverting: bool,
    /// Its name in `UPLOADS_DIR`, until the job has ended.
    #[serde(skip)]
    file: Option<String>,
    /// How far it is, in units of its kind.
    #[serde(skip)]
    checkpoint: i64,
    /// Runs since it last moved on.
    #[serde(skip)]
    attempts: i32,
    /// Those of them that ended without a word.
    #[serde(skip)]
    lost: i32,
    /// When a runner has to look at it.
    #[serde(skip)]
    due_at: Time,
    /// Why it ends when it is due: nobody did before.
    #[serde(skip)]
    otherwise: Option<String>,
    /// The run that has it.
    #[serde(skip)]
    lease: Option<String>,
    version: i64,
    created_at: Time,
    updated_at: Time,
}

/// Nobody makes a job as such: what takes a while does.
#[derive(Debug, Deserialize)]
pub enum Draft {}

/// What changes one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Patch {
    #[serde(deserialize_with = "given")]
    description: Option<String>,
}

impl Record for Job {
    const TYPE: &'static str = "JOB";
    const ECHOES: bool = true;
    type Draft = Draft;
    type Patch = Patch;

    fn create(draft: Draft, _: &Viewer, _: Time) -> Result<Self> {
        match draft {}
    }

    fn apply(self, patch: Patch, by: &Viewer, _: Time) -> Result<Update<Self>> {
        if by.user() != self.user_id {
            return Err(Error::forbidden("a job is described by its owner"));
        }
        let description = patch.description.unwrap_or(self.description);
        let mut faults = Faults::default();
        faults.text("description", &description, 0..=DESCRIPTION_MAX);
        faults.or(Update::Changed(Self { description, ..self }))
    }

    /// Whoever sees it may: its owner, and administrators once it concerns them.
    fn remove(self, by: &Viewer, _: Time) -> Result<Removal<Self>> {
        match self.state {
            State::Reverted => Err(Error::Conflict("the job is reverted already".into())),
            _ => Ok(Removal::Marked(self.called_off(by).reverted())),
        }
    }

    fn audience(&self) -> Vec<Room> {
        let owner = Room::User(self.user_id);
        if self.admins_see { vec![owner, Room::Admin] } else { vec![owner] }
    }

    /// What [`Record::audience`] says, as a query: both change together.
    async fn list(conn: &mut Conn, by: &Viewer, listing: &Listing) -> QueryResult<Vec<Self>> {
        let own = jobs::user_id.eq(by.user());
        let page = jobs::table.filter(jobs::id.gt(&listing.after)).order(jobs::id).limit(listing.limit);
        // Apart, so that those who see only their own never go through everybody's.
        if by.is_admin() {
            sql!(conn, |c| page.filter(own.or(jobs::admins_see)).select(Self::as_select()).load(c).await)
        } else {
            sql!(conn, |c| page.filter(own).select(Self::as_select()).load(c).await)
        }
    }

    stored_in!(jobs, JobId);
}

/// Stores a new job, to be run as soon as its turn comes, and tells of it. Ring the runner's bell
/// after the commit.
///
/// # Errors
/// 429 when its owner has `per_user` unfinished ones already.
pub async fn enqueue(edit: &mut Edit<'_>, job: Job, per_user: i64) -> Result<Job> {
    let unfinished = jobs::state.eq(State::Pending).or(jobs::state.eq(State::Running));
    let of_user = jobs::table.filter(jobs::user_id.eq(job.user_id).and(unfinished));
    let count: i64 = sql!(&mut edit.tx.conn, |c| of_user.count().get_result(c).await)?;
    if count >= per_user {
        return Err(Error::RateLimited(TRY_AGAIN_SECONDS));
    }
    edit.insert(job).await
}

/// Brings a job before the administrators, or out of their sight: whether they see an event of it
/// decides.
///
/// # Errors
/// 503 when the database is away.
pub async fn show_admins(edit: &mut Edit<'_>, id: JobId, admins_see: bool) -> Result<()> {
    let before = match Job::find(&mut edit.tx.conn, id).await {
        Ok(job) if job.admins_see != admins_see => job,
        Ok(_) | Err(diesel::NotFound) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    edit.store(&before, Job { admins_see, ..before.clone() }).await.map(drop)
}

#[cfg(test)]
#[path = "rules_test.rs"]
mod tests;
