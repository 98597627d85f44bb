//! Who is there and how often, whatever comes and goes and however.

use super::{LONG, SHORT, ended, everywhere, is, server_with, silence};
use crate::support::{BackEnd, Claims, Live, Over, PATIENCE, Pass, Way, now, wire::Wire};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

#[tokio::test]
async fn who_watches_hears_of_every_connection_on_any_wire() {
    let server = server_with(SHORT).await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    ann.group(&[&bob]).await;
    let mut anns = everywhere(&ann).await;
    for live in &mut anns {
        assert_eq!(live.watches(&[&bob, &ann]).await, [is(&bob, false, 0), is(&ann, true, 3)]);
    }
    let mut bobs = Vec::new();
    for (count, over) in Over::ALL.into_iter().enumerate() {
        bobs.push(bob.live(over).await);
        for live in &mut anns {
            live.hears_presence(is(&bob, true, count + 1)).await;
        }
    }
    for (left, live) in bobs.into_iter().enumerate().rev() {
        live.goes().await;
        for ann in &mut anns {
            ann.hears_presence(is(&bob, left > 0, left)).await;
        }
    }
    for live in &mut anns {
        live.hears_nothing().await;
    }
}

#[tokio::test]
async fn who_comes_back_within_the_grace_was_never_away() {
    let server = server_with(LONG).await;
    let root = server.operator();
    let bob = server.user("bob").await;
    let mut roots = everywhere(&root).await;
    for over in Over::ALL {
        let live = bob.live(over).await;
        for root in &mut roots {
            assert_eq!(root.watches(&[&bob]).await, [is(&bob, true, 1)]);
        }
        live.goes().await;
        root.sees(&[is(&bob, true, 0)], &[&bob]).await;
        let live = bob.live(over).await;
        root.sees(&[is(&bob, true, 1)], &[&bob]).await;
        silence(&server, &mut roots).await;
        for root in &mut roots {
            root.asks("presence:unsubscribe", json!({ "userIds": [bob.id] })).await;
        }
        live.goes().await;
        root.sees(&[is(&bob, true, 0)], &[&bob]).await;
    }
}

#[tokio::test]
async fn a_token_that_ends_takes_its_owner_offline() {
    let server = server_with(SHORT).await;
    let bob = server.stranger(&["USER"]);
    let bob = server.bearer(&bob.id, &Claims::of(&bob.id, &["USER"]).with("exp", now() + 2));
    let root = server.operator();
    let mut roots = root.live(Over::SocketIo).await;
    roots.watches(&[&bob]).await;
    let mut bobs = bob.live(Over::WebSocket).await;
    roots.hears_presence(is(&bob, true, 1)).await;
    bobs.ends().await;
    roots.hears_presence(is(&bob, false, 0)).await;
}

#[tokio::test]
async fn the_namespace_of_administration_does_not_count() {
    let server = server_with(SHORT).await;
    let root = server.operator();
    let mut way = Way::new(Over::SocketIo).pass(Pass::Token(root.token()));
    way.namespace = "/admin";
    let _wire = Wire::open(server.addr, &way).await.expect("is let in");
    assert_eq!(root.presence_of(&[&root]).await, [is(&root, false, 0)]);
}

#[tokio::test]
async fn a_watch_belongs_to_its_connection_and_ends_when_it_is_ended() {
    let server = server_with(SHORT).await;
    let (root, bob) = (server.operator(), server.stranger(&["USER"]));
    for over in Over::BOTH_WAYS {
        let (mut watches, mut other) = (root.live(over).await, root.live(over).await);
        watches.watches(&[&bob]).await;
        let bobs = bob.live(Over::Sse).await;
        watches.hears_presence(is(&bob, true, 1)).await;
        other.hears_nothing().await;
        // Of nobody, of others, of all.
        for (rest, data) in [(true, json!({ "userIds": [root.id] })), (false, Value::Null)] {
            assert_eq!(watches.call("presence:unsubscribe", data).await, json!({ "ok": true }));
            let more = bob.live(Over::WebSocket).await;
            if rest {
                watches.hears_presence(is(&bob, true, 2)).await;
            }
            drop(more);
            if rest {
                watches.hears_presence(is(&bob, true, 1)).await;
            }
        }
        root.sees(&[is(&bob, true, 1)], &[&bob]).await;
        drop(bobs);
        root.sees(&[is(&bob, false, 0)], &[&bob]).await;
        watches.hears_nothing().await;
    }
}

