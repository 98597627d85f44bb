//! Settings: by flag or environment, each checked at the start, all faults reported together
//! (CONTRACT 1). What there is stands in `table`, what it has to look like in `checks`.

mod checks;
mod demo;
mod reader;
mod table;

pub use reader::Given;
pub use table::{SETTINGS, Setting, by_flag, flag_of};

use crate::{
    auth::{self, Attempts, Cost, KeySource, keys},
    delivery::mail,
    jobs::upload::Backoff,
    secret::Secret,
};
use reader::Reader;
use reqwest::Url;
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
/// A replay is handed over in stretches that must fit (`broker::REPLAY_BYTES` and what was left before).
const QUEUE_LEAST: usize = 256 * 1024;
/// Connections that stopped taking bytes are closed within 15 s (CONTRACT 3).
const STALL_MOST: u64 = 15;

/// Everything that Herald is told before it starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whether to create the demo's accounts and data.
    pub demo: bool,
    /// Where to listen.
    pub addr: SocketAddr,
    /// `sqlite:PATH` or `postgres://…`; may hold a password.
    pub database_url: Secret,
    /// Identity.
    pub auth: auth::Settings,
    /// Web pages that may call and connect, as browsers write their `Origin`.
    pub cors_origins: Vec<String>,
    /// Under which address others reach this server.
    pub public_url: Option<Url>,
    /// Where uploads are posted to.
    pub processor_url: Option<Url>,
    /// How uploads are posted and waited for.
    pub processor: Processor,
    /// Background jobs.
    pub jobs: Jobs,
    /// Where uploaded files lie until they are dealt with.
    pub uploads_dir: PathBuf,
    /// E-mail as the last resort; `None`: off.
    pub mail: Option<mail::Settings>,
    /// How long notifications that were read are kept, in seconds.
    pub inbox_seconds: i64,
    /// The secrets of signed webhooks (`whsec_…`), all of them valid.
    pub webhook_secrets: Vec<Secret>,
    /// How much history is kept.
    pub history: History,
    /// Where the pages lie.
    pub static_dir: PathBuf,
    /// What is logged (the syntax of `env_logger`).
    pub log: String,
    /// Threads that serve.
    pub workers: usize,
    /// How much anybody may take.
    pub limits: Limits,
}

/// How uploads are posted and waited for.
#[derive(Debug, Clone, Copy)]
pub struct Processor {
    /// One attempt may take this long.
    pub timeout: Duration,
    /// So many attempts are made.
    pub attempts: i32,
    /// How long to wait between them.
    pub backoff: Backoff,
    /// The processor may take this long to call back, in seconds.
    pub deadline_seconds: i64,
}

/// Background jobs.
#[derive(Debug, Clone, Copy)]
pub struct Jobs {
    /// So many run at the same time on this node.
    pub at_once: usize,
    /// So many unfinished ones a user may have.
    pub per_user: i64,
    /// After so long without a sign of life another run takes a job up.
    pub lease: Duration,
}

/// How much history is kept: whichever is less.
#[derive(Debug, Clone, Copy)]
pub struct History {
    /// For how long, in seconds.
    pub seconds: i64,
    /// How many notices.
    pub notices: i64,
}

/// How much anybody may take. What each prevents is in the table.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Live connections in all.
    pub connections: usize,
    /// Live connections from one address.
    pub connections_per_address: usize,
    /// Bytes of a request's body.
    pub body: usize,
    /// Bytes of an uploaded file.
    pub upload: usize,
    /// Bytes that wait for one connection.
    pub queue: usize,
    /// How long a connection may take no bytes.
    pub stall: Duration,
    /// Bytes of one message from a client.
    pub socket_message: usize,
    /// How long who lost the last connection counts as online.
    pub presence_grace: Duration,
}

