//! The state machine of an offer: who may take which step from where.

use super::{
    super::{haggling::Counter, stage::*},
    *,
};
use Status::{Accepted, Countered, Declined, Pending, Withdrawn};

fn word(price: Option<&str>) -> Counter {
    Counter { price: price.map(|price| price.parse().expect("money")), message: "How about that?".into() }
}

#[test]
fn each_step_is_taken_only_from_an_open_offer_and_only_by_those_whose_it_is() {
    let (bea, sam, eve, root) = (buyer(), seller(), seller(), admin());
    let now = Time::now();
    type Step = fn(Offer, &Identity, Time) -> Result<Offer>;
    let counter: Step = |offer, by, now| offer.countered(word(None), by, now);
    // The step, where it leads, and whether the buyer and the seller may take it.
    let steps: [(Step, Status, [bool; 2]); 3] = [
        (counter, Countered, [true, true]),
        (Offer::withdrawn, Withdrawn, [false, true]),
        (Offer::accepted, Accepted, [true, false]),
    ];
    for (step, to, may) in steps {
        for &from in Status::ALL {
            for (who, by) in [&bea, &sam, &eve, &root].into_iter().enumerate() {
                let outcome = step(offer_in(from, &bea, &sam), by, now);
                let story = format!("{from:?} -> {to:?} by {who}: {outcome:?}");
                if !may.get(who).copied().unwrap_or(false) {
                    assert!(matches!(outcome, Err(Error::Forbidden(_))), "{story}");
                } else if [Pending, Countered].contains(&from) {
                    assert_eq!(outcome.expect(&story).status, to);
                } else {
                    assert!([Accepted, Declined, Withdrawn].contains(&from));
                    assert!(matches!(outcome, Err(Error::InvalidTransition { .. })), "{story}");
                }
            }
        }
    }
}

#[test]
fn nobody_is_held_to_a_price_that_only_the_other_side_has_named() {
    let (bea, sam) = (buyer(), seller());
    let now = Time::now();
    let made = offer_in(Pending, &bea, &sam);
    let asked = made.clone().countered(word(Some("0.01")), &bea, now).expect("a counter");
    assert!(matches!(asked.clone().accepted(&bea, now), Err(Error::Conflict(_))), "the seller did not say so");
    let said = asked.clone().countered(word(None), &sam, now).expect("a counter");
    assert!(matches!(said.accepted(&bea, now), Err(Error::Conflict(_))), "words are no price");
    let agreed = asked.countered(word(Some("5.00")), &sam, now).expect("a counter");
    assert_eq!(agreed.accepted(&bea, now).expect("agreed").price, "5.00".parse().expect("money"));
    let talked = made.countered(word(None), &bea, now).expect("a counter");
    assert!(talked.accepted(&bea, now).is_ok(), "the seller's price still stands");
}

#[test]
fn offers_are_made_by_sellers_for_what_others_want_while_they_want_it_and_one_at_a_time() {
    let (bea, sam) = (buyer(), seller());
    let wanted = request(&bea);
    let make = |request: &PurchaseRequest, live, by: &Identity| Offer::create(price(), request, live, by, Time::now());
    assert_eq!(make(&wanted, false, &sam).expect("an offer").buyer_id, bea.user);
    assert!(matches!(make(&wanted, true, &sam), Err(Error::Conflict(_))), "one at a time");
    for other in [&bea, &admin()] {
        assert!(matches!(make(&wanted, false, other), Err(Error::Forbidden(_))));
    }
    let both = Identity { roles: [Role::Buyer, Role::Seller].into_iter().collect(), ..bea.clone() };
    assert!(matches!(make(&wanted, false, &both), Err(Error::Forbidden(_))), "not for an own request");
    for &status in requests::Status::ALL {
        let request = request_in(status, &bea);
        assert_eq!(make(&request, false, &sam).is_ok(), status == requests::Status::Open, "{status:?}");
    }
}
