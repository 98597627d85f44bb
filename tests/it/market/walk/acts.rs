//! What people do in the marketplace, and to whom each of it is told.

use super::{
    super::{chat_room, request_room},
    guests::{Document, World},
};
use crate::support::Answer;
use proptest::prelude::*;
use serde_json::json;

/// What somebody tries; which document it is about is drawn from all that there are.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    Ask,
    Offer,
    Counter { price: bool },
    Withdraw,
    Accept,
    Move(&'static str),
    Write,
    Read,
    Pay,
    Told(&'static str),
    PayOut,
    ToldOfPayout(&'static str),
    Dispute,
    State,
    Resolve,
    Announce,
    Warn,
}

/// A whole deal.
pub const DEAL: &[Act] = &[
    Act::Ask,
    Act::Offer,
    Act::Counter { price: false },
    Act::Accept,
    Act::Write,
    Act::Read,
    Act::Pay,
    Act::Told("COMPLETED"),
    Act::PayOut,
    Act::ToldOfPayout("COMPLETED"),
    Act::Dispute,
    Act::State,
    Act::Resolve,
    Act::Move("COMPLETED"),
    Act::Announce,
    Act::Warn,
];

/// Every event of the marketplace that is stored.
pub const STORED: &[&str] = &[
    "request:created",
    "request:status-updated",
    "request:offer-received",
    "offer:negotiation-update",
    "offer:accepted",
    "chat:new-message",
    "chat:message-read",
    "payment:created",
    "payment:status-updated",
    "payment:completed",
    "payout:created",
    "payout:completed",
    "dispute:opened",
    "dispute:evidence-added",
    "dispute:resolved",
    "system:announcement",
    "system:maintenance",
];

pub fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => Just(Act::Ask),
        8 => Just(Act::Offer),
        4 => any::<bool>().prop_map(|price| Act::Counter { price }),
        1 => Just(Act::Withdraw),
        6 => Just(Act::Accept),
        2 => prop::sample::select(&["OPEN", "COMPLETED", "CANCELLED"]).prop_map(Act::Move),
        6 => Just(Act::Write),
        4 => Just(Act::Read),
        4 => Just(Act::Pay),
        3 => prop::sample::select(&["CREATED", "PENDING", "COMPLETED", "FAILED"]).prop_map(Act::Told),
        3 => Just(Act::PayOut),
        2 => prop::sample::select(&["CREATED", "COMPLETED", "FAILED"]).prop_map(Act::ToldOfPayout),
        3 => Just(Act::Dispute),
        4 => Just(Act::State),
        2 => Just(Act::Resolve),
        1 => prop::sample::select(&[Act::Announce, Act::Warn]),
    ]
}

/// What was done; `None` for a refusal.
fn done(answer: Answer) -> Option<Answer> {
    match answer.head.status {
        200 | 201 => Some(answer),
        403 | 404 | 409 => None,
        other => panic!("{other}: {}", answer.body),
    }
}

fn rank(status: &str) -> u8 {
    ["CREATED", "PENDING", "COMPLETED", "FAILED"].iter().position(|one| *one == status).map_or(0, |at| at.min(2) as u8)
}

fn pick<T>(from: &[T], with: usize) -> Option<(usize, &T)> {
    (!from.is_empty()).then(|| (with % from.len(), &from[with % from.len()]))
}

impl World {
    fn user(&self, who: usize) -> String {
        self.guests[who].user.room()
    }

    fn both(&self, document: &Document) -> Vec<String> {
        [document.buyer].into_iter().chain(document.seller).map(|who| self.user(who)).collect()
    }

