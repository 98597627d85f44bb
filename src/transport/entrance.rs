//! What the three wires share at the door: the gate, the way to the broker, the limits.

use super::{Gate, Handshake, Limits, Receipts, gate::Credential, receipts::Addressee};
use crate::{
    broker::{
        Authenticate, Connect, Disconnect, Grant, Join, Leave, Outlet, Say, Standing, Transport,
        presence::{ReadPresence, StartTelling, Ties, Unwatch, Watch},
    },
    error::{Error, Result},
    identity::Identity,
    ids::{NotificationId, UserId},
    notice::{ConnectionId, Room},
    secret::Secret,
};
use actix::{Actor, Addr, Context, Handler, Message, Recipient, dev::SendError};
use std::{net::IpAddr, sync::Arc};

/// The way in, shared by all transports and workers.
#[derive(Clone)]
pub struct Entrance(Arc<Inner>);

struct Inner {
    gate: Box<dyn Gate>,
    receipts: Arc<dyn Receipts>,
    broker: Broker,
    limits: Limits,
}

/// The broker, by the messages that transports send it.
struct Broker {
    connect: Recipient<Connect>,
    disconnect: Recipient<Disconnect>,
    join: Recipient<Join>,
    leave: Recipient<Leave>,
    say: Recipient<Say>,
    authenticate: Recipient<Authenticate>,
    watch: Recipient<Watch>,
    start_telling: Recipient<StartTelling>,
    unwatch: Recipient<Unwatch>,
    read_presence: Recipient<ReadPresence>,
}

/// A wish that is put to the broker for one connection.
pub trait Wish: Message<Result: Send> + Send + Sized {
    /// Who takes it.
    fn recipient(entrance: &Entrance) -> &Recipient<Self>;
}

macro_rules! wishes {
    ($($message:ident by $field:ident),*) => { $(
        impl Wish for $message {
            fn recipient(entrance: &Entrance) -> &Recipient<Self> {
                &entrance.0.broker.$field
            }
        }
    )* };
}

wishes! {
    Connect by connect, Join by join, Leave by leave, Say by say, Authenticate by authenticate,
    Watch by watch, StartTelling by start_telling, Unwatch by unwatch, ReadPresence by read_presence
}

/// All that is known of a connection when it enters.
pub struct Entering {
    /// Its name.
    pub connection: ConnectionId,
    /// Whose it is.
    pub identity: Identity,
    /// What the user may see.
    pub standing: Standing,
    /// What the client asked for.
    pub handshake: Handshake,
    /// Which wire.
    pub transport: Transport,
    /// The way out.
    pub outlet: Box<dyn Outlet>,
}

impl Entrance {
    /// An entrance guarded by this gate, leading to this broker; what clients have goes to these receipts.
    pub fn new<A>(gate: impl Gate, receipts: impl Receipts, broker: &Addr<A>, limits: Limits) -> Self
    where
        A: Actor<Context = Context<A>>
            + Handler<Connect>
            + Handler<Disconnect>
            + Handler<Join>
            + Handler<Leave>
            + Handler<Say>
            + Handler<Authenticate>
            + Handler<Watch>
            + Handler<StartTelling>
            + Handler<Unwatch>
            + Handler<ReadPresence>,
    {
        let broker = Broker {
            connect: broker.clone().recipient(),
            disconnect: broker.clone().recipient(),
            join: broker.clone().recipient(),
            leave: broker.clone().recipient(),
            say: broker.clone().recipient(),
            authenticate: broker.clone().recipient(),
            watch: broker.clone().recipient(),
            start_telling: broker.clone().recipient(),
            unwatch: broker.clone().recipient(),
            read_presence: broker.clone().recipient(),
        };
        Self(Arc::new(Inner { gate: Box::new(gate), receipts: Arc::new(receipts), broker, limits }))
    }

    /// The limits of a connection.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Whose inbox a connection of this user confirms.
    #[must_use]
    pub fn addressee(&self, user: UserId) -> Addressee {
        Addressee::new(Arc::clone(&self.0.receipts), user)
    }

