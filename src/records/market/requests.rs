//! Purchase requests: a buyer says what is wanted; all sellers hear of it.

use super::{Document, Money, desk::Desk, find, has, kept_in, list, page};
use crate::{
    body::Body,
    delivery::outbox::Tx,
    error::{Error, Result},
    identity::{Identity, Role},
    ids::{OfferId, RequestId, UserId},
    notice::{Audience, Room},
    payload_of,
    records::{Faults, Listing},
    sql,
    store::{
        Conn,
        schema::{offers, purchase_requests},
    },
    text_enum,
    time::Time,
};
use actix_web::{HttpResponse, web};
use diesel::{prelude::*, sql_types::Bool};
use diesel_async::RunQueryDsl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

text_enum! {
    /// How far a request is.
    Status {
        /// Sellers may offer.
        Open = "OPEN",
        /// An offer was accepted.
        InProgress = "IN_PROGRESS",
        /// The buyer has it.
        Completed = "COMPLETED",
        /// The buyer does not want it any more.
        Cancelled = "CANCELLED",
    }
}

/// A purchase request.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = purchase_requests, treat_none_as_null = true)]
#[serde(rename_all = "camelCase")]
pub struct PurchaseRequest {
    /// Its id.
    pub id: RequestId,
    pub(super) buyer_id: UserId,
    /// Whose offer was accepted.
    pub(super) seller_id: Option<UserId>,
    pub(super) accepted_offer_id: Option<OfferId>,
    title: String,
    description: String,
    category: Option<String>,
    budget: Option<Money>,
    pub(super) status: Status,
    created_at: Time,
    updated_at: Time,
}

/// The payload of `request:status-updated`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct RequestStatusUpdated {
    request_id: RequestId,
    status: Status,
}

payload_of! { RequestCreated: PurchaseRequest, RequestStatusUpdated: RequestStatusUpdated }

/// What makes one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Draft {
    title: String,
    description: String,
    category: Option<String>,
    budget: Option<Money>,
}

/// The routes of requests, but for those that move more than the request (`deal`).
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/requests").get(list::<PurchaseRequest>).post(create))
        .service(web::resource("/requests/{id}").get(find::<PurchaseRequest>));
}

async fn create(desk: Desk, draft: Body<Draft>) -> Result<HttpResponse> {
    desk.create(async move |tx, by| PurchaseRequest::post(tx, by, draft.0).await).await
}

impl PurchaseRequest {
    /// A new one, told to all sellers.
    ///
    /// # Errors
    /// 403 for who is no buyer, 422.
    pub async fn post(tx: &mut Tx, by: &Identity, draft: Draft) -> Result<Self> {
        let request = Self::create(draft, by, tx.now())?;
        request.insert(&mut tx.conn).await?;
        tx.tell_of(&request, Audience::to([Room::Sellers]))?;
        Ok(request)
    }

    pub(super) fn create(draft: Draft, by: &Identity, now: Time) -> Result<Self> {
        if !by.roles.has(Role::Buyer) {
            return Err(Error::forbidden("requests are made by buyers"));
        }
        let Draft { title, description, category, budget } = draft;
        let mut faults = Faults::default();
        faults.text("title", &title, 1..=200);
        faults.text("description", &description, 1..=10_000);
        faults.text("category", category.as_deref().unwrap_or_default(), 0..=100);
        faults.or(Self {
            id: RequestId::generate(),
            buyer_id: by.user,
            seller_id: None,
            accepted_offer_id: None,
            title,
            description,
            category,
            budget,
            status: Status::Open,
            created_at: now,
            updated_at: now,
        })
    }

    /// It, moved by somebody who sees it; `paid` says whether a payment for it is completed.
    ///
    /// # Errors
    /// 403 for anybody but its buyer, 409 for a step that there is not.
    pub(super) fn moved(self, to: Status, by: &Identity, paid: bool, now: Time) -> Result<Self> {
        if self.buyer_id != by.user {
            return Err(Error::forbidden("a request is moved by its buyer"));
        }
        match (self.status, to) {
            (Status::InProgress, Status::Cancelled) if paid => {
                Err(Error::Conflict("it is paid for, so it can't be cancelled".into()))
            }
            (Status::Open, Status::Cancelled) | (Status::InProgress, Status::Completed | Status::Cancelled) => {
                Ok(Self { status: to, updated_at: now, ..self })
            }
            (from, to) => Err(Error::InvalidTransition { from: from.as_str(), to: to.as_str() }),
        }
    }

