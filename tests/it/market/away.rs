//! Who was away while something happened in the marketplace hears of it on coming back, once and in
//! order; who is no party hears nothing then either. Each stored event of CONTRACT 8.

use super::{Deal, Market, chat_room, request_room};
use crate::support::{Live, Over, User, Way};
use serde_json::json;

/// The connections of some who hear and of some who must not; all are away.
struct Away(Vec<(Live, bool)>);

impl Market {
    /// All are connected on Socket.IO, in these rooms where they may be, and on one more wire; then cut.
    async fn away(&self, hearers: &[&User], strangers: &[&User], rooms: &[String]) -> Away {
        let mut lives = Vec::new();
        for (users, hears) in [(hearers, true), (strangers, false)] {
            for user in users {
                for over in [Over::SocketIo, Over::Polling, Over::Sse] {
                    let mut live = user.live_by(Way::new(over).rooms(rooms)).await;
                    live.cut().await;
                    lives.push((live, hears));
                }
            }
        }
        Away(lives)
    }
}

impl Away {
    /// All come back: the ones hear these and nothing else, and never again; the others nothing.
    async fn hear(self, events: &[&str]) {
        for (mut live, hears) in self.0 {
            live.resume().await;
            for event in events.iter().filter(|_| hears) {
                live.hears(event).await;
            }
            live.hears_nothing().await;
            live.cut().await;
            live.resume().await;
            live.hears_nothing().await;
        }
    }
}

/// Who has to do with a deal, and who has not.
impl Market {
    fn strangers(&self) -> [&User; 2] {
        [&self.rival, &self.other_buyer]
    }

    async fn parties_away(&self, deal: &Deal) -> Away {
        let rooms = [request_room(&deal.request), chat_room(&deal.chat)];
        self.away(&[&self.bea, &self.sam], &self.strangers(), &rooms).await
    }
}

#[tokio::test]
async fn request_created() {
    let m = Market::open().await;
    let strangers = [&m.bea, &m.other_buyer, &m.root];
    let away = m.away(&[&m.sam, &m.rival], &strangers, &["sellers".into()]).await;
    m.bea.asks_for("A boat").await.created();
    m.bea.asks_for("Another").await.created();
    away.hear(&["request:created", "request:created"]).await;
}

#[tokio::test]
async fn request_offer_received() {
    let m = Market::open().await;
    let request = m.request().await;
    let away = m.away(&[&m.bea, &m.root], &m.strangers(), &[request_room(&request), "sellers".into()]).await;
    m.sam.offers(&request, "1").await.created();
    away.hear(&["request:offer-received"]).await;
}

#[tokio::test]
async fn offer_negotiation_update() {
    let m = Market::open().await;
    let request = m.request().await;
    let offer = m.sam.offers(&request, "1").await.created().id();
    let away = m.away(&[&m.bea, &m.sam, &m.root], &m.strangers(), &[request_room(&request)]).await;
    m.bea.counters(&offer, None).await.created();
    m.sam.counters(&offer, Some("2")).await.created();
    away.hear(&["offer:negotiation-update", "offer:negotiation-update"]).await;
}

#[tokio::test]
async fn offer_accepted_and_request_status_updated() {
    let m = Market::open().await;
    let request = m.request().await;
    let offer = m.sam.offers(&request, "1").await.created().id();
    m.rival.offers(&request, "2").await.created();
    let room = [request_room(&request)];
    // Sam becomes a party while he is away: the replay goes by what he may see on coming back.
    let away = m.away(&[&m.bea, &m.sam], &m.strangers(), &room).await;
    let roots = m.away(&[&m.root], &[], &room).await;
    m.bea.accepts(&offer).await.created();
    away.hear(&["offer:accepted", "request:status-updated"]).await;
    roots.hear(&["request:status-updated"]).await;
}

