//! Who may come in: what the transports ask of `auth` and `delivery`.

use crate::{
    auth::Auth,
    broker::{Grant, Standing, presence::Ties},
    delivery::{Parties, Standings},
    error::{Error, Result},
    identity::Identity,
    ids::UserId,
    notice::Room,
    secret::Secret,
};
use futures_util::future::{BoxFuture, FutureExt as _};
use std::net::IpAddr;

/// What somebody shows at the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// An access token.
    Token(String),
    /// A one-use ticket.
    Ticket(String),
}

/// Checks who comes in. A trait, so that the wires can be tested without a database.
pub trait Gate: Send + Sync + 'static {
    /// Who shows this, and what they may see; a ticket is used up. What the identity says holds at least up to the
    /// place of the standing. 401, 503.
    fn admit(&self, credential: Credential) -> BoxFuture<'static, Result<(Identity, Standing)>>;

    /// Who a token says somebody is: 401 if it does not hold, 503 if it can't be checked.
    fn identify(&self, token: String) -> BoxFuture<'static, Result<Identity>>;

    /// Logs an administrator in, from this address: a token, and who it says they are. 401, 403 for
    /// anybody else, 429 after too many failures, 503.
    fn log_in_admin(
        &self,
        email: String,
        password: Secret,
        from: IpAddr,
    ) -> BoxFuture<'static, Result<(String, Identity)>>;

    /// By what the user may enter those of these rooms that belong to their parties. 503.
    fn grants(&self, user: UserId, rooms: Vec<Room>) -> BoxFuture<'static, Result<Vec<Grant>>>;

    /// What the user shares with these others. 503.
    fn ties(&self, user: UserId, others: Vec<UserId>) -> BoxFuture<'static, Result<Ties>>;
}

/// Herald's own gate.
#[derive(Clone)]
pub struct Guard {
    auth: Auth,
    standings: Standings,
    parties: Parties,
}

impl Guard {
    /// Asks these.
    #[must_use]
    pub const fn new(auth: Auth, standings: Standings, parties: Parties) -> Self {
        Self { auth, standings, parties }
    }
}

impl Gate for Guard {
    fn admit(&self, credential: Credential) -> BoxFuture<'static, Result<(Identity, Standing)>> {
        let Self { auth, standings, .. } = self.clone();
        async move {
            let claims = match credential {
                Credential::Token(token) => auth.read(&token).await?,
                Credential::Ticket(ticket) => auth.redeem(&ticket).await?,
            };
            // The place first: see `Standing::as_of`.
            let standing = standings.of(claims.user).await?;
            Ok((auth.narrow(claims).await?, standing))
        }
        .boxed()
    }

    fn identify(&self, token: String) -> BoxFuture<'static, Result<Identity>> {
        let auth = self.auth.clone();
        async move { auth.identify(&token).await }.boxed()
    }

    fn log_in_admin(
        &self,
        email: String,
        password: Secret,
        from: IpAddr,
    ) -> BoxFuture<'static, Result<(String, Identity)>> {
        let auth = self.auth.clone();
        async move {
            let (pair, _) = auth.login(&email, password, from).await?;
            let identity = auth.identify(&pair.access_token).await?;
            if identity.is_admin() {
                return Ok((pair.access_token, identity));
            }
            // Nobody will ever use that session.
            auth.logout(&identity).await?;
            Err(Error::forbidden("administrators only"))
        }
        .boxed()
    }

    fn grants(&self, user: UserId, rooms: Vec<Room>) -> BoxFuture<'static, Result<Vec<Grant>>> {
        let parties = self.parties.clone();
        async move { parties.grants(user, &rooms).await }.boxed()
    }

    fn ties(&self, user: UserId, others: Vec<UserId>) -> BoxFuture<'static, Result<Ties>> {
        let parties = self.parties.clone();
        async move { parties.ties(user, &others).await }.boxed()
    }
}
