//! What a client's text says. Pure.

use crate::{
    error::{Error, Result},
    transport::Command,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// Most bytes of an `id` as it stands in the JSON: it is sent back as it came.
const ID_MAX: usize = 64;

/// One message.
#[derive(Debug)]
pub struct Incoming {
    /// What was asked for, or why that can't be read.
    pub command: Result<Command>,
    /// The name under which the answer is expected; JSON text, a string or a number.
    pub id: Option<Box<str>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    event: Box<str>,
    #[serde(default)]
    data: Value,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

impl Incoming {
    /// Reads `{event, data, id?}`.
    ///
    /// # Errors
    /// 400 for text that is no such JSON object, 422 for an `id` that can't be sent back: there is no
    /// name then under which to answer.
    pub fn read(text: &str) -> Result<Self> {
        let message: Message<'_> = serde_json::from_str(text)
            .map_err(|error| Error::Malformed(format!("not an {{event, data, id?}} object: {error}").into()))?;
        let id = message.id.map(RawValue::get).filter(|id| *id != "null");
        if id.is_some_and(|id| {
            id.len() > ID_MAX || !id.starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit())
        }) {
            return Err(Error::field("id", "must be a string or a number of at most 64 characters"));
        }
        Ok(Self { command: Command::read(&message.event, &message.data), id: id.map(Into::into) })
    }
}

/// `{ack: id, data}`.
#[must_use]
pub fn ack(id: &str, data: &str) -> String {
    format!("{{\"ack\":{id},\"data\":{data}}}")
}

/// The frame that answers what can't be read: event `error`, whose data is the problem.
#[must_use]
pub fn complaint(error: &Error) -> String {
    serde_json::json!({ "event": "error", "data": error.problem() }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::Room;
    use proptest::prelude::*;

    #[test]
    fn a_message_is_read_and_its_id_kept_as_it_stands() {
        for id in ["7", "\"a\"", "-1.5e3", "\"\\u00e4\""] {
            let text = format!(r#"{{"event":"join","data":{{"room":"topic-a"}},"id":{id}}}"#);
            let incoming = Incoming::read(&text).expect("is read");
            assert_eq!(incoming.command.expect("is read"), Command::Join(vec![Room::Topic("a".into())]));
            assert_eq!(incoming.id.as_deref(), Some(id));
        }
        assert_eq!(Incoming::read(r#"{"event":"join","id":null}"#).expect("is read").id, None);
        assert_eq!(Incoming::read(r#"{"event":"join"}"#).expect("is read").id, None);
    }

    #[test]
    fn what_has_a_name_is_answered_under_it_even_if_it_is_wrong() {
        let incoming = Incoming::read(r#"{"event":"nonsense","id":1,"more":true}"#).expect("is read");
        assert_eq!(incoming.command.expect_err("is refused").code(), "invalid_request");
        assert_eq!(ack("1", r#"{"ok":true}"#), r#"{"ack":1,"data":{"ok":true}}"#);
    }

    #[test]
    fn what_cannot_be_answered_under_a_name_is_complained_about() {
        let long = format!(r#"{{"event":"join","id":"{}"}}"#, "x".repeat(ID_MAX));
        for text in ["", "x", "[]", "7", r#"{"data":1}"#, r#"{"event":1}"#, r#"{"event":"join","id":[1]}"#, &long] {
            let error = Incoming::read(text).expect_err(text);
            let complaint: Value = serde_json::from_str(&complaint(&error)).expect("JSON");
            assert_eq!(complaint["event"], "error");
            assert_eq!(complaint["data"]["code"], "invalid_request");
        }
    }

    proptest! {
        #[test]
        fn an_answer_to_anything_is_json(id in ".{0,30}") {
            let text = serde_json::json!({ "event": "x", "id": id }).to_string();
            if let Ok(Incoming { id: Some(kept), .. }) = Incoming::read(&text) {
                let answer: Value = serde_json::from_str(&ack(&kept, "{}")).expect("JSON");
                prop_assert_eq!(&answer["ack"], &Value::from(id));
            }
        }
    }
}
