//! What a client has of its inbox: by its word, or by the bytes that left.

use super::{socket_io::*, *};

/// More than the system holds for a reader that does not read.
const HEAVY: usize = 50_000;
const MANY: usize = 40;

#[actix_web::test]
async fn an_answer_of_any_kind_confirms_and_silence_does_not() {
    let port = Port::open(Limits::default());
    let mut client = connect(&port, r#"40{"token":"good"}"#, "").await;
    for _ in 0..2 {
        packet(&mut client).await;
    }
    let mut ids = Vec::new();
    for (number, answer) in ["[]", r#"["ok"]"#, r#"[{"a":1},2]"#].iter().enumerate() {
        let (frame, id) = page(1);
        port.tell(&frame).await;
        let asked = format!(r#"42{}["pending_notifications",{{"x":"x"}}]"#, number + 1);
        assert_eq!(packet(&mut client).await, asked);
        assert_eq!(port.kept.ids(), ids);
        client.text(format!("43{}{answer}", number + 1)).await;
        ids.push(id);
        port.kept.holds(&ids).await;
    }
    // One that nobody asked for, the same once more, and an ordinary event, which does not ask.
    client.text("4399[]").await;
    client.text("431[]").await;
    port.tell(&Frame::new("x", None, "{}")).await;
    assert_eq!(packet(&mut client).await, r#"42["x",{}]"#);
    client.text(r#"42900["nonsense"]"#).await;
    packet(&mut client).await;
    assert_eq!(port.kept.ids(), ids);
}

#[actix_web::test]
async fn one_who_never_answers_is_no_longer_asked() {
    let port = Port::open(Limits::default());
    let mut client = connect(&port, r#"40{"token":"good"}"#, "").await;
    for _ in 0..2 {
        packet(&mut client).await;
    }
    let (frame, id) = page(1);
    port.broker.send(Tell(frame.clone(), 300)).await.expect("a broker");
    let mut asked = 0;
    for _ in 0..300 {
        asked += usize::from(!packet(&mut client).await.starts_with("42["));
    }
    assert_eq!(asked, 256);
    client.text("431[]").await;
    port.kept.holds(&[id]).await;
}

#[actix_web::test]
async fn what_asks_is_counted_as_it_leaves() {
    // No more than one round, so that nothing may remain on the books.
    let port = Port::open(Limits { queue_max: 96 * 1024, ..Limits::default() });
    let mut client = connect(&port, r#"40{"token":"good"}"#, "").await;
    for _ in 0..2 {
        packet(&mut client).await;
    }
    let (frame, _) = page(1);
    for round in 0..100 {
        port.broker.send(Tell(frame.clone(), 200)).await.expect("a broker");
        for number in 1..=200 {
            let id = round * 200 + number;
            let asked = format!(r#"42{id}["pending_notifications",{{"x":"x"}}]"#);
            assert_eq!(packet(&mut client).await, asked);
            client.text(format!("43{id}[]")).await;
        }
        timeout(Duration::from_secs(5), port.broker.send(Drain)).await.expect("drains").expect("a broker");
        // Answered, so that all may be asked again.
        let answered = async {
            while port.kept.ids().len() < (round + 1) * 200 {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(5), answered).await.expect("is confirmed");
    }
    assert_eq!(port.connections().await, 1);
}

/// Tells heavy pages to one who does not read, then lets it read.
async fn stuck<R: Future<Output = ()>>(port: &Port, read_all: impl FnOnce() -> R) {
    let pages: Vec<_> = (0..MANY).map(|_| page(HEAVY)).collect();
    for (frame, _) in &pages {
        port.tell(frame).await;
    }
    let ids: Vec<NotificationId> = pages.iter().map(|(_, id)| *id).collect();
    // Time for more than should be confirmed.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = port.kept.ids();
    assert!(before.len() < MANY && ids.starts_with(&before), "{} were confirmed", before.len());
    let confirmed = async {
        port.kept.holds(&ids).await;
    };
    tokio::join!(read_all(), confirmed);
}

fn roomy() -> Limits {
    Limits { queue_max: 64 << 20, ..Limits::default() }
}

#[actix_web::test]
async fn on_ws_bytes_confirm_once_the_system_has_them() {
    let port = Port::open(roomy());
    let mut client = port.websocket("/ws?acks=false", BEARER).await;
    client.json().await;
    stuck(&port, async || {
        for _ in 0..MANY {
            client.hear().await;
        }
    })
    .await;
}

#[actix_web::test]
async fn on_ws_with_acks_bytes_confirm_nothing_but_a_word_does() {
    let port = Port::open(roomy());
    let mut client = port.websocket("/ws", BEARER).await;
    client.json().await;
    let (frame, id) = page(1);
    port.tell(&frame).await;
    assert_eq!(client.json().await["event"], "pending_notifications");
    client.text(json!({ "event": "notification:ack", "data": { "ids": [id, id] }, "id": 1 }).to_string()).await;
    assert_eq!(client.json().await, json!({ "ack": 1, "data": { "ok": true } }));
    assert_eq!(port.kept.ids(), [id, id]);
}

#[actix_web::test]
async fn on_sse_bytes_confirm_once_the_system_has_them() {
    let port = Port::open(roomy());
    let (mut stream, _) = port.request(&format!("GET /v1/stream HTTP/1.1\r\n{BEARER}X: y")).await;
    port.has(1).await;
    stuck(&port, async || {
        let mut left = MANY * HEAVY;
        let mut buffer = vec![0; 64 * 1024];
        while left > 0 {
            left = left.saturating_sub(stream.read(&mut buffer).await.expect("more"));
        }
    })
    .await;
}

#[actix_web::test]
async fn on_sse_with_acks_bytes_confirm_nothing() {
    let port = Port::open(roomy());
    let (mut stream, _) = port.request(&format!("GET /v1/stream?acks=true HTTP/1.1\r\n{BEARER}X: y")).await;
    port.has(1).await;
    port.tell(&page(1).0).await;
    port.tell(&Frame::new("end", None, "{}")).await;
    let mut text = String::new();
    while !text.contains("event: end") {
        text.push(char::from(stream.read_u8().await.expect("more")));
    }
    assert_eq!(port.kept.ids(), []);
}

#[actix_web::test]
async fn on_socket_io_bytes_confirm_once_the_system_has_them() {
    let port = Port::open(roomy());
    let mut client = connect(&port, r#"40{"token":"good","acks":false}"#, "").await;
    for _ in 0..2 {
        packet(&mut client).await;
    }
    stuck(&port, async || {
        for _ in 0..MANY {
            assert!(packet(&mut client).await.starts_with("42["), "it does not ask");
        }
    })
    .await;
}
