//! Every event that Herald sends and every wish that it understands, with the schema of what each carries,
//! written down for clients: as a TypeScript declaration and as an AsyncAPI document.
//!
//! Nothing is described twice. Names are [`EventName`](crate::notice::EventName) and [`ClientEvent`], both matched here without a
//! catch-all, so that a new one can't be forgotten; schemas are derived from the types that are encoded.
//! `docs/herald-events.d.ts` and `docs/asyncapi.json` are what comes out, held current by
//! `tests/catalogue.rs` (docs/decisions/0016-typed-events.md).

mod administration;
mod asyncapi;
mod schemas;
mod sent;
mod typescript;
mod wished;

use crate::transport::ClientEvent;
use serde_json::{Map, Value};

/// An event that Herald sends.
#[derive(Debug)]
struct Sent {
    /// On the wire.
    event: &'static str,
    /// The event that it follows directly, with the same payload.
    alias_of: Option<&'static str>,
    /// For people.
    summary: String,
    /// The schema of its payload, `seq` included.
    payload: Value,
    /// Whether it has a place in the order, and comes again after a cursor.
    stored: bool,
    /// To which rooms it goes; nothing for what is said to one connection.
    rooms: &'static [&'static str],
    /// Whether the client is asked to confirm it by calling back.
    confirmed: bool,
}

/// What a client may send.
#[derive(Debug)]
struct Wished {
    /// On the wire.
    event: &'static str,
    /// For people.
    summary: String,
    /// The schema of what it carries.
    data: Value,
    /// The name of the schema with which it is acknowledged when it is done.
    answer: String,
    /// Whether one usually does without the acknowledgement.
    often_unheard: bool,
}

/// All of it.
#[derive(Debug)]
pub struct Catalogue {
    sent: Vec<Sent>,
    wished: Vec<Wished>,
    /// On `/admin`; `authenticate` is understood there as well.
    administration: Vec<Sent>,
    /// By name: what payloads are made of.
    schemas: Map<String, Value>,
}

impl Catalogue {
    /// As this program has it.
    #[must_use]
    pub fn gather() -> Self {
        let mut of = schemas::generator();
        let sent = sent::all(&mut of);
        let wished = ClientEvent::ALL.iter().map(|event| wished::wished(*event, &mut of)).collect();
        let administration = administration::all(&mut of);
        let mut schemas = of.take_definitions(true);
        schemas.values_mut().for_each(schemas::tidy);
        Self { sent, wished, administration, schemas }
    }
}

/// The name of a type for what goes by this name on the wire: `request:status-updated` is
/// `RequestStatusUpdated`.
fn title(event: &str) -> String {
    let mut title = String::with_capacity(event.len());
    for word in event.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        title.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        let all_capitals = word.chars().all(|c| !c.is_ascii_lowercase());
        title.extend(letters.map(|c| if all_capitals { c.to_ascii_lowercase() } else { c }));
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::EventName;

    #[test]
    fn a_type_is_named_after_its_event() {
        let names = ["ready", "NEW_RECORD", "incoming data", "request:status-updated"].map(title);
        assert_eq!(names, ["Ready", "NewRecord", "IncomingData", "RequestStatusUpdated"]);
    }

    #[test]
    fn every_event_and_every_wish_is_listed_once() {
        let catalogue = Catalogue::gather();
        let sent: Vec<_> = catalogue.sent.iter().map(|sent| sent.event).collect();
        let mut wanted: Vec<&str> = Vec::new();
        for name in EventName::OWN.iter().filter(|name| !name.starts_with("herald:")) {
            let Ok(event) = name.parse::<EventName>();
            wanted.push(name);
            wanted.extend(event.aliases());
        }
        assert_eq!(sent, wanted);
        let wished: Vec<_> = catalogue.wished.iter().map(|wished| wished.event).collect();
        assert_eq!(wished, ClientEvent::ALL.iter().map(|event| event.as_str()).collect::<Vec<_>>());
    }
}
