//! The clients: connecting them, reading what comes, and handing it to the [`Work`] at hand.

mod client;
mod connecting;
mod reading;

pub use client::{Client, State};
pub use connecting::Connected;

use crate::{
    frame,
    histogram::Histogram,
    options::Options,
    sys::{
        epoll::Epoll,
        process::{self, now},
    },
};
use std::{io, mem};

/// Tags of sockets that are the work's own begin here; below are indices of clients.
pub const WORK: u64 = 1 << 40;

/// Bytes that are read at once. More than any broadcast: one `recv` empties the socket nearly always.
const BUFFER: usize = 256 * 1024;

/// A packet that came.
#[derive(Clone, Copy)]
pub struct Arrival {
    /// Which client got it.
    pub client: usize,
    /// When its bytes were read.
    pub at: u64,
    /// Bytes of its frame.
    pub size: usize,
}

/// What is done with clients that are connected.
pub trait Work {
    /// A Socket.IO packet with an event or an ack came. What is put into `reply` is sent as the next packet.
    fn packet(&mut self, arrival: Arrival, packet: &[u8], reply: &mut Vec<u8>);

    /// Something happened to the work's own socket with this number.
    fn own_socket(&mut self, _number: usize, _epoll: &Epoll, _buffer: &mut [u8]) {}
}

/// All clients.
pub struct Swarm<W> {
    /// What was asked for.
    pub options: Options,
    /// What is done with them.
    pub work: W,
    /// Waits for all of them.
    pub epoll: Epoll,
    /// How many are connected.
    pub live: usize,
    /// How many went away after they were connected.
    pub disconnects: u64,
    /// How many reads there were.
    pub reads: u64,
    /// The first thing that went wrong.
    pub first_error: Option<String>,
    /// How long connecting took, each.
    pub connect_times: Histogram,
    clients: Vec<Client>,
    begun: usize,
    in_flight: usize,
    failed: usize,
    buffer: Vec<u8>,
    reply: Vec<u8>,
    scratch: Vec<u8>,
}

impl<W: Work> Swarm<W> {
    /// As many clients as the options say, none of them connected yet.
    pub fn new(options: Options, work: W) -> io::Result<Self> {
        const OTHERS: usize = 16; // Standard streams, epoll, /proc.
        let needed = (options.clients + options.trigger_connections + OTHERS) as u64;
        if needed > process::descriptors() {
            let problem = format!("{needed} descriptors are needed, {} allowed (ulimit -n)", process::descriptors());
            return Err(io::Error::other(problem));
        }
        Ok(Self {
            work,
            epoll: Epoll::open()?,
            live: 0,
            disconnects: 0,
            reads: 0,
            first_error: None,
            connect_times: Histogram::default(),
            clients: (0..options.clients).map(|_| Client::default()).collect(),
            begun: 0,
            in_flight: 0,
            failed: 0,
            buffer: vec![0; BUFFER],
            reply: Vec::new(),
            scratch: Vec::new(),
            options,
        })
    }

    /// Waits for something to happen, at most so long, and deals with it.
    pub fn poll(&mut self, milliseconds: i32) {
        let mut buffer = mem::take(&mut self.buffer);
        for index in 0..self.epoll.wait(milliseconds) {
            let event = self.epoll.event(index);
            match event.tag.checked_sub(WORK) {
                Some(number) => self.work.own_socket(number as usize, &self.epoll, &mut buffer),
                None => self.client_event(event.tag as usize, event, &mut buffer),
            }
        }
        self.buffer = buffer;
    }

    /// Polls for so many seconds.
    pub fn poll_for(&mut self, seconds: f64) {
        let end = now() + nanos(seconds);
        while now() < end {
            self.poll(20);
        }
    }

    /// Sends a packet.
    pub fn send(&mut self, client: usize, packet: &[u8]) {
        let mut bytes = mem::take(&mut self.scratch);
        bytes.clear();
        frame::write_client(frame::TEXT, packet, &mut bytes);
        self.write(client, &bytes);
        self.scratch = bytes;
    }

    /// Clients send little: what does not fit into the socket's buffer is a connection that is stuck.
    fn write(&mut self, client: usize, bytes: &[u8]) {
        let sent = self.clients[client].socket.as_ref().map(|socket| socket.send(bytes));
        match sent {
            Some(Ok(sent)) if sent == bytes.len() => {}
            Some(Err(error)) => self.lose(client, &error.to_string()),
            _ => self.lose(client, "could not write"),
        }
    }

    fn lose(&mut self, index: usize, why: &str) {
        let client = &mut self.clients[index];
        match client.state {
            State::Gone => return,
            State::Live => {
                self.live -= 1;
                self.disconnects += 1;
            }
            _ => {
                self.in_flight -= 1;
                self.failed += 1;
            }
        }
        client.state = State::Gone;
        client.socket = None;
        self.first_error.get_or_insert_with(|| format!("client {index}: {why}"));
    }
}

/// Seconds as nanoseconds.
pub fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}
