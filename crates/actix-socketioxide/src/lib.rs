//! [socketioxide] on an actix-web server, on the same port.
//!
//! ```no_run
//! use actix_server::Server;
//! use actix_socketioxide::{Mount, Origins};
//! use actix_web::{App, web};
//! use socketioxide::{SocketIo, extract::SocketRef};
//! use std::net::TcpListener;
//!
//! # #[actix_rt::main]
//! # async fn main() -> std::io::Result<()> {
//! let (service, io) = SocketIo::builder().build_svc();
//! io.ns("/", async |socket: SocketRef| {
//!     socket.emit("welcome", "to this port").ok();
//! });
//! let mount = Mount::builder(service)
//!     .origins(Origins::list(["https://a.example"]))
//!     .build();
//!
//! let workers = mount.clone();
//! let server = Server::build()
//!     .disable_signals()
//!     .listen("http", TcpListener::bind("127.0.0.1:3000")?, move || {
//!         let app = App::new()
//!             .configure(workers.routes())
//!             .route("/", web::get().to(|| async { "an ordinary route" }));
//!         workers.tcp(app)
//!     })?
//!     .run();
//!
//! let handle = server.handle();
//! actix_rt::spawn(async move {
//!     if actix_rt::signal::ctrl_c().await.is_ok() {
//!         mount.close_all().await;
//!         handle.stop(true).await;
//!     }
//! });
//! server.await?;
//! # Ok(())
//! # }
//! ```
//!
//! A [`Mount`] takes the place of `actix_web::HttpServer`: an `App` is served through
//! [`Mount::tcp`] on a plain `actix_server::Server`. Every accepted stream is wrapped in
//! [`Metered`]; polling is an ordinary route of the `App`; an upgrade request for the engine's
//! path is answered by the mount, and the stream handed to the engine; any other upgrade goes
//! back to the `App`, so `actix-web-actors` routes work as they always did.
//!
//! Handlers look at the stream below them through [`Meter`] (any request of the port) or [`Link`]
//! (a Socket.IO session, whatever its transport).
//!
//! | Where | What |
//! |---|---|
//! | `mount`, `settings`, `serve` | the public face, its settings, the services that it is made of |
//! | `metered`, `meter`, `frames` | the wrapper round a stream, the handle on it, frame borders |
//! | `door`, `passage`, `packets` | the way to a websocket past the engine, its order, what goes that way |
//! | `link`, `sessions` | one session across its transports, found by its sid |
//! | `polling`, `cors`, `upgrade`, `query` | the two transports and what they refuse |
//! | `origins`, `caps`, `ledger`, `stats` | who may come, how many, who is here, how many came |
//! | `engine`, `convert`, `replay`, `shared_app` | the seams to socketioxide and to actix |
//! | `bell` | waking those who wait for a change, if anybody does |

mod bell;
mod caps;
mod convert;
mod cors;
mod door;
mod engine;
mod frames;
mod ledger;
mod link;
mod meter;
mod metered;
mod mount;
mod origins;
mod packets;
mod passage;
mod polling;
mod query;
mod replay;
mod serve;
mod sessions;
mod settings;
mod shared_app;
mod stats;
mod upgrade;

pub use crate::{
    door::{Door, Full},
    engine::Engine,
    link::Link,
    meter::Meter,
    metered::Metered,
    mount::Mount,
    origins::Origins,
    packets::Frames,
    settings::Builder,
    stats::Stats,
};

/// Keeps the README's examples compiling.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
