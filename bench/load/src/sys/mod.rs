//! What the standard library does not offer: non-blocking connects from a chosen address, epoll, what a
//! process used. All unsafe code is here, behind safe functions.
#![expect(unsafe_code, reason = "system calls; each says why its arguments are sound")]

pub mod epoll;
pub mod process;
pub mod socket;

/// One second, in the unit of all times here.
pub const SECOND: u64 = 1_000_000_000;
