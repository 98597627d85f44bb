//! The whole house, put together: database, committer, broker, transports, routes. Imported by the
//! program and by tests, by nobody else.

mod app;
mod catalogue;
mod post;
mod upkeep;

use crate::{
    auth::Auth,
    broker::{CloseAll, NotificationBroker},
    config::Config,
    delivery::{
        Parties, Standings, StoredHistory,
        inbox::{Broadcasts, Confirmations, Inbox},
        outbox::Outbox,
    },
    demo,
    error::Error,
    host::Host,
    jobs::{Bell, GiveBack, JobRunner, Kind, Works, files::Files, import::Import, upload},
    store::{BadUrl, Store},
    transport::{self, Entrance, Guard, Steward, socketio},
    webhooks::{Door, signature::Secrets},
};
use actix::prelude::*;
use actix_socketioxide::{Mount, Origins};
use post::Post;
use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, OnceLock},
    thread::JoinHandle,
    time::Duration,
};

/// Connections that the system holds for us while all workers are busy.
const BACKLOG: i32 = 4096;
/// What the system may hold for one reader, in bytes (it doubles this): left alone it takes megabytes
/// before `QUEUE_MAX` begins to count.
const SEND_BUFFER: usize = 128 * 1024;
/// Running jobs get this long to be given back.
const JOBS_END: Duration = Duration::from_secs(2);
/// Requests under way get this long when Herald stops. With what follows well under the 15 s that
/// CONTRACT 1 allows.
const REQUESTS_END: u64 = 5;
/// What is said last to a connection has this long to leave.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Connections get this long to be gone after they were told to go.
const CONNECTIONS_END: Duration = Duration::from_secs(3);

/// The last confirmations get this long to be written.
const CONFIRMATIONS_END: Duration = Duration::from_secs(1);

/// Why Herald did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `DATABASE_URL` is of neither kind.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// The database can't be reached or brought up to date.
    #[error("the database: {0}")]
    Database(Error),
    /// `UPLOADS_DIR` can't hold files.
    #[error("UPLOADS_DIR: {dir}: {cause}")]
    Files {
        /// The folder.
        dir: String,
        /// The system's reason.
        cause: io::Error,
    },
    /// The address can't be listened on.
    #[error("can't listen on {addr}: {cause}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// The system's reason.
        cause: io::Error,
    },
}

/// Herald, listening but not yet serving.
pub struct Server {
    config: Config,
    works: Option<(Works, Bell)>,
    store: Store,
    files: Files,
    listener: TcpListener,
    addr: SocketAddr,
}

impl Server {
    /// Opens the database, brings its tables up to date, and takes the port (port 0: any free one).
    /// Blocks; to be called from a thread that runs no async runtime.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn bind(config: Config) -> Result<Self, StartError> {
        let store = Store::open(config.database_url.expose())?;
        store.migrate().map_err(StartError::Database)?;
        let dir = &config.uploads_dir;
        let files = Files::open(dir).map_err(|cause| StartError::Files { dir: dir.display().to_string(), cause })?;
        let listen = |cause| StartError::Listen { addr: config.addr, cause };
        let listener = listen_on(config.addr).map_err(listen)?;
        let addr = listener.local_addr().map_err(listen)?;
        Ok(Self { config, works: None, store, files, listener, addr })
    }

    /// The same with other kinds of work for its jobs, and a bell that others can ring.
    #[must_use]
    pub fn with_works(self, works: Works, bell: Bell) -> Self {
        Self { works: Some((works, bell)), ..self }
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `stop` resolves, then lets requests end and closes every connection.
    ///
    /// # Errors
    /// What the system says of threads and the listener; that the database went away meanwhile.
    pub fn run(self, stop: impl Future<Output = ()> + 'static) -> io::Result<()> {
        System::new().block_on(self.serve(stop))
    }

    async fn serve(self, stop: impl Future<Output = ()> + 'static) -> io::Result<()> {
        let Self { config, works, store, files, listener, addr } = self;
        // From here on it runs.
        Host::this();
        let arbiter = Arbiter::new();
        let (broker, outbox, committer) = start_core(&arbiter, &store, config.limits.presence_grace).await?;
        let (confirmations, confirmed) = Confirmations::new(Inbox::new(store.clone(), outbox.clone()));
        let confirmed = actix_rt::spawn(confirmed);
        let auth = Auth::start(config.auth.clone(), store.clone(), outbox.clone()).await.map_err(io::Error::other)?;
        if config.demo {
            demo::furnish(&auth, &store, &outbox).await.map_err(io::Error::other)?;
        }
        let upkeep = actix_rt::spawn(upkeep::run(
            auth.clone(),
            outbox.clone(),
            broker.clone(),
            config.history,
            config.inbox_seconds,
            files.clone(),
            store.clone(),
        ));
        let broadcasts = Broadcasts::new(outbox.clone());
        let broadcasting = actix_rt::spawn(broadcasts.clone().run());

        let workshop = Arbiter::new();
        let (works, bell) = match works {
            Some(theirs) => theirs,
            None => (works_of(&config, addr, &files, &store).map_err(io::Error::other)?, Bell::default()),
        };
        let runner = {
            let (outbox, bell, settings) = (outbox.clone(), bell.clone(), config.jobs);
            JobRunner::start_in_arbiter(&workshop.handle(), move |_| JobRunner::new(outbox, works, settings, bell))
        };
        let post = Post::start(&config, &store, &outbox)?;

        let entrance = Entrance::new(
            Guard::new(auth.clone(), Standings::new(store.clone()), Parties::new(store.clone())),
            confirmations.clone(),
            &broker,
            transport::Limits {
                queue_max: config.limits.queue,
                message_max: config.limits.socket_message,
                ..transport::Limits::default()
            },
        );
        let steward = Steward::new(entrance.clone(), &broker);
        let (engine, _) = socketio::build(&entrance, &steward);
        let mount = Mount::builder(engine)
            .max_payload(config.limits.socket_message)
            .stall(config.limits.stall)
            .send_buffer(SEND_BUFFER)
            .origins(origins(&config))
            .max_connections(config.limits.connections)
            .max_per_address(config.limits.connections_per_address)
            .build();

        let last = outbox.clone();
        let door = Door::new(Secrets::new(&config.webhook_secrets), outbox.clone());
        let parts = app::Parts {
            config: config.clone(),
            store,
            outbox,
            broadcasts,
            auth,
            entrance,
            steward,
            files,
            door,
            bell,
        };
        let mounted = mount.clone();
        let server = actix_server::Server::build()
            .workers(config.workers)
            .backlog(BACKLOG.unsigned_abs())
            .shutdown_timeout(REQUESTS_END)
            .disable_signals()
            .listen("herald", listener, move || mounted.tcp(app::build(&parts, &mounted)))?
            .run();
        let handle = server.handle();
        let serving = actix_rt::spawn(server);
        log::info!("listening on http://{addr}");

        stop.await;
        log::info!("stopping");
        upkeep.abort();
        broadcasting.abort();
        if let Some(post) = &post {
            post.stop();
        }
        if tokio::time::timeout(JOBS_END, runner.send(GiveBack)).await.is_err() {
            log::warn!("running jobs were not given back in time; they are taken up when their leases are over");
        }
        workshop.stop();
        // Whoever is connected is told to go and comes back to another node, or to the next start.
        broker.send(CloseAll).await.ok();
        // Close frames have to leave before their streams are cut.
        let left = async {
            while mount.stats().connections > 0 {
                tokio::time::sleep(LAST_WORDS / 50).await;
            }
        };
        tokio::time::timeout(LAST_WORDS, left).await.ok();
        let gone = mount.close_all();
        if tokio::time::timeout(CONNECTIONS_END, gone).await.is_err() {
            log::warn!("some connections did not end in time");
        }
        let last_mail = async {
            if let Some(post) = post {
                post.end().await;
            }
        };
        tokio::join!(handle.stop(true), last_mail);
        serving.await.map_err(io::Error::other)??;
        arbiter.stop();
        // What clients confirmed so far need not come again.
        confirmations.end();
        if tokio::time::timeout(CONFIRMATIONS_END, confirmed).await.is_err() {
            log::warn!("some confirmations were not written in time");
        }
        // Everything that could commit is gone; what was accepted is committed before this ends.
        last.close();
        end(committer).await;
        log::info!("stopped");
        Ok(())
    }
}

