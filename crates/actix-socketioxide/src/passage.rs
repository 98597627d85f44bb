//! [`Passage`]: what goes out of one websocket, and in which order. Without input or output of its
//! own: it is given the means to write.

use crate::{
    frames::{FrameWalker, Message},
    packets::Frames,
};
use bytes::{Buf, Bytes};
use std::{
    collections::VecDeque,
    io::{self, ErrorKind, IoSlice},
    ops::AddAssign,
};

/// Most pieces of a backlog that are offered to the system at once.
const SLICES: usize = 32;

/// Two write to a websocket: the engine, whatever it likes, and others past it, whole frames only.
/// Both write only between two messages. What is put past the engine names the event bytes of the
/// engine that it comes behind, and is held until those have passed; if it is not held, it leaves at
/// once or, where the system takes no more, waits in one backlog with what the engine writes.
#[derive(Debug, Default)]
pub(crate) struct Passage {
    /// Event bytes that the engine has written, left or not.
    passed: u64,
    /// Event bytes that were put past it, left or not.
    put: u64,
    /// Only while something waits.
    rest: Option<Box<Rest>>,
    /// Events of other namespaces that the engine wrote and nobody asked for yet.
    elsewhere: u64,
}

#[derive(Debug, Default)]
struct Rest {
    backlog: VecDeque<Bytes>,
    bytes: usize,
    held: VecDeque<(u64, Frames)>,
    held_bytes: usize,
    /// Follows what leaves. Between two messages whenever the backlog is empty.
    leaving: FrameWalker,
}

/// What the system has taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) bytes: usize,
    /// Payload bytes of the events whose last byte was taken.
    pub(crate) events: u64,
}

impl AddAssign for Left {
    fn add_assign(&mut self, more: Self) {
        self.bytes += more.bytes;
        self.events += more.events;
    }
}

