//! Uploads: a file on its way to the processor, and what came back (CONTRACT 7).
//!
//! `routes` takes the file in and begins the job, `work` is the job: it hands the file to the
//! processor (`processor`), again and again if need be (`backoff`), and `settle` is what the
//! processor's callback does.

mod backoff;
mod processor;
mod routes;
mod settle;
mod work;

pub use backoff::Backoff;
pub use processor::{Processor, callback};
pub use routes::{Settings, configure};
pub use settle::{Callback, IncomingData, settle};
pub use work::Forward;

use super::intake::Received;
use crate::{
    ids::{JobId, UploadId, UserId},
    records::jobs,
    sql,
    store::{Conn, Json, schema},
    text_enum,
    time::Time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use schema::uploads;
use serde::Serialize;
use serde_json::Value;

text_enum! {
    /// How far an upload is.
    State {
        /// The file is here.
        Stored = "STORED",
        /// The processor has it.
        Sent = "SENT",
        /// The processor is done with it.
        Done = "DONE",
        /// The processor could not do it, or was never reached, or never called back.
        Failed = "FAILED",
    }
}

/// An upload, as its user sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Queryable, Selectable, Insertable)]
#[diesel(table_name = uploads)]
#[serde(rename_all = "camelCase")]
pub struct Upload {
    id: UploadId,
    job_id: JobId,
    user_id: UserId,
    filename: String,
    content_type: String,
    size: i64,
    #[serde(skip)]
    sha256: String,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Json<Value>>,
    created_at: Time,
    updated_at: Time,
}

impl Upload {
    /// A new one, of a file that was received.
    fn new(received: &Received, user_id: UserId, job_id: JobId, now: Time) -> Self {
        Self {
            id: UploadId::generate(),
            job_id,
            user_id,
            filename: received.filename.clone(),
            content_type: received.content_type.clone(),
            size: received.size,
            sha256: received.sha256.clone(),
            state: State::Stored,
            data: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// As it is, with what became of its job: one that nobody can finish any more has failed.
    async fn find(conn: &mut Conn, id: UploadId) -> QueryResult<Self> {
        let found: (Self, jobs::State) = sql!(conn, |c| uploads::table
            .inner_join(schema::jobs::table)
            .filter(uploads::id.eq(id))
            .select((Self::as_select(), schema::jobs::state))
            .first(c)
            .await)?;
        Ok(match found {
            (upload @ Self { state: State::Stored | State::Sent, .. }, jobs::State::Error) => {
                Self { state: State::Failed, ..upload }
            }
            (upload, _) => upload,
        })
    }

    async fn of_job(conn: &mut Conn, job: JobId) -> QueryResult<Self> {
        sql!(conn, |c| uploads::table.filter(uploads::job_id.eq(job)).select(Self::as_select()).first(c).await)
    }
}

/// Forgets the upload of a job that is reverted: a callback for it finds nothing any more.
///
/// # Errors
/// 503 when the database is away.
pub async fn forget(conn: &mut Conn, job: JobId) -> QueryResult<()> {
    sql!(conn, |c| diesel::delete(uploads::table.filter(uploads::job_id.eq(job))).execute(c).await).map(drop)
}
