//! Importing events from a file: `POST /v1/events/import` takes it in, a job reads it and makes a
//! draft of each good row (CONTRACT 5).
//!
//! The readers (`csv`, `ics`, `xlsx`) stream a file, which anybody may have made to do harm, in
//! bounded memory. What an event may be, its own rules say.

mod archive;
mod columns;
mod csv;
mod ics;
mod ics_lines;
mod ics_time;
mod kind;
mod naming;
mod reading;
mod routes;
mod row;
mod work;
mod xlsx;

pub use routes::{Settings, configure};
pub use work::Import;

#[cfg(test)]
mod arbitrary_test;
