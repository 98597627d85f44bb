//! What the three wires have in common for a test: a way in, something said, an end.

use super::{http::Head, plain::Plain, socketio::SocketIo, sse::Sse};
use serde_json::{Value, json};
use std::{io, net::SocketAddr};
use tokio::net::{TcpSocket, TcpStream};

/// Which wire; Socket.IO counts twice, since polling is quite another road through the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Socket.IO over websocket from the start.
    SocketIo,
    /// Socket.IO over long polling.
    Polling,
    /// `/ws`.
    WebSocket,
    /// `/v1/stream`.
    Sse,
}

impl Over {
    pub const ALL: [Self; 4] = [Self::SocketIo, Self::Polling, Self::WebSocket, Self::Sse];
    /// Those on which a client can say something.
    pub const BOTH_WAYS: [Self; 3] = [Self::SocketIo, Self::Polling, Self::WebSocket];

    pub const fn is_socket_io(self) -> bool {
        matches!(self, Self::SocketIo | Self::Polling)
    }
}

/// What lets somebody in.
#[derive(Debug, Clone)]
pub enum Pass {
    /// Where browsers' clients put it: `auth.token` on Socket.IO, else the header.
    Token(String),
    /// The `Authorization` header, on Socket.IO too.
    Header(String),
    /// `?ticket=`.
    Ticket(String),
    /// `auth.token` and the header.
    Both(String, String),
    /// Nothing at all.
    None,
}

/// How a client connects.
#[derive(Debug, Clone)]
pub struct Way {
    pub over: Over,
    /// The cursor; a number, or text as it is.
    pub after: Option<Value>,
    pub rooms: Option<Value>,
    pub pass: Option<Pass>,
    /// `Last-Event-ID` instead of `?after=`.
    pub last_event_id: Option<String>,
    pub origin: Option<String>,
    pub namespace: &'static str,
    /// What it says of `acks`, if anything.
    pub acks: Option<bool>,
    /// Whether it answers events that ask for an acknowledgement (Socket.IO).
    pub answers: bool,
    /// A small one fills quickly when its owner does not read.
    pub receive_buffer: Option<u32>,
}

impl Way {
    pub const fn new(over: Over) -> Self {
        Self {
            over,
            after: None,
            rooms: None,
            pass: None,
            last_event_id: None,
            origin: None,
            namespace: "/",
            acks: None,
            answers: true,
            receive_buffer: None,
        }
    }

    pub fn after(self, after: impl Into<Value>) -> Self {
        Self { after: Some(after.into()), ..self }
    }

    pub fn rooms<T: Into<String> + Clone>(self, rooms: &[T]) -> Self {
        let rooms: Vec<String> = rooms.iter().cloned().map(Into::into).collect();
        Self { rooms: Some(rooms.into()), ..self }
    }

    /// Says that it confirms notifications itself, or that it does not.
    pub fn acks(self, acks: bool) -> Self {
        Self { acks: Some(acks), ..self }
    }

    /// Asked for an acknowledgement, it says nothing.
    pub fn silent(self) -> Self {
        Self { answers: false, ..self }
    }

    pub fn pass(self, pass: Pass) -> Self {
        Self { pass: Some(pass), ..self }
    }

    /// `?after=…&rooms=…&ticket=…`, for `/ws` and SSE.
    pub fn query(&self) -> String {
        let mut query = Vec::new();
        if let Some(after) = &self.after {
            query.push(format!("after={}", escaped(&text_of(after))));
        }
        if let Some(rooms) = &self.rooms {
            let rooms: Vec<_> = rooms.as_array().expect("a list of rooms").iter().map(text_of).collect();
            query.push(format!("rooms={}", escaped(&rooms.join(","))));
        }
        if let Some(Pass::Ticket(ticket)) = &self.pass {
            query.push(format!("ticket={}", escaped(ticket)));
        }
        if let Some(acks) = self.acks {
            query.push(format!("acks={acks}"));
        }
        query.join("&")
    }

