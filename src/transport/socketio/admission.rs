//! Who is let into a namespace, checked before CONNECT is answered.

use super::{link, listener::Listener};
use crate::{
    broker::Standing,
    error::{Error, Result},
    identity::Identity,
    transport::{
        Credential, Entrance, Handshake,
        handshake::{Auth, bearer, one_token},
        lane::Lane,
        session::Session,
    },
};
use actix_socketioxide::Link;
use serde_json::Value;
use socketioxide::extract::SocketRef;
use std::future::ready;

/// What the check found out, carried from the middleware to the connect handler in the socket's
/// extensions.
#[derive(Clone)]
pub struct Admitted {
    /// Who it is.
    pub identity: Identity,
    /// What they may see.
    pub standing: Standing,
    /// What they asked for.
    pub handshake: Handshake,
    /// Their affairs, in order.
    pub lane: Lane<Session>,
    /// The way to them.
    pub link: Link,
}

/// Lets somebody into `/`, and begins to listen to them.
pub async fn admit(socket: &SocketRef, auth: &Value, entrance: Entrance) -> Result<()> {
    let link = link(socket)?;
    if link.is_closed() {
        // It was here before and left; see `listen`.
        return Err(Error::Unavailable("the transport is closing".into()));
    }
    let (token, handshake) = read(socket, auth)?;
    let (identity, standing) = entrance.admit(Credential::Token(token)).await?;
    let queue_max = entrance.limits().queue_max;
    let lane = Session::outside(entrance);
    listen(socket, &lane, &link, queue_max);
    socket.extensions.insert(Admitted { identity, standing, handshake, lane, link });
    Ok(())
}

/// The one token of the handshake, and the rest of it.
fn read(socket: &SocketRef, auth: &Value) -> Result<(String, Handshake)> {
    let auth = Auth::read(auth)?;
    let mut headers = socket.req_parts().headers.get_all("authorization").iter();
    let header = match (headers.next(), headers.next()) {
        (Some(header), None) => header.to_str().ok().and_then(bearer),
        // Two headers: nobody knows which to believe.
        _ => None,
    };
    let token = one_token(auth.token.as_deref(), header)?.to_owned();
    Ok((token, auth.handshake))
}

/// Everything that the client sends goes to its lane, in the order in which it was sent: both run in place
/// (see the module's page).
fn listen(socket: &SocketRef, lane: &Lane<Session>, link: &Link, queue_max: usize) {
    socket.on_fallback(Listener::new(lane.clone(), link.clone(), queue_max));
    let (lane, link) = (lane.clone(), link.clone());
    socket.on_disconnect(move || {
        lane.end();
        // Who leaves `/` loses the transport. A standard client that shares it with `/admin` comes
        // back by itself; one that came back on the same transport would have the same connection
        // id, and its first bytes still under way.
        link.cut();
        ready(())
    });
}
