//! The inbox over HTTP and live (CONTRACT 6): who finds what, what it takes to be read, and that every
//! tab counts the same.

use crate::{
    over_every_wire,
    support::{Answer, Call, Live, Over, TestServer, User},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::future::IntoFuture as _;
use uuid::Uuid;

const ALL: &str = "/v1/notifications";
const READ_ALL: &str = "/v1/notifications/read";

fn one(id: &str) -> String {
    format!("{ALL}/{id}")
}

fn read(id: &str) -> String {
    format!("{ALL}/{id}/read")
}

impl User {
    fn announces(&self, body: Value) -> Call {
        self.post("/v1/admin/notifications", body)
    }

    async fn inbox(&self) -> Answer {
        self.get(ALL).await.ok()
    }

    fn reads(&self, path: String) -> Call {
        self.call("PUT", path)
    }
}

/// Puts so many into somebody's inbox, one after the other; their ids, oldest first.
async fn fill(root: &User, user: &User, count: usize) -> Vec<String> {
    for n in 0..count {
        root.announces(json!({ "message": n.to_string(), "userIds": [user.id] })).await.expect(202);
    }
    let mut ids = user.get(format!("{ALL}?limit={count}")).await.ok().ids();
    ids.reverse();
    ids
}

fn unread(list: &Answer) -> i64 {
    list.header("X-Unread-Count").expect("X-Unread-Count").parse().expect("a number")
}

#[tokio::test]
async fn what_is_sent_is_stored_and_heard_by_those_it_is_for_and_by_nobody_else() {
    let server = TestServer::start().await;
    let (root, ann, bob) = (server.operator(), server.stranger(&["USER"]), server.stranger(&["USER"]));
    let away = server.stranger(&["USER"]);
    let (mut anns, mut bobs) = (ann.everywhere().await, bob.everywhere().await);
    let body = json!({ "message": "Hello", "kind": "news", "data": { "a": 1 }, "userIds": [ann.id, away.id] });
    let sent = root.announces(body).await.expect(202);
    assert_eq!(sent.body, json!({ "count": 2 }));

    let new = anns.is_notified("news").await;
    assert_eq!(
        (&new["message"], &new["data"], &new["status"]),
        (&json!("Hello"), &json!({ "a": 1 }), &json!("PENDING"))
    );
    assert_eq!((&new["userId"], &new["unread"]), (&json!(ann.id), &json!(1)));
    assert!(new["seq"].as_i64().expect("a seq") <= sent.seq());
    assert!(new["readAt"].is_null() && new["deliveredAt"].is_null(), "{new}");
    let marker = server.marker().await;
    anns.hears_marker(&marker).await;
    bobs.hears_marker(&marker).await;

    let stored = away.inbox().await;
    let found = &stored.list()[0];
    assert_eq!((&found["status"], &found["message"], unread(&stored)), (&json!("PENDING"), &json!("Hello"), 1));
    for field in ["id", "userId", "message", "kind", "status", "createdAt", "seq"] {
        assert!(!found[field].is_null(), "{field}: {found}");
    }
    let hers = ann.inbox().await;
    for field in ["id", "message", "kind", "data", "createdAt", "seq"] {
        assert_eq!(hers.list()[0][field], new[field], "{field}");
    }
    assert_eq!(bob.inbox().await.list().len(), 0);
}

over_every_wire! {
    async fn what_is_read_in_one_tab_clears_the_badge_in_the_other(over) {
        let server = TestServer::start().await;
        let (root, ann, bob) = (server.operator(), server.stranger(&["USER"]), server.stranger(&["USER"]));
        let (mut tab, mut other, mut bobs) = (ann.live(over).await, ann.live(over).await, bob.live(over).await);
        let ids = fill(&root, &ann, 3).await;
        for live in [&mut tab, &mut other] {
            for unread in 1..=3 {
                assert_eq!(live.is_notified("message").await["unread"], unread);
            }
        }

        assert_eq!(ann.reads(read(&ids[0])).from(&tab).await.ok().body, json!({ "unread": 2 }));
        let cleared = other.hears("notification:read").await;
        assert_eq!((&cleared["id"], &cleared["unread"]), (&json!(ids[0]), &json!(2)));
        assert!(cleared["readAt"].is_string() && cleared["seq"].is_null() && cleared["all"].is_null(), "{cleared}");
        tab.hears_nothing().await;

        // What is read already is told to nobody.
        assert_eq!(ann.reads(read(&ids[0])).await.ok().body, json!({ "unread": 2 }));
        // Of an unread one that is deleted one fewer is unread.
        ann.delete(one(&ids[1])).from(&tab).await.gone();
        let gone = other.hears("notification:read").await;
        assert_eq!((&gone["id"], &gone["deleted"], &gone["unread"]), (&json!(ids[1]), &json!(true), &json!(1)));

        assert_eq!(ann.reads(READ_ALL.into()).from(&tab).await.ok().body, json!({ "unread": 0 }));
        let cleared = other.hears("notification:read").await;
        assert_eq!((&cleared["all"], &cleared["id"], &cleared["unread"]), (&json!(true), &Value::Null, &json!(0)));
        assert_eq!(ann.reads(READ_ALL.into()).await.ok().body, json!({ "unread": 0 }));

        let marker = server.marker().await;
        for live in [&mut tab, &mut other, &mut bobs] {
            live.hears_marker(&marker).await;
        }
        assert_eq!(unread(&ann.inbox().await), 0);
    }
}

#[tokio::test]
async fn a_connection_that_is_somebody_elses_can_not_be_left_out() {
    let server = TestServer::start().await;
    let (root, ann, bob) = (server.operator(), server.stranger(&["USER"]), server.stranger(&["USER"]));
    let mut anns = ann.live(Over::WebSocket).await;
    let bobs = bob.live(Over::WebSocket).await;
    let ids = fill(&root, &ann, 1).await;
    anns.is_notified("message").await;
    ann.reads(read(&ids[0])).from(&bobs).await.ok();
    anns.hears("notification:read").await;
}

#[tokio::test]
async fn a_list_is_newest_first_in_pages_and_counts_what_is_unread_in_all() {
    let server = TestServer::start().await;
    let (root, ann) = (server.operator(), server.stranger(&["USER"]));
    let ids = fill(&root, &ann, 5).await;
    ann.reads(read(&ids[1])).await.ok();
    let mut found = Vec::new();
    let mut path = Some(format!("{ALL}?limit=2"));
    while let Some(page) = path {
        let page = ann.get(page).await.ok();
        assert_eq!(unread(&page), 4, "of all, not of the page");
        assert!(page.list().len() <= 2 && page.seq() > 0);
        found.extend(page.ids());
        path = page.next_page();
    }
    let newest_first: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(found, newest_first);

    assert_eq!(ann.get(format!("{ALL}?status=READ")).await.ok().ids(), [ids[1].clone()]);
    let pending = ann.get(format!("{ALL}?status=PENDING&limit=3")).await.ok();
    assert_eq!(pending.ids(), [ids[4].clone(), ids[3].clone(), ids[2].clone()]);
    let rest = ann.get(pending.next_page().expect("a next page")).await.ok();
    assert_eq!((rest.ids(), rest.next_page()), (vec![ids[0].clone()], None), "the filter goes along");

    for (query, field) in [
        ("status=UNREAD", "status"),
        ("status=read", "status"),
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("before=-1", "before"),
    ] {
        ann.get(format!("{ALL}?{query}")).await.refused(422, "invalid_request").naming(field);
    }
    ann.get(format!("{ALL}?limit=100000")).await.ok();
    server.call("GET", ALL).await.refused(401, "unauthorized");
}

#[tokio::test]
async fn what_was_read_stays_as_it_was_read_first() {
    let server = TestServer::start().await;
    let (root, ann) = (server.operator(), server.stranger(&["USER"]));
    let ids = fill(&root, &ann, 1).await;
    ann.reads(read(&ids[0])).await.ok();
    let first = ann.inbox().await.list()[0].clone();
    assert_eq!(first["status"], "READ");
    assert!(first["readAt"].is_string());
    assert_eq!(first["deliveredAt"], first["readAt"], "read without a confirmation: delivered then");
    ann.reads(read(&ids[0])).await.ok();
    ann.reads(READ_ALL.into()).await.ok();
    assert_eq!(ann.inbox().await.list()[0], first);
}

#[tokio::test]
async fn somebody_elses_inbox_is_not_there() {
    let server = TestServer::start().await;
    let (root, ann, bob) = (server.operator(), server.stranger(&["USER"]), server.stranger(&["USER"]));
    let mut anns = ann.live(Over::WebSocket).await;
    let ids = fill(&root, &ann, 1).await;
    anns.is_notified("message").await;
    let unknown = Uuid::now_v7().to_string();
    for (who, id) in [(&bob, ids[0].as_str()), (&root, &ids[0]), (&ann, &unknown), (&ann, "7")] {
        who.reads(read(id)).await.refused(404, "not_found");
        who.delete(one(id)).await.refused(404, "not_found");
    }
    bob.reads(READ_ALL.into()).await.ok();
    anns.hears_nothing().await;
    assert_eq!(unread(&ann.inbox().await), 1);
    ann.delete(one(&ids[0])).await.gone();
    ann.delete(one(&ids[0])).await.refused(404, "not_found");
    for (method, path) in [("PUT", READ_ALL.to_owned()), ("PUT", read(&unknown)), ("DELETE", one(&unknown))] {
        server.call(method, path).await.refused(401, "unauthorized");
    }
}

#[tokio::test]
async fn to_all_to_a_role_or_to_some_each_reaches_those_and_no_others() {
    let server = TestServer::start().await;
    let (root, ann) = (server.admin("root").await, server.user("ann").await);
    let (sam, gone) = (server.seller("sam").await, server.user("gone").await);
    let stranger = server.stranger(&["USER", "SELLER"]);
    root.delete(format!("/v1/admin/users/{}", gone.id)).await.gone();
    let mut listening = Vec::new();
    for user in [&root, &ann, &sam, &stranger] {
        listening.push(user.live(Over::WebSocket).await);
    }
    let [roots, anns, sams, strangers] = &mut listening[..] else { panic!("four") };
    let both = json!([stranger.id, root.id, gone.id]);
    for (kind, target, count) in
        [("all", json!({}), 2), ("role", json!({ "role": "SELLER" }), 1), ("ids", json!({ "userIds": both }), 2)]
    {
        let mut body = target;
        (body["message"], body["kind"]) = ("Hello".into(), kind.into());
        assert_eq!(root.announces(body).await.expect(202)["count"], count, "{kind}");
    }
    for (live, kinds) in [(anns, &["all"][..]), (sams, &["all", "role"]), (roots, &["ids"]), (strangers, &["ids"])] {
        for kind in kinds {
            live.is_notified(kind).await;
        }
        live.hears_nothing().await;
    }
    let own = root.announces(json!({ "message": "To other administrators", "role": "ADMIN" })).await.expect(202);
    assert_eq!(own["count"], 0, "the sender knows");
    assert!(!server.database.inboxes().contains_key(&gone.id));
}

#[tokio::test]
async fn only_administrators_send_and_only_what_is_within_bounds_and_nobody_hears_of_the_rest() {
    let server = TestServer::start().await;
    let (root, ann) = (server.admin("root").await, server.user("ann").await);
    let mut anns = ann.live(Over::WebSocket).await;
    let newest = ann.inbox().await.seq();
    let sending = "/v1/admin/notifications";
    server.post(sending, json!({ "message": "Hello" })).await.refused(401, "unauthorized");
    server.post(sending, json!({ "nonsense": 1 })).await.refused(401, "unauthorized");
    ann.announces(json!({ "message": "Hello" })).await.refused(403, "forbidden");
    ann.announces(json!({ "nonsense": 1 })).await.refused(403, "forbidden");
    for (field, body) in [
        ("message", json!({})),
        ("message", json!({ "message": "" })),
        ("message", json!({ "message": "x".repeat(2_001) })),
        ("kind", json!({ "message": "Hello", "kind": "x".repeat(65) })),
        ("data", json!({ "message": "Hello", "data": "text" })),
        ("data", json!({ "message": "Hello", "data": { "text": "x".repeat(8 * 1024) } })),
        ("userIds", json!({ "message": "Hello", "userIds": [] })),
        ("userIds", json!({ "message": "Hello", "userIds": [ann.id, ann.id] })),
        ("userIds[0]", json!({ "message": "Hello", "userIds": ["ann"] })),
        ("role", json!({ "message": "Hello", "userIds": [ann.id], "role": "USER" })),
        ("role", json!({ "message": "Hello", "role": "EVERYBODY" })),
    ] {
        root.announces(body).await.refused(422, "invalid_request").naming(field);
    }
    root.announces(json!({ "message": "x".repeat(600_000) })).await.refused(413, "payload_too_large");
    anns.hears_nothing().await;
    assert_eq!(server.database.inboxes().len(), 0);
    assert_eq!(ann.inbox().await.seq(), newest + 1, "the marker");
    // As many as may be: more than other bodies may hold.
    let many: Vec<Uuid> = (0..10_000).map(|_| Uuid::now_v7()).collect();
    assert_eq!(root.announces(json!({ "message": "Hello", "userIds": many })).await.expect(202)["count"], 10_000);
}

#[tokio::test]
async fn the_same_key_sends_once_and_is_answered_alike() {
    let mut server = TestServer::start().await;
    let (root, boss, ann) = (server.operator(), server.operator(), server.stranger(&["USER"]));
    let mut anns = ann.live(Over::WebSocket).await;
    let hello = json!({ "message": "Hello", "userIds": [ann.id] });
    let keyed = |who: &User, body: &Value, key: &str| who.announces(body.clone()).header("Idempotency-Key", key);

    // Several at once: one is done, all are answered.
    let answers = join_all((0..5).map(|_| keyed(&root, &hello, "k").into_future())).await;
    let first = answers[0].seq();
    for answer in answers {
        let answer = answer.expect(202);
        assert_eq!((&answer.body, answer.seq()), (&json!({ "count": 1 }), first));
    }
    assert_eq!(anns.is_notified("message").await["unread"], 1);
    anns.hears_nothing().await;
    assert_eq!(keyed(&root, &hello, "k").await.expect(202).seq(), first, "as it was then");
    keyed(&root, &json!({ "message": "Bye", "userIds": [ann.id] }), "k").await.refused(409, "conflict");
    for bad in ["", "a b", &"x".repeat(256)] {
        keyed(&root, &hello, bad).await.refused(422, "invalid_request").naming("Idempotency-Key");
    }
    anns.hears_nothing().await;

    // Another caller's key is another key.
    assert!(keyed(&boss, &hello, "k").await.expect(202).seq() > first);
    assert_eq!(anns.is_notified("message").await["unread"], 2);
    // What was refused may be corrected.
    keyed(&root, &json!({ "message": "" }), "corrected").await.refused(422, "invalid_request");
    keyed(&root, &hello, "corrected").await.expect(202);
    assert_eq!(anns.is_notified("message").await["unread"], 3);
    anns.cut().await;
    server.restart().await;
    assert_eq!(keyed(&root, &hello, "k").await.expect(202).seq(), first, "a restart forgets none");
    assert_eq!(unread(&ann.inbox().await), 3);
}

#[tokio::test]
async fn a_review_waits_in_the_inboxes_of_administrators_and_its_decision_in_the_authors() {
    let server = TestServer::start().await;
    let (ann, bob, root) = (server.user("ann").await, server.user("bob").await, server.admin("root").await);
    let id = ann.draft("Fair").await.id();
    let asks = json!({ "ids": [id], "state": "REVIEW", "message": "Please look" });
    ann.post("/v1/events/change_state", asks).await.ok();
    let asked = root.inbox().await;
    let asked = &asked.list()[0];
    assert_eq!((&asked["kind"], &asked["message"]), (&json!("event.review_requested"), &json!("Please look")));
    assert_eq!(asked["data"], json!({ "eventId": id, "state": "REVIEW" }));
    root.moves(&id, "REFUSED").await.ok();
    let told = ann.inbox().await;
    assert_eq!(
        (&told.list()[0]["kind"], &told.list()[0]["message"]),
        (&json!("event.refused"), &json!("“Fair” was refused."))
    );

    // Who does not want to hear of it does not.
    ann.put(format!("/v1/users/{}", ann.id), json!({ "notifyOnEventUpdate": false })).await.ok();
    root.put(format!("/v1/users/{}", root.id), json!({ "notifyAdminOnReviewRequest": false })).await.ok();
    ann.moves(&id, "DRAFT").await.ok();
    ann.moves(&id, "REVIEW").await.ok();
    root.moves(&id, "PUBLISHED").await.ok();
    let inboxes = [ann.inbox().await, root.inbox().await, bob.inbox().await];
    assert_eq!(inboxes.map(|inbox| inbox.list().len()), [1, 1, 0]);
}

#[tokio::test]
async fn who_is_deleted_takes_the_inbox_along() {
    let server = TestServer::start().await;
    let (root, ann, bob) = (server.admin("root").await, server.user("ann").await, server.user("bob").await);
    root.announces(json!({ "message": "Hello" })).await.expect(202);
    root.delete(format!("/v1/admin/users/{}", ann.id)).await.gone();
    let left = server.database.inboxes();
    assert_eq!((left.get(&ann.id), left.get(&bob.id)), (None, Some(&1)));
}

/// The messages of this kind that a connection hears up to the marker, those that waited for it too.
async fn notified(live: &mut Live, marker: &str, kind: &str) -> usize {
    let mut ids = Vec::new();
    for (name, data) in live.hears_until(marker).await {
        let waiting = data["notifications"].as_array().cloned().unwrap_or_default();
        let new = (name == "new_notification").then_some(data);
        ids.extend(waiting.into_iter().chain(new).filter(|one| one["kind"] == kind).map(|one| one["id"].to_string()));
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "one came twice: {ids:?}");
    count
}

#[tokio::test]
async fn of_ten_thousand_each_who_was_there_or_comes_back_meanwhile_hears_it_once() {
    let server = TestServer::start().await;
    let ids = server.database.crowd(10_000);
    let root = server.operator();
    let some = [0, 199, 200, 4_000, 7_000, 9_999].map(|at| server.one_of(&ids, at));
    let (mut staying, mut leaving) = (Vec::new(), Vec::new());
    for (at, user) in some.iter().enumerate() {
        staying.push(user.live(Over::ALL[at % 4]).await);
        leaving.push(user.live(Over::ALL[(at + 1) % 4]).await);
    }
    let sent = root.announces(json!({ "message": "Hello", "kind": "news" })).await.expect(202);
    assert_eq!(sent["count"], 10_000);
    // While it goes out they leave and come back, one after the other and again.
    let mut heard = vec![0; some.len()];
    let mut rounds = 0;
    while server.database.under_way() > 0 || rounds == 0 {
        rounds += 1;
        for live in &mut leaving {
            live.cut().await;
            live.resume().await;
        }
    }
    let marker = server.marker().await;
    for ((staying, leaving), heard) in staying.iter_mut().zip(&mut leaving).zip(&mut heard) {
        assert_eq!(notified(staying, &marker, "news").await, 1);
        *heard = notified(leaving, &marker, "news").await;
    }
    assert_eq!(heard, [1; 6], "after {rounds} rounds");
    let inboxes = server.database.inboxes();
    assert_eq!(inboxes.len(), 10_000);
    assert!(inboxes.values().all(|count| *count == 1));
}
