//! A client of Socket.IO 5 over Engine.IO 4, as far as the tests go. That the real clients understand
//! the server is shown by `tests/js`; this one is for being cut, stalled and bent.

use super::{
    http::Request,
    plain::{Socket, text, upgrade},
    wire::{End, Over, Refusal, Said, Way},
};
use futures_util::SinkExt as _;
use serde_json::Value;
use std::{collections::VecDeque, net::SocketAddr};
use tokio_tungstenite::tungstenite::Message;

pub struct SocketIo {
    to: SocketAddr,
    carrier: Carrier,
    /// `/admin,` or nothing.
    prefix: String,
    /// Packets of a poll that were not looked at yet.
    packets: VecDeque<String>,
    headers: Vec<(String, String)>,
    answers: bool,
}

enum Carrier {
    Polling { sid: String },
    WebSocket(Box<Socket>),
}

const PATH: &str = "/socket.io/?EIO=4&transport=";

impl SocketIo {
    pub async fn open(to: SocketAddr, way: &Way) -> Result<Self, Refusal> {
        let mut client = Self::engine(to, way).await?;
        client.enter(way).await?;
        Ok(client)
    }

    /// The Engine.IO session alone.
    pub async fn engine(to: SocketAddr, way: &Way) -> Result<Self, Refusal> {
        let prefix = if way.namespace == "/" { String::new() } else { format!("{},", way.namespace) };
        let headers = way.headers();
        if way.over == Over::Polling {
            let mut request = Request::new("GET", format!("{PATH}polling"));
            request.headers.extend(headers.clone());
            let (head, body) = request.send(to).await.expect("an answer");
            if head.status != 200 {
                return Err(Refusal::http(&head, &body));
            }
            let mut packets: VecDeque<String> = body.split('\u{1e}').map(str::to_owned).collect();
            let open = packets.pop_front().expect("a packet");
            let sid = sid_of(&open);
            return Ok(Self { to, carrier: Carrier::Polling { sid }, prefix, packets, headers, answers: way.answers });
        }
        let mut socket = upgrade(to, &format!("{PATH}websocket"), way).await?;
        let open = text(&mut socket).await.expect("the open packet");
        sid_of(&open);
        Ok(Self {
            to,
            carrier: Carrier::WebSocket(Box::new(socket)),
            prefix,
            packets: VecDeque::new(),
            headers,
            answers: way.answers,
        })
    }

    /// What follows is said in this namespace.
    pub fn into_namespace(self, namespace: &str) -> Self {
        let prefix = if namespace == "/" { String::new() } else { format!("{namespace},") };
        Self { prefix, ..self }
    }

    /// CONNECT, and its answer.
    pub async fn enter(&mut self, way: &Way) -> Result<(), Refusal> {
        let connect = format!("40{}{}", self.prefix, way.auth());
        self.packet_out(connect).await.map_err(|end| Refusal { status: None, message: end.how, data: Value::Null })?;
        loop {
            let packet = match self.packet_in().await {
                Ok(packet) => packet,
                Err(end) => return Err(Refusal { status: None, message: end.how, data: Value::Null }),
            };
            let Some(rest) = packet.strip_prefix('4') else { continue };
            let (kind, rest) = rest.split_at(1);
            let body = rest.strip_prefix(&self.prefix).unwrap_or(rest);
            match kind {
                "0" => return Ok(()),
                "4" => {
                    let error: Value = serde_json::from_str(body).expect("a connect_error");
                    let message = error["message"].as_str().unwrap_or_default().to_owned();
                    return Err(Refusal { status: None, message, data: error["data"].clone() });
                }
                _ => panic!("before CONNECT was answered: {packet}"),
            }
        }
    }

    pub async fn next(&mut self) -> Said {
        let packet = match self.packet_in().await {
            Ok(packet) => packet,
            Err(end) => return Said::Ended(end),
        };
        let Some(rest) = packet.strip_prefix('4') else { panic!("an unknown packet: {packet}") };
        let (kind, rest) = rest.split_at(1);
        let rest = rest.strip_prefix(&self.prefix).unwrap_or(rest);
        let (id, body) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        match kind {
            "1" => Said::Ended(End::new(None, "disconnected")),
            "2" => {
                let mut said: Vec<Value> = serde_json::from_str(body).unwrap_or_else(|_| panic!("{packet}"));
                let name = said.remove(0).as_str().expect("an event's name").to_owned();
                if !id.is_empty() && self.answers {
                    self.packet_out(format!("43{}{id}[]", self.prefix)).await.ok();
                }
                let data = if said.is_empty() { Value::Null } else { said.remove(0) };
                Said::Event { name, data }
            }
            "3" => {
                let mut said: Vec<Value> = serde_json::from_str(body).unwrap_or_else(|_| panic!("{packet}"));
                let data = if said.is_empty() { Value::Null } else { said.remove(0) };
                Said::Ack { id: id.parse().expect("the id of an ack"), data }
            }
            _ => panic!("an unexpected packet: {packet}"),
        }
    }

