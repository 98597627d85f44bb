//! The database: SQLite or PostgreSQL, chosen by the URL when the program starts.
//!
//! Every query is written once: [`sql!`](crate::sql) expands its body for both connections. Writes go through
//! [`crate::delivery::outbox`] alone, on the one writing connection; everybody may read.

mod blocking;
mod columns;
mod connect;
mod rewrite;
mod savepoint;
#[expect(missing_docs, reason = "generated: the tables are described in the migration")]
pub mod schema;
mod sqlite;
mod text_enum;

pub use columns::Json;
pub use connect::BadUrl;
pub use rewrite::Rewrite;
pub use sqlite::Sqlite;

use crate::error::{Error, Result};
use diesel::result::QueryResult;
use diesel_async::{
    AsyncConnection, AsyncPgConnection, TransactionManager,
    pooled_connection::deadpool::{Object, Pool},
};

#[expect(clippy::large_enum_variant, reason = "one per request, moved once; a box would cost more")]
/// One connection, taken from a pool and given back when dropped.
pub enum Conn {
    /// To the SQLite file.
    Sqlite(Object<Sqlite>),
    /// To the PostgreSQL server.
    Postgres(Object<AsyncPgConnection>),
}

/// Runs one Diesel expression on whichever database is connected: `sql!(conn, |c| query.load(c).await)`.
#[macro_export]
macro_rules! sql {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::store::Conn::Sqlite(object) => {
                let $c = &mut **object;
                $body
            }
            $crate::store::Conn::Postgres(object) => {
                let $c = &mut **object;
                $body
            }
        }
    };
}

/// Most rows in one statement: PostgreSQL takes 65,535 values, and a row has at most 32.
pub const ROWS_AT_ONCE: usize = 1000;

/// Inserts a slice of rows: `insert_all!(conn, table, &rows)`, in few statements on PostgreSQL, since
/// each is a round trip, during which everybody waits for the one writer. On SQLite, for which
/// diesel-async has no batch insert, one by one: there the statement is prepared once and is no trip.
#[macro_export]
macro_rules! insert_all {
    ($conn:expr, $table:expr, $rows:expr) => {
        match $conn {
            $crate::store::Conn::Sqlite(object) => {
                let mut done = Ok(());
                for row in $rows {
                    done = diesel::insert_into($table).values(row).execute(&mut **object).await.map(drop);
                    if done.is_err() {
                        break;
                    }
                }
                done
            }
            $crate::store::Conn::Postgres(object) => {
                let mut done = Ok(());
                for rows in $rows.chunks($crate::store::ROWS_AT_ONCE) {
                    // A statement for one is always the same: it stays prepared.
                    done = match rows {
                        [row] => diesel::insert_into($table).values(row).execute(&mut **object).await,
                        rows => diesel::insert_into($table).values(rows).execute(&mut **object).await,
                    }
                    .map(drop);
                    if done.is_err() {
                        break;
                    }
                }
                done
            }
        }
    };
}

type Manager<C> = <C as AsyncConnection>::TransactionManager;

async fn begin_on<C: AsyncConnection>(conn: &mut C) -> QueryResult<()> {
    Manager::<C>::begin_transaction(conn).await
}

async fn commit_on<C: AsyncConnection>(conn: &mut C) -> QueryResult<()> {
    Manager::<C>::commit_transaction(conn).await
}

async fn rollback_on<C: AsyncConnection>(conn: &mut C) -> QueryResult<()> {
    Manager::<C>::rollback_transaction(conn).await
}

impl Conn {
    /// Begins a transaction, or a savepoint inside one.
    pub async fn begin(&mut self) -> QueryResult<()> {
        sql!(self, |c| begin_on(c).await)
    }

    /// Commits what the last [`Conn::begin`] began.
    pub async fn commit(&mut self) -> QueryResult<()> {
        sql!(self, |c| commit_on(c).await)
    }

    /// Takes back what was done since the last [`Conn::begin`].
    pub async fn rollback(&mut self) -> QueryResult<()> {
        sql!(self, |c| rollback_on(c).await)
    }

    /// Several reads that see one and the same state of the database.
    pub async fn snapshot<T>(&mut self, read: impl AsyncFnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.begin().await?;
        if let Self::Postgres(conn) = self {
            use diesel_async::SimpleAsyncConnection;
            let level = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
            if let Err(error) = conn.batch_execute(level).await {
                self.rollback().await.ok();
                return Err(error.into());
            }
        }
        let outcome = read(self).await;
        // Nothing was written; ending it gives the snapshot back.
        self.rollback().await?;
        outcome
    }
}

enum Pools {
    Sqlite { readers: Pool<Sqlite>, lookups: Pool<Sqlite>, writer: Pool<Sqlite> },
    Postgres { readers: Pool<AsyncPgConnection>, writer: Pool<AsyncPgConnection> },
}

/// The way to the database; cheap to clone.
#[derive(Clone)]
pub struct Store(std::sync::Arc<Pools>);

impl Store {
    /// A connection to read with. 503 when none is to be had within the pool's time limit.
    pub async fn read(&self) -> Result<Conn> {
        match &*self.0 {
            Pools::Sqlite { readers, .. } => readers.get().await.map(Conn::Sqlite),
            Pools::Postgres { readers, .. } => readers.get().await.map(Conn::Postgres),
        }
        .map_err(away)
    }

    /// A connection for look-ups by key, of a few rows at most: on SQLite they run on the calling thread, which
    /// must not be held up. 503 as for [`Store::read`].
    pub async fn lookup(&self) -> Result<Conn> {
        match &*self.0 {
            Pools::Sqlite { lookups, .. } => lookups.get().await.map(Conn::Sqlite).map_err(away),
            Pools::Postgres { .. } => self.read().await,
        }
    }

    /// The one connection to write with; for the committer and for migrations only.
    pub(crate) async fn write(&self) -> Result<Conn> {
        match &*self.0 {
            Pools::Sqlite { writer, .. } => writer.get().await.map(Conn::Sqlite),
            Pools::Postgres { writer, .. } => writer.get().await.map(Conn::Postgres),
        }
        .map_err(away)
    }
}

fn away(error: impl std::fmt::Display) -> Error {
    log::warn!("no database connection: {error}");
    Error::Unavailable("the database is away".into())
}
