//! `GET /v1/admin/stats`: how this node does.

use super::{allowed, newest};
use crate::{auth::Caller, broker::Stats, error::Result, host::Host, notice::Seq, store::Store, transport::Steward};
use actix_web::{HttpResponse, web};
use serde::Serialize;
use std::sync::Arc;

/// What the port can say of its streams, as app data.
#[derive(Clone)]
pub struct MountStats(pub Arc<dyn Fn() -> actix_socketioxide::Stats + Send + Sync>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(flatten)]
    host: &'static Host,
    uptime_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    newest: Seq,
    connections: Stats,
    streams: Streams,
}

/// The streams of the port, and what was refused since the start.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Streams {
    open: u64,
    websockets: u64,
    polling: u64,
    /// By the error code of Engine.IO, 0 to 5.
    refused: [u64; 6],
    stalled: u64,
    over_cap: u64,
    forbidden_origin: u64,
}

pub(super) async fn stats(
    caller: Caller,
    steward: web::Data<Steward>,
    store: web::Data<Store>,
    mount: web::Data<MountStats>,
) -> Result<HttpResponse> {
    allowed(&caller)?;
    let newest = newest(&mut store.read().await?).await?;
    let (host, streams) = (Host::this(), (mount.0)());
    let answer = Answer {
        host,
        uptime_seconds: host.uptime(),
        memory_bytes: host.memory(),
        newest,
        connections: steward.stats().await?,
        streams: Streams {
            open: streams.connections,
            websockets: streams.websockets,
            polling: streams.polling,
            refused: streams.refused,
            stalled: streams.stalled,
            over_cap: streams.over_cap,
            forbidden_origin: streams.forbidden_origin,
        },
    };
    Ok(HttpResponse::Ok().insert_header((Seq::HEADER, newest.to_string())).json(answer))
}
