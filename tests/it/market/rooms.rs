//! The rooms of requests and chats (CONTRACT 4): the database says who may enter, on joining and in the
//! handshake; administrators leave with their role; typing is heard by the other alone.

use super::{Market, chat_room, request_room};
use crate::support::{Over, Way};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn the_room_of_a_request_is_its_parties_and_the_administrators() {
    let m = Market::open().await;
    let request = m.request().await;
    let offer = m.sam.offers(&request, "1").await.created().id();
    for over in Over::BOTH_WAYS {
        let (mut beas, mut roots) = (m.bea.live(over).await, m.root.live(over).await);
        for live in [&mut beas, &mut roots] {
            for id in [json!(request), json!({ "id": request })] {
                let ack = live.asks("join-request-room", id).await;
                assert_eq!(ack["room"], request_room(&request));
                assert!(ack["seq"].is_i64(), "{ack}");
            }
            live.asks("leave-request-room", json!(request)).await;
            live.asks("join", json!({ "room": request_room(&request) })).await;
        }
        for stranger in [&m.other_buyer, &m.rival] {
            let mut live = stranger.live(over).await;
            live.is_refused("join-request-room", json!(request), "forbidden").await;
            live.is_refused("join", json!({ "room": request_room(&request) }), "forbidden").await;
            live.is_refused("join-request-room", json!(Uuid::now_v7()), "not_found").await;
            live.is_refused("join-request-room", json!("mine"), "invalid_request").await;
        }
    }
    let mut sams = m.sam.live(Over::SocketIo).await;
    sams.is_refused("join-request-room", json!(request), "forbidden").await;
    m.bea.accepts(&offer).await.created();
    sams.hears("offer:accepted").await;
    sams.asks("join-request-room", json!(request)).await;
    m.bea.moves_request(&request, "COMPLETED").await.ok();
    sams.hears("request:status-updated").await;
    sams.asks("leave-request-room", json!(request)).await;
    m.bea.disputes(&request).await.created();
    sams.hears("dispute:opened").await;
    sams.hears_nothing().await;
}

#[tokio::test]
async fn the_room_of_a_chat_is_its_two_people() {
    let m = Market::open().await;
    let deal = m.deal().await;
    for over in Over::BOTH_WAYS {
        for one in [&m.bea, &m.sam] {
            let ack = one.live(over).await.asks("join-chat-room", json!({ "id": deal.chat })).await;
            assert_eq!(ack["room"], chat_room(&deal.chat));
        }
        for stranger in [&m.rival, &m.other_buyer, &m.root] {
            let mut live = stranger.live(over).await;
            live.is_refused("join-chat-room", json!(deal.chat), "forbidden").await;
            live.is_refused("join-chat-room", json!(Uuid::now_v7()), "not_found").await;
        }
    }
}

#[tokio::test]
async fn who_has_left_the_room_of_a_chat_hears_only_what_is_for_the_two_wherever_they_are() {
    let m = Market::open().await;
    let deal = m.deal().await;
    for over in Over::BOTH_WAYS {
        let (mut beas, mut sams) = (m.bea.live(over).await, m.sam.live(over).await);
        for live in [&mut beas, &mut sams] {
            live.asks("join-chat-room", json!(deal.chat)).await;
        }
        let ack = beas.asks("leave-chat-room", json!({ "id": deal.chat })).await;
        assert_eq!(ack["room"], chat_room(&deal.chat));
        sams.asks("chat:typing", json!({ "chatId": deal.chat })).await;
        let message = m.bea.writes(&deal.chat, "Hello").await.created().id();
        m.sam.call("POST", format!("/v1/chats/{}/messages/{message}/read", deal.chat)).await.created();
        beas.hears("chat:new-message").await;
        beas.hears_nothing().await;
        sams.hears("chat:new-message").await;
        sams.hears("chat:message-read").await;
        beas.is_refused("chat:typing", json!({ "chatId": deal.chat }), "forbidden").await;
        sams.hears_nothing().await;
    }
}

#[tokio::test]
async fn a_handshake_joins_the_same_rooms_by_the_same_check() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let nobodys = [request_room(&Uuid::now_v7().to_string()), chat_room(&Uuid::now_v7().to_string())];
    let rooms = [request_room(&deal.request), chat_room(&deal.chat), nobodys[0].clone(), nobodys[1].clone()];
    for over in Over::ALL {
        let way = || Way::new(over).rooms(&rooms);
        for (who, refused) in [
            (&m.bea, &rooms[2..]),
            (&m.sam, &rooms[2..]),
            (&m.root, &rooms[1..]),
            (&m.rival, &rooms[..]),
            (&m.other_buyer, &rooms[..]),
        ] {
            let live = who.live_by(way()).await;
            assert_eq!(live.ready["refusedRooms"], json!(refused), "{over:?}");
        }
    }
}

