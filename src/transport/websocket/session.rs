//! The actor of one `/ws` connection.

use super::{
    incoming::{Incoming, ack, complaint},
    outgoing::{Ledger, Outgoing, Unencoded},
    size::Oversize,
};
use crate::{
    broker::Cause,
    transport::{
        Limits,
        lane::Lane,
        queue::{Parcel, Queue},
        session::{self, Reply, Session as Affairs},
    },
};
use actix::{Actor, ActorContext, AsyncContext, StreamHandler};
use actix_http::ws::Item;
use actix_socketioxide::Meter;
use actix_web_actors::ws::{CloseCode, CloseReason, Message, ProtocolError, WebsocketContext};
use bytes::{Bytes, BytesMut};
use std::{rc::Rc, time::Instant};

/// Reads what the client says into its lane, writes what waits in its queue.
pub struct Session {
    queue: Queue,
    meter: Meter,
    ledger: Rc<Ledger>,
    unencoded: Unencoded,
    affairs: Lane<Affairs>,
    oversize: Oversize,
    limits: Limits,
    /// When the client was last heard, be it a pong.
    heard: Instant,
    /// A message that comes in several frames, so far.
    parts: Option<BytesMut>,
    closing: bool,
}

type Context = WebsocketContext<Session>;

impl Session {
    /// For a connection that is in.
    pub fn new(queue: Queue, meter: Meter, affairs: Lane<Affairs>, oversize: Oversize, limits: Limits) -> Self {
        let (ledger, unencoded) = (Ledger::new(meter.clone()), Unencoded::default());
        let heard = Instant::now();
        Self { queue, meter, ledger, unencoded, affairs, oversize, limits, heard, parts: None, closing: false }
    }

    /// Where frames that want a confirmation are put as they are written; to be emptied by whoever takes
    /// the bytes.
    pub fn unencoded(&self) -> Unencoded {
        Rc::clone(&self.unencoded)
    }

    /// Everything that is written goes through here, so that all of it is counted.
    fn write(&self, message: Message, context: &mut Context) {
        self.ledger.hand(match &message {
            Message::Text(text) => text.len(),
            Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
            Message::Close(reason) => {
                reason.as_ref().map_or(0, |reason| 2 + reason.description.as_ref().map_or(0, String::len))
            }
            Message::Binary(_) | Message::Continuation(_) | Message::Nop => 0,
        });
        context.write_raw(message);
    }

    /// Says why, and waits for the client's answer (RFC 6455, 7.1.2).
    fn say_close(&mut self, code: CloseCode, reason: &str, context: &mut Context) {
        if !std::mem::replace(&mut self.closing, true) {
            let description = Some(reason.to_owned());
            self.write(Message::Close(Some(CloseReason { code, description })), context);
        }
    }

    /// The client broke the protocol: says so and ends, since what it says from here on means nothing.
    fn give_up(&mut self, code: CloseCode, reason: &str, context: &mut Context) {
        self.say_close(code, reason, context);
        context.stop();
    }

    fn hear(&mut self, text: &str) {
        match Incoming::read(text) {
            Ok(Incoming { command, id }) => {
                let queue = self.queue.clone();
                let reply = id.map(|id| Box::new(move |data: String| answer(&queue, ack(&id, &data))) as Reply);
                session::ask(&self.affairs, command, reply);
            }
            Err(error) => answer(&self.queue, complaint(&error)),
        }
    }

    fn hear_bytes(&mut self, text: &[u8], context: &mut Context) {
        match std::str::from_utf8(text) {
            Ok(text) => self.hear(text),
            Err(_) => self.give_up(CloseCode::Invalid, "not UTF-8", context),
        }
    }

    fn hear_part(&mut self, item: Item, context: &mut Context) {
        let (part, last) = match item {
            Item::FirstText(part) => {
                self.parts = Some(BytesMut::new());
                (part, false)
            }
            Item::Continue(part) => (part, false),
            Item::Last(part) => (part, true),
            Item::FirstBinary(_) => return self.give_up(CloseCode::Unsupported, "text only", context),
        };
        let Some(parts) = &mut self.parts else {
            return self.give_up(CloseCode::Protocol, "a part of nothing", context);
        };
        parts.extend_from_slice(&part);
        if parts.len() > self.limits.message_max {
            return self.give_up(CloseCode::Size, "message too large", context);
        }
        if last {
            let text = self.parts.take().unwrap_or_default();
            self.hear_bytes(&text, context);
        }
    }

