//! Coming back (CONTRACT 3, Resume): nothing that one may see is missing, nothing comes twice, and a
//! cursor that leads nowhere is answered by `resync`.

use crate::{
    over_every_wire,
    support::{Over, TestServer, User, Way},
};
use futures_util::future::join;
use serde_json::{Value, json};

/// Changes it so many times; its version after that.
async fn changes(by: &User, id: &str, times: usize) -> i64 {
    let mut version = 0;
    for n in 0..times {
        let answer = by.describes(id, &format!("Change {n} {}", uuid::Uuid::new_v4())).await.ok();
        version = answer["version"].as_i64().expect("a version");
    }
    version
}

over_every_wire! {
    async fn three_disconnects_in_a_row_lose_nothing_and_tell_nothing_twice(over) {
        let server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        let id = ann.draft("1").await.id();
        let mut live = ann.live(over).await;
        let mut heard = Vec::new();
        for away in [3, 5, 1] {
            let last = changes(&ann, &id, 2).await;
            heard.extend(live.hears_versions(&id, last).await);
            live.cut().await;
            let last = changes(&ann, &id, away).await;
            live.resume().await;
            heard.extend(live.hears_versions(&id, last).await);
        }
        assert_eq!(heard, (2..=16).collect::<Vec<i64>>());
        live.hears_nothing().await;
    }

    async fn three_disconnects_before_anything_was_read_lose_nothing(over) {
        let server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        let id = ann.draft("1").await.id();
        let mut live = ann.live(over).await;
        for _ in 0..3 {
            changes(&ann, &id, 2).await;
            live.cut().await;
            changes(&ann, &id, 1).await;
            live.resume().await;
        }
        assert_eq!(live.hears_versions(&id, 10).await, (2..=10).collect::<Vec<i64>>());
        live.hears_nothing().await;
    }

    async fn a_cursor_ahead_of_the_server_is_answered_by_resync(over) {
        let server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        let newest = ann.draft("1").await.seq();
        let mut live = ann.live_by(Way::new(over).after(newest + 1)).await;
        assert_eq!((&live.ready["resync"], &live.ready["resumed"]), (&json!(true), &json!(false)));
        assert_eq!(live.ready["seq"], newest);
        let draft = ann.draft("2").await;
        live.hears_of("NEW_RECORD", &draft.id()).await;
        live.hears_nothing().await;
    }

    async fn a_cursor_that_is_none_is_answered_by_resync(over) {
        let server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        ann.draft("1").await;
        let mut junk = vec![json!("yesterday"), json!("-1"), json!("1.5"), json!("99999999999999999999"), json!("")];
        if over.is_socket_io() {
            junk.extend([json!(-1), json!(1.5), json!(true), json!([1]), json!({ "seq": 1 }), json!(1e30)]);
        }
        for cursor in junk {
            let mut live = ann.live_by(Way::new(over).after(cursor.clone())).await;
            let flags = (&live.ready["resync"], &live.ready["resumed"]);
            assert_eq!(flags, (&json!(true), &json!(false)), "{cursor}");
            live.hears_nothing().await;
        }
    }

    async fn a_cursor_may_be_a_number_or_its_text(over) {
        let server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        let cursor = ann.draft("1").await.seq();
        let second = ann.draft("2").await.id();
        for after in [json!(cursor), json!(cursor.to_string())] {
            let mut live = ann.live_by(Way::new(over).after(after)).await;
            assert_eq!((&live.ready["resumed"], &live.ready["seq"]), (&json!(true), &json!(cursor)));
            live.hears_of("NEW_RECORD", &second).await;
            live.hears_nothing().await;
        }
    }

    async fn the_cursor_zero_replays_everything_that_is_kept(over) {
        let server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        let (first, second) = (ann.draft("1").await.id(), ann.draft("2").await.id());
        let mut live = ann.live_by(Way::new(over).after(0)).await;
        assert_eq!((&live.ready["resumed"], &live.ready["seq"]), (&json!(true), &json!(0)));
        live.hears_of("NEW_RECORD", &first).await;
        live.hears_of("NEW_RECORD", &second).await;
        live.hears_nothing().await;
    }

    async fn a_cursor_that_is_newest_replays_nothing(over) {
        let server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        let newest = ann.draft("1").await.seq();
        let mut live = ann.live_by(Way::new(over).after(newest)).await;
        assert_eq!((&live.ready["resumed"], &live.ready["resync"]), (&json!(true), &json!(false)));
        live.hears_nothing().await;
    }

    async fn without_a_cursor_nothing_old_is_told(over) {
        let server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        ann.draft("Old").await;
        let mut live = ann.live(over).await;
        assert_eq!((&live.ready["resumed"], &live.ready["resync"]), (&json!(false), &json!(false)));
        live.hears_nothing().await;
    }

    async fn a_cursor_older_than_the_history_is_answered_by_resync(over) {
        let mut server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        let id = ann.draft("1").await.id();
        changes(&ann, &id, 9).await;
        server.forgets_all_but(3);
        server.restart().await;
        for cursor in [0, 6] {
            let newest = ann.get("/v1/events").await.ok().seq();
            let mut live = ann.live_by(Way::new(over).after(cursor)).await;
            assert_eq!((&live.ready["resync"], &live.ready["seq"]), (&json!(true), &json!(newest)), "after {cursor}");
            live.hears_nothing().await;
        }
        // 7 is gone but was seen; what follows is there.
        let mut live = ann.live_by(Way::new(over).after(7)).await;
        assert_eq!((&live.ready["resumed"], &live.ready["seq"]), (&json!(true), &json!(7)));
        assert_eq!(live.hears_versions(&id, 10).await, [8, 9, 10]);
    }

    async fn a_stopped_server_that_comes_back_loses_nothing(over) {
        let mut server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        let id = ann.draft("1").await.id();
        let mut live = ann.live(over).await;
        changes(&ann, &id, 1).await;
        live.hears_versions(&id, 2).await;
        changes(&ann, &id, 3).await;
        live.cut().await;
        server.restart().await;
        changes(&ann, &id, 2).await;
        live.resume().await;
        assert_eq!(live.hears_versions(&id, 7).await, (3..=7).collect::<Vec<i64>>());
        live.hears_nothing().await;
    }

    async fn who_lost_a_group_meanwhile_hears_only_that_it_is_gone(over) {
        let server = TestServer::start().await;
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let group = ann.group(&[&bob]).await;
        let draft = ann.draft_in(&group, "Shared").await.id();
        let mut live = bob.live(over).await;
        live.cut().await;
        ann.describes(&draft, "While Bob was away, but in").await.ok();
        ann.sends_away(&group, &bob).await;
        ann.describes(&draft, "While Bob was out").await.ok();
        ann.draft_in(&group, "Bob will never know").await;
        live.resume().await;
        live.hears_of("DELETED_RECORD", &group.id).await;
        live.hears_of("DELETED_RECORD", &draft).await;
        live.hears_nothing().await;
    }

    async fn who_lost_sight_of_an_event_meanwhile_hears_that_it_is_gone(over) {
        let server = TestServer::start().await;
        let (ann, bob, root) = (server.user("ann").await, server.user("bob").await, server.operator());
        let group = ann.group(&[&bob]).await;
        let (taken_out, handed_in, deleted) = (
            ann.draft_in(&group, "Taken out").await.id(),
            ann.draft_in(&group, "Handed in").await.id(),
            ann.draft_in(&group, "Deleted").await.id(),
        );
        let mut live = bob.live(over).await;
        live.cut().await;
        ann.put(format!("/v1/events/{taken_out}"), json!({ "groupIds": [] })).await.ok();
        ann.moves(&handed_in, "REVIEW").await.ok();
        ann.delete(format!("/v1/events/{deleted}")).await.gone();
        ann.sends_away(&group, &bob).await;
        root.moves(&handed_in, "PUBLISHED").await.ok();
        live.resume().await;
        for id in [&taken_out, &handed_in, &deleted] {
            live.hears_of("DELETED_RECORD", id).await;
        }
        live.hears_of("DELETED_RECORD", &group.id).await;
        live.hears_of("NEW_RECORD", &handed_in).await;
        live.hears_nothing().await;
    }

    async fn who_is_new_in_a_group_gets_what_its_kept_history_holds(over) {
        let server = TestServer::start().await;
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let group = ann.group(&[]).await;
        let mut live = bob.live(over).await;
        live.cut().await;
        let draft = ann.draft_in(&group, "1").await.id();
        ann.describes(&draft, "2").await.ok();
        ann.lets_in(&group, &bob).await;
        ann.describes(&draft, "3").await.ok();
        live.resume().await;
        // The room's history first, then the group and the draft as they were when Bob came.
        let heard = live.hears_until(&server.marker().await).await;
        let of_draft: Vec<i64> = heard
            .iter()
            .filter(|(name, data)| name != "DELETED_RECORD" && data["record"]["id"] == draft.as_str())
            .filter_map(|(_, data)| data["record"]["version"].as_i64())
            .collect();
        assert_eq!(of_draft, [1, 2, 2, 3], "{heard:?}");
        assert!(heard.iter().any(|(name, data)| name == "NEW_RECORD" && data["record"]["id"] == group.id.as_str()));
    }

    async fn who_lost_the_role_of_administrator_meanwhile_hears_no_more_reviews(over) {
        let server = TestServer::start().await;
        let (ann, root) = (server.stranger(&["USER"]), server.admin("root").await);
        // The last administrator keeps the role.
        server.admin("other").await;
        let mut live = root.live(over).await;
        live.cut().await;
        let id = ann.draft("For the admins").await.id();
        ann.moves(&id, "REVIEW").await.ok();
        server.operator().put(format!("/v1/admin/users/{}", root.id), json!({ "roles": ["USER"] })).await.ok();
        live.resume().await;
        // Written to him by name while he was one.
        live.is_notified("event.review_requested").await;
        live.hears_of("CHANGED_RECORD", &root.id).await;
        live.hears_nothing().await;
    }

    async fn what_was_fetched_is_followed_without_a_gap(over) {
        let server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        let id = ann.draft("1").await.id();
        let writing = changes(&ann, &id, 30);
        let following = async {
            let list = ann.get("/v1/events").await.ok();
            let seen = list[0]["version"].as_i64().expect("a version");
            let mut live = ann.live_by(Way::new(over).after(list.seq())).await;
            assert_eq!(live.ready["resumed"], true);
            let heard = if seen < 31 { live.hears_versions(&id, 31).await } else { Vec::new() };
            assert_eq!(heard, (seen + 1..=31).collect::<Vec<i64>>());
            live.hears_nothing().await;
        };
        join(writing, following).await;
    }

    async fn coming_back_while_a_stream_of_changes_runs_loses_nothing(over) {
        let server = TestServer::start().await;
        let ann = server.stranger(&["USER"]);
        let id = ann.draft("1").await.id();
        let mut live = ann.live(over).await;
        let writing = changes(&ann, &id, 120);
        let following = async {
            let mut heard = Vec::new();
            for upto in [10, 40, 70] {
                heard.extend(live.hears_versions(&id, upto).await);
                live.cut().await;
                live.resume().await;
            }
            heard.extend(live.hears_versions(&id, 121).await);
            assert_eq!(heard, (2..=121).collect::<Vec<i64>>());
            live.hears_nothing().await;
        };
        join(writing, following).await;
    }

    async fn a_replay_may_be_longer_than_a_connections_queue(over) {
        // The least that can be set; the replay is four times as long.
        let server = TestServer::with(|config| config.limits.queue = 256 * 1024).await;
        let ann = server.stranger(&["USER"]);
        let long = "x".repeat(15_000);
        let mut ids = Vec::new();
        for n in 0..70 {
            ids.push(ann.draft_with(&n.to_string(), json!({ "descriptionLong": long })).await.id());
        }
        let mut live = ann.live_by(Way::new(over).after(0)).await;
        for id in &ids {
            live.hears_of("NEW_RECORD", id).await;
        }
        live.hears_nothing().await;
    }
}

