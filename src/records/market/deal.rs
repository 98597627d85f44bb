//! Steps that move several documents at once: accepting an offer, moving a request. Everything else in
//! the marketplace looks down: this looks at requests, offers, chats and payments, none of them at this.

use super::{
    Document as _,
    chats::Chat,
    desk::Desk,
    id_of,
    offers::Offer,
    payments::Payment,
    requests::{PurchaseRequest, Status},
    seen,
};
use crate::{
    body::Body,
    delivery::outbox::Tx,
    error::Result,
    identity::Identity,
    ids::{OfferId, RequestId},
    notice::{Audience, Effect, Room},
    payload_of,
};
use actix_web::{HttpResponse, web};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a request is to go.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    status: Status,
}

/// The payload of `offer:accepted`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct OfferAccepted {
    offer_id: OfferId,
}

payload_of! { OfferAccepted: OfferAccepted }

/// The routes of joint steps.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/offers/{id}/accept").post(accept_offer))
        .service(web::resource("/requests/{id}/status").put(move_request));
}

async fn accept_offer(desk: Desk, id: web::Path<String>) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    desk.create(async move |tx, by| accept(tx, by, id).await).await
}

async fn move_request(desk: Desk, id: web::Path<String>, to: Body<Move>) -> Result<HttpResponse> {
    let id = id_of(&id)?;
    desk.change(async move |tx, by| shift(tx, by, id, to.0.status).await).await
}

/// The buyer takes an offer: the request is in progress with its seller, the other offers are
/// declined, and the two can chat. Of several at the same time the first wins: there is one writer.
pub(super) async fn accept(tx: &mut Tx, by: &Identity, id: OfferId) -> Result<Offer> {
    let now = tx.now();
    let before: Offer = seen(&mut tx.conn, by, id).await?;
    let offer = before.clone().accepted(by, now)?;
    let open = PurchaseRequest::find(&mut tx.conn, offer.request_id).await?;
    let request = open.clone().given_to(offer.seller_id, offer.id, now)?;
    offer.store(&mut tx.conn, before.status).await?;
    request.store(&mut tx.conn, open.status).await?;
    Offer::decline_open(&mut tx.conn, request.id, now).await?;
    Chat::open(&mut tx.conn, &request, offer.seller_id, now).await?;
    tx.effect(Effect::Party { user: offer.seller_id, room: Room::Request(request.id) });
    let rooms = [Room::Seller(offer.seller_id), Room::User(offer.seller_id), Room::User(offer.buyer_id)];
    tx.tell_of(&OfferAccepted { offer_id: offer.id }, Audience::to(rooms))?;
    request.tell_status(tx)?;
    Ok(offer)
}

/// The buyer moves a request. Offers for one that ends without any being taken are declined.
pub(super) async fn shift(tx: &mut Tx, by: &Identity, id: RequestId, to: Status) -> Result<PurchaseRequest> {
    let now = tx.now();
    let before: PurchaseRequest = seen(&mut tx.conn, by, id).await?;
    let paid = Payment::is_completed_for(&mut tx.conn, id).await?;
    let after = before.clone().moved(to, by, paid, now)?;
    after.store(&mut tx.conn, before.status).await?;
    Offer::decline_open(&mut tx.conn, id, now).await?;
    after.tell_status(tx)?;
    Ok(after)
}
