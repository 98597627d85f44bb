//! A connection to the SQLite file. Where its blocking calls run is decided when it is opened:
//!
//! - **In place**, on the thread that asks: the committer's connection, since its thread does nothing else, and
//!   those for look-ups by key ([`super::Store::lookup`]), since a hop to another thread and back costs several times
//!   what such a statement does. A query goes to Diesel as it is, which knows its statement by its type: no text is
//!   built, no value is copied to be moved to another thread.
//! - **Elsewhere**, on tokio's blocking threads: all others, so that a long query does not hold up a worker.

use super::blocking::Blocking;
use diesel::{
    ConnectionResult, QueryResult, SqliteConnection,
    connection::{
        AnsiTransactionManager, CacheSize, Connection, Instrumentation, LoadConnection, SimpleConnection as _,
        TransactionManager as Transactions, TransactionManagerStatus,
    },
    query_builder::{AsQuery, AstPass, Query, QueryFragment, QueryId},
    row::IntoOwnedRow,
    sql_types::Untyped,
    sqlite,
};
use diesel_async::{
    AsyncConnection, AsyncConnectionCore, SimpleAsyncConnection, TransactionManager,
    pooled_connection::PoolableConnection,
    sync_connection_wrapper::{SyncConnectionWrapper, SyncTransactionManagerWrapper},
};
use futures_util::{
    future::{BoxFuture, FutureExt as _, ready},
    stream::{self, BoxStream, StreamExt as _},
};
use std::sync::Arc;

/// One whose calls run on blocking threads.
pub type Elsewhere = SyncConnectionWrapper<SqliteConnection, Blocking>;

/// A connection.
pub enum Sqlite {
    /// Its calls run on the calling thread.
    InPlace(SqliteConnection),
    /// Its calls run on blocking threads.
    Elsewhere(Elsewhere),
}

impl Sqlite {
    /// Opens one whose calls run on the calling thread.
    pub(super) fn in_place(path: &str) -> ConnectionResult<Self> {
        SqliteConnection::establish(path).map(Self::InPlace)
    }
}

/// Diesel's rows, copied out of the statement: they outlive it, and may change threads.
type Row = <Elsewhere as AsyncConnectionCore>::Row<'static, 'static>;

impl SimpleAsyncConnection for Sqlite {
    async fn batch_execute(&mut self, text: &str) -> QueryResult<()> {
        match self {
            Self::InPlace(conn) => conn.batch_execute(text),
            Self::Elsewhere(conn) => conn.batch_execute(text).await,
        }
    }
}

impl AsyncConnectionCore for Sqlite {
    type ExecuteFuture<'conn, 'query> = BoxFuture<'query, QueryResult<usize>>;
    type LoadFuture<'conn, 'query> = BoxFuture<'query, QueryResult<Self::Stream<'conn, 'query>>>;
    type Stream<'conn, 'query> = BoxStream<'static, QueryResult<Row>>;
    type Row<'conn, 'query> = Row;
    type Backend = sqlite::Sqlite;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Self::Backend> + QueryId + 'query,
    {
        match self {
            Self::InPlace(conn) => {
                let rows = load(conn, source.as_query());
                ready(rows.map(|rows| stream::iter(rows).boxed())).boxed()
            }
            Self::Elsewhere(conn) => conn.load(source),
        }
    }

    fn execute_returning_count<'conn, 'query, T>(&'conn mut self, source: T) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Self::Backend> + QueryId + 'query,
    {
        match self {
            Self::InPlace(conn) => ready(Connection::execute_returning_count(conn, &source)).boxed(),
            Self::Elsewhere(conn) => conn.execute_returning_count(source),
        }
    }
}

fn load<Q>(conn: &mut SqliteConnection, query: Q) -> QueryResult<Vec<QueryResult<Row>>>
where
    Q: QueryFragment<sqlite::Sqlite> + QueryId,
{
    // Columns are asked for by name only where the query is somebody's own text, which has no id.
    let mut names = Q::HAS_STATIC_QUERY_ID.then(|| Arc::from([]));
    LoadConnection::load(conn, Plain(query))?.map(|row| Ok(Ok(row?.into_owned(&mut names)))).collect()
}

/// A query whose columns' types nobody asks for: [`AsyncConnectionCore::load`] does not know them.
struct Plain<Q>(Q);

impl<Q> Query for Plain<Q> {
    type SqlType = Untyped;
}

impl<Q: QueryId> QueryId for Plain<Q> {
    type QueryId = Q::QueryId;

    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

impl<Q: QueryFragment<sqlite::Sqlite>> QueryFragment<sqlite::Sqlite> for Plain<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, sqlite::Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }
}