/// Why nothing more can go out.
#[derive(Debug)]
pub(crate) enum Stop {
    /// More would wait than may; what was put was not taken.
    Full,
    /// The engine wrote something else than whole messages.
    Torn,
    /// The stream is broken.
    Broken(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl Passage {
    /// Puts frames behind the first `behind` event bytes of the engine.
    pub(crate) fn put(
        &mut self,
        frames: &Frames,
        behind: u64,
        most: usize,
        take: &mut impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> Result<Left, Stop> {
        if frames.is_empty() {
            return Ok(Left::default());
        }
        let held = self.holds() || self.passed < behind;
        if self.rest.is_some() || held {
            let waits = self.waiting(behind);
            // One that is larger than the bound could never be sent otherwise.
            if waits > 0 && waits.saturating_add(frames.len()) > most {
                return Err(Stop::Full);
            }
        }
        self.put += frames.event_bytes();
        if held {
            let rest = self.rest.get_or_insert_default();
            rest.held_bytes += frames.len();
            rest.held.push_back((behind, frames.clone()));
            return Ok(Left::default());
        }
        Ok(self.write(frames.bytes(), frames.event_bytes(), |at| frames.bytes().slice(at..), take)?)
    }

    /// What the engine writes, followed by its `walker`; lets go what was held for it.
    pub(crate) fn engine(
        &mut self,
        walker: &mut FrameWalker,
        bytes: &[u8],
        take: &mut impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> Result<Left, Stop> {
        let (mut left, mut events) = (Left::default(), 0);
        let (mut from, mut ahead) = (bytes, bytes);
        while !ahead.is_empty() {
            let (message, behind) = walker.step(ahead);
            ahead = behind;
            self.elsewhere += u64::from(message.is_some_and(|message| message.is_event_elsewhere()));
            let Some(event) = message.filter(Message::is_event) else { continue };
            self.passed += event.len;
            events += event.len;
            if self.held_behind().is_some_and(|behind| behind <= self.passed) {
                let now = &from[..from.len() - ahead.len()];
                left += self.write(now, events, |at| Bytes::copy_from_slice(&now[at..]), take)?;
                left += self.release(take)?;
                (from, events) = (ahead, 0);
            }
        }
        if !walker.is_between() {
            return Err(Stop::Torn);
        }
        left += self.write(from, events, |at| Bytes::copy_from_slice(&from[at..]), take)?;
        Ok(left)
    }

    /// Offers the backlog once.
    pub(crate) fn flush(&mut self, take: impl FnOnce(&[IoSlice<'_>]) -> io::Result<usize>) -> io::Result<Left> {
        let Some(rest) = self.rest.as_mut().filter(|rest| !rest.backlog.is_empty()) else {
            return Ok(Left::default());
        };
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = slices.iter_mut().zip(&rest.backlog).map(|(slice, bytes)| *slice = IoSlice::new(bytes)).count();
        let bytes = take(&slices[..count])?;
        rest.bytes -= bytes;
        let (mut taken, mut events) = (bytes, 0);
        while taken > 0 {
            let Some(front) = rest.backlog.front_mut() else { break };
            let here = taken.min(front.len());
            events += walk(&mut rest.leaving, &front[..here]);
            front.advance(here);
            taken -= here;
            if front.is_empty() {
                rest.backlog.pop_front();
            }
        }
        Ok(Left { bytes, events })
    }

    /// Gives back what waiting took if nothing waits any more. Answers whether that is so.
    pub(crate) fn settle(&mut self) -> bool {
        if !self.is_waiting() {
            self.rest = None;
        }
        self.rest.is_none()
    }

    /// Throws away what waits.
    pub(crate) fn clear(&mut self) {
        self.rest = None;
    }

    /// How many events of other namespaces the engine wrote since this was last asked.
    pub(crate) fn take_elsewhere(&mut self) -> u64 {
        std::mem::take(&mut self.elsewhere)
    }

    /// Whether something waits: for the system, or for the engine.
    pub(crate) fn is_waiting(&self) -> bool {
        self.rest.as_ref().is_some_and(|rest| !rest.backlog.is_empty() || !rest.held.is_empty())
    }

    /// Whether something waits for the engine.
    pub(crate) fn holds(&self) -> bool {
        self.held_behind().is_some()
    }

    /// Bytes that wait for the system.
    pub(crate) fn backlog(&self) -> usize {
        self.rest.as_ref().map_or(0, |rest| rest.bytes)
    }

    /// Event bytes that the engine has written.
    pub(crate) fn passed(&self) -> u64 {
        self.passed
    }

    /// Event bytes that were put.
    pub(crate) fn put_bytes(&self) -> u64 {
        self.put
    }

    /// All that waits, what the engine has not written yet of its first `behind` included.
    fn waiting(&self, behind: u64) -> usize {
        let engine = usize::try_from(behind.saturating_sub(self.passed)).unwrap_or(usize::MAX);
        self.rest.as_ref().map_or(engine, |rest| engine.saturating_add(rest.bytes + rest.held_bytes))
    }

    fn held_behind(&self) -> Option<u64> {
        self.rest.as_ref()?.held.front().map(|(behind, _)| *behind)
    }

    fn release(&mut self, take: &mut impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<Left> {
        let mut left = Left::default();
        while let Some(rest) = &mut self.rest
            && let Some((_, frames)) = rest.held.pop_front_if(|(behind, _)| *behind <= self.passed)
        {
            rest.held_bytes -= frames.len();
            left += self.write(frames.bytes(), frames.event_bytes(), |at| frames.bytes().slice(at..), take)?;
        }
        Ok(left)
    }

    /// Whole messages with so many event bytes: out now, or `keep` from where the system stopped.
    fn write(
        &mut self,
        bytes: &[u8],
        events: u64,
        keep: impl FnOnce(usize) -> Bytes,
        take: &mut impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<Left> {
        if bytes.is_empty() {
            return Ok(Left::default());
        }
        let taken = if self.backlog() > 0 {
            0
        } else {
            match take(bytes) {
                Ok(taken) if taken == bytes.len() => return Ok(Left { bytes: taken, events }),
                Ok(taken) => taken,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => 0,
                Err(error) => return Err(error),
            }
        };
        let rest = self.rest.get_or_insert_default();
        let events = walk(&mut rest.leaving, &bytes[..taken]);
        rest.bytes += bytes.len() - taken;
        rest.backlog.push_back(keep(taken));
        Ok(Left { bytes: taken, events })
    }
}

fn walk(walker: &mut FrameWalker, bytes: &[u8]) -> u64 {
    let mut events = 0;
    walker.walk(bytes, |message| events += if message.is_event() { message.len } else { 0 });
    events
}

#[cfg(test)]
#[path = "passage_test.rs"]
mod tests;
