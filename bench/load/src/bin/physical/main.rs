//! The physical limit: what one core can do when there is nothing to do but to write. An epoll server that
//! answers handshakes with canned bytes and then writes the same frame to every client: no authorisation, no rooms,
//! no JSON, no heartbeat, no memory of anything. Nothing that obeys the protocol can be faster.
//!
//! `physical each` writes every message by itself, one `send` for each client. `physical coalesce` collects the
//! messages that came in one round of epoll and writes them together. `PORT` is where it listens.

mod connection;
mod server;

use server::{Server, Writing};
use std::{net::SocketAddrV4, process::ExitCode};

fn main() -> ExitCode {
    let writing = match std::env::args().nth(1).as_deref() {
        Some("each") => Writing::Each,
        Some("coalesce") => Writing::Coalesce,
        _ => {
            eprintln!("physical each|coalesce, with PORT in the environment");
            return ExitCode::from(2);
        }
    };
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3000);
    herald_load::sys::process::raise_descriptors();
    let served = Server::open(SocketAddrV4::new([127, 0, 0, 1].into(), port), writing).and_then(Server::run);
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("physical: {error}");
            ExitCode::FAILURE
        }
    }
}
