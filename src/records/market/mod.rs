//! The marketplace (CONTRACT 8): buyers ask, sellers offer, one offer is accepted, the two chat, the
//! buyer pays, the seller is paid, and what goes wrong is disputed.
//!
//! Each kind of document is one file that reads as its rules: struct, input, the pure steps of its
//! state machine, queries, routes. Documents are no [`Record`](super::Record)s: nobody hears that "a
//! record changed", each step tells an event of its own to rooms of its own. What they have in common
//! is here; steps that move several documents at once are in `deal`, what the payment provider tells
//! in `provider` (docs/decisions/0012-marketplace.md).

mod chats;
mod deal;
mod desk;
mod disputes;
mod money;
mod offers;
mod payments;
mod payouts;
mod provider;
mod requests;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod strangers_test;

pub use money::{Currency, Money};
pub use offers::Offer;
pub use provider::{Told, told_by_provider};
pub use requests::PurchaseRequest;

use super::Listing;
use crate::{
    answer::answer_list,
    auth::Caller,
    error::{Error, Result},
    identity::Identity,
    store::{Conn, Store},
};
use actix_web::{HttpRequest, HttpResponse, web};
use diesel::result::QueryResult;
use serde::Serialize;
use std::{fmt::Display, str::FromStr};

/// Longest text that people write to each other: each travels whole, to everybody who may see it.
const TEXT_MAX: usize = 4_000;

/// The routes of the marketplace.
pub fn configure(cfg: &mut web::ServiceConfig) {
    requests::configure(cfg);
    deal::configure(cfg);
    offers::configure(cfg);
    chats::configure(cfg);
    payments::configure(cfg);
    payouts::configure(cfg);
    disputes::configure(cfg);
}

/// A kind of document: where it lies, and who may see it.
trait Document: Serialize + Send + Sized + 'static {
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
async fn seen<D: Document>(conn: &mut Conn, by: &Identity, id: D::Id) -> Result<D> {
    let document = D::find(conn, id).await?;
    if document.is_seen_by(conn, by).await? { Ok(document) } else { Err(Error::NotFound) }
}

/// `GET` on one document.
async fn find<D: Document>(caller: Caller, id: web::Path<String>, store: web::Data<Store>) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    let mut conn = store.read().await?;
    Ok(HttpResponse::Ok().json(seen::<D>(&mut conn, &caller, id).await?))
}

/// `GET` on all that the caller may see.
async fn list<D: Document>(request: HttpRequest, caller: Caller, store: web::Data<Store>) -> Result<HttpResponse> {
    let read = async |conn: &mut Conn, listing: &Listing| Ok(D::list(conn, &caller, listing).await?);
    list_of(&request, &store, |document: &D| document.id().to_string(), read).await
}

/// Answers a list that `read` reads, in the order of the ids that `id` names.
async fn list_of<T: Serialize>(
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
fn id_of<T: FromStr>(text: &str) -> Result<T> {
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
use kept_in;
