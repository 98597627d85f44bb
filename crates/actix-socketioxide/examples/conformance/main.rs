//! What the official Engine.IO v4 and Socket.IO v5 protocol suites expect of a server, on port
//! 3000: `cargo run --release -p actix-socketioxide --example conformance`, then run the suites
//! (see the README).

mod arguments;
mod echo;

use actix_server::Server;
use actix_socketioxide::{Engine, Mount, Origins};
use actix_web::App;
use arguments::Arguments;
use bytes::Bytes;
use echo::Echo;
use engineioxide::{
    config::EngineIoConfig,
    service::{EngineIoService, NotFoundService},
};
use http::{Request, Response};
use http_body_util::Full;
use rmpv::Value;
use socketioxide::{
    SocketIo,
    extract::{AckSender, Data, SocketRef},
    service::SocketIoService,
};
use std::{net::TcpListener, sync::Arc, time::Duration};
use tokio::io::{AsyncRead, AsyncWrite};

const PING_INTERVAL: Duration = Duration::from_millis(300);
const PING_TIMEOUT: Duration = Duration::from_millis(200);
const MAX_PAYLOAD: usize = 1_000_000;

/// Two engines behind one mount, chosen by path.
#[derive(Clone)]
struct Both {
    socket_io: SocketIoService<NotFoundService>,
    engine_io: EngineIoService<Echo, NotFoundService>,
}

impl Both {
    fn is_engine_io(path: &str) -> bool {
        path.starts_with("/engine.io")
    }
}

impl Engine for Both {
    async fn answer(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        if Self::is_engine_io(request.uri().path()) {
            self.engine_io.answer(request).await
        } else {
            self.socket_io.answer(request).await
        }
    }

    fn hand_over<S>(&self, stream: S, request: Request<()>) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if Self::is_engine_io(request.uri().path()) {
            self.engine_io.hand_over(stream, request)
        } else {
            self.socket_io.hand_over(stream, request)
        }
    }
}

/// The suites do not look at what could not be sent, so errors are only logged.
fn log_failure<E: std::fmt::Display>(sent: Result<(), E>) {
    if let Err(error) = sent {
        log::warn!("not sent: {error}");
    }
}

async fn on_connect(socket: SocketRef, Data(auth): Data<Value>) {
    log_failure(socket.emit("auth", &auth));
    socket.on("message", async |socket: SocketRef, arguments: Arguments| {
        log_failure(socket.emit("message-back", &arguments));
    });
    socket.on("message-with-ack", async |arguments: Arguments, ack: AckSender| {
        log_failure(ack.send(&arguments));
    });
}

#[actix_rt::main]
async fn main() -> std::io::Result<()> {
    let (socket_io, io) = SocketIo::builder()
        .ping_interval(PING_INTERVAL)
        .ping_timeout(PING_TIMEOUT)
        .ack_timeout(Duration::from_millis(200))
        .connect_timeout(Duration::from_secs(1))
        .max_payload(MAX_PAYLOAD as u64)
        .build_svc();
    io.ns("/", on_connect);
    io.ns("/custom", on_connect);
    let config = EngineIoConfig::builder()
        .ping_interval(PING_INTERVAL)
        .ping_timeout(PING_TIMEOUT)
        .max_payload(MAX_PAYLOAD as u64)
        .build();
    let engine_io = EngineIoService::with_config(Arc::new(Echo), config);

    let mount = Mount::builder(Both { socket_io, engine_io })
        .paths(["/socket.io", "/engine.io"])
        .max_payload(MAX_PAYLOAD)
        .origins(Origins::any())
        .build();
    Server::build()
        .workers(1)
        .listen("http", TcpListener::bind("127.0.0.1:3000")?, move || mount.tcp(App::new().configure(mount.routes())))?
        .run()
        .await
}
