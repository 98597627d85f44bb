//! What a client says when it comes: where it left off, which rooms it wants, whether it
//! acknowledges. CONTRACT 3. Pure; the same answers whichever wire the words came over.

use crate::{
    error::{Error, Result},
    notice::{Cursor, Seq},
};
use serde::Deserialize;
use serde_json::Value;

/// Most rooms that may be named in one handshake: twice what a connection may be in (CONTRACT 4),
/// so that a stale list still gets its `refusedRooms`, and a hostile one is not echoed by the page.
pub const ROOMS_MAX: usize = 200;

/// Most bytes of a named room that are looked at. No room's name is longer; what is cut off names
/// none before and after.
const ROOM_NAME_MAX: usize = 256;

/// A client's wishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// Where it left off.
    pub after: Cursor,
    /// Rooms to join before the replay; the broker joins or refuses each (`ready.refusedRooms`).
    pub rooms: Vec<String>,
    /// Whether it confirms notifications itself (CONTRACT 6).
    pub acks: bool,
}

/// The `auth` object of a Socket.IO handshake, as far as Herald reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// `auth.token`, if there is one.
    pub token: Option<String>,
    /// The rest.
    pub handshake: Handshake,
}

impl Auth {
    /// Reads `auth`. A client may send none at all, and fields that Herald does not know.
    ///
    /// `after` may be a number or its decimal text; anything else is an unknown cursor, which is
    /// answered by `resync` rather than by a refusal. An entry of `rooms` that is no text can't be a
    /// room, and is handed on as its JSON text so that it turns up in `refusedRooms`.
    ///
    /// # Errors
    /// 401 for a `token` that is no text; 422 for `rooms` that are no array or too many, or `acks`
    /// that is no boolean: a client with such a bug would otherwise miss what it asked for silently.
    pub fn read(auth: &Value) -> Result<Self> {
        let field = |name: &str| auth.get(name).filter(|value| !value.is_null());
        let token = match field("token") {
            None => None,
            Some(Value::String(token)) => Some(token.clone()),
            Some(_) => return Err(Error::Unauthorized),
        };
        let after = match field("after") {
            None => Cursor::None,
            Some(Value::String(text)) => Cursor::parse(text),
            Some(value) => value.as_i64().filter(|seq| *seq >= 0).map_or(Cursor::Unknown, |seq| Cursor::At(Seq(seq))),
        };
        let rooms = match field("rooms") {
            None => Vec::new(),
            Some(Value::Array(names)) => bounded(names.iter().map(|name| match name {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            }))?,
            Some(_) => return Err(Error::field("rooms", "must be an array of room names")),
        };
        let acks = match field("acks") {
            None => true,
            Some(Value::Bool(acks)) => *acks,
            Some(_) => return Err(Error::field("acks", "must be true or false")),
        };
        Ok(Self { token, handshake: Handshake { after, rooms, acks } })
    }
}

/// The query of `/ws` and `/v1/stream`. Parameters that Herald does not know are left alone.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Query {
    /// A one-use ticket (CONTRACT 2). There is no `token=`: addresses end up in logs.
    pub ticket: Option<String>,
    after: Option<String>,
    rooms: Option<String>,
    acks: Option<String>,
}

impl Query {
    /// The wishes. `acks` is the wire's default: SSE has no way back, so nothing is confirmed there.
    ///
    /// # Errors
    /// 422 for too many rooms, or `acks` that is neither `true` nor `false`.
    pub fn handshake(&self, acks: bool) -> Result<Handshake> {
        let names = self.rooms.as_deref().unwrap_or_default();
        Ok(Handshake {
            after: self.after.as_deref().map_or(Cursor::None, Cursor::parse),
            rooms: bounded(names.split(',').filter(|name| !name.is_empty()).map(str::to_owned))?,
            acks: match self.acks.as_deref() {
                None => acks,
                Some("true") => true,
                Some("false") => false,
                Some(_) => return Err(Error::field("acks", "must be true or false")),
            },
        })
    }
}

fn bounded(names: impl Iterator<Item = String>) -> Result<Vec<String>> {
    let mut rooms: Vec<String> = names.take(ROOMS_MAX + 1).collect();
    if rooms.len() > ROOMS_MAX {
        return Err(Error::field("rooms", "more rooms than a connection may be in"));
    }
    for name in &mut rooms {
        name.truncate(name.floor_char_boundary(ROOM_NAME_MAX));
    }
    Ok(rooms)
}

