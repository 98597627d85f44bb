//! Savepoints as prepared statements. Diesel's own are sent as text, which is parsed again each time: at each
//! change, three times.

use super::Conn;
use crate::sql;
use diesel::{
    backend::Backend,
    query_builder::{AstPass, QueryFragment, QueryId},
    result::QueryResult,
};
use diesel_async::RunQueryDsl;

macro_rules! statement {
    ($name:ident, $text:literal) => {
        #[derive(QueryId)]
        struct $name;

        impl<DB: Backend> QueryFragment<DB> for $name {
            fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
                pass.push_sql($text);
                Ok(())
            }
        }
    };
}

statement!(Set, "SAVEPOINT change");
statement!(Release, "RELEASE SAVEPOINT change");
statement!(Return, "ROLLBACK TO SAVEPOINT change");

/// Inside a transaction; one at a time, they do not nest.
impl Conn {
    /// Sets the savepoint.
    pub async fn set_savepoint(&mut self) -> QueryResult<()> {
        sql!(self, |c| Set.execute(c).await).map(drop)
    }

    /// Keeps what was done since it was set.
    pub async fn release_savepoint(&mut self) -> QueryResult<()> {
        sql!(self, |c| Release.execute(c).await).map(drop)
    }

    /// Takes back what was done since it was set.
    pub async fn return_to_savepoint(&mut self) -> QueryResult<()> {
        sql!(self, |c| Return.execute(c).await)?;
        self.release_savepoint().await
    }
}