#[tokio::test]
async fn who_is_deleted_is_offline_and_only_administrators_may_still_ask() {
    let server = server_with(SHORT).await;
    let (root, ann, bob) = (server.operator(), server.user("ann").await, server.user("bob").await);
    ann.group(&[&bob]).await;
    let (mut roots, mut anns) = (root.live(Over::SocketIo).await, ann.live(Over::WebSocket).await);
    let _bobs = bob.live(Over::Sse).await;
    roots.watches(&[&bob]).await;
    anns.watches(&[&bob]).await;
    root.delete(format!("/v1/admin/users/{}", bob.id)).await.gone();
    anns.hears_presence_at_last(ended(&bob)).await;
    roots.hears_presence_at_last(is(&bob, false, 0)).await;
    anns.is_refused("presence:subscribe", json!({ "userIds": [bob.id] }), "forbidden").await;
}

/// The same numbers each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("small") % most
    }
}

async fn all_of(back_end: &BackEnd, ids: &[String]) -> BTreeMap<String, (bool, u64)> {
    let mut all = BTreeMap::new();
    for some in ids.chunks(200) {
        let answer = back_end.call("GET", format!("/v1/presence?userIds={}", some.join(","))).await.ok();
        let answered: Vec<&str> = answer.list().iter().filter_map(|one| one["userId"].as_str()).collect();
        assert_eq!(answered, some, "in the order asked");
        all.extend(answer.list().iter().map(entry));
    }
    all
}

fn entry(one: &Value) -> (String, (bool, u64)) {
    let text = one["userId"].as_str().expect("a user").to_owned();
    (text, (one["online"].as_bool().expect("a boolean"), one["connections"].as_u64().expect("a number")))
}

#[tokio::test]
async fn after_a_thousand_connects_and_disconnects_in_random_order_the_answer_is_the_truth() {
    let server = server_with(SHORT).await;
    let ids = server.database.crowd(300);
    let (root, back_end) = (server.operator(), server.back_end().await);
    let mut watcher = root.live(Over::SocketIo).await;
    let mut known = HashMap::new();
    for some in ids.chunks(200) {
        let ack = watcher.asks("presence:subscribe", json!({ "userIds": some })).await;
        known.extend(ack["presence"].as_array().expect("a list").iter().map(entry));
    }
    let mut dice = Dice(20_261_121);
    let mut lives: Vec<(usize, Live)> = Vec::new();
    let mut went: HashMap<usize, Vec<Over>> = HashMap::new();
    for _ in 0..1_000 {
        if lives.is_empty() || dice.below(100) < 55 {
            let (who, over) = (dice.below(ids.len()), Over::ALL[dice.below(4)]);
            lives.push((who, server.one_of(&ids, who).live(over).await));
        } else {
            let (who, live) = lives.swap_remove(dice.below(lives.len()));
            went.entry(who).or_default().push(live.over());
            live.goes().await;
        }
    }
    let mut truth: BTreeMap<String, (bool, u64)> = ids.iter().map(|id| (id.clone(), (false, 0))).collect();
    for (who, _) in &lives {
        let (online, connections) = truth.get_mut(&ids[*who]).expect("a user");
        (*online, *connections) = (true, *connections + 1);
    }
    assert!(truth.values().any(|(_, connections)| *connections > 1), "the dice are dull");
    let asking = async { while all_of(&back_end, &ids).await != truth {} };
    if tokio::time::timeout(PATIENCE, asking).await.is_err() {
        let said = all_of(&back_end, &ids).await;
        let wrong = ids.iter().enumerate().filter(|(_, id)| said[*id] != truth[*id]);
        let wrong: Vec<_> = wrong.map(|(who, id)| (said[id], truth[id], &went[&who])).collect();
        panic!("the answer is not the truth: {wrong:?}");
    }
    let hearing = async {
        while known.iter().any(|(user, state)| truth[user] != *state) {
            let (event, data) = watcher.hears_anything().await;
            assert_eq!(event, "presence", "{data}");
            known.extend([entry(&data)]);
        }
    };
    tokio::time::timeout(PATIENCE, hearing).await.expect("what was heard last is the truth");
    watcher.hears_nothing().await;
}
