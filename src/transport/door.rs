//! The door of `/ws` and `/v1/stream`: everything is checked before the answer's first byte, so that
//! a refusal is an ordinary HTTP problem.

use super::{Credential, Entering, Entrance, Handshake, Seat, handover::Handover, handshake, queue::Queue};
use crate::{
    auth,
    broker::{Outlet, Standing, Transport},
    error::{Error, Result},
    identity::Identity,
    notice::ConnectionId,
};
use actix_socketioxide::Meter;
use actix_web::{HttpRequest, web::Query};
use uuid::Uuid;

/// Somebody who has said who they are and what they want.
pub struct Visitor {
    identity: Identity,
    standing: Standing,
    /// What they asked for.
    pub handshake: Handshake,
}

impl Visitor {
    /// Reads a request; `acks` is the wire's default. A bearer token counts before a ticket, which is
    /// not used up then. The ticket is redeemed last: one use, so not on a request that fails anyway.
    ///
    /// # Errors
    /// 400 and 422 for an address that can't be read, 401 without a token or ticket that holds, 503
    /// when that can't be checked.
    pub async fn announce(request: &HttpRequest, entrance: &Entrance, acks: bool) -> Result<Self> {
        let query = Query::<handshake::Query>::from_query(request.query_string())
            .map_err(|error| Error::Malformed(error.to_string().into()))?;
        let handshake = query.handshake(acks)?;
        let credential = match (auth::bearer(request.headers()), &query.ticket) {
            (Some(token), _) => Credential::Token(token.to_owned()),
            (None, Some(ticket)) => Credential::Ticket(ticket.clone()),
            (None, None) => return Err(Error::Unauthorized),
        };
        let (identity, standing) = entrance.admit(credential).await?;
        Ok(Self { identity, standing, handshake })
    }

    /// The confirmations that this stream gives by itself: what was handed to the system, unless the
    /// client is to confirm.
    pub fn handover(&self, entrance: &Entrance, meter: &Meter) -> Option<Handover<Meter>> {
        let addressee = || entrance.addressee(self.identity.user);
        (!self.handshake.acks).then(|| Handover::new(meter.clone(), addressee()))
    }

    /// Takes them to the broker; what they hear comes through the queue, from `ready` on.
    ///
    /// # Errors
    /// 503 when the node takes no more.
    pub async fn enter<O: Outlet + 'static>(
        self,
        entrance: &Entrance,
        transport: Transport,
        outlet: impl FnOnce(Queue) -> O,
    ) -> Result<(Queue, Seat)> {
        let queue = Queue::new(entrance.limits().queue_max);
        let seat = entrance
            .enter(Entering {
                // Random, not time-ordered: who knows one id must not guess another's.
                connection: ConnectionId(Uuid::new_v4().to_string().into()),
                identity: self.identity,
                standing: self.standing,
                handshake: self.handshake,
                transport,
                outlet: Box::new(outlet(queue.clone())),
            })
            .await?;
        Ok((queue, seat))
    }
}

/// The meter of the stream below a request, which the mount lays down.
///
/// # Errors
/// 500 on a server without the mount.
pub fn meter(request: &HttpRequest) -> Result<Meter> {
    let meter = request.conn_data::<Meter>().cloned();
    meter.ok_or_else(|| Error::internal("a stream that did not come through the mount"))
}
