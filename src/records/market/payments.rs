//! Payments: the buyer pays for an accepted offer; the provider tells how far the money is.

use super::{
    Currency, Document, Money,
    desk::Desk,
    find, has, kept_in, list,
    offers::{self, Offer},
    requests::{self, PurchaseRequest},
    seen, seen_by_its_sides,
};
use crate::{
    body::MarkedBody,
    delivery::{
        idempotency::{Answer, Key, once},
        outbox::Tx,
    },
    error::{Error, Result},
    identity::Identity,
    ids::{OfferId, PaymentId, RequestId, UserId},
    notice::{Audience, Room},
    payload_of,
    store::{Conn, schema::payments},
    text_enum,
    time::Time,
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

text_enum! {
    /// How far a payment is.
    Status {
        /// Wished for.
        Created = "CREATED",
        /// On its way.
        Pending = "PENDING",
        /// There.
        Completed = "COMPLETED",
        /// It came to nothing; there may be another one.
        Failed = "FAILED",
    }
}

impl Status {
    /// In which a payment is live: there is at most one such for an offer.
    const LIVE: [Self; 3] = [Self::Created, Self::Pending, Self::Completed];

    /// A payment only ever moves up.
    const fn rank(self) -> u8 {
        match self {
            Self::Created => 0,
            Self::Pending => 1,
            Self::Completed | Self::Failed => 2,
        }
    }
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = payments, treat_none_as_null = true)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    pub(super) id: PaymentId,
    offer_id: OfferId,
    request_id: RequestId,
    pub(super) buyer_id: UserId,
    pub(super) seller_id: UserId,
    pub(super) amount: Money,
    pub(super) currency: Currency,
    pub(super) status: Status,
    provider_payment_id: Option<String>,
    created_at: Time,
    updated_at: Time,
}

/// The payload of `payment:status-updated`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct PaymentStatusUpdated<'a> {
    payment_id: PaymentId,
    status: Status,
    provider_payment_id: Option<&'a str>,
}

/// The payload of `payment:completed`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct PaymentCompleted {
    payment_id: PaymentId,
}

payload_of! {
    PaymentCreated: Payment,
    PaymentStatusUpdated: PaymentStatusUpdated<'_>,
    PaymentCompleted: PaymentCompleted,
}

/// What makes one; amount and currency are the offer's.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Draft {
    pub(super) offer_id: OfferId,
}

/// The routes of payments.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/payments").get(list::<Payment>).post(create))
        .service(web::resource("/payments/{id}").get(find::<Payment>));
}

async fn create(request: HttpRequest, desk: Desk, draft: MarkedBody<Draft>) -> Result<HttpResponse> {
    let key = Key::of(&request, desk.by.user, "/v1/payments", &draft.fingerprint)?;
    let done = desk.commit(async move |tx, by| {
        let pay = async |tx: &mut Tx| Answer::new(StatusCode::CREATED, &Payment::pay(tx, by, draft.value).await?);
        once(tx, key, pay).await
    });
    Ok(done.await?.value.respond())
}

impl Payment {
    /// A new one, told to both sides.
    pub(super) async fn pay(tx: &mut Tx, by: &Identity, draft: Draft) -> Result<Self> {
        let offer: Offer = seen(&mut tx.conn, by, draft.offer_id).await?;
        let request = PurchaseRequest::find(&mut tx.conn, offer.request_id).await?;
        let live = Self::live(&mut tx.conn, offer.id).await?;
        let payment = Self::create(&offer, request.status, live, by, tx.now())?;
        payment.insert(&mut tx.conn).await?;
        tx.tell_of(&payment, payment.audience())?;
        Ok(payment)
    }

    /// What the provider tells of one. What is late, or comes again, changes nothing.
    ///
    /// # Errors
    /// 404 when there is no such payment.
    pub(super) async fn told(tx: &mut Tx, id: PaymentId, provider_payment_id: String, status: Status) -> Result<()> {
        let before = Self::find(&mut tx.conn, id).await?;
        let Some(after) = before.clone().stepped(status, provider_payment_id, tx.now()) else {
            if before.status == Status::Failed && status == Status::Completed {
                log::warn!("payment {id} failed, and is told to be completed now: have a look at the provider's");
            }
            return Ok(());
        };
        after.store(&mut tx.conn, before.status).await?;
        let provider_payment_id = after.provider_payment_id.as_deref();
        let payload = PaymentStatusUpdated { payment_id: id, status, provider_payment_id };
        tx.tell_of(&payload, after.audience())?;
        if status == Status::Completed {
            tx.tell_of(&PaymentCompleted { payment_id: id }, after.audience())?;
        }
        Ok(())
    }

