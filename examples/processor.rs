//! A stand-in for the slow third party that Herald brings uploads to: takes a file, says that it has
//! it, counts its lines, words and bytes, and reports that a moment later to Herald's webhook, signed.
//!
//! ```sh
//! cargo run --example processor -- --secret whsec_… [--addr 127.0.0.1:4000] [--wait SECONDS]
//! ```
//!
//! Herald needs the same secret in `WEBHOOK_SECRETS`, and `PROCESSOR_URL=http://127.0.0.1:4000/`. An
//! empty file is reported as `failed`. README.md, "Slow third parties", has the whole round.

use actix_multipart::{Field, Multipart};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, error::ErrorBadRequest, web};
use futures_util::StreamExt as _;
use herald::{secret::Secret, time::Time, webhooks::signature};
use serde_json::{Value, json};
use std::{error::Error, time::Duration};

/// Attempts to report; Herald may be restarting.
const ATTEMPTS: u32 = 8;
/// Bytes of a field that is no file.
const FIELD_MAX: usize = 4096;

/// What it was told on the command line.
#[derive(Clone)]
struct Settings {
    secret: Secret,
    addr: String,
    wait: Duration,
}

/// What comes with a file.
#[derive(Debug, Default)]
struct Upload {
    id: String,
    user: String,
    callback: String,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    lines: u64,
    words: u64,
    bytes: u64,
    in_word: bool,
}

impl Counts {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let space = byte.is_ascii_whitespace();
            self.lines += u64::from(*byte == b'\n');
            self.words += u64::from(!space && !self.in_word);
            self.bytes += 1;
            self.in_word = !space;
        }
    }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings = arguments()?;
    // The client's cryptography; only needed where Herald is called by https.
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
    let addr = settings.addr.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(settings.clone()))
            .app_data(web::Data::new(client.clone()))
            .default_service(web::post().to(take))
    });
    let server = server.workers(1).bind(&addr)?;
    for addr in server.addrs() {
        eprintln!("processor: listening on http://{addr}/");
    }
    Ok(server.run().await?)
}

fn arguments() -> Result<Settings, Box<dyn Error>> {
    use lexopt::prelude::*;
    let (mut secret, mut addr, mut wait) = (None, "127.0.0.1:4000".to_owned(), 1.0);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("secret") => secret = Some(Secret::new(arguments.value()?.string()?)),
            Long("addr") => addr = arguments.value()?.string()?,
            Long("wait") => wait = arguments.value()?.parse()?,
            other => return Err(other.unexpected().into()),
        }
    }
    let secret = secret.ok_or("--secret whsec_… is needed: what Herald has in WEBHOOK_SECRETS")?;
    signature::sign(&secret, "", 0, b"").ok_or("--secret has to be whsec_ and base64")?;
    Ok(Settings { secret, addr, wait: Duration::try_from_secs_f64(wait)? })
}

/// Takes a file and answers at once; the work comes later.
async fn take(
    request: HttpRequest,
    payload: web::Payload,
    settings: web::Data<Settings>,
    client: web::Data<reqwest::Client>,
) -> actix_web::Result<HttpResponse> {
    let mut upload = Upload::default();
    let mut parts = Multipart::new(request.headers(), payload);
    while let Some(part) = parts.next().await {
        let mut part = part?;
        match part.name() {
            Some("uploadId") => upload.id = text(part).await?,
            Some("userId") => upload.user = text(part).await?,
            Some("callbackUrl") => upload.callback = text(part).await?,
            Some("file") => {
                while let Some(bytes) = part.next().await {
                    upload.counts.add(&bytes?);
                }
            }
            _ => return Err(ErrorBadRequest("what is this part?")),
        }
    }
    eprintln!("processor: has upload {}", upload.id);
    actix_web::rt::spawn(async move {
        tokio::time::sleep(settings.wait).await;
        report(&settings, &client, upload).await;
    });
    Ok(HttpResponse::Accepted().finish())
}

async fn text(mut field: Field) -> actix_web::Result<String> {
    let bytes = field.bytes(FIELD_MAX).await.map_err(ErrorBadRequest)??;
    String::from_utf8(bytes.to_vec()).map_err(ErrorBadRequest)
}

/// Reports until Herald has it: always under the same id, signed anew each time.
async fn report(settings: &Settings, client: &reqwest::Client, upload: Upload) {
    let (status, data) = result(&upload.counts);
    let body = json!({ "uploadId": upload.id, "userId": upload.user, "status": status, "data": data }).to_string();
    let id = format!("msg_{}", uuid::Uuid::new_v4().simple());
    for attempt in 0..ATTEMPTS {
        let now = Time::now().unix();
        let Some(signed) = signature::sign(&settings.secret, &id, now, body.as_bytes()) else { return };
        let call = client
            .post(&upload.callback)
            .header(signature::ID, &id)
            .header(signature::TIMESTAMP, now)
            .header(signature::SIGNATURE, signed)
            .header("content-type", "application/json")
            .body(body.clone());
        match call.send().await {
            Ok(answer) if answer.status().is_success() => return eprintln!("processor: reported {body}"),
            // It will not be right the next time either.
            Ok(answer) if answer.status().is_client_error() => {
                return eprintln!("processor: Herald refused the report: {}", answer.status());
            }
            Ok(answer) => eprintln!("processor: Herald answered {}", answer.status()),
            Err(error) => eprintln!("processor: {error}"),
        }
        tokio::time::sleep(Duration::from_secs(1 << attempt)).await;
    }
}

fn result(counts: &Counts) -> (&'static str, Value) {
    let Counts { lines, words, bytes, .. } = counts;
    match bytes {
        0 => ("failed", json!({ "error": "the file is empty" })),
        _ => ("done", json!({ "lines": lines, "words": words, "bytes": bytes })),
    }
}
