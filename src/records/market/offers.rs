//! Offers: what a seller would do a request for, and the haggling about it. Accepting one is in `deal`.

use super::{
    Currency, Document, Money, TEXT_MAX,
    desk::Desk,
    find, has, id_of, kept_in, list, list_of, page,
    requests::{self, PurchaseRequest},
    seen, seen_by_its_sides,
};
use crate::{
    auth::Caller,
    body::Body,
    delivery::outbox::Tx,
    error::{Error, Result},
    identity::{Identity, Role},
    ids::{OfferId, RequestId, UserId},
    notice::{Audience, Room},
    payload_of,
    records::{Faults, Listing},
    sql,
    store::{Conn, Store, schema::offers},
    text_enum,
    time::Time,
};
use actix_web::{HttpRequest, HttpResponse, web};
use diesel::{prelude::*, sql_types::Bool};
use diesel_async::RunQueryDsl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

text_enum! {
    /// How far an offer is.
    Status {
        /// Made.
        Pending = "PENDING",
        /// Haggled about.
        Countered = "COUNTERED",
        /// Taken by the buyer.
        Accepted = "ACCEPTED",
        /// Another one was taken, or the request was cancelled.
        Declined = "DECLINED",
        /// Taken back by its seller.
        Withdrawn = "WITHDRAWN",
    }
}

impl Status {
    /// Those in which something may come of an offer.
    const OPEN: [Self; 2] = [Self::Pending, Self::Countered];

    fn is_open(self) -> bool {
        Self::OPEN.contains(&self)
    }
}

/// An offer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = offers, treat_none_as_null = true)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    pub(super) id: OfferId,
    pub(super) request_id: RequestId,
    pub(super) buyer_id: UserId,
    pub(super) seller_id: UserId,
    pub(super) price: Money,
    /// Who named this price. The buyer can't accept one that the seller did not name.
    pub(super) price_by: UserId,
    pub(super) currency: Currency,
    /// What was said last.
    pub(super) message: Option<String>,
    pub(super) status: Status,
    pub(super) created_at: Time,
    pub(super) updated_at: Time,
}

/// The payload of `request:offer-received`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct RequestOfferReceived<'a> {
    request_id: RequestId,
    offer: &'a Offer,
}

payload_of! { RequestOfferReceived: RequestOfferReceived<'_> }

/// What makes one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Draft {
    pub(super) price: Money,
    pub(super) currency: Currency,
    pub(super) message: Option<String>,
}

/// The routes of offers.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/requests/{id}/offers").get(of_request).post(create))
        .service(web::resource("/offers").get(list::<Offer>))
        .service(web::resource("/offers/{id}").get(find::<Offer>));
}

/// To the buyer and administrators all, to a seller his own.
async fn of_request(
    request: HttpRequest,
    caller: Caller,
    id: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let id: RequestId = id_of(&id)?;
    let read = async |conn: &mut Conn, listing: &Listing| {
        let request: PurchaseRequest = seen(conn, &caller, id).await?;
        let every = (caller.is_admin() || request.buyer_id == caller.user).into_sql::<Bool>();
        let own = every.or(offers::seller_id.eq(caller.user));
        Ok(page!(conn, listing, Offer in offers, offers::request_id.eq(id).and(own))?)
    };
    list_of(&request, &store, |offer: &Offer| offer.id.to_string(), read).await
}

async fn create(desk: Desk, id: web::Path<String>, draft: Body<Draft>) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    desk.create(async move |tx, by| Offer::make(tx, by, id, draft.0).await).await
}