    /// Somebody who has a reason to do this, so that chance gets far.
    pub fn likely(&self, act: Act, with: usize) -> Option<usize> {
        let seller = |document: &Document| document.seller;
        let of = |documents: &[Document]| pick(documents, with).map(|(_, one)| (one.buyer, one.seller));
        match act {
            Act::Ask => Some(2 + with % 2),
            Act::Offer => Some([0, 1, 4][with % 3]),
            Act::PayOut | Act::Resolve | Act::Announce | Act::Warn => Some(6),
            Act::Withdraw => pick(&self.offers, with).and_then(|(_, offer)| seller(offer)),
            Act::Counter { .. } | Act::Accept | Act::Pay => of(&self.offers).map(|(buyer, _)| buyer),
            Act::Move(_) | Act::Dispute => of(&self.requests).map(|(buyer, _)| buyer),
            Act::Write => of(&self.chats).and_then(|(_, seller)| seller),
            Act::Read => pick(&self.messages, with).map(|(_, (chat, _))| self.chats[*chat].buyer),
            Act::State => {
                of(&self.disputes).and_then(|(buyer, seller)| if with.is_multiple_of(2) { Some(buyer) } else { seller })
            }
            Act::Told(_) | Act::ToldOfPayout(_) => None,
        }
    }

    /// Does it, if there is anything to do it with, and notes to whom it is told.
    pub async fn act(&mut self, act: Act, by: usize, with: usize) {
        self.try_act(act, by, with).await;
    }

