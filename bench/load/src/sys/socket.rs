//! TCP sockets over IPv4 that never block.

use std::{
    io, mem,
    net::{Ipv4Addr, SocketAddrV4},
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
};

/// `linux/in.h`: the port is chosen at connect, so that each source address has the whole range of ports.
const IP_BIND_ADDRESS_NO_PORT: i32 = 24;

/// An open socket, closed when dropped.
pub struct Socket(OwnedFd);

impl Socket {
    /// Begins to connect. `from` is the source address, `receive_buffer` bytes of `SO_RCVBUF` (0: the kernel's choice).
    pub fn connect(to: SocketAddrV4, from: Option<Ipv4Addr>, receive_buffer: i32) -> io::Result<Self> {
        let socket = Self::new()?;
        socket.set(libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
        if receive_buffer > 0 {
            socket.set(libc::SOL_SOCKET, libc::SO_RCVBUF, receive_buffer)?;
        }
        if let Some(from) = from {
            socket.set(libc::IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)?;
            socket.bind(SocketAddrV4::new(from, 0))?;
        }
        let address = raw(to);
        // SAFETY: the address lives through the call and its size is given.
        let done =
            unsafe { libc::connect(socket.descriptor(), (&raw const address).cast(), size_of_val(&address) as u32) };
        if done != 0 {
            let error = io::Error::last_os_error();
            if error.raw_os_error() != Some(libc::EINPROGRESS) {
                return Err(error);
            }
        }
        Ok(socket)
    }

    /// Listens, with at most `waiting` connections not yet accepted.
    pub fn listen(at: SocketAddrV4, waiting: i32) -> io::Result<Self> {
        let socket = Self::new()?;
        socket.set(libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
        socket.bind(at)?;
        // SAFETY: the descriptor is open.
        checked(unsafe { libc::listen(socket.descriptor(), waiting) })?;
        Ok(socket)
    }

    /// The next connection that waits.
    pub fn accept(&self) -> io::Result<Self> {
        let (nobody, flags) = (std::ptr::null_mut(), libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC);
        // SAFETY: null pointers say that the peer's address is not wanted.
        let descriptor = checked(unsafe { libc::accept4(self.descriptor(), nobody, std::ptr::null_mut(), flags) })?;
        // SAFETY: the descriptor is new and nobody else's.
        let socket = Self(unsafe { OwnedFd::from_raw_fd(descriptor) });
        socket.set(libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
        Ok(socket)
    }

    /// Writes what fits; says how many bytes.
    #[inline]
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        // SAFETY: pointer and length are those of one slice.
        let sent = unsafe {
            libc::send(self.descriptor(), bytes.as_ptr().cast(), bytes.len(), libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }

    /// Writes everything, waiting where it has to.
    pub fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.send(bytes) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable(1000)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what is there; 0 at the end of the stream.
    #[inline]
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: pointer and length are those of one slice.
        let received =
            unsafe { libc::recv(self.descriptor(), buffer.as_mut_ptr().cast(), buffer.len(), libc::MSG_DONTWAIT) };
        usize::try_from(received).map_err(|_| io::Error::last_os_error())
    }

    /// Waits until there is room for bytes: at first, until it is connected.
    pub fn writable(&self, milliseconds: i32) -> io::Result<()> {
        let mut poll = libc::pollfd { fd: self.descriptor(), events: libc::POLLOUT, revents: 0 };
        // SAFETY: one pollfd, as the count says.
        let ready = checked(unsafe { libc::poll(&mut poll, 1, milliseconds) })?;
        if ready == 1 && poll.revents & (libc::POLLERR | libc::POLLHUP) == 0 {
            Ok(())
        } else {
            Err(io::Error::other("no connection"))
        }
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    fn new() -> io::Result<Self> {
        let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: takes numbers, gives a new descriptor or -1.
        let descriptor = checked(unsafe { libc::socket(libc::AF_INET, kind, 0) })?;
        // SAFETY: the descriptor is new and nobody else's.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    fn bind(&self, address: SocketAddrV4) -> io::Result<()> {
        let address = raw(address);
        // SAFETY: the address lives through the call and its size is given.
        checked(unsafe { libc::bind(self.descriptor(), (&raw const address).cast(), size_of_val(&address) as u32) })?;
        Ok(())
    }

    fn set(&self, level: i32, option: i32, value: i32) -> io::Result<()> {
        // SAFETY: the value lives through the call and its size is given.
        checked(unsafe {
            libc::setsockopt(self.descriptor(), level, option, (&raw const value).cast(), size_of_val(&value) as u32)
        })?;
        Ok(())
    }
}

fn checked(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn raw(address: SocketAddrV4) -> libc::sockaddr_in {
    // SAFETY: an address of zeros is a valid value of this plain structure.
    let mut raw: libc::sockaddr_in = unsafe { mem::zeroed() };
    raw.sin_family = libc::AF_INET as u16;
    raw.sin_port = address.port().to_be();
    raw.sin_addr.s_addr = u32::from_ne_bytes(address.ip().octets());
    raw
}
