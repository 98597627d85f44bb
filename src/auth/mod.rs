//! Identity: who a token says somebody is, and how one comes by a token (CONTRACT 2).
//!
//! `token` checks and mints with `keys`; `standing` narrows what a token says by the user's record;
//! `sessions` and `tickets` are what is stored; `password` and `throttle` guard the login. Live
//! connections learn of what happens here by the effects that the changes carry.
//!
//! Other back ends show an API key instead (CONTRACT 9): `api_keys` with their `scope`; `holder` tells
//! the two apart.

mod address;
mod api_keys;
mod caller;
mod holder;
mod jwks;
pub mod keys;
mod password;
mod random;
mod routes;
mod scope;
mod sessions;
mod settings;
mod standing;
mod throttle;
mod tickets;
mod token;

pub use address::address_of;
pub use api_keys::{ApiKey, KEYS_MAX};
pub use caller::{Caller, bearer};
pub use holder::{Holder, KeyHolder, Publisher};
pub use password::{PASSWORD_MAX, PasswordHash, Passwords};
pub use random::random_text;
pub use routes::configure;
pub use scope::Scope;
pub use sessions::new_sid;
pub use settings::{Attempts, Cost, KeySource, Settings};
pub use tickets::TICKET_SECONDS;
pub use token::{Claims, Tokens};

use crate::{
    delivery::outbox::Outbox,
    error::{Error, Result},
    identity::{Identity, Roles},
    ids::UserId,
    notice::Seq,
    secret::Secret,
    sql,
    store::{Json, Store, schema::users},
    time::Time,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use throttle::Throttle;

/// Checks who somebody is; cheap to clone. In the app's data as `web::Data<Auth>`.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    settings: Settings,
    tokens: Tokens,
    passwords: Passwords,
    throttle: Mutex<Throttle>,
    keyring: api_keys::Keyring,
    started: Instant,
    store: Store,
    outbox: Outbox,
}

/// What a login or a refresh gives (CONTRACT 2).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    /// A token for `Authorization: Bearer …`.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// For how long the access token is good, in seconds.
    pub expires_in: i64,
    /// Gives the next pair, once.
    pub refresh_token: String,
}

