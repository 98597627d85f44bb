//! What another back end wants told, read and checked: each fault with its field.

use super::data;
use crate::{
    faults::Faults,
    notice::{Audience, EventName, Room, reserved::is_reserved},
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Longest name of an event, in characters: it is stored, and framed, with each notice.
const EVENT_MAX: usize = 128;
/// Most rooms in `to`, and in `except`: each is looked up for each notice.
const ROOMS_MAX: usize = 100;

/// An entry as it comes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Post {
    event: String,
    data: Box<RawValue>,
    to: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default = "stored")]
    store: bool,
}

const fn stored() -> bool {
    true
}

/// An entry that can be told.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) event: EventName,
    /// A JSON object without `seq`, on one line.
    pub(super) data: Box<RawValue>,
    /// Each once.
    pub(super) to: Vec<Room>,
    pub(super) except: Vec<Room>,
    /// Whether it has a place in the order, so that it is found by those who come back.
    pub(super) store: bool,
}

impl Entry {
    /// Whom it is for.
    pub(super) fn audience(&self) -> Audience {
        Audience::to(self.to.iter().cloned()).except(self.except.iter().cloned())
    }

    /// Reads an entry; its faults are named with `at` before the field (`[3].`). What is read is of
    /// use only if there were none.
    pub(super) fn read(post: Post, at: &str, faults: &mut Faults) -> Self {
        let Post { event, data, to, except, store } = post;
        check_event(&event, at, faults);
        let to_fits = (1..=ROOMS_MAX).contains(&to.len());
        faults.check(format!("{at}to"), to_fits, format!("has to name 1 to {ROOMS_MAX} rooms"));
        faults.check(format!("{at}except"), except.len() <= ROOMS_MAX, format!("may name at most {ROOMS_MAX} rooms"));
        let Ok(event) = event.parse();
        Self {
            event,
            data: data::checked(data, at, faults),
            to: rooms(&to, "to", at, faults),
            except: rooms(&except, "except", at, faults),
            store,
        }
    }
}

fn check_event(event: &str, at: &str, faults: &mut Faults) {
    let field = || format!("{at}event");
    let fits = (1..=EVENT_MAX).contains(&event.chars().count());
    faults.check(field(), fits, format!("has to be 1 to {EVENT_MAX} characters long"));
    // A line break would end the line that names the event on SSE.
    faults.check(field(), !event.chars().any(char::is_control), "has to be free of control characters");
    faults.check(field(), !is_reserved(event), "is reserved");
}

/// The rooms that the names mean, each once; nothing is lost by naming one twice.
fn rooms(names: &[String], field: &str, at: &str, faults: &mut Faults) -> Vec<Room> {
    let mut rooms = Vec::with_capacity(names.len().min(ROOMS_MAX));
    for (index, name) in names.iter().take(ROOMS_MAX).enumerate() {
        match name.parse::<Room>() {
            Ok(room) => rooms.push(room),
            Err(_) => faults.check(format!("{at}{field}[{index}]"), false, "is no room"),
        }
    }
    rooms.sort_unstable();
    rooms.dedup();
    rooms
}

#[cfg(test)]
#[path = "entry_test.rs"]
mod tests;
