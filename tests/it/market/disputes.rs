//! Disputes: opened by a party, argued by both, decided by an administrator.

use super::{Market, request_room, told};
use crate::support::User;
use serde_json::json;

fn states(user: &User, dispute: &str, text: &str) -> crate::support::Call {
    user.post(format!("/v1/disputes/{dispute}/evidence"), json!({ "text": text }))
}

fn resolves(user: &User, dispute: &str) -> crate::support::Call {
    user.put(format!("/v1/disputes/{dispute}/resolve"), json!({ "resolution": "Half back" }))
}

#[tokio::test]
async fn a_dispute_is_heard_by_both_sides_and_the_administrators() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let room = request_room(&deal.request);
    let (mut beas, mut sams, mut roots) =
        (m.bea.ears(std::slice::from_ref(&room)).await, m.sam.ears(&[]).await, m.root.ears(&[]).await);
    let mut following = m.root.ears(&[room]).await;
    let (mut rivals, mut others) = (m.rival.ears(&["sellers".into()]).await, m.other_buyer.ears(&[]).await);

    let opened = m.sam.disputes(&deal.request).await.created();
    assert_eq!((&opened["openedBy"], &opened["status"]), (&json!(m.sam.id), &json!("OPEN")));
    for ears in [&mut beas, &mut sams, &mut roots, &mut following] {
        assert_eq!(ears.hears("dispute:opened").await, told(&opened));
    }
    let dispute = opened.id();
    let said = states(&m.bea, &dispute, "See the photo").await.created();
    let notice = json!({ "disputeId": dispute, "evidence": said.body, "seq": said.seq() });
    for ears in [&mut beas, &mut following] {
        assert_eq!(ears.hears("dispute:evidence-added").await, notice);
    }
    let resolved = resolves(&m.root, &dispute).await.ok();
    assert_eq!((&resolved["status"], &resolved["resolution"]), (&json!("RESOLVED"), &json!("Half back")));
    let notice = json!({ "disputeId": dispute, "resolution": "Half back", "seq": resolved.seq() });
    for ears in [&mut beas, &mut sams, &mut following] {
        assert_eq!(ears.hears("dispute:resolved").await, notice);
    }
    m.silence(&mut [&mut beas, &mut sams, &mut roots, &mut following, &mut rivals, &mut others]).await;
    for one in [&m.bea, &m.sam, &m.root] {
        assert_eq!(
            one.get(format!("/v1/disputes/{dispute}/evidence")).await.ok().list(),
            std::slice::from_ref(&said.body)
        );
        assert_eq!(one.get("/v1/disputes").await.ok().ids(), *std::slice::from_ref(&dispute));
    }
}

#[tokio::test]
async fn who_may_do_what_in_a_dispute() {
    let m = Market::open().await;
    let open = m.request().await;
    m.bea.disputes(&open).await.refused(409, "conflict");
    let deal = m.deal().await;
    for stranger in [&m.rival, &m.other_buyer] {
        stranger.disputes(&deal.request).await.refused(404, "not_found");
    }
    m.root.disputes(&deal.request).await.refused(403, "forbidden");
    let bad = json!({ "requestId": deal.request, "reason": "" });
    m.bea.post("/v1/disputes", bad).await.refused(422, "invalid_request").naming("reason");
    let dispute = m.bea.disputes(&deal.request).await.created().id();
    for party in [&m.bea, &m.sam] {
        party.disputes(&deal.request).await.refused(409, "conflict");
        resolves(party, &dispute).await.refused(403, "forbidden");
    }
    for stranger in [&m.rival, &m.other_buyer] {
        states(stranger, &dispute, "I saw it").await.refused(404, "not_found");
        resolves(stranger, &dispute).await.refused(404, "not_found");
        stranger.get(format!("/v1/disputes/{dispute}")).await.refused(404, "not_found");
        stranger.get(format!("/v1/disputes/{dispute}/evidence")).await.refused(404, "not_found");
    }
    states(&m.root, &dispute, "").await.refused(422, "invalid_request").naming("text");
    states(&m.root, &dispute, "I looked into it").await.created();
    resolves(&m.root, &dispute).await.ok();
    resolves(&m.root, &dispute).await.refused(409, "invalid_transition");
    states(&m.bea, &dispute, "But").await.refused(409, "conflict");
    m.bea.disputes(&deal.request).await.created();
}
