//! API keys: what other back ends show instead of a token (CONTRACT 9). A key is shown once, when it
//! is made; what is stored is its hash.
//!
//! A key is looked up in the database at most every [`FRESH`]; in between it is known from memory.
//! Revoking one forgets them all here before it is answered, so that it takes effect at once on this
//! node, and within [`FRESH`] on others.

use super::{
    Auth, Scope,
    random::{random_text, stored},
};
use crate::{
    delivery::outbox::{Committed, Tx},
    error::{Error, Result},
    ids::ApiKeyId,
    secret::Secret,
    sql,
    store::{Conn, Json, schema::api_keys},
    time::Time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Most keys: nobody fills memory and the list with them.
pub const KEYS_MAX: i64 = 1000;
/// How a key begins: it is told from a token, and found by those who look for leaked secrets.
pub(super) const PREFIX: &str = "hk_";
/// Length of a key: 256 bits in base64url after the prefix.
const LENGTH: usize = PREFIX.len() + 43;
/// How long a key is believed to be what was read of it.
const FRESH: Duration = Duration::from_secs(2);
/// `lastUsedAt` is written no more often than this, in seconds: not every use is a write.
const USED_EVERY: i64 = 300;

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Queryable, Selectable)]
#[diesel(table_name = api_keys)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What its owner calls it.
    pub name: String,
    /// The rooms that it may publish to.
    pub rooms: Json<Scope>,
    /// The events that it may publish.
    pub events: Json<Scope>,
    /// When it was made.
    pub created_at: Time,
    /// When it was used last, give or take five minutes.
    pub last_used_at: Option<Time>,
}

/// Keys that were read lately, by their hashes.
#[derive(Default)]
pub(super) struct Keyring(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Keys that were revoked on this node so far.
    revoked: u64,
    /// With the time of reading.
    keys: HashMap<String, (Arc<ApiKey>, Instant)>,
}

impl Keyring {
    /// The key of this hash, if it was read lately, and how many had been revoked by now.
    fn find(&self, hash: &str, now: Instant) -> (Option<Arc<ApiKey>>, u64) {
        let known = self.known();
        let fresh = known.keys.get(hash).filter(|(_, read_at)| now.saturating_duration_since(*read_at) < FRESH);
        (fresh.map(|(key, _)| key.clone()), known.revoked)
    }

    /// Keeps what was read, unless something was revoked since the reading began.
    fn keep(&self, hash: String, key: Arc<ApiKey>, revoked: u64, now: Instant) {
        let mut known = self.known();
        if known.revoked != revoked {
            return;
        }
        // There are no more keys than this; those that were deleted elsewhere need not stay for ever.
        if i64::try_from(known.keys.len()).is_ok_and(|count| count >= KEYS_MAX) {
            known.keys.clear();
        }
        known.keys.insert(hash, (key, now));
    }

    /// A key was revoked: whatever was read before is no longer believed.
    fn forget(&self) {
        let mut known = self.known();
        known.revoked += 1;
        known.keys.clear();
    }

