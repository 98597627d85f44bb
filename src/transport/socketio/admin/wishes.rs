//! What may be asked for on `/admin`: the events of the Admin UI, and `authenticate`. Pure.

use super::words::NAMESPACE;
use crate::{
    error::{Error, Result},
    notice::Room,
};
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// Most arguments of an event that are looked at.
const ARGUMENTS_MAX: usize = 4;
/// Longest name of a room or connection that is looked at.
const NAME_MAX: usize = 256;
/// Longest token that is looked at.
const TOKEN_MAX: usize = 8 * 1024;

/// A wish that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Put those into a room.
    Join(Whom, Room),
    /// Take those out of a room.
    Leave(Whom, Room),
    /// Close those.
    Disconnect(Whom),
    /// Go on with this token.
    Authenticate(String),
}

/// Who is meant: a connection or a room, which the Admin UI does not tell apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whom(pub String);

impl Wish {
    /// Reads an event: `join` and `leave` `(namespace, room, whom)`, `_disconnect` `(namespace, close,
    /// whom)`, `authenticate` `({token})`. A `leave` without whom means all who are in the room.
    ///
    /// # Errors
    /// 422 for anything else, also for a `join` or `_disconnect` that would mean everybody; 404 for text
    /// that names no room.
    pub fn read(event: &str, arguments: &[Value]) -> Result<Self> {
        let text = |at: usize| arguments.get(at).and_then(Value::as_str).filter(|text| text.len() <= NAME_MAX);
        let room = || text(1).and_then(|room| room.parse::<Room>().ok()).ok_or(Error::NotFound);
        let whom = || text(2).filter(|whom| !whom.is_empty()).map(|whom| Whom(whom.to_owned()));
        let somebody = || whom().ok_or_else(|| Error::field("filter", "has to name a connection or a room"));
        if event == "authenticate" {
            let said = arguments.first().unwrap_or(&Value::Null);
            let token = said.as_str().or_else(|| said.get("token")?.as_str());
            let token = token.ok_or_else(|| Error::field("token", "must be given as text"))?;
            return if token.len() > TOKEN_MAX {
                Err(Error::Unauthorized)
            } else {
                Ok(Self::Authenticate(token.to_owned()))
            };
        }
        if !["join", "leave", "_disconnect"].contains(&event) {
            return Err(Error::field("event", "no such event"));
        }
        if text(0) != Some(NAMESPACE) {
            return Err(Error::field("namespace", "has to be /"));
        }
        Ok(match event {
            "join" => Self::Join(somebody()?, room()?),
            "leave" => {
                let room = room()?;
                Self::Leave(whom().unwrap_or_else(|| Whom(room.to_string())), room)
            }
            _ => Self::Disconnect(somebody()?),
        })
    }
}

/// All arguments of an event, as many as there are: the library takes what is read as a tuple for them.
pub struct Arguments(pub Vec<Value>);

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Arguments;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the arguments of an event")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Arguments, A::Error> {
                let mut arguments = Vec::new();
                while arguments.len() < ARGUMENTS_MAX {
                    match seq.next_element()? {
                        Some(argument) => arguments.push(argument),
                        None => return Ok(Arguments(arguments)),
                    }
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Arguments(arguments))
            }
        }
        from.deserialize_tuple(ARGUMENTS_MAX, Each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(event: &str, arguments: Value) -> Result<Wish> {
        Wish::read(event, arguments.as_array().expect("arguments"))
    }

    #[test]
    fn the_words_of_the_admin_ui_are_understood() {
        let (whom, room) = (Whom("abc".into()), Room::Topic("x".into()));
        assert_eq!(read("join", json!(["/", "topic-x", "abc"])).expect("read"), Wish::Join(whom.clone(), room.clone()));
        assert_eq!(
            read("leave", json!(["/", "topic-x", "abc"])).expect("read"),
            Wish::Leave(whom.clone(), room.clone())
        );
        assert_eq!(read("leave", json!(["/", "topic-x"])).expect("read"), Wish::Leave(Whom("topic-x".into()), room));
        for close in [true, false] {
            assert_eq!(read("_disconnect", json!(["/", close, "abc"])).expect("read"), Wish::Disconnect(whom.clone()));
        }
        for said in [json!(["t"]), json!([{ "token": "t" }])] {
            assert_eq!(read("authenticate", said).expect("read"), Wish::Authenticate("t".into()));
        }
    }

    #[test]
    fn nobody_is_meant_by_nothing_and_other_words_mean_nothing() {
        for (event, arguments) in [
            ("join", json!(["/", "topic-x", null])),
            ("join", json!(["/", "topic-x"])),
            ("join", json!(["/admin", "topic-x", "abc"])),
            ("_disconnect", json!(["/", false])),
            ("_disconnect", json!(["/", true, null])),
            ("_disconnect", json!(["/", true, ""])),
            ("_disconnect", json!([])),
            ("emit", json!(["/", "all", "x"])),
            ("authenticate", json!([7])),
        ] {
            assert_eq!(
                read(event, arguments.clone()).expect_err("refused").code(),
                "invalid_request",
                "{event} {arguments}"
            );
        }
        assert_eq!(read("join", json!(["/", "nonsense", "abc"])).expect_err("refused").code(), "not_found");
    }

    #[test]
    fn arguments_are_read_however_many_there_are() {
        for (text, count) in [("[]", 0), ("[1]", 1), ("[1,2]", 2), ("[1,2,3,4,5,6]", 4)] {
            let read: Arguments = serde_json::from_str(text).expect("is read");
            assert_eq!(read.0.len(), count, "{text}");
        }
    }
}
