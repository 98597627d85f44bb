//! Purchase requests: made by buyers, told to sellers, moved by their buyer.

use super::{Market, request_room, told};
use crate::support::{Over, Way};
use serde_json::json;

#[tokio::test]
async fn a_request_is_heard_of_by_all_sellers_and_by_nobody_else() {
    let m = Market::open().await;
    let mut sams = m.sam.ears(&["sellers".into()]).await;
    let mut rivals = m.rival.ears(&[format!("seller-{}", m.rival.id), "sellers".into()]).await;
    let mut beas = m.bea.ears(&["buyers".into()]).await;
    let mut others = m.other_buyer.ears(&["buyers".into()]).await;
    let mut roots = m.root.ears(&[]).await;
    // Sellers both, but not in the room, or no more.
    let mut not_joined = m.sam.ears(&[]).await;
    let mut left = m.rival.live_by(Way::new(Over::SocketIo).rooms(&["sellers"])).await;
    left.asks("leave-seller-room", json!(m.rival.id)).await;
    let made = m.bea.asks_for("A boat").await.created();
    assert_eq!(
        (&made["buyerId"], &made["status"], &made["budget"]),
        (&json!(m.bea.id), &json!("OPEN"), &json!("120.50"))
    );
    assert_eq!(sams.hears("request:created").await, told(&made));
    assert_eq!(rivals.hears("request:created").await, told(&made));
    m.silence(&mut [&mut beas, &mut others, &mut roots, &mut not_joined]).await;
    left.hears_nothing().await;
}

#[tokio::test]
async fn requests_are_made_by_buyers_and_have_to_say_what_is_wanted() {
    let m = Market::open().await;
    m.server.post("/v1/requests", json!({})).await.refused(401, "unauthorized");
    for nobody in [&m.sam, &m.root] {
        nobody.asks_for("A boat").await.refused(403, "forbidden");
    }
    let good = json!({ "title": "A boat", "description": "Red" });
    for (field, value) in [
        ("title", json!("")),
        ("title", json!("x".repeat(201))),
        ("title", json!(null)),
        ("description", json!("")),
        ("category", json!("x".repeat(101))),
        ("budget", json!("1.-")),
        ("budget", json!("0")),
        ("budget", json!(10.5)),
        ("status", json!("COMPLETED")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        m.bea.post("/v1/requests", body).await.refused(422, "invalid_request").naming(field);
    }
    m.bea.post("/v1/requests", good).await.created();
}

#[tokio::test]
async fn an_open_request_is_seen_by_sellers_a_given_one_by_those_who_offered() {
    let m = Market::open().await;
    let request = m.request().await;
    let path = format!("/v1/requests/{request}");
    for one in [&m.bea, &m.sam, &m.rival, &m.root] {
        assert_eq!(one.get(&path).await.ok().id(), request);
        assert_eq!(one.get("/v1/requests").await.ok().ids(), *std::slice::from_ref(&request));
    }
    m.other_buyer.get(&path).await.refused(404, "not_found");
    assert!(m.other_buyer.get("/v1/requests").await.ok().list().is_empty());

    let late = m.server.stranger(&["USER", "SELLER"]);
    m.rival.offers(&request, "1").await.created();
    let offer = m.sam.offers(&request, "2").await.created().id();
    m.bea.accepts(&offer).await.created();
    for one in [&m.bea, &m.sam, &m.rival, &m.root] {
        let found = one.get(&path).await.ok();
        assert_eq!((&found["status"], &found["sellerId"]), (&json!("IN_PROGRESS"), &json!(m.sam.id)));
        assert_eq!(one.get("/v1/requests").await.ok().ids(), *std::slice::from_ref(&request));
    }
    late.get(&path).await.refused(404, "not_found");
    assert!(late.get("/v1/requests").await.ok().list().is_empty());
    m.bea.get("/v1/requests/nonsense").await.refused(404, "not_found");
}

#[tokio::test]
async fn the_buyer_moves_a_request_and_those_who_follow_it_hear() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let room = [request_room(&deal.request)];
    let (mut beas, mut sams, mut roots) = (m.bea.ears(&room).await, m.sam.ears(&room).await, m.root.ears(&room).await);
    let (mut rivals, mut away) = (m.rival.ears(&["sellers".into()]).await, m.sam.ears(&[]).await);
    for other in [&m.sam, &m.root] {
        other.moves_request(&deal.request, "COMPLETED").await.refused(403, "forbidden");
    }
    m.other_buyer.moves_request(&deal.request, "COMPLETED").await.refused(404, "not_found");
    for status in ["OPEN", "IN_PROGRESS"] {
        m.bea.moves_request(&deal.request, status).await.refused(409, "invalid_transition");
    }
    m.bea.moves_request(&deal.request, "GONE").await.refused(422, "invalid_request").naming("status");
    let moved = m.bea.moves_request(&deal.request, "COMPLETED").await.ok();
    assert_eq!(moved["status"], "COMPLETED");
    let notice = json!({ "requestId": deal.request, "status": "COMPLETED", "seq": moved.seq() });
    for ears in [&mut beas, &mut sams, &mut roots] {
        assert_eq!(ears.hears("request:status-updated").await, notice);
    }
    m.bea.moves_request(&deal.request, "CANCELLED").await.refused(409, "invalid_transition");
    m.silence(&mut [&mut beas, &mut sams, &mut roots, &mut rivals, &mut away]).await;
}

#[tokio::test]
async fn a_request_that_is_cancelled_takes_no_offers_and_declines_those_it_has() {
    let m = Market::open().await;
    let request = m.request().await;
    let offer = m.sam.offers(&request, "5").await.created().id();
    m.bea.moves_request(&request, "CANCELLED").await.ok();
    m.rival.offers(&request, "4").await.refused(409, "conflict");
    m.bea.accepts(&offer).await.refused(409, "invalid_transition");
    assert_eq!(m.sam.get(format!("/v1/offers/{offer}")).await.ok()["status"], "DECLINED");
    m.bea.moves_request(&request, "COMPLETED").await.refused(409, "invalid_transition");
}

#[tokio::test]
async fn ones_own_connection_is_spared_what_it_did() {
    let m = Market::open().await;
    let both = m.server.stranger(&["USER", "BUYER", "SELLER"]);
    let mut ears = both.ears(&["sellers".into()]).await;
    both.asks_for("A boat").from(&ears.0[0]).await.created();
    ears.0[1].hears("request:created").await;
    m.silence(&mut [&mut ears]).await;
}
