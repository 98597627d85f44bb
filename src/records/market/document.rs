//! What the kinds of documents have in common: finding and listing those that the caller may see,
//! storing new and changed ones.

use crate::{
    answer::answer_list,
    auth::Caller,
    error::{Error, Result},
    identity::Identity,
    records::Listing,
    store::{Conn, Store},
};
use actix_web::{HttpRequest, HttpResponse, web};
use diesel::result::QueryResult;
use serde::Serialize;
use std::{fmt::Display, str::FromStr};

/// A kind of document: where it lies, and who may see it.
pub(super) trait Document: Serialize + Send + Sized + 'static {
    /// Its id.
    type Id: FromStr + Display + Copy + Send + 'static;

    /// Its id.
    fn id(&self) -> Self::Id;

    /// Reads one. Errors: `NotFound`.
    async fn find(conn: &mut Conn, id: Self::Id) -> QueryResult<Self>;

    /// Whether the caller may see it.
    async fn is_seen_by(&self, conn: &mut Conn, by: &Identity) -> QueryResult<bool>;

    /// Those that the caller may see, in the order of their ids, as the listing asks.
    async fn list(conn: &mut Conn, by: &Identity, listing: &Listing) -> QueryResult<Vec<Self>>;
}

/// Reads a document that the caller may see.
///
/// # Errors
/// 404 when there is none or the caller may not see it: both look the same.
pub(super) async fn seen<D: Document>(conn: &mut Conn, by: &Identity, id: D::Id) -> Result<D> {
    let document = D::find(conn, id).await?;
    if document.is_seen_by(conn, by).await? { Ok(document) } else { Err(Error::NotFound) }
}

/// `GET` on one document.
pub(super) async fn find<D: Document>(
    caller: Caller,
    id: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    let mut conn = store.read().await?;
    Ok(HttpResponse::Ok().json(seen::<D>(&mut conn, &caller, id).await?))
}

/// `GET` on all that the caller may see.
pub(super) async fn list<D: Document>(
    request: HttpRequest,
    caller: Caller,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let read = async |conn: &mut Conn, listing: &Listing| Ok(D::list(conn, &caller, listing).await?);
    list_of(&request, &store, |document: &D| document.id().to_string(), read).await
}

/// Answers a list that `read` reads, in the order of the ids that `id` names.
pub(super) async fn list_of<T: Serialize>(
    request: &HttpRequest,
    store: &Store,
    id: impl Fn(&T) -> String,
    read: impl AsyncFnOnce(&mut Conn, &Listing) -> Result<Vec<T>>,
) -> Result<HttpResponse> {
    let listing = Listing::of(request)?;
    let next = |entry: &T| listing.next(request.path(), &id(entry));
    let read = async |conn: &mut Conn| read(conn, &listing).await;
    answer_list(HttpResponse::Ok(), listing.limit, store.read().await?, next, read).await
}

/// The id in the path. Text that is no id names nothing that exists.
pub(super) fn id_of<T: FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::NotFound)
}

/// The queries that are the same for every kind of document with a status: to be put into its `impl`.
macro_rules! kept_in {
    ($table:ident, $id:ty, $status:ty) => {
        /// Stores a new one.
        pub(super) async fn insert(&self, conn: &mut $crate::store::Conn) -> diesel::QueryResult<()> {
            $crate::sql!(conn, |c| diesel::insert_into($table::table).values(self).execute(c).await).map(drop)
        }

        /// Stores a changed one, if it still is where it was. There is one writer, so it is; should
        /// that ever fail, the loser is told so and nothing is lost.
        pub(super) async fn store(&self, conn: &mut $crate::store::Conn, was: $status) -> $crate::error::Result<()> {
            let place = $table::table.filter($table::id.eq(self.id)).filter($table::status.eq(was));
            let change = diesel::update(place).set(self);
            match $crate::sql!(conn, |c| change.execute(c).await)? {
                1 => Ok(()),
                _ => Err($crate::error::Error::Conflict("it has changed meanwhile".into())),
            }
        }
    };
}
pub(super) use kept_in;

/// Whether a table has a row that passes the filter.
macro_rules! has {
    ($conn:expr, $table:ident, $filter:expr) => {{
        let found: i64 = $crate::sql!($conn, |c| $table::table.filter($filter).count().get_result(c).await)?;
        Ok(found > 0)
    }};
}
pub(super) use has;

/// One page of a table's rows that pass the filter, in the order of their ids, as the listing asks.
macro_rules! page {
    ($conn:expr, $listing:expr, $row:ident in $table:ident, $filter:expr) => {
        $crate::sql!($conn, |c| $table::table
            .filter($table::id.gt(&$listing.after))
            .filter($filter)
            .order($table::id)
            .limit($listing.limit)
            .select($row::as_select())
            .load(c)
            .await)
    };
}
pub(super) use page;

/// A document that is seen by its sides, named by their columns, and by administrators.
macro_rules! seen_by_its_sides {
    ($document:ident, $id:ty, $table:ident: $($side:ident),+) => {
        impl $crate::records::market::Document for $document {
            type Id = $id;

            fn id(&self) -> $id {
                self.id
            }

            async fn find(conn: &mut $crate::store::Conn, id: $id) -> diesel::QueryResult<Self> {
                $crate::sql!(conn, |c| $table::table.find(id).select(Self::as_select()).first(c).await)
            }

            async fn is_seen_by(
                &self,
                _: &mut $crate::store::Conn,
                by: &$crate::identity::Identity,
            ) -> diesel::QueryResult<bool> {
                Ok(by.is_admin() $(|| by.user == self.$side)+)
            }

            async fn list(
                conn: &mut $crate::store::Conn,
                by: &$crate::identity::Identity,
                listing: &$crate::records::Listing,
            ) -> diesel::QueryResult<Vec<Self>> {
                let visible = by.is_admin().into_sql::<diesel::sql_types::Bool>()$(.or($table::$side.eq(by.user)))+;
                $crate::records::market::page!(conn, listing, Self in $table, visible)
            }
        }
    };
}
pub(super) use seen_by_its_sides;
