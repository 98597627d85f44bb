//! `/ws`: JSON text frames.

use super::wire::{End, Refusal, Said, Way};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        http::{HeaderName, HeaderValue, Response},
    },
};

pub type Socket = WebSocketStream<TcpStream>;

/// Upgrades at this path and query.
pub async fn upgrade(to: SocketAddr, path: &str, way: &Way) -> Result<Socket, Refusal> {
    let mut request = format!("ws://{to}{path}").into_client_request().expect("an address");
    for (name, value) in way.headers() {
        let name: HeaderName = name.parse().expect("a header's name");
        request.headers_mut().append(name, HeaderValue::from_str(&value).expect("a header's value"));
    }
    let stream = way.stream(to).await.expect("a connection");
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(refusal(&answer)),
        Err(error) => Err(Refusal { status: None, message: error.to_string(), data: Value::Null }),
    }
}

fn refusal(answer: &Response<Option<Vec<u8>>>) -> Refusal {
    let body = answer.body().as_deref().unwrap_or_default();
    let data: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let message = data["code"].as_str().map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned);
    Refusal { status: Some(answer.status().as_u16()), message, data }
}

/// The next text frame, or how it ended. Pings are answered on the way.
pub async fn text(socket: &mut Socket) -> Result<String, End> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
            Some(Ok(Message::Close(frame))) => {
                let (code, why) = frame.map_or((None, String::new()), |frame| {
                    (Some(u16::from(frame.code)), frame.reason.as_str().to_owned())
                });
                return Err(End::new(code, why));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(End::new(None, error.to_string())),
            None => return Err(End::new(None, "the stream ended")),
        }
    }
}

pub struct Plain {
    socket: Socket,
}

impl Plain {
    pub async fn open(to: SocketAddr, way: &Way) -> Result<Self, Refusal> {
        Ok(Self { socket: upgrade(to, &format!("/ws?{}", way.query()), way).await? })
    }

    pub async fn next(&mut self) -> Said {
        let text = match text(&mut self.socket).await {
            Ok(text) => text,
            Err(end) => return Said::Ended(end),
        };
        let mut frame: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON on /ws: {text}"));
        let data = frame["data"].take();
        if let Some(id) = frame["ack"].as_u64() {
            return Said::Ack { id, data };
        }
        assert_eq!(frame["seq"], data["seq"], "the frame says the seq of its payload: {text}");
        Said::Event { name: frame["event"].as_str().expect("an event's name").to_owned(), data }
    }

    pub async fn say(&mut self, event: &str, data: &Value, id: u64) {
        self.say_raw(&json!({ "event": event, "data": data, "id": id }).to_string()).await;
    }

    /// Whatever text.
    pub async fn say_raw(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.expect("a frame is sent");
    }
}
