//! Bytes to frames to packets.

use super::{Arrival, State, Swarm, Work};
use crate::{
    frame,
    sys::{epoll::Event, process::now},
};
use memchr::memmem;
use std::{io, mem};

impl<W: Work> Swarm<W> {
    pub(super) fn client_event(&mut self, client: usize, event: Event, buffer: &mut [u8]) {
        match self.clients[client].state {
            State::Gone => {}
            State::Connecting if event.failed() => self.lose(client, "connect failed"),
            State::Connecting if event.writable() => self.upgrade(client),
            State::Connecting => {}
            _ if event.readable() => self.read(client, event, buffer),
            _ => {}
        }
    }

    fn read(&mut self, client: usize, event: Event, buffer: &mut [u8]) {
        while let Some(socket) = &self.clients[client].socket {
            let count = match socket.receive(buffer) {
                Ok(0) => return self.lose(client, "closed by the server"),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => return self.lose(client, &error.to_string()),
            };
            self.reads += 1;
            self.take(client, &buffer[..count], now());
            // A buffer that is not full was all there is; but an end that came with it is read by one more call.
            if count < buffer.len() && !event.ended() {
                return;
            }
        }
    }

    /// Takes the next bytes of the stream; keeps what is no whole frame yet.
    fn take(&mut self, client: usize, bytes: &[u8], at: u64) {
        if self.clients[client].partial.is_empty() {
            let taken = self.consume(client, bytes, at);
            self.clients[client].partial.extend_from_slice(&bytes[taken..]);
        } else {
            let mut stream = mem::take(&mut self.clients[client].partial);
            stream.extend_from_slice(bytes);
            let taken = self.consume(client, &stream, at);
            stream.drain(..taken);
            self.clients[client].partial = stream;
        }
    }

    /// Deals with what is complete; says how many bytes that was.
    fn consume(&mut self, client: usize, bytes: &[u8], at: u64) -> usize {
        let mut taken = 0;
        if self.clients[client].state == State::Upgrading {
            let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { return 0 };
            if !bytes.starts_with(b"HTTP/1.1 101") {
                let answer = String::from_utf8_lossy(bytes);
                self.lose(client, answer.lines().next().unwrap_or("no upgrade"));
                return bytes.len();
            }
            taken = end + 4;
            self.clients[client].state = State::Opening;
        }
        while let Some(next) = frame::next(&bytes[taken..]) {
            let payload = &bytes[taken + next.start..taken + next.end];
            match next.opcode {
                frame::TEXT => self.packet(Arrival { client, at, size: next.end }, payload),
                frame::CLOSE => self.lose(client, "close frame"),
                frame::PING => {
                    let mut pong = Vec::new();
                    frame::write_client(frame::PONG, payload, &mut pong);
                    self.write(client, &pong);
                }
                _ => {}
            }
            taken += next.end;
            if self.clients[client].state == State::Gone {
                return bytes.len();
            }
        }
        taken
    }

    #[inline]
    fn packet(&mut self, arrival: Arrival, packet: &[u8]) {
        match packet {
            [b'4', b'2' | b'3', ..] => {
                let mut reply = mem::take(&mut self.reply);
                self.work.packet(arrival, packet, &mut reply);
                if !reply.is_empty() {
                    self.send(arrival.client, &reply);
                    reply.clear();
                }
                self.reply = reply;
            }
            // Engine.IO's heartbeat.
            [b'2', ..] => self.send(arrival.client, b"3"),
            [b'4', b'1', ..] => self.lose(arrival.client, "disconnected by the server"),
            _ => self.greet(arrival.client, packet, arrival.at),
        }
    }
}
