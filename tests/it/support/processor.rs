//! A slow third party: takes uploads on a port of its own, answers as it is told, and calls back when
//! the test says so.

use super::{Call, Herald, PATIENCE, TestServer, User, http::Request, now};
use herald::{config::Config, jobs::upload::Backoff, secret::Secret, webhooks::signature::sign};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};

pub const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// In force as well, as while secrets are changed.
pub const OLDER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// How it answers a post.
#[derive(Debug, Clone)]
pub enum Mood {
    /// With this status, and something in the body that nobody should repeat.
    Status(u16),
    /// With a redirect to there.
    Elsewhere(SocketAddr),
    /// Not at all.
    Silent,
}

/// What it was sent.
#[derive(Debug)]
pub struct Posted {
    pub path: String,
    pub upload_id: String,
    pub user_id: String,
    pub callback_url: String,
    pub filename: String,
    pub content_type: String,
    pub content: Vec<u8>,
    stream: TcpStream,
}

impl Posted {
    /// The answer, for a post that was met with silence.
    pub async fn answer(mut self, status: u16) {
        say(&mut self.stream, status, "").await;
    }
}

pub struct StandIn {
    pub addr: SocketAddr,
    moods: Arc<Mutex<VecDeque<Mood>>>,
    posts: mpsc::UnboundedReceiver<Posted>,
    task: JoinHandle<()>,
}

impl StandIn {
    /// Answers 202 unless told otherwise.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let moods = Arc::new(Mutex::new(VecDeque::new()));
        let (said, posts) = mpsc::unbounded_channel();
        let told = moods.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (told, said) = (told.clone(), said.clone());
                tokio::spawn(async move { serve(stream, &told, &said).await });
            }
        });
        Self { addr, moods, posts, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}/files?for=herald", self.addr)
    }

    /// A Herald that brings its uploads here, and does not wait between attempts.
    pub async fn herald(&self) -> TestServer {
        self.herald_with(|_| {}).await
    }

    pub async fn herald_with(&self, bend: impl Fn(&mut Config) + 'static) -> TestServer {
        let url = self.url();
        TestServer::with(move |config| {
            config.processor_url = Some(url.parse().expect("a URL"));
            config.webhook_secrets = [WEBHOOK_SECRET, OLDER_SECRET].map(Secret::new).into();
            config.processor.backoff = Backoff::NONE;
            bend(config);
        })
        .await
    }

    /// Answers the next posts so, one after the other.
    pub fn answers(&self, moods: impl IntoIterator<Item = Mood>) {
        self.moods.lock().expect("the moods").extend(moods);
    }

    /// The next post.
    pub async fn is_sent(&mut self) -> Posted {
        let posted = tokio::time::timeout(PATIENCE, self.posts.recv()).await;
        posted.expect("nothing was posted").expect("the stand-in runs")
    }

    /// Nothing more was posted until now.
    pub fn was_sent_no_more(&mut self) {
        assert!(self.posts.try_recv().is_err(), "it was sent more");
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, moods: &Mutex<VecDeque<Mood>>, said: &mpsc::UnboundedSender<Posted>) {
    let Some((head, body)) = read(&mut stream).await else { return };
    let mood = moods.lock().expect("the moods").pop_front().unwrap_or(Mood::Status(202));
    match mood {
        Mood::Status(status) => say(&mut stream, status, "").await,
        Mood::Elsewhere(addr) => say(&mut stream, 302, &format!("Location: http://{addr}/\r\n")).await,
        Mood::Silent => {}
    }
    said.send(understood(&head, &body, stream)).ok();
}

