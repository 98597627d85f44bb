//! Taking a file in: `multipart/form-data` with the one part `file`, streamed to the disk while it
//! comes, within a limit of bytes and of time.

use super::files::{Files, Kept, NewFile};
use crate::error::{Error, Fault, Result};
use actix_multipart::{Field, Multipart};
use actix_web::{HttpMessage as _, HttpRequest, error::PayloadError, http::header, web};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use std::{cell::Cell, future::Future, io, rc::Rc, time::Duration};
use tokio::time::{Instant, timeout_at};

pub use super::files::FileName;

/// The part that holds the file.
const PART: &str = "file";
/// What a body may be longer than its file: boundaries, the part's headers (64 KiB at most, and 32 of
/// them, by actix-multipart), a preamble.
const AROUND: usize = 128 * 1024;
/// A body may take so long, and then as long as its bytes take at `PACE`: nobody holds a file and a
/// connection open for ever by sending a byte now and then.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes a second.
const PACE: u64 = 8 * 1024;
/// Characters that are kept of a file's name.
const FILENAME_MAX: usize = 255;
/// Characters of a part's name that are shown to whoever sent it.
const SHOWN_MAX: usize = 64;
/// What is kept of a content type.
const CONTENT_TYPE_MAX: usize = 255;

/// A file that was handed in, whole and on the disk. It is the caller's: what is not made part of a
/// job has to be removed ([`Received::discard`]).
#[derive(Debug, Clone)]
pub struct Received {
    /// Its name in [`Files`].
    pub name: FileName,
    /// How the client calls it: text, never a path.
    pub filename: String,
    /// What the client says it is.
    pub content_type: String,
    /// Bytes.
    pub size: i64,
    /// Their SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Received {
    /// Removes the file, since the change that was to name it failed for this reason. It stays when
    /// the change may have been committed all the same; if it was not, the sweep finds the file.
    pub async fn discard(&self, files: &Files, why: &Error) {
        if matches!(why, Error::Unavailable(_) | Error::Internal) {
            return;
        }
        self.remove(files).await;
    }

    /// Removes the file, which nothing names. A failure is left to the sweep.
    pub async fn remove(&self, files: &Files) {
        if let Err(error) = files.remove(&self.name).await {
            log::warn!("a file that nobody needs could not be removed: {error}");
        }
    }
}

/// Reads the request's file, of at most `max` bytes.
///
/// # Errors
/// 415 when the body is not `multipart/form-data`, 400 when it is broken off, malformed or too slow,
/// 413 over the limit, 422 naming the part that is missing, there twice, or not `file`. 503 when the
/// disk does not take it. Nothing is left on the disk then, nor when the client hangs up.
pub async fn receive(request: &HttpRequest, payload: web::Payload, files: &Files, max: usize) -> Result<Received> {
    let form = request.mime_type().ok().flatten();
    if form.is_none_or(|form| form.essence_str() != "multipart/form-data") {
        return Err(Error::UnsupportedMediaType("multipart/form-data"));
    }
    let most = max.saturating_add(AROUND);
    let said = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if said.is_some_and(|length: usize| length > most) {
        return Err(Error::PayloadTooLarge(max));
    }
    let pace = Pace { began: Instant::now(), taken: Rc::default() };
    let parts = Multipart::new(request.headers(), counted(payload, pace.taken.clone(), most));
    Intake { parts, pace, files, max }.run().await
}

/// How fast a body has to come.
struct Pace {
    began: Instant,
    taken: Rc<Cell<usize>>,
}

impl Pace {
    /// What comes next, if it comes in time.
    async fn within<T>(&self, next: impl Future<Output = T>) -> Result<T> {
        let earned = Duration::from_secs(self.taken.get() as u64 / PACE);
        let next = timeout_at(self.began + PATIENCE + earned, next).await;
        next.map_err(|_| Error::Malformed("the body came too slowly".into()))
    }
}

