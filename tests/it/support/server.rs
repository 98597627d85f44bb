//! Herald inside the test's process: on a thread of its own, on a database of its own.

use super::{Herald, SECRET, watch};
use diesel::{Connection as _, SqliteConnection, connection::SimpleConnection as _};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use herald::{
    auth::Cost,
    config::{Config, Given},
    delivery::{
        Keep,
        outbox::{Outbox, Tx},
        prune,
    },
    error::Result,
    jobs::{Bell, Works},
    server::Server,
    store::Store,
};
use std::{
    collections::HashMap,
    io,
    ops::Deref,
    path::PathBuf,
    rc::Rc,
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// A database that is gone when this is: a SQLite file, or with `HERALD_TEST_DATABASE=postgres` one
/// of its own on the cluster at `HERALD_TEST_POSTGRES`.
pub struct Database {
    pub url: String,
    pub dir: tempfile::TempDir,
    on_cluster: Option<(String, String)>,
}

impl Database {
    pub async fn fresh() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        if std::env::var("HERALD_TEST_DATABASE").as_deref() != Ok("postgres") {
            return Self { url: format!("sqlite:{}", dir.path().join("herald.db").display()), dir, on_cluster: None };
        }
        let cluster = std::env::var("HERALD_TEST_POSTGRES").expect("HERALD_TEST_POSTGRES, the URL of a superuser");
        let name = format!("herald_it_{}", uuid::Uuid::new_v4().simple());
        run_on(&cluster, &format!("CREATE DATABASE {name}")).await;
        let (base, _) = cluster.rsplit_once('/').expect("a URL that ends in a database's name");
        Self { url: format!("{base}/{name}"), dir, on_cluster: Some((cluster, name)) }
    }

    /// Where its Herald keeps files; of a [`super::Process`] as well.
    pub fn files(&self) -> PathBuf {
        self.dir.path().join("herald-files")
    }

    /// Does something in it that no client could, and says what came of it.
    pub fn does<T: Send + 'static>(&self, work: impl AsyncFnOnce(&mut Tx) -> Result<T> + Send + 'static) -> T {
        self.beside(async move |outbox| Ok(outbox.commit(work).await?.value))
    }

    /// As another node would: with an outbox of its own, on a thread of its own.
    fn beside<T: Send + 'static>(&self, work: impl AsyncFnOnce(&Outbox) -> Result<T> + Send + 'static) -> T {
        let url = self.url.clone();
        let other = std::thread::spawn(move || {
            let store = Store::open(&url).expect("a store");
            let (outbox, committer) = Outbox::start(store, Box::new(|_| {})).expect("a committer");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let done = runtime.block_on(work(&outbox)).expect("it is done");
            drop(outbox);
            committer.join().expect("the committer ends");
            done
        });
        other.join().expect("it is done")
    }

    /// Takes it away from Herald: on PostgreSQL all connections end, as at a fail-over; a SQLite file is
    /// locked by another program for as long as the outage is held.
    pub async fn goes_away(&self) -> Outage {
        let Some((cluster, name)) = &self.on_cluster else {
            let path = self.url.strip_prefix("sqlite:").expect("a path");
            let mut other = SqliteConnection::establish(path).expect("the file");
            other.batch_execute("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE").expect("the lock");
            return Outage { lock: Some(other) };
        };
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname =";
        run_on(cluster, &format!("{end} '{name}'")).await;
        Outage { lock: None }
    }
}

/// See [`Database::goes_away`].
pub struct Outage {
    lock: Option<SqliteConnection>,
}

impl Outage {
    /// Whether the database stays away until this is dropped.
    pub const fn lasts(&self) -> bool {
        self.lock.is_some()
    }
}

async fn run_on(cluster: &str, statement: &str) {
    let mut conn = AsyncPgConnection::establish(cluster).await.expect("the cluster");
    conn.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some((cluster, name)) = self.on_cluster.take() else { return };
        // A test's runtime can't be waited on from here.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(run_on(&cluster, &format!("DROP DATABASE {name} WITH (FORCE)")));
        });
        dropping.join().ok();
    }
}

/// Bends the settings of a server before it starts.
type Bend = Rc<dyn Fn(&mut Config)>;

/// A running Herald. When it goes out of scope it has to stop within the contract's 15 s, and must
/// not have logged an error.
pub struct TestServer {
    herald: Herald,
    bend: Bend,
    works: Option<Works>,
    bell: Bell,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
    pub database: Rc<Database>,
}

