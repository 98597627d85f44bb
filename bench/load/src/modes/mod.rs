//! What is measured: each mode is a [`Work`](crate::swarm::Work) and the run around it.

mod broadcasts;
mod echo;
mod fanout;
mod idle;
mod resume;
mod window;

use crate::{
    json::Json,
    options::{Mode, Options},
};
use memchr::memmem;
use std::io;

/// Runs what the options ask for; answers with the result line.
pub fn run(options: Options) -> io::Result<Json> {
    match options.mode {
        Mode::Fanout => fanout::run(options),
        Mode::Idle => idle::run(options),
        Mode::Echo => echo::run(options),
        Mode::Resume => resume::run(options),
    }
}

/// Finds the number in an event that counts.
struct Marked {
    prefix: Vec<u8>,
    marker: memmem::Finder<'static>,
}

impl Marked {
    fn new(options: &Options) -> Self {
        let marker = memmem::Finder::new(options.marker.as_bytes()).into_owned();
        Self { prefix: format!("42[\"{}\"", options.event).into_bytes(), marker }
    }

    /// The number after the marker, if the packet is such an event.
    #[inline]
    fn number(&self, packet: &[u8]) -> Option<usize> {
        if !packet.starts_with(&self.prefix) {
            return None;
        }
        let digits = &packet[self.marker.find(packet)? + self.marker.needle().len()..];
        Some(leading_number(digits))
    }
}

/// The number that `bytes` begin with; 0 where they begin with none.
#[inline]
fn leading_number(bytes: &[u8]) -> usize {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number.wrapping_mul(10).wrapping_add((digit - b'0') as usize))
}
