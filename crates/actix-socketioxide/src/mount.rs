//! [`Mount`]: an engine on an actix-web server.

use crate::{
    engine::{Close, Engine, InProcess},
    ledger::Ledger,
    link::Link,
    origins::Verdict,
    polling,
    sessions::Sessions,
    settings::{Builder, Settings},
    stats::Stats,
};
use actix_http::RequestHead;
use actix_web::{
    HttpRequest,
    http::header::{HOST, ORIGIN},
    web,
};
use futures_util::future::join_all;
use std::{
    fmt,
    future::Future,
    sync::{Arc, atomic::Ordering},
};

/// A Socket.IO (or Engine.IO) service on an actix-web server, on the same port.
///
/// Build one, clone it into each worker, give its [`routes`](Self::routes) to the `App` and serve
/// the `App` through [`tcp`](Self::tcp).
pub struct Mount<E> {
    pub(crate) core: Arc<Core<E>>,
}

pub(crate) struct Core<E> {
    pub(crate) engine: E,
    pub(crate) close: Arc<dyn Close>,
    pub(crate) settings: Settings,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) sessions: Sessions,
}

impl<E: Engine> Mount<E> {
    /// Settings for a mount of this service: what `SocketIo::builder().build_svc()` returned.
    pub fn builder(engine: E) -> Builder<E> {
        Builder::new(engine)
    }

    pub(crate) fn new(engine: E, settings: Settings) -> Self {
        let ledger = Ledger::new(settings.max_connections, settings.max_per_address);
        let close = Arc::new(InProcess(engine.clone()));
        let sessions = Sessions::default();
        Self { core: Arc::new(Core { engine, close, settings, ledger, sessions }) }
    }

    /// The polling transport, for `App::configure`. Websockets need no route: they are taken
    /// before the `App`.
    pub fn routes(&self) -> impl FnOnce(&mut web::ServiceConfig) + use<E> {
        let core = Arc::clone(&self.core);
        move |app: &mut web::ServiceConfig| {
            for path in &core.settings.paths {
                let (core, owned) = (Arc::clone(&core), Arc::clone(path));
                let poll = move |request: HttpRequest, payload: web::Payload| {
                    polling::handle(Arc::clone(&core), Arc::clone(&owned), request, payload)
                };
                app.service(web::resource([path.to_string(), format!("{path}/")]).to(poll));
            }
        }
    }

    /// Cuts every websocket of the port and closes every polling session, at once; new ones are
    /// refused from here on. The future resolves when the last of these streams is gone.
    ///
    /// `ServerHandle::stop` knows nothing of streams that were handed over: call this before it,
    /// while the workers still run. Not after `SocketIo::close`: in 0.18.9 that takes the namespaces
    /// away first, and `on_disconnect` is never called. To tell clients why, emit to them before.
    pub fn close_all(&self) -> impl Future<Output = ()> + Send + use<E> {
        self.core.ledger.close();
        let sessions = self.core.sessions.all();
        let closing: Vec<_> = sessions.iter().filter_map(Link::end).collect();
        let ledger = Arc::clone(&self.core.ledger);
        async move {
            // A session whose worker is gone already is gone with it.
            join_all(closing).await;
            ledger.emptied().await;
        }
    }

    /// What is open now and was refused so far.
    pub fn stats(&self) -> Stats {
        self.core.ledger.stats()
    }
}

impl<E> Core<E> {
    pub(crate) fn owns(&self, path: &str) -> bool {
        let path = path.strip_suffix('/').unwrap_or(path);
        self.settings.paths.iter().any(|own| **own == *path)
    }

    pub(crate) fn judge(&self, head: &RequestHead) -> Verdict {
        let text = |name| {
            // What is no text is no origin that could be listed, but it is not absent either.
            head.headers.get(name).map(|value| value.to_str().unwrap_or("?"))
        };
        let verdict = self.settings.origins.judge(text(ORIGIN), text(HOST));
        if verdict == Verdict::Refused {
            self.ledger.counters.forbidden_origin.fetch_add(1, Ordering::Relaxed);
        }
        verdict
    }
}

impl<E> Clone for Mount<E> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core) }
    }
}

impl<E> fmt::Debug for Mount<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("settings", &self.core.settings).finish_non_exhaustive()
    }
}
