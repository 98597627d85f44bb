//! `/ws`.

use super::*;

#[actix_web::test]
async fn somebody_comes_asks_and_goes() {
    let port = Port::open(Limits::default());
    let mut client = port.websocket("/ws?after=41&rooms=topic-a,b", BEARER).await;
    let ready = client.json().await;
    assert_eq!(ready["event"], "ready");
    assert_eq!(ready["data"]["rooms"], "topic-a,b");
    assert_eq!(ready["seq"], 7);
    for id in 1..=200 {
        client.text(json!({ "event": "join", "data": { "room": "topic-a" }, "id": id }).to_string()).await;
    }
    for id in 1..=200 {
        let answer = json!({ "ack": id, "data": { "ok": true, "room": "topic-a", "seq": id } });
        assert_eq!(client.json().await, answer, "in the order sent");
    }
    port.tell(&Frame::new("x", Some(Seq(9)), "{}")).await;
    assert_eq!(client.json().await, json!({ "event": "x", "data": {}, "seq": 9 }));
    assert_eq!(port.broker.send(Count).await.expect("a broker").1, [Cursor::At(Seq(41))]);
    client.say(Message::Close(None)).await;
    port.has(0).await;
}

#[actix_web::test]
async fn what_is_told_of_presence_follows_the_answer_to_who_asked_for_it() {
    let port = Port::open(Limits::default());
    let mut client = port.websocket("/ws", BEARER).await;
    client.json().await;
    for id in 0..100 {
        let user = crate::ids::UserId::generate();
        client.text(json!({ "event": "presence:subscribe", "data": [user], "id": id }).to_string()).await;
        let state = json!({ "userId": user, "online": false, "connections": 0 });
        assert_eq!(client.json().await, json!({ "ack": id, "data": { "ok": true, "presence": [state] } }));
        assert_eq!(client.json().await, json!({ "event": "presence", "data": {} }));
    }
    client.text(json!({ "event": "presence:unsubscribe", "id": 900 }).to_string()).await;
    assert_eq!(client.json().await, json!({ "ack": 900, "data": { "ok": true } }));
}

#[actix_web::test]
async fn what_is_wrong_is_said_and_the_connection_lives_on() {
    let port = Port::open(Limits::default());
    let mut client = port.websocket("/ws", BEARER).await;
    client.json().await;
    client.text("nonsense").await;
    assert_eq!(client.json().await["event"], "error");
    client.text(json!({ "event": "nonsense", "id": "a" }).to_string()).await;
    assert_eq!(client.json().await["data"]["code"], "invalid_request");
    client.text(json!({ "event": "nonsense" }).to_string()).await;
    client.text(json!({ "event": "join", "data": "admin", "id": 1 }).to_string()).await;
    assert_eq!(client.json().await["data"]["code"], "forbidden");
    client.text(json!({ "event": "authenticate", "data": { "token": "good" }, "id": 2 }).to_string()).await;
    assert_eq!(client.json().await, json!({ "ack": 2, "data": { "ok": true } }));
    for (id, token) in [(3, "admin"), (4, "expired")] {
        client.text(json!({ "event": "authenticate", "data": token, "id": id }).to_string()).await;
        assert_eq!(client.json().await["data"]["title"], if id == 3 { "Forbidden" } else { "Unauthorized" });
    }
}

#[actix_web::test]
async fn a_message_may_come_in_parts_but_not_grow_without_end() {
    let port = Port::open(Limits { message_max: 1000, ..Limits::default() });
    let mut client = port.websocket("/ws", BEARER).await;
    client.json().await;
    let text = json!({ "event": "join", "data": "topic-a", "id": 1 }).to_string();
    let (one, two) = text.split_at(9);
    client.say(Message::Continuation(Item::FirstText(Bytes::copy_from_slice(one.as_bytes())))).await;
    client.say(Message::Ping(Bytes::from_static(b"between"))).await;
    client.say(Message::Continuation(Item::Last(Bytes::copy_from_slice(two.as_bytes())))).await;
    assert_eq!(client.frame().await, Some(WsFrame::Pong(Bytes::from_static(b"between"))));
    assert_eq!(client.json().await["ack"], 1);
    client.say(Message::Continuation(Item::FirstText(Bytes::from(vec![b'x'; 900])))).await;
    client.say(Message::Continuation(Item::Last(Bytes::from(vec![b'x'; 900])))).await;
    assert_eq!(client.close_code().await, 1009);
    port.has(0).await;
}