impl Offer {
    /// A new one, told to the buyer.
    ///
    /// # Errors
    /// 404, 403, 409, 422 as [`Offer::create`] says.
    pub async fn make(tx: &mut Tx, by: &Identity, id: RequestId, draft: Draft) -> Result<Self> {
        let request = PurchaseRequest::find(&mut tx.conn, id).await?;
        // Every seller was told of it once; to come too late is a matter of its state, no secret.
        if !by.roles.has(Role::Seller) && !request.is_seen_by(&mut tx.conn, by).await? {
            return Err(Error::NotFound);
        }
        let live = Self::live(&mut tx.conn, id, by.user).await?;
        let offer = Self::create(draft, &request, live, by, tx.now())?;
        offer.insert(&mut tx.conn).await?;
        let payload = RequestOfferReceived { request_id: id, offer: &offer };
        let audience = Audience::to([Room::User(offer.buyer_id), Room::Request(id)]);
        tx.tell_of(&payload, audience)?;
        Ok(offer)
    }

    /// A seller's offer for somebody else's request; `live` says whether there is one already.
    ///
    /// # Errors
    /// 403 for who is no seller and for the buyer, 409 when the request is no longer open or there is
    /// one, 422.
    pub(super) fn create(
        draft: Draft,
        request: &PurchaseRequest,
        live: bool,
        by: &Identity,
        now: Time,
    ) -> Result<Self> {
        if !by.roles.has(Role::Seller) {
            return Err(Error::forbidden("offers are made by sellers"));
        }
        if request.buyer_id == by.user {
            return Err(Error::forbidden("nobody offers for an own request"));
        }
        let Draft { price, currency, message } = draft;
        let mut faults = Faults::default();
        faults.text("message", message.as_deref().unwrap_or_default(), 0..=TEXT_MAX);
        faults.or(())?;
        if request.status != requests::Status::Open {
            return Err(Error::Conflict("this request is no longer open".into()));
        }
        if live {
            return Err(Error::Conflict("you have made an offer for this request already".into()));
        }
        Ok(Self {
            id: OfferId::generate(),
            request_id: request.id,
            buyer_id: request.buyer_id,
            seller_id: by.user,
            price,
            price_by: by.user,
            currency,
            message,
            status: Status::Pending,
            created_at: now,
            updated_at: now,
        })
    }

    /// It, taken by its buyer.
    ///
    /// # Errors
    /// 403 for anybody else; 409 when it is settled, or the price is not the seller's: nobody is held to
    /// a price that only the other side has named.
    pub(super) fn accepted(self, by: &Identity, now: Time) -> Result<Self> {
        if by.user != self.buyer_id {
            return Err(Error::forbidden("an offer is accepted by the request's buyer"));
        }
        self.open_for(Status::Accepted)?;
        if self.price_by != self.seller_id {
            return Err(Error::Conflict("the seller has not named this price yet".into()));
        }
        Ok(Self { status: Status::Accepted, updated_at: now, ..self })
    }

    /// # Errors
    /// 409 unless something may still come of it.
    pub(super) fn open_for(&self, to: Status) -> Result<()> {
        if self.status.is_open() {
            return Ok(());
        }
        Err(Error::InvalidTransition { from: self.status.as_str(), to: to.as_str() })
    }

    /// Whether the seller has an offer for the request of which something may come, or came.
    async fn live(conn: &mut Conn, request: RequestId, seller: UserId) -> QueryResult<bool> {
        let own = offers::request_id.eq(request).and(offers::seller_id.eq(seller));
        let live = own.and(offers::status.eq_any([Status::Pending, Status::Countered, Status::Accepted]));
        has!(conn, offers, live)
    }

    /// Declines all offers for a request that are still open.
    pub(super) async fn decline_open(conn: &mut Conn, request: RequestId, now: Time) -> QueryResult<()> {
        let open = offers::request_id.eq(request).and(offers::status.eq_any(Status::OPEN));
        let declined = (offers::status.eq(Status::Declined), offers::updated_at.eq(now));
        sql!(conn, |c| diesel::update(offers::table.filter(open)).set(declined).execute(c).await).map(drop)
    }

    kept_in!(offers, OfferId, Status);
}

seen_by_its_sides!(Offer, OfferId, offers: buyer_id, seller_id);

#[cfg(test)]
#[path = "offers_test.rs"]
mod tests;
