//! The server under test: a mount, an `actix-web-actors` route and ordinary routes on port 0.

use actix::{Actor, StreamHandler};
use actix_server::{Server, ServerHandle};
use actix_socketioxide::{Builder, Link, Meter, Mount};
use actix_web::{App, HttpRequest, HttpResponse, web};
use actix_web_actors::ws;
use engineioxide::service::NotFoundService;
use rmpv::Value;
use socketioxide::{
    SocketIo,
    extract::{AckSender, Data, SocketRef},
    service::SocketIoService,
};
use std::{
    future::Future,
    net::{SocketAddr, TcpListener},
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Longer than anything here takes; only a failure waits for it.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub type Service = SocketIoService<NotFoundService>;

/// What the server's handlers tell the test.
pub enum News {
    Came(Live),
    Went,
    /// The meter of a request to `/endless` or `/ws`.
    Metered(Meter),
}

/// A connected Socket.IO socket, seen from the server.
pub struct Live {
    pub socket: SocketRef,
    pub link: Link,
}

pub struct TestServer {
    pub addr: SocketAddr,
    pub mount: Mount<Service>,
    news: Receiver<News>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    pub fn start() -> Self {
        Self::with(|builder| builder)
    }

    pub fn with(settings: impl FnOnce(Builder<Service>) -> Builder<Service>) -> Self {
        Self::build(PATIENCE * 2, settings)
    }

    /// One that waits so long for the pong to the ping that comes with the open packet.
    pub fn with_pong_within(ping_timeout: Duration) -> Self {
        Self::build(ping_timeout, |builder| builder)
    }

    fn build(ping_timeout: Duration, settings: impl FnOnce(Builder<Service>) -> Builder<Service>) -> Self {
        let (tell, news) = channel();
        let service = service(ping_timeout, tell.clone());
        let mount = settings(Mount::builder(service)).build();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let (started, handle) = channel();
        let workers = mount.clone();
        let thread = std::thread::spawn(move || {
            actix_rt::System::new().block_on(async move {
                let server = Server::build()
                    .workers(2)
                    .disable_signals()
                    .listen("test", listener, move || {
                        let app = App::new()
                            .app_data(web::Data::new(Mutex::new(tell.clone())))
                            .configure(workers.routes())
                            .configure(neighbours);
                        workers.tcp(app)
                    })
                    .expect("a listening server")
                    .run();
                started.send(server.handle()).expect("a waiting test");
                server.await.expect("a clean stop");
            });
        });
        let handle = handle.recv().expect("a started server");
        Self { addr, mount, news, handle, thread: Some(thread) }
    }

    pub fn news(&self) -> News {
        self.news.recv_timeout(PATIENCE).expect("news from the server")
    }

    pub fn came(&self) -> Live {
        match self.news() {
            News::Came(live) => live,
            _ => panic!("expected a socket to connect"),
        }
    }

    pub fn went(&self) {
        assert!(matches!(self.news(), News::Went), "expected a socket to disconnect");
    }

    pub fn metered(&self) -> Meter {
        match self.news() {
            News::Metered(meter) => meter,
            _ => panic!("expected a metered request"),
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let stopped = thread.join();
            assert!(stopped.is_ok() || std::thread::panicking(), "the server panicked");
        }
    }
}

fn service(ping_timeout: Duration, tell: Sender<News>) -> Service {
    let (service, io) = SocketIo::builder()
        .ping_interval(Duration::from_secs(300))
        .ping_timeout(ping_timeout)
        .max_buffer_size(4096)
        .build_svc();
    for namespace in ["/", "/admin"] {
        let tell = tell.clone();
        io.ns(namespace, async move |socket: SocketRef| {
            let link = socket.req_parts().extensions.get::<Link>().cloned();
            let link = link.expect("a link in the handshake");
            socket.on("echo", async |Data::<Value>(data), ack: AckSender| {
                ack.send(&data).expect("an ack that leaves");
            });
            let gone = tell.clone();
            socket.on_disconnect(async move || {
                // The test may be over already.
                let _ = gone.send(News::Went);
            });
            let _ = tell.send(News::Came(Live { socket, link }));
        });
    }
    service
}

fn neighbours(app: &mut web::ServiceConfig) {
    app.route("/hello", web::get().to(|| async { "hello" }))
        .route("/endless", web::get().to(endless))
        .route("/ws", web::get().to(echo_over_actors))
        .route("/closed-ws", web::get().to(|| async { HttpResponse::Unauthorized().finish() }));
}

fn tell_meter(request: &HttpRequest, tell: &Mutex<Sender<News>>) {
    let meter = request.conn_data::<Meter>().expect("a meter on every request").clone();
    let _ = tell.lock().expect("no panic elsewhere").send(News::Metered(meter));
}

async fn endless(request: HttpRequest, tell: web::Data<Mutex<Sender<News>>>) -> HttpResponse {
    tell_meter(&request, &tell);
    let chunk = web::Bytes::from_static(&[b'.'; 16_384]);
    let chunks = std::iter::repeat_with(move || Ok::<_, actix_web::Error>(chunk.clone()));
    HttpResponse::Ok().streaming(futures_util::stream::iter(chunks))
}

async fn echo_over_actors(
    request: HttpRequest,
    payload: web::Payload,
    tell: web::Data<Mutex<Sender<News>>>,
) -> Result<HttpResponse, actix_web::Error> {
    tell_meter(&request, &tell);
    ws::start(EchoActor, &request, payload)
}

struct EchoActor;

impl Actor for EchoActor {
    type Context = ws::WebsocketContext<Self>;
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for EchoActor {
    fn handle(&mut self, message: Result<ws::Message, ws::ProtocolError>, context: &mut Self::Context) {
        if let Ok(ws::Message::Text(text)) = message {
            context.text(text);
        }
    }
}

/// Runs a future to its end, within patience.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let within = async { tokio::time::timeout(PATIENCE, future).await.expect("an end in time") };
    runtime.expect("a runtime").block_on(within)
}
