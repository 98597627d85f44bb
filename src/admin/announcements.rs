//! What operators tell everybody (CONTRACT 8): announcements, and that Herald will be away. Stored, so
//! that who comes back hears of it too; answered with what was told.

use crate::{
    answer::{answer_write, origin},
    auth::Caller,
    body::Body,
    delivery::outbox::{Outbox, Tx},
    error::{Error, Result},
    faults::Faults,
    notice::{Audience, Payload, Room},
    payload_of,
    time::Time,
};
use actix_web::{HttpRequest, HttpResponse, web};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// It goes to every connection.
const MESSAGE_MAX: usize = 2_000;

/// Something to know.
#[derive(Debug, Clone, Serialize, JsonSchema, Deserialize)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Announcement {
    message: String,
}

/// When Herald will be away, and why.
#[derive(Debug, Clone, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Maintenance {
    message: String,
    starts_at: Time,
}

payload_of! { SystemAnnouncement: Announcement, SystemMaintenance: Maintenance }

/// The routes of what is told to everybody.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/admin/announcements").post(announce))
        .service(web::resource("/admin/maintenance").post(maintain));
}

async fn announce(
    request: HttpRequest,
    caller: Caller,
    said: Body<Announcement>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    let message = said.0.message.clone();
    tell(&request, &caller, &outbox, &message, said.0).await
}

async fn maintain(
    request: HttpRequest,
    caller: Caller,
    said: Body<Maintenance>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    let message = said.0.message.clone();
    tell(&request, &caller, &outbox, &message, said.0).await
}

async fn tell<T: Payload + Send + 'static>(
    request: &HttpRequest,
    caller: &Caller,
    outbox: &Outbox,
    message: &str,
    said: T,
) -> Result<HttpResponse> {
    if !caller.is_admin() {
        return Err(Error::forbidden("everybody is addressed by administrators"));
    }
    let mut faults = Faults::default();
    faults.text("message", message, 1..=MESSAGE_MAX);
    faults.or(())?;
    let origin = origin(request, caller);
    let done = outbox.commit(async move |tx: &mut Tx| {
        tx.spare(origin);
        tx.tell_of(&said, Audience::to([Room::All]))?;
        Ok(said)
    });
    Ok(answer_write(HttpResponse::Created(), &done.await?))
}
