//! The wires against a real port, with a gate and a broker of straw. What Herald as a whole does with
//! them is tested in `tests/`.

mod confirming;
mod plain;
mod socket_io;
mod stream;

use super::{
    Entrance, Limits, Steward,
    fake::{CloseAll, Count, Drain, FakeBroker, Kept, Tell},
    socketio, sse, websocket,
};
use crate::{
    broker::{Cause, Frame},
    ids::NotificationId,
    notice::{Cursor, Seq},
};
use actix::Addr;
use actix_http::ws::{Codec, Frame as WsFrame, Item, Message};
use actix_server::{Server, ServerHandle};
use actix_socketioxide::Mount;
use actix_web::{App, web};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_util::codec::Framed;

struct Port {
    address: SocketAddr,
    broker: Addr<FakeBroker>,
    kept: Kept,
    server: ServerHandle,
}

impl Port {
    fn open(limits: Limits) -> Self {
        let (entrance, broker, kept) = FakeBroker::entrance(limits);
        let (engine, _) = socketio::build(&entrance, &Steward::new(entrance.clone(), &broker));
        let mount = Mount::builder(engine).send_buffer(16 * 1024).build();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = move || {
            let entrance: Entrance = entrance.clone();
            let app = App::new()
                .app_data(web::Data::new(entrance))
                .configure(mount.routes())
                .configure(websocket::routes)
                .service(web::scope("/v1").configure(sse::routes));
            mount.tcp(app)
        };
        let server = Server::build().workers(1).disable_signals().listen("test", listener, app).expect("listens").run();
        let handle = server.handle();
        actix_rt::spawn(server);
        Self { address, broker, kept, server: handle }
    }

    /// Sends a request; answers with the stream and the head.
    async fn request(&self, head: &str) -> (TcpStream, String) {
        // Little room in the kernel, so that a client that does not read is soon seen not to.
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(16 * 1024).expect("is set");
        let mut stream = socket.connect(self.address).await.expect("connects");
        stream.write_all(format!("{head}\r\nHost: x\r\n\r\n").as_bytes()).await.expect("is sent");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.expect("an answer"));
        }
        (stream, String::from_utf8(answer).expect("text"))
    }

    async fn websocket(&self, path: &str, more: &str) -> Client {
        let (stream, head) = self
            .request(&format!(
                "GET {path} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}Pragma: no-cache"
            ))
            .await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        Client(Framed::new(stream, Codec::new().client_mode().max_size(1 << 20)))
    }

    async fn connections(&self) -> usize {
        self.broker.send(Count).await.expect("a broker").0
    }

    /// Waits until the broker knows so many.
    async fn has(&self, connections: usize) {
        let arrives = async {
            while self.connections().await != connections {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(5), arrives).await.expect("comes to be");
    }

    async fn tell(&self, frame: &Arc<Frame>) {
        self.broker.send(Tell(frame.clone(), 1)).await.expect("a broker");
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

struct Client(Framed<TcpStream, Codec>);

impl Client {
    async fn say(&mut self, message: Message) {
        self.0.send(message).await.expect("is sent");
    }

    async fn text(&mut self, text: impl Into<String>) {
        self.say(Message::Text(text.into().into())).await;
    }

    /// The next frame but pings; `None` at the end of the stream.
    async fn frame(&mut self) -> Option<WsFrame> {
        loop {
            match timeout(Duration::from_secs(5), self.0.next()).await.expect("in time")? {
                Ok(WsFrame::Ping(_)) => {}
                Ok(frame) => return Some(frame),
                Err(_) => return None,
            }
        }
    }

    async fn hear(&mut self) -> String {
        match self.frame().await {
            Some(WsFrame::Text(text)) => String::from_utf8(text.to_vec()).expect("text"),
            other => panic!("{other:?} instead of text"),
        }
    }

    async fn json(&mut self) -> Value {
        serde_json::from_str(&self.hear().await).expect("JSON")
    }

    async fn close_code(&mut self) -> u16 {
        loop {
            match self.frame().await {
                Some(WsFrame::Close(Some(reason))) => return reason.code.into(),
                Some(_) => {}
                None => panic!("no close"),
            }
        }
    }
}

const BEARER: &str = "Authorization: Bearer good\r\n";

/// Short frames without end, to a reader that keeps up: a count that is off by a byte each would make
/// it a slow one, or stop the way out, before the end.
async fn chatter(port: &Port, client: &mut Client, text: &str) {
    let frame = Frame::new("x", Some(Seq(1)), "{}");
    for _ in 0..100 {
        port.broker.send(Tell(frame.clone(), 1_000)).await.expect("a broker");
        for _ in 0..1_000 {
            let mut heard = client.hear().await;
            if heard == "2" {
                client.text("3").await;
                heard = client.hear().await;
            }
            assert_eq!(heard, text);
        }
        timeout(Duration::from_secs(5), port.broker.send(Drain)).await.expect("drains").expect("a broker");
    }
}

/// Something that waits in the inbox, with so many bytes, and what it confirms.
fn page(bytes: usize) -> (Arc<Frame>, NotificationId) {
    let id = NotificationId::generate();
    (Frame::pending(format!("{{\"x\":\"{}\"}}", "x".repeat(bytes)).into(), [id].into()), id)
}

/// More than any buffer holds, until the broker gives up on everybody who does not read. Slowly, so
/// that it is the reader who does not keep up, and not the worker.
async fn flood(port: &Port) {
    for seq in 1..=200 {
        let payload = format!("{{\"text\":\"{}\"}}", "x".repeat(50_000));
        port.tell(&Frame::new("x", Some(Seq(seq)), payload)).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(port.connections().await, 0, "nobody reads");
}