impl Deref for TestServer {
    type Target = Herald;
    fn deref(&self) -> &Herald {
        &self.herald
    }
}

impl TestServer {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Started with other settings.
    pub async fn with(bend: impl Fn(&mut Config) + 'static) -> Self {
        Self::launched(Rc::new(Database::fresh().await), Rc::new(bend), None).await
    }

    /// Started with these kinds of work for its jobs, and other settings.
    pub async fn doing(works: Works, bend: impl Fn(&mut Config) + 'static) -> Self {
        Self::launched(Rc::new(Database::fresh().await), Rc::new(bend), Some(works)).await
    }

    /// One more on the same database, with the same settings and kinds of work.
    pub async fn another(&self) -> Self {
        Self::launched(self.database.clone(), self.bend.clone(), self.works.clone()).await
    }

    async fn launched(database: Rc<Database>, bend: Bend, works: Option<Works>) -> Self {
        watch::begin();
        let bell = Bell::default();
        let doing = works.clone().map(|works| (works, bell.clone()));
        let (herald, stop, thread) = launch(&database, "127.0.0.1:0", &bend, doing).await;
        Self { herald, bend, works, bell, stop: Some(stop), thread: Some(thread), database }
    }

    /// Stops and starts again: the same database, the same port.
    pub async fn restart(&mut self) {
        // Clients are in this very thread; they have to be served while the server says goodbye.
        self.stop();
        let addr = self.herald.addr.to_string();
        let doing = self.works.clone().map(|works| (works, self.bell.clone()));
        let (herald, stop, thread) = launch(&self.database, &addr, &self.bend, doing).await;
        (self.herald, self.stop, self.thread) = (herald, Some(stop), Some(thread));
    }

    /// Forgets the history but for so many notices, as the server itself does from time to time.
    pub fn forgets_all_but(&self, notices: i64) {
        let keep = Keep { seconds: 3600, notices };
        self.database.beside(async move |outbox| prune(outbox, keep).await.map(drop));
    }

    /// Does something in the database that no client could.
    pub fn writes(&self, work: impl AsyncFnOnce(&mut Tx) -> Result<()> + Send + 'static) {
        self.database.does(work);
    }

    /// There are jobs to be run; only heard by one that was started with [`TestServer::doing`].
    pub fn rings(&self) {
        self.bell.ring();
    }

    fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
        let Some(thread) = self.thread.take() else { return };
        let asked = Instant::now();
        while !thread.is_finished() {
            assert!(asked.elapsed() < Duration::from_secs(15), "the server did not stop within 15 s");
            std::thread::park_timeout(Duration::from_millis(1));
        }
        thread.join().expect("the server does not panic").expect("the server stops in peace");
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.stop.take();
            return;
        }
        self.stop();
        watch::assert_quiet();
    }
}

async fn launch(
    database: &Database,
    addr: &str,
    bend: &Bend,
    doing: Option<(Works, Bell)>,
) -> (Herald, oneshot::Sender<()>, JoinHandle<io::Result<()>>) {
    let config = settings(database, addr, bend);
    let (stop, stopped) = oneshot::channel::<()>();
    let (bound, address) = oneshot::channel();
    let serve = move || {
        let server = Server::bind(config).map_err(io::Error::other)?;
        let server = match doing {
            Some((works, bell)) => server.with_works(works, bell),
            None => server,
        };
        bound.send(server.addr()).ok();
        server.run(async {
            // Dropped without a word, as when a test fails, means the same.
            stopped.await.ok();
        })
    };
    let thread = std::thread::Builder::new().name("herald".into()).spawn(serve).expect("a thread");
    let Ok(addr) = address.await else {
        panic!("the server did not start: {:?}", thread.join());
    };
    (Herald { addr }, stop, thread)
}

fn settings(database: &Database, addr: &str, bend: &Bend) -> Config {
    let files = database.files().display().to_string();
    let env = [
        ("HERALD_ADDR", addr),
        ("DATABASE_URL", &database.url),
        ("UPLOADS_DIR", &files),
        ("JWT_SECRET", SECRET),
        ("WORKERS", "1"),
        ("STATIC_DIR", concat!(env!("CARGO_MANIFEST_DIR"), "/static")),
        ("CORS_ORIGINS", "https://friend.example"),
    ];
    let env: HashMap<String, String> = env.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let mut config = Config::read(Given { env, ..Given::default() }, false).expect("settings");
    config.auth.cost = Cost::CHEAP;
    bend(&mut config);
    config
}