impl Config {
    /// Reads and checks everything. With `demo`, makes the demo's secret unless a key is given.
    ///
    /// # Errors
    /// All faults, each beginning with the name of its setting.
    pub fn read(mut given: Given, demo: bool) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        if demo && !KEYS.iter().any(|name| given.has(name)) {
            let url = Reader::new(&given).text("DATABASE_URL");
            // A wrong URL is reported below.
            if let Ok(url) = checks::database(&url) {
                match demo::secret(&demo::secret_path(&url)) {
                    Ok(secret) => drop(given.demo.insert("JWT_SECRET", secret)),
                    Err(what) => faults.push(format!("--demo: can't keep its secret: {what}")),
                }
            }
        }
        let mut reader = Reader::new(&given);
        let config = Self::from(&mut reader, demo, faults.is_empty());
        match reader.or(config) {
            Ok(config) if faults.is_empty() => Ok(config),
            Ok(_) => Err(faults),
            Err(more) => Err([faults, more].concat()),
        }
    }

    fn from(reader: &mut Reader<'_>, demo: bool, keyed: bool) -> Option<Self> {
        let addr: Option<SocketAddr> = reader.parse("HERALD_ADDR", "an address and port such as 127.0.0.1:3000");
        if demo && addr.is_some_and(|addr| !addr.ip().is_loopback()) {
            reader.fault("HERALD_ADDR", "a demo has a known password; it listens on loopback only (127.0.0.1)");
        }
        if reader.maybe("REDIS_URL").is_some() {
            reader.fault("REDIS_URL", "several nodes are not built yet; leave it out to run one");
        }
        let database_url = checked(reader, "DATABASE_URL", checks::database);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = if reader.maybe("WORKERS").is_some() { reader.number("WORKERS", 1..=1024) } else { cores };
        let auth = auth_settings(reader, keyed);
        Some(Self {
            demo,
            workers,
            cors_origins: reader.list("CORS_ORIGINS", checks::origin),
            public_url: checked(reader, "PUBLIC_URL", checks::web_address),
            processor_url: processor_url(reader),
            webhook_secrets: reader.list("WEBHOOK_SECRETS", checks::webhook_secret),
            processor: Processor {
                timeout: Duration::from_secs(reader.number("PROCESSOR_TIMEOUT_SECONDS", 1..=600)),
                attempts: reader.number("PROCESSOR_ATTEMPTS", 1..=100),
                backoff: Backoff::DEFAULT,
                deadline_seconds: reader.number("PROCESSOR_HOURS", 1..=720) * HOUR,
            },
            jobs: Jobs {
                at_once: reader.number("JOBS_AT_ONCE", 1..=64),
                per_user: reader.number("JOBS_PER_USER", 1..=100_000),
                lease: Duration::from_secs(reader.number("JOB_LEASE_SECONDS", 2..=3600)),
            },
            uploads_dir: reader.text("UPLOADS_DIR").into(),
            mail: mail(reader),
            inbox_seconds: reader.number("INBOX_DAYS", 1..=36_500) * DAY,
            history: History {
                seconds: reader.number("HISTORY_DAYS", 1..=3650) * DAY,
                notices: reader.number("HISTORY_MAX", 1000..=i64::MAX),
            },
            static_dir: reader.text("STATIC_DIR").into(),
            log: reader.text("RUST_LOG"),
            limits: Limits {
                connections: reader.number("CONNECTIONS_MAX", 1..=10_000_000),
                connections_per_address: reader.number("CONNECTIONS_PER_ADDRESS", 1..=10_000_000),
                body: reader.number("BODY_MAX", 1024..=1 << 30),
                upload: reader.number("UPLOAD_MAX", 1024..=1 << 34),
                queue: reader.number("QUEUE_MAX", QUEUE_LEAST..=1 << 30),
                stall: Duration::from_secs(reader.number("STALL_SECONDS", 1..=STALL_MOST)),
                socket_message: reader.number("SOCKET_MESSAGE_MAX", 1024..=64 << 20),
                presence_grace: Duration::from_millis(reader.number("PRESENCE_GRACE_MS", 0..=600_000)),
            },
            addr: addr?,
            database_url: Secret::new(database_url?),
            auth: auth?,
        })
    }
}

const KEYS: [&str; 3] = ["JWT_SECRET", "JWT_PUBLIC_KEY_FILE", "JWKS_URL"];

