//! Publishing from other back ends (CONTRACT 9): `POST /v1/publish` and `/v1/publish/batch`. Whoever
//! keeps records elsewhere tells of them here; Herald does the rest as for its own.
//!
//! Everything goes through the one door to writing, `store: false` as well: what is live only takes
//! its turn among the stored notices, though it costs no transaction (docs/decisions/0013-publish.md).

mod data;
mod entry;

use crate::{
    answer::origin,
    auth::{Auth, Publisher},
    body::{Fingerprint, MarkedBody},
    delivery::{
        idempotency::{Answer, Key, once},
        outbox::{Outbox, Tx},
    },
    error::{Error, Result},
    faults::Faults,
    notice::{Origin, Seq},
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use entry::{Entry, Post};
use serde::Serialize;

/// Most entries of a batch: they are one commit, for which all others wait.
const BATCH_MAX: usize = 100;
/// Faults named in one refusal: a batch has room for many thousands.
const FAULTS_MAX: usize = 100;

/// What is answered for each entry: its place, unless it is live only.
#[derive(Debug, Serialize)]
struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<Seq>,
}

/// Adds the routes; to be mounted under `/v1`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/publish").post(publish)).service(web::resource("/publish/batch").post(publish_batch));
}

async fn publish(
    request: HttpRequest,
    publisher: Publisher,
    body: MarkedBody<Post>,
    auth: web::Data<Auth>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    let mut faults = Faults::default();
    let entry = Entry::read(body.value, "", &mut faults);
    let entry = faults.or(entry)?;
    permit(&publisher, &entry, "")?;
    publisher.still_holds(&auth).await?;
    let turn = Turn::of(&request, &publisher, "/v1/publish", &body.fingerprint)?;
    if !entry.store && turn.key.is_none() {
        let audience = entry.audience();
        let told = outbox.tell_live(entry.event, &entry.data, audience, turn.origin).await?;
        return Ok(Answer { seq: told.seq, ..Answer::new(StatusCode::ACCEPTED, &Told { seq: None })? }.respond());
    }
    let work = async move |tx: &mut Tx| {
        once(tx, turn.key, async |tx| {
            tx.spare(turn.origin);
            Answer::new(StatusCode::ACCEPTED, &tell(tx, &entry)?)
        })
        .await
    };
    Ok(outbox.commit(work).await?.value.respond())
}

async fn publish_batch(
    request: HttpRequest,
    publisher: Publisher,
    body: MarkedBody<Vec<Post>>,
    auth: web::Data<Auth>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    let entries = read_batch(body.value)?;
    for (index, entry) in entries.iter().enumerate() {
        permit(&publisher, entry, &format!("[{index}]: "))?;
    }
    publisher.still_holds(&auth).await?;
    let turn = Turn::of(&request, &publisher, "/v1/publish/batch", &body.fingerprint)?;
    let work = async move |tx: &mut Tx| {
        once(tx, turn.key, async |tx| {
            tx.spare(turn.origin);
            let told: Vec<Told> = entries.iter().map(|entry| tell(tx, entry)).collect::<Result<_>>()?;
            Answer::new(StatusCode::ACCEPTED, &told)
        })
        .await
    };
    Ok(outbox.commit(work).await?.value.respond())
}

/// What a request says beside its body.
struct Turn {
    key: Option<Key>,
    origin: Option<Origin>,
}

impl Turn {
    fn of(request: &HttpRequest, by: &Publisher, route: &'static str, body: &Fingerprint) -> Result<Self> {
        let origin = match by {
            Publisher::Admin(caller) => origin(request, caller),
            // A key has no connections of its own.
            Publisher::Key(_) => None,
        };
        Ok(Self { key: Key::of(request, by.id(), route, body)?, origin })
    }
}

fn read_batch(posts: Vec<Post>) -> Result<Vec<Entry>> {
    if posts.is_empty() || posts.len() > BATCH_MAX {
        return Err(Error::field("body", format!("has to be a list of 1 to {BATCH_MAX} entries")));
    }
    let mut faults = Faults::default();
    let mut entries = Vec::with_capacity(posts.len());
    for (index, post) in posts.into_iter().enumerate() {
        entries.push(Entry::read(post, &format!("[{index}]."), &mut faults));
        if faults.len() >= FAULTS_MAX {
            break;
        }
    }
    faults.or(entries)
}

/// 403 for what is out of the key's scope. Whom an entry leaves out (`except`) is no matter of rights:
/// it only takes away from what the key may do anyway.
fn permit(publisher: &Publisher, entry: &Entry, at: &str) -> Result<()> {
    if !publisher.may_send(entry.event.as_str()) {
        return Err(Error::forbidden(format!("{at}this key may not publish the event {}", entry.event)));
    }
    match entry.to.iter().map(ToString::to_string).find(|room| !publisher.may_reach(room)) {
        None => Ok(()),
        Some(room) => Err(Error::forbidden(format!("{at}this key may not publish to the room {room}"))),
    }
}

fn tell(tx: &mut Tx, entry: &Entry) -> Result<Told> {
    let audience = entry.audience();
    let (event, data) = (entry.event.clone(), &entry.data);
    let seq = if entry.store {
        Some(tx.tell(event, data, audience)?)
    } else {
        tx.tell_live(event, data, audience)?;
        None
    };
    Ok(Told { seq })
}