#[actix_web::test]
async fn who_breaks_the_protocol_is_told_how() {
    let port = Port::open(Limits::default());
    let breaches = [
        (Message::Binary(Bytes::from_static(b"x")), 1003),
        (Message::Continuation(Item::FirstBinary(Bytes::from_static(b"x"))), 1003),
    ];
    for (breach, code) in breaches {
        let mut client = port.websocket("/ws", BEARER).await;
        client.say(breach).await;
        assert_eq!(client.close_code().await, code);
        assert_eq!(client.frame().await, None, "the stream ends");
    }
    // A header that declares a terabyte is enough.
    let mut client = port.websocket("/ws", BEARER).await;
    let header = [0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4];
    client.0.get_mut().write_all(&header).await.expect("is sent");
    assert_eq!(client.close_code().await, 1009);
    let mut client = port.websocket("/ws", BEARER).await;
    client.0.get_mut().write_all(&[0x81, 0x81, 0, 0, 0, 0, 0xff]).await.expect("is sent");
    assert_eq!(client.close_code().await, 1007);
    port.has(0).await;
}

#[actix_web::test]
async fn a_close_says_its_cause() {
    let port = Port::open(Limits::default());
    for (cause, code) in [(Cause::TokenExpired, 4001), (Cause::Revoked, 4003), (Cause::GoingAway, 1001)] {
        let mut client = port.websocket("/ws", BEARER).await;
        client.json().await;
        port.broker.send(CloseAll(cause)).await.expect("a broker");
        assert_eq!(client.close_code().await, code);
        client.say(Message::Close(None)).await;
        assert_eq!(client.frame().await, None, "the stream ends");
    }
}

#[actix_web::test]
async fn a_refusal_is_a_problem_before_the_upgrade() {
    let port = Port::open(Limits::default());
    let upgrade = "HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    for path in ["/ws", "/ws?ticket=bad", "/ws?token=good"] {
        let (_, head) = port.request(&format!("GET {path} {upgrade}")).await;
        assert!(head.starts_with("HTTP/1.1 401"), "{head}");
        assert!(head.contains("application/problem+json"), "{head}");
    }
    let (_, head) = port.request(&format!("GET /ws?ticket=ticket&acks=perhaps {upgrade}")).await;
    assert!(head.starts_with("HTTP/1.1 422"), "{head}");
    let (_, head) = port.request("GET /ws?ticket=ticket HTTP/1.1").await;
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    assert_eq!(port.connections().await, 0);
    port.websocket("/ws?ticket=ticket", "").await.json().await;
}

#[actix_web::test]
async fn a_reader_that_falls_behind_is_told_4008_if_it_reads_at_all() {
    let port = Port::open(Limits { queue_max: 256 * 1024, ..Limits::default() });
    let mut slow = port.websocket("/ws", BEARER).await;
    slow.json().await;
    flood(&port).await;
    let mut last = 0;
    let code = loop {
        match slow.frame().await.expect("a close") {
            WsFrame::Text(text) => {
                let heard: Value = serde_json::from_slice(&text).expect("JSON");
                let seq = heard["seq"].as_i64().expect("a seq");
                assert_eq!(seq, last + 1, "without a gap up to the end");
                last = seq;
            }
            WsFrame::Close(Some(reason)) => break u16::from(reason.code),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, 4008);
}

#[actix_web::test]
async fn a_reader_that_is_stuck_is_cut() {
    let port = Port::open(Limits { queue_max: 256 * 1024, ..Limits::default() });
    let mut stuck = port.websocket("/ws", BEARER).await;
    stuck.json().await;
    flood(&port).await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    while let Some(frame) = stuck.frame().await {
        assert!(!matches!(frame, WsFrame::Close(_)), "there was no way for it");
    }
}

#[actix_web::test]
async fn a_silent_client_is_taken_for_gone() {
    let limits = Limits {
        ping_interval: Duration::from_millis(50),
        silence_max: Duration::from_millis(200),
        ..Limits::default()
    };
    let port = Port::open(limits);
    let mut alive = port.websocket("/ws", BEARER).await;
    let silent = port.websocket("/ws", BEARER).await;
    port.has(2).await;
    let answers = async {
        while let Some(Ok(frame)) = alive.0.next().await {
            if let WsFrame::Ping(payload) = frame {
                alive.0.send(Message::Pong(payload)).await.expect("is sent");
            }
        }
    };
    tokio::select! {
        () = answers => panic!("the live one is kept"),
        () = async { port.has(1).await; tokio::time::sleep(Duration::from_millis(300)).await } => {}
    }
    assert_eq!(port.connections().await, 1);
    drop(silent);
}

#[actix_web::test]
async fn what_was_sent_and_what_has_left_are_counted_alike() {
    // No more than one round, so that nothing may remain on the books.
    let port = Port::open(Limits { queue_max: 96 * 1024, ..Limits::default() });
    let mut client = port.websocket("/ws", BEARER).await;
    client.json().await;
    chatter(&port, &mut client, r#"{"event":"x","data":{},"seq":1}"#).await;
    assert_eq!(port.connections().await, 1);
}