    async fn try_act(&mut self, act: Act, by: usize, with: usize) -> Option<()> {
        let user = &self.guests[by].user;
        let document = |id, buyer, seller, of| Document { id, buyer, seller, of, rank: 0 };
        match act {
            Act::Ask => {
                let made = done(user.asks_for("A boat").await)?;
                self.requests.push(document(made.id(), by, None, 0));
                self.tells("request:created", made.seq(), vec!["sellers".into()]);
            }
            Act::Offer => {
                let (of, request) = pick(&self.requests, with)?;
                let made = done(user.offers(&request.id, "5").await)?;
                let rooms = vec![self.user(request.buyer), request_room(&request.id)];
                self.offers.push(document(made.id(), request.buyer, Some(by), of));
                self.tells("request:offer-received", made.seq(), rooms);
            }
            Act::Counter { .. } | Act::Withdraw => {
                let (_, offer) = pick(&self.offers, with)?;
                let said = match act {
                    Act::Counter { price } => done(user.counters(&offer.id, price.then_some("4")).await)?,
                    _ => done(user.call("POST", format!("/v1/offers/{}/withdraw", offer.id)).await)?,
                };
                let mut rooms = self.both(offer);
                rooms.push(request_room(&self.requests[offer.of].id));
                self.tells("offer:negotiation-update", said.seq(), rooms);
            }
            Act::Accept => {
                let (_, offer) = pick(&self.offers, with)?;
                let taken = done(user.accepts(&offer.id).await)?;
                let (buyer, seller, of) = (offer.buyer, offer.seller, offer.of);
                let mut rooms = self.both(offer);
                rooms.push(format!("seller-{}", self.guests[seller?].user.id));
                let request = self.requests[of].id.clone();
                let chats = self.guests[buyer].user.get("/v1/chats?limit=200").await.ok();
                let chat = chats.list().iter().find(|chat| chat["requestId"] == *request).expect("a chat");
                let id = chat["id"].as_str().expect("an id").to_owned();
                self.requests[of].seller = seller;
                self.chats.push(document(id, buyer, seller, of));
                self.tells("offer:accepted", taken.seq() - 1, rooms);
                self.tells("request:status-updated", taken.seq(), vec![request_room(&request)]);
            }
            Act::Move(status) => {
                let (_, request) = pick(&self.requests, with)?;
                let moved = done(user.moves_request(&request.id, status).await)?;
                let rooms = vec![request_room(&request.id)];
                self.tells("request:status-updated", moved.seq(), rooms);
            }
            Act::Write => {
                let (of, chat) = pick(&self.chats, with)?;
                let made = done(user.writes(&chat.id, "Hi").await)?;
                let mut rooms = self.both(chat);
                rooms.push(chat_room(&chat.id));
                self.messages.push((of, made.id()));
                self.tells("chat:new-message", made.seq(), rooms);
            }
            Act::Read => {
                let (_, (chat, id)) = pick(&self.messages, with)?;
                let chat = self.chats[*chat].id.clone();
                let read = done(user.call("POST", format!("/v1/chats/{chat}/messages/{id}/read")).await)?;
                if read.head.status == 201 {
                    self.tells("chat:message-read", read.seq(), vec![chat_room(&chat)]);
                }
            }
            Act::Pay => {
                let (of, offer) = pick(&self.offers, with)?;
                let made = done(user.pays(&offer.id).await)?;
                let (rooms, payment) = (self.both(offer), document(made.id(), offer.buyer, offer.seller, of));
                self.payments.push(payment);
                self.tells("payment:created", made.seq(), rooms);
            }
            Act::Told(status) => {
                let (at, payment) = pick(&self.payments, with)?;
                let told = self.m.tells_of(&payment.id, status).await.ok();
                let (rooms, forward) = (self.both(payment), rank(status) > payment.rank);
                if forward {
                    self.payments[at].rank = rank(status);
                    let completed = status == "COMPLETED";
                    self.tells("payment:status-updated", told.seq() - i64::from(completed), rooms.clone());
                    if completed {
                        self.tells("payment:completed", told.seq(), rooms);
                    }
                }
            }
            Act::PayOut => {
                let (of, payment) = pick(&self.payments, with)?;
                let made = done(user.post("/v1/payouts", json!({ "paymentId": payment.id })).await)?;
                let (buyer, seller) = (payment.buyer, payment.seller);
                let rooms = vec![self.user(seller?)];
                self.payouts.push(document(made.id(), buyer, seller, of));
                self.tells("payout:created", made.seq(), rooms);
            }
            Act::ToldOfPayout(status) => {
                let (at, payout) = pick(&self.payouts, with)?;
                let body = json!({ "kind": "payout", "payoutId": payout.id, "status": status, "txHash": "0x1" });
                let told = self.m.tells(body).await.ok();
                let (ends, rooms) = (payout.rank == 0 && status != "CREATED", vec![self.user(payout.seller?)]);
                if ends {
                    self.payouts[at].rank = 1;
                }
                if ends && status == "COMPLETED" {
                    self.tells("payout:completed", told.seq(), rooms);
                }
            }
            Act::Dispute => {
                let (of, request) = pick(&self.requests, with)?;
                let made = done(user.disputes(&request.id).await)?;
                let (buyer, seller) = (request.buyer, request.seller);
                let mut rooms = self.both(request);
                rooms.extend([request_room(&request.id), "admin".into()]);
                self.disputes.push(document(made.id(), buyer, seller, of));
                self.tells("dispute:opened", made.seq(), rooms);
            }
            Act::State => {
                let (_, dispute) = pick(&self.disputes, with)?;
                let path = format!("/v1/disputes/{}/evidence", dispute.id);
                let said = done(user.post(path, json!({ "text": "See" })).await)?;
                let rooms = vec![request_room(&self.requests[dispute.of].id)];
                self.tells("dispute:evidence-added", said.seq(), rooms);
            }
            Act::Resolve => {
                let (_, dispute) = pick(&self.disputes, with)?;
                let path = format!("/v1/disputes/{}/resolve", dispute.id);
                let done = done(user.put(path, json!({ "resolution": "Half" })).await)?;
                let mut rooms = self.both(dispute);
                rooms.push(request_room(&self.requests[dispute.of].id));
                self.tells("dispute:resolved", done.seq(), rooms);
            }
            Act::Announce => {
                let said = done(user.post("/v1/admin/announcements", json!({ "message": "Cake" })).await)?;
                self.tells("system:announcement", said.seq(), vec!["all".into()]);
            }
            Act::Warn => {
                let body = json!({ "message": "Back at noon", "startsAt": "2027-05-01T08:00:00.000Z" });
                let said = done(user.post("/v1/admin/maintenance", body).await)?;
                self.tells("system:maintenance", said.seq(), vec!["all".into()]);
            }
        }
        Some(())
    }
}
