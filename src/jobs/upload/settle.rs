//! What the processor's callback does, in one transaction: the upload is saved, its job ends, its
//! user is told.

use super::{State, Upload};
use crate::{
    delivery::outbox::Tx,
    error::{Error, Result},
    ids::{UploadId, UserId},
    jobs::{files::FileName, finish},
    notice::{Audience, Room},
    payload_of,
    records::{Record as _, jobs::Job},
    sql,
    store::{Json, schema::uploads},
    text_enum,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

text_enum! {
    /// How it went.
    Outcome {
        /// Well.
        Done = "done",
        /// Badly.
        Failed = "failed",
    }
}

/// What the processor says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Callback {
    upload_id: UploadId,
    user_id: UserId,
    status: Outcome,
    #[serde(default)]
    data: Option<Value>,
}

/// The payload of `incoming data`; `seq` is added to it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct IncomingData<'c> {
    upload_id: UploadId,
    /// Any JSON: what the processor made of it; `null` where it says nothing.
    data: Option<&'c Value>,
    status: Outcome,
}

payload_of! { IncomingData: IncomingData<'_> }

/// Finishes an upload; the name of its file, which nobody needs any more once this is committed.
///
/// # Errors
/// 404 when there is no such upload of this user's, 409 when it is finished or nobody waits for it any
/// more.
pub async fn settle(tx: &mut Tx, callback: Callback) -> Result<Option<FileName>> {
    let Callback { upload_id, user_id, status, data } = callback;
    let upload = Upload::find(&mut tx.conn, upload_id).await?;
    if upload.user_id != user_id {
        return Err(Error::NotFound);
    }
    let (state, end) = match status {
        Outcome::Done => (State::Done, Ok(())),
        Outcome::Failed => (State::Failed, Err("the processor could not do it".to_owned())),
    };
    let job = Job::find(&mut tx.conn, upload.job_id).await?;
    if !finish(tx, upload.job_id, end).await? {
        return Err(Error::Conflict("this upload is finished".into()));
    }
    let saved = (uploads::state.eq(state), uploads::data.eq(data.clone().map(Json)), uploads::updated_at.eq(tx.now()));
    sql!(&mut tx.conn, |c| diesel::update(uploads::table.find(upload_id)).set(saved).execute(c).await)?;
    // To every connection of theirs; there is none to be spared, the processor is not one of them.
    tx.spare(None);
    let incoming = IncomingData { upload_id, data: data.as_ref(), status };
    tx.tell_of(&incoming, Audience::to([Room::User(user_id)]))?;
    Ok(job.file().and_then(|file| file.parse().ok()))
}