fn auth_settings(reader: &mut Reader<'_>, keyed: bool) -> Option<auth::Settings> {
    let keys = key_source(reader, keyed);
    Some(auth::Settings {
        issuer: reader.text("JWT_ISSUER"),
        audience: reader.text("JWT_AUDIENCE"),
        access_seconds: reader.number("ACCESS_TOKEN_SECONDS", 10..=DAY),
        refresh_seconds: reader.number("REFRESH_TOKEN_DAYS", 1..=365) * DAY,
        registration: reader.switch("REGISTRATION"),
        attempts: Attempts {
            per_account: reader.number("LOGIN_FAILURES", 1..=1_000_000),
            per_address: reader.number("LOGIN_FAILURES_PER_ADDRESS", 1..=1_000_000),
            window_seconds: reader.number("LOGIN_WINDOW_SECONDS", 1..=86_400),
        },
        trusted_proxies: reader.list("TRUSTED_PROXIES", |text| {
            text.parse().map(|address: IpAddr| address.to_canonical()).map_err(|_| "has to be an IP address".into())
        }),
        cost: Cost::DEFAULT,
        keys: keys?,
    })
}

/// E-mail, if there is a server to send it by.
fn mail(reader: &mut Reader<'_>) -> Option<mail::Settings> {
    let after_seconds = reader.number("MAIL_AFTER_SECONDS", 1..=30 * DAY);
    let server = checked(reader, "SMTP_URL", checks::mail_server);
    let from = checked(reader, "MAIL_FROM", checks::mailbox);
    if server.is_some() && reader.maybe("MAIL_FROM").is_none() {
        reader.fault("MAIL_FROM", "SMTP_URL needs a sender, such as Herald <herald@example.com>");
    }
    Some(mail::Settings { server: server?, from: from?, after_seconds, patience: mail::PATIENCE })
}

/// Whoever posts files has to be able to believe the answers.
fn processor_url(reader: &mut Reader<'_>) -> Option<Url> {
    let url = checked(reader, "PROCESSOR_URL", checks::web_address)?;
    if reader.maybe("WEBHOOK_SECRETS").is_none() {
        let why = "PROCESSOR_URL needs a secret that its callbacks are signed with: whsec_ and what `openssl rand \
                   -base64 32` prints";
        reader.fault("WEBHOOK_SECRETS", why);
    }
    Some(url)
}

/// Exactly one of the three ways to know a good token from a bad one.
fn key_source(reader: &mut Reader<'_>, keyed: bool) -> Option<KeySource> {
    let [secret, file, jwks] = KEYS.map(|name| reader.maybe(name));
    match (secret, file, jwks) {
        // Already reported: the demo's secret could not be made.
        (None, None, None) if !keyed => None,
        (None, None, None) => {
            reader.fault(
                "JWT_SECRET",
                "nothing to check tokens with. Set JWT_SECRET (32 bytes or more, such as `openssl rand -base64 48` \
                 prints), or JWT_PUBLIC_KEY_FILE or JWKS_URL where tokens come from another issuer, or try --demo",
            );
            None
        }
        (Some(secret), None, None) => {
            if secret.len() < keys::SECRET_MIN {
                reader.fault("JWT_SECRET", format_args!("has to be {} bytes or more", keys::SECRET_MIN));
            }
            Some(KeySource::Secret(Secret::new(secret)))
        }
        (None, Some(path), None) => {
            let read = std::fs::read_to_string(path).map_err(|error| error.to_string());
            match read.and_then(|text| keys::read_pem(&text)) {
                Ok(keys) => Some(KeySource::Public(keys)),
                Err(what) => {
                    reader.fault("JWT_PUBLIC_KEY_FILE", format_args!("{path}: {what}"));
                    None
                }
            }
        }
        (None, None, Some(_)) => {
            checked(reader, "JWKS_URL", checks::safe_address).map(|url| KeySource::Jwks(url.to_string()))
        }
        _ => {
            reader.fault("JWT_SECRET", "only one of JWT_SECRET, JWT_PUBLIC_KEY_FILE and JWKS_URL can be in force");
            None
        }
    }
}

/// A setting that may be missing, but not wrong.
fn checked<T>(reader: &mut Reader<'_>, name: &'static str, check: impl Fn(&str) -> Result<T, String>) -> Option<T> {
    match check(reader.maybe(name)?) {
        Ok(value) => Some(value),
        Err(what) => {
            reader.fault(name, what);
            None
        }
    }
}

#[cfg(test)]
mod tests;