#[tokio::test]
async fn chat_new_message_and_message_read() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let (away, roots) = (m.parties_away(&deal).await, m.away(&[], &[&m.root], &[chat_room(&deal.chat)]).await);
    let message = m.bea.writes(&deal.chat, "Hello").await.created().id();
    m.sam.call("POST", format!("/v1/chats/{}/messages/{message}/read", deal.chat)).await.created();
    m.sam.writes(&deal.chat, "Good day").await.created();
    away.hear(&["chat:new-message", "chat:message-read", "chat:new-message"]).await;
    roots.hear(&[]).await;
}

#[tokio::test]
async fn payment_created_status_updated_and_completed() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let (away, roots) = (m.parties_away(&deal).await, m.away(&[], &[&m.root], &[request_room(&deal.request)]).await);
    let payment = m.payment(&deal).await;
    m.tells_of(&payment, "PENDING").await.ok();
    m.tells_of(&payment, "COMPLETED").await.ok();
    m.tells_of(&payment, "COMPLETED").await.ok();
    away.hear(&["payment:created", "payment:status-updated", "payment:status-updated", "payment:completed"]).await;
    roots.hear(&[]).await;
}

#[tokio::test]
async fn payout_created_and_completed() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let payment = m.payment(&deal).await;
    m.tells_of(&payment, "COMPLETED").await.ok();
    let rooms = [request_room(&deal.request), "sellers".into()];
    let away = m.away(&[&m.sam], &[&m.bea, &m.rival, &m.other_buyer, &m.root], &rooms).await;
    let payout = m.root.post("/v1/payouts", json!({ "paymentId": payment })).await.created().id();
    m.tells(json!({ "kind": "payout", "payoutId": payout, "status": "COMPLETED", "txHash": "0x1" })).await.ok();
    away.hear(&["payout:created", "payout:completed"]).await;
}

#[tokio::test]
async fn dispute_opened_evidence_added_and_resolved() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let away = m.away(&[&m.bea, &m.sam, &m.root], &m.strangers(), &[request_room(&deal.request)]).await;
    let dispute = m.sam.disputes(&deal.request).await.created().id();
    let path = format!("/v1/disputes/{dispute}");
    m.bea.post(format!("{path}/evidence"), json!({ "text": "See" })).await.created();
    m.root.put(format!("{path}/resolve"), json!({ "resolution": "Half back" })).await.ok();
    away.hear(&["dispute:opened", "dispute:evidence-added", "dispute:resolved"]).await;
}

#[tokio::test]
async fn who_was_a_party_by_role_alone_hears_nothing_more_after_losing_it() {
    let m = Market::open().await;
    m.server.admin("abe").await;
    let ada = m.server.admin("ada").await;
    let deal = m.deal().await;
    let room = [request_room(&deal.request)];
    let mut live = ada.live_by(Way::new(Over::SocketIo).rooms(&room)).await;
    assert_eq!(live.ready["refusedRooms"], json!([]));
    live.cut().await;
    m.bea.moves_request(&deal.request, "COMPLETED").await.ok();
    m.bea.disputes(&deal.request).await.created();
    m.root.put(format!("/v1/admin/users/{}", ada.id), json!({ "roles": ["USER"] })).await.ok();
    assert_eq!(live.resume().await["refusedRooms"], json!(room));
    live.hears_of("CHANGED_RECORD", &ada.id).await;
    live.hears_nothing().await;
}

#[tokio::test]
async fn system_announcement_and_maintenance() {
    let m = Market::open().await;
    let away = m.away(&[&m.bea, &m.rival, &m.root], &[], &[]).await;
    m.root.post("/v1/admin/announcements", json!({ "message": "Cake" })).await.created();
    let body = json!({ "message": "Back at noon", "startsAt": "2027-05-01T08:00:00.000Z" });
    m.root.post("/v1/admin/maintenance", body).await.created();
    away.hear(&["system:announcement", "system:maintenance"]).await;
}
