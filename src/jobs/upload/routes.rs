//! `POST /v1/uploads` and `GET /v1/uploads/{id}`.

use super::Upload;
use crate::{
    auth::Caller,
    body::Fingerprint,
    delivery::{
        idempotency::{Answer, Key, once},
        outbox::{Outbox, Tx},
    },
    error::{Error, Result},
    identity::Identity,
    ids::UploadId,
    jobs::{
        Bell, Job, Kind, enqueue,
        files::Files,
        intake::{self, Received},
    },
    records::{Edit, Record as _},
    sql,
    store::{Store, schema::uploads},
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use diesel_async::RunQueryDsl;
use serde::Serialize;

/// The path, as idempotency keys know it.
const ROUTE: &str = "/v1/uploads";

/// What the routes need to know; app data.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Whether there is a processor to bring files to.
    pub open: bool,
    /// Most bytes of a file.
    pub max: usize,
    /// Most unfinished jobs of one user.
    pub per_user: i64,
}

/// The routes of uploads.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/uploads").post(create)).service(web::resource("/uploads/{id}").get(find));
}

#[derive(Serialize)]
struct Begun<'u> {
    upload: &'u Upload,
    job: &'u Job,
}

async fn create(
    request: HttpRequest,
    caller: Caller,
    payload: web::Payload,
    settings: web::Data<Settings>,
    files: web::Data<Files>,
    outbox: web::Data<Outbox>,
    bell: web::Data<Bell>,
) -> Result<HttpResponse> {
    if !settings.open {
        return Err(Error::Unavailable("uploads are off: this server has no PROCESSOR_URL".into()));
    }
    let received = intake::receive(&request, payload, &files, settings.max).await?;
    match begin(&request, caller.0, &received, &outbox, settings.per_user).await {
        // The file of the first time is the one that counts.
        Ok(answer) if answer.again => {
            received.remove(&files).await;
            Ok(answer.respond())
        }
        Ok(answer) => {
            bell.ring();
            Ok(answer.respond())
        }
        Err(error) => {
            received.discard(&files, &error).await;
            Err(error)
        }
    }
}

/// Makes the upload and its job, unless this was done before under the request's key.
async fn begin(
    request: &HttpRequest,
    by: Identity,
    received: &Received,
    outbox: &Outbox,
    per_user: i64,
) -> Result<Answer> {
    let key = Key::of(request, by.user, ROUTE, &Fingerprint::of(received.sha256.as_bytes()))?;
    let received = received.clone();
    let change = async move |tx: &mut Tx| {
        once(tx, key, async |tx| {
            let mut edit = Edit::begin(tx, by, None).await?;
            store(&mut edit, &received, per_user).await
        })
        .await
    };
    Ok(outbox.commit(change).await?.value)
}

async fn store(edit: &mut Edit<'_>, received: &Received, per_user: i64) -> Result<Answer> {
    let now = edit.tx.now();
    let (called, name) = (Some(received.filename.clone()), Some(received.name.to_string()));
    let job = Job::new(Kind::Upload, &edit.by, received.filename.clone(), called, name, now);
    let job = enqueue(edit, job, per_user).await?;
    let upload = Upload::new(received, edit.by.user(), job.id(), now);
    sql!(&mut edit.tx.conn, |c| diesel::insert_into(uploads::table).values(&upload).execute(c).await)?;
    Answer::new(StatusCode::ACCEPTED, &Begun { upload: &upload, job: &job })
}

async fn find(caller: Caller, id: web::Path<String>, store: web::Data<Store>) -> Result<HttpResponse> {
    let id: UploadId = id.parse().map_err(|_| Error::NotFound)?;
    let upload = Upload::find(&mut store.read().await?, id).await?;
    if upload.user_id != caller.user {
        return Err(Error::NotFound);
    }
    Ok(HttpResponse::Ok().json(upload))
}