    /// The user has these of the inbox; resolves once that is stored. Those of others, and those that
    /// are not there, change nothing.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn confirm(&self, user: UserId, ids: Vec<NotificationId>) -> Result<()> {
        self.0.receipts.confirm(user, ids).await
    }

    /// Lets somebody pass the gate.
    ///
    /// # Errors
    /// 401 for a credential that does not hold, 503 when the database is away.
    pub async fn admit(&self, credential: Credential) -> Result<(Identity, Standing)> {
        self.0.gate.admit(credential).await
    }

    /// Who a token says somebody is.
    ///
    /// # Errors
    /// 401 if it does not hold, 503 if it can't be checked.
    pub async fn identify(&self, token: &str) -> Result<Identity> {
        self.0.gate.identify(token.to_owned()).await
    }

    /// Logs an administrator in: a token, and who it says they are.
    ///
    /// # Errors
    /// 401, 403 for anybody else, 429 after too many failures, 503.
    pub async fn log_in_admin(&self, email: String, password: Secret, from: IpAddr) -> Result<(String, Identity)> {
        self.0.gate.log_in_admin(email, password, from).await
    }

    /// By what the user may enter those of these rooms that belong to their parties. The others cost
    /// nothing.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn grants(&self, user: UserId, rooms: impl Iterator<Item = Room>) -> Result<Vec<Grant>> {
        let of_parties: Vec<Room> = rooms.filter(|room| matches!(room, Room::Request(_) | Room::Chat(_))).collect();
        if of_parties.is_empty() { Ok(Vec::new()) } else { self.0.gate.grants(user, of_parties).await }
    }

    /// What the user shares with these others.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn ties(&self, user: UserId, others: &[UserId]) -> Result<Ties> {
        self.0.gate.ties(user, others.to_vec()).await
    }

    /// Asks the broker, waiting for a place in its mailbox: a node that is overloaded slows its
    /// clients down instead of filling its memory.
    ///
    /// # Errors
    /// 503 when the broker is gone.
    pub async fn ask<W: Wish>(&self, wish: W) -> Result<W::Result> {
        W::recipient(self).send(wish).await.map_err(|_| Error::Unavailable("the broker is gone".into()))
    }

    /// Takes a connection to the broker; it hears `ready` through its outlet.
    ///
    /// # Errors
    /// 503 when the node takes no more, or the broker is gone.
    pub async fn enter(&self, entering: Entering) -> Result<Seat> {
        let Entering { connection, identity, standing, handshake, transport, outlet } = entering;
        // The seat is there before the question, so that it is given up even if whoever waits for
        // the answer is dropped meanwhile.
        let seat = Seat { connection: connection.clone(), user: identity.user, entrance: self.clone() };
        // `acks` is the outlet's affair.
        let Handshake { after, rooms, acks: _ } = handshake;
        let grants = self.grants(identity.user, rooms.iter().filter_map(|name| name.parse().ok())).await?;
        let connect = Connect { connection, identity, standing, after, rooms, grants, transport, outlet };
        if self.ask(connect).await? { Ok(seat) } else { Err(Error::Unavailable("the node takes no more".into())) }
    }
}

/// A connection's place with the broker. Dropping it gives it up: that is how the broker learns that
/// a connection is gone, whichever way it went.
pub struct Seat {
    connection: ConnectionId,
    user: UserId,
    entrance: Entrance,
}

impl Seat {
    /// Whose place it is.
    #[must_use]
    pub const fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// Whose connection it is.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let gone = Disconnect { connection: self.connection.clone() };
        let Err(SendError::Full(gone)) = self.entrance.0.broker.disconnect.try_send(gone) else { return };
        let entrance = self.entrance.clone();
        // Must not get lost. Without a runtime the process is at its end, and there is nobody to tell.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { entrance.0.broker.disconnect.send(gone).await });
        }
    }
}
