//! Who may know whether somebody is there, and that they stop hearing of it at once.

use super::{LONG, SHORT, ended, everywhere, is, server_with, silence};
use crate::support::{Claims, Over, TestServer, User, Way};
use serde_json::{Value, json};
use uuid::Uuid;

fn follower(server: &TestServer, topics: Value) -> User {
    let sub = Uuid::now_v7().to_string();
    server.bearer(&sub, &Claims::of(&sub, &["USER"]).with("topics", topics))
}

#[tokio::test]
async fn a_stranger_is_refused_like_one_who_is_not_there_and_hears_nothing() {
    let server = server_with(SHORT).await;
    let (ann, bob, eve) = (server.user("ann").await, server.user("bob").await, server.user("eve").await);
    ann.group(&[&bob]).await;
    let nobody = Uuid::now_v7().to_string();
    let mut eves = everywhere(&eve).await;
    for live in &mut eves {
        let strange = live.call("presence:subscribe", json!({ "userIds": [bob.id] })).await;
        let missing = live.call("presence:subscribe", json!({ "userIds": [nobody] })).await;
        assert_eq!(strange["code"], "forbidden");
        assert_eq!(strange, missing);
        // All or nothing.
        live.is_refused("presence:subscribe", json!({ "userIds": [eve.id, bob.id] }), "forbidden").await;
    }
    let bobs = bob.live(Over::WebSocket).await;
    ann.sees(&[is(&bob, true, 1)], &[&bob]).await;
    drop(bobs);
    ann.sees(&[is(&bob, false, 0)], &[&bob]).await;
    silence(&server, &mut eves).await;
}

#[tokio::test]
async fn who_leaves_the_only_group_shared_is_heard_of_no_more_by_either() {
    let server = server_with(SHORT).await;
    let (ann, bob, cat) = (server.user("ann").await, server.user("bob").await, server.user("cat").await);
    let group = ann.group(&[&bob, &cat]).await;
    let (mut anns, mut cats) = (everywhere(&ann).await, everywhere(&cat).await);
    for live in &mut anns {
        assert_eq!(live.watches(&[&bob, &cat]).await, [is(&bob, false, 0), is(&cat, true, 3)]);
    }
    for live in &mut cats {
        live.watches(&[&bob, &ann]).await;
    }
    // Bob is away, and all the same.
    ann.sends_away(&group, &bob).await;
    for live in anns.iter_mut().chain(&mut cats) {
        live.hears_presence_at_last(ended(&bob)).await;
    }
    let _bobs = bob.live(Over::Sse).await;
    silence(&server, &mut anns).await;
    silence(&server, &mut cats).await;
    for live in anns.iter_mut().chain(&mut cats) {
        live.is_refused("presence:subscribe", json!({ "userIds": [bob.id] }), "forbidden").await;
    }
    // Nor does the one who left hear of those who stay; here it is the watcher who goes.
    ann.sends_away(&group, &cat).await;
    for live in &mut cats {
        live.hears_presence_at_last(ended(&ann)).await;
    }
    for live in &mut anns {
        live.hears_presence_at_last(ended(&cat)).await;
    }
    for live in anns {
        live.goes().await;
    }
    server.operator().sees(&[is(&ann, false, 0)], &[&ann]).await;
    silence(&server, &mut cats).await;
}

#[tokio::test]
async fn one_of_two_groups_is_enough_and_the_end_of_the_second_is_the_end() {
    let server = server_with(SHORT).await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let (one, two) = (ann.group(&[&bob]).await, ann.group(&[&bob]).await);
    let mut anns = ann.live(Over::WebSocket).await;
    anns.watches(&[&bob]).await;
    ann.sends_away(&one, &bob).await;
    let bobs = bob.live(Over::SocketIo).await;
    anns.hears_at_last("presence", |data| *data == is(&bob, true, 1)).await;
    ann.delete(two.path()).await.gone();
    anns.hears_presence_at_last(ended(&bob)).await;
    drop(bobs);
    server.operator().sees(&[is(&bob, false, 0)], &[&bob]).await;
    anns.hears_nothing().await;
}

