//! Publishing from other back ends (CONTRACT 9): who hears it, in which order, and what is refused.

use crate::{
    over_every_wire,
    support::{Claims, Live, Over, TestServer, User, Way},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

/// Somebody whose token allows these topics.
fn follower(server: &TestServer, roles: &[&str], topics: &[&str]) -> User {
    let sub = Uuid::now_v7().to_string();
    server.bearer(&sub, &Claims::of(&sub, roles).with("topics", json!(topics)))
}

over_every_wire! {
    async fn what_is_published_to_a_topic_is_heard_by_those_who_joined_it(over) {
        let server = TestServer::start().await;
        let back_end = server.back_end().await;
        let (ann, bob) = (follower(&server, &["USER"], &["orders", "eu-*"]), follower(&server, &["USER"], &["orders"]));
        let mut anns = ann.live_by(Way::new(over).rooms(&["topic-orders", "topic-eu-north"])).await;
        let mut bobs = bob.live_by(Way::new(over).rooms(&["topic-eu-north"])).await;
        assert_eq!(bobs.ready["refusedRooms"], json!(["topic-eu-north"]));

        let seq = back_end.publishes("order:created", json!({ "id": 7, "total": "9.90" }), &["topic-orders"]).await.published();
        assert_eq!(anns.hears("order:created").await, json!({ "id": 7, "total": "9.90", "seq": seq }));
        back_end.publishes("weather", json!({}), &["topic-eu-north"]).await.published();
        anns.hears("weather").await;
        back_end.publishes("weather", json!({}), &["topic-eu-south"]).await.published();
        anns.hears_nothing().await;
        bobs.hears_nothing().await;
    }

    async fn what_was_missed_of_a_topic_comes_after_the_cursor(over) {
        let server = TestServer::start().await;
        let back_end = server.back_end().await;
        let ann = follower(&server, &["USER"], &["orders", "news"]);
        let mut live = ann.live_by(Way::new(over).rooms(&["topic-orders"])).await;
        back_end.publishes("order:created", json!({ "id": 1 }), &["topic-orders"]).await.published();
        live.hears("order:created").await;
        live.cut().await;
        let mut expected = Vec::new();
        for id in 2..6 {
            let seq = back_end.publishes("order:created", json!({ "id": id }), &["topic-orders", "topic-news"]).await.published();
            expected.push(json!({ "id": id, "seq": seq }));
            back_end.publishes("elsewhere", json!({}), &["topic-news"]).await.published();
            let live_only = json!({ "store": false });
            back_end.publishes_with("order:looked-at", json!({}), &["topic-orders"], live_only).await.expect(202);
        }
        live.resume().await;
        for data in expected {
            assert_eq!(live.hears("order:created").await, data);
        }
        live.hears_nothing().await;
    }

    async fn sellers_and_buyers_and_each_single_user_can_be_told(over) {
        let server = TestServer::start().await;
        let back_end = server.back_end().await;
        let (sam, bea) = (server.stranger(&["USER", "SELLER"]), server.stranger(&["USER", "BUYER"]));
        let rooms_of = |kind: &str, user: &User| [format!("{kind}-{}", user.id), format!("{kind}s")];
        let (sams_rooms, beas_rooms) = (rooms_of("seller", &sam), rooms_of("buyer", &bea));
        let mut sams = sam.live_by(Way::new(over).rooms(&sams_rooms)).await;
        let mut beas = bea.live_by(Way::new(over).rooms(&beas_rooms)).await;
        for room in sams_rooms {
            back_end.publishes("for sellers", json!({}), &[&room]).await.published();
            sams.hears("for sellers").await;
        }
        for room in beas_rooms {
            back_end.publishes("for buyers", json!({}), &[&room]).await.published();
            beas.hears("for buyers").await;
        }
        for room in [sam.id.clone(), sam.room(), format!("session-{}", sam.sid())] {
            back_end.publishes("for Sam", json!({ "room": room }), &[&room]).await.published();
            assert_eq!(sams.hears("for Sam").await["room"], room);
        }
        sams.hears_nothing().await;
        beas.hears_nothing().await;
    }

    async fn each_connection_hears_it_once_and_those_left_out_do_not(over) {
        let server = TestServer::start().await;
        let back_end = server.back_end().await;
        let (ann, bob) = (follower(&server, &["USER"], &["a", "b"]), follower(&server, &["USER"], &["a", "b"]));
        let both = Way::new(over).rooms(&["topic-a", "topic-b"]);
        let (mut anns, mut bobs) = (ann.live_by(both.clone()).await, bob.live_by(both).await);
        let to = ["all", "topic-a", "topic-b", "topic-a", &ann.id];
        back_end.publishes("to both", json!({}), &to).await.published();
        anns.hears("to both").await;
        bobs.hears("to both").await;
        let but_bob = json!({ "except": [bob.id, "topic-c"] });
        back_end.publishes_with("not to Bob", json!({}), &to, but_bob).await.published();
        anns.hears("not to Bob").await;
        back_end.publishes_with("to nobody", json!({}), &to, json!({ "except": ["topic-b"] })).await.published();
        anns.hears_nothing().await;
        bobs.hears_nothing().await;
    }

    async fn what_is_live_only_has_no_place_and_takes_its_turn(over) {
        let server = TestServer::start().await;
        let back_end = server.back_end().await;
        let mut live = server.stranger(&["USER"]).live(over).await;
        let before = back_end.publishes("n", json!({ "n": 0 }), &["all"]).await.published();
        for n in 1..20 {
            let answer = back_end.publishes_with("n", json!({ "n": n }), &["all"], json!({ "store": n % 3 == 0 })).await;
            if n % 3 == 0 {
                answer.published();
            } else {
                let answer = answer.expect(202);
                assert_eq!(answer.body, json!({}));
                assert_eq!(answer.seq(), before + n / 3, "the newest place that there is");
            }
        }
        for n in 0..20 {
            let data = live.hears("n").await;
            assert_eq!((&data["n"], data["seq"].is_i64()), (&json!(n), n % 3 == 0));
        }
        let cursor = live.cursor();
        assert_eq!(cursor, before + 6);
        live.cut().await;
        assert_eq!(live.resume_after(before).await["resumed"], true);
        for n in (3..20).step_by(3) {
            assert_eq!(live.hears("n").await["n"], n);
        }
        live.hears_nothing().await;
    }

    async fn a_payload_comes_as_it_was_sent_however_it_was_laid_out(over) {
        let server = TestServer::start().await;
        let back_end = server.back_end().await;
        let mut live = server.stranger(&["USER"]).live(over).await;
        let data = json!({
            "text": "two\nlines, \"quoted\" \\ \u{2028} ü 🦀 data: x\r\n\r\nevent: y", "empty": {}, "list": [1, [2, {}]],
            "big": 9_007_199_254_740_993_u64, "_placeholder": true, "num": 0,
        });
        let text = serde_json::to_string_pretty(&json!({ "event": "läuft: ja", "data": data, "to": ["all"] }));
        let text = text.expect("text").replace('\n', "\r\n");
        let seq = back_end.post_text("/v1/publish", &text).await.published();
        let mut expected = data.clone();
        expected["seq"] = seq.into();
        assert_eq!(live.hears("läuft: ja").await, expected);
        live.hears_nothing().await;
    }
}

#[tokio::test]
async fn digits_are_not_rounded_on_their_way() {
    use crate::support::http::Request;
    let server = TestServer::start().await;
    let back_end = server.back_end().await;
    let ann = server.stranger(&["USER"]);
    let call = Request::new("GET", "/v1/stream").header("Authorization", format!("Bearer {}", ann.token()));
    let (_, mut stream) = call.open(server.addr).await.expect("a stream");
    let body = r#"{"event":"n","data":{"price":1.10,"much":123456789012345678901234567890},"to":["all"]}"#;
    let seq = back_end.post_text("/v1/publish", body).await.published();
    let expected = format!("data: {{\"price\":1.10,\"much\":123456789012345678901234567890,\"seq\":{seq}}}\n");
    let mut heard = String::new();
    let reading = async {
        while !heard.contains(&expected) {
            let part = stream.next().await.expect("a stream").expect("no end");
            heard.push_str(&String::from_utf8_lossy(&part));
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, reading).await.expect("it is heard");
}

#[tokio::test]
async fn a_batch_is_told_in_its_order_as_one_change() {
    let server = TestServer::start().await;
    let back_end = server.back_end().await;
    let (ann, bob) = (server.stranger(&["USER"]), server.stranger(&["USER"]));
    let (mut anns, mut bobs) = (ann.everywhere().await, bob.everywhere().await);
    let batch: Vec<Value> = (0..100)
        .map(|n| json!({ "event": "n", "data": { "n": n }, "to": [if n % 2 == 0 { "all" } else { &ann.id }], "store": n % 10 != 9 }))
        .collect();
    let answer = back_end.post("/v1/publish/batch", json!(batch)).await.expect(202);
    let mut next = answer[0]["seq"].as_i64().expect("a seq");
    for n in 0..100 {
        if n % 10 == 9 {
            assert_eq!(answer[n], json!({}));
        } else {
            assert_eq!(answer[n], json!({ "seq": next }));
            next += 1;
        }
    }
    assert_eq!(answer.list().len(), 100);
    assert_eq!(answer.seq(), next - 1);
    for n in 0..100 {
        assert_eq!(anns.hears("n").await["n"], n);
        if n % 2 == 0 {
            assert_eq!(bobs.hears("n").await["n"], n);
        }
    }
    anns.hears_nothing().await;
    bobs.hears_nothing().await;
}

#[tokio::test]
async fn a_batch_with_a_fault_is_refused_as_a_whole() {
    let server = TestServer::start().await;
    let narrow = server.back_end_with(json!({ "rooms": ["all"], "events": ["fine*"] })).await;
    let mut live = server.stranger(&["USER"]).live(Over::WebSocket).await;
    let fine = json!({ "event": "fine", "data": {}, "to": ["all"] });
    let with = |field: &str, value: Value| {
        let mut entry = fine.clone();
        entry[field] = value;
        json!([fine, entry, fine])
    };
    let refused = [
        (with("event", json!("ready")), "[1].event"),
        (with("data", json!([])), "[1].data"),
        (with("data", json!({ "seq": 1 })), "[1].data.seq"),
        (with("to", json!(["all", "nowhere"])), "[1].to[1]"),
        (with("to", json!([7])), "[1].to[0]"),
        (with("to", json!([])), "[1].to"),
        (with("except", json!(["all", "x"])), "[1].except[1]"),
        (with("store", json!(1)), "[1].store"),
        (with("more", json!(1)), "[1].more"),
        (json!([fine, 7]), "[1]"),
        (json!([]), "body"),
        (json!(vec![fine.clone(); 101]), "body"),
        (fine.clone(), "body"),
    ];
    for (body, field) in refused {
        narrow.post("/v1/publish/batch", body).await.refused(422, "invalid_request").naming(field);
    }
    for body in [with("event", json!("other")), with("to", json!(["all", "admin"]))] {
        let refused = narrow.post("/v1/publish/batch", body).await.refused(403, "forbidden");
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.starts_with("[1]: ")), "{}", refused.body);
    }
    // Thousands of faults fit into one body; nobody needs to be told of each.
    let entry = json!({ "event": "", "data": 7, "to": vec!["?"; 100] });
    let many = narrow.post("/v1/publish/batch", json!(vec![entry; 100])).await.refused(422, "invalid_request");
    assert!(many["errors"].as_array().is_some_and(|faults| faults.len() < 210), "{}", many.body);
    live.hears_nothing().await;
}

