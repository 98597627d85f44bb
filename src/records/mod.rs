//! Records: what is stored, who may change it, who hears of it. Each kind is one file that reads as
//! its rules (start with [`departments`]); what they have in common is here and in the siblings
//! `routes` (the shared HTTP routes), `change` (from a change to its notices) and `listing`.

pub mod change;
pub mod departments;
pub mod event_groups;
pub mod events;
#[cfg(test)]
mod http_test;
pub mod jobs;
mod listing;
pub mod market;
pub mod routes;
#[cfg(test)]
mod stage;
mod told;
pub mod users;
mod viewer;

pub use crate::faults::Faults;
pub use change::{Edit, expect_version};
pub use listing::Listing;
pub use told::{Gone, Whole};
pub use viewer::Viewer;

use crate::{error::Result, notice::Room, store::Conn, time::Time};
use diesel::result::QueryResult;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use std::{fmt::Display, str::FromStr};

/// What became of a record that was asked to change.
#[derive(Debug)]
pub enum Update<R> {
    /// It is this now.
    Changed(R),
    /// It stays as it is; this new one came to be instead (a draft of a published event).
    Branched(R),
}

/// What became of a record that was asked to go.
#[derive(Debug)]
pub enum Removal<R> {
    /// It is no more.
    Gone,
    /// It stays, marked as deleted.
    Marked(R),
}

/// A kind of record. The rules are pure functions of the record, the input, the caller and the
/// time; the queries say where it lies. The machinery does the rest: transaction, version,
/// audience, notices, HTTP.
#[expect(async_fn_in_trait, reason = "only Herald implements it, and its futures stay on one thread")]
pub trait Record: Serialize + JsonSchema + Clone + Send + Sized + 'static {
    /// The `type` that clients see.
    const TYPE: &'static str;
    /// Whether the connection that a change comes from is told of it whatever it asks for (CONTRACT 1,
    /// Echo).
    const ECHOES: bool = false;
    /// Its id.
    type Id: FromStr + Display + Copy + Serialize + JsonSchema + Send + 'static;
    /// The body that makes one. Unknown fields are refused: `#[serde(deny_unknown_fields)]`.
    type Draft: DeserializeOwned + Send + 'static;
    /// The body that changes one; fields not given stay.
    type Patch: DeserializeOwned + Send + 'static;

    /// A new one. Errors: 403 for who may not, 422 for what can't be.
    fn create(draft: Self::Draft, by: &Viewer, now: Time) -> Result<Self>;

    /// It, changed. The machinery has checked that the caller sees it and raises `version`.
    /// Errors: 403, 409, 422.
    fn apply(self, patch: Self::Patch, by: &Viewer, now: Time) -> Result<Update<Self>>;

    /// It, removed. Errors: 403, 409.
    fn remove(self, by: &Viewer, now: Time) -> Result<Removal<Self>>;

    /// The rooms of those who may see it as it is.
    fn audience(&self) -> Vec<Room>;

    /// Whether the caller may read it over HTTP. Those who are told of it may; a kind of record
    /// that others have to reach as well, without hearing of it, says so here.
    fn readable_by(&self, by: &Viewer) -> bool {
        self.audience().iter().any(|room| by.is_in(room))
    }

    /// Its id.
    fn id(&self) -> Self::Id;

    /// How often it was written: 1 when new.
    fn version(&self) -> i64;

    /// Sets the version and the time of the change.
    fn stamp(&mut self, version: i64, now: Time);

    /// Checks what it refers to. Errors: 422 for what is not there.
    async fn check(&self, _conn: &mut Conn) -> Result<()> {
        Ok(())
    }

    /// What has to happen together with its coming: it is stored, nobody was told yet.
    async fn arrive(&self, _edit: &mut Edit<'_>) -> Result<()> {
        Ok(())
    }

    /// What has to happen together with its going: it is still stored, nobody was told yet.
    async fn depart(&self, _edit: &mut Edit<'_>) -> Result<()> {
        Ok(())
    }

    /// Reads one. Errors: `NotFound`.
    async fn find(conn: &mut Conn, id: Self::Id) -> QueryResult<Self>;
    /// Stores a new one.
    async fn insert(&self, conn: &mut Conn) -> QueryResult<()>;
    /// Stores a changed one, which was `before`.
    async fn update(&self, before: &Self, conn: &mut Conn) -> QueryResult<()>;
    /// Removes its row.
    async fn delete(&self, conn: &mut Conn) -> QueryResult<()>;
    /// Those the caller may see, in the order of their ids, as the listing asks.
    async fn list(conn: &mut Conn, by: &Viewer, listing: &Listing) -> QueryResult<Vec<Self>>;
}

/// Reads a field that was given, `null` included: with `#[serde(default)]`, `None` is what was not
/// given. `Option<T>` then refuses `null`, `Option<Option<T>>` takes it as the wish to clear.
///
/// # Errors
/// When the value is not a `T`.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// The parts of [`Record`] that are the same for every table: to be put into its `impl`. `linked`
/// names what keeps further tables in step after each write of the row. `rare` are columns that a change
/// seldom touches, to be left out of the changeset (`skip_update`): they are written when they differ. It pays for
/// those in an index, whose entry SQLite writes anew whenever the column is set.
#[macro_export]
macro_rules! stored_in {
    ($table:ident, $id:ty $(, linked = $link:path)? $(, rare = [$($rare:ident),+])?) => {
        type Id = $id;

        fn id(&self) -> $id {
            self.id
        }

        fn version(&self) -> i64 {
            self.version
        }

        fn stamp(&mut self, version: i64, now: $crate::time::Time) {
            self.version = version;
            self.updated_at = now;
        }

        async fn find(conn: &mut $crate::store::Conn, id: $id) -> diesel::QueryResult<Self> {
            $crate::sql!(conn, |c| $table::table.find(id).select(Self::as_select()).first(c).await)
        }

        async fn update(&self, before: &Self, conn: &mut $crate::store::Conn) -> diesel::QueryResult<()> {
            debug_assert_eq!(self.id, before.id, "the same record");
            // A text for each set of rare columns: few.
            $crate::sql!(conn, |c| {
                let changes = (
                    self,
                    $($((self.$rare != before.$rare).then(|| $table::$rare.eq(&self.$rare)),)+)?
                );
                $crate::store::Rewrite::of(&$table::table, $table::id.eq(self.id), changes).execute(c).await
            })?;
            $($link(self, Some(before), conn).await?;)?
            Ok(())
        }

        async fn insert(&self, conn: &mut $crate::store::Conn) -> diesel::QueryResult<()> {
            $crate::sql!(conn, |c| diesel::insert_into($table::table).values(self).execute(c).await)?;
            $($link(self, None, conn).await?;)?
            Ok(())
        }

        async fn delete(&self, conn: &mut $crate::store::Conn) -> diesel::QueryResult<()> {
            $crate::sql!(conn, |c| diesel::delete($table::table.find(self.id)).execute(c).await).map(drop)
        }
    };
}
