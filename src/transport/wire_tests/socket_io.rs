//! Socket.IO.

use super::*;

pub(super) async fn connect(port: &Port, packet: &str, more: &str) -> Client {
    let mut client = port.websocket("/socket.io/?EIO=4&transport=websocket", more).await;
    assert!(client.hear().await.starts_with('0'), "the engine opens");
    client.text(packet).await;
    client
}

/// The next packet but pings.
pub(super) async fn packet(client: &mut Client) -> String {
    loop {
        let text = client.hear().await;
        if text != "2" {
            return text;
        }
        client.text("3").await;
    }
}

#[actix_web::test]
async fn somebody_comes_asks_in_order_and_goes() {
    let port = Port::open(Limits::default());
    let mut client = connect(&port, r#"40{"token":"good","after":"41","rooms":["topic-a","b"]}"#, "").await;
    // Sent before CONNECT is answered: must wait for its turn all the same.
    let sid: Value = serde_json::from_str(&packet(&mut client).await[2..]).expect("JSON");
    for id in 0..200 {
        client.text(format!(r#"42{id}["join",{{"room":"topic-a"}}]"#)).await;
    }
    let ready = packet(&mut client).await;
    assert_eq!(ready, format!(r#"42["ready",{{"id":{},"seq":7,"rooms":"topic-a,b"}}]"#, sid["sid"]));
    for id in 0..200 {
        let answer = format!(r#"43{id}[{{"ok":true,"room":"topic-a","seq":{}}}]"#, id + 1);
        assert_eq!(packet(&mut client).await, answer, "in the order sent");
    }
    client.text(r#"42900["nonsense"]"#).await;
    assert!(packet(&mut client).await.contains("invalid_request"));
    client.text(r#"42["nonsense"]"#).await;
    port.tell(&Frame::new("x", Some(Seq(9)), "{\"seq\": 9}")).await;
    assert_eq!(packet(&mut client).await, r#"42["x",{"seq": 9}]"#, "as it stands");
    assert_eq!(port.broker.send(Count).await.expect("a broker").1, [Cursor::At(Seq(41))]);
    drop(client);
    port.has(0).await;
}

#[actix_web::test]
async fn what_is_told_of_presence_follows_the_answer_to_who_asked_for_it() {
    let port = Port::open(Limits::default());
    let mut client = connect(&port, r#"40{"token":"good"}"#, "").await;
    packet(&mut client).await;
    packet(&mut client).await;
    for id in 0..100 {
        let user = crate::ids::UserId::generate();
        client.text(format!(r#"42{id}["presence:subscribe",{{"userIds":["{user}"]}}]"#)).await;
        let state = json!({ "userId": user, "online": false, "connections": 0 });
        let answer = packet(&mut client).await;
        let answered: Value =
            serde_json::from_str(answer.strip_prefix(&format!("43{id}")).expect("the answer")).expect("JSON");
        assert_eq!(answered, json!([{ "ok": true, "presence": [state] }]));
        assert_eq!(packet(&mut client).await, r#"42["presence",{}]"#);
    }
    client.text(r#"42900["presence:unsubscribe"]"#).await;
    assert_eq!(packet(&mut client).await, r#"43900[{"ok":true}]"#);
}

#[actix_web::test]
async fn a_refusal_is_a_connect_error_with_its_code() {
    let port = Port::open(Limits::default());
    for (packet_out, more, message) in [
        ("40", "", "unauthorized"),
        (r#"40{"token":"bad"}"#, "", "unauthorized"),
        (r#"40{"token":"expired"}"#, "", "token_expired"),
        (r#"40{"token":"bad"}"#, BEARER, "unauthorized"),
        (r#"40{"token":"good","rooms":"x"}"#, "", "invalid_request"),
        (r#"40/admin,{"token":"good"}"#, "", "forbidden"),
        (r#"40/admin,"#, "", "unauthorized"),
    ] {
        let mut client = connect(&port, packet_out, more).await;
        let answer = packet(&mut client).await;
        assert!(answer.starts_with("44") && answer.ends_with(&format!(r#"{{"message":"{message}"}}"#)), "{answer}");
    }
    for (packet_out, more) in [("40", BEARER), (r#"40{"token":"good"}"#, BEARER), (r#"40/admin,{"token":"admin"}"#, "")]
    {
        let mut client = connect(&port, packet_out, more).await;
        let answer = packet(&mut client).await;
        assert!(answer.starts_with("40"), "{answer}");
    }
}

#[actix_web::test]
async fn a_close_ends_the_transport_so_that_clients_come_back() {
    let port = Port::open(Limits::default());
    for cause in [Cause::TokenExpired, Cause::SlowConsumer, Cause::GoingAway, Cause::Disconnected] {
        let mut client = connect(&port, r#"40{"token":"good"}"#, "").await;
        for _ in 0..2 {
            packet(&mut client).await;
        }
        port.broker.send(CloseAll(cause)).await.expect("a broker");
        let mut said = Vec::new();
        while let Some(frame) = client.frame().await {
            said.push(frame);
        }
        let told = said.contains(&WsFrame::Text(Bytes::from_static(b"41")));
        assert_eq!(told, cause == Cause::Disconnected, "{cause:?}: {said:?}");
    }
}

#[actix_web::test]
async fn a_stuck_reader_is_cut_at_the_bound() {
    let port = Port::open(Limits { queue_max: 256 * 1024, ..Limits::default() });
    let mut stuck = connect(&port, r#"40{"token":"good"}"#, "").await;
    for _ in 0..2 {
        packet(&mut stuck).await;
    }
    flood(&port).await;
    let mut last = 0;
    while let Some(WsFrame::Text(text)) = stuck.frame().await {
        if text.starts_with(b"42") {
            last += 1;
        }
    }
    assert!(last < 200, "most of it never left");
}

#[actix_web::test]
async fn who_leaves_the_namespace_leaves_the_broker_and_the_transport() {
    let port = Port::open(Limits::default());
    let mut client = connect(&port, r#"40{"token":"good"}"#, "").await;
    for _ in 0..2 {
        packet(&mut client).await;
    }
    // In one write: the transport may be gone before a second one.
    for packet in ["41", r#"40{"token":"good"}"#] {
        client.0.feed(Message::Text(packet.into())).await.expect("is taken");
    }
    client.0.flush().await.expect("is sent");
    while client.frame().await.is_some() {}
    port.has(0).await;
}

#[actix_web::test]
async fn polling_hears_and_asks_the_same() {
    let port = Port::open(Limits::default());
    let post = async |query: &str, body: &str| {
        let head =
            format!("POST /socket.io/?EIO=4&transport=polling{query} HTTP/1.1\r\nContent-Length: {}", body.len());
        let mut stream = TcpStream::connect(port.address).await.expect("connects");
        let text = format!("{head}\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n{body}");
        stream.write_all(text.as_bytes()).await.expect("is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("text");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    };
    let get = async |query: &str| {
        let (mut stream, _) = port
            .request(&format!("GET /socket.io/?EIO=4&transport=polling{query} HTTP/1.1\r\nConnection: close"))
            .await;
        let mut answer = String::new();
        timeout(Duration::from_secs(5), stream.read_to_string(&mut answer)).await.expect("in time").expect("text");
        answer
    };
    let open: Value = serde_json::from_str(&get("").await[1..]).expect("JSON");
    let sid = format!("&sid={}", open["sid"].as_str().expect("a sid"));
    post(&sid, r#"40{"token":"good"}"#).await;
    let asks: Vec<String> = (0..100).map(|id| format!(r#"42{id}["join","topic-a"]"#)).collect();
    post(&sid, &asks.join("\u{1e}")).await;
    let mut packets = Vec::new();
    while packets.len() < 102 {
        packets.extend(
            get(&sid).await.split('\u{1e}').filter(|packet| *packet != "2").map(str::to_owned).collect::<Vec<_>>(),
        );
    }
    assert!(packets[0].starts_with("40") && packets[1].starts_with("42[\"ready\""), "{packets:?}");
    for (id, packet) in packets[2..].iter().enumerate() {
        assert!(packet.starts_with(&format!("43{id}[")), "in the order sent: {packet}");
    }
}

#[actix_web::test]
async fn what_was_sent_and_what_has_left_are_counted_alike() {
    // No more than one round, so that nothing may remain on the books.
    let port = Port::open(Limits { queue_max: 96 * 1024, ..Limits::default() });
    let mut client = connect(&port, r#"40{"token":"good"}"#, "").await;
    for _ in 0..2 {
        packet(&mut client).await;
    }
    chatter(&port, &mut client, r#"42["x",{}]"#).await;
    assert_eq!(port.connections().await, 1);
}