#[tokio::test]
async fn a_key_publishes_only_what_it_is_for() {
    let server = TestServer::start().await;
    let ann = follower(&server, &["USER"], &["*"]);
    let scopes = json!({ "rooms": ["topic-shop-*", "sellers", ann.id], "events": ["order:*", "stock"] });
    let back_end = server.back_end_with(scopes).await;
    let mut live = ann.live_by(Way::new(Over::SocketIo).rooms(&["topic-shop-1", "topic-other"])).await;
    for (event, room) in [("order:paid", "topic-shop-1"), ("stock", &ann.id), ("order:", &ann.room())] {
        back_end.publishes(event, json!({}), &[room, "sellers"]).await.published();
        live.hears(event).await;
    }
    let refused: [(&str, &[&str]); 7] = [
        ("orders", &["topic-shop-1"]),
        ("stocks", &["topic-shop-1"]),
        ("stock", &["topic-other"]),
        ("stock", &["topic-shop-1", "topic-other"]),
        ("stock", &["topic-shop-1", "topic-sold"]),
        ("stock", &["all"]),
        ("stock", &["topic-shop"]),
    ];
    for (event, to) in refused {
        back_end.publishes(event, json!({}), to).await.refused(403, "forbidden");
    }
    // Leaving somebody out needs no right: it is less than the key may do.
    let but_ann = json!({ "except": ["topic-other"] });
    back_end.publishes_with("stock", json!({}), &["topic-shop-1"], but_ann).await.published();
    live.hears_nothing().await;
}

