//! Offers: made by sellers, haggled about by the two, taken by the buyer.

use super::{Market, request_room, told};
use serde_json::json;

#[tokio::test]
async fn an_offer_is_heard_of_by_the_buyer_and_not_by_rivals() {
    let m = Market::open().await;
    let request = m.request().await;
    // The buyer hears of it wherever she is.
    let (mut beas, mut at_home) = (m.bea.ears(&[request_room(&request)]).await, m.bea.ears(&[]).await);
    let (mut roots, mut elsewhere) = (m.root.ears(&[request_room(&request)]).await, m.root.ears(&[]).await);
    let mut rivals = m.rival.ears(&["sellers".into()]).await;
    let mut others = m.other_buyer.ears(&["buyers".into()]).await;
    let made = m.sam.offers(&request, "100.00").await.created();
    assert_eq!(
        (&made["price"], &made["status"], &made["sellerId"]),
        (&json!("100.00"), &json!("PENDING"), &json!(m.sam.id))
    );
    let notice = json!({ "requestId": request, "offer": made.body, "seq": made.seq() });
    assert_eq!(beas.hears("request:offer-received").await, notice);
    for ears in [&mut at_home, &mut roots] {
        assert_eq!(ears.hears("request:offer-received").await, notice);
    }
    m.silence(&mut [&mut beas, &mut at_home, &mut roots, &mut elsewhere, &mut rivals, &mut others]).await;
}

#[tokio::test]
async fn who_may_offer_what() {
    let m = Market::open().await;
    let request = m.request().await;
    m.other_buyer.offers(&request, "1").await.refused(404, "not_found");
    for who in [&m.bea, &m.root] {
        who.offers(&request, "1").await.refused(403, "forbidden");
    }
    let both = m.server.stranger(&["USER", "BUYER", "SELLER"]);
    let own = both.asks_for("Mine").await.created().id();
    both.offers(&own, "1").await.refused(403, "forbidden");
    for (price, currency, field) in [("1,5", "EUR", "price"), ("-1", "EUR", "price"), ("1", "eur", "currency")] {
        let body = json!({ "price": price, "currency": currency });
        let path = format!("/v1/requests/{request}/offers");
        m.sam.post(path, body).await.refused(422, "invalid_request").naming(field);
    }
    m.sam.offers(&uuid::Uuid::now_v7().to_string(), "1").await.refused(404, "not_found");
    m.sam.offers(&request, "1").await.created();
    m.sam.offers(&request, "2").await.refused(409, "conflict");
    m.rival.offers(&request, "3").await.created();
}

#[tokio::test]
async fn the_buyer_sees_all_offers_and_a_seller_his_own() {
    let m = Market::open().await;
    let request = m.request().await;
    let sams = m.sam.offers(&request, "1").await.created().id();
    let rivals = m.rival.offers(&request, "2").await.created().id();
    let path = format!("/v1/requests/{request}/offers");
    for all in [&m.bea, &m.root] {
        let page = all.get(format!("{path}?limit=1")).await.ok();
        assert_eq!(page.ids(), *std::slice::from_ref(&sams));
        assert_eq!(all.get(page.next_page().expect("more")).await.ok().ids(), *std::slice::from_ref(&rivals));
    }
    assert_eq!(m.sam.get(&path).await.ok().ids(), *std::slice::from_ref(&sams));
    assert_eq!(m.rival.get(&path).await.ok().ids(), [rivals]);
    m.other_buyer.get(&path).await.refused(404, "not_found");
    m.rival.get(format!("/v1/offers/{sams}")).await.refused(404, "not_found");
    m.bea.get(format!("/v1/offers/{sams}")).await.ok();
}

#[tokio::test]
async fn the_two_haggle_and_only_they_hear_of_it() {
    let m = Market::open().await;
    let request = m.request().await;
    let offer = m.sam.offers(&request, "100.00").await.created().id();
    m.rival.offers(&request, "90.00").await.created();
    let (mut beas, mut sams) = (m.bea.ears(&[]).await, m.sam.ears(&[]).await);
    let (mut roots, mut rivals) =
        (m.root.ears(&[request_room(&request)]).await, m.rival.ears(&["sellers".into()]).await);
    let mut others = m.other_buyer.ears(&[]).await;
    for (who, price) in [(&m.bea, Some("80.00")), (&m.sam, None), (&m.sam, Some("85.00"))] {
        let said = who.counters(&offer, price).await.created();
        assert_eq!(said["status"], "COUNTERED");
        let notice = json!({ "offerId": offer, "message": "How about that?", "seq": said.seq() });
        for ears in [&mut beas, &mut sams, &mut roots] {
            assert_eq!(ears.hears("offer:negotiation-update").await, notice);
        }
    }
    m.rival.counters(&offer, None).await.refused(404, "not_found");
    m.root.counters(&offer, None).await.refused(403, "forbidden");
    m.bea.counters(&offer, Some("cheap")).await.refused(422, "invalid_request").naming("price");
    assert_eq!(m.bea.get(format!("/v1/offers/{offer}")).await.ok()["price"], "85.00");
    m.silence(&mut [&mut beas, &mut sams, &mut roots, &mut rivals, &mut others]).await;
}

