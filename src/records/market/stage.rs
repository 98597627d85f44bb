//! People and documents for tests of the marketplace.

use super::{
    disputes::Dispute,
    offers::{self, Offer},
    payments::{self, Payment},
    requests::{self, PurchaseRequest},
};
use crate::{
    identity::{Identity, Role},
    ids::OfferId,
    records::stage::somebody,
    time::Time,
};
use serde_json::json;

pub fn buyer() -> Identity {
    somebody(&[Role::User, Role::Buyer])
}

pub fn seller() -> Identity {
    somebody(&[Role::User, Role::Seller])
}

pub fn admin() -> Identity {
    somebody(&[Role::User, Role::Admin])
}

pub fn draft() -> requests::Draft {
    serde_json::from_value(json!({ "title": "A boat", "description": "Small, red" })).expect("a draft")
}

pub fn price() -> offers::Draft {
    serde_json::from_value(json!({ "price": "10.00", "currency": "EUR" })).expect("a draft")
}

pub fn request(by: &Identity) -> PurchaseRequest {
    PurchaseRequest::create(draft(), by, Time::now()).expect("a request")
}

pub fn offer(request: &PurchaseRequest, by: &Identity) -> Offer {
    Offer::create(price(), request, false, by, Time::now()).expect("an offer")
}

pub fn accepted_offer(buyer: &Identity, seller: &Identity) -> Offer {
    offer(&request(buyer), seller).accepted(buyer, Time::now()).expect("accepted")
}

pub fn payment(buyer: &Identity, seller: &Identity) -> Payment {
    let offer = accepted_offer(buyer, seller);
    Payment::create(&offer, requests::Status::InProgress, false, buyer, Time::now()).expect("a payment")
}

pub fn request_in(status: requests::Status, by: &Identity) -> PurchaseRequest {
    let mut request = request(by);
    request.status = status;
    request
}

pub fn offer_in(status: offers::Status, buyer: &Identity, seller: &Identity) -> Offer {
    let mut offer = offer(&request(buyer), seller);
    offer.status = status;
    offer
}

pub fn payment_in(status: payments::Status, buyer: &Identity, seller: &Identity) -> Payment {
    let mut payment = payment(buyer, seller);
    payment.status = status;
    payment
}

pub fn dispute(buyer: &Identity, seller: &Identity) -> Dispute {
    let request = request(buyer).given_to(seller.user, OfferId::generate(), Time::now()).expect("open");
    Dispute::create("Broken".into(), &request, false, buyer, Time::now()).expect("a dispute")
}