#[tokio::test]
async fn nobody_publishes_under_heralds_names() {
    use herald::notice::{EventName, reserved};
    let server = TestServer::start().await;
    let (back_end, root) = (server.back_end().await, server.operator());
    let mut live = server.stranger(&["USER"]).live(Over::SocketIo).await;
    let names = [EventName::OWN, reserved::RESERVED, reserved::OF_THE_CONNECTION, &["herald:x"]].concat();
    assert!(names.contains(&"NEW_RECORD") && names.contains(&"offer:accepted") && names.contains(&"disconnect"));
    for name in names {
        let refused = back_end.publishes(name, json!({}), &["all"]).await.refused(422, "invalid_request");
        refused.naming("event");
        let body = json!({ "event": name, "data": {}, "to": ["all"] });
        root.post("/v1/publish", body).await.refused(422, "invalid_request").naming("event");
    }
    back_end.publishes("new_record", json!({}), &["all"]).await.published();
    live.hears("new_record").await;
    live.hears_nothing().await;
}

#[tokio::test]
async fn what_comes_twice_under_one_key_is_told_once() {
    let server = TestServer::start().await;
    let (back_end, other, root) = (server.back_end().await, server.back_end().await, server.operator());
    let mut live = server.stranger(&["USER"]).live(Over::WebSocket).await;
    let body = |n: i64| json!({ "event": "n", "data": { "n": n }, "to": ["all"] });
    let keyed = |call: crate::support::Call| call.header("Idempotency-Key", "order-7");

    let first = keyed(back_end.post("/v1/publish", body(1))).await.published();
    server.marker().await;
    assert_eq!(keyed(back_end.post("/v1/publish", body(1))).await.published(), first);
    keyed(back_end.post("/v1/publish", body(2))).await.refused(409, "conflict");
    assert_eq!(live.hears("n").await["n"], 1);

    // Somebody else's key of the same name is another one, and so is the batch's.
    assert!(keyed(other.post("/v1/publish", body(2))).await.published() > first);
    assert!(keyed(root.post("/v1/publish", body(3))).await.published() > first);
    let batch = json!([body(4), body(5)]);
    let done = keyed(back_end.post("/v1/publish/batch", batch.clone())).await.expect(202);
    let again = keyed(back_end.post("/v1/publish/batch", batch)).await.expect(202);
    assert_eq!((again.body.clone(), again.seq()), (done.body.clone(), done.seq()));
    for n in 2..6 {
        assert_eq!(live.hears("n").await["n"], n);
    }
    // Live only as well: once.
    let passing = json!({ "event": "passing", "data": {}, "to": ["all"], "store": false });
    for _ in 0..2 {
        let call = back_end.post("/v1/publish", passing.clone()).header("Idempotency-Key", "passing");
        assert_eq!(call.await.expect(202).body, json!({}));
    }
    live.hears("passing").await;
    back_end.post("/v1/publish", body(9)).header("Idempotency-Key", "no\tkey").await.refused(422, "invalid_request");
    live.hears_nothing().await;
}

