//! The real Socket.IO client, in its three transport modes.

use crate::support::{News, TestServer, server::Live};
use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What may wait in the server for one client.
const BACKLOG: u64 = 8_192;

/// Emits 0, 1, 2... as fast as the client takes them, until it says stop. Acks with the last one,
/// when all of them have left.
fn count_for(live: &Live) {
    let (socket, link) = (live.socket.clone(), live.link.clone());
    let stopped = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stopped);
    socket.on("stop", async move || asked.store(true, Ordering::Release));
    socket.on("count", async move |socket: socketioxide::extract::SocketRef| {
        // The client has answered, so all that was emitted so far has left.
        let (mut n, mut queued) = (0u64, link.event_bytes());
        loop {
            let progress = link.written_progress();
            if queued - link.event_bytes() > BACKLOG {
                progress.await;
                continue;
            }
            socket.emit("n", &n).expect("a socket with room");
            queued += format!(r#"42["n",{n}]"#).len() as u64;
            if stopped.load(Ordering::Acquire) {
                break;
            }
            n += 1;
            tokio::task::yield_now().await;
        }
        loop {
            let progress = link.written_progress();
            if link.event_bytes() == queued {
                break;
            }
            progress.await;
        }
        socket.emit("end", &n).expect("a socket with room");
    });
}

fn drive(mode: &str) {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/js");
    assert!(
        scripts.join("node_modules/socket.io-client").is_dir(),
        "socket.io-client is not installed: run `make test`, or `npm ci` in {}",
        scripts.display()
    );
    let server = TestServer::start();
    let client = Command::new("node")
        .arg(scripts.join("client.js"))
        .args([format!("http://{}", server.addr), mode.to_owned()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node: install it to run these tests");
    let live = server.came();
    count_for(&live);
    live.socket.emit("ready", &()).expect("an emit");
    let said = client.wait_with_output().expect("a client that ends");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(said.status.success(), "{}{}", text(&said.stdout), text(&said.stderr));
    assert!(matches!(server.news(), News::Went));
    assert_eq!(live.link.is_websocket(), mode != "polling");
}

#[test]
fn the_real_client_works_over_polling_alone() {
    drive("polling");
}

#[test]
fn the_real_client_works_over_websocket_alone() {
    drive("websocket");
}

#[test]
fn the_real_client_upgrades_under_a_stream_of_events_without_loss_or_disorder() {
    drive("upgrade");
}
