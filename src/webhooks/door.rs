//! The door of all webhooks: who is it, was it here before, what does it do.

use super::signature::{self, Claim, Doubt, Secrets};
use crate::{
    body::{BodyLimit, parse},
    delivery::outbox::{Outbox, Tx},
    error::{Error, Result},
    notice::Seq,
    sql,
    store::schema::webhook_deliveries,
    time::Time,
};
use actix_web::{HttpRequest, HttpResponse, web};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::de::DeserializeOwned;

/// How long the id of a message is remembered, in seconds. A message that is signed anew and comes
/// later than this would be taken for a new one; senders give up after days.
const REMEMBERED: i64 = 30 * 86_400;
/// Rows deleted in one transaction: other changes wait for no more than this.
const STEP: i64 = 1000;

/// Lets in what is signed with one of the secrets, each message once; app data.
#[derive(Clone)]
pub struct Door {
    secrets: Secrets,
    outbox: Outbox,
}

/// What became of a message.
#[derive(Debug)]
pub struct Taken<T> {
    /// What it did; `None` when it was here before, and did it then.
    pub value: Option<T>,
    /// The place of its last notice.
    pub seq: Seq,
}

impl<T> Taken<T> {
    /// The answer that its sender wants: 200, come again no more.
    #[must_use]
    pub fn answer(&self) -> HttpResponse {
        HttpResponse::Ok().insert_header((Seq::HEADER, self.seq.to_string())).json(serde_json::json!({}))
    }
}

impl Door {
    /// Without secrets nobody is let in.
    #[must_use]
    pub const fn new(secrets: Secrets, outbox: Outbox) -> Self {
        Self { secrets, outbox }
    }

    /// Takes a message: checks its signature over the bytes as they came, and only then reads it; then,
    /// in one transaction, does nothing if its id was here before, else `effect`, and remembers the id.
    /// What is refused does not use the id up. `sender` keeps the ids of different senders apart.
    ///
    /// # Errors
    /// 401 unless signed by one of the secrets within the tolerance; 413; 400 and 422 when it is no
    /// `T`; what `effect` says.
    pub async fn take<T, M>(
        &self,
        sender: &'static str,
        request: &HttpRequest,
        payload: web::Payload,
        effect: impl AsyncFnOnce(&mut Tx, M) -> Result<T> + Send + 'static,
    ) -> Result<Taken<T>>
    where
        T: Send + 'static,
        M: DeserializeOwned + Send + 'static,
    {
        let (id, message) = match self.believe(request, payload).await {
            Ok(believed) => believed?,
            Err(doubt) => {
                log::info!("a webhook of {sender} is not believed: {doubt}");
                return Err(Error::Unauthorized);
            }
        };
        let id = format!("{sender}:{id}");
        let message = parse::<M>(&message);
        let done = self
            .outbox
            .commit(async move |tx| {
                if !remember(tx, &id).await? {
                    return Ok(None);
                }
                effect(tx, message?).await.map(Some)
            })
            .await?;
        Ok(Taken { value: done.value, seq: done.seq })
    }

    /// The id and the bytes of a message that is signed, or the doubt.
    async fn believe(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<Result<(String, web::Bytes)>, Doubt> {
        let claim = claim_of(request)?;
        let now = Time::now().unix();
        // Whoever can be sent away without reading a body is.
        self.secrets.plausible(claim, now)?;
        let limit = BodyLimit::of(request);
        let body = match payload.to_bytes_limited(limit).await {
            Err(_) => return Ok(Err(Error::PayloadTooLarge(limit))),
            Ok(Err(_)) => return Ok(Err(Error::Malformed("the body broke off".into()))),
            Ok(Ok(body)) => body,
        };
        self.secrets.verify(claim, &body, now)?;
        Ok(Ok((claim.id.to_owned(), body)))
    }
}

fn claim_of(request: &HttpRequest) -> Result<Claim<'_>, Doubt> {
    let header = |name: &'static str| {
        let mut values = request.headers().get_all(name);
        match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
            (Some(text), None) => Ok(text),
            _ => Err(Doubt::Header(name)),
        }
    };
    Ok(Claim {
        id: header(signature::ID)?,
        timestamp: header(signature::TIMESTAMP)?,
        signatures: header(signature::SIGNATURE)?,
    })
}

/// Notes that a message came; `false` when it was here before. Taken back with whatever follows.
async fn remember(tx: &mut Tx, id: &str) -> QueryResult<bool> {
    let row = (webhook_deliveries::id.eq(id), webhook_deliveries::received_at.eq(tx.now()));
    let new = diesel::insert_into(webhook_deliveries::table).values(row).on_conflict_do_nothing();
    sql!(&mut tx.conn, |c| new.execute(c).await).map(|count| count == 1)
}

/// Forgets ids after their time, in steps; to be called every minute or so.
///
/// # Errors
/// 503 when the database is away.
pub async fn sweep(outbox: &Outbox) -> Result<()> {
    while outbox.commit(async |tx| sweep_step(tx).await).await?.value == STEP {}
    Ok(())
}

async fn sweep_step(tx: &mut Tx) -> Result<i64> {
    let oldest = tx.now().plus_seconds(-REMEMBERED);
    let expired = webhook_deliveries::table.filter(webhook_deliveries::received_at.lt(oldest));
    let step = expired.order(webhook_deliveries::received_at).limit(STEP).select(webhook_deliveries::id);
    let ids: Vec<String> = sql!(&mut tx.conn, |c| step.load(c).await)?;
    let gone = webhook_deliveries::table.filter(webhook_deliveries::id.eq_any(&ids));
    sql!(&mut tx.conn, |c| diesel::delete(gone).execute(c).await)?;
    i64::try_from(ids.len()).map_err(Error::internal)
}

#[cfg(test)]
#[path = "door_test.rs"]
mod tests;