#[tokio::test]
async fn an_administrator_who_is_one_no_more_leaves_the_rooms_of_requests() {
    let m = Market::open().await;
    // Somebody has to stay one.
    m.server.admin("abe").await;
    // A seller who is an administrator as well, and party of one of two deals.
    let ada = m.server.user_with("ada", &["USER", "SELLER", "ADMIN"]).await;
    let (foreign, own) = (m.deal().await, m.request().await);
    let offer = ada.offers(&own, "1").await.created().id();
    m.bea.accepts(&offer).await.created();
    let rooms = [request_room(&foreign.request), request_room(&own)];
    let mut adas = ada.ears(&rooms).await;
    let now = json!({ "roles": ["USER", "SELLER"] });
    m.root.put(format!("/v1/admin/users/{}", ada.id), now).await.ok();
    adas.hears("CHANGED_RECORD").await;
    m.bea.moves_request(&foreign.request, "COMPLETED").await.ok();
    m.bea.moves_request(&own, "COMPLETED").await.ok();
    assert_eq!(adas.hears("request:status-updated").await["requestId"], json!(own));
    m.silence(&mut [&mut adas]).await;
    let live = ada.live_by(Way::new(Over::SocketIo).rooms(&rooms)).await;
    assert_eq!(live.ready["refusedRooms"], json!([rooms[0]]));
}

#[tokio::test]
async fn an_administrator_who_becomes_a_party_of_a_request_stays_in_its_room_without_the_role() {
    let m = Market::open().await;
    m.server.admin("abe").await;
    let ada = m.server.user_with("ada", &["USER", "SELLER", "ADMIN"]).await;
    let (own, foreign) = (m.request().await, m.request().await);
    let offer = ada.offers(&own, "1").await.created().id();
    let lost = ada.offers(&foreign, "1").await.created().id();
    let sams = m.sam.offers(&foreign, "1").await.created().id();
    // In both rooms as an administrator, on one connection by a wish, on the others by the handshake.
    let rooms = [request_room(&own), request_room(&foreign)];
    let (mut adas, mut joined) = (ada.ears(&rooms).await, ada.live(Over::SocketIo).await);
    for request in [&own, &foreign] {
        joined.asks("join-request-room", json!(request)).await;
    }
    adas.0.push(joined);
    m.bea.accepts(&offer).await.created();
    adas.hears("offer:accepted").await;
    assert_eq!(adas.hears("request:status-updated").await["requestId"], json!(own));
    m.bea.accepts(&sams).await.created();
    assert_eq!(adas.hears("request:status-updated").await["requestId"], json!(foreign));
    let now = json!({ "roles": ["USER", "SELLER"] });
    m.root.put(format!("/v1/admin/users/{}", ada.id), now).await.ok();
    adas.hears("CHANGED_RECORD").await;
    for request in [&foreign, &own] {
        m.bea.moves_request(request, "COMPLETED").await.ok();
    }
    assert_eq!(adas.hears("request:status-updated").await["requestId"], json!(own));
    m.silence(&mut [&mut adas]).await;
    assert_eq!(ada.get(format!("/v1/offers/{lost}")).await.ok()["status"], "DECLINED");
}

#[tokio::test]
async fn typing_is_heard_by_the_other_and_never_again() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let room = [chat_room(&deal.chat)];
    for over in Over::BOTH_WAYS {
        let (mut beas, mut elsewhere) = (m.bea.live_by(Way::new(over).rooms(&room)).await, m.bea.ears(&room).await);
        let (mut sams, mut away) = (m.sam.ears(&room).await, m.sam.ears(&[]).await);
        let before = sams.0[0].cursor();
        for event in ["chat:typing", "chat:stopped-typing"] {
            let ack = beas.asks(event, json!({ "chatId": deal.chat })).await;
            assert_eq!(ack, json!({ "ok": true }));
            assert_eq!(sams.hears(event).await, json!({ "chatId": deal.chat, "userId": m.bea.id }));
        }
        beas.hears_nothing().await;
        m.silence(&mut [&mut elsewhere, &mut sams, &mut away]).await;
        let mut late = m.sam.live_by(Way::new(over).rooms(&room).after(before)).await;
        late.hears_nothing().await;
    }
}

#[tokio::test]
async fn only_who_is_in_the_chat_types_there_and_not_too_fast() {
    let m = Market::open().await;
    let deal = m.deal().await;
    let mut sams = m.sam.ears(&[chat_room(&deal.chat)]).await;
    let typing = json!({ "chatId": deal.chat });
    for stranger in [&m.rival, &m.root, &m.bea] {
        // Bea is a participant, but has not joined.
        stranger.live(Over::SocketIo).await.is_refused("chat:typing", typing.clone(), "forbidden").await;
    }
    let mut beas = m.bea.live_by(Way::new(Over::WebSocket).rooms(&[chat_room(&deal.chat)])).await;
    beas.is_refused("chat:typing", json!({}), "invalid_request").await;
    m.silence(&mut [&mut sams]).await;
    let mut refused = 0;
    for _ in 0..60 {
        let ack = beas.call("chat:typing", typing.clone()).await;
        assert!(ack["ok"] == true || ack["code"] == "rate_limited", "{ack}");
        refused += usize::from(ack["ok"] != true);
    }
    assert!(refused > 0, "sixty in a row are too many");
}
