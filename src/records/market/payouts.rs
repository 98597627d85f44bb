//! Payouts: an administrator has a seller paid out of a completed payment; the provider does it.

use super::{
    Currency, Document as _, Money,
    desk::Desk,
    find, has, kept_in, list,
    payments::{self, Payment},
    seen_by_its_sides,
};
use crate::{
    body::Body,
    delivery::outbox::Tx,
    error::{Error, Result},
    identity::Identity,
    ids::{PaymentId, PayoutId, UserId},
    notice::{Audience, Room},
    payload_of,
    store::{Conn, schema::payouts},
    text_enum,
    time::Time,
};
use actix_web::{HttpResponse, web};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

text_enum! {
    /// How far a payout is.
    Status {
        /// Ordered.
        Created = "CREATED",
        /// The seller has the money.
        Completed = "COMPLETED",
        /// It came to nothing; there may be another one.
        Failed = "FAILED",
    }
}

impl Status {
    /// In which a payout is live: there is at most one such for a payment.
    const LIVE: [Self; 2] = [Self::Created, Self::Completed];
}

/// A payout.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = payouts, treat_none_as_null = true)]
#[serde(rename_all = "camelCase")]
pub struct Payout {
    pub(super) id: PayoutId,
    payment_id: PaymentId,
    pub(super) seller_id: UserId,
    amount: Money,
    currency: Currency,
    pub(super) status: Status,
    tx_hash: Option<String>,
    created_at: Time,
    updated_at: Time,
}

/// The payload of `payout:completed`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct PayoutCompleted<'a> {
    payout_id: PayoutId,
    tx_hash: Option<&'a str>,
}

payload_of! { PayoutCreated: Payout, PayoutCompleted: PayoutCompleted<'_> }

/// What makes one; amount and currency are the payment's.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Draft {
    pub(super) payment_id: PaymentId,
}

/// The routes of payouts.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/payouts").get(list::<Payout>).post(create))
        .service(web::resource("/payouts/{id}").get(find::<Payout>));
}

async fn create(desk: Desk, draft: Body<Draft>) -> Result<HttpResponse> {
    desk.create(async move |tx, by| Payout::order(tx, by, draft.0).await).await
}

impl Payout {
    /// A new one, told to the seller.
    pub(super) async fn order(tx: &mut Tx, by: &Identity, draft: Draft) -> Result<Self> {
        ordered_by(by)?;
        let payment = Payment::find(&mut tx.conn, draft.payment_id).await?;
        let live = Self::live(&mut tx.conn, payment.id).await?;
        let payout = Self::create(&payment, live, by, tx.now())?;
        payout.insert(&mut tx.conn).await?;
        tx.tell_of(&payout, payout.audience())?;
        Ok(payout)
    }

    /// What the provider tells of one. What is late, or comes again, changes nothing. That one failed
    /// is told to nobody (CONTRACT 8 has no event for it): administrators find it in the list.
    ///
    /// # Errors
    /// 404 when there is no such payout.
    pub(super) async fn told(tx: &mut Tx, id: PayoutId, status: Status, tx_hash: Option<String>) -> Result<()> {
        let before = Self::find(&mut tx.conn, id).await?;
        let Some(after) = before.clone().stepped(status, tx_hash, tx.now()) else { return Ok(()) };
        after.store(&mut tx.conn, before.status).await?;
        if status == Status::Completed {
            let payload = PayoutCompleted { payout_id: id, tx_hash: after.tx_hash.as_deref() };
            tx.tell_of(&payload, after.audience())?;
        }
        Ok(())
    }

    /// `live` says whether a payout of this payment is under way or done.
    ///
    /// # Errors
    /// 403 for anybody but administrators, 409 when there is nothing to pay out.
    fn create(payment: &Payment, live: bool, by: &Identity, now: Time) -> Result<Self> {
        ordered_by(by)?;
        if payment.status != payments::Status::Completed {
            return Err(Error::Conflict("only a completed payment is paid out".into()));
        }
        if live {
            return Err(Error::Conflict("there is a payout of this payment already".into()));
        }
        Ok(Self {
            id: PayoutId::generate(),
            payment_id: payment.id,
            seller_id: payment.seller_id,
            amount: payment.amount.clone(),
            currency: payment.currency.clone(),
            status: Status::Created,
            tx_hash: None,
            created_at: now,
            updated_at: now,
        })
    }

    /// It, ended; `None` when it had ended before, or this is no end.
    fn stepped(self, to: Status, tx_hash: Option<String>, now: Time) -> Option<Self> {
        let ends = self.status == Status::Created && to != Status::Created;
        ends.then_some(Self { status: to, tx_hash, updated_at: now, ..self })
    }

    fn audience(&self) -> Audience {
        Audience::to([Room::User(self.seller_id)])
    }

    async fn live(conn: &mut Conn, payment: PaymentId) -> QueryResult<bool> {
        let live = payouts::payment_id.eq(payment).and(payouts::status.eq_any(Status::LIVE));
        has!(conn, payouts, live)
    }

    kept_in!(payouts, PayoutId, Status);
}

fn ordered_by(by: &Identity) -> Result<()> {
    if by.is_admin() { Ok(()) } else { Err(Error::forbidden("payouts are ordered by administrators")) }
}

seen_by_its_sides!(Payout, PayoutId, payouts: seller_id);

#[cfg(test)]
mod tests {
    use super::{super::stage::*, *};
    use Status::{Completed, Created, Failed};

    #[test]
    fn a_payout_ends_once() {
        let (bea, sam) = (buyer(), seller());
        let paid = payment_in(payments::Status::Completed, &bea, &sam);
        for &from in Status::ALL {
            for &to in Status::ALL {
                let payout = Payout::create(&paid, false, &admin(), Time::now()).expect("a payout");
                let after = Payout { status: from, ..payout }.stepped(to, Some("0x1".into()), Time::now());
                assert_eq!(after.is_some(), from == Created && [Completed, Failed].contains(&to), "{from:?} -> {to:?}");
            }
        }
    }

    #[test]
    fn administrators_alone_pay_out_what_is_there_and_only_once() {
        let (bea, sam, root) = (buyer(), seller(), admin());
        for &status in payments::Status::ALL {
            let payment = payment_in(status, &bea, &sam);
            let order = |live, by: &Identity| Payout::create(&payment, live, by, Time::now());
            assert_eq!(order(false, &root).is_ok(), status == payments::Status::Completed, "{status:?}");
            assert!(matches!(order(true, &root), Err(Error::Conflict(_))));
            for other in [&bea, &sam] {
                assert!(matches!(order(false, other), Err(Error::Forbidden(_))));
            }
        }
    }
}