#[tokio::test]
async fn an_administrator_publishes_anywhere_and_may_be_left_out() {
    let server = TestServer::start().await;
    let root = server.admin("root").await;
    let (mut one, mut two) = (root.live(Over::SocketIo).await, root.live(Over::WebSocket).await);
    let body = json!({ "event": "x", "data": {}, "to": ["admin"] });
    root.post("/v1/publish", body.clone()).from(&one).await.published();
    two.hears("x").await;
    one.hears_nothing().await;
    // A key has no connections: nobody is left out by its wish.
    let back_end = server.back_end().await;
    back_end.post("/v1/publish", body).from(&two).await.published();
    one.hears("x").await;
    two.hears("x").await;
}

#[tokio::test]
async fn members_of_a_group_are_told_as_long_as_they_are_members() {
    let server = TestServer::start().await;
    let back_end = server.back_end().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let group = ann.group(&[&bob]).await;
    let (mut anns, mut bobs) = (ann.everywhere().await, bob.everywhere().await);
    back_end.publishes("to members", json!({}), &[&group.room()]).await.published();
    anns.hears("to members").await;
    bobs.hears("to members").await;
    ann.sends_away(&group, &bob).await;
    anns.hears_of("CHANGED_RECORD", &group.id).await;
    bobs.hears_of("DELETED_RECORD", &group.id).await;
    back_end.publishes("to members", json!({}), &[&group.room()]).await.published();
    anns.hears("to members").await;
    bobs.hears_nothing().await;
}

