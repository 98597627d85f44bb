//! Accepting, and telling everybody.

use super::connection::{Connection, Said};
use herald_load::sys::{
    epoll::{Epoll, Event, Interest},
    socket::Socket,
};
use std::{io, mem, net::SocketAddrV4};

/// The listening socket's tag.
const LISTENER: u64 = u64::MAX;
/// Connections that may wait to be accepted.
const WAITING: i32 = 4096;
/// Bytes that are read at once.
const BUFFER: usize = 65_536;

const NO_CONTENT: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// How broadcasts are written.
#[derive(Clone, Copy, PartialEq)]
pub enum Writing {
    /// Each by itself.
    Each,
    /// All of one round together.
    Coalesce,
}

/// The server.
pub struct Server {
    listener: Socket,
    epoll: Epoll,
    writing: Writing,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    /// Frames of this round that are not written yet.
    round: Vec<u8>,
}

impl Server {
    /// Listens.
    pub fn open(address: SocketAddrV4, writing: Writing) -> io::Result<Self> {
        let (listener, epoll) = (Socket::listen(address, WAITING)?, Epoll::open()?);
        epoll.add(&listener, LISTENER, Interest::Read)?;
        Ok(Self { listener, epoll, writing, connections: vec![], free: vec![], round: vec![] })
    }

    /// Serves for ever.
    pub fn run(mut self) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            for index in 0..self.epoll.wait(-1) {
                let event = self.epoll.event(index);
                if event.tag == LISTENER { self.accept()? } else { self.serve(event, &mut buffer) }
            }
            let round = mem::take(&mut self.round);
            if !round.is_empty() {
                self.tell(&round);
                self.round = round;
                self.round.clear();
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        while let Ok(socket) = self.listener.accept() {
            let index = self.free.pop().unwrap_or(self.connections.len());
            if index == self.connections.len() {
                self.connections.push(None);
            }
            self.epoll.add(&socket, index as u64, Interest::Read)?;
            self.connections[index] = Some(Connection::new(socket));
        }
        Ok(())
    }

    fn serve(&mut self, event: Event, buffer: &mut [u8]) {
        let index = event.tag as usize;
        let Some(connection) = self.connections[index].as_mut() else { return };
        if event.writable() {
            connection.write_backlog(&self.epoll, event.tag);
        }
        if !event.readable() {
            return;
        }
        if !connection.read(buffer) {
            self.connections[index] = None;
            self.free.push(index);
            return;
        }
        while let Some(said) = self.connections[index].as_mut().and_then(Connection::next) {
            match said {
                Said::Nothing => {}
                Said::Ask(answer) => self.answer(index, &answer),
                Said::Broadcast(message) => {
                    match self.writing {
                        Writing::Each => self.tell(&message),
                        Writing::Coalesce => self.round.extend_from_slice(&message),
                    }
                    self.answer(index, NO_CONTENT);
                }
            }
        }
    }

    fn answer(&mut self, index: usize, bytes: &[u8]) {
        if let Some(connection) = &mut self.connections[index] {
            connection.write(&self.epoll, index as u64, bytes);
        }
    }

    fn tell(&mut self, bytes: &[u8]) {
        for (index, connection) in self.connections.iter_mut().enumerate() {
            if let Some(connection) = connection.as_mut().filter(|connection| connection.member) {
                connection.write(&self.epoll, index as u64, bytes);
            }
        }
    }
}