#[tokio::test]
async fn one_may_come_back_over_another_wire() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let id = ann.draft("1").await.id();
    let mut cursor = Value::Null;
    let mut heard = Vec::new();
    for over in [Over::Sse, Over::SocketIo, Over::WebSocket, Over::Polling, Over::Sse] {
        let mut live = match &cursor {
            Value::Null => ann.live(over).await,
            cursor => ann.live_by(Way::new(over).after(cursor.clone())).await,
        };
        let last = changes(&ann, &id, 2).await;
        heard.extend(live.hears_versions(&id, last).await);
        cursor = json!(live.cursor());
        changes(&ann, &id, 1).await;
    }
    assert_eq!(heard, (2..=15).collect::<Vec<i64>>());
}

#[tokio::test]
async fn an_event_source_resumes_by_its_last_event_id() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let cursor = ann.draft("1").await.seq();
    let second = ann.draft("2").await.id();
    let by_header = |id: String| Way { last_event_id: Some(id), ..Way::new(Over::Sse) };
    let mut live = ann.live_by(by_header(cursor.to_string())).await;
    assert_eq!((&live.ready["resumed"], &live.ready["seq"]), (&json!(true), &json!(cursor)));
    live.hears_of("NEW_RECORD", &second).await;
    live.hears_nothing().await;
    // A browser that reconnects says both: the header is the newer of the two.
    let mut live = ann.live_by(by_header(cursor.to_string()).after(0)).await;
    assert_eq!(live.ready["seq"], cursor);
    live.hears_of("NEW_RECORD", &second).await;
    let live = ann.live_by(by_header("junk".into())).await;
    assert_eq!(live.ready["resync"], true);
}

