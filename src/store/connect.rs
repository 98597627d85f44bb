//! Opening the database named by `DATABASE_URL` and bringing its tables up to date.

use super::{Pools, Sqlite, Store};
use crate::error::{Error, Result};
use deadpool::Runtime;
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{
    AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, SimpleAsyncConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, PoolError, RecyclingMethod,
        deadpool::{Hook, HookError, Pool},
    },
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use futures_util::{FutureExt as _, future::BoxFuture};
use std::{sync::Arc, time::Duration};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Connections that read at the same time; more only queue at the disk or at PostgreSQL's limit.
const READERS: usize = 8;
/// Connections for look-ups: each is used within one step of a thread, so more than threads are never out.
const LOOKUPS: usize = 64;
/// How long a request waits for a connection before it is told 503.
const WAIT: Duration = Duration::from_secs(5);

/// WAL: readers do not wait for the writer. FULL: a commit survives the power going. The timeout
/// comes first: setting WAL meets a lock when somebody is just closing the same file.
const WRITER: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                      PRAGMA foreign_keys = ON;";
const READER: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;";

/// A `DATABASE_URL` of neither kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a database is `sqlite:PATH` or `postgres://…`, not `{0}…`")]
pub struct BadUrl(String);

/// Once per kind of connection: the bounds that a generic function would need are Diesel's own affair.
macro_rules! migrate {
    ($pool:expr) => {{
        let conn = $pool.get().await.map_err(super::away)?;
        AsyncMigrationHarness::new(conn).run_pending_migrations(MIGRATIONS).map_err(Error::internal)?;
    }};
}

macro_rules! pool {
    ($manager:expr, $size:expr $(, $hook:expr)?) => {
        Pool::builder($manager)
            $(.pre_recycle($hook))?
            .max_size($size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .build()
            .ok()
    };
}

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…`; touches nothing until [`Store::migrate`].
    ///
    /// # Errors
    /// [`BadUrl`] names the scheme only: the rest may hold a password.
    pub fn open(url: &str) -> Result<Self, BadUrl> {
        let bad = || BadUrl(url.split(':').next().unwrap_or_default().chars().take(16).collect());
        let pools = match url.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Pools::Sqlite {
                writer: in_place(path, WRITER, 1).ok_or_else(bad)?,
                lookups: in_place(path, READER, LOOKUPS).ok_or_else(bad)?,
                readers: elsewhere(path, READER, READERS).ok_or_else(bad)?,
            },
            Some(("postgres" | "postgresql", _)) => Pools::Postgres {
                writer: postgres(url, 1).ok_or_else(bad)?,
                readers: postgres(url, READERS).ok_or_else(bad)?,
            },
            _ => return Err(bad()),
        };
        Ok(Self(Arc::new(pools)))
    }

    /// Brings the tables up to date. Blocks; to be called before the workers start, from a thread
    /// that runs no runtime of its own.
    ///
    /// # Errors
    /// 503 when the database can't be reached, 500 when a migration fails.
    pub fn migrate(&self) -> Result<()> {
        // The harness blocks on async calls, which only a multi-thread runtime allows.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(Error::internal)?;
        runtime.block_on(async {
            match &*self.0 {
                Pools::Sqlite { writer, .. } => migrate!(writer),
                Pools::Postgres { writer, .. } => {
                    migrate!(writer);
                    // Its driver lives on this runtime, which ends here.
                    writer.retain(|_, _| false);
                }
            }
            Ok(())
        })
    }
}

/// Connections whose calls run on the calling thread. None is ever given back in the middle of a call.
fn in_place(path: &str, pragmas: &'static str, size: usize) -> Option<Pool<Sqlite>> {
    let open = move |path: String| async move { ready_with(Sqlite::in_place(&path)?, pragmas).await }.boxed();
    pool!(manager(path, open), size)
}

/// Connections whose calls run on blocking threads.
fn elsewhere(path: &str, pragmas: &'static str, size: usize) -> Option<Pool<Sqlite>> {
    // What the one before began and did not wait for may still run: diesel-async panics on looking
    // at such a connection. An empty call of ours comes after it (see `Blocking`).
    let idle = Hook::async_fn(|conn: &mut Sqlite, _| {
        let turn = match conn {
            Sqlite::InPlace(_) => futures_util::future::ready(Ok(())).boxed(),
            Sqlite::Elsewhere(conn) => conn.spawn_blocking(|_| Ok(())),
        };
        Box::pin(async move { turn.await.map_err(|error| HookError::Backend(PoolError::QueryError(error))) })
    });
    let open = move |path: String| async move { ready_with(Sqlite::establish(&path).await?, pragmas).await }.boxed();
    pool!(manager(path, open), size, idle)
}

fn manager(
    path: &str,
    open: impl Fn(String) -> BoxFuture<'static, ConnectionResult<Sqlite>> + Send + Sync + 'static,
) -> AsyncDieselConnectionManager<Sqlite> {
    let mut config = ManagerConfig::<Sqlite>::default();
    config.custom_setup = Box::new(move |path| open(path.to_owned()));
    // A file does not go away while nobody looks.
    config.recycling_method = RecyclingMethod::Fast;
    AsyncDieselConnectionManager::new_with_config(path, config)
}

async fn ready_with(mut conn: Sqlite, pragmas: &str) -> ConnectionResult<Sqlite> {
    conn.batch_execute(pragmas).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

fn postgres(url: &str, size: usize) -> Option<Pool<AsyncPgConnection>> {
    pool!(AsyncDieselConnectionManager::new(url), size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql;
    use diesel_async::RunQueryDsl;

    #[test]
    fn a_connection_whose_caller_went_away_in_the_middle_of_a_query_is_good_for_the_next() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&format!("sqlite:{}", dir.path().join("db").display())).expect("a store");
        store.migrate().expect("tables");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        // Counts to a hundred thousand: long enough to be in the middle of.
        let slow = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) \
                    SELECT count(*) FROM n";
        runtime.block_on(async {
            for _ in 0..20 {
                let mut conn = store.read().await.expect("a connection");
                let query = async { sql!(&mut conn, |c| diesel::sql_query(slow).execute(c).await) };
                assert!(query.now_or_never().is_none(), "begun, not done");
                drop(conn);
                let mut next = store.read().await.expect("a connection");
                sql!(&mut next, |c| diesel::sql_query("SELECT 1").execute(c).await).expect("an answer");
            }
        });
    }
}
