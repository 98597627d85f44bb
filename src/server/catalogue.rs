//! The catalogue of events, for whoever writes a client of this server: what it says is what it does.

use crate::{
    catalogue::Catalogue,
    error::{Error, Result},
};
use actix_web::{
    HttpResponse,
    http::header::{ContentType, X_CONTENT_TYPE_OPTIONS},
    mime, web,
};
use std::sync::LazyLock;

/// Written when somebody asks first: most never do.
static TYPESCRIPT: LazyLock<Option<String>> = LazyLock::new(|| Catalogue::gather().typescript().ok());
static ASYNCAPI: LazyLock<Option<String>> = LazyLock::new(|| Catalogue::gather().asyncapi_text().ok());

/// Its routes.
pub(super) fn routes(cfg: &mut web::ServiceConfig) {
    cfg.route("/herald-events.d.ts", web::get().to(async || answer(mime::TEXT_PLAIN_UTF_8, &TYPESCRIPT)))
        .route("/asyncapi.json", web::get().to(async || answer(mime::APPLICATION_JSON, &ASYNCAPI)));
}

fn answer(kind: mime::Mime, text: &'static Option<String>) -> Result<HttpResponse> {
    let text = text.as_deref().ok_or_else(|| Error::internal("the catalogue can't be written"))?;
    Ok(HttpResponse::Ok()
        .insert_header(ContentType(kind))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(text))
}
