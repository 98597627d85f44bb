//! `POST /v1/webhooks/payments`: what the payment provider tells of payments and payouts (CONTRACT 8).

use super::Door;
use crate::{error::Result, records::market};
use actix_web::{HttpRequest, HttpResponse, Resource, web};

pub(super) fn route() -> Resource {
    web::resource("/webhooks/payments").post(take)
}

async fn take(request: HttpRequest, payload: web::Payload, door: web::Data<Door>) -> Result<HttpResponse> {
    let taken = door.take("payments", &request, payload, market::told_by_provider).await?;
    Ok(taken.answer())
}