#[tokio::test]
async fn publishes_and_changes_of_records_are_heard_in_one_order() {
    let server = TestServer::start().await;
    let (back_end, root) = (server.back_end().await, server.operator());
    let mut everywhere = server.stranger(&["USER"]).everywhere().await;
    let department = root.post("/v1/departments", json!({ "name": "D" })).await.created();
    let path = format!("/v1/departments/{}", department.id());
    let publishing = (0..4).map(async |writer| {
        let mut seqs = Vec::new();
        for n in 0..15 {
            let data = json!({ "writer": writer, "n": n });
            if n % 3 == 2 {
                back_end.publishes_with("live", data, &["all"], json!({ "store": false })).await.expect(202);
            } else {
                seqs.push(back_end.publishes("stored", data, &["all"]).await.published());
            }
        }
        seqs
    });
    let changing = (0..4).map(async |_| {
        let mut seqs = Vec::new();
        for n in 0..15 {
            seqs.push(root.put(&path, json!({ "description": n.to_string() })).await.ok().seq());
        }
        seqs
    });
    let (published, changed) =
        tokio::join!(futures_util::future::join_all(publishing), futures_util::future::join_all(changing));
    let mut expected: Vec<i64> = published.into_iter().chain(changed).flatten().chain([department.seq()]).collect();
    expected.sort_unstable();
    let marker = server.marker().await;
    for live in &mut everywhere.0 {
        let heard = live.hears_until(&marker).await;
        let seqs: Vec<i64> = heard.iter().filter_map(|(_, data)| data["seq"].as_i64()).collect();
        assert_eq!(seqs, expected, "{:?}", live.over());
        // What one back end said after an answer is heard after what was answered, stored or not.
        for writer in 0..4 {
            let of_writer = heard.iter().filter(|(_, data)| data["writer"] == writer);
            let numbers: Vec<i64> = of_writer.filter_map(|(_, data)| data["n"].as_i64()).collect();
            assert_eq!(numbers, (0..15).collect::<Vec<_>>(), "{:?}", live.over());
        }
    }
}

#[tokio::test]
async fn what_was_published_outlives_a_restart() {
    let mut server = TestServer::start().await;
    let back_end = server.back_end().await;
    let mut live = server.stranger(&["USER"]).live(Over::SocketIo).await;
    live.cut().await;
    back_end.publishes("order:created", json!({ "id": 1 }), &["all"]).await.published();
    server.restart().await;
    live.resume().await;
    assert_eq!(live.hears("order:created").await["id"], 1);
    back_end.publishes("order:created", json!({ "id": 2 }), &["all"]).await.published();
    assert_eq!(live.hears("order:created").await["id"], 2);
}