#[tokio::test]
async fn nobody_is_held_to_a_price_that_only_the_other_side_named() {
    let m = Market::open().await;
    let request = m.request().await;
    let offer = m.sam.offers(&request, "100.00").await.created().id();
    m.bea.counters(&offer, Some("0.01")).await.created();
    m.bea.accepts(&offer).await.refused(409, "conflict");
    m.sam.counters(&offer, Some("60.00")).await.created();
    assert_eq!(m.bea.accepts(&offer).await.created()["price"], "60.00");
    let payment = m.bea.pays(&offer).await.created();
    assert_eq!((&payment["amount"], &payment["currency"]), (&json!("60.00"), &json!("EUR")));
}

#[tokio::test]
async fn a_seller_takes_an_offer_back_and_may_make_another() {
    let m = Market::open().await;
    let request = m.request().await;
    let offer = m.sam.offers(&request, "1").await.created().id();
    let mut beas = m.bea.ears(&[]).await;
    let path = format!("/v1/offers/{offer}/withdraw");
    m.bea.call("POST", &path).await.refused(403, "forbidden");
    m.rival.call("POST", &path).await.refused(404, "not_found");
    assert_eq!(m.sam.call("POST", &path).await.created()["status"], "WITHDRAWN");
    assert_eq!(beas.hears("offer:negotiation-update").await["offerId"], json!(offer));
    m.sam.call("POST", &path).await.refused(409, "invalid_transition");
    m.bea.counters(&offer, None).await.refused(409, "invalid_transition");
    m.bea.accepts(&offer).await.refused(409, "invalid_transition");
    m.sam.offers(&request, "2").await.created();
}

#[tokio::test]
async fn an_accepted_offer_gives_the_request_away_declines_the_others_and_opens_a_chat() {
    let m = Market::open().await;
    let request = m.request().await;
    let offer = m.sam.offers(&request, "100.00").await.created().id();
    let lost = m.rival.offers(&request, "90.00").await.created().id();
    let room = request_room(&request);
    let mut beas = m.bea.ears(std::slice::from_ref(&room)).await;
    let mut roots = m.root.ears(&[room]).await;
    let mut sams = m.sam.ears(&["sellers".into(), format!("seller-{}", m.sam.id)]).await;
    let mut rivals = m.rival.ears(&["sellers".into(), format!("seller-{}", m.rival.id)]).await;
    let mut others = m.other_buyer.ears(&["buyers".into()]).await;

    for nobody in [&m.sam, &m.root] {
        nobody.accepts(&offer).await.refused(403, "forbidden");
    }
    m.other_buyer.accepts(&offer).await.refused(404, "not_found");
    let accepted = m.bea.accepts(&offer).await.created();
    assert_eq!((accepted.id(), &accepted["status"]), (offer.clone(), &json!("ACCEPTED")));
    let seq = accepted.seq();
    let (taken, moved) = (
        json!({ "offerId": offer, "seq": seq - 1 }),
        json!({ "requestId": request, "status": "IN_PROGRESS", "seq": seq }),
    );
    assert_eq!(beas.hears("offer:accepted").await, taken);
    assert_eq!(beas.hears("request:status-updated").await, moved);
    assert_eq!(roots.hears("request:status-updated").await, moved);
    assert_eq!(sams.hears("offer:accepted").await, taken);
    m.silence(&mut [&mut beas, &mut roots, &mut sams, &mut rivals, &mut others]).await;

    assert_eq!(m.rival.get(format!("/v1/offers/{lost}")).await.ok()["status"], "DECLINED");
    m.bea.accepts(&lost).await.refused(409, "invalid_transition");
    m.bea.accepts(&offer).await.refused(409, "invalid_transition");
    for one in [&m.bea, &m.sam] {
        let chats = one.get("/v1/chats").await.ok();
        let chat = &chats.list()[0];
        assert_eq!((&chat["buyerId"], &chat["sellerId"]), (&json!(m.bea.id), &json!(m.sam.id)));
        assert_eq!(chats.list().len(), 1);
    }
    for one in [&m.rival, &m.other_buyer, &m.root] {
        assert!(one.get("/v1/chats").await.ok().list().is_empty());
    }
}

#[tokio::test]
async fn what_is_told_is_the_whole_document() {
    let m = Market::open().await;
    let mut sams = m.sam.ears(&["sellers".into()]).await;
    let made = m.bea.asks_for("A boat").await.created();
    assert_eq!(sams.hears("request:created").await, told(&made));
    assert_eq!(m.sam.get(format!("/v1/requests/{}", made.id())).await.ok().body, made.body);
}
