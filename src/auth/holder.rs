//! Who holds the bearer of a request where API keys are taken as well as tokens: `/v1/publish*` and
//! presence (CONTRACT 9). Everywhere else an API key is no token: [`Caller`] answers 401.

use super::{ApiKey, Auth, Caller, api_keys::PREFIX, bearer};
use crate::error::{Error, Result};
use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};
use futures_util::future::{FutureExt as _, LocalBoxFuture};
use std::sync::Arc;

/// A person with a token, or another back end with a key.
#[derive(Debug, Clone)]
pub enum Holder {
    /// Somebody's token.
    Person(Caller),
    /// An API key.
    Key(KeyHolder),
}

/// An API key as it was when the request came.
#[derive(Debug, Clone)]
pub struct KeyHolder {
    /// The key.
    pub key: Arc<ApiKey>,
    /// How many had been revoked before it was looked up.
    revoked: u64,
}

/// Who may publish: an API key, within its scopes, or an administrator. 401 for anybody whose bearer
/// does not hold, 403 for other people.
#[derive(Debug, Clone)]
pub enum Publisher {
    /// An API key.
    Key(KeyHolder),
    /// An administrator, who may publish anything anywhere.
    Admin(Caller),
}

impl Publisher {
    /// To whom an `Idempotency-Key` belongs: the key's id, or the administrator's.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Key(holder) => holder.key.id.as_str(),
            Self::Admin(caller) => caller.user.as_str(),
        }
    }

    /// Whether this event may be published.
    #[must_use]
    pub fn may_send(&self, event: &str) -> bool {
        match self {
            Self::Key(holder) => holder.key.events.0.allows(event),
            Self::Admin(_) => true,
        }
    }

    /// Whether something may be published to the room of this name.
    #[must_use]
    pub fn may_reach(&self, room: &str) -> bool {
        match self {
            Self::Key(holder) => holder.key.rooms.0.allows(room),
            Self::Admin(_) => true,
        }
    }

    /// To be asked when the body is here, which may have taken its time: a key that was revoked
    /// meanwhile opens nothing any more.
    ///
    /// # Errors
    /// 401, 503.
    pub async fn still_holds(&self, auth: &Auth) -> Result<()> {
        match self {
            Self::Key(holder) => auth.key_remains(holder.key.id, holder.revoked).await,
            Self::Admin(_) => Ok(()),
        }
    }
}

impl FromRequest for Holder {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let auth = request.app_data::<Data<Auth>>().cloned();
        let bearer = bearer(request.headers()).map(str::to_owned);
        async move {
            let auth = auth.ok_or_else(|| Error::internal("no Auth in the app's data"))?;
            let bearer = bearer.ok_or(Error::Unauthorized)?;
            if bearer.starts_with(PREFIX) {
                let (key, revoked) = auth.find_key(&bearer).await?;
                return Ok(Self::Key(KeyHolder { key, revoked }));
            }
            auth.identify(&bearer).await.map(|identity| Self::Person(Caller(identity)))
        }
        .boxed_local()
    }
}

impl FromRequest for Publisher {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let holder = Holder::from_request(request, payload);
        async move {
            match holder.await? {
                Holder::Key(key) => Ok(Self::Key(key)),
                Holder::Person(caller) if caller.is_admin() => Ok(Self::Admin(caller)),
                Holder::Person(_) => Err(Error::forbidden("API keys and administrators publish")),
            }
        }
        .boxed_local()
    }
}
