//! One connection: reading requests and packets, writing with a backlog.

use herald_load::{
    frame,
    sys::{
        epoll::{Epoll, Interest},
        socket::Socket,
    },
};
use memchr::memmem;
use std::io;

const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const OPEN: &[u8] =
    br#"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
const CONNECTED: &[u8] = br#"40{"sid":"wZX3oN0bSVIhsaknAAAI"}"#;

/// What a connection said.
pub enum Said {
    /// An HTTP request whose body goes to everybody, and that is to be answered.
    Broadcast(Vec<u8>),
    /// Something that these bytes answer.
    Ask(Vec<u8>),
    /// Nothing that needs an answer.
    Nothing,
}

/// A connection.
pub struct Connection {
    /// Its socket.
    pub socket: Socket,
    /// Whether it gets broadcasts.
    pub member: bool,
    websocket: bool,
    unread: Vec<u8>,
    backlog: Vec<u8>,
}

impl Connection {
    /// A new one, of which nothing is known.
    pub fn new(socket: Socket) -> Self {
        Self { socket, member: false, websocket: false, unread: vec![], backlog: vec![] }
    }

    /// Writes at once what the socket takes; the rest waits until there is room.
    #[inline]
    pub fn write(&mut self, epoll: &Epoll, tag: u64, bytes: &[u8]) {
        if !self.backlog.is_empty() {
            self.backlog.extend_from_slice(bytes);
            return;
        }
        let sent = self.socket.send(bytes).unwrap_or(0);
        if sent < bytes.len() {
            self.backlog.extend_from_slice(&bytes[sent..]);
            self.watch(epoll, tag, Interest::ReadWrite);
        }
    }

    /// There is room: writes of what waits.
    pub fn write_backlog(&mut self, epoll: &Epoll, tag: u64) {
        if self.backlog.is_empty() {
            return;
        }
        if let Ok(sent) = self.socket.send(&self.backlog) {
            self.backlog.drain(..sent);
        }
        if self.backlog.is_empty() {
            self.watch(epoll, tag, Interest::Read);
        }
    }

    fn watch(&self, epoll: &Epoll, tag: u64, interest: Interest) {
        // It fails only for a socket that is not watched, and each is from its first moment on.
        let changed = epoll.change(&self.socket, tag, interest);
        debug_assert!(changed.is_ok());
    }

    /// Reads what came. False at the end of the stream.
    pub fn read(&mut self, buffer: &mut [u8]) -> bool {
        match self.socket.receive(buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.unread.extend_from_slice(&buffer[..count]);
                true
            }
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    /// The next complete thing that was said.
    pub fn next(&mut self) -> Option<Said> {
        let (said, length) = if self.websocket { self.packet()? } else { self.request()? };
        self.unread.drain(..length);
        Some(said)
    }

    fn request(&mut self) -> Option<(Said, usize)> {
        let body = memmem::find(&self.unread, b"\r\n\r\n")? + 4;
        if self.unread.starts_with(b"GET") {
            self.websocket = true;
            let mut answer = SWITCHING.to_vec();
            frame::write_server(OPEN, &mut answer);
            return Some((Said::Ask(answer), body));
        }
        let head = String::from_utf8_lossy(&self.unread[..body]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let end = body + length.unwrap_or(0);
        let data = self.unread.get(body..end)?;
        let mut message = vec![];
        frame::write_server(&[br#"42["changed_record","#, data, b"]"].concat(), &mut message);
        Some((Said::Broadcast(message), end))
    }

    fn packet(&mut self) -> Option<(Said, usize)> {
        let found = frame::next(&self.unread)?;
        let mask = found.mask.unwrap_or_default();
        let masked = &self.unread[found.start..found.end];
        let packet: Vec<u8> = masked.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        let mut answer = vec![];
        if packet.starts_with(b"40") {
            self.member = true;
            frame::write_server(CONNECTED, &mut answer);
        } else if let Some(ack) = ack(&packet) {
            frame::write_server(&ack, &mut answer);
        }
        Some((if answer.is_empty() { Said::Nothing } else { Said::Ask(answer) }, found.end))
    }
}

/// `42{id}["name",x]` is answered by `43{id}[x]`.
fn ack(packet: &[u8]) -> Option<Vec<u8>> {
    let rest = packet.strip_prefix(b"42")?;
    let id = &rest[..rest.iter().position(|&byte| byte == b'[')? + 1];
    let arguments = &rest[rest.iter().position(|&byte| byte == b',')? + 1..];
    Some([b"43", id, arguments].concat())
}
