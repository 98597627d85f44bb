//! Offers: what a seller would do a request for, and the haggling about it. Accepting one is in `deal`.

use super::{
    Currency, Document, Money, TEXT_MAX,
    desk::Desk,
    find, id_of, kept_in, list, list_of,
    requests::{self, PurchaseRequest},
    seen,
};
use crate::{
    auth::Caller,
    body::Body,
    delivery::outbox::Tx,
    error::{Error, Result},
    identity::{Identity, Role},
    ids::{OfferId, RequestId, UserId},
    notice::{Audience, EventName, Room},
    records::{Faults, Listing},
    sql,
    store::{Conn, Store, schema::offers},
    text_enum,
    time::Time,
};
use actix_web::{HttpRequest, HttpResponse, web};
use diesel::{prelude::*, sql_types::Bool};
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use serde_json::json;

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

/// What those who wait for an answer are told when the seller takes an offer back.
const WITHDRAWN: &str = "The seller has withdrawn this offer.";

impl Status {
    /// Those in which something may come of an offer.
    const OPEN: [Self; 2] = [Self::Pending, Self::Countered];

    fn is_open(self) -> bool {
        Self::OPEN.contains(&self)
    }
}

/// An offer.
#[derive(Debug, Clone, PartialEq, Serialize, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = offers, treat_none_as_null = true)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    pub(super) id: OfferId,
    pub(super) request_id: RequestId,
    pub(super) buyer_id: UserId,
    pub(super) seller_id: UserId,
    pub(super) price: Money,
    /// Who named this price. The buyer can't accept one that the seller did not name.
    price_by: UserId,
    pub(super) currency: Currency,
    /// What was said last.
    message: Option<String>,
    pub(super) status: Status,
    created_at: Time,
    updated_at: Time,
}

/// What makes one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Draft {
    pub(super) price: Money,
    pub(super) currency: Currency,
    pub(super) message: Option<String>,
}

/// The next word in the haggling.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Counter {
    pub(super) price: Option<Money>,
    pub(super) message: String,
}

/// The routes of offers.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/requests/{id}/offers").get(of_request).post(create))
        .service(web::resource("/offers").get(list::<Offer>))
        .service(web::resource("/offers/{id}").get(find::<Offer>))
        .service(web::resource("/offers/{id}/counter").post(counter))
        .service(web::resource("/offers/{id}/withdraw").post(withdraw));
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
        Ok(sql!(conn, |c| offers::table
            .filter(offers::request_id.eq(id).and(offers::id.gt(&listing.after)))
            .filter(every.or(offers::seller_id.eq(caller.user)))
            .order(offers::id)
            .limit(listing.limit)
            .select(Offer::as_select())
            .load(c)
            .await)?)
    };
    list_of(&request, &store, |offer: &Offer| offer.id.to_string(), read).await
}

async fn create(desk: Desk, id: web::Path<String>, draft: Body<Draft>) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    desk.create(async move |tx, by| Offer::make(tx, by, id, draft.0).await).await
}

async fn counter(desk: Desk, id: web::Path<String>, word: Body<Counter>) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    desk.create(async move |tx, by| Offer::counter(tx, by, id, word.0).await).await
}