    pub async fn say(&mut self, event: &str, data: &Value, id: u64) {
        let packet = format!("42{}{id}{}", self.prefix, serde_json::json!([event, data]));
        self.packet_out(packet).await.expect("a packet is sent");
    }

    /// A websocket just goes. A poll is begun and broken off, as when the network goes under it.
    pub async fn cut(self) {
        if let Carrier::Polling { sid } = &self.carrier {
            use tokio::io::AsyncWriteExt as _;
            let request = format!("GET {PATH}polling&sid={sid} HTTP/1.1\r\nHost: {}\r\n\r\n", self.to);
            // The server may be gone already.
            if let Ok(mut stream) = tokio::net::TcpStream::connect(self.to).await {
                stream.write_all(request.as_bytes()).await.ok();
            }
        }
    }

    /// Says goodbye, as `socket.disconnect()` does.
    pub async fn leave(mut self) {
        let packet = format!("41{}", self.prefix);
        self.packet_out(packet).await.ok();
    }

    /// From polling to websocket, as the standard clients do it.
    pub async fn upgrade(&mut self) {
        let Carrier::Polling { sid } = &self.carrier else { panic!("a websocket already") };
        let way = Way::new(Over::SocketIo);
        let mut socket = upgrade(self.to, &format!("{PATH}websocket&sid={sid}"), &way).await.expect("an upgrade");
        socket.send(Message::text("2probe")).await.expect("a probe");
        let poll = Request::new("GET", format!("{PATH}polling&sid={sid}"));
        // The server ends the poll that waits with a noop, so that nothing is on two roads.
        let (pong, polled) = tokio::join!(text(&mut socket), poll.send(self.to));
        assert_eq!(pong.expect("an answer to the probe"), "3probe");
        let (_, body) = polled.expect("the last poll");
        self.packets.extend(body.split('\u{1e}').map(str::to_owned));
        socket.send(Message::text("5")).await.expect("the upgrade packet");
        self.carrier = Carrier::WebSocket(Box::new(socket));
    }

    /// The next packet that is none of the engine's own affairs.
    async fn packet_in(&mut self) -> Result<String, End> {
        loop {
            let packet = match (self.packets.pop_front(), &mut self.carrier) {
                (Some(packet), _) => packet,
                (None, Carrier::WebSocket(socket)) => text(socket).await?,
                (None, Carrier::Polling { sid }) => {
                    let mut request = Request::new("GET", format!("{PATH}polling&sid={sid}"));
                    request.headers.extend(self.headers.clone());
                    let (head, body) = request.send(self.to).await.map_err(|e| End::new(None, e.to_string()))?;
                    if head.status != 200 {
                        return Err(End::new(None, format!("{} {body}", head.status)));
                    }
                    self.packets.extend(body.split('\u{1e}').map(str::to_owned));
                    continue;
                }
            };
            match packet.as_bytes().first() {
                Some(b'2') => self.packet_out("3".into()).await?,
                Some(b'1') => return Err(End::new(None, "the engine closed")),
                Some(b'6') => {}
                _ => return Ok(packet),
            }
        }
    }

    async fn packet_out(&mut self, packet: String) -> Result<(), End> {
        match &mut self.carrier {
            Carrier::WebSocket(socket) => {
                socket.send(Message::text(packet)).await.map_err(|error| End::new(None, error.to_string()))
            }
            Carrier::Polling { sid } => {
                let mut request =
                    Request::new("POST", format!("{PATH}polling&sid={sid}")).raw("text/plain;charset=UTF-8", packet);
                request.headers.extend(self.headers.clone());
                let answer = request.send(self.to).await.map_err(|error| End::new(None, error.to_string()))?;
                if answer.0.status == 200 { Ok(()) } else { Err(End::new(None, answer.1)) }
            }
        }
    }
}

fn sid_of(open: &str) -> String {
    let body = open.strip_prefix('0').unwrap_or_else(|| panic!("no open packet: {open}"));
    let open: Value = serde_json::from_str(body).expect("the open packet");
    open["sid"].as_str().expect("a sid").to_owned()
}