#[tokio::test]
async fn sellers_know_of_sellers_until_the_role_of_either_goes() {
    let server = server_with(SHORT).await;
    let (sam, sue, bea) = (server.seller("sam").await, server.seller("sue").await, server.user("bea").await);
    let root = server.operator();
    for mut live in everywhere(&sam).await {
        assert_eq!(live.watches(&[&sue]).await, [is(&sue, false, 0)]);
        live.is_refused("presence:subscribe", json!({ "userIds": [bea.id] }), "forbidden").await;
    }
    let (mut sams, mut sues) = (sam.live(Over::SocketIo).await, sue.live(Over::WebSocket).await);
    sams.watches(&[&sue]).await;
    sues.watches(&[&sam]).await;
    root.put(format!("/v1/admin/users/{}", sue.id), json!({ "roles": ["USER"] })).await.ok();
    sams.hears_presence_at_last(ended(&sue)).await;
    sues.hears_presence_at_last(ended(&sam)).await;
    drop(sues);
    root.sees(&[is(&sue, false, 0)], &[&sue]).await;
    sams.hears_nothing().await;
}

#[tokio::test]
async fn who_is_disabled_is_known_of_by_administrators_alone() {
    let server = server_with(SHORT).await;
    let (sam, sue, root) = (server.seller("sam").await, server.seller("sue").await, server.operator());
    let mut sams = sam.live(Over::SocketIo).await;
    sams.watches(&[&sue]).await;
    root.put(format!("/v1/admin/users/{}", sue.id), json!({ "disabled": true })).await.ok();
    sams.hears_presence_at_last(ended(&sue)).await;
    sams.is_refused("presence:subscribe", json!({ "userIds": [sue.id] }), "forbidden").await;
    assert_eq!(root.presence_of(&[&sue]).await, [is(&sue, false, 0)]);
}

#[tokio::test]
async fn the_people_of_a_deal_know_of_each_other() {
    let server = server_with(SHORT).await;
    let (bea, sam) = (server.stranger(&["USER", "BUYER"]), server.stranger(&["USER", "SELLER"]));
    let rival = server.stranger(&["USER", "SELLER"]);
    let wish = json!({ "title": "A boat", "description": "Small, red" });
    let request = bea.post("/v1/requests", wish).await.created().id();
    let mut offers = Vec::new();
    for seller in [&sam, &rival] {
        let offer = json!({ "price": "100.00", "currency": "EUR" });
        offers.push(seller.post(format!("/v1/requests/{request}/offers"), offer).await.created().id());
    }
    let mut beas = bea.live(Over::SocketIo).await;
    beas.is_refused("presence:subscribe", json!({ "userIds": [sam.id] }), "forbidden").await;
    bea.call("POST", format!("/v1/offers/{}/accept", offers[0])).await.created();
    assert_eq!(beas.watches(&[&sam]).await, [is(&sam, false, 0)]);
    beas.is_refused("presence:subscribe", json!({ "userIds": [rival.id] }), "forbidden").await;
    let mut sams = sam.live(Over::WebSocket).await;
    beas.hears_presence_at_last(is(&sam, true, 1)).await;
    assert_eq!(sams.watches(&[&bea]).await, [is(&bea, true, 1)]);
}

