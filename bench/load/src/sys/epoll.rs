//! Waiting for many sockets at once.

use super::socket::Socket;
use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

/// Most events that one wait hands over.
const EVENTS: usize = 512;

/// What one wants to hear of a socket.
#[derive(Clone, Copy)]
pub enum Interest {
    /// Bytes came.
    Read,
    /// Bytes came, or there is room for more.
    ReadWrite,
    /// Bytes came since the last time: one has to read until nothing is left.
    ReadOnce,
    /// The same, and there is room for bytes since the last time.
    ReadWriteOnce,
}

impl Interest {
    fn bits(self) -> u32 {
        let bits = match self {
            Self::Read => libc::EPOLLIN,
            Self::ReadWrite => libc::EPOLLIN | libc::EPOLLOUT,
            Self::ReadOnce => libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLET,
            Self::ReadWriteOnce => libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET,
        };
        bits as u32
    }
}

/// What happened to a socket.
#[derive(Clone, Copy)]
pub struct Event {
    /// What the socket was added with.
    pub tag: u64,
    bits: u32,
}

impl Event {
    /// There is room for bytes.
    pub fn writable(self) -> bool {
        self.bits & libc::EPOLLOUT as u32 != 0
    }
    /// There is something to read: bytes, the end, or an error.
    pub fn readable(self) -> bool {
        self.bits & !(libc::EPOLLOUT as u32) != 0
    }
    /// The peer writes no more: what is left has to be read to its end.
    pub fn ended(self) -> bool {
        self.bits & (libc::EPOLLRDHUP | libc::EPOLLHUP) as u32 != 0
    }
    /// The connection failed, or never came about.
    pub fn failed(self) -> bool {
        self.bits & (libc::EPOLLERR | libc::EPOLLHUP) as u32 != 0
    }
}

/// An epoll instance, and the place for its events.
pub struct Epoll {
    descriptor: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    /// A new one.
    pub fn open() -> io::Result<Self> {
        // SAFETY: takes a flag, gives a new descriptor or -1.
        let descriptor = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and nobody else's.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self { descriptor, events: vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS] })
    }

    /// Begins to watch a socket. A socket that is closed is watched no longer.
    pub fn add(&self, socket: &Socket, tag: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, socket, tag, interest)
    }

    /// Changes what is watched for.
    pub fn change(&self, socket: &Socket, tag: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, socket, tag, interest)
    }

    fn control(&self, operation: i32, socket: &Socket, tag: u64, interest: Interest) -> io::Result<()> {
        let mut event = libc::epoll_event { events: interest.bits(), u64: tag };
        // SAFETY: both descriptors are open as long as their owners are borrowed; the kernel copies the event.
        let done = unsafe { libc::epoll_ctl(self.descriptor.as_raw_fd(), operation, socket.descriptor(), &mut event) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Waits until something happened, at most `milliseconds` (-1: for ever); says how much did.
    pub fn wait(&mut self, milliseconds: i32) -> usize {
        // SAFETY: `events` is EVENTS long and initialised; the kernel writes at most that many.
        let count = unsafe {
            libc::epoll_wait(self.descriptor.as_raw_fd(), self.events.as_mut_ptr(), EVENTS as i32, milliseconds)
        };
        count.max(0) as usize // Negative: interrupted by a signal. Nothing happened.
    }

    /// The event of the last wait at `index`.
    pub fn event(&self, index: usize) -> Event {
        let event = self.events[index];
        Event { tag: event.u64, bits: event.events }
    }
}