#[tokio::test]
async fn rooms_named_in_the_handshake_are_joined_before_the_replay() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let group = ann.group(&[&bob]).await;
    let draft = ann.draft_in(&group, "Shared").await;
    // Automatic rooms may be named as well: they are neither refused nor heard twice.
    for over in Over::ALL {
        let way = Way::new(over).after(draft.seq() - 1).rooms(&[group.room(), bob.room(), "all".to_owned()]);
        let mut live = bob.live_by(way).await;
        assert_eq!(live.ready["refusedRooms"], json!([]), "{over:?}");
        live.hears_of("NEW_RECORD", &draft.id()).await;
        live.hears_nothing().await;
    }
}

#[tokio::test]
async fn an_own_change_that_was_left_out_is_replayed() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let id = ann.draft("1").await.id();
    for over in Over::ALL {
        let mut live = ann.live(over).await;
        let changed = ann.describes(&id, over_name(over)).from(&live).await.ok();
        live.hears_nothing().await;
        live.cut().await;
        // The marker moved the cursor past the change; one that did not hear it starts before it.
        let ready = live.resume_after(changed.seq() - 1).await;
        assert_eq!(ready["resumed"], true);
        assert_eq!(live.hears_of("CHANGED_RECORD", &id).await, changed.body);
    }
}