/// Rooms by number, so that a plan can be made before there are people.
const ROOMS: usize = 12;

#[derive(Debug, Clone)]
struct Planned {
    to: Vec<usize>,
    except: Vec<usize>,
    store: bool,
}

fn plan() -> impl Strategy<Value = (Vec<Vec<bool>>, Vec<Vec<Planned>>)> {
    let joined = prop::collection::vec(prop::collection::vec(any::<bool>(), 4), 9);
    let room = || 0..ROOMS;
    let (to, except) = (prop::collection::vec(room(), 1..4), prop::collection::vec(room(), 0..3));
    let planned = (to, except, any::<bool>()).prop_map(|(to, except, store)| Planned { to, except, store });
    (joined, prop::collection::vec(prop::collection::vec(planned, 1..6), 8..16))
}

/// Three people on three wires each, in some topics; everybody hears what the rooms of the connection
/// say, in the order of publishing, and nothing else.
async fn everybody_hears_what_the_rooms_say(joined: Vec<Vec<bool>>, batches: Vec<Vec<Planned>>) {
    let server = TestServer::start().await;
    let back_end = server.back_end().await;
    let people: [User; 3] =
        [&["USER"][..], &["USER", "SELLER"], &["ADMIN"]].map(|roles| follower(&server, roles, &["*"]));
    let [ann, sam, root] = &people;
    let rooms: [String; ROOMS] = [
        "topic-0".into(),
        "topic-1".into(),
        "topic-2".into(),
        "topic-3".into(),
        "all".into(),
        "admin".into(),
        ann.room(),
        sam.id.clone(),
        format!("session-{}", root.sid()),
        "sellers".into(),
        format!("buyer-{}", ann.id),
        format!("user-{}", Uuid::now_v7()),
    ];
    let mut lives: Vec<Live> = Vec::new();
    for (n, topics) in joined.iter().enumerate() {
        let over = [Over::SocketIo, Over::WebSocket, Over::Sse][n / 3];
        let mut asked: Vec<&str> = (0..4).filter(|topic| topics[*topic]).map(|topic| rooms[topic].as_str()).collect();
        if n % 3 == 1 {
            asked.push("sellers");
        }
        lives.push(people[n % 3].live_by(Way::new(over).rooms(&asked)).await);
    }
    let name = |room: &usize| rooms[*room].clone();
    let mut numbered = Vec::new();
    for batch in &batches {
        let body: Vec<Value> = batch
            .iter()
            .map(|Planned { to, except, store }| {
                numbered.push((to, except));
                let (to, except): (Vec<_>, Vec<_>) = (to.iter().map(name).collect(), except.iter().map(name).collect());
                json!({ "event": "n", "data": { "n": numbered.len() }, "to": to, "except": except, "store": store })
            })
            .collect();
        back_end.post("/v1/publish/batch", json!(body)).await.expect(202);
    }
    let marker = server.marker().await;
    for live in &mut lives {
        let held: Vec<String> = live.ready["rooms"]
            .as_array()
            .expect("rooms")
            .iter()
            .map(|room| room.as_str().expect("text").into())
            .collect();
        // The one room that is written without its kind.
        let is_in = |room: &usize| held.contains(&rooms[*room]) || held.contains(&format!("user-{}", rooms[*room]));
        let expected: Vec<usize> = (1..)
            .zip(&numbered)
            .filter(|(_, (to, except))| to.iter().any(is_in) && !except.iter().any(is_in))
            .map(|(n, _)| n)
            .collect();
        let heard = live.hears_until(&marker).await;
        let heard: Vec<usize> = heard.iter().map(|(_, data)| data["n"].as_u64().expect("a number") as usize).collect();
        assert_eq!(heard, expected, "{:?} in {held:?}", live.over());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn an_audience_is_what_its_rooms_say((joined, batches) in plan()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(everybody_hears_what_the_rooms_say(joined, batches));
    }
}
