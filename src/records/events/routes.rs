//! The routes of events: the shared five, and those that events alone have.

use super::{Event, batch::Batch, change_state::ChangeState};
use crate::{
    answer::{answer_write, origin},
    auth::Caller,
    body::Body,
    delivery::outbox::Outbox,
    error::Result,
    records::{
        Edit, Record as _,
        jobs::{Job, Kind},
        routes::{answer_record, collection, id_of, item},
    },
};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

/// The routes of events. Words stand before `{id}`, which would take them for ids.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(collection::<Event>("/events").put(change_many))
        .service(web::resource("/events/change_state").post(change_state))
        .service(item::<Event>("/events/{id}"))
        .service(web::resource("/events/{id}/clone").post(clone));
}

async fn change_many(
    request: HttpRequest,
    caller: Caller,
    entries: Body<Vec<Value>>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    let batch = Batch::read(entries.0)?;
    let (origin, by) = (origin(&request, &caller), caller.0);
    let done = outbox.commit(async move |tx| batch.run(&mut Edit::begin(tx, by, origin).await?).await).await?;
    Ok(answer_write(HttpResponse::Ok(), &done))
}

async fn change_state(caller: Caller, change: Body<ChangeState>, outbox: web::Data<Outbox>) -> Result<HttpResponse> {
    let (change, by) = (change.0.valid()?, caller.0);
    let done = outbox.commit(async move |tx| change.run(&mut Edit::begin(tx, by, None).await?).await).await?;
    Ok(answer_write(HttpResponse::Ok(), &done))
}

async fn clone(
    request: HttpRequest,
    caller: Caller,
    id: web::Path<String>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    let id = id_of::<Event>(&id)?;
    let (origin, by) = (origin(&request, &caller), caller.0);
    let done = outbox
        .commit(async move |tx| {
            let mut edit = Edit::begin(tx, by, origin).await?;
            let source: Event = edit.by.find(&mut edit.tx.conn, id).await?;
            let now = edit.tx.now();
            // The job first: whoever hears of the draft can tell where it comes from.
            let job = Job::done(Kind::Clone, &edit.by, format!("Clone of {}", source.description), now);
            let job = edit.insert(job).await?;
            let copy = source.clone_for(&edit.by, now).made_by(job.id());
            edit.insert(copy).await
        })
        .await?;
    Ok(answer_record(HttpResponse::Created(), &done))
}
