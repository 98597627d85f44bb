//! One actor for each user who is online.

use super::{
    Cause, Clock, Close, Frame, NotificationBroker, Tell,
    expiry::{Due, Expiry},
};
use crate::{
    notice::{ConnectionId, Payload as _},
    payload_of,
    time::Time,
};
use actix::prelude::*;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// Keeps a user's connections and the end of each one's token: tells the client 60 s before, and
/// closes the connection then (CONTRACT 3). It stops when the last connection is gone.
///
/// The broker owns the ways out; the session tells it what to say ([`Tell`]) and whom to close
/// ([`Close`]), through its bounded mailbox: what does not fit is tried again.
///
/// The inbox is not here: what waits is handed out in the order of notices (`backlog`), and what
/// clients confirm goes past the broker (docs/decisions/0008-inbox-delivery.md).
#[derive(Debug)]
pub struct UserSession {
    broker: Addr<NotificationBroker>,
    clock: Arc<dyn Clock>,
    expiry: Expiry,
    timer: Option<SpawnHandle>,
}

/// A connection came, or goes on with a new token.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Attach {
    pub(super) connection: ConnectionId,
    /// When its token ends, in seconds since 1970.
    pub(super) expires_at: i64,
}

/// A connection went.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Detach(pub(super) ConnectionId);

impl UserSession {
    /// A session with its first connection.
    pub(super) fn new(broker: Addr<NotificationBroker>, clock: Arc<dyn Clock>, first: Attach) -> Self {
        let mut expiry = Expiry::default();
        expiry.set(first.connection, first.expires_at);
        Self { broker, clock, expiry, timer: None }
    }

    /// Does what is due, and sleeps until something is again.
    fn step(&mut self, ctx: &mut Context<Self>) {
        let now = self.clock.now();
        for (connection, due) in self.expiry.due(now) {
            match due {
                Due::Warning { expires_at, seconds } => {
                    let tell = Tell { connection: connection.clone(), frame: warning(expires_at, seconds) };
                    if self.broker.try_send(tell).is_ok() {
                        self.expiry.warned(&connection);
                    }
                }
                // If the mailbox is full: it stays due.
                Due::End => drop(self.broker.try_send(Close { connection, cause: Cause::TokenExpired })),
            }
        }
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        self.timer = self.expiry.sleep(now).map(|sleep| ctx.run_later(sleep, Self::step));
    }
}

impl Actor for UserSession {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.step(ctx);
    }
}

impl Handler<Attach> for UserSession {
    type Result = ();
    fn handle(&mut self, attach: Attach, ctx: &mut Self::Context) {
        self.expiry.set(attach.connection, attach.expires_at);
        self.step(ctx);
    }
}

impl Handler<Detach> for UserSession {
    type Result = ();
    fn handle(&mut self, Detach(connection): Detach, ctx: &mut Self::Context) {
        self.expiry.remove(&connection);
        if self.expiry.len() == 0 {
            ctx.stop();
        }
    }
}

/// The payload of `auth_expiring`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct AuthExpiring {
    expires_at: Time,
    /// How long that is from now.
    seconds: i64,
}

payload_of! { AuthExpiring: AuthExpiring }

fn warning(at: i64, seconds: i64) -> Arc<Frame> {
    let expires_at = Time::from(DateTime::<Utc>::from_timestamp(at, 0).unwrap_or(DateTime::<Utc>::MAX_UTC));
    // A time and a number always encode.
    let payload = serde_json::to_string(&AuthExpiring { expires_at, seconds }).unwrap_or_default();
    Frame::new(AuthExpiring::EVENT.as_str(), None, payload)
}
