//! From TCP to the answered Socket.IO CONNECT.

use super::{State, Swarm, Work};
use crate::{
    sys::{
        SECOND,
        epoll::Interest,
        process::{Usage, now, usage},
        socket::Socket,
    },
    template,
};
use std::io;

/// Without any progress for so long, connecting is given up.
const STUCK: u64 = 15 * SECOND;

/// How connecting went.
pub struct Connected {
    /// Seconds it took, all of them together.
    pub seconds: f64,
    /// What the server used before.
    pub before: Option<Usage>,
    /// And afterwards.
    pub after: Option<Usage>,
}

impl<W: Work> Swarm<W> {
    /// Connects all clients, with as many handshakes in flight as the options say.
    pub fn connect(&mut self) -> io::Result<Connected> {
        let before = self.options.pid.and_then(usage);
        let began = now();
        let (mut progress, mut progress_at) = (0, began);
        while self.live + self.failed < self.options.clients {
            while self.begun < self.options.clients && self.in_flight < self.options.connect_concurrency {
                self.begin_next()?;
            }
            self.poll(100);
            if self.live + self.failed != progress {
                (progress, progress_at) = (self.live + self.failed, now());
            } else if now() - progress_at > STUCK {
                return Err(self.problem(&format!("stuck at {} of {} connections", self.live, self.options.clients)));
            }
        }
        if self.failed > 0 {
            return Err(self.problem(&format!("{} of {} connections failed", self.failed, self.options.clients)));
        }
        let seconds = (now() - began) as f64 / 1e9;
        Ok(Connected { seconds, before, after: self.options.pid.and_then(usage) })
    }

    fn problem(&self, what: &str) -> io::Error {
        io::Error::other(format!("{what}: {}", self.first_error.as_deref().unwrap_or("no answer")))
    }

    fn begin_next(&mut self) -> io::Result<()> {
        let index = self.begun;
        self.begun += 1;
        let to = self.options.servers[index % self.options.servers.len()];
        let from = self.options.sources.get(index % self.options.sources.len().max(1)).copied();
        let socket = Socket::connect(to, from, self.options.receive_buffer)?;
        self.epoll.add(&socket, index as u64, Interest::ReadWriteOnce)?;
        let client = &mut self.clients[index];
        client.socket = Some(socket);
        client.since = now();
        self.in_flight += 1;
        Ok(())
    }

    /// The TCP connection is there: asks for the upgrade.
    pub(super) fn upgrade(&mut self, client: usize) {
        // The key is the RFC's example: nobody checks the answer to it.
        let mut request = format!(
            "GET {} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            self.options.path
        );
        for header in &self.options.headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        self.clients[client].state = State::Upgrading;
        self.write(client, request.as_bytes());
    }

    /// A packet before the connection is live.
    pub(super) fn greet(&mut self, client: usize, packet: &[u8], at: u64) {
        match (self.clients[client].state, packet) {
            (State::Opening, [b'0', ..]) => {
                self.clients[client].state = State::Joining;
                let auth = self.token(client).map(|token| self.options.auth.replace("{token}", token));
                self.send(client, format!("40{}", auth.unwrap_or_default()).as_bytes());
            }
            (State::Joining, [b'4', b'0', ..]) => {
                let joined = &mut self.clients[client];
                joined.state = State::Live;
                self.connect_times.add(at - joined.since);
                self.in_flight -= 1;
                self.live += 1;
                // From now on only what comes is of interest: that saves a wake-up for each write.
                if let Some(socket) = &joined.socket {
                    let changed = self.epoll.change(socket, client as u64, Interest::ReadOnce);
                    debug_assert!(changed.is_ok(), "the socket is watched");
                }
                if let Some(packet) = self.options.after_connect.as_deref() {
                    let packet = template::expand(packet, client as u64);
                    self.send(client, packet.as_bytes());
                }
            }
            (_, [b'4', b'4', ..]) => self.lose(client, &String::from_utf8_lossy(packet)),
            _ => {}
        }
    }

    fn token(&self, client: usize) -> Option<&str> {
        let tokens = &self.options.tokens;
        tokens.get(client % tokens.len().max(1)).map(String::as_str)
    }
}