    /// It, given to a seller whose offer its buyer accepts.
    ///
    /// # Errors
    /// 409 unless it is open.
    pub(super) fn given_to(self, seller: UserId, offer: OfferId, now: Time) -> Result<Self> {
        let to = Status::InProgress;
        if self.status != Status::Open {
            return Err(Error::InvalidTransition { from: self.status.as_str(), to: to.as_str() });
        }
        Ok(Self { status: to, seller_id: Some(seller), accepted_offer_id: Some(offer), updated_at: now, ..self })
    }

    /// Its buyer and, once there is one, its accepted seller.
    pub(super) fn is_party(&self, user: UserId) -> bool {
        self.buyer_id == user || self.seller_id == Some(user)
    }

    /// Tells its parties where it is now.
    pub(super) fn tell_status(&self, tx: &mut Tx) -> Result<()> {
        let payload = RequestStatusUpdated { request_id: self.id, status: self.status };
        tx.tell_of(&payload, Audience::to([Room::Request(self.id)])).map(drop)
    }

    kept_in!(purchase_requests, RequestId, Status);
}

impl Document for PurchaseRequest {
    type Id = RequestId;

    fn id(&self) -> RequestId {
        self.id
    }

    async fn find(conn: &mut Conn, id: RequestId) -> QueryResult<Self> {
        sql!(conn, |c| purchase_requests::table.find(id).select(Self::as_select()).first(c).await)
    }

    /// Its buyer and administrators see it; sellers while it is open, and afterwards if they offered.
    /// `list` says the same as a query: both change together.
    async fn is_seen_by(&self, conn: &mut Conn, by: &Identity) -> QueryResult<bool> {
        let open_to = self.status == Status::Open && by.roles.has(Role::Seller);
        if by.is_admin() || self.is_party(by.user) || open_to {
            return Ok(true);
        }
        let own = offers::request_id.eq(self.id).and(offers::seller_id.eq(by.user));
        has!(conn, offers, own)
    }

    async fn list(conn: &mut Conn, by: &Identity, listing: &Listing) -> QueryResult<Vec<Self>> {
        let every = by.is_admin().into_sql::<Bool>();
        let sells = by.roles.has(Role::Seller).into_sql::<Bool>();
        let offered = offers::table.filter(offers::seller_id.eq(by.user)).select(offers::request_id);
        let visible = every
            .or(purchase_requests::buyer_id.eq(by.user))
            .or(purchase_requests::status.eq(Status::Open).and(sells))
            .or(purchase_requests::id.eq_any(offered));
        page!(conn, listing, Self in purchase_requests, visible)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::stage::*, *};
    use Status::{Cancelled, Completed, InProgress, Open};

    #[test]
    fn only_the_steps_of_the_contract_are_taken_and_only_by_the_buyer() {
        let (bea, eve, root) = (buyer(), buyer(), admin());
        let steps = [(Open, Cancelled), (InProgress, Completed), (InProgress, Cancelled)];
        for &from in Status::ALL {
            for &to in Status::ALL {
                let outcome = request_in(from, &bea).moved(to, &bea, false, Time::now());
                match outcome {
                    Ok(moved) => assert!(steps.contains(&(from, to)) && moved.status == to, "{from:?} -> {to:?}"),
                    Err(Error::InvalidTransition { .. }) => assert!(!steps.contains(&(from, to)), "{from:?} -> {to:?}"),
                    Err(other) => panic!("{from:?} -> {to:?}: {other}"),
                }
                for other in [&eve, &root] {
                    let outcome = request_in(from, &bea).moved(to, other, false, Time::now());
                    assert!(matches!(outcome, Err(Error::Forbidden(_))), "{from:?} -> {to:?}: {outcome:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_paid_for_can_be_completed_but_not_cancelled() {
        let bea = buyer();
        let paid = |to| request_in(InProgress, &bea).moved(to, &bea, true, Time::now());
        assert!(matches!(paid(Cancelled), Err(Error::Conflict(_))));
        assert_eq!(paid(Completed).expect("a step").status, Completed);
    }

    #[test]
    fn a_request_is_given_away_once_and_only_while_it_is_open() {
        let (bea, sam) = (buyer(), seller());
        for &from in Status::ALL {
            let outcome = request_in(from, &bea).given_to(sam.user, OfferId::generate(), Time::now());
            assert_eq!(outcome.is_ok(), from == Open, "{from:?}: {outcome:?}");
        }
    }

    #[test]
    fn requests_are_made_by_buyers() {
        for by in [seller(), admin()] {
            assert!(matches!(PurchaseRequest::create(draft(), &by, Time::now()), Err(Error::Forbidden(_))));
        }
        let empty = Draft { title: String::new(), description: String::new(), ..draft() };
        assert!(
            matches!(PurchaseRequest::create(empty, &buyer(), Time::now()), Err(Error::Invalid(faults)) if faults.len() == 2)
        );
    }
}
