//! What the rooms of CONTRACT 4 are for: who is in one hears what is told to it, from the acknowledgement
//! on, until it is left or the right goes; who is not in it hears nothing.

use crate::support::{Claims, Over, TestServer, User, Way};
use serde_json::{Value, json};
use uuid::Uuid;

/// The rooms that are joined by an event: how, how they are left, and what one is in then.
fn joined(user: &User) -> [(&'static str, &'static str, Value, Vec<String>); 4] {
    let (id, topic) = (json!(user.id), json!({ "room": "topic-news" }));
    let of = |kind: &str| vec![format!("{kind}-{}", user.id), format!("{kind}s")];
    [
        ("join-seller-room", "leave-seller-room", id.clone(), of("seller")),
        ("join-buyer-room", "leave-buyer-room", id, of("buyer")),
        ("join", "leave", topic, vec!["topic-news".into()]),
        ("join", "leave", json!("sellers"), vec!["sellers".into()]),
    ]
}

#[tokio::test]
async fn a_room_is_heard_from_its_acknowledgement_on_until_it_is_left() {
    let server = TestServer::start().await;
    let back_end = server.back_end().await;
    let sub = Uuid::now_v7().to_string();
    let both = server.bearer(&sub, &Claims::of(&sub, &["SELLER", "BUYER"]).with("topics", json!(["news"])));
    let (mut elsewhere, mut anns) = (both.everywhere().await, server.stranger(&["USER"]).everywhere().await);
    for over in Over::BOTH_WAYS {
        let mut live = both.live(over).await;
        for (join, leave, data, rooms) in joined(&both) {
            for room in &rooms {
                back_end.publishes("too early", json!({}), &[room]).await.published();
            }
            let ack = live.asks(join, data.clone()).await;
            assert_eq!(ack, json!({ "ok": true, "room": rooms[0], "seq": ack["seq"] }));
            for room in &rooms {
                let seq = back_end.publishes("told", json!({ "room": room }), &[room]).await.published();
                assert_eq!(live.hears("told").await, json!({ "room": room, "seq": seq }));
                assert!(ack["seq"].as_i64().is_some_and(|from| from < seq));
            }
            let ack = live.asks(leave, data).await;
            assert_eq!(ack, json!({ "ok": true, "room": rooms[0], "seq": ack["seq"] }));
            for room in &rooms {
                back_end.publishes("too late", json!({}), &[room]).await.published();
            }
        }
        live.hears_nothing().await;
    }
    // Rooms are a connection's, not its user's.
    elsewhere.hears_nothing().await;
    anns.hears_nothing().await;
}

#[tokio::test]
async fn who_loses_a_role_hears_no_more_of_its_rooms_and_others_do() {
    let server = TestServer::start().await;
    let back_end = server.back_end().await;
    server.admin("abe").await;
    let all = ["USER", "ADMIN", "SELLER", "BUYER"];
    let (eve, root) = (server.user_with("eve", &all).await, server.stranger(&all));
    let own = |user: &User| [format!("seller-{}", user.id), format!("buyer-{}", user.id)];
    for over in Over::ALL {
        let rooms = |user: &User| [&own(user)[..], &["sellers".into(), "buyers".into()]].concat();
        let mut eves = eve.live_by(Way::new(over).rooms(&rooms(&eve))).await;
        let mut roots = root.live_by(Way::new(over).rooms(&rooms(&root))).await;
        let told = [&own(&eve)[..], &["sellers".into(), "buyers".into(), "admin".into()]].concat();
        for room in &told {
            back_end.publishes("told", json!({ "room": room }), &[room]).await.published();
            assert_eq!(eves.hears("told").await["room"], json!(room));
        }
        let path = format!("/v1/admin/users/{}", eve.id);
        root.put(&path, json!({ "roles": ["USER"] })).await.ok();
        eves.hears_of("CHANGED_RECORD", &eve.id).await;
        for room in &told {
            back_end.publishes("told", json!({ "room": room }), &[room]).await.published();
        }
        eves.hears_nothing().await;
        for room in ["sellers", "buyers", "admin"] {
            assert_eq!(roots.hears("told").await["room"], room);
        }
        roots.hears_of("CHANGED_RECORD", &eve.id).await;
        for room in ["sellers", "buyers", "admin"] {
            assert_eq!(roots.hears("told").await["room"], room);
        }
        roots.hears_nothing().await;
        root.put(&path, json!({ "roles": all })).await.ok();
    }
}

#[tokio::test]
async fn a_new_token_without_the_claim_leaves_the_topic() {
    let server = TestServer::start().await;
    let back_end = server.back_end().await;
    let sub = Uuid::now_v7().to_string();
    let claims = Claims::of(&sub, &["USER"]).with("topics", json!(["news", "eu-*"]));
    let ann = server.bearer(&sub, &claims);
    for over in Over::BOTH_WAYS {
        let mut live = ann.live_by(Way::new(over).rooms(&["topic-news", "topic-eu-south"])).await;
        let narrow = claims.clone().with("topics", json!(["eu-*"]));
        live.asks("authenticate", json!({ "token": narrow.token() })).await;
        for room in ["topic-news", "topic-eu-south"] {
            back_end.publishes("told", json!({ "room": room }), &[room]).await.published();
        }
        assert_eq!(live.hears("told").await["room"], "topic-eu-south");
        live.hears_nothing().await;
        live.is_refused("join", json!("topic-news"), "forbidden").await;
    }
}

#[tokio::test]
async fn the_room_of_a_login_session_is_that_sessions_alone_and_ends_with_it() {
    let server = TestServer::start().await;
    let back_end = server.back_end().await;
    let ann = server.user("ann").await;
    let tablet = ann.elsewhere().await;
    let (mut anns, mut tablets) = (ann.everywhere().await, tablet.everywhere().await);
    let room = format!("session-{}", ann.sid());
    back_end.publishes("told", json!({}), &[&room]).await.published();
    anns.hears("told").await;
    tablets.hears_nothing().await;
    ann.call("POST", "/v1/auth/logout").await.gone();
    anns.ends().await;
    back_end.publishes("told", json!({}), &[&room]).await.published();
    back_end.publishes("told", json!({ "to": "all of Ann's" }), &[&ann.room()]).await.published();
    assert_eq!(tablets.hears("told").await["to"], "all of Ann's");
    tablets.hears_nothing().await;
}

#[tokio::test]
async fn everybody_is_in_all_and_a_user_alone_in_the_users_room() {
    let server = TestServer::start().await;
    let back_end = server.back_end().await;
    let (ann, bob) = (server.stranger(&["USER"]), server.stranger(&["USER", "ADMIN", "SELLER", "BUYER"]));
    let (mut anns, mut bobs) = (ann.everywhere().await, bob.everywhere().await);
    back_end.publishes("to all", json!({}), &["all"]).await.published();
    anns.hears("to all").await;
    bobs.hears("to all").await;
    back_end.publishes("to Ann", json!({}), &[&ann.room()]).await.published();
    back_end.publishes("to Ann, by id", json!({}), &[&ann.id]).await.published();
    anns.hears("to Ann").await;
    anns.hears("to Ann, by id").await;
    anns.hears_nothing().await;
    bobs.hears_nothing().await;
}
