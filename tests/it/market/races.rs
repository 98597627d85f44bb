//! Several at the same time: one wins, the others are told so (409), nothing is half done. And who was
//! away meanwhile misses nothing.

use super::{Market, chat_room, request_room};
use crate::support::{Over, Way};
use futures_util::future::join_all;
use serde_json::json;

#[tokio::test]
async fn of_two_tabs_that_accept_two_offers_one_wins() {
    let m = Market::open().await;
    for _ in 0..5 {
        let request = m.request().await;
        let offers =
            [m.sam.offers(&request, "1").await.created().id(), m.rival.offers(&request, "2").await.created().id()];
        let done = join_all(offers.iter().map(|offer| async { m.bea.accepts(offer).await.head.status })).await;
        assert!(done == [201, 409] || done == [409, 201], "{done:?}");
        let all = m.bea.get(format!("/v1/requests/{request}/offers")).await.ok();
        let mut states: Vec<_> = all.list().iter().map(|offer| offer["status"].as_str().unwrap_or_default()).collect();
        states.sort_unstable();
        assert_eq!(states, ["ACCEPTED", "DECLINED"]);
    }
    assert_eq!(m.bea.get("/v1/chats").await.ok().list().len(), 5);
}

#[tokio::test]
async fn of_two_clicks_one_counts() {
    let m = Market::open().await;
    let request = m.request().await;
    let offer = m.sam.offers(&request, "1").await.created().id();
    let mut sams = m.sam.ears(&[]).await;
    let mut accepted = join_all((0..4).map(|_| async { m.bea.accepts(&offer).await.head.status })).await;
    accepted.sort_unstable();
    assert_eq!(accepted, [201, 409, 409, 409]);
    let mut paid = join_all((0..4).map(|_| async { m.bea.pays(&offer).await.head.status })).await;
    paid.sort_unstable();
    assert_eq!(paid, [201, 409, 409, 409]);
    let mut disputed = join_all([&m.bea, &m.sam].map(|one| async { one.disputes(&request).await.head.status })).await;
    disputed.sort_unstable();
    assert_eq!(disputed, [201, 409]);
    for event in ["offer:accepted", "payment:created", "dispute:opened"] {
        sams.hears(event).await;
    }
    m.silence(&mut [&mut sams]).await;
}

#[tokio::test]
async fn a_seller_who_races_with_himself_has_one_offer_and_one_who_comes_late_none() {
    let m = Market::open().await;
    let request = m.request().await;
    let mut made = join_all((0..3).map(|_| async { m.sam.offers(&request, "1").await.head.status })).await;
    made.sort_unstable();
    assert_eq!(made, [201, 409, 409]);
    let offer = m.sam.get(format!("/v1/requests/{request}/offers")).await.ok().ids().remove(0);
    let (accepted, late) = futures_util::future::join(async { m.bea.accepts(&offer).await.head.status }, async {
        m.rival.offers(&request, "2").await.head.status
    })
    .await;
    assert_eq!(accepted, 201);
    assert!([201, 409].contains(&late), "{late}");
    let rivals = m.rival.get("/v1/offers").await.ok();
    assert!(rivals.list().iter().all(|offer| offer["status"] == "DECLINED"), "{}", rivals.body);
}

#[tokio::test]
async fn the_same_word_of_the_provider_many_times_at_once_counts_once() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let payment = m.payment(&deal).await;
    let mut beas = m.bea.ears(&[]).await;
    let words = ["COMPLETED", "PENDING", "COMPLETED", "COMPLETED"];
    let done = join_all(words.map(|word| async { m.tells_of(&payment, word).await.head.status })).await;
    assert_eq!(done, [200; 4]);
    let marker = m.server.marker().await;
    for live in &mut beas.0 {
        let heard = live.hears_until(&marker).await;
        let completed = heard.iter().filter(|(name, _)| name == "payment:completed").count();
        assert_eq!(completed, 1, "{heard:?}");
    }
    let orders =
        (0..3).map(|_| async { m.root.post("/v1/payouts", json!({ "paymentId": payment })).await.head.status });
    let mut ordered = join_all(orders).await;
    ordered.sort_unstable();
    assert_eq!(ordered, [201, 409, 409]);
}

#[tokio::test]
async fn who_was_away_hears_what_the_market_did_meanwhile() {
    let m = Market::open().await;
    for over in [Over::SocketIo, Over::WebSocket, Over::Sse] {
        let deal = m.deal().await;
        let rooms = [request_room(&deal.request), chat_room(&deal.chat)];
        let mut live = m.bea.live_by(Way::new(over).rooms(&rooms)).await;
        let mut rival = m.rival.live_by(Way::new(over).rooms(&rooms)).await;
        assert_eq!(rival.ready["refusedRooms"], json!(rooms));
        live.cut().await;
        rival.cut().await;
        let message = m.sam.writes(&deal.chat, "There?").await.created();
        let payment = m.payment(&deal).await;
        m.tells_of(&payment, "COMPLETED").await.ok();
        m.bea.call("POST", format!("/v1/chats/{}/messages/{}/read", deal.chat, message.id())).await.created();
        m.sam.disputes(&deal.request).await.created();
        m.bea.moves_request(&deal.request, "COMPLETED").await.ok();
        live.resume().await;
        rival.resume().await;
        for event in [
            "chat:new-message",
            "payment:created",
            "payment:status-updated",
            "payment:completed",
            "chat:message-read",
            "dispute:opened",
            "request:status-updated",
        ] {
            live.hears(event).await;
        }
        live.hears_nothing().await;
        rival.hears_nothing().await;
    }
}
