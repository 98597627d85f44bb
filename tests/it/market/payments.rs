//! Payments and payouts: what people wish for, what the provider tells, and that money is moved once.

use super::{Market, told};
use crate::support::processor::Message;
use serde_json::json;

#[tokio::test]
async fn a_payment_is_told_to_both_sides_and_to_nobody_else() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let (mut beas, mut sams) = (m.bea.ears(&[]).await, m.sam.ears(&[]).await);
    let (mut rivals, mut others, mut roots) =
        (m.rival.ears(&["sellers".into()]).await, m.other_buyer.ears(&[]).await, m.root.ears(&[]).await);
    let made = m.bea.pays(&deal.offer).await.created();
    assert_eq!(
        (&made["amount"], &made["currency"], &made["status"]),
        (&json!("100.00"), &json!("EUR"), &json!("CREATED"))
    );
    for ears in [&mut beas, &mut sams] {
        assert_eq!(ears.hears("payment:created").await, told(&made));
    }
    let payment = made.id();
    m.tells_of(&payment, "PENDING").await.ok();
    let done = m.tells_of(&payment, "COMPLETED").await.ok();
    for ears in [&mut beas, &mut sams] {
        assert_eq!(ears.hears("payment:status-updated").await["status"], "PENDING");
        let updated = ears.hears("payment:status-updated").await;
        let fields =
            json!({ "paymentId": payment, "status": "COMPLETED", "providerPaymentId": "p-1", "seq": done.seq() - 1 });
        assert_eq!(updated, fields);
        let completed = ears.hears("payment:completed").await;
        assert_eq!(completed, json!({ "paymentId": payment, "seq": done.seq() }));
    }
    m.silence(&mut [&mut beas, &mut sams, &mut rivals, &mut others, &mut roots]).await;
    for one in [&m.bea, &m.sam, &m.root] {
        assert_eq!(one.get(format!("/v1/payments/{payment}")).await.ok()["status"], "COMPLETED");
        assert_eq!(one.get("/v1/payments").await.ok().ids(), *std::slice::from_ref(&payment));
    }
    for one in [&m.rival, &m.other_buyer] {
        one.get(format!("/v1/payments/{payment}")).await.refused(404, "not_found");
        assert!(one.get("/v1/payments").await.ok().list().is_empty());
    }
}

#[tokio::test]
async fn the_providers_word_counts_once_and_only_forward() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let payment = m.payment(&deal).await;
    let mut beas = m.bea.ears(&[]).await;
    let completed = Message::of_payments(
        json!({ "kind": "payment", "paymentId": payment, "providerPaymentId": "p-1", "status": "COMPLETED" }),
    );
    completed.to(&m.server).await.ok();
    beas.hears("payment:status-updated").await;
    beas.hears("payment:completed").await;
    // The same message again, the same word in another message, and words that come late.
    completed.to(&m.server).await.ok();
    for late in ["COMPLETED", "PENDING", "CREATED", "FAILED"] {
        m.tells_of(&payment, late).await.ok();
    }
    m.silence(&mut [&mut beas]).await;
    assert_eq!(m.bea.get(format!("/v1/payments/{payment}")).await.ok()["status"], "COMPLETED");
}

#[tokio::test]
async fn what_the_provider_says_of_nothing_is_refused_and_may_come_again() {
    let m = Market::open().await;
    let payment = m.payment(&m.deal().await).await;
    let nobody = uuid::Uuid::now_v7();
    m.tells_of(&nobody.to_string(), "COMPLETED").await.refused(404, "not_found");
    m.tells(json!({ "kind": "payout", "payoutId": nobody, "status": "COMPLETED", "txHash": "0x1" }))
        .await
        .refused(404, "not_found");
    for body in [
        json!({ "kind": "refund" }),
        json!({ "kind": "payment", "paymentId": payment, "status": "COMPLETED" }),
        json!({ "kind": "payment", "paymentId": payment, "providerPaymentId": "", "status": "COMPLETED" }),
        json!({ "kind": "payment", "paymentId": payment, "providerPaymentId": "p", "status": "DONE" }),
        json!({ "kind": "payment", "paymentId": payment, "providerPaymentId": "p", "status": "FAILED", "more": 1 }),
        json!({ "kind": "payout", "payoutId": nobody, "status": "COMPLETED" }),
    ] {
        m.tells(body).await.refused(422, "invalid_request");
    }
    let message = Message::of_payments(
        json!({ "kind": "payment", "paymentId": payment, "providerPaymentId": "p", "status": "FAILED" }),
    );
    let stranger = Message { secret: "whsec_c3RyYW5nZXJzdHJhbmdlcnN0cmFuZ2Vy", ..message.clone() };
    stranger.to(&m.server).await.refused(401, "unauthorized");
    message.to(&m.server).await.ok();
    assert_eq!(m.bea.get(format!("/v1/payments/{payment}")).await.ok()["status"], "FAILED");
}