fn over_name(over: Over) -> &'static str {
    match over {
        Over::SocketIo => "Socket.IO",
        Over::Polling => "polling",
        Over::WebSocket => "websocket",
        Over::Sse => "SSE",
    }
}

#[tokio::test]
async fn many_who_come_back_from_before_what_is_in_memory_read_it_together() {
    const SMALL: i64 = 600;
    const CLIENTS: i64 = 60;
    let server = TestServer::start().await;
    let (back_end, root) = (server.back_end().await, server.operator());
    let ann = server.stranger(&["USER"]);
    let first = ann.draft("Before all").await.seq() + 1;
    for from in (0..SMALL).step_by(100) {
        let entry = |n| json!({ "event": "n", "data": { "n": n }, "to": ["all"] });
        let batch: Vec<Value> = (from..from + 100).map(entry).collect();
        back_end.post("/v1/publish/batch", json!(batch)).await.expect(202);
    }
    // More than is kept in memory, for nobody who is here.
    let large = "x".repeat(240_000);
    for _ in 0..40 {
        back_end.publishes("large", json!({ "text": large }), &["topic-empty"]).await.published();
    }
    let read = async || root.get("/v1/admin/stats").await.ok()["connections"]["pagesRead"].as_i64().expect("a number");
    let before = read().await;
    let lives = (0..CLIENTS).map(async |client| {
        let over = Over::ALL[client as usize % Over::ALL.len()];
        let mut live = ann.live_by(Way::new(over).after(first - 1 + client * 5)).await;
        for n in client * 5..SMALL {
            assert_eq!(live.hears("n").await["n"], n);
        }
        live
    });
    let mut lives = futures_util::future::join_all(lives).await;
    let pages = read().await - before;
    assert!(pages < CLIENTS, "{pages} pages for {CLIENTS} clients");
    for live in &mut lives {
        live.hears_nothing().await;
    }
}
