//! `POST /v1/webhooks/processor`: what the processor made of an upload.

use super::Door;
use crate::{
    error::Result,
    jobs::{files::Files, upload},
};
use actix_web::{HttpRequest, HttpResponse, Resource, web};

pub(super) fn route() -> Resource {
    web::resource("/webhooks/processor").post(take)
}

async fn take(
    request: HttpRequest,
    payload: web::Payload,
    door: web::Data<Door>,
    files: web::Data<Files>,
) -> Result<HttpResponse> {
    let taken = door.take("processor", &request, payload, upload::settle).await?;
    if let Some(Some(file)) = &taken.value
        && let Err(error) = files.remove(file).await
    {
        log::warn!("the file of a finished upload could not be removed yet: {error}");
    }
    Ok(taken.answer())
}
