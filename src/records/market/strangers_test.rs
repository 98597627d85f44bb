//! Whatever people do in the marketplace, in whatever order, nobody hears of what is not theirs. Random
//! people do random things with anybody's documents; everybody sits in every room that they may enter;
//! a plain model, written without a look at the rules, says whose each document is.

use super::{
    chats::{Message, Words},
    deal,
    disputes::{self, Dispute},
    evidence::{self, Evidence},
    haggling,
    offers::Offer,
    payments::{self, Payment},
    payouts::{self, Payout},
    provider::{Told, told_by_provider},
    requests::{self, PurchaseRequest},
};
use crate::{
    delivery::{Grant, Ground, grants, outbox::Tx},
    error::Error,
    identity::{Identity, Role},
    ids::{ChatId, DisputeId, MessageId, OfferId, PaymentId, PayoutId, RequestId, UserId},
    notice::{Notice, Room},
    records::stage::{Stage, somebody},
    sql,
    store::{Conn, schema::chats},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// What somebody tries; which document it is about is drawn from all that there are.
#[derive(Debug, Clone, Copy)]
enum Act {
    Ask,
    Offer,
    Counter { price: bool },
    Withdraw,
    Accept,
    Move(requests::Status),
    Write,
    Read,
    Pay,
    Told(payments::Status),
    PayOut,
    ToldOfPayout(payouts::Status),
    Dispute,
    State,
    Resolve,
}

fn acts() -> impl Strategy<Value = Act> {
    use requests::Status::{Cancelled, Completed, Open};
    prop_oneof![
        3 => Just(Act::Ask),
        8 => Just(Act::Offer),
        4 => any::<bool>().prop_map(|price| Act::Counter { price }),
        1 => Just(Act::Withdraw),
        6 => Just(Act::Accept),
        2 => prop::sample::select(vec![Open, Completed, Cancelled]).prop_map(Act::Move),
        6 => Just(Act::Write),
        4 => Just(Act::Read),
        4 => Just(Act::Pay),
        3 => prop::sample::select(payments::Status::ALL).prop_map(Act::Told),
        3 => Just(Act::PayOut),
        2 => prop::sample::select(payouts::Status::ALL).prop_map(Act::ToldOfPayout),
        3 => Just(Act::Dispute),
        4 => Just(Act::State),
        2 => Just(Act::Resolve),
    ]
}

/// Two buyers, two sellers, one who is both, an administrator, and somebody who is nothing special.
fn people() -> Vec<Identity> {
    use Role::{Admin, Buyer, Seller, User};
    let roles: [&[Role]; 7] = [
        &[User, Buyer],
        &[User, Buyer],
        &[User, Seller],
        &[User, Seller],
        &[User, Buyer, Seller],
        &[User, Admin],
        &[User],
    ];
    roles.map(somebody).to_vec()
}

/// Whose everything is, as somebody would write it down who only looks on.
#[derive(Default)]
struct Book {
    requests: Vec<RequestId>,
    offers: Vec<OfferId>,
    chats: Vec<ChatId>,
    messages: Vec<(ChatId, MessageId)>,
    payments: Vec<PaymentId>,
    payouts: Vec<PayoutId>,
    disputes: Vec<DisputeId>,
    /// By the id of any document: its buyer, and its seller once there is one.
    sides: HashMap<String, (UserId, Option<UserId>)>,
}

impl Book {
    fn note(&mut self, id: impl ToString, buyer: UserId, seller: Option<UserId>) {
        self.sides.insert(id.to_string(), (buyer, seller));
    }

    /// Somebody who has a reason to do this, so that chance gets far.
    fn likely(&self, act: Act, with: usize, people: &[Identity]) -> Option<UserId> {
        let id = match act {
            Act::Ask => return Some(people[with % 2].user),
            Act::Offer => return Some(people[2 + with % 2].user),
            Act::PayOut | Act::Resolve => return people.iter().find(|one| one.is_admin()).map(|one| one.user),
            Act::Counter { .. } | Act::Withdraw | Act::Accept | Act::Pay => pick(&self.offers, with)?.to_string(),
            Act::Move(_) | Act::Dispute => pick(&self.requests, with)?.to_string(),
            Act::Write => pick(&self.chats, with)?.to_string(),
            Act::Read => pick(&self.messages, with)?.0.to_string(),
            Act::State => pick(&self.disputes, with)?.to_string(),
            Act::Told(_) | Act::ToldOfPayout(_) => return None,
        };
        let (buyer, seller) = self.sides[&id];
        let sells = matches!(act, Act::Withdraw)
            || matches!(act, Act::Write | Act::Read | Act::Counter { .. }) && with.is_multiple_of(3);
        if sells { seller } else { Some(buyer) }
    }

    /// Who may hear this, at most, and who must.
    fn ears(&self, notice: &Notice, people: &[Identity]) -> (BTreeSet<UserId>, BTreeSet<UserId>) {
        let payload: Value = serde_json::from_str(&notice.payload).expect("json");
        let sides = |field: &str| {
            let id = payload[field].as_str().unwrap_or_else(|| panic!("no {field}: {payload}"));
            let (buyer, seller) = self.sides[id];
            (BTreeSet::from([buyer]), BTreeSet::from_iter(seller))
        };
        let role = |role| people.iter().filter(|one| one.roles.has(role)).map(|one| one.user).collect::<BTreeSet<_>>();
        let admins = role(Role::Admin);
        let nobody = BTreeSet::new();
        let (may, must) = match notice.event.as_str() {
            "request:created" => (role(Role::Seller), nobody),
            "request:offer-received" => {
                let (buyer, _) = sides("requestId");
                (&buyer | &admins, buyer)
            }
            "request:status-updated" => {
                let (buyer, seller) = sides("requestId");
                (&(&buyer | &seller) | &admins, nobody)
            }
            "offer:negotiation-update" => {
                let (buyer, seller) = sides("offerId");
                (&(&buyer | &seller) | &admins, &buyer | &seller)
            }
            "offer:accepted" => {
                let (buyer, seller) = sides("offerId");
                (&buyer | &seller, &buyer | &seller)
            }
            "chat:new-message" => {
                let (buyer, seller) = sides("chatId");
                (&buyer | &seller, &buyer | &seller)
            }
            "chat:message-read" => {
                let (buyer, seller) = sides("chatId");
                (&buyer | &seller, nobody)
            }
            "payment:created" => {
                let (buyer, seller) = sides("id");
                (&buyer | &seller, &buyer | &seller)
            }
            "payment:status-updated" | "payment:completed" => {
                let (buyer, seller) = sides("paymentId");
                (&buyer | &seller, &buyer | &seller)
            }
            "payout:created" => {
                let (_, seller) = sides("id");
                (seller.clone(), seller)
            }
            "payout:completed" => {
                let (_, seller) = sides("payoutId");
                (seller.clone(), seller)
            }
            "dispute:opened" => {
                let (buyer, seller) = sides("id");
                let all = &(&buyer | &seller) | &admins;
                (all.clone(), all)
            }
            "dispute:evidence-added" => {
                let (buyer, seller) = sides("disputeId");
                (&(&buyer | &seller) | &admins, nobody)
            }
            "dispute:resolved" => {
                let (buyer, seller) = sides("disputeId");
                (&(&buyer | &seller) | &admins, &buyer | &seller)
            }
            other => panic!("nobody said anything of {other}"),
        };
        (may, must)
    }
}

fn pick<T: Copy>(from: &[T], with: usize) -> Option<T> {
    (!from.is_empty()).then(|| from[with % from.len()])
}

fn body<T: serde::de::DeserializeOwned>(body: Value) -> T {
    serde_json::from_value(body).expect("a body")
}

/// Does it, if there is anything to do it with, and notes what came of it.
fn act(stage: &mut Stage, book: &mut Book, by: &Identity, act: Act, with: usize) -> Vec<Arc<Notice>> {
    let by = by.clone();
    let me = by.user;
    macro_rules! change {
        (|$tx:ident| $work:expr) => {
            match stage.change(async move |$tx: &mut Tx| $work.await) {
                Ok((value, told)) => (value, told),
                Err(error) => {
                    assert!(!matches!(error, Error::Internal), "a refusal is no accident");
                    return Vec::new();
                }
            }
        };
    }
    macro_rules! one_of {
        ($list:ident) => {
            match pick(&book.$list, with) {
                Some(id) => id,
                None => return Vec::new(),
            }
        };
    }
    match act {
        Act::Ask => {
            let draft = body(json!({ "title": "A boat", "description": "Red" }));
            let (made, told) = change!(|tx| PurchaseRequest::post(tx, &by, draft));
            book.requests.push(made.id);
            book.note(made.id, me, None);
            told
        }
        Act::Offer => {
            let (id, draft) = (one_of!(requests), body(json!({ "price": "5", "currency": "EUR" })));
            let (made, told) = change!(|tx| Offer::make(tx, &by, id, draft));
            book.offers.push(made.id);
            let (buyer, _) = book.sides[&id.to_string()];
            book.note(made.id, buyer, Some(me));
            told
        }
        Act::Counter { price } => {
            let id = one_of!(offers);
            let word = haggling::Counter { price: price.then(|| "4".parse().expect("money")), message: "Less?".into() };
            change!(|tx| Offer::counter(tx, &by, id, word)).1
        }
        Act::Withdraw => {
            let id = one_of!(offers);
            change!(|tx| Offer::withdraw(tx, &by, id)).1
        }
        Act::Accept => {
            let id = one_of!(offers);
            let (done, told) = change!(|tx| deal::accept(tx, &by, id));
            let (buyer, seller) = book.sides[&id.to_string()];
            assert_eq!(buyer, me, "only the buyer accepts");
            book.note(done.request_id, buyer, seller);
            let chat = stage.read(async |conn: &mut Conn| chat_of(conn, done.request_id).await);
            book.chats.push(chat);
            book.note(chat, buyer, seller);
            told
        }
        Act::Move(to) => {
            let id = one_of!(requests);
            change!(|tx| deal::shift(tx, &by, id, to)).1
        }
        Act::Write => {
            let id = one_of!(chats);
            let (made, told) = change!(|tx| Message::write(tx, &by, id, Words { text: "Hi".into() }));
            book.messages.push((id, made.id));
            told
        }
        Act::Read => {
            let (chat, id) = one_of!(messages);
            change!(|tx| Message::read(tx, &by, chat, id)).1
        }
        Act::Pay => {
            let offer = one_of!(offers);
            let (made, told) = change!(|tx| Payment::pay(tx, &by, payments::Draft { offer_id: offer }));
            let (buyer, seller) = book.sides[&offer.to_string()];
            book.payments.push(made.id);
            book.note(made.id, buyer, seller);
            told
        }
        Act::Told(status) => {
            let told = Told::Payment { payment_id: one_of!(payments), provider_payment_id: "p".into(), status };
            change!(|tx| told_by_provider(tx, told)).1
        }
        Act::PayOut => {
            let payment = one_of!(payments);
            let (made, told) = change!(|tx| Payout::order(tx, &by, payouts::Draft { payment_id: payment }));
            let (buyer, seller) = book.sides[&payment.to_string()];
            book.payouts.push(made.id);
            book.note(made.id, buyer, seller);
            told
        }
        Act::ToldOfPayout(status) => {
            let told = Told::Payout { payout_id: one_of!(payouts), status, tx_hash: Some("0x1".into()) };
            change!(|tx| told_by_provider(tx, told)).1
        }
        Act::Dispute => {
            let request = one_of!(requests);
            let draft = disputes::Draft { request_id: request, reason: "Late".into() };
            let (made, told) = change!(|tx| Dispute::open(tx, &by, draft));
            let (buyer, seller) = book.sides[&request.to_string()];
            book.disputes.push(made.id);
            book.note(made.id, buyer, seller);
            told
        }
        Act::State => {
            let id = one_of!(disputes);
            change!(|tx| Evidence::state(tx, &by, id, evidence::Statement { text: "See".into() })).1
        }
        Act::Resolve => {
            let id = one_of!(disputes);
            change!(|tx| Dispute::resolve(tx, &by, id, disputes::Verdict { resolution: "Half".into() })).1
        }
    }
}

async fn chat_of(conn: &mut Conn, request: RequestId) -> ChatId {
    sql!(conn, |c| chats::table.filter(chats::request_id.eq(request)).select(chats::id).first(c).await).expect("a chat")
}

/// Whether somebody is in the room who has entered all that they may.
async fn is_in(conn: &mut Conn, one: &Identity, room: &Room) -> bool {
    match room {
        Room::All => true,
        Room::Admin => one.is_admin(),
        Room::User(user) => *user == one.user,
        Room::Sellers => one.roles.has(Role::Seller),
        Room::Seller(user) => *user == one.user && one.roles.has(Role::Seller),
        Room::Request(_) | Room::Chat(_) => {
            let found = grants(conn, one.user, std::slice::from_ref(room)).await.expect("an answer");
            let [Grant { ground, .. }] = found.as_slice() else { panic!("one answer: {found:?}") };
            match ground {
                Ground::Party => true,
                Ground::Admin => one.is_admin(),
                Ground::Nothing | Ground::Given => false,
            }
        }
        other => panic!("nothing of the marketplace is told to {other}"),
    }
}

fn hearers(stage: &Stage, notice: &Notice, people: &[Identity]) -> BTreeSet<UserId> {
    assert!(notice.audience.within.is_empty() && notice.audience.except.is_empty());
    stage.read(async |conn: &mut Conn| {
        let mut heard = BTreeSet::new();
        for one in people {
            for room in &notice.audience.to {
                if is_in(conn, one, room).await {
                    heard.insert(one.user);
                }
            }
        }
        heard
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn nobody_ever_hears_of_what_they_are_no_party_to(
        steps in prop::collection::vec((acts(), any::<usize>(), any::<bool>(), any::<usize>()), 1..150)
    ) {
        let people = people();
        let (mut stage, mut book) = (Stage::new(&[]), Book::default());
        for (what, who, by_chance, with) in steps {
            let likely = book.likely(what, with, &people).filter(|_| !by_chance);
            let by = people.iter().find(|one| Some(one.user) == likely).unwrap_or(&people[who % people.len()]);
            let told = act(&mut stage, &mut book, by, what, with);
            for notice in told.into_iter().filter(|notice| notice.effect.is_none()) {
                let heard = hearers(&stage, &notice, &people);
                let (may, must) = book.ears(&notice, &people);
                let story = format!("{what:?}: {} {}", notice.event, notice.payload);
                prop_assert!(heard.is_subset(&may), "{story}: a stranger heard of it");
                prop_assert!(must.is_subset(&heard), "{story}: a party did not hear of it");
            }
        }
    }
}

#[test]
fn the_people_of_the_property_can_make_a_whole_deal() {
    // Else the property would hold of an empty marketplace.
    let people = people();
    let (bea, sam, root) = (&people[0], &people[2], &people[5]);
    let (mut stage, mut book) = (Stage::new(&[]), Book::default());
    let deal = [
        (bea, Act::Ask, 1),
        (sam, Act::Offer, 1),
        (bea, Act::Counter { price: false }, 1),
        (bea, Act::Accept, 3),
        (sam, Act::Write, 1),
        (bea, Act::Read, 1),
        (bea, Act::Pay, 1),
        (bea, Act::Told(payments::Status::Completed), 2),
        (root, Act::PayOut, 1),
        (root, Act::ToldOfPayout(payouts::Status::Completed), 1),
        (sam, Act::Dispute, 1),
        (bea, Act::State, 1),
        (root, Act::Resolve, 1),
        (bea, Act::Move(requests::Status::Completed), 1),
    ];
    for (by, what, told) in deal {
        assert_eq!(act(&mut stage, &mut book, by, what, 0).len(), told, "{what:?}");
    }
}
