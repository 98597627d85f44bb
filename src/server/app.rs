//! The `App` of each worker: every route, and what is true for all of them.

use super::catalogue;
use crate::{
    admin::{
        announcements, api_keys,
        connections::{self, MountStats},
        health, pages, presence, publish,
    },
    auth::{self, Auth},
    body::BodyLimit,
    config::Config,
    delivery::{
        inbox::{self, Broadcasts},
        outbox::Outbox,
    },
    error::Error,
    jobs::{self, Bell, files::Files, import, upload},
    records::{departments, event_groups, events, market, users},
    store::Store,
    transport::{Entrance, Steward, sse, websocket},
    webhooks::{self, Door},
};
use actix_cors::Cors;
use actix_service::ServiceFactory;
use actix_socketioxide::{Engine, Mount};
use actix_web::{
    App, HttpResponse, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    web,
};
use std::sync::Arc;

/// What every worker's `App` is made of.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) config: Config,
    pub(super) store: Store,
    pub(super) outbox: Outbox,
    pub(super) broadcasts: Broadcasts,
    pub(super) auth: Auth,
    pub(super) entrance: Entrance,
    pub(super) steward: Steward,
    pub(super) files: Files,
    pub(super) door: Door,
    pub(super) bell: Bell,
}

/// Headers that a page of another origin may read.
const EXPOSED: [&str; 5] = ["X-Herald-Seq", "X-Unread-Count", "ETag", "Link", "Retry-After"];

pub(super) fn build<E: Engine>(
    parts: &Parts,
    mount: &Mount<E>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
        InitError = (),
    > + use<E>,
> {
    let v1 = web::scope("/v1")
        .wrap(cors(&parts.config.cors_origins))
        // What comes most comes first: each path with a `{name}` that stands before it is tried first.
        .configure(publish::configure)
        // Before the events, which would take `import` for an id.
        .configure(import::configure)
        .configure(events::configure)
        .configure(auth::configure)
        .configure(api_keys::configure)
        .configure(presence::configure)
        .configure(users::configure)
        .configure(event_groups::configure)
        .configure(departments::configure)
        .configure(market::configure)
        .configure(announcements::configure)
        .configure(connections::configure)
        .configure(jobs::configure)
        .configure(upload::configure)
        .configure(webhooks::configure)
        .configure(inbox::configure)
        .configure(sse::routes)
        .default_service(web::to(nothing_here));
    App::new()
        .app_data(web::Data::new(parts.store.clone()))
        .app_data(web::Data::new(parts.outbox.clone()))
        .app_data(web::Data::new(parts.broadcasts.clone()))
        .app_data(web::Data::new(parts.auth.clone()))
        .app_data(web::Data::new(parts.entrance.clone()))
        .app_data(web::Data::new(parts.steward.clone()))
        .app_data(web::Data::new(counted(mount)))
        .app_data(web::Data::new(parts.files.clone()))
        .app_data(web::Data::new(parts.door.clone()))
        .app_data(web::Data::new(uploads(&parts.config)))
        .app_data(web::Data::new(import::Settings {
            max: parts.config.limits.upload,
            per_user: parts.config.jobs.per_user,
        }))
        .app_data(web::Data::new(parts.bell.clone()))
        .app_data(BodyLimit(parts.config.limits.body))
        .app_data(web::Data::new(pages::StaticDir(parts.config.static_dir.clone())))
        // Before the mount: `/socket.io/socket.io.js` lies under its path.
        .configure(pages::routes)
        .configure(mount.routes())
        .configure(websocket::routes)
        .configure(health::routes)
        .configure(catalogue::routes)
        .service(v1)
        .default_service(web::to(nothing_here))
        .wrap(from_fn(name_errors))
}

fn counted<E: Engine>(mount: &Mount<E>) -> MountStats {
    let mount = mount.clone();
    MountStats(Arc::new(move || mount.stats()))
}

fn uploads(config: &Config) -> upload::Settings {
    let open = config.processor_url.is_some();
    upload::Settings { open, max: config.limits.upload, per_user: config.jobs.per_user }
}

async fn nothing_here() -> Result<HttpResponse, Error> {
    Err(Error::NotFound)
}

/// CORS of the HTTP routes; Socket.IO's is the mount's.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allow_any_method()
        .allowed_headers([
            header::AUTHORIZATION.as_str(),
            "content-type",
            "if-match",
            "idempotency-key",
            "last-event-id",
            "x-metadata-socketid",
        ])
        .expose_headers(EXPOSED)
        .max_age(3600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// Gives the framework's own refusals (a method that a path does not know) the shape of all others.
async fn name_errors<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let answer = next.call(request).await?.map_into_boxed_body();
    if answer.status() != StatusCode::METHOD_NOT_ALLOWED || answer.headers().contains_key(header::CONTENT_TYPE) {
        return Ok(answer);
    }
    let allow = answer.headers().get(header::ALLOW).cloned();
    let (request, _) = answer.into_parts();
    let mut problem = Error::MethodNotAllowed.error_response();
    if let Some(allow) = allow {
        problem.headers_mut().insert(header::ALLOW, allow);
    }
    Ok(ServiceResponse::new(request, problem))
}
