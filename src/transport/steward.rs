//! What administrators do to many connections at once (CONTRACT 9): a selection is gone through page by
//! page, so that the broker, which is one thread, never does this for long while everybody else waits.

use super::{Entrance, commands::refused};
use crate::{
    broker::{
        Administer, ConnectionFilter, ConnectionInfo, Connections, Deed, Grant, KeepLooking, LookAway, LookOn,
        ReadStats, Refusal, Stats,
    },
    error::{Error, Result},
    identity::Identity,
    ids::UserId,
    notice::{ConnectionId, Room, Seq},
    secret::Secret,
};
use actix::{Actor, Addr, Context, Handler, Recipient};
use serde::{Serialize, Serializer};
use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::Arc,
};

/// Most connections that are listed at once.
const LISTED: usize = 500;
/// Most that the broker does in one go, counted in rooms entered or left, or connections closed: some
/// milliseconds.
const AT_ONCE: usize = 250;
/// Most refusals that are told one by one; all are counted.
const REFUSALS_TOLD: usize = 100;

/// Which connections: those that fit all that is given. What gives nothing selects nothing.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// One of these.
    pub ids: Option<Vec<ConnectionId>>,
    /// Of this user.
    pub user: Option<UserId>,
    /// In this room.
    pub room: Option<Room>,
}

/// What is to be done to them.
#[derive(Debug, Clone)]
pub enum Act {
    /// Put into rooms: those that each connection's user may enter by right, and topics.
    Join(Arc<[Room]>),
    /// Taken out of rooms.
    Leave(Arc<[Room]>),
    /// Closed; clients take it for a reason to stay away.
    Disconnect,
}

impl Act {
    /// Its name, for the log.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Join(_) => "join",
            Self::Leave(_) => "leave",
            Self::Disconnect => "disconnect",
        }
    }
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// How many connections the selection named.
    pub matched: usize,
    /// How many of them are in other rooms now, or closed.
    pub changed: usize,
    /// How often somebody was not put into a room, or not taken out of one.
    pub refused: usize,
    /// The first of these.
    pub refusals: Vec<Refused>,
}

/// A room that a connection was not put into, or not taken out of.
#[derive(Debug, Serialize)]
pub struct Refused {
    /// Which connection.
    pub id: ConnectionId,
    /// Which room.
    pub room: Room,
    /// Why, as a problem's code.
    #[serde(serialize_with = "code")]
    pub code: Refusal,
}

fn code<S: Serializer>(refusal: &Refusal, to: S) -> std::result::Result<S::Ok, S::Error> {
    to.serialize_str(refused(*refusal).code())
}

/// Does it; cheap to clone. That the caller is an administrator is for those to check who ask.
#[derive(Clone)]
pub struct Steward {
    entrance: Entrance,
    connections: Recipient<Connections>,
    administer: Recipient<Administer>,
    stats: Recipient<ReadStats>,
    watch: Recipient<LookOn>,
    unwatch: Recipient<LookAway>,
    watch_on: Recipient<KeepLooking>,
}

