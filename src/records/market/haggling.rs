//! Haggling: the two sides of an offer answer each other until the buyer takes it (`deal`) or the seller
//! takes it back.

use super::{
    Money, TEXT_MAX,
    desk::Desk,
    id_of,
    offers::{Offer, Status},
    seen,
};
use crate::{
    body::Body,
    delivery::outbox::Tx,
    error::{Error, Result},
    identity::Identity,
    ids::OfferId,
    notice::{Audience, Room},
    payload_of,
    records::Faults,
    time::Time,
};
use actix_web::{HttpResponse, web};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What those who wait for an answer are told when the seller takes an offer back.
const WITHDRAWN: &str = "The seller has withdrawn this offer.";

/// The next word in the haggling.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Counter {
    pub(super) price: Option<Money>,
    pub(super) message: String,
}

/// The payload of `offer:negotiation-update`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct OfferNegotiationUpdate<'a> {
    offer_id: OfferId,
    /// What was said.
    message: &'a str,
}

payload_of! { OfferNegotiationUpdate: OfferNegotiationUpdate<'_> }

/// The routes of haggling.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/offers/{id}/counter").post(counter))
        .service(web::resource("/offers/{id}/withdraw").post(withdraw));
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

    /// It, with the next word of its buyer or its seller.
    ///
    /// # Errors
    /// 403, 409, 422.
    pub(super) fn countered(self, word: Counter, by: &Identity, now: Time) -> Result<Self> {
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
    pub(super) fn withdrawn(self, by: &Identity, now: Time) -> Result<Self> {
        if by.user != self.seller_id {
            return Err(Error::forbidden("an offer is withdrawn by its seller"));
        }
        self.open_for(Status::Withdrawn)?;
        Ok(Self { status: Status::Withdrawn, updated_at: now, ..self })
    }

    fn tell_negotiation(&self, tx: &mut Tx, message: &str) -> Result<()> {
        let payload = OfferNegotiationUpdate { offer_id: self.id, message };
        let rooms = [Room::Request(self.request_id), Room::User(self.buyer_id), Room::User(self.seller_id)];
        tx.tell_of(&payload, Audience::to(rooms)).map(drop)
    }
}