#[tokio::test]
async fn who_is_met_in_a_topic_is_known_of_while_both_are_in_it() {
    let server = server_with(SHORT).await;
    let (ann, bob) = (follower(&server, json!(["news"])), follower(&server, json!(["*"])));
    let root = server.operator();
    for over in Over::BOTH_WAYS {
        let way = || Way::new(over).rooms(&["topic-news"]);
        let mut anns = ann.live_by(way()).await;
        anns.is_refused("presence:subscribe", json!({ "userIds": [bob.id] }), "forbidden").await;
        let mut bobs = bob.live_by(way()).await;
        assert_eq!(anns.watches(&[&bob]).await, [is(&bob, true, 1)]);
        assert_eq!(ann.presence_of(&[&bob]).await, [is(&bob, true, 1)]);
        bobs.asks("leave", json!({ "room": "topic-news" })).await;
        anns.hears_presence(ended(&bob)).await;
        bobs.asks("join", json!({ "room": "topic-news" })).await;
        anns.watches(&[&bob]).await;
        anns.asks("leave", json!({ "room": "topic-news" })).await;
        anns.hears_presence(ended(&bob)).await;
        ann.get(super::path(&[&bob])).await.refused(403, "forbidden");
        bobs.goes().await;
        root.sees(&[is(&bob, false, 0)], &[&bob]).await;
        anns.hears_nothing().await;
    }
}

#[tokio::test]
async fn who_was_met_in_a_topic_may_come_back_to_it_within_the_grace() {
    let server = server_with(LONG).await;
    let (ann, bob) = (follower(&server, json!(["*"])), follower(&server, json!(["*"])));
    let way = || Way::new(Over::WebSocket).rooms(&["topic-news"]);
    let (mut anns, bobs) = (ann.live_by(way()).await, bob.live_by(way()).await);
    anns.watches(&[&bob]).await;
    bobs.goes().await;
    server.operator().sees(&[is(&bob, true, 0)], &[&bob]).await;
    let _bobs = bob.live_by(way()).await;
    let _more = bob.live_by(way()).await;
    anns.hears_presence_at_last(is(&bob, true, 2)).await;
}

#[tokio::test]
async fn administrators_know_of_anybody_until_they_are_none() {
    let server = server_with(SHORT).await;
    let (root, ann) = (server.admin("root").await, server.user("ann").await);
    // Somebody has to stay one.
    server.admin("other").await;
    let shared = root.group(&[&ann]).await;
    let (bob, nobody) = (server.stranger(&["USER"]), server.stranger(&["USER"]));
    let mut lives = everywhere(&root).await;
    for live in &mut lives {
        assert_eq!(
            live.watches(&[&bob, &ann, &nobody]).await,
            [is(&bob, false, 0), is(&ann, false, 0), is(&nobody, false, 0)]
        );
    }
    server.operator().put(format!("/v1/admin/users/{}", root.id), json!({ "roles": ["USER"] })).await.ok();
    for live in &mut lives {
        let mut lost = Vec::new();
        for _ in 0..2 {
            let last = live.hears_at_last("presence", |data| data["ended"] == true).await;
            lost.push(last["userId"].clone());
        }
        lost.sort_unstable_by_key(Value::to_string);
        let mut both = [json!(bob.id), json!(nobody.id)];
        both.sort_unstable_by_key(Value::to_string);
        assert_eq!(lost, both, "what is shared besides stays");
    }
    let (_bobs, _anns) = (bob.live(Over::Sse).await, ann.live(Over::Sse).await);
    for live in &mut lives {
        live.hears_presence(is(&ann, true, 1)).await;
        live.hears_nothing().await;
        live.is_refused("presence:subscribe", json!({ "userIds": [bob.id] }), "forbidden").await;
    }
    root.get(super::path(&[&bob])).await.refused(403, "forbidden");
    assert_eq!(root.presence_of(&[&ann]).await, [is(&ann, true, 1)]);
    root.sends_away(&shared, &ann).await;
    root.get(super::path(&[&ann])).await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_narrower_token_ends_what_the_wider_one_opened() {
    let server = server_with(SHORT).await;
    let (root, bob) = (server.admin("root").await, server.stranger(&["USER"]));
    for over in Over::BOTH_WAYS {
        let mut live = root.live(over).await;
        live.watches(&[&bob]).await;
        live.asks("authenticate", json!({ "token": root.claims(&["USER"]).token() })).await;
        live.hears_presence(ended(&bob)).await;
        live.is_refused("presence:subscribe", json!({ "userIds": [bob.id] }), "forbidden").await;
    }
}
