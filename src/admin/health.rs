//! Whether the process lives and whether it can do its work.

use crate::{
    error::Result,
    sql,
    store::{Store, schema::sequence},
};
use actix_web::{HttpResponse, web};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// `GET /healthz` (the process answers) and `GET /readyz` (the database answers, else 503).
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.route("/healthz", web::get().to(alive)).route("/readyz", web::get().to(ready));
}

async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

async fn ready(store: web::Data<Store>) -> Result<HttpResponse> {
    let mut conn = store.read().await?;
    let _: i64 = sql!(&mut conn, |c| sequence::table.select(sequence::newest).first(c).await)?;
    Ok(alive().await)
}