impl AsyncConnection for Sqlite {
    type TransactionManager = Turns;

    async fn establish(path: &str) -> ConnectionResult<Self> {
        Elsewhere::establish(path).await.map(Self::Elsewhere)
    }

    fn transaction_state(&mut self) -> &mut AnsiTransactionManager {
        match self {
            Self::InPlace(conn) => conn.transaction_state(),
            Self::Elsewhere(conn) => conn.transaction_state(),
        }
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        match self {
            Self::InPlace(conn) => conn.instrumentation(),
            Self::Elsewhere(conn) => conn.instrumentation(),
        }
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        match self {
            Self::InPlace(conn) => conn.set_instrumentation(instrumentation),
            Self::Elsewhere(conn) => conn.set_instrumentation(instrumentation),
        }
    }

    fn set_prepared_statement_cache_size(&mut self, size: CacheSize) {
        match self {
            Self::InPlace(conn) => conn.set_prepared_statement_cache_size(size),
            Self::Elsewhere(conn) => conn.set_prepared_statement_cache_size(size),
        }
    }
}

impl PoolableConnection for Sqlite {}

/// Begins and ends transactions, as Diesel does.
pub struct Turns;

type ThereToo = SyncTransactionManagerWrapper<AnsiTransactionManager>;

impl TransactionManager<Sqlite> for Turns {
    type TransactionStateData = AnsiTransactionManager;

    async fn begin_transaction(conn: &mut Sqlite) -> QueryResult<()> {
        match conn {
            Sqlite::InPlace(conn) => <AnsiTransactionManager as Transactions<_>>::begin_transaction(conn),
            Sqlite::Elsewhere(conn) => ThereToo::begin_transaction(conn).await,
        }
    }

    async fn rollback_transaction(conn: &mut Sqlite) -> QueryResult<()> {
        match conn {
            Sqlite::InPlace(conn) => <AnsiTransactionManager as Transactions<_>>::rollback_transaction(conn),
            Sqlite::Elsewhere(conn) => ThereToo::rollback_transaction(conn).await,
        }
    }

    async fn commit_transaction(conn: &mut Sqlite) -> QueryResult<()> {
        match conn {
            Sqlite::InPlace(conn) => <AnsiTransactionManager as Transactions<_>>::commit_transaction(conn),
            Sqlite::Elsewhere(conn) => ThereToo::commit_transaction(conn).await,
        }
    }

    fn transaction_manager_status_mut(conn: &mut Sqlite) -> &mut TransactionManagerStatus {
        match conn {
            Sqlite::InPlace(conn) => <AnsiTransactionManager as Transactions<_>>::transaction_manager_status_mut(conn),
            Sqlite::Elsewhere(conn) => ThereToo::transaction_manager_status_mut(conn),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::{QueryableByName, sql_types::Integer};
    use diesel_async::RunQueryDsl as _;

    #[derive(Debug, PartialEq, QueryableByName)]
    struct Numbers {
        #[diesel(sql_type = Integer)]
        first: i32,
        #[diesel(sql_type = Integer)]
        second: i32,
    }

    #[test]
    fn columns_of_ones_own_text_are_found_by_name_in_place_as_well() {
        let mut conn = Sqlite::in_place(":memory:").expect("a connection");
        let query = diesel::sql_query("SELECT 2 AS second, 1 AS first");
        let said = query.get_result::<Numbers>(&mut conn).now_or_never().expect("done at once");
        assert_eq!(said, Ok(Numbers { first: 1, second: 2 }));
    }

    #[test]
    fn a_transaction_that_is_left_open_is_noticed_in_place_as_well() {
        let mut conn = Sqlite::in_place(":memory:").expect("a connection");
        Turns::begin_transaction(&mut conn).now_or_never().expect("done at once").expect("a transaction");
        assert!(conn.is_broken(), "no pool gives it to the next");
        Turns::rollback_transaction(&mut conn).now_or_never().expect("done at once").expect("its end");
        assert!(!conn.is_broken());
    }
}
