//! `POST events/import`: takes the file in, and answers with the job that will read it.

use super::kind::{HEAD, Kind};
use crate::{
    answer::{answer_write, origin},
    auth::Caller,
    delivery::outbox::Outbox,
    error::{Error, Result},
    jobs::{
        Bell, Job, Kind as JobKind, enqueue,
        files::Files,
        intake::{Received, receive},
    },
    records::Edit,
};
use actix_web::{HttpRequest, HttpResponse, web};
use std::{fs::File, io::Read as _};

/// How much of it a user may want; app data.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Most bytes of a file (`UPLOAD_MAX`).
    pub max: usize,
    /// Most unfinished jobs of a user (`JOBS_PER_USER`).
    pub per_user: i64,
}

/// What is read, for a refusal.
const KINDS: &str = "a CSV (.csv), an iCalendar (.ics) or an Excel workbook (.xlsx)";

/// The route. Before those of events: `import` is no id.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/events/import").post(import));
}

async fn import(
    request: HttpRequest,
    caller: Caller,
    payload: web::Payload,
    settings: web::Data<Settings>,
    files: web::Data<Files>,
    outbox: web::Data<Outbox>,
    bell: web::Data<Bell>,
) -> Result<HttpResponse> {
    let received = receive(&request, payload, &files, settings.max).await?;
    if let Err(error) = check(&received, &files).await {
        received.remove(&files).await;
        return Err(error);
    }
    let (origin, by, per_user) = (origin(&request, &caller), caller.0, settings.per_user);
    let (filename, file) = (received.filename.clone(), received.name.to_string());
    let begun = outbox
        .commit(async move |tx| {
            let mut edit = Edit::begin(tx, by, origin).await?;
            let description = format!("Import of {filename}");
            let job = Job::new(JobKind::Import, &edit.by, description, Some(filename), Some(file), edit.tx.now());
            enqueue(&mut edit, job, per_user).await
        })
        .await;
    match begun {
        Ok(begun) => {
            bell.ring();
            Ok(answer_write(HttpResponse::Accepted(), &begun))
        }
        Err(error) => {
            received.discard(&files, &error).await;
            Err(error)
        }
    }
}

/// Whether it may be read at all.
async fn check(received: &Received, files: &Files) -> Result<()> {
    let kind = Kind::of(&received.filename, &received.content_type).ok_or(Error::UnsupportedMediaType(KINDS))?;
    if received.size == 0 {
        return Err(Error::field("file", "is empty"));
    }
    let path = files.path(&received.name);
    let head = tokio::task::spawn_blocking(move || {
        let mut head = Vec::with_capacity(HEAD);
        File::open(path)?.take(HEAD as u64).read_to_end(&mut head)?;
        std::io::Result::Ok(head)
    });
    let head = head.await.map_err(Error::internal)?.map_err(Error::internal)?;
    if kind.fits(&head) { Ok(()) } else { Err(Error::UnsupportedMediaType(KINDS)) }
}
