//! The stored notices, as the broker reads them.

use super::outbox::Row;
use crate::{
    broker::{Away, History, Page},
    error::Result,
    notice::Seq,
    sql,
    store::{
        Store,
        schema::{outbox, sequence},
    },
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::{FutureExt as _, future::BoxFuture};

/// Reads the outbox.
#[derive(Clone)]
pub struct StoredHistory(pub Store);

impl StoredHistory {
    /// The newest notice there is, and up to where nothing is kept.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn bounds(&self) -> Result<(Seq, Seq)> {
        let mut conn = self.0.read().await?;
        let (newest, pruned): (i64, i64) =
            sql!(&mut conn, |c| sequence::table.select((sequence::newest, sequence::pruned)).first(c).await)?;
        Ok((Seq(newest), Seq(pruned)))
    }

    async fn page(self, after: Seq, limit: usize) -> Result<Page> {
        let mut conn = self.0.read().await?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let (rows, newest, pruned) = conn
            .snapshot(async |conn| {
                // First the bounds: what is newer than `newest` is left for the next page.
                let (newest, pruned): (i64, i64) =
                    sql!(conn, |c| sequence::table.select((sequence::newest, sequence::pruned)).first(c).await)?;
                let rows: Vec<Row> = sql!(conn, |c| outbox::table
                    .filter(outbox::seq.gt(after.0))
                    .order(outbox::seq)
                    .limit(limit)
                    .select(Row::as_select())
                    .load(c)
                    .await)?;
                Ok((rows, newest, pruned))
            })
            .await?;
        let notices = rows.into_iter().map(Row::into_notice).collect();
        Ok(Page { notices, newest: Seq(newest), pruned: Seq(pruned) })
    }
}

impl History for StoredHistory {
    fn after(&self, after: Seq, limit: usize) -> BoxFuture<'static, Result<Page, Away>> {
        // The cause is logged where it happened.
        self.clone().page(after, limit).map(|page| page.map_err(|_| Away)).boxed()
    }
}
