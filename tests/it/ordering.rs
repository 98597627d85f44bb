//! One order for everybody (CONTRACT 3, Guarantees), whoever writes and whichever wire one follows.

use crate::support::{A_DAY, TestServer};
use serde_json::json;

#[tokio::test]
async fn many_writers_at_once_are_heard_in_one_order_on_every_wire() {
    let server = TestServer::start().await;
    let (ann, root) = (server.stranger(&["USER"]), server.operator());
    let mut everywhere = ann.everywhere().await;
    let writing = (0..8).map(async |writer| {
        let made = root.post("/v1/departments", json!({ "name": format!("Writer {writer}") })).await.created();
        let mut seqs = vec![made.seq()];
        for n in 0..20 {
            let path = format!("/v1/departments/{}", made.id());
            seqs.push(root.put(path, json!({ "description": n.to_string() })).await.ok().seq());
        }
        seqs
    });
    let mut expected: Vec<i64> = futures_util::future::join_all(writing).await.into_iter().flatten().collect();
    expected.sort_unstable();
    let marker = server.marker().await;
    for live in &mut everywhere.0 {
        let heard = live.hears_until(&marker).await;
        let seqs: Vec<i64> = heard.iter().filter_map(|(_, data)| data["seq"].as_i64()).collect();
        assert_eq!(seqs, expected, "{:?}", live.over());
    }
}

#[tokio::test]
async fn the_answer_to_a_write_and_what_is_heard_of_it_say_the_same_place() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let mut everywhere = ann.everywhere().await;
    for n in 0..20 {
        let body = json!({ "description": n.to_string(), "start": A_DAY.0, "end": A_DAY.1 });
        let made = ann.post("/v1/events", body).await.created();
        let notice = everywhere.hears("NEW_RECORD").await;
        assert_eq!((notice["seq"].as_i64(), &notice["record"]), (Some(made.seq()), &made.body));
    }
}