    pub(super) fn revoked(&self) -> u64 {
        self.known().revoked
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Auth {
    /// Makes a key; the secret is in nobody's hands but the caller's.
    ///
    /// # Errors
    /// 409 when there are [`KEYS_MAX`]; 503 when the database is away.
    pub async fn issue_key(&self, name: String, rooms: Scope, events: Scope) -> Result<Committed<(ApiKey, Secret)>> {
        let secret = Secret::new(format!("{PREFIX}{}", random_text()));
        let hash = stored(secret.expose());
        self.0
            .outbox
            .commit(async move |tx| {
                let (rooms, events) = (Json(rooms), Json(events));
                let id = ApiKeyId::generate();
                let key = ApiKey { id, name, rooms, events, created_at: tx.now(), last_used_at: None };
                write(tx, &key, &hash).await?;
                Ok((key, secret))
            })
            .await
    }

    /// Revokes a key: when this returns, it opens nothing any more on this node.
    ///
    /// # Errors
    /// 404, 503.
    pub async fn revoke_key(&self, id: ApiKeyId) -> Result<Committed<()>> {
        let auth = self.clone();
        // In a task of its own: whoever asked may hang up between the commit and the forgetting.
        let revoking = actix_rt::spawn(async move {
            let done = auth.0.outbox.commit(async move |tx| delete(tx, id).await).await;
            // Also when it failed: a commit may have got through although its answer did not.
            auth.0.keyring.forget();
            done
        });
        revoking.await.map_err(Error::internal)?
    }

    /// The keys, oldest first, from the one that follows `after`.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn keys(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<ApiKey>> {
        Ok(sql!(conn, |c| api_keys::table
            .filter(api_keys::id.gt(after))
            .order(api_keys::id)
            .limit(limit)
            .select(ApiKey::as_select())
            .load(c)
            .await)?)
    }

    /// The key of this text, and how many had been revoked before it was looked up.
    ///
    /// # Errors
    /// `Unauthorized`; 503 when the database is away.
    pub(super) async fn find_key(&self, text: &str) -> Result<(Arc<ApiKey>, u64)> {
        if !is_key(text) {
            return Err(Error::Unauthorized);
        }
        let hash = stored(text);
        let keyring = &self.0.keyring;
        let (known, revoked) = keyring.find(&hash, Instant::now());
        if let Some(key) = known {
            return Ok((key, revoked));
        }
        let read_at = Instant::now();
        let key = {
            let mut conn = self.0.store.lookup().await?;
            let row = api_keys::table.filter(api_keys::hash.eq(&hash));
            sql!(&mut conn, |c| row.select(ApiKey::as_select()).first(c).await.optional())?
        };
        let key = Arc::new(key.ok_or(Error::Unauthorized)?);
        keyring.keep(hash, key.clone(), revoked, read_at);
        self.mark_used(&key).await;
        Ok((key, revoked))
    }

    /// Whether the key is still there, as it is asked when others were revoked meanwhile.
    ///
    /// # Errors
    /// `Unauthorized`; 503 when the database is away.
    pub(super) async fn key_remains(&self, id: ApiKeyId, revoked: u64) -> Result<()> {
        if self.0.keyring.revoked() == revoked {
            return Ok(());
        }
        let mut conn = self.0.store.lookup().await?;
        let count: i64 = sql!(&mut conn, |c| api_keys::table.find(id).count().get_result(c).await)?;
        if count == 1 { Ok(()) } else { Err(Error::Unauthorized) }
    }

    async fn mark_used(&self, key: &ApiKey) {
        let (id, due) = (key.id, Time::now().plus_seconds(-USED_EVERY));
        if key.last_used_at.is_some_and(|last| last > due) {
            return;
        }
        let work = async move |tx: &mut Tx| {
            let used = diesel::update(api_keys::table.find(id)).set(api_keys::last_used_at.eq(tx.now()));
            sql!(&mut tx.conn, |c| used.execute(c).await)?;
            Ok(())
        };
        // Nobody is refused for want of a note in a list.
        if let Err(error) = self.0.outbox.commit(work).await {
            log::warn!("the use of API key {id} was not noted: {error}");
        }
    }
}

fn is_key(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() == LENGTH && text.starts_with(PREFIX) && text.bytes().all(plain)
}

async fn write(tx: &mut Tx, key: &ApiKey, hash: &str) -> Result<()> {
    let count: i64 = sql!(&mut tx.conn, |c| api_keys::table.count().get_result(c).await)?;
    if count >= KEYS_MAX {
        return Err(Error::Conflict(format!("there are {KEYS_MAX} keys: delete one that is not used").into()));
    }
    let row = (
        api_keys::id.eq(key.id),
        api_keys::hash.eq(hash),
        api_keys::name.eq(&key.name),
        api_keys::rooms.eq(&key.rooms),
        api_keys::events.eq(&key.events),
        api_keys::created_at.eq(key.created_at),
    );
    sql!(&mut tx.conn, |c| diesel::insert_into(api_keys::table).values(row).execute(c).await)?;
    Ok(())
}

async fn delete(tx: &mut Tx, id: ApiKeyId) -> Result<()> {
    let gone = sql!(&mut tx.conn, |c| diesel::delete(api_keys::table.find(id)).execute(c).await)?;
    if gone == 1 { Ok(()) } else { Err(Error::NotFound) }
}

#[cfg(test)]
#[path = "api_keys_test.rs"]
mod tests;