async fn say(stream: &mut TcpStream, status: u16, more: &str) {
    let body = "a secret of the processor's";
    let head = format!("HTTP/1.1 {status} Fine\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.ok();
    stream.shutdown().await.ok();
}

async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length: usize =
                header(&head, "content-length").expect("the whole length is said").parse().expect("a length");
            if bytes.len() >= end + 4 + length {
                return Some((head, bytes.split_off(end + 4)));
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn understood(head: &str, body: &[u8], stream: TcpStream) -> Posted {
    assert!(head.starts_with("POST "), "{head}");
    let kind = header(head, "content-type").expect("a content type");
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").expect("a form").trim_matches('"');
    let part = |name: &str| part(body, boundary, name).unwrap_or_else(|| panic!("no {name}"));
    let text = |name: &str| String::from_utf8(part(name).1).expect("text");
    let (file, content) = part("file");
    let (_, filename) = file.split_once("filename=\"").expect("a filename");
    Posted {
        path: head.split(' ').nth(1).expect("a path").to_owned(),
        upload_id: text("uploadId"),
        user_id: text("userId"),
        callback_url: text("callbackUrl"),
        filename: filename.split('"').next().expect("a filename").to_owned(),
        content_type: header(&file, "content-type").expect("a content type").to_owned(),
        content,
        stream,
    }
}

/// Head and content of a part.
fn part(body: &[u8], boundary: &str, name: &str) -> Option<(String, Vec<u8>)> {
    let line = format!("--{boundary}").into_bytes();
    let starts: Vec<usize> = (0..body.len()).filter(|at| body[*at..].starts_with(&line)).collect();
    starts.windows(2).find_map(|pair| {
        let part = &body[pair[0] + line.len() + 2..pair[1] - 2];
        let end = part.windows(4).position(|four| four == b"\r\n\r\n").expect("a part's head");
        let head = String::from_utf8_lossy(&part[..end]).into_owned();
        head.contains(&format!("name=\"{name}\"")).then(|| (head, part[end + 4..].to_vec()))
    })
}

/// The body of a form, as curl and browsers write it, with its content type.
pub fn form(parts: &[(&str, &[u8])]) -> (&'static str, Vec<u8>) {
    let mut body = Vec::new();
    for (disposition, content) in parts {
        body.extend(format!("--b0undary\r\nContent-Disposition: form-data; {disposition}\r\n").as_bytes());
        body.extend(b"Content-Type: text/csv\r\n\r\n");
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--b0undary--\r\n");
    ("multipart/form-data; boundary=b0undary", body)
}

impl User {
    /// Sends a form to this path.
    pub fn sends(&self, path: &str, parts: &[(&str, &[u8])]) -> Call {
        let (kind, body) = form(parts);
        let call = self.call("POST", path);
        Call::new(self.herald.addr, call.request.raw(kind, body))
    }

    /// Uploads a file of this name.
    pub fn uploads(&self, filename: &str, content: &[u8]) -> Call {
        self.sends("/v1/uploads", &[(&format!("name=\"file\"; filename=\"{filename}\""), content)])
    }
}

/// A message on its way to a webhook, the processor's unless said otherwise, to be bent.
#[derive(Debug, Clone)]
pub struct Message {
    pub path: &'static str,
    pub id: String,
    pub secret: &'static str,
    pub sent: i64,
    pub body: Value,
}

impl Message {
    /// That it is done with this upload.
    pub fn done(upload_id: &str, user_id: &str, data: Value) -> Self {
        let body = json!({ "uploadId": upload_id, "userId": user_id, "status": "done", "data": data });
        Self::on("/v1/webhooks/processor", body)
    }

    /// Of the payment provider.
    pub fn of_payments(body: Value) -> Self {
        Self::on("/v1/webhooks/payments", body)
    }

    fn on(path: &'static str, body: Value) -> Self {
        Self { path, id: format!("msg_{}", uuid::Uuid::new_v4().simple()), secret: WEBHOOK_SECRET, sent: now(), body }
    }

    /// Of the processor that was sent this.
    pub fn about(posted: &Posted, data: Value) -> Self {
        Self::done(&posted.upload_id, &posted.user_id, data)
    }

    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.body[field] = value.into();
        self
    }

    /// Signed, to this Herald.
    pub fn to(&self, herald: &Herald) -> Call {
        self.raw(herald, self.body.to_string().as_bytes())
    }

    /// With another body than it was meant to have, signed.
    pub fn raw(&self, herald: &Herald, body: &[u8]) -> Call {
        let signature = sign(&Secret::new(self.secret), &self.id, self.sent, body).expect("a secret");
        self.unsigned(herald, body).header("webhook-signature", signature)
    }

    /// Without a signature.
    pub fn unsigned(&self, herald: &Herald, body: &[u8]) -> Call {
        let request = Request::new("POST", self.path).raw("application/json", body);
        Call::new(herald.addr, request)
            .header("webhook-id", self.id.clone())
            .header("webhook-timestamp", self.sent.to_string())
    }
}
