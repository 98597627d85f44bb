//! HTTP/1.1, as little of it as the tests need: one request a connection, so that nothing is left
//! open behind a test's back, and every header exactly as the test wrote it.

use serde_json::Value;
use std::{collections::HashMap, io, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Status and headers of an answer.
#[derive(Debug, Clone)]
pub struct Head {
    pub status: u16,
    headers: HashMap<String, Vec<String>>,
}

impl Head {
    /// A header's only (or first) value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(&name.to_ascii_lowercase()).and_then(|values| values.first()).map(String::as_str)
    }

    fn is_chunked(&self) -> bool {
        self.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    }

    fn parse(text: &str) -> Self {
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {text}"));
        let mut headers: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            headers.entry(name.to_ascii_lowercase()).or_default().push(value.trim().to_owned());
        }
        Self { status, headers }
    }
}

/// The body of an answer, as it comes in.
pub struct Body {
    stream: TcpStream,
    buffer: Vec<u8>,
    framing: Framing,
}

enum Framing {
    Chunked,
    Length(usize),
    UntilClose,
    Done,
}

impl Body {
    /// The next bytes; `None` at the end. Cancelling loses nothing.
    pub async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            match self.framing {
                Framing::Done => return Ok(None),
                Framing::Length(0) => {
                    self.framing = Framing::Done;
                    continue;
                }
                Framing::Length(left) if !self.buffer.is_empty() => {
                    let part: Vec<u8> = self.buffer.drain(..left.min(self.buffer.len())).collect();
                    self.framing = Framing::Length(left - part.len());
                    return Ok(Some(part));
                }
                Framing::UntilClose if !self.buffer.is_empty() => return Ok(Some(std::mem::take(&mut self.buffer))),
                Framing::Chunked => {
                    if let Some(chunk) = self.chunk()? {
                        if chunk.is_empty() {
                            self.framing = Framing::Done;
                            continue;
                        }
                        return Ok(Some(chunk));
                    }
                }
                _ => {}
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return match self.framing {
                    Framing::UntilClose => Ok(None),
                    _ => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }

    /// One whole chunk off the buffer, once it is there.
    fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(line) = self.buffer.windows(2).position(|pair| pair == b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&self.buffer[..line]).ok().and_then(|hex| usize::from_str_radix(hex, 16).ok());
        let size = size.ok_or(io::ErrorKind::InvalidData)?;
        if self.buffer.len() < line + 2 + size + 2 {
            return Ok(None);
        }
        let chunk = self.buffer[line + 2..line + 2 + size].to_vec();
        self.buffer.drain(..line + 2 + size + 2);
        Ok(Some(chunk))
    }

    pub async fn text(mut self) -> io::Result<String> {
        let mut all = Vec::new();
        while let Some(part) = self.next().await? {
            all.extend(part);
        }
        Ok(String::from_utf8_lossy(&all).into_owned())
    }
}

/// A request; sent by [`Request::send`].
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
}

impl Request {
    pub fn new(method: &str, path: impl Into<String>) -> Self {
        Self { method: method.to_owned(), path: path.into(), headers: Vec::new(), body: None }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }

    pub fn raw(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        if !kind.is_empty() {
            self.headers.push(("Content-Type".into(), kind.into()));
        }
        self.body = Some(body.into());
        self
    }

    /// Sends it over a connection of its own; the body follows as it comes.
    pub async fn open(&self, to: SocketAddr) -> io::Result<(Head, Body)> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        self.open_on(stream, to).await
    }

    pub async fn open_on(&self, mut stream: TcpStream, to: SocketAddr) -> io::Result<(Head, Body)> {
        let mut bytes = format!("{} {} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &self.body {
            bytes.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        bytes.push_str("\r\n");
        let mut bytes = bytes.into_bytes();
        bytes.extend(self.body.iter().flatten());
        // A server that has refused already may read no further: its answer counts.
        let written = stream.write_all(&bytes).await;
        let mut buffer = Vec::new();
        let end = loop {
            if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                written?;
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let head = Head::parse(&String::from_utf8_lossy(&buffer[..end]));
        buffer.drain(..end + 4);
        let framing = match head.header("content-length") {
            _ if self.method == "HEAD" || head.status == 204 || head.status == 304 => Framing::Done,
            _ if head.is_chunked() => Framing::Chunked,
            Some(length) => Framing::Length(length.parse().map_err(|_| io::ErrorKind::InvalidData)?),
            None => Framing::UntilClose,
        };
        Ok((head, Body { stream, buffer, framing }))
    }

    /// Sends it and reads the whole answer.
    pub async fn send(&self, to: SocketAddr) -> io::Result<(Head, String)> {
        let (head, body) = self.open(to).await?;
        Ok((head, body.text().await?))
    }
}
