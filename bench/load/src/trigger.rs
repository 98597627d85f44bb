//! Keep-alive HTTP/1.1 connections that cause broadcasts, with one request in flight on each.

use crate::sys::{process::now, socket::Socket};
use memchr::memmem;
use std::{io, net::SocketAddrV4};

/// Longest wait for such a connection, milliseconds.
const CONNECT: i32 = 5000;

/// One connection.
pub struct Trigger {
    /// Its socket.
    pub socket: Socket,
    /// Whether its request is not answered yet.
    pub busy: bool,
    /// When the request was sent.
    pub sent_at: u64,
    unread: Vec<u8>,
}

/// What came on a connection.
pub enum Answer {
    /// Nothing complete.
    Nothing,
    /// A response with this status.
    Status(u16),
    /// The end.
    Closed,
}

impl Trigger {
    /// Connects, and waits until it is connected.
    pub fn open(to: SocketAddrV4) -> io::Result<Self> {
        let socket = Socket::connect(to, None, 0)?;
        socket.writable(CONNECT)?;
        Ok(Self { socket, busy: false, sent_at: 0, unread: Vec::with_capacity(4096) })
    }

    /// Sends a request.
    pub fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.busy = true;
        self.sent_at = now();
        self.socket.send_all(request)
    }

    /// Reads what came; `buffer` is scratch space.
    pub fn read(&mut self, buffer: &mut [u8]) -> Answer {
        loop {
            match self.socket.receive(buffer) {
                Ok(0) => return Answer::Closed,
                Ok(count) => {
                    self.unread.extend_from_slice(&buffer[..count]);
                    if count < buffer.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return Answer::Closed,
            }
        }
        match response(&self.unread) {
            Some((status, length)) => {
                self.unread.drain(..length);
                self.busy = false;
                Answer::Status(status)
            }
            None => Answer::Nothing,
        }
    }
}

/// Status and length of the complete response that `bytes` begin with.
fn response(bytes: &[u8]) -> Option<(u16, usize)> {
    let end = memmem::find(bytes, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = end + 4;
    let length = if let Some(length) = head.lines().find_map(|line| line.strip_prefix("content-length:")) {
        body + length.trim().parse().unwrap_or(0)
    } else if head.contains("transfer-encoding: chunked") {
        const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";
        let before_body = end + 2;
        before_body + memmem::find(&bytes[before_body..], LAST_CHUNK)? + LAST_CHUNK.len()
    } else {
        body
    };
    (bytes.len() >= length).then_some((status, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_ends_where_its_head_says() {
        for (text, length) in [
            ("HTTP/1.1 204 No Content\r\n\r\nHTTP", 27),
            ("HTTP/1.1 204 x\r\nContent-Length: 2\r\n\r\n{}HTTP", 39),
            ("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nHTTP", 58),
        ] {
            assert_eq!(response(text.as_bytes()), Some((204, length)), "{text}");
            assert_eq!(response(&text.as_bytes()[..length - 1]), None, "{text}, cut");
        }
    }
}
