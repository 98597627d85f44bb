//! A real server on port 0, driven by the real Socket.IO client and by bare sockets.

mod caps;
mod clients;
mod counting;
mod cutting;
mod door;
mod neighbours;
mod origins;
mod polling;
mod shutdown;
mod streams;
mod support;
mod timeouts;
mod upgrade;
