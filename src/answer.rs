//! Answers that are alike on all routes: lists, writes, and the connection that a write leaves out
//! (CONTRACT 1).

use crate::{
    auth::Caller,
    delivery::outbox::Committed,
    error::Result,
    notice::{ConnectionId, Origin, Seq},
    sql,
    store::{Conn, schema::sequence},
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, http::header};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;

/// Longest connection id that is looked at.
const CONNECTION_ID_MAX: usize = 64;

/// Answers a list of at most `limit` entries; `read` runs in one snapshot together with the reading
/// of the newest place. `next` is the address of the page that follows an entry.
///
/// # Errors
/// Whatever `read` says; 503 when the database is away.
pub async fn answer_list<R: Serialize>(
    mut answer: HttpResponseBuilder,
    limit: i64,
    mut conn: Conn,
    next: impl Fn(&R) -> String,
    read: impl AsyncFnOnce(&mut Conn) -> Result<Vec<R>>,
) -> Result<HttpResponse> {
    let (seq, records) = conn
        .snapshot(async |conn| {
            let newest: i64 = sql!(conn, |c| sequence::table.select(sequence::newest).first(c).await)?;
            Ok((Seq(newest), read(conn).await?))
        })
        .await?;
    answer.insert_header((Seq::HEADER, seq.to_string()));
    let full = i64::try_from(records.len()).is_ok_and(|count| count == limit);
    if let Some(last) = records.last().filter(|_| full) {
        answer.insert_header((header::LINK, format!("<{}>; rel=\"next\"", next(last))));
    }
    Ok(answer.json(records))
}

/// An answer to a write: its value and the place of its last notice.
#[must_use]
pub fn answer_write<T: Serialize>(mut answer: HttpResponseBuilder, done: &Committed<T>) -> HttpResponse {
    answer.insert_header((Seq::HEADER, done.seq.to_string())).json(&done.value)
}

/// An answer to a write after which there is nothing to show.
#[must_use]
pub fn answer_gone(done: &Committed<()>) -> HttpResponse {
    HttpResponse::NoContent().insert_header((Seq::HEADER, done.seq.to_string())).finish()
}

/// The connection that the caller asks to be left out (`X-Metadata-SocketId`). Only a wish: the
/// broker looks whether it is the caller's own.
#[must_use]
pub fn origin(request: &HttpRequest, caller: &Caller) -> Option<Origin> {
    let id = request.headers().get("X-Metadata-SocketId")?.to_str().ok()?;
    let plausible = !id.is_empty() && id.len() <= CONNECTION_ID_MAX;
    plausible.then(|| Origin { user: caller.0.user, connection: ConnectionId(id.into()) })
}
