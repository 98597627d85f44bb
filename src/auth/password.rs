//! Passwords: Argon2id, away from the async threads, a few at a time (CONTRACT 2).

use super::settings::Cost;
use crate::{
    error::{Error, Result},
    secret::Secret,
};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc};
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Text};
use std::{fmt, sync::Arc};
use tokio::sync::Semaphore;

/// Most logins that wait for their hash; more are told 503, so that they can't fill memory.
const WAITING_MAX: usize = 1024;
/// Longest password, in bytes: nobody types more, and hashing reads all of it.
pub const PASSWORD_MAX: usize = 1024;

/// A password as it is stored: its salted hash, with what the hash cost (PHC text).
#[derive(Clone, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct PasswordHash(String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hash)")
    }
}

impl<DB: diesel::backend::Backend> diesel::serialize::ToSql<Text, DB> for PasswordHash
where
    str: diesel::serialize::ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
        self.0.as_str().to_sql(out)
    }
}

impl<DB: diesel::backend::Backend> diesel::deserialize::FromSql<Text, DB> for PasswordHash
where
    String: diesel::deserialize::FromSql<Text, DB>,
{
    fn from_sql(raw: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
        String::from_sql(raw).map(Self)
    }
}

/// Hashes and checks passwords.
pub struct Passwords {
    argon: Argon2<'static>,
    /// Of no password: checked when there is no such user, so that it takes as long.
    nobody: PasswordHash,
    /// Each hash takes a core and its memory: no more at once than there are cores.
    running: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Passwords {
    /// At this cost. Hashes once, so it blocks for as long as one login takes.
    ///
    /// # Errors
    /// 500 for a cost that Argon2 does not take.
    pub fn new(cost: Cost) -> Result<Self> {
        let params = Params::new(cost.memory, cost.passes, 1, None).map_err(Error::internal)?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let nobody = hash(&argon, &uuid::Uuid::new_v4().to_string())?;
        let (running, waiting) = (Arc::new(Semaphore::new(cores)), Semaphore::new(WAITING_MAX));
        Ok(Self { argon, nobody, running, waiting })
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// 503 when too many wait.
    pub async fn hash(&self, password: Secret) -> Result<PasswordHash> {
        let argon = self.argon.clone();
        self.run(|| Ok(()), move || hash(&argon, password.expose()), |_| ()).await
    }

    /// Whether this is the password. Takes as long when there is no such user.
    ///
    /// `admit` is asked when it is this attempt's turn, not when it came: hundreds of guesses sent
    /// at once must not all slip in before the first has failed. `settle` hears how it went before
    /// the next one's turn.
    ///
    /// # Errors
    /// What `admit` says; 503 when too many wait.
    pub async fn verify(
        &self,
        password: Secret,
        stored: Option<PasswordHash>,
        admit: impl FnOnce() -> Result<()>,
        settle: impl FnOnce(bool),
    ) -> Result<bool> {
        let argon = self.argon.clone();
        let exists = stored.is_some();
        let against = stored.unwrap_or_else(|| self.nobody.clone());
        let check = move || {
            let against = phc::PasswordHash::new(&against.0).map_err(Error::internal)?;
            Ok(argon.verify_password(password.expose().as_bytes(), &against).is_ok() && exists)
        };
        self.run(admit, check, |right| settle(*right)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        admit: impl FnOnce() -> Result<()>,
        work: impl FnOnce() -> Result<T> + Send + 'static,
        settle: impl FnOnce(&T),
    ) -> Result<T> {
        let busy = || Error::Unavailable("too many are logging in at the moment".into());
        let _waiting = self.waiting.try_acquire().map_err(|_| busy())?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| busy())?;
        admit()?;
        // The turn goes along and comes back: should the caller be gone, it ends with the hash.
        let done = tokio::task::spawn_blocking(move || (work(), turn));
        let (outcome, _turn) = done.await.map_err(Error::internal)?;
        outcome.inspect(settle)
    }
}

fn hash(argon: &Argon2<'_>, password: &str) -> Result<PasswordHash> {
    let hash: phc::PasswordHash = argon.hash_password(password.as_bytes()).map_err(Error::internal)?;
    Ok(PasswordHash(hash.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn only_the_password_itself_matches_and_nobody_matches_nothing() {
        let passwords = Passwords::new(Cost::CHEAP).expect("cheap Argon2");
        let hash = passwords.hash(Secret::new("correct horse")).await.expect("a hash");
        let verify = async |text: &str, hash| {
            passwords.verify(Secret::new(text), hash, || Ok(()), |_| ()).await.expect("checked")
        };
        assert!(verify("correct horse", Some(hash.clone())).await);
        assert!(!verify("correct horse ", Some(hash.clone())).await);
        assert!(!verify("", Some(hash.clone())).await);
        assert!(!verify("correct horse", None).await);
        assert!(hash.0.starts_with("$argon2id$"), "{}", hash.0);
        assert_eq!(format!("{hash:?}"), "(hash)");
    }
}