#[tokio::test]
async fn only_the_buyer_pays_for_what_was_accepted_and_once() {
    let m = Market::open().await;
    let request = m.request().await;
    let offer = m.sam.offers(&request, "5").await.created().id();
    m.bea.pays(&offer).await.refused(409, "conflict");
    m.bea.accepts(&offer).await.created();
    for other in [&m.sam, &m.root] {
        other.pays(&offer).await.refused(403, "forbidden");
    }
    for stranger in [&m.rival, &m.other_buyer] {
        stranger.pays(&offer).await.refused(404, "not_found");
    }
    let first = m.bea.pays(&offer).await.created().id();
    m.bea.pays(&offer).await.refused(409, "conflict");
    m.tells_of(&first, "FAILED").await.ok();
    let second = m.bea.pays(&offer).await.created().id();
    m.tells_of(&second, "COMPLETED").await.ok();
    m.bea.pays(&offer).await.refused(409, "conflict");
    // The first comes late: nothing is paid twice.
    m.tells_of(&first, "COMPLETED").await.ok();
    assert_eq!(m.bea.get(format!("/v1/payments/{first}")).await.ok()["status"], "FAILED");
}

#[tokio::test]
async fn a_payment_that_is_sent_twice_under_one_key_is_made_once() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let mut sams = m.sam.ears(&[]).await;
    let pay = || m.bea.pays(&deal.offer).header("Idempotency-Key", "k-1");
    let (first, again) = (pay().await.created(), pay().await.created());
    assert_eq!((&first.body, first.seq()), (&again.body, again.seq()));
    sams.hears("payment:created").await;
    m.silence(&mut [&mut sams]).await;
    let other = m.bea.post("/v1/payments", json!({ "offerId": deal.request })).header("Idempotency-Key", "k-1");
    other.await.refused(409, "conflict");
}

#[tokio::test]
async fn what_is_paid_for_can_no_longer_be_cancelled() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let payment = m.payment(&deal).await;
    m.tells_of(&payment, "COMPLETED").await.ok();
    m.bea.moves_request(&deal.request, "CANCELLED").await.refused(409, "conflict");
    m.bea.moves_request(&deal.request, "COMPLETED").await.ok();
    let unpaid = m.deal().await;
    m.bea.moves_request(&unpaid.request, "CANCELLED").await.ok();
    m.bea.pays(&unpaid.offer).await.refused(409, "conflict");
}

#[tokio::test]
async fn a_payout_is_told_to_its_seller_alone_and_made_once() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let payment = m.payment(&deal).await;
    let order = |by: &crate::support::User| by.post("/v1/payouts", json!({ "paymentId": payment }));
    order(&m.root).await.refused(409, "conflict");
    m.tells_of(&payment, "COMPLETED").await.ok();
    let (mut beas, mut sams) = (m.bea.ears(&[]).await, m.sam.ears(&[]).await);
    let (mut rivals, mut roots) = (m.rival.ears(&["sellers".into()]).await, m.root.ears(&[]).await);
    for other in [&m.bea, &m.sam, &m.rival] {
        order(other).await.refused(403, "forbidden");
    }
    let made = order(&m.root).await.created();
    assert_eq!((&made["amount"], &made["sellerId"]), (&json!("100.00"), &json!(m.sam.id)));
    assert_eq!(sams.hears("payout:created").await, told(&made));
    order(&m.root).await.refused(409, "conflict");
    let tell =
        |status: &str| m.tells(json!({ "kind": "payout", "payoutId": made.id(), "status": status, "txHash": "0xabc" }));
    let done = tell("COMPLETED").await.ok();
    let completed = sams.hears("payout:completed").await;
    assert_eq!(completed, json!({ "payoutId": made.id(), "txHash": "0xabc", "seq": done.seq() }));
    for late in ["COMPLETED", "FAILED", "CREATED"] {
        tell(late).await.ok();
    }
    order(&m.root).await.refused(409, "conflict");
    m.silence(&mut [&mut beas, &mut sams, &mut rivals, &mut roots]).await;
    for one in [&m.sam, &m.root] {
        assert_eq!(one.get(format!("/v1/payouts/{}", made.id())).await.ok()["status"], "COMPLETED");
    }
    m.bea.get(format!("/v1/payouts/{}", made.id())).await.refused(404, "not_found");
    assert!(m.bea.get("/v1/payouts").await.ok().list().is_empty());
}
