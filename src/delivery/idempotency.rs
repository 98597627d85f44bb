//! `Idempotency-Key`: a request that comes twice, as its sender did not hear the first answer, is
//! done once (CONTRACT 1).
//!
//! The first answer is stored in the transaction of the work. There is one writer, so two requests
//! with one key at the same time are one after the other, and the second finds what the first left.
//! What was refused, or did not commit, left nothing: it may be tried again under its key.

use super::outbox::{Outbox, Tx};
use crate::{
    body::Fingerprint,
    error::{Error, Result},
    notice::Seq,
    sql,
    store::{Conn, schema::idempotency_keys},
    time::Time,
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;
use std::fmt::Display;

/// The header.
pub const HEADER: &str = "Idempotency-Key";
/// Longest key: it is stored with each answer.
const KEY_MAX: usize = 255;
/// How long a key is known (CONTRACT 1), in seconds.
const KEPT: i64 = 24 * 3600;
/// Rows deleted in one transaction: other changes wait for no more than this.
const STEP: i64 = 1000;

/// A request's key: whose, for what, and for which body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    caller: String,
    route: &'static str,
    key: String,
    body_hash: String,
}

impl Key {
    /// The key that the request names; `None` when it names none. Keys belong to their `caller` (a
    /// user's id, an API key's) and to the `route` (its path, as in the contract). Where the body is a
    /// file, `body` is the fingerprint of all that the request says with it.
    ///
    /// # Errors
    /// 422 unless it is 1 to 255 visible ASCII characters, named once.
    pub fn of(
        request: &HttpRequest,
        caller: impl Display,
        route: &'static str,
        body: &Fingerprint,
    ) -> Result<Option<Self>> {
        let mut values = request.headers().get_all(HEADER);
        let Some(value) = values.next() else { return Ok(None) };
        let key = value.to_str().unwrap_or_default();
        let fine = !key.is_empty() && key.len() <= KEY_MAX && key.bytes().all(|byte| byte.is_ascii_graphic());
        if !fine || values.next().is_some() {
            return Err(Error::field(HEADER, format!("has to be 1 to {KEY_MAX} visible ASCII characters, named once")));
        }
        let (caller, key, body_hash) = (caller.to_string(), key.to_owned(), body.to_string());
        Ok(Some(Self { caller, route, key, body_hash }))
    }
}

/// What a request is answered, now or again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The JSON body.
    pub body: String,
    /// For `X-Herald-Seq`; set by [`once`].
    pub seq: Seq,
    /// Whether it was given before: then nothing was done now, and what was prepared for the work
    /// (a file that was received) is of no use.
    pub again: bool,
}

impl Answer {
    /// An answer with this body.
    ///
    /// # Errors
    /// 500 when it can't be encoded.
    pub fn new(status: StatusCode, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_string(body).map_err(Error::internal)?;
        Ok(Self { status, body, seq: Seq(0), again: false })
    }

    /// As it goes out.
    #[must_use]
    pub fn respond(self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        answer.insert_header((Seq::HEADER, self.seq.to_string())).content_type("application/json").body(self.body)
    }
}

/// Does the work unless it was done under this key within 24 h; then the first answer is given again.
/// Without a key it is always done.
///
/// ```text
/// let key = Key::of(&request, caller.user, "/v1/payments", &body.fingerprint)?;
/// let work = async move |tx: &mut Tx| {
///     once(tx, key, async |tx| Answer::new(StatusCode::CREATED, &pay(tx, &body.value).await?)).await
/// };
/// Ok(outbox.commit(work).await?.value.respond())
/// ```
///
/// # Errors
/// 409 when the key was used with another body; what the work says.
pub async fn once(tx: &mut Tx, key: Option<Key>, work: impl AsyncFnOnce(&mut Tx) -> Result<Answer>) -> Result<Answer> {
    let now = tx.now();
    if let Some(key) = &key
        && let Some(answer) = find(&mut tx.conn, key, now).await?
    {
        return Ok(answer);
    }
    let done = work(tx).await?;
    let done = Answer { seq: tx.newest(), again: false, ..done };
    if let Some(key) = key {
        store(tx, key, &done).await?;
    }
    Ok(done)
}

async fn find(conn: &mut Conn, key: &Key, now: Time) -> Result<Option<Answer>> {
    let row = idempotency_keys::table
        .find((&key.caller, key.route, &key.key))
        .filter(idempotency_keys::created_at.gt(now.plus_seconds(-KEPT)))
        .select((
            idempotency_keys::body_hash,
            idempotency_keys::status,
            idempotency_keys::answer,
            idempotency_keys::seq,
        ));
    let row: Option<(String, i32, String, i64)> = sql!(conn, |c| row.first(c).await.optional())?;
    let Some((body_hash, status, body, seq)) = row else { return Ok(None) };
    // Nothing is guessed here: who has the key is its owner.
    if body_hash != key.body_hash {
        return Err(Error::Conflict(format!("this {HEADER} was used with another body").into()));
    }
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.ok_or_else(|| Error::internal("a stored answer has no status"))?;
    Ok(Some(Answer { status, body, seq: Seq(seq), again: true }))
}

async fn store(tx: &mut Tx, key: Key, answer: &Answer) -> Result<()> {
    let Key { caller, route, key, body_hash } = key;
    let now = tx.now();
    // One of the day before, that was not swept yet.
    let old = idempotency_keys::table.find((&caller, route, &key));
    sql!(&mut tx.conn, |c| diesel::delete(old).execute(c).await)?;
    let row = (
        idempotency_keys::caller.eq(&caller),
        idempotency_keys::route.eq(route),
        idempotency_keys::key.eq(&key),
        idempotency_keys::body_hash.eq(body_hash),
        idempotency_keys::status.eq(i32::from(answer.status.as_u16())),
        idempotency_keys::answer.eq(&answer.body),
        idempotency_keys::seq.eq(answer.seq.0),
        idempotency_keys::created_at.eq(now),
    );
    sql!(&mut tx.conn, |c| diesel::insert_into(idempotency_keys::table).values(row).execute(c).await)?;
    Ok(())
}

/// Forgets keys after their time, in steps; to be called every minute or so.
///
/// # Errors
/// 503 when the database is away.
pub async fn sweep(outbox: &Outbox) -> Result<()> {
    while outbox.commit(async |tx| sweep_step(tx).await).await?.value == STEP.unsigned_abs() {}
    Ok(())
}

async fn sweep_step(tx: &mut Tx) -> Result<u64> {
    let oldest = tx.now().plus_seconds(-KEPT);
    let expired = idempotency_keys::table.filter(idempotency_keys::created_at.le(oldest));
    // The time of the last one of this step.
    let upto = expired.order(idempotency_keys::created_at).offset(STEP - 1).select(idempotency_keys::created_at);
    let upto: Option<Time> = sql!(&mut tx.conn, |c| upto.first(c).await.optional())?;
    let step = idempotency_keys::table.filter(idempotency_keys::created_at.le(upto.unwrap_or(oldest)));
    sql!(&mut tx.conn, |c| diesel::delete(step).execute(c).await)?;
    Ok(upto.map_or(0, |_| STEP.unsigned_abs()))
}

#[cfg(test)]
#[path = "idempotency_test.rs"]
mod tests;
