//! What a client says: read where it lies, and answered on the spot if nobody has to be asked.

use crate::{
    error::{Error, Result},
    transport::{
        Command,
        lane::Lane,
        session::{self, Session},
    },
};
use actix_socketioxide::{Frames, Link};
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use socketioxide::{
    adapter::Adapter,
    extract::AckSender,
    handler::{FromMessageParts, MessageHandler, Value},
    socket::Socket,
};
use std::{borrow::Cow, fmt, sync::Arc};

/// Called by the library for each event of one client, in the order in which they came, on the spot.
pub struct Listener {
    lane: Lane<Session>,
    link: Link,
    /// Most bytes that may wait for the client.
    max: usize,
}

impl Listener {
    pub const fn new(lane: Lane<Session>, link: Link, max: usize) -> Self {
        Self { lane, link, max }
    }
}

impl<A: Adapter> MessageHandler<A, Self> for Listener {
    fn call(&self, socket: Arc<Socket<A>>, mut value: Value, ack: Option<i64>) {
        let command = Said::read(&value).and_then(|said| Command::read_text(&said.event, said.data));
        let Ok(sender) = AckSender::<A>::from_message_parts(&socket, &mut value, &ack);
        let answer = Answer { link: self.link.clone(), max: self.max, ack, sender };
        match session::answer_at_once(&self.lane, command) {
            Ok(text) => answer.give(&text),
            Err(command) => {
                let reply = Box::new(move |text: String| answer.give(&text));
                session::ask(&self.lane, command, Some(reply));
            }
        }
    }
}

/// Where an answer goes.
struct Answer<A: Adapter> {
    link: Link,
    max: usize,
    /// The number that the client gave its question, if it wants an answer.
    ack: Option<i64>,
    /// The way through the library.
    sender: AckSender<A>,
}

impl<A: Adapter> Answer<A> {
    /// Past the library where that is possible, behind the events that the library still has, the first of
    /// which follows its answer to CONNECT.
    fn give(self, text: &str) {
        let Some(ack) = self.ack else { return };
        let behind = self.link.emitted();
        if behind > 0
            && let Some(door) = self.link.door()
        {
            if door.put(&Frames::text(&packet(ack, text)), behind, self.max).is_err() {
                // It asks, but does not read. It comes back and resumes.
                self.link.cut();
            }
            return;
        }
        match serde_json::from_str::<&RawValue>(text).map(|answer| self.sender.send(answer)) {
            Ok(Ok(())) => self.link.emits(packet(ack, text).len() as u64),
            // The library has no place for it; nothing may be missing, so that is the end.
            Ok(Err(_)) => self.link.cut(),
            Err(error) => log::error!("an answer that is no JSON: {error}"),
        }
    }
}

/// An ACK packet of the namespace `/`, as the library writes it too.
fn packet(ack: i64, text: &str) -> String {
    format!("43{ack}[{text}]")
}

/// An event as it came: `["event",data,...]`. What follows the first piece of data is nothing.
struct Said<'a> {
    event: Cow<'a, str>,
    data: Option<&'a RawValue>,
}

impl<'a> Said<'a> {
    fn read(value: &'a Value) -> Result<Self> {
        let malformed = || Error::field("data", "must be JSON");
        let Value::Str(text, attachments) = value else { return Err(malformed()) };
        let said: Self = serde_json::from_str(text).map_err(|_| malformed())?;
        // Binary data is no JSON; commands say what they miss.
        Ok(if attachments.is_some() { Self { data: None, ..said } } else { said })
    }
}

impl<'de> Deserialize<'de> for Said<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Said<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event and its data")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut parts: S) -> Result<Said<'de>, S::Error> {
                let event =
                    parts.next_element::<Name<'de>>()?.ok_or_else(|| serde::de::Error::invalid_length(0, &self))?;
                let data = parts.next_element()?;
                while parts.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Said { event: event.0, data })
            }
        }
        deserializer.deserialize_seq(Parts)
    }
}

/// Borrowed, unless it has escapes in it.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, Option<String>)> {
        let value = Value::Str(text.to_owned().into(), None);
        let said = Said::read(&value).ok()?;
        Some((said.event.into_owned(), said.data.map(|data| data.get().to_owned())))
    }

    #[test]
    fn an_event_is_read_with_its_first_data_and_what_follows_is_nothing() {
        let said = |event: &str, data: Option<&str>| Some((event.to_owned(), data.map(str::to_owned)));
        assert_eq!(read(r#"["join",{"room":"all"},[1,{"a":2}]]"#), said("join", Some(r#"{"room":"all"}"#)));
        assert_eq!(read(r#"["a\"b"]"#), said("a\"b", None));
        assert_eq!(read(r#"["echo",null]"#), said("echo", Some("null")));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for text in ["", "[]", "[1]", "{}", r#"["join""#, r#"["join",}]"#, r#"["join",1,}]"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn attachments_are_no_data() {
        let value = Value::Str(r#"["echo",{"_placeholder":true,"num":0}]"#.into(), Some([bytes::Bytes::new()].into()));
        assert!(Said::read(&value).expect("an event").data.is_none());
    }
}
