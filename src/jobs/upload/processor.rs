//! The slow third party, as Herald calls it: one `POST`, and what its answer means.

use super::Upload;
use crate::{
    error::{Error, Result},
    jobs::files::{FileName, Files},
};
use reqwest::{
    Body, Client, StatusCode, Url,
    multipart::{Form, Part},
    redirect::Policy,
};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

/// Where the processor reports back.
const CALLBACK: &str = "/v1/webhooks/processor";
/// A processor that is there takes a connection at once.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// What came of handing a file over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It has the file, and will call back.
    Accepted,
    /// Not now; perhaps later. The reason.
    Again(String),
    /// It will not take this file. The reason.
    Refused(String),
}

/// The processor at `PROCESSOR_URL`.
pub struct Processor {
    client: Client,
    url: Url,
    callback: String,
}

impl Processor {
    /// At this address, told to call back here; one call may take `timeout`.
    ///
    /// # Errors
    /// 500 when there is no TLS.
    pub fn new(url: Url, callback: String, timeout: Duration) -> Result<Self> {
        // Fails only when a provider was chosen already, which is just as well.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = Client::builder()
            .connect_timeout(CONNECT_WITHIN.min(timeout))
            .timeout(timeout)
            // Files go where the operator said and nowhere else: no redirect and no proxy that
            // happens to stand in the environment sends them on.
            .redirect(Policy::none())
            .no_proxy()
            // Uploads are rare, and a connection that was kept may turn out to be dead.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(Error::internal)?;
        Ok(Self { client, url, callback })
    }

    /// Hands the file over: multipart `uploadId`, `userId`, `callbackUrl`, and `file`, streamed from
    /// the disk. Nothing of the answer's body is read. The reasons hold no address and no secret.
    pub async fn post(&self, upload: &Upload, files: &Files, file: &FileName) -> Answer {
        let part = match part(upload, files, file).await {
            Ok(part) => part,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Answer::Refused("the file is not there any more".into());
            }
            Err(error) => {
                log::warn!("the file of upload {} could not be read: {error}", upload.id);
                return Answer::Again("the file could not be read".into());
            }
        };
        let form = Form::new()
            // As browsers do (RFC 7578): names in UTF-8 as they are, not as `filename*`.
            .percent_encode_noop()
            .text("uploadId", upload.id.to_string())
            .text("userId", upload.user_id.to_string())
            .text("callbackUrl", self.callback.clone())
            .part("file", part);
        match self.client.post(self.url.clone()).multipart(form).send().await {
            Ok(answer) => meaning(answer.status()),
            Err(error) if error.is_timeout() => Answer::Again("the processor did not answer in time".into()),
            Err(error) if error.is_connect() => Answer::Again("the processor can't be reached".into()),
            Err(error) => {
                log::debug!("posting an upload: {}", error.without_url());
                Answer::Again("the connection to the processor broke off".into())
            }
        }
    }
}

async fn part(upload: &Upload, files: &Files, file: &FileName) -> io::Result<Part> {
    let (size, stretches) = files.read(file).await?;
    let part = Part::stream_with_length(Body::wrap_stream(stretches), size).file_name(upload.filename.clone());
    part.mime_str(&upload.content_type).map_err(io::Error::other)
}

/// What a status means. It was the processor's turn to say so: another attempt changes nothing, unless
/// it says that it may.
fn meaning(status: StatusCode) -> Answer {
    let said = || format!("the processor answered {}", status.as_u16());
    match status.as_u16() {
        200..=299 => Answer::Accepted,
        408 | 429 | 500..=599 => Answer::Again(said()),
        _ => Answer::Refused(said()),
    }
}

/// Where the processor reports back: under `PUBLIC_URL`, else on the address that Herald listens on.
#[must_use]
pub fn callback(public_url: Option<&Url>, addr: SocketAddr) -> String {
    match public_url {
        Some(url) => {
            let mut url = url.clone();
            url.set_path(&format!("{}{CALLBACK}", url.path().trim_end_matches('/')));
            url.set_query(None);
            url.set_fragment(None);
            url.into()
        }
        None => {
            // Listening on every address; nobody can call 0.0.0.0.
            let ip = match addr.ip() {
                ip if !ip.is_unspecified() => ip,
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            };
            format!("http://{}{CALLBACK}", SocketAddr::new(ip, addr.port()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_attempt_is_made_where_it_may_help() {
        for status in [200, 202, 204] {
            assert_eq!(meaning(StatusCode::from_u16(status).expect("a status")), Answer::Accepted);
        }
        for status in [408, 429, 500, 502, 503, 504, 599] {
            let answer = meaning(StatusCode::from_u16(status).expect("a status"));
            assert_eq!(answer, Answer::Again(format!("the processor answered {status}")));
        }
        for status in [301, 302, 307, 400, 401, 404, 413, 422, 499] {
            let answer = meaning(StatusCode::from_u16(status).expect("a status"));
            assert_eq!(answer, Answer::Refused(format!("the processor answered {status}")));
        }
    }

    #[test]
    fn the_callback_lies_under_the_public_address() {
        let addr: SocketAddr = "0.0.0.0:3000".parse().expect("an address");
        let under = |url: &str| callback(Some(&url.parse().expect("a URL")), addr);
        assert_eq!(under("https://a.example"), "https://a.example/v1/webhooks/processor");
        assert_eq!(under("https://a.example/herald/?x=1#y"), "https://a.example/herald/v1/webhooks/processor");
        assert_eq!(callback(None, addr), "http://127.0.0.1:3000/v1/webhooks/processor");
        let six: SocketAddr = "[::]:80".parse().expect("an address");
        assert_eq!(callback(None, six), "http://[::1]:80/v1/webhooks/processor");
        let own: SocketAddr = "10.0.0.7:81".parse().expect("an address");
        assert_eq!(callback(None, own), "http://10.0.0.7:81/v1/webhooks/processor");
    }
}
