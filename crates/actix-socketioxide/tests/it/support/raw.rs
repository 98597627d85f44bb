//! A client made of one blocking socket: sends and sees exactly the bytes that it is told to.

use super::server::PATIENCE;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
};

pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub struct Raw {
    reader: BufReader<TcpStream>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    Text(String),
    Binary(Vec<u8>),
    Close,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Raw {
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("a server");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Self { reader: BufReader::new(stream) }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.reader.get_mut().write_all(bytes.as_ref()).expect("a stream that takes bytes");
    }

    pub fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send(request(method, path, headers, body));
        self.answer()
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.request("GET", path, &[], "")
    }

    pub fn answer(&mut self) -> Answer {
        let line = self.line();
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").expect("a header");
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut answer = Answer { status: status.expect("a status"), headers, body: String::new() };
        let length = answer.header("content-length").map_or(0, |text| text.parse().expect("a length"));
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).expect("the whole body");
        answer.body = String::from_utf8(body).expect("text");
        answer
    }

    pub fn text(&mut self, text: &str) {
        self.send(frame(text));
    }

    pub fn frame(&mut self) -> Frame {
        let mut head = [0; 2];
        self.exact(&mut head);
        let length = match head[1] {
            126 => {
                let mut long = [0; 2];
                self.exact(&mut long);
                usize::from(u16::from_be_bytes(long))
            }
            127 => {
                let mut long = [0; 8];
                self.exact(&mut long);
                u64::from_be_bytes(long) as usize
            }
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        self.exact(&mut payload);
        match head[0] & 0x0f {
            1 => Frame::Text(String::from_utf8(payload).expect("text")),
            2 => Frame::Binary(payload),
            8 => Frame::Close,
            other => panic!("unexpected opcode {other}"),
        }
    }

    /// Reads until the server has closed, whichever way.
    pub fn ends(&mut self) {
        let mut rest = [0; 4096];
        while let Ok(1..) = self.reader.read(&mut rest) {}
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a line");
        assert!(line.ends_with("\r\n"), "the stream ended in {line:?}");
        line.trim_end().to_owned()
    }

    fn exact(&mut self, bytes: &mut [u8]) {
        self.reader.read_exact(bytes).expect("more of a frame");
    }
}

pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        text += "host: herald.example\r\n";
    }
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        text += &format!("content-length: {}\r\n", body.len());
    }
    text + "\r\n" + body
}

/// A websocket handshake, with `more` headers in place of or beside the usual ones.
pub fn handshake(path: &str, more: &[(&str, &str)]) -> String {
    let usual = [
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", KEY),
    ];
    let kept = usual.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    let headers: Vec<_> = kept.chain(more).copied().filter(|(_, value)| !value.is_empty()).collect();
    request("GET", path, &headers, "")
}

/// A text frame as clients send it.
pub fn frame(text: &str) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    assert!(text.len() < 126);
    let mut bytes = vec![0x81, 0x80 | text.len() as u8];
    bytes.extend(mask);
    bytes.extend(text.bytes().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
    bytes
}
