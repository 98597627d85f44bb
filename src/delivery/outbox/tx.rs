//! What a change may do: query the database, tell notices, and change who is in which room.

use crate::{
    error::{Error, Result},
    notice::{Audience, Effect, EventName, Notice, Origin, Payload, Seq},
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
    /// The place after which this change's notices come.
    last: Seq,
    origin: Option<Origin>,
    told: Vec<Told>,
}

/// A notice that is not committed yet.
struct Told {
    /// Its place if it is stored; there is one writer, so it is known already.
    seq: Option<Seq>,
    event: EventName,
    /// A JSON object, with `seq` in it if it has a place.
    body: Arc<str>,
    audience: Audience,
    origin: Option<Origin>,
    effect: Option<Effect>,
}

impl Tx {
    pub(super) fn new(conn: Conn) -> Self {
        Self { conn, now: Time::now(), last: Seq(0), origin: None, told: Vec::new() }
    }

    /// When this change happens: one time for all that it writes.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Leaves the caller's own connection out of what is told from here on (CONTRACT 1, Echo); which
    /// one was left out before.
    pub fn spare(&mut self, origin: Option<Origin>) -> Option<Origin> {
        std::mem::replace(&mut self.origin, origin)
    }

    /// The place of the newest notice: the last that was told here, else the last of all.
    #[must_use]
    pub const fn newest(&self) -> Seq {
        self.last
    }

    /// Tells a notice. `body` has to be a JSON object; `seq` is added to it. The answer is the place
    /// that the notice has if this change is committed: there is one writer.
    ///
    /// # Errors
    /// 500 when `body` is no object.
    pub fn tell(&mut self, event: EventName, body: &impl Serialize, audience: Audience) -> Result<Seq> {
        let body = object(&event, body)?;
        let seq = self.next_place();
        self.told.push(Told {
            seq: Some(seq),
            event,
            body: with_seq(body, seq),
            audience,
            origin: self.origin.clone(),
            effect: None,
        });
        Ok(seq)
    }

    /// Tells an event of Herald's own: the payload says which.
    ///
    /// # Errors
    /// As [`Tx::tell`].
    pub fn tell_of<P: Payload>(&mut self, payload: &P, audience: Audience) -> Result<Seq> {
        self.tell(P::EVENT, payload, audience)
    }

    /// Tells a notice that is live only: it has no place, and whoever is not there misses it. It goes
    /// out after the commit, between the notices that were told before it and those told after.
    ///
    /// # Errors
    /// 500 when `body` is no object.
    pub fn tell_live(&mut self, event: EventName, body: &impl Serialize, audience: Audience) -> Result<()> {
        let body = object(&event, body)?.into();
        let origin = self.origin.clone();
        self.told.push(Told { seq: None, event, body, audience, origin, effect: None });
        Ok(())
    }

    /// Changes who is in which room, between the notices told before and those told after.
    pub fn effect(&mut self, effect: Effect) {
        let seq = Some(self.next_place());
        self.told.push(Told {
            seq,
            event: EventName::Silent,
            body: "{}".into(),
            audience: Audience::nobody(),
            origin: None,
            effect: Some(effect),
        });
    }

    /// A new change on the same connection: its own time, nothing told; its notices follow `last`.
    pub(super) fn next_change(&mut self, last: Seq) {
        self.now = Time::now();
        self.last = last;
        self.origin = None;
        self.told.clear();
    }

    /// What was told.
    pub(super) fn take_told(&mut self) -> Vec<Arc<Notice>> {
        let told = self.told.drain(..);
        told.map(|told| {
            let Told { seq, event, body: payload, audience, origin, effect } = told;
            Arc::new(Notice { seq, event, payload, audience, origin, effect })
        })
        .collect()
    }

    fn next_place(&mut self) -> Seq {
        self.last = self.last.next();
        self.last
    }
}

/// The JSON text of an object.
pub(super) fn object(event: &EventName, body: &impl Serialize) -> Result<String> {
    let body = serde_json::to_string(body).map_err(Error::internal)?;
    if body.starts_with('{') && body.ends_with('}') {
        Ok(body)
    } else {
        Err(Error::internal(format_args!("the payload of {event} is no object")))
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
