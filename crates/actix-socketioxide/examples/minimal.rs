//! Socket.IO and ordinary routes on one port: `cargo run -p actix-socketioxide --example minimal`,
//! then connect a Socket.IO client to <http://127.0.0.1:3000> and emit `hello`.

use actix_server::Server;
use actix_socketioxide::Mount;
use actix_web::{App, web};
use socketioxide::{
    SocketIo,
    extract::{Data, SocketRef},
};
use std::net::TcpListener;

async fn on_connect(socket: SocketRef) {
    socket.on("hello", async |socket: SocketRef, Data::<String>(name)| {
        if let Err(error) = socket.emit("welcome", &name) {
            log::warn!("{name} was not welcomed: {error}");
        }
    });
}

#[actix_rt::main]
async fn main() -> std::io::Result<()> {
    let (service, io) = SocketIo::builder().build_svc();
    io.ns("/", on_connect);
    let mount = Mount::builder(service).build();

    let workers = mount.clone();
    let server = Server::build()
        .disable_signals()
        .listen("http", TcpListener::bind("127.0.0.1:3000")?, move || {
            let app =
                App::new().configure(workers.routes()).route("/", web::get().to(|| async { "an ordinary route" }));
            workers.tcp(app)
        })?
        .run();

    let handle = server.handle();
    actix_rt::spawn(async move {
        if actix_rt::signal::ctrl_c().await.is_ok() {
            mount.close_all().await;
            handle.stop(true).await;
        }
    });
    server.await
}
