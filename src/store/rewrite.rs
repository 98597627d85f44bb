//! Updates as prepared statements.

use diesel::{
    backend::Backend,
    query_builder::{AsChangeset, AstPass, QueryFragment, QueryId},
    query_source::QuerySource,
    result::QueryResult,
};

/// `UPDATE … SET … WHERE …`, prepared once for each text, on both databases. Diesel's own is prepared for each
/// change, since it can't know how many texts there are: SQLite then parses and plans it each time, which costs
/// more than doing it.
///
/// Only where there are few texts: a prepared statement is never forgotten.
#[derive(Debug)]
pub struct Rewrite<F, C, W> {
    table: F,
    changes: C,
    rows: W,
}

impl<F, C, W> Rewrite<F, C, W> {
    /// Makes `changes` to the `rows` of a table.
    pub fn of<T: QuerySource<FromClause = F>>(
        table: &T,
        rows: W,
        changes: impl AsChangeset<Target = T, Changeset = C>,
    ) -> Self {
        Self { table: table.from_clause(), changes: changes.as_changeset(), rows }
    }
}

/// It is known by its text.
impl<F, C, W> QueryId for Rewrite<F, C, W> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB, F, C, W> QueryFragment<DB> for Rewrite<F, C, W>
where
    DB: Backend,
    F: QueryFragment<DB>,
    C: QueryFragment<DB>,
    W: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql("UPDATE ");
        self.table.walk_ast(pass.reborrow())?;
        pass.push_sql(" SET ");
        self.changes.walk_ast(pass.reborrow())?;
        pass.push_sql(" WHERE ");
        self.rows.walk_ast(pass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Sqlite, schema::sequence};
    use diesel::{ExpressionMethods as _, QueryDsl as _, connection::InstrumentationEvent};
    use diesel_async::{AsyncConnection as _, RunQueryDsl as _, SimpleAsyncConnection as _};
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    };

    #[test]
    fn an_update_is_prepared_once_whatever_its_values() {
        let mut conn = Sqlite::in_place(":memory:").expect("a database");
        let kept = Arc::new(AtomicUsize::default());
        let count = Arc::clone(&kept);
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::CacheQuery { .. }) {
                count.fetch_add(1, Relaxed);
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            conn.batch_execute("CREATE TABLE sequence (id BIGINT, newest BIGINT); INSERT INTO sequence VALUES (1, 0)")
                .await
                .expect("a table");
            for newest in 1..4_i64 {
                let update = Rewrite::of(&sequence::table, sequence::id.eq(1), sequence::newest.eq(newest));
                assert_eq!(update.execute(&mut conn).await, Ok(1));
                let other = Rewrite::of(&sequence::table, sequence::id.eq(2), sequence::newest.eq(newest));
                assert_eq!(other.execute(&mut conn).await, Ok(0));
            }
            assert_eq!(AtomicUsize::load(&kept, Relaxed), 1);
            assert_eq!(sequence::table.select(sequence::newest).first(&mut conn).await, Ok(3_i64));
        });
    }
}