impl Auth {
    /// Opens the keys and makes ready to check passwords.
    ///
    /// # Errors
    /// 500 for settings that can't be (an Argon2 cost of nothing).
    pub async fn start(settings: Settings, store: Store, outbox: Outbox) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            tokens: Tokens::open(&settings).await?,
            passwords: Passwords::new(settings.cost)?,
            throttle: Mutex::new(Throttle::new(settings.attempts)),
            keyring: api_keys::Keyring::default(),
            started: Instant::now(),
            settings,
            store,
            outbox,
        })))
    }

    /// The settings it runs with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Whether anybody can log in here.
    ///
    /// # Errors
    /// 503 where tokens come from another issuer.
    pub fn can_log_in(&self) -> Result<()> {
        self.0.tokens.can_mint()
    }

    /// Who holds this token, as of now.
    ///
    /// # Errors
    /// `Unauthorized`, also for who is disabled or deleted and for a session that ended;
    /// `TokenExpired`; 503 when the database or the issuer's keys are away.
    pub async fn identify(&self, token: &str) -> Result<Identity> {
        self.narrow(self.read(token).await?).await
    }

    /// What this token says, if it is good; what the user's record says of it is still to be asked.
    ///
    /// # Errors
    /// `Unauthorized`, `TokenExpired`; 503 when the issuer's keys are away.
    pub async fn read(&self, token: &str) -> Result<Claims> {
        self.0.tokens.check(token, Time::now()).await
    }

    /// What the token said that this ticket was given for; the ticket is used up by asking.
    ///
    /// # Errors
    /// `Unauthorized`, `TokenExpired`; 503 when the database is away.
    pub async fn redeem(&self, ticket: &str) -> Result<Claims> {
        let ticket = ticket.to_owned();
        let taken = self.0.outbox.commit(async move |tx| tickets::take(tx, &ticket).await).await?;
        let claims = taken.value.ok_or(Error::Unauthorized)?;
        if claims.expires_at <= Time::now().unix() {
            return Err(Error::TokenExpired);
        }
        Ok(claims)
    }

    /// Who holds what says this, as of now.
    ///
    /// # Errors
    /// `Unauthorized` for who is disabled or deleted and for a session that ended; 503 when the database is away.
    pub async fn narrow(&self, claims: Claims) -> Result<Identity> {
        standing::narrow(&mut self.0.store.lookup().await?, claims).await
    }

    /// A ticket that says what the caller's token says.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn ticket(&self, caller: &Identity) -> Result<String> {
        let claims = Claims {
            user: caller.user,
            sid: caller.sid.clone(),
            roles: caller.token_roles,
            topics: caller.topics.clone(),
            expires_at: caller.expires_at,
        };
        Ok(self.0.outbox.commit(async move |tx| tickets::write(tx, claims).await).await?.value)
    }

    /// Logs somebody in by address and password. `from` is where the request came from.
    ///
    /// # Errors
    /// `Unauthorized` for a wrong password, no such user, or one who is disabled: the answer and
    /// the time that it takes are the same. 429 after too many failures. 503 where tokens come from
    /// another issuer, or when the database is away.
    pub async fn login(&self, email: &str, password: Secret, from: IpAddr) -> Result<(Pair, UserId)> {
        self.can_log_in()?;
        let email = normal(email);
        let found: Option<(UserId, PasswordHash, Json<Roles>)> = {
            let mut conn = self.0.store.read().await?;
            sql!(&mut conn, |c| users::table
                .filter(users::email.eq(&email).and(users::disabled.eq(false)))
                .select((users::id, users::password_hash, users::roles))
                .first(c)
                .await
                .optional())?
        };
        let hash = found.as_ref().map(|(_, hash, _)| hash.clone());
        let settle = |right| {
            self.throttle(|throttle, now| match right {
                true => throttle.succeeded(&email, from),
                false => throttle.failed(&email, from, now),
            });
        };
        let passwords = &self.0.passwords;
        let first = passwords.verify(password.clone(), hash.clone(), || self.admit(&email, from), &settle).await;
        let right = match first {
            Err(limit @ Error::RateLimited(_)) => {
                let pause = self.throttle(|throttle, now| throttle.turn(&email, from, now))?;
                actix_rt::time::sleep(Duration::from_millis(pause)).await;
                // A wrong password gets the same answer as before; the right one is never refused.
                passwords.verify(password, hash, || Ok(()), settle).await?.then_some(true).ok_or(limit)?
            }
            other => other?,
        };
        let (user, _, Json(roles)) = found.filter(|_| right).ok_or(Error::Unauthorized)?;
        let seconds = self.0.settings.refresh_seconds;
        let live = self.0.outbox.commit(async move |tx| sessions::begin(tx, user, roles, seconds).await).await?.value;
        Ok((self.pair(live)?, user))
    }

    /// The next pair of tokens.
    ///
    /// # Errors
    /// `Unauthorized` for a refresh token that is unknown, expired or used: the last ends the
    /// whole login session. 503 as [`Auth::login`].
    pub async fn refresh(&self, refresh_token: Secret) -> Result<Pair> {
        self.can_log_in()?;
        let seconds = self.0.settings.refresh_seconds;
        let work = async move |tx: &mut _| sessions::refresh(tx, refresh_token.expose(), seconds).await;
        match self.0.outbox.commit(work).await?.value {
            sessions::Refreshed::Live(live) => self.pair(live),
            sessions::Refreshed::Refused => Err(Error::Unauthorized),
        }
    }

    /// Ends the caller's login session: its tokens stop working and its connections close, at the
    /// place that is returned.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn logout(&self, caller: &Identity) -> Result<Seq> {
        let (sid, user) = (caller.sid.clone(), caller.user);
        // A session of another issuer may have tokens that outlast the one at hand.
        let left = (caller.expires_at - Time::now().unix()).max(self.0.settings.refresh_seconds);
        let ended = self
            .0
            .outbox
            .commit(async move |tx| {
                let expires_at = tx.now().plus_seconds(left);
                sessions::end(tx, &sid, user, expires_at).await
            })
            .await?;
        Ok(ended.seq)
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// 503 when too many wait.
    pub async fn hash(&self, password: Secret) -> Result<PasswordHash> {
        self.0.passwords.hash(password).await
    }

    /// Forgets what has expired: tickets, refresh tokens, login sessions. To be called every minute
    /// or so.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn sweep(&self) -> Result<()> {
        let grace = self.0.settings.access_seconds;
        let work = async move |tx: &mut _| {
            tickets::sweep(tx).await?;
            sessions::sweep(tx, grace).await
        };
        self.0.outbox.commit(work).await.map(drop)
    }

    fn pair(&self, live: sessions::Live) -> Result<Pair> {
        let (now, expires_in) = (Time::now(), self.0.settings.access_seconds);
        let sessions::Live { user, sid, roles, refresh_token } = live;
        let claims = Claims { user, sid, roles, topics: Vec::new(), expires_at: now.unix() + expires_in };
        let access_token = self.0.tokens.mint(&claims, now)?;
        Ok(Pair { access_token, token_type: "Bearer", expires_in, refresh_token })
    }

    fn admit(&self, email: &str, from: IpAddr) -> Result<()> {
        self.throttle(|throttle, now| throttle.admit(email, from, now))
    }

    fn throttle<T>(&self, ask: impl FnOnce(&mut Throttle, u64) -> T) -> T {
        let now = u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        ask(&mut self.0.throttle.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

/// An e-mail address as it is stored and looked up: nobody remembers how he capitalised his own.
#[must_use]
pub fn normal(email: &str) -> String {
    email.trim().to_lowercase()
}

#[cfg(test)]
mod tests;