/// The token of an `Authorization: Bearer` header (RFC 6750; the scheme in any case, RFC 9110).
#[must_use]
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// The one token of a handshake that may carry it in two places (CONTRACT 3).
///
/// # Errors
/// 401 for none, and for two different ones: whichever was taken, the other side would be surprised.
pub fn one_token<'a>(said: Option<&'a str>, header: Option<&'a str>) -> Result<&'a str> {
    match (said, header) {
        (Some(said), Some(header)) if said != header => Err(Error::Unauthorized),
        (Some(token), _) | (None, Some(token)) => Ok(token),
        (None, None) => Err(Error::Unauthorized),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn after(value: Value) -> Cursor {
        Auth::read(&json!({ "after": value })).expect("is read").handshake.after
    }

    #[test]
    fn a_cursor_is_a_number_or_its_text_and_junk_is_unknown_not_refused() {
        assert_eq!(after(json!(0)), Cursor::At(Seq(0)));
        assert_eq!(after(json!(41)), Cursor::At(Seq(41)));
        assert_eq!(after(json!("41")), Cursor::At(Seq(41)));
        assert_eq!(after(Value::Null), Cursor::None);
        for junk in [json!(-1), json!(1.5), json!("x"), json!(""), json!(true), json!([1]), json!({}), json!(u64::MAX)]
        {
            assert_eq!(after(junk.clone()), Cursor::Unknown, "{junk}");
        }
    }

    #[test]
    fn a_client_may_say_nothing_at_all() {
        for auth in [Value::Null, json!({}), json!("junk"), json!([1])] {
            let read = Auth::read(&auth).expect("is read");
            assert_eq!(read.token, None);
            assert_eq!(read.handshake, Handshake { after: Cursor::None, rooms: vec![], acks: true });
        }
    }

    #[test]
    fn what_is_no_room_is_handed_on_to_be_reported() {
        let read = Auth::read(&json!({ "rooms": ["topic-a", 7, null, { "x": 1 }], "acks": false })).expect("is read");
        assert_eq!(read.handshake.rooms, ["topic-a", "7", "null", "{\"x\":1}"]);
        assert!(!read.handshake.acks);
    }

    #[test]
    fn a_handshake_that_would_lose_a_wish_silently_is_refused() {
        for auth in [json!({ "rooms": "topic-a" }), json!({ "rooms": vec!["a"; ROOMS_MAX + 1] }), json!({ "acks": 1 })]
        {
            assert_eq!(Auth::read(&auth).expect_err("is refused").code(), "invalid_request");
        }
        assert_eq!(Auth::read(&json!({ "token": 1 })).expect_err("is refused").code(), "unauthorized");
    }

    #[test]
    fn a_query_says_the_same_as_an_auth_object() {
        let query = Query { after: Some("7".into()), rooms: Some("a,,b".into()), ..Query::default() };
        let expected = Handshake { after: Cursor::At(Seq(7)), rooms: vec!["a".into(), "b".into()], acks: false };
        assert_eq!(query.handshake(false).expect("is read"), expected);
        assert!(Query { acks: Some("true".into()), ..Query::default() }.handshake(false).expect("is read").acks);
        assert!(Query { acks: Some("1".into()), ..Query::default() }.handshake(true).is_err());
        assert_eq!(Query::default().handshake(true).expect("is read").after, Cursor::None);
    }

    #[test]
    fn two_different_tokens_are_none() {
        assert_eq!(one_token(Some("a"), None).expect("one"), "a");
        assert_eq!(one_token(None, Some("a")).expect("one"), "a");
        assert_eq!(one_token(Some("a"), Some("a")).expect("one"), "a");
        assert!(one_token(Some("a"), Some("b")).is_err());
        assert!(one_token(None, None).is_err());
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_its_scheme() {
        assert_eq!(bearer("Bearer a.b.c"), Some("a.b.c"));
        assert_eq!(bearer("bearer  a "), Some("a"));
        for header in ["", "Bearer", "Bearer ", "Basic abc", "a.b.c"] {
            assert_eq!(bearer(header), None, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn no_room_name_makes_the_reader_fail_or_grow(names in prop::collection::vec(".{0,400}", 0..8)) {
            let rooms = Auth::read(&json!({ "rooms": names })).expect("is read").handshake.rooms;
            prop_assert_eq!(rooms.len(), names.len());
            prop_assert!(rooms.iter().all(|name| name.len() <= ROOM_NAME_MAX));
        }
    }
}