async fn withdraw(desk: Desk, id: web::Path<String>) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    desk.create(async move |tx, by| Offer::withdraw(tx, by, id).await).await
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
        let payload = json!({ "requestId": id, "offer": offer });
        let audience = Audience::to([Room::User(offer.buyer_id), Room::Request(id)]);
        tx.tell(EventName::RequestOfferReceived, &payload, audience)?;
        Ok(offer)
    }

    /// The next word of either side, told to both.
    pub(super) async fn counter(tx: &mut Tx, by: &Identity, id: OfferId, word: Counter) -> Result<Self> {
        let before: Self = seen(&mut tx.conn, by, id).await?;
        let message = word.message.clone();
        let after = before.clone().countered(word, by, tx.now())?;
        after.store(&mut tx.conn, before.status).await?;
        after.tell_negotiation(tx, &message)?;
        Ok(after)
    }

    /// Taken back by its seller, told to both.
    pub(super) async fn withdraw(tx: &mut Tx, by: &Identity, id: OfferId) -> Result<Self> {
        let before: Self = seen(&mut tx.conn, by, id).await?;
        let after = before.clone().withdrawn(by, tx.now())?;
        after.store(&mut tx.conn, before.status).await?;
        after.tell_negotiation(tx, WITHDRAWN)?;
        Ok(after)
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

    /// It, with the next word of its buyer or its seller.
    ///
    /// # Errors
    /// 403, 409, 422.
    fn countered(self, word: Counter, by: &Identity, now: Time) -> Result<Self> {
        if by.user != self.buyer_id && by.user != self.seller_id {
            return Err(Error::forbidden("an offer is negotiated by its buyer and its seller"));
        }
        let Counter { price, message } = word;
        let mut faults = Faults::default();
        faults.text("message", &message, 1..=TEXT_MAX);
        faults.or(())?;
        self.open_for(Status::Countered)?;
        let (price, price_by) = match price {
            Some(price) => (price, by.user),
            None => (self.price, self.price_by),
        };
        Ok(Self { price, price_by, message: Some(message), status: Status::Countered, updated_at: now, ..self })
    }

    /// It, taken back.
    ///
    /// # Errors
    /// 403 for anybody but its seller, 409.
    fn withdrawn(self, by: &Identity, now: Time) -> Result<Self> {
        if by.user != self.seller_id {
            return Err(Error::forbidden("an offer is withdrawn by its seller"));
        }
        self.open_for(Status::Withdrawn)?;
        Ok(Self { status: Status::Withdrawn, updated_at: now, ..self })
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

    fn open_for(&self, to: Status) -> Result<()> {
        if self.status.is_open() {
            return Ok(());
        }
        Err(Error::InvalidTransition { from: self.status.as_str(), to: to.as_str() })
    }

    fn tell_negotiation(&self, tx: &mut Tx, message: &str) -> Result<()> {
        let payload = json!({ "offerId": self.id, "message": message });
        let rooms = [Room::Request(self.request_id), Room::User(self.buyer_id), Room::User(self.seller_id)];
        tx.tell(EventName::OfferNegotiationUpdate, &payload, Audience::to(rooms)).map(drop)
    }

    /// Whether the seller has an offer for the request of which something may come, or came.
    async fn live(conn: &mut Conn, request: RequestId, seller: UserId) -> QueryResult<bool> {
        let own = offers::request_id.eq(request).and(offers::seller_id.eq(seller));
        let live = own.and(offers::status.eq_any([Status::Pending, Status::Countered, Status::Accepted]));
        let count: i64 = sql!(conn, |c| offers::table.filter(live).count().get_result(c).await)?;
        Ok(count > 0)
    }

    /// Declines all offers for a request that are still open.
    pub(super) async fn decline_open(conn: &mut Conn, request: RequestId, now: Time) -> QueryResult<()> {
        let open = offers::request_id.eq(request).and(offers::status.eq_any(Status::OPEN));
        let declined = (offers::status.eq(Status::Declined), offers::updated_at.eq(now));
        sql!(conn, |c| diesel::update(offers::table.filter(open)).set(declined).execute(c).await).map(drop)
    }

    kept_in!(offers, OfferId, Status);
}

impl Document for Offer {
    type Id = OfferId;

    fn id(&self) -> OfferId {
        self.id
    }

    async fn find(conn: &mut Conn, id: OfferId) -> QueryResult<Self> {
        sql!(conn, |c| offers::table.find(id).select(Self::as_select()).first(c).await)
    }

    async fn is_seen_by(&self, _: &mut Conn, by: &Identity) -> QueryResult<bool> {
        Ok(by.is_admin() || by.user == self.buyer_id || by.user == self.seller_id)
    }

    async fn list(conn: &mut Conn, by: &Identity, listing: &Listing) -> QueryResult<Vec<Self>> {
        let every = by.is_admin().into_sql::<Bool>();
        let visible = every.or(offers::buyer_id.eq(by.user)).or(offers::seller_id.eq(by.user));
        sql!(conn, |c| offers::table
            .filter(offers::id.gt(&listing.after))
            .filter(visible)
            .order(offers::id)
            .limit(listing.limit)
            .select(Self::as_select())
            .load(c)
            .await)
    }
}

#[cfg(test)]
#[path = "offers_test.rs"]
mod tests;
