//! The mount serves streams of any kind: here one that never saw a socket, as TLS would be.

use actix_service::{Service, ServiceFactory};
use actix_socketioxide::Mount;
use actix_web::{App, web};
use socketioxide::SocketIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

async fn answer(mut client: DuplexStream, request: &str, until: &str) -> String {
    client.write_all(request.as_bytes()).await.expect("a server that reads");
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(until) {
        assert!(client.read_buf(&mut seen).await.expect("an answer") > 0, "ended too early");
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[actix_rt::test]
async fn requests_and_websockets_are_served_over_any_stream() {
    let (service, _io) = SocketIo::new_svc();
    let mount = Mount::builder(service).build();
    let app = App::new().configure(mount.routes()).route("/hello", web::get().to(|| async { "hello" }));
    let server = mount.streams(app).new_service(()).await.expect("a service");

    let (near, far) = duplex(1024);
    actix_rt::spawn(server.call((far, None)));
    answer(near, "GET /hello HTTP/1.1\r\nhost: a\r\n\r\n", "\r\n\r\nhello").await;

    let (near, far) = duplex(1024);
    actix_rt::spawn(server.call((far, None)));
    let path = crate::support::session::WEBSOCKET;
    answer(near, &crate::support::raw::handshake(path, &[]), r#"0{"sid":""#).await;
}
