//! A client that begins with polling goes on over a websocket, as standard clients do, while it is told
//! things: nothing is missed, nothing comes twice, the order holds (CONTRACT 3; decision 17).

use crate::support::{Herald, Live, Over, TestServer, Way};
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use std::cell::Cell;

const CLIENTS: usize = 40;
/// Notices that are told once everybody has switched.
const AFTERWARDS: usize = 30;
const LAST: &str = "the last one";

/// Tells everybody things: stored ones, live ones, and notifications that ask for an acknowledgement.
async fn tell(herald: Herald, to: &str, writer: usize, switched: &Cell<usize>) {
    let root = herald.operator();
    let made = root.post("/v1/departments", json!({ "name": format!("Writer {writer}") })).await.created();
    let path = format!("/v1/departments/{}", made.id());
    let mut left = AFTERWARDS;
    for n in 0.. {
        match n % 4 {
            0 => {
                let body = json!({ "message": format!("{writer} {n}"), "userIds": [to] });
                root.post("/v1/admin/notifications", body).await.expect(202);
            }
            1 => drop(root.put(&path, json!({ "description": n.to_string() })).await.ok()),
            _ => {
                let data = json!({ "writer": writer, "n": n });
                let body = json!({ "event": "tick", "data": data, "to": ["all"], "store": false });
                root.post("/v1/publish", body).await.expect(202);
            }
        }
        if switched.get() == CLIENTS {
            left -= 1;
        }
        if left == 0 {
            return;
        }
    }
}

/// What it heard, but for pages of the inbox and markers.
async fn hears_all(live: &mut Live) -> Vec<(String, Value)> {
    let mut heard = live.hears_all_until(|name, data| name == "tick" && data["n"] == LAST).await;
    heard.retain(|(name, _)| name != "pending_notifications");
    heard
}

#[tokio::test]
async fn forty_clients_switch_in_the_middle_of_a_stream_and_hear_everything_once_and_in_order() {
    let server = TestServer::start().await;
    let (herald, ann) = (*server, server.user("ann").await);
    let mut steady = ann.live(Over::Sse).await;
    let mut clients = Vec::new();
    for n in 0..CLIENTS {
        let way = Way::new(Over::Polling);
        let way = match n % 3 {
            0 => way,
            1 => way.acks(false),
            _ => way.silent(),
        };
        clients.push(ann.live_by(way).await);
    }

    let switched = Cell::new(0);
    let telling = async {
        join_all((0..3).map(|writer| tell(herald, &ann.id, writer, &switched))).await;
        let body = json!({ "event": "tick", "data": { "n": LAST }, "to": ["all"], "store": false });
        herald.operator().post("/v1/publish", body).await.expect(202);
    };
    let hearing = clients.iter_mut().enumerate().map(|(n, live)| {
        let switched = &switched;
        async move {
            // Each at another moment.
            let mut heard = Vec::new();
            for _ in 0..n {
                heard.push(live.hears_anything().await);
            }
            live.upgrades().await;
            switched.set(switched.get() + 1);
            heard.retain(|(name, _)| name != "pending_notifications");
            heard.extend(hears_all(live).await);
            heard
        }
    });
    let (_, (expected, all)) = join(telling, join(hears_all(&mut steady), join_all(hearing))).await;
    assert!(expected.len() > 3 * AFTERWARDS);
    for (client, heard) in all.into_iter().enumerate() {
        let differs = heard.iter().zip(&expected).position(|(heard, told)| heard != told);
        assert_eq!((differs, heard.len()), (None, expected.len()), "client {client}");
    }
}

#[tokio::test]
async fn what_is_asked_before_and_after_a_switch_is_answered_in_that_order() {
    let server = TestServer::start().await;
    let ann = server.user("ann").await;
    for _ in 0..20 {
        let mut live = ann.live(Over::Polling).await;
        for n in 0..20 {
            live.says("echo", json!(n)).await;
        }
        live.upgrades().await;
        let mut last = 0;
        for n in 0..20 {
            last = live.says(if n % 2 == 0 { "echo" } else { "join-user-room" }, json!(ann.id)).await;
        }
        let acked = live.acked_until(last).await;
        assert_eq!(acked, (1..=last).collect::<Vec<_>>());
    }
}
