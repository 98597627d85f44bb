//! From an accepted stream to the `App`: what `ServerBuilder::listen` is given.

use crate::{
    engine::Engine,
    ledger::Ledger,
    meter::Meter,
    metered::{Kind, Metered},
    mount::{Core, Mount},
    shared_app::SharedApp,
    upgrade::{Accepted, Upgrades},
};
use actix_http::{
    Extensions, HttpService, KeepAlive, Protocol, Request, Response, body::MessageBody, error::DispatchError,
};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::AppConfig;
use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// An idle client is given this long to finish closing.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

impl<E: Engine> Mount<E> {
    /// Serves an `App` on TCP streams, with this mount's websockets beside it.
    pub fn tcp<I, F, B>(
        &self,
        app: I,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()> + use<E, I, F, B>
    where
        I: IntoServiceFactory<F, Request>,
        F: ServiceFactory<Request, Config = AppConfig> + 'static,
        F::Error: Into<actix_web::Error> + 'static,
        F::InitError: fmt::Debug,
        F::Response: Into<Response<B>> + 'static,
        F::Service: 'static,
        <F::Service as Service<Request>>::Future: 'static,
        B: MessageBody + 'static,
    {
        let send_buffer = self.core.settings.send_buffer;
        fn_service(move |io: TcpStream| async move {
            // A frame must not wait for the answer to the one before it.
            io.set_nodelay(true)?;
            if let Some(bytes) = send_buffer {
                socket2::SockRef::from(&io).set_send_buffer_size(bytes)?;
            }
            let peer = io.peer_addr().ok();
            Ok::<_, DispatchError>((io, peer))
        })
        .and_then(self.accept(
            app,
            Kind {
                reset: |io: &TcpStream| {
                    // A cut stream gives the kernel's buffer back at once, not after its retries.
                    let _ = io.set_zero_linger();
                },
                split: Some(TcpStream::into_split),
            },
        ))
    }

    /// Serves an `App` on streams of any kind, such as TLS, each with its peer's address: put
    /// your acceptor in front with `and_then`.
    pub fn streams<S, I, F, B>(
        &self,
        app: I,
    ) -> impl ServiceFactory<(S, Option<SocketAddr>), Config = (), Response = (), Error = DispatchError, InitError = ()>
    + use<E, S, I, F, B>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        I: IntoServiceFactory<F, Request>,
        F: ServiceFactory<Request, Config = AppConfig> + 'static,
        F::Error: Into<actix_web::Error> + 'static,
        F::InitError: fmt::Debug,
        F::Response: Into<Response<B>> + 'static,
        F::Service: 'static,
        <F::Service as Service<Request>>::Future: 'static,
        B: MessageBody + 'static,
    {
        self.accept(app, Kind::ANY)
    }

    fn accept<S, I, F, B>(
        &self,
        app: I,
        kind: Kind<S>,
    ) -> impl ServiceFactory<(S, Option<SocketAddr>), Config = (), Response = (), Error = DispatchError, InitError = ()>
    + use<E, S, I, F, B>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        I: IntoServiceFactory<F, Request>,
        F: ServiceFactory<Request, Config = AppConfig> + 'static,
        F::Error: Into<actix_web::Error> + 'static,
        F::InitError: fmt::Debug,
        F::Response: Into<Response<B>> + 'static,
        F::Service: 'static,
        <F::Service as Service<Request>>::Future: 'static,
        B: MessageBody + 'static,
    {
        let app = app.into_factory().map_err(|error| error.into().error_response());
        let app = SharedApp::new(map_config(app, |()| AppConfig::default()));
        let (core, idle) = (Arc::clone(&self.core), self.core.settings.keep_alive);
        let http = |keep_alive: KeepAlive| {
            HttpService::build()
                .keep_alive(keep_alive)
                .client_request_timeout(self.core.settings.request_timeout)
                .client_disconnect_timeout(DISCONNECT_TIMEOUT)
                // A client that closed its half has left: polls and streams of it must end.
                .h1_allow_half_closed(false)
                .on_connect_ext(tell_meter::<S>)
        };
        // An upgrade that the application refused ends its connection: the next one on it would
        // find no upgrade service here.
        let back = http(KeepAlive::Disabled).finish(app.clone());
        let upgrades = Upgrades { core: Arc::clone(&core), back };
        let front = http(KeepAlive::Timeout(idle)).upgrade(upgrades).finish(app);
        fn_service(move |(io, peer): (S, Option<SocketAddr>)| {
            let core = Arc::clone(&core);
            async move { admit(&core, io, peer, kind).await }
        })
        .and_then(front)
    }
}

fn tell_meter<S>(stream: &Metered<S>, data: &mut Extensions) {
    data.insert::<Meter>(stream.meter().clone());
}

async fn admit<E, S>(
    core: &Core<E>,
    io: S,
    peer: Option<SocketAddr>,
    kind: Kind<S>,
) -> Result<Accepted<S>, DispatchError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let ledger = &core.ledger;
    let Some(slot) = ledger.connections.take(peer.map(|peer| peer.ip())) else {
        ledger.counters.over_cap.fetch_add(1, Ordering::Relaxed);
        turn_away(io).await;
        return Err(io::Error::other("too many connections").into());
    };
    let stream = Metered::new(io, peer, core.settings.stall, kind, Arc::<Ledger>::clone(ledger), slot);
    Ok((stream, Protocol::Http1, peer))
}

const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
/// Those who are turned away hold a stream while they read why; above this they are just closed.
const TURNED_AWAY_AT_ONCE: usize = 64;
const TURNING_AWAY: Duration = Duration::from_millis(500);
static BEING_TURNED_AWAY: AtomicUsize = AtomicUsize::new(0);

async fn turn_away<S: AsyncRead + AsyncWrite + Unpin>(mut io: S) {
    if BEING_TURNED_AWAY.fetch_add(1, Ordering::Relaxed) < TURNED_AWAY_AT_ONCE {
        let told = async {
            io.write_all(TOO_MANY).await?;
            io.shutdown().await?;
            // Closing with something unread would reset the answer away.
            let mut rest = [0; 1024];
            while io.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        // A client that does not listen is closed all the same.
        let _ = timeout(TURNING_AWAY, told).await;
    }
    BEING_TURNED_AWAY.fetch_sub(1, Ordering::Relaxed);
}