type Core = (Addr<NotificationBroker>, Outbox, JoinHandle<()>);

/// The broker, on a thread of its own, and the committer that feeds it.
async fn start_core(arbiter: &Arbiter, store: &Store, grace: Duration) -> io::Result<Core> {
    let history = StoredHistory(store.clone());
    let (newest, _) = history.bounds().await.map_err(io::Error::other)?;
    // The two need each other: nothing is committed, hence told, before both are there.
    let told: Arc<OnceLock<Addr<NotificationBroker>>> = Arc::default();
    let tell = Arc::clone(&told);
    let (outbox, committer) = Outbox::start(
        store.clone(),
        Box::new(move |emit| {
            // A full mailbox loses nothing: the broker reads the outbox.
            if tell.get().is_some_and(|broker| broker.try_send(emit).is_err()) {
                log::debug!("the broker is busy; it will catch up");
            }
        }),
    )?;
    let inbox = Inbox::new(store.clone(), outbox.clone());
    let broker = NotificationBroker::start_in_arbiter(&arbiter.handle(), move |_| {
        NotificationBroker::new(Arc::new(history), Arc::new(inbox), newest).with_grace(grace)
    });
    told.get_or_init(|| broker.clone());
    Ok((broker, outbox, committer))
}

/// Who does the jobs of which kind.
fn works_of(config: &Config, addr: SocketAddr, files: &Files, store: &Store) -> Result<Works, Error> {
    let callback = upload::callback(config.public_url.as_ref(), addr);
    let processor = config.processor_url.clone();
    let processor = processor.map(|url| upload::Processor::new(url, callback, config.processor.timeout)).transpose()?;
    let forward = upload::Forward { processor, settings: config.processor, files: files.clone(), store: store.clone() };
    let import = Import::new(store.clone(), files.clone());
    Ok(Works::default().with(Kind::Import, import).with(Kind::Upload, forward))
}

/// Waits for the committer, but not for ever: on a thread that, unlike a task of the runtime, does
/// not keep the process when the database does not answer.
async fn end(committer: JoinHandle<()>) {
    let (tell, joined) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || tell.send(committer.join()));
    match tokio::time::timeout(CONNECTIONS_END, joined).await {
        Ok(Ok(Ok(()))) => {}
        Ok(_) => log::error!("the committer did not end well"),
        Err(_) => log::warn!("the committer did not end in time"),
    }
}

/// Pages of this server, and those that `CORS_ORIGINS` lists.
fn origins(config: &Config) -> Origins {
    if config.cors_origins.is_empty() { Origins::same() } else { Origins::list(&config.cors_origins) }
}

fn listen_on(addr: SocketAddr) -> io::Result<TcpListener> {
    let kind = if addr.is_ipv6() { socket2::Domain::IPV6 } else { socket2::Domain::IPV4 };
    let socket = socket2::Socket::new(kind, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    // A restart must not wait for the last minute's connections to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
