//! Removing the files that nobody needs any more.

use super::files::{FileName, Files};
use crate::{
    error::{Error, Result},
    sql,
    store::{Store, schema::jobs},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::{collections::HashSet, time::Duration};

/// A file that came in just now is named by its job in a moment, or never. A request has ended long
/// before this.
const AGE: Duration = Duration::from_secs(3600);
/// Names in one query.
const STEP: usize = 500;

/// Removes the files that no job names: those of jobs that have ended, and of requests that died
/// between storing and committing. At the start and every minute or so.
///
/// # Errors
/// 503 when the database is away or the folder can't be read.
pub async fn sweep(files: &Files, store: &Store) -> Result<()> {
    let old = files.older_than(AGE).await.map_err(|error| {
        log::warn!("the folder of uploaded files can't be read: {error}");
        Error::Unavailable("the folder of uploaded files can't be read".into())
    })?;
    for step in old.chunks(STEP) {
        let names: Vec<&str> = step.iter().map(FileName::as_str).collect();
        let mut conn = store.read().await?;
        let of_jobs = jobs::table.filter(jobs::file.eq_any(&names)).select(jobs::file.assume_not_null());
        let needed: HashSet<String> = sql!(&mut conn, |c| of_jobs.load(c).await)?.into_iter().collect();
        for name in step.iter().filter(|name| !needed.contains(name.as_str())) {
            match files.remove(name).await {
                Ok(()) => log::debug!("the file {name} is needed no more"),
                Err(error) => log::warn!("the file {name} can't be removed: {error}"),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "sweep_test.rs"]
mod tests;
