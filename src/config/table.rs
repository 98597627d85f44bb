//! Every setting there is, with its default and what it is for: `herald --help` is printed from
//! this table, and nothing can be read that is not in it.

/// One setting: an environment variable, and a flag of the same name (`DATABASE_URL`,
/// `--database-url`).
#[derive(Debug)]
pub struct Setting {
    /// The variable.
    pub name: &'static str,
    /// Its value where none is given; empty means none.
    pub default: &'static str,
    /// What it is for; where it is a limit, the harm that it prevents.
    pub doc: &'static str,
}

macro_rules! settings {
    ($($name:ident = $default:literal, $doc:literal;)*) => {
        /// All settings, in the order of the help.
        pub const SETTINGS: &[Setting] =
            &[$(Setting { name: stringify!($name), default: $default, doc: $doc }),*];
    };
}

settings! {
    HERALD_ADDR = "127.0.0.1:3000", "address and port to listen on";
    DATABASE_URL = "sqlite:herald.db", "sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME";
    REDIS_URL = "", "the bus between several nodes; none means one node";
    JWT_SECRET = "", "secret for HS256 tokens, 32 bytes or more; flags show in ps, so better in the environment";
    JWT_PUBLIC_KEY_FILE = "", "PEM file with the public keys of another issuer (RS256, ES256, EdDSA)";
    JWKS_URL = "", "address at which another issuer publishes its keys (https, or http on loopback)";
    JWT_ISSUER = "herald", "the only `iss` that is accepted";
    JWT_AUDIENCE = "herald", "the `aud` that has to be among a token's";
    ACCESS_TOKEN_SECONDS = "900", "how long an access token lasts";
    REFRESH_TOKEN_DAYS = "30", "how long a refresh token lasts";
    REGISTRATION = "on", "whether strangers may register: on or off";
    CORS_ORIGINS = "", "origins of web pages that may call and connect, separated by commas";
    PUBLIC_URL = "", "address under which others reach this server, for links and callbacks";
    PROCESSOR_URL = "", "address that uploads are posted to; without it uploads answer 503";
    WEBHOOK_SECRETS = "", "secrets of signed webhooks, whsec_ and base64, separated by commas; all are accepted";
    UPLOADS_DIR = "herald-files", "folder of uploaded files until they are dealt with";
    SMTP_URL = "", "smtps://USER:PASSWORD@HOST or smtp://…?tls=required; without it no e-mail is sent";
    MAIL_FROM = "", "sender of e-mail, such as Herald <herald@example.com>";
    MAIL_AFTER_SECONDS = "900", "a notification that is undelivered for so long goes out by e-mail, once";
    HISTORY_DAYS = "7", "notices are kept this long: an older cursor has to fetch anew";
    HISTORY_MAX = "1000000", "and no more notices than this: the database does not grow for ever";
    INBOX_DAYS = "365", "notifications that were read are kept this long: inboxes do not grow for ever";
    STATIC_DIR = "static", "folder of the pages, and of the Socket.IO client that npm installs there";
    RUST_LOG = "info", "what is logged: error, warn, info, debug, trace, or module=level, separated by commas";
    WORKERS = "", "threads that serve; one for each core where not given";
    TRUSTED_PROXIES = "", "addresses of proxies whose X-Forwarded-For is believed, separated by commas";
    CONNECTIONS_MAX = "20000", "live connections in all: memory and file descriptors run out beyond";
    CONNECTIONS_PER_ADDRESS = "1000", "live connections from one address: one client can't take them all";
    BODY_MAX = "262144", "bytes of a request's body: nobody fills memory with one request";
    UPLOAD_MAX = "20971520", "bytes of an uploaded file: nobody fills the disk with one request";
    JOBS_AT_ONCE = "2", "background jobs that run at the same time on this node: requests keep the machine";
    JOBS_PER_USER = "20", "unfinished jobs of one user: nobody fills the disk, or keeps others waiting, with many";
    JOB_LEASE_SECONDS = "15", "after so long without a sign of life another run takes a job up";
    PROCESSOR_TIMEOUT_SECONDS = "30", "how long one attempt to post an upload may take";
    PROCESSOR_ATTEMPTS = "8", "attempts to post an upload before its job fails";
    PROCESSOR_HOURS = "24", "how long the processor may take to call back before the job fails";
    QUEUE_MAX = "1048576", "bytes that wait for one slow connection before it is closed: memory stays bounded";
    STALL_SECONDS = "10", "how long a connection may take no bytes before it is closed (most 15): dead peers go";
    SOCKET_MESSAGE_MAX = "100000", "bytes of one message from a client: nobody fills memory with one message";
    PRESENCE_GRACE_MS = "5000", "who lost the last connection counts as online this long: a reload is no farewell";
    LOGIN_FAILURES = "10", "failed logins for one account in the window: passwords can't be guessed";
    LOGIN_FAILURES_PER_ADDRESS = "100", "failed logins from one address in the window: nor tried on everybody";
    LOGIN_WINDOW_SECONDS = "900", "the window of failed logins";
}

/// The setting of this name; `None` for a name that is none.
#[must_use]
pub fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// The setting of this flag, written without its dashes: `database-url`. `addr` is short for
/// `herald-addr`.
#[must_use]
pub fn by_flag(flag: &str) -> Option<&'static Setting> {
    if flag == "addr" {
        return setting("HERALD_ADDR");
    }
    SETTINGS.iter().find(|setting| flag_of(setting.name) == flag)
}

/// The flag of a variable, without its dashes.
#[must_use]
pub fn flag_of(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}