    /// The buyer pays for an accepted offer; `live` says whether a payment for it is under way or done.
    ///
    /// # Errors
    /// 403 for anybody but the buyer, 409 when there is nothing to pay for.
    pub(super) fn create(
        offer: &Offer,
        request: requests::Status,
        live: bool,
        by: &Identity,
        now: Time,
    ) -> Result<Self> {
        if by.user != offer.buyer_id {
            return Err(Error::forbidden("an offer is paid for by its buyer"));
        }
        if offer.status != offers::Status::Accepted {
            return Err(Error::Conflict("only an accepted offer is paid for".into()));
        }
        if request == requests::Status::Cancelled {
            return Err(Error::Conflict("the request is cancelled".into()));
        }
        if live {
            return Err(Error::Conflict("there is a payment for this offer already".into()));
        }
        Ok(Self {
            id: PaymentId::generate(),
            offer_id: offer.id,
            request_id: offer.request_id,
            buyer_id: offer.buyer_id,
            seller_id: offer.seller_id,
            amount: offer.price.clone(),
            currency: offer.currency.clone(),
            status: Status::Created,
            provider_payment_id: None,
            created_at: now,
            updated_at: now,
        })
    }

    /// It, one or more steps further; `None` when that would be no step forward.
    fn stepped(self, to: Status, provider_payment_id: String, now: Time) -> Option<Self> {
        let forward = to.rank() > self.status.rank();
        let provider_payment_id = Some(provider_payment_id);
        forward.then_some(Self { status: to, provider_payment_id, updated_at: now, ..self })
    }

    fn audience(&self) -> Audience {
        Audience::to([Room::User(self.buyer_id), Room::User(self.seller_id)])
    }

    async fn live(conn: &mut Conn, offer: OfferId) -> QueryResult<bool> {
        let live = payments::offer_id.eq(offer).and(payments::status.eq_any(Status::LIVE));
        has!(conn, payments, live)
    }

    /// Whether the money for a request is there.
    pub(super) async fn is_completed_for(conn: &mut Conn, request: RequestId) -> QueryResult<bool> {
        let done = payments::request_id.eq(request).and(payments::status.eq(Status::Completed));
        has!(conn, payments, done)
    }

    kept_in!(payments, PaymentId, Status);
}

seen_by_its_sides!(Payment, PaymentId, payments: buyer_id, seller_id);

#[cfg(test)]
mod tests {
    use super::{super::stage::*, *};
    use Status::{Completed, Created, Failed, Pending};

    #[test]
    fn a_payment_only_moves_forward_whatever_the_provider_says_how_often() {
        let steps =
            [(Created, Pending), (Created, Completed), (Created, Failed), (Pending, Completed), (Pending, Failed)];
        let (bea, sam) = (buyer(), seller());
        for &from in Status::ALL {
            for &to in Status::ALL {
                let payment = payment_in(from, &bea, &sam);
                let after = payment.stepped(to, "p-1".into(), Time::now());
                assert_eq!(after.is_some(), steps.contains(&(from, to)), "{from:?} -> {to:?}");
                assert!(after.is_none_or(|after| after.status == to && after.provider_payment_id.is_some()));
            }
        }
    }

    #[test]
    fn only_the_buyer_pays_only_what_was_accepted_and_only_once() {
        let (bea, sam, root) = (buyer(), seller(), admin());
        let accepted = accepted_offer(&bea, &sam);
        let pay = |offer: &Offer, request, live, by: &Identity| Payment::create(offer, request, live, by, Time::now());
        let open = requests::Status::InProgress;
        let made = pay(&accepted, open, false, &bea).expect("a payment");
        assert_eq!((made.amount, made.currency), (accepted.price.clone(), accepted.currency.clone()));
        for other in [&sam, &root] {
            assert!(matches!(pay(&accepted, open, false, other), Err(Error::Forbidden(_))));
        }
        assert!(matches!(pay(&accepted, open, true, &bea), Err(Error::Conflict(_))), "once");
        assert!(matches!(pay(&accepted, requests::Status::Cancelled, false, &bea), Err(Error::Conflict(_))));
        for status in offers::Status::ALL.iter().filter(|status| **status != offers::Status::Accepted) {
            let offer = offer_in(*status, &bea, &sam);
            assert!(matches!(pay(&offer, open, false, &bea), Err(Error::Conflict(_))), "{status:?}");
        }
    }
}
