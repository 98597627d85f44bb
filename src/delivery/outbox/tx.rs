//! What a change may do: query the database, tell notices, and change who is in which room.

use crate::{
    error::{Error, Result},
    notice::{Audience, Effect, EventName, Notice, Origin, Seq},
    store::Conn,
    time::Time,
};
use serde::Serialize;
use std::sync::Arc;

/// A running transaction and the notices that will be committed with it, in the order told.
pub struct Tx {
    /// The database, inside the transaction: `sql!(&mut tx.conn, |c| …)`.
    pub conn: Conn,
    now: Time,
    origin: Option<Origin>,
    told: Vec<Told>,
}

/// A notice that has no place in the order yet.
struct Told {
    event: EventName,
    /// A JSON object, still without `seq`.
    body: String,
    audience: Audience,
    origin: Option<Origin>,
    effect: Option<Effect>,
}

impl Tx {
    pub(super) fn new(conn: Conn) -> Self {
        Self { conn, now: Time::now(), origin: None, told: Vec::new() }
    }

    /// When this change happens: one time for all that it writes.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Leaves the caller's own connection out of what is told from here on (CONTRACT 1, Echo).
    pub fn spare(&mut self, origin: Option<Origin>) {
        self.origin = origin;
    }

    /// Tells a notice. `body` has to be a JSON object; `seq` is added to it on commit.
    ///
    /// # Errors
    /// 500 when `body` is no object.
    pub fn tell(&mut self, event: EventName, body: &impl Serialize, audience: Audience) -> Result<()> {
        let body = serde_json::to_string(body).map_err(Error::internal)?;
        if !(body.starts_with('{') && body.ends_with('}')) {
            return Err(Error::internal(format_args!("the payload of {event} is no object")));
        }
        let origin = self.origin.clone();
        self.told.push(Told { event, body, audience, origin, effect: None });
        Ok(())
    }

    /// Changes who is in which room, between the notices told before and those told after.
    pub fn effect(&mut self, effect: Effect) {
        self.told.push(Told {
            event: EventName::Silent,
            body: "{}".into(),
            audience: Audience::nobody(),
            origin: None,
            effect: Some(effect),
        });
    }

    /// A new change on the same connection: its own time, nothing told.
    pub(super) fn next_change(&mut self) {
        self.now = Time::now();
        self.origin = None;
        self.told.clear();
    }

    /// What was told, at the places that follow `last`.
    pub(super) fn place_after(&mut self, last: Seq) -> Vec<Arc<Notice>> {
        let mut seq = last;
        self.told
            .drain(..)
            .map(|told| {
                seq = seq.next();
                Arc::new(Notice {
                    seq: Some(seq),
                    event: told.event,
                    payload: with_seq(told.body, seq),
                    audience: told.audience,
                    origin: told.origin,
                    effect: told.effect,
                })
            })
            .collect()
    }
}

/// The object with `"seq"` as its last member.
fn with_seq(mut object: String, seq: Seq) -> Arc<str> {
    object.pop();
    let comma = if object.ends_with('{') { "" } else { "," };
    object.push_str(&format!("{comma}\"seq\":{seq}}}"));
    object.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seq_becomes_the_last_member_of_any_object() {
        assert_eq!(&*with_seq("{}".into(), Seq(3)), "{\"seq\":3}");
        assert_eq!(&*with_seq("{\"a\":{}}".into(), Seq(4)), "{\"a\":{},\"seq\":4}");
    }
}
