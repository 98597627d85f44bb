//! The routes of CONTRACT 2 that need no user record: refresh, logout, ticket.

use super::{Auth, Caller, TICKET_SECONDS};
use crate::{body::Body, error::Result, notice::Seq, secret::Secret};
use actix_web::{HttpResponse, http::header, web};
use serde::{Deserialize, Serialize};

/// Adds them; to be mounted under `/v1`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/auth/refresh", web::post().to(refresh))
        .route("/auth/logout", web::post().to(logout))
        .route("/auth/ticket", web::post().to(ticket));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Refresh {
    refresh_token: Secret,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    ticket: String,
    expires_in: i64,
}

async fn refresh(auth: web::Data<Auth>, body: Body<Refresh>) -> Result<HttpResponse> {
    let pair = auth.refresh(body.0.refresh_token).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(pair))
}

async fn logout(auth: web::Data<Auth>, caller: Caller) -> Result<HttpResponse> {
    let seq = auth.logout(&caller).await?;
    Ok(HttpResponse::NoContent().insert_header((Seq::HEADER, seq.to_string())).finish())
}

async fn ticket(auth: web::Data<Auth>, caller: Caller) -> Result<HttpResponse> {
    let ticket = auth.ticket(&caller).await?;
    let answer = Ticket { ticket, expires_in: TICKET_SECONDS };
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(answer))
}
