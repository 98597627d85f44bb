//! What lies in an inbox reaches each connection once, and again until somebody confirms it (CONTRACT 6).

use crate::{
    over_every_wire,
    support::{Herald, Live, Over, Process, TestServer, User, Way},
};
use futures_util::future::{join, join_all};
use herald::{
    delivery::inbox::{Message, notify},
    ids::UserId,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Puts these into the user's inbox, in this order, and waits until a connection of the user's was told.
async fn fill(server: &TestServer, user: &User, texts: &[String]) {
    fill_with(server, user, texts, &Value::Null).await;
}

/// The same; each carries this.
async fn fill_with(server: &TestServer, user: &User, texts: &[String], data: &Value) {
    let mut told = user.live_by(Way::new(Over::WebSocket)).await;
    let (id, messages): (UserId, Vec<String>) = (user.id.parse().expect("an id"), texts.to_vec());
    let data = Some(data.clone()).filter(|data| !data.is_null());
    server.writes(async move |tx| {
        for message in messages {
            notify(tx, &[id], &Message { kind: "test".into(), message, data: data.clone() }).await?;
        }
        Ok(())
    });
    // What waited before comes to it as well.
    let mut left = texts.len();
    while left > 0 {
        let (event, _) = told.hears_anything().await;
        left -= usize::from(event == "new_notification");
    }
}

fn numbers(from: usize, to: usize) -> Vec<String> {
    (from..=to).map(|number| number.to_string()).collect()
}

/// The messages of a `pending_notifications`, which has no place of its own.
fn messages(page: &Value) -> Vec<String> {
    assert!(page.get("seq").is_none(), "{page}");
    let letters = page["notifications"].as_array().expect("a list");
    assert!(letters.iter().all(|letter| letter["status"] == "PENDING" && letter["seq"].is_i64()), "{page}");
    letters.iter().map(|letter| letter["message"].as_str().expect("text").to_owned()).collect()
}

fn ids(page: &Value) -> Vec<Value> {
    page["notifications"].as_array().expect("a list").iter().map(|letter| letter["id"].clone()).collect()
}

/// The status of each of the user's notifications, by its message.
async fn statuses(user: &User) -> BTreeMap<String, String> {
    let list = user.get("/v1/notifications?limit=200").await.ok();
    let text = |letter: &Value, field: &str| letter[field].as_str().expect("text").to_owned();
    list.list().iter().map(|letter| (text(letter, "message"), text(letter, "status"))).collect()
}

/// Waits until all of them have this status.
async fn become_all(user: &User, status: &str) {
    let becoming = async {
        while !statuses(user).await.values().all(|is| is == status) {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(crate::support::PATIENCE, becoming).await;
    if in_time.is_err() {
        panic!("they do not become {status}: {:?}", statuses(user).await);
    }
}

/// Sends something as an administrator does, over HTTP.
async fn send(herald: &Herald, to: &User, message: &str) {
    let body = json!({ "message": message, "userIds": [to.id] });
    herald.operator().post("/v1/admin/notifications", body).await.expect(202);
}

/// How many times it heard of each, be it as waiting or as new, until it has heard of so many.
async fn hears_letters(live: &mut Live, count: usize) -> BTreeMap<String, usize> {
    let mut heard = BTreeMap::new();
    while heard.len() < count {
        let (event, data) = live.hears_anything().await;
        let all = match event.as_str() {
            "new_notification" => vec![data["message"].as_str().expect("text").to_owned()],
            "pending_notifications" => messages(&data),
            _ => continue,
        };
        all.into_iter().for_each(|message| *heard.entry(message).or_default() += 1);
    }
    heard
}

over_every_wire! {
    async fn what_waits_comes_on_connecting_oldest_first_in_hundreds_and_again_until_confirmed(over) {
        let server = TestServer::start().await;
        let ann = server.user("ann").await;
        fill(&server, &ann, &numbers(1, 250)).await;
        for _ in 0..2 {
            let mut live = ann.live_by(Way::new(over).acks(true).silent()).await;
            let mut all = Vec::new();
            for size in [100, 100, 50] {
                let page = live.hears("pending_notifications").await;
                assert_eq!((messages(&page).len(), &page["unread"]), (size, &json!(250)));
                all.extend(messages(&page));
            }
            assert_eq!(all, numbers(1, 250));
            live.hears_nothing().await;
            live.cut().await;
        }
    }

    async fn who_resumes_hears_of_each_once_split_by_the_cursor(over) {
        let server = TestServer::start().await;
        let ann = server.user("ann").await;
        let mut live = ann.live_by(Way::new(over).acks(true).silent()).await;
        fill(&server, &ann, &numbers(1, 2)).await;
        for message in numbers(1, 2) {
            assert_eq!(live.is_notified("test").await["message"], message);
        }
        live.cut().await;
        fill(&server, &ann, &numbers(3, 4)).await;
        live.resume().await;
        for message in numbers(3, 4) {
            assert_eq!(live.is_notified("test").await["message"], message);
        }
        let page = live.hears("pending_notifications").await;
        assert_eq!((messages(&page), &page["unread"]), (numbers(1, 2), &json!(4)));
        live.hears_nothing().await;
    }

    async fn who_resumes_is_told_how_much_is_unread_even_if_nothing_waits(over) {
        let server = TestServer::start().await;
        let ann = server.user("ann").await;
        let mut live = ann.live_by(Way::new(over).acks(true).silent()).await;
        fill(&server, &ann, &numbers(1, 2)).await;
        for _ in 0..2 {
            live.is_notified("test").await;
        }
        live.cut().await;
        ann.put("/v1/notifications/read", json!({})).await.ok();
        live.resume().await;
        let page = live.hears("pending_notifications").await;
        assert_eq!(page, json!({ "notifications": [], "unread": 0 }));
        live.hears_nothing().await;
        // Who begins anew hears nothing of an inbox in which nothing waits.
        let mut fresh = ann.live_by(Way::new(over)).await;
        let marker = server.marker().await;
        assert_eq!(fresh.hears_until_strictly(&marker).await, 0);
    }

    async fn without_acks_it_is_delivered_once_the_system_has_the_bytes(over) {
        let server = TestServer::start().await;
        let ann = server.user("ann").await;
        fill(&server, &ann, &numbers(1, 3)).await;
        let mut live = ann.live_by(Way::new(over).acks(false).silent()).await;
        assert_eq!(messages(&live.hears("pending_notifications").await), numbers(1, 3));
        // A poll counts when the client comes for more.
        live.hears_nothing().await;
        live.listens_while(become_all(&ann, "DELIVERED")).await;
        send(&server, &ann, "4").await;
        assert_eq!(live.is_notified("message").await["message"], "4");
        live.listens_while(become_all(&ann, "DELIVERED")).await;
        let mut again = ann.live_by(Way::new(over).silent()).await;
        again.hears_nothing().await;
    }

    async fn who_does_not_read_has_nothing_delivered_until_it_does(over) {
        // Nothing is cut while the story lasts.
        let server = TestServer::with(|config| {
            config.limits.queue = 64 << 20;
            config.limits.stall = std::time::Duration::from_secs(600);
        }).await;
        let ann = server.user("ann").await;
        let way = Way { receive_buffer: Some(4096), ..Way::new(over).acks(false).silent() };
        let mut stuck = ann.live_by(way).await;
        // Twice, since each comes under two names: more than the system holds for one reader.
        fill_with(&server, &ann, &numbers(1, 180), &json!({ "heavy": "x".repeat(7_000) })).await;
        assert_eq!(statuses(&ann).await["180"], "PENDING");
        for message in numbers(1, 180) {
            assert_eq!(stuck.is_notified("test").await["message"], message);
        }
        stuck.listens_while(become_all(&ann, "DELIVERED")).await;
    }

    async fn what_is_created_while_many_connect_comes_once_to_each(over) {
        const LETTERS: usize = 40;
        let server = TestServer::start().await;
        let ann = server.user("ann").await;
        let creating = async {
            for n in 0..LETTERS {
                send(&server, &ann, &n.to_string()).await;
            }
        };
        let listening = join_all((0..12).map(async |n| {
            // Not all at once, but while others of them are told.
            let mut first = ann.live_by(Way::new(over).acks(true).silent()).await;
            hears_letters(&mut first, n * LETTERS / 12).await;
            let mut live = ann.live_by(Way::new(over).acks(true).silent()).await;
            let heard = hears_letters(&mut live, LETTERS).await;
            (live, heard)
        }));
        let (_, all) = join(creating, listening).await;
        let marker = server.marker().await;
        for (mut live, heard) in all {
            assert!(heard.values().all(|times| *times == 1), "{heard:?}");
            live.hears_marker(&marker).await;
        }
    }

    async fn a_crash_between_storing_and_sending_or_between_sending_and_confirming_loses_nothing(over) {
        let mut herald = Process::start().await;
        let ann = herald.user("ann").await;
        send(&herald, &ann, "stored").await;
        herald.kill_9();
        herald.restart();
        let mut live = ann.live_by(Way::new(over).acks(true).silent()).await;
        assert_eq!(hears_letters(&mut live, 1).await, BTreeMap::from([("stored".into(), 1)]));
        herald.kill_9();
        live.cut().await;
        herald.restart();
        let mut live = ann.live_by(Way::new(over).acks(true).silent()).await;
        let page = live.hears("pending_notifications").await;
        assert_eq!(messages(&page), ["stored"], "it was sent, and nobody confirmed it");
        let mut confirming = ann.live_by(Way::new(over).acks(false)).await;
        hears_letters(&mut confirming, 1).await;
        confirming.listens_while(become_all(&ann, "DELIVERED")).await;
        herald.kill_9();
        for live in [&mut live, &mut confirming] {
            live.cut().await;
        }
        herald.restart();
        let mut live = ann.live_by(Way::new(over).silent()).await;
        live.hears_nothing().await;
    }
}

async fn acked_is_delivered(over: Over) {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    fill(&server, &ann, &numbers(1, 3)).await;
    let mut silent = ann.live_by(Way::new(over).silent()).await;
    let mut live = ann.live_by(Way::new(over)).await;
    for tab in [&mut silent, &mut live] {
        assert_eq!(messages(&tab.hears("pending_notifications").await), numbers(1, 3));
    }
    // One of two tabs is enough.
    become_all(&ann, "DELIVERED").await;
    send(&server, &ann, "4").await;
    for tab in [&mut silent, &mut live] {
        tab.is_notified("message").await;
    }
    become_all(&ann, "DELIVERED").await;
    let mut again = ann.live_by(Way::new(over).silent()).await;
    again.hears_nothing().await;
}

#[tokio::test]
async fn what_a_client_of_socket_io_acknowledges_is_delivered() {
    acked_is_delivered(Over::SocketIo).await;
}

#[tokio::test]
async fn what_a_polling_client_acknowledges_is_delivered() {
    acked_is_delivered(Over::Polling).await;
}

#[tokio::test]
async fn notification_ack_confirms_what_is_ones_own_and_is_answered_when_that_is_stored() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    for over in Over::BOTH_WAYS {
        fill(&server, &ann, &numbers(1, 2)).await;
        let mut anns = ann.live_by(Way::new(over).silent()).await;
        let mut bobs = bob.live_by(Way::new(over).silent()).await;
        let page = anns.hears("pending_notifications").await;
        let letters = ids(&page);
        bobs.asks("notification:ack", json!({ "ids": letters })).await;
        assert!(statuses(&ann).await.values().all(|status| status == "PENDING"), "they are not Bob's");
        for bad in [json!({}), json!({ "ids": "all" }), json!({ "ids": ["1"] }), json!(vec![&letters[0]; 501])] {
            let refused = anns.call("notification:ack", bad).await;
            assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&json!(422), &json!("ids")), "{refused}");
        }
        assert_eq!(anns.asks("notification:ack", json!({ "ids": [letters[0]] })).await, json!({ "ok": true }));
        let now = statuses(&ann).await;
        assert_eq!((now["1"].as_str(), now["2"].as_str()), ("DELIVERED", "PENDING"));
        anns.asks("notification:ack", json!([letters[1], uuid::Uuid::now_v7()])).await;
        become_all(&ann, "DELIVERED").await;
        for letter in letters {
            let letter = letter.as_str().expect("an id").to_owned();
            ann.delete(format!("/v1/notifications/{letter}")).await.gone();
        }
    }
}

#[tokio::test]
async fn what_was_read_before_a_late_ack_stays_read() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    fill(&server, &ann, &numbers(1, 1)).await;
    let mut live = ann.live_by(Way::new(Over::SocketIo).silent()).await;
    let letters = ids(&live.hears("pending_notifications").await);
    ann.put("/v1/notifications/read", json!({})).await.ok();
    let read = ann.get("/v1/notifications").await.ok()[0].clone();
    assert_eq!(read["status"], "READ");
    live.asks("notification:ack", json!({ "ids": letters })).await;
    assert_eq!(ann.get("/v1/notifications").await.ok()[0], read, "with the same times");
    live.cut().await;
    let mut again = ann.live_by(Way::new(Over::SocketIo).silent()).await;
    again.hears_nothing().await;
}

#[tokio::test]
async fn on_ws_only_a_word_confirms() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    fill(&server, &ann, &numbers(1, 1)).await;
    let mut live = ann.live(Over::WebSocket).await;
    live.hears("pending_notifications").await;
    live.hears_nothing().await;
    assert_eq!(statuses(&ann).await["1"], "PENDING");
}
