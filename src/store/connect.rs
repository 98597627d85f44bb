//! Opening the database named by `DATABASE_URL` and bringing its tables up to date.

use super::{Pools, Sqlite, Store};
use crate::error::{Error, Result};
use deadpool::Runtime;
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{
    AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, SimpleAsyncConnection,
    pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, deadpool::Pool},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::{sync::Arc, time::Duration};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Connections that read at the same time; more only queue at the disk or at PostgreSQL's limit.
const READERS: usize = 8;
/// How long a request waits for a connection before it is told 503.
const WAIT: Duration = Duration::from_secs(5);

/// WAL: readers do not wait for the writer. FULL: a commit survives the power going.
const WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; \
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
    ($manager:expr, $size:expr) => {
        Pool::builder($manager)
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
                writer: sqlite(path, WRITER, 1).ok_or_else(bad)?,
                readers: sqlite(path, READER, READERS).ok_or_else(bad)?,
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

fn sqlite(path: &str, pragmas: &'static str, size: usize) -> Option<Pool<Sqlite>> {
    let mut config = ManagerConfig::<Sqlite>::default();
    config.custom_setup = Box::new(move |path| {
        let path = path.to_owned();
        Box::pin(async move {
            let mut conn = Sqlite::establish(&path).await?;
            ready(conn.batch_execute(pragmas).await)?;
            Ok(conn)
        })
    });
    pool!(AsyncDieselConnectionManager::new_with_config(path, config), size)
}

fn postgres(url: &str, size: usize) -> Option<Pool<AsyncPgConnection>> {
    pool!(AsyncDieselConnectionManager::new(url), size)
}

fn ready(outcome: diesel::QueryResult<()>) -> ConnectionResult<()> {
    outcome.map_err(ConnectionError::CouldntSetupConfiguration)
}