    /// Ends the connection once nothing was heard for too long; the context is not asked then, since
    /// it is not served while the stream is stuck.
    fn watch(&self, context: &mut Context) {
        let left = self.limits.silence_max.saturating_sub(self.heard.elapsed());
        context.run_later(left, |session, context| {
            if session.heard.elapsed() < session.limits.silence_max {
                return session.watch(context);
            }
            session.meter.cut();
            context.stop();
        });
    }
}

/// An answer waits in the same queue as everything else, within the same bound: a client that asks
/// and does not read is a slow consumer as well.
fn answer(queue: &Queue, text: String) {
    if queue.push(text.into()).is_err() {
        queue.close(Cause::SlowConsumer);
    }
}

impl Actor for Session {
    type Context = Context;

    fn started(&mut self, context: &mut Context) {
        context.add_stream(Outgoing::new(self.queue.clone(), Rc::clone(&self.ledger)));
        context.run_interval(self.limits.ping_interval, |session, context| {
            session.write(Message::Ping(Bytes::new()), context);
        });
        self.watch(context);
    }

    fn stopped(&mut self, _: &mut Context) {
        self.queue.close(Cause::Disconnected);
        self.affairs.end();
    }
}

/// What waits in the queue.
impl StreamHandler<Parcel> for Session {
    fn handle(&mut self, Parcel { bytes, confirms }: Parcel, context: &mut Context) {
        // Frames are made from text; checking that again costs less than the copy it saves.
        match bytes.try_into() {
            Ok(text) => self.write(Message::Text(text), context),
            Err(_) => return log::error!("a frame that is no text"),
        }
        // Only what the connection confirms by itself comes with a frame.
        self.unencoded.borrow_mut().extend(confirms);
    }

    /// The queue was closed, by the broker or for want of room: the client is told why, and has as
    /// long to hear it as the outlet gives.
    fn finished(&mut self, context: &mut Context) {
        let (code, reason) = close_code(self.queue.closed().unwrap_or(Cause::GoingAway));
        self.say_close(code, reason, context);
    }
}

/// What the client says.
impl StreamHandler<Result<Message, ProtocolError>> for Session {
    fn handle(&mut self, message: Result<Message, ProtocolError>, context: &mut Context) {
        self.heard = Instant::now();
        match message {
            // After the close there is nothing to say but its answer.
            Ok(Message::Text(_) | Message::Binary(_) | Message::Continuation(_)) if self.closing => {}
            Ok(Message::Text(text)) => self.hear(&text),
            Ok(Message::Continuation(item)) => self.hear_part(item, context),
            Ok(Message::Binary(_)) => self.give_up(CloseCode::Unsupported, "text only", context),
            // Who pings and does not read gets no more than the window holds.
            Ok(Message::Ping(payload)) if self.ledger.is_open() => self.write(Message::Pong(payload), context),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Nop) => {}
            Ok(Message::Close(reason)) => {
                if !self.closing {
                    // Its own code back, without the text.
                    let reason = reason.map(|reason| CloseReason { description: None, ..reason });
                    self.write(Message::Close(reason), context);
                }
                context.stop();
            }
            Err(_) if self.oversize.happened() => self.give_up(CloseCode::Size, "message too large", context),
            Err(ProtocolError::Overflow) => self.give_up(CloseCode::Size, "message too large", context),
            Err(ProtocolError::Io(_)) => self.give_up(CloseCode::Invalid, "not UTF-8", context),
            Err(_) => self.give_up(CloseCode::Protocol, "protocol error", context),
        }
    }
}

/// How `/ws` says a cause; the codes are those of [`Cause`].
const fn close_code(cause: Cause) -> (CloseCode, &'static str) {
    match cause {
        Cause::SlowConsumer => (CloseCode::Other(4008), "slow_consumer"),
        Cause::TokenExpired => (CloseCode::Other(4001), "token_expired"),
        Cause::Revoked => (CloseCode::Other(4003), "revoked"),
        Cause::GoingAway => (CloseCode::Away, "going_away"),
        Cause::Disconnected => (CloseCode::Other(4000), "disconnected"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_close_code() {
        let codes = [
            (Cause::SlowConsumer, 4008),
            (Cause::TokenExpired, 4001),
            (Cause::Revoked, 4003),
            (Cause::GoingAway, 1001),
            (Cause::Disconnected, 4000),
        ];
        for (cause, code) in codes {
            assert_eq!(u16::from(close_code(cause).0), code);
        }
    }
}