impl Steward {
    /// Asks this broker, and the entrance for what rooms belong to whom.
    pub fn new<A>(entrance: Entrance, broker: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>>
            + Handler<Connections>
            + Handler<Administer>
            + Handler<ReadStats>
            + Handler<LookOn>
            + Handler<LookAway>
            + Handler<KeepLooking>,
    {
        Self {
            entrance,
            connections: broker.clone().recipient(),
            administer: broker.clone().recipient(),
            stats: broker.clone().recipient(),
            watch: broker.clone().recipient(),
            unwatch: broker.clone().recipient(),
            watch_on: broker.clone().recipient(),
        }
    }

    /// Who a token says somebody is.
    ///
    /// # Errors
    /// 401 if it does not hold, 503 if it can't be checked.
    pub async fn identify(&self, token: &str) -> Result<Identity> {
        self.entrance.identify(token).await
    }

    /// Logs an administrator in: a token, and who it says they are.
    ///
    /// # Errors
    /// 401, 403 for anybody else, 429 after too many failures, 503.
    pub async fn log_in(&self, email: String, password: Secret, from: IpAddr) -> Result<(String, Identity)> {
        self.entrance.log_in_admin(email, password, from).await
    }

    /// Lets somebody watch the connections; see [`LookOn`].
    ///
    /// # Errors
    /// 503 when there is no place, or the broker is gone.
    pub async fn watch(&self, watch: LookOn) -> Result<()> {
        let taken = self.watch.send(watch).await.map_err(gone)?;
        if taken { Ok(()) } else { Err(Error::Unavailable("too many watch already".into())) }
    }

    /// They watch no more.
    pub async fn unwatch(&self, name: ConnectionId) {
        // A broker that is gone has forgotten them.
        let _ = self.unwatch.send(LookAway(name)).await;
    }

    /// They go on with a new token.
    ///
    /// # Errors
    /// 401 if it does not hold, 403 if it is another's or no administrator's, 503.
    pub async fn watch_on(&self, name: &ConnectionId, token: &str) -> Result<()> {
        let mut identity = self.identify(token).await?;
        loop {
            let wish = KeepLooking { name: name.clone(), identity: identity.clone() };
            self.watch_on.send(wish).await.map_err(gone)?.map_err(refused)?;
            // A change of roles may have passed the broker between the reading and the wish.
            let now = self.identify(token).await?;
            if now.roles == identity.roles {
                return Ok(());
            }
            identity = now;
        }
    }

    /// How the broker does.
    ///
    /// # Errors
    /// 503 when it is gone.
    pub async fn stats(&self) -> Result<Stats> {
        self.stats.send(ReadStats).await.map_err(gone)
    }

    /// The place up to which notices went out: what is asked after this holds at least up to there.
    ///
    /// # Errors
    /// 503 when the broker is gone.
    pub async fn newest(&self) -> Result<Seq> {
        Ok(self.stats().await?.last)
    }

    /// The connections that fit, in the order of their ids.
    ///
    /// # Errors
    /// 503 when the broker is gone.
    pub async fn list(&self, filter: ConnectionFilter) -> Result<Vec<ConnectionInfo>> {
        self.connections.send(Connections(filter)).await.map_err(gone)
    }

    /// Does something to a selection. Connections that come meanwhile may be left out.
    ///
    /// # Errors
    /// 503 when the broker or the database is gone; what was done until then stays done.
    pub async fn apply(&self, selection: Selection, act: &Act) -> Result<Report> {
        let Selection { ids, user, room } = selection;
        let mut report = Report::default();
        if ids.is_none() && user.is_none() && room.is_none() {
            return Ok(report);
        }
        let mut filter = ConnectionFilter { ids, user, room, limit: Some(LISTED), ..ConnectionFilter::default() };
        let at_once = match act {
            Act::Join(rooms) | Act::Leave(rooms) => (AT_ONCE / rooms.len().max(1)).max(1),
            Act::Disconnect => AT_ONCE,
        };
        loop {
            let page = self.list(filter.clone()).await?;
            report.matched += page.len();
            for some in page.chunks(at_once) {
                self.apply_to(some, act, &mut report).await?;
            }
            match page.last() {
                Some(last) if page.len() == LISTED => filter.after = Some(last.id.clone()),
                _ => return Ok(report),
            }
        }
    }

    async fn apply_to(&self, some: &[ConnectionInfo], act: &Act, report: &mut Report) -> Result<()> {
        let deed = match act {
            Act::Join(rooms) => Deed::Join { rooms: rooms.clone(), grants: self.grants(some, rooms).await? },
            Act::Leave(rooms) => Deed::Leave(rooms.clone()),
            Act::Disconnect => Deed::Disconnect,
        };
        let connections = some.iter().map(|info| info.id.clone()).collect();
        let outcomes = self.administer.send(Administer { connections, deed }).await.map_err(gone)?;
        for (info, outcome) in some.iter().zip(outcomes) {
            report.changed += usize::from(outcome.changed);
            report.refused += outcome.refused.len();
            let left = REFUSALS_TOLD.saturating_sub(report.refusals.len());
            let told = outcome.refused.into_iter().take(left);
            report.refusals.extend(told.map(|(room, code)| Refused { id: info.id.clone(), room, code }));
        }
        Ok(())
    }

    /// What the database says of rooms that belong to their parties, for each user.
    async fn grants(&self, some: &[ConnectionInfo], rooms: &[Room]) -> Result<HashMap<UserId, Vec<Grant>>> {
        let mut grants = HashMap::new();
        for info in some {
            if let Entry::Vacant(unasked) = grants.entry(info.user_id) {
                unasked.insert(self.entrance.grants(info.user_id, rooms.iter().cloned()).await?);
            }
        }
        Ok(grants)
    }
}

fn gone(_: actix::MailboxError) -> Error {
    Error::Unavailable("the broker is gone".into())
}