/// The same bytes, counted, and no more than `most`: what stands around the file is limited too.
fn counted(
    payload: web::Payload,
    taken: Rc<Cell<usize>>,
    most: usize,
) -> impl Stream<Item = Result<Bytes, PayloadError>> {
    payload.map(move |bytes| {
        let bytes = bytes?;
        taken.set(taken.get().saturating_add(bytes.len()));
        if taken.get() > most { Err(PayloadError::Overflow) } else { Ok(bytes) }
    })
}

struct Intake<'f> {
    parts: Multipart,
    pace: Pace,
    files: &'f Files,
    max: usize,
}

impl Intake<'_> {
    async fn run(mut self) -> Result<Received> {
        let mut found: Option<(NewFile, String, String)> = None;
        while let Some(part) = self.pace.within(self.parts.next()).await? {
            let part = part.map_err(|error| self.broken(&error))?;
            let name = part.name().unwrap_or_default();
            if name != PART {
                return Err(unexpected(name));
            }
            if found.is_some() {
                return Err(Error::field(PART, "is there twice"));
            }
            let filename = cleaned(filename_of(&part));
            let content_type = content_type_of(&part);
            found = Some((self.store(part).await?, filename, content_type));
        }
        let (file, filename, content_type) = found.ok_or_else(|| Error::field(PART, "is missing"))?;
        let Kept { name, size, sha256 } = file.keep().await.map_err(|error| full(&error))?;
        let size = i64::try_from(size).map_err(Error::internal)?;
        Ok(Received { name, filename, content_type, size, sha256 })
    }

    async fn store(&self, mut part: Field) -> Result<NewFile> {
        let mut file = self.files.create().await.map_err(|error| full(&error))?;
        while let Some(bytes) = self.pace.within(part.next()).await? {
            let bytes = bytes.map_err(|error| self.broken(&error))?;
            if file.size().saturating_add(bytes.len() as u64) > self.max as u64 {
                return Err(Error::PayloadTooLarge(self.max));
            }
            file.write(bytes).await.map_err(|error| full(&error))?;
        }
        Ok(file)
    }

    fn broken(&self, error: &actix_multipart::MultipartError) -> Error {
        use actix_multipart::MultipartError as Broken;
        match error {
            Broken::Payload(PayloadError::Overflow) if self.pace.taken.get() > self.max => {
                Error::PayloadTooLarge(self.max)
            }
            Broken::Payload(PayloadError::Overflow) => Error::Malformed("the headers of a part are too long".into()),
            Broken::Payload(_) | Broken::Incomplete => Error::Malformed("the body broke off".into()),
            error => Error::Malformed(format!("the body is no multipart/form-data: {error}").into()),
        }
    }
}

fn unexpected(name: &str) -> Error {
    let field: String = name.chars().filter(|c| !c.is_control()).take(SHOWN_MAX).collect();
    Error::Invalid(vec![Fault { field: field.into(), message: "is not expected; the file goes into `file`".into() }])
}

/// The disk is full, or broken: not the client's fault.
fn full(error: &io::Error) -> Error {
    log::warn!("a file could not be stored: {error}");
    Error::Unavailable("the file could not be stored".into())
}

fn content_type_of(part: &Field) -> String {
    let text = part.content_type().map(ToString::to_string).filter(|text| text.len() <= CONTENT_TYPE_MAX);
    text.unwrap_or_else(|| "application/octet-stream".into())
}

fn filename_of(part: &Field) -> &str {
    part.content_disposition().and_then(|disposition| disposition.get_filename()).unwrap_or_default()
}

/// What is kept of a client's name for a file: the last component of what may be a path of any
/// system, without characters that do not show.
fn cleaned(text: &str) -> String {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !c.is_control() && !turns(*c)).collect();
    let name: String = plain.trim().chars().take(FILENAME_MAX).collect();
    if name.chars().all(|c| c == '.') { PART.into() } else { name }
}

/// Characters that turn the direction of what follows: `gpj.exe` would look like `exe.jpg`.
const fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
#[path = "intake_test.rs"]
mod tests;