    /// The `auth` object of Socket.IO.
    pub fn auth(&self) -> Value {
        let mut auth = json!({});
        if let Some(Pass::Token(token) | Pass::Both(token, _)) = &self.pass {
            auth["token"] = token.as_str().into();
        }
        if let Some(after) = &self.after {
            auth["after"] = after.clone();
        }
        if let Some(rooms) = &self.rooms {
            auth["rooms"] = rooms.clone();
        }
        if let Some(acks) = self.acks {
            auth["acks"] = acks.into();
        }
        auth
    }

    /// Headers of the first request.
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        match &self.pass {
            Some(Pass::Header(token) | Pass::Both(_, token)) => {
                headers.push(("Authorization".into(), format!("Bearer {token}")));
            }
            Some(Pass::Token(token)) if !self.over.is_socket_io() => {
                headers.push(("Authorization".into(), format!("Bearer {token}")));
            }
            _ => {}
        }
        if let Some(id) = &self.last_event_id {
            headers.push(("Last-Event-ID".into(), id.clone()));
        }
        if let Some(origin) = &self.origin {
            headers.push(("Origin".into(), origin.clone()));
        }
        headers
    }

    /// The stream that all of it goes over.
    pub async fn stream(&self, to: SocketAddr) -> io::Result<TcpStream> {
        let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Percent-encoded for a query.
pub fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~,".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// What the server said.
#[derive(Debug, Clone)]
pub enum Said {
    Event { name: String, data: Value },
    Ack { id: u64, data: Value },
    Ended(End),
}

/// How a connection ended: the close code of `/ws`, and in words what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub code: Option<u16>,
    pub how: String,
}

impl End {
    pub fn new(code: Option<u16>, how: impl Into<String>) -> Self {
        Self { code, how: how.into() }
    }
}

/// Why one was not let in: an HTTP status with its problem, or `connect_error` with its data.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub status: Option<u16>,
    pub message: String,
    pub data: Value,
}

impl Refusal {
    pub fn http(head: &Head, body: &str) -> Self {
        let data: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        let message = data["code"].as_str().unwrap_or(body).to_owned();
        Self { status: Some(head.status), message, data }
    }
}

/// One connection.
pub enum Wire {
    SocketIo(Box<SocketIo>),
    Plain(Box<Plain>),
    Sse(Box<Sse>),
}

impl Wire {
    pub async fn open(to: SocketAddr, way: &Way) -> Result<Self, Refusal> {
        Ok(match way.over {
            Over::SocketIo | Over::Polling => Self::SocketIo(Box::new(SocketIo::open(to, way).await?)),
            Over::WebSocket => Self::Plain(Box::new(Plain::open(to, way).await?)),
            Over::Sse => Self::Sse(Box::new(Sse::open(to, way).await?)),
        })
    }

    /// The next thing said; after [`Said::Ended`] nothing more.
    pub async fn next(&mut self) -> Said {
        match self {
            Self::SocketIo(wire) => wire.next().await,
            Self::Plain(wire) => wire.next().await,
            Self::Sse(wire) => wire.next().await,
        }
    }

    /// Says something, to be acknowledged under this id.
    pub async fn say(&mut self, event: &str, data: &Value, id: u64) {
        match self {
            Self::SocketIo(wire) => wire.say(event, data, id).await,
            Self::Plain(wire) => wire.say(event, data, id).await,
            Self::Sse(_) => panic!("there is no way back on SSE"),
        }
    }

    /// Goes, and says so where there is a way to.
    pub async fn leave(self) {
        if let Self::SocketIo(wire) = self {
            wire.leave().await;
        }
    }

    /// The network goes, without a word.
    pub async fn cut(self) {
        if let Self::SocketIo(wire) = self {
            wire.cut().await;
        }
    }
}
