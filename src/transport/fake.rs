//! A gate and a broker for the tests of the wires.

use super::{Credential, Entrance, Gate, Limits, Receipts};
use crate::{
    broker::{
        Administer, Authenticate, Cause, Connect, ConnectionInfo, Connections, Disconnect, Frame, Grant, Join, Joined,
        KeepLooking, Leave, LookAway, LookOn, Outcome, Outlet, Overflow, ReadStats, Refusal, Say, Standing, Stats,
        Watcher,
        presence::{PresenceOf, ReadPresence, StartTelling, State, Ties, Unwatch, Watch},
    },
    error::{Error, Result},
    identity::{Identity, Role, Roles},
    ids::{NotificationId, UserId},
    notice::{ConnectionId, Cursor, Room, Seq},
    secret::Secret,
};
use actix::{Actor, Addr, Context, Handler, Message, ResponseFuture};
use futures_util::future::{BoxFuture, FutureExt, join_all, ready};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Notify;

/// Knows the token `good` (and `admin`), the ticket `ticket`; `expired` has expired.
pub struct FakeGate;

impl FakeGate {
    fn identity(roles: impl IntoIterator<Item = Role>) -> Identity {
        let roles: Roles = roles.into_iter().collect();
        Identity {
            user: UserId::generate(),
            sid: "s1".parse().expect("a sid"),
            roles,
            token_roles: roles,
            expires_at: i64::MAX,
            topics: vec![],
        }
    }
}

impl Gate for FakeGate {
    fn identify(&self, token: String) -> BoxFuture<'static, Result<Identity>> {
        let identity = match token.as_str() {
            "good" => Ok(Self::identity([Role::User])),
            "admin" => Ok(Self::identity([Role::User, Role::Admin])),
            "expired" => Err(Error::TokenExpired),
            _ => Err(Error::Unauthorized),
        };
        ready(identity).boxed()
    }

    fn log_in_admin(&self, _: String, _: Secret, _: IpAddr) -> BoxFuture<'static, Result<(String, Identity)>> {
        ready(Err(Error::Unauthorized)).boxed()
    }

    fn admit(&self, credential: Credential) -> BoxFuture<'static, Result<(Identity, Standing)>> {
        let standing = Standing { as_of: Seq(0), groups: vec![] };
        match credential {
            Credential::Token(token) => self.identify(token).map(|found| Ok((found?, standing))).boxed(),
            Credential::Ticket(ticket) if ticket == "ticket" => {
                ready(Ok((Self::identity([Role::User]), standing))).boxed()
            }
            Credential::Ticket(_) => ready(Err(Error::Unauthorized)).boxed(),
        }
    }

    fn grants(&self, _: UserId, _: Vec<Room>) -> BoxFuture<'static, Result<Vec<Grant>>> {
        ready(Ok(vec![])).boxed()
    }

    fn ties(&self, _: UserId, _: Vec<UserId>) -> BoxFuture<'static, Result<Ties>> {
        ready(Ok(Ties::default())).boxed()
    }
}

/// Keeps confirmations in the order in which they came.
#[derive(Clone, Default)]
pub struct Kept(Arc<(Mutex<Vec<NotificationId>>, Notify)>);

impl Kept {
    pub fn ids(&self) -> Vec<NotificationId> {
        self.0.0.lock().expect("a lock").clone()
    }

    /// Waits until so many are there; these have to be it.
    pub async fn holds(&self, ids: &[NotificationId]) {
        let arrive = async {
            loop {
                let mut more = std::pin::pin!(self.0.1.notified());
                more.as_mut().enable();
                if self.ids().len() >= ids.len() {
                    return;
                }
                more.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), arrive).await.expect("they are confirmed");
        assert_eq!(self.ids(), ids);
    }
}

impl Receipts for Kept {
    fn received(&self, _: UserId, ids: &[NotificationId]) {
        self.0.0.lock().expect("a lock").extend(ids);
        self.0.1.notify_waiters();
    }

    fn confirm(&self, user: UserId, ids: Vec<NotificationId>) -> BoxFuture<'static, Result<()>> {
        self.received(user, &ids);
        ready(Ok(())).boxed()
    }
}

/// Says `ready`, and lets everybody into topics; counts joins as places in the order.
#[derive(Default)]
pub struct FakeBroker {
    connections: HashMap<ConnectionId, Box<dyn Outlet>>,
    pub after: Vec<Cursor>,
    watchers: Vec<Box<dyn Watcher>>,
    seq: i64,
}

impl FakeBroker {
    pub fn entrance(limits: Limits) -> (Entrance, Addr<Self>, Kept) {
        let (broker, kept) = (Self::default().start(), Kept::default());
        (Entrance::new(FakeGate, kept.clone(), &broker, limits), broker, kept)
    }

    fn step(&mut self, rooms: &[Room]) -> Result<Joined, Refusal> {
        if !matches!(rooms, [Room::Topic(_)]) {
            return Err(Refusal::Forbidden);
        }
        self.seq += 1;
        Ok(Joined { seq: Seq(self.seq) })
    }
}

impl Actor for FakeBroker {
    type Context = Context<Self>;
}

/// To all connections, so many times; those that overflow are closed.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Tell(pub Arc<Frame>, pub usize);

/// Waits until all outlets are drained.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Drain;

/// Closes all connections.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CloseAll(pub Cause);

/// How many there are, and the cursors that they came with.
#[derive(Message)]
#[rtype(result = "(usize, Vec<Cursor>)")]
pub struct Count;

impl Handler<Connect> for FakeBroker {
    type Result = bool;
    fn handle(&mut self, connect: Connect, _: &mut Context<Self>) -> bool {
        let mut outlet = connect.outlet;
        let rooms = connect.rooms.join(",");
        let payload = format!(r#"{{"id":"{}","seq":7,"rooms":"{rooms}"}}"#, connect.connection);
        self.after.push(connect.after);
        // Only a client that is gone again has no room for the first frame.
        match outlet.send(&Frame::new("ready", Some(Seq(7)), payload)) {
            Ok(()) => drop(self.connections.insert(connect.connection, outlet)),
            Err(Overflow) => outlet.close(Cause::SlowConsumer),
        }
        true
    }
}

impl Handler<Disconnect> for FakeBroker {
    type Result = ();
    fn handle(&mut self, gone: Disconnect, _: &mut Context<Self>) {
        self.connections.remove(&gone.connection);
    }
}

impl Handler<Join> for FakeBroker {
    type Result = Result<Joined, Refusal>;
    fn handle(&mut self, join: Join, _: &mut Context<Self>) -> Self::Result {
        self.step(&join.rooms)
    }
}

impl Handler<Leave> for FakeBroker {
    type Result = Result<Joined, Refusal>;
    fn handle(&mut self, leave: Leave, _: &mut Context<Self>) -> Self::Result {
        self.step(&leave.rooms)
    }
}

impl Handler<Say> for FakeBroker {
    type Result = Result<(), Refusal>;
    fn handle(&mut self, _: Say, _: &mut Context<Self>) -> Self::Result {
        Err(Refusal::Forbidden)
    }
}

impl Handler<Authenticate> for FakeBroker {
    type Result = Result<(), Refusal>;
    fn handle(&mut self, authenticate: Authenticate, _: &mut Context<Self>) -> Self::Result {
        if authenticate.identity.is_admin() { Err(Refusal::OtherIdentity) } else { Ok(()) }
    }
}

/// Everybody is away.
impl Handler<Watch> for FakeBroker {
    type Result = Result<Vec<PresenceOf>, Refusal>;
    fn handle(&mut self, Watch { users, .. }: Watch, _: &mut Context<Self>) -> Self::Result {
        let state = State { online: false, connections: 0 };
        Ok(users.into_iter().map(|user_id| PresenceOf { user_id, state }).collect())
    }
}

/// Tells everything that it knows.
impl Handler<StartTelling> for FakeBroker {
    type Result = ();
    fn handle(&mut self, StartTelling { connection }: StartTelling, _: &mut Context<Self>) {
        if let Some(outlet) = self.connections.get_mut(&connection) {
            outlet.send(&Frame::new("presence", None, "{}")).ok();
        }
    }
}

impl Handler<Unwatch> for FakeBroker {
    type Result = Result<(), Refusal>;
    fn handle(&mut self, _: Unwatch, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

impl Handler<ReadPresence> for FakeBroker {
    type Result = Result<Vec<PresenceOf>, Refusal>;
    fn handle(&mut self, _: ReadPresence, _: &mut Context<Self>) -> Self::Result {
        Err(Refusal::SharesNothing)
    }
}

impl Handler<Tell> for FakeBroker {
    type Result = ();
    fn handle(&mut self, tell: Tell, _: &mut Context<Self>) {
        self.connections.retain(|_, outlet| {
            if let Some(place) = outlet.place() {
                place.shard.push(&vec![tell.0.clone(); tell.1], &[place.index]);
                place.shard.wake();
                return true;
            }
            let sent = (0..tell.1).try_for_each(|_| outlet.send(&tell.0));
            if sent.is_err() {
                outlet.close(Cause::SlowConsumer);
            }
            sent.is_ok()
        });
    }
}

impl Handler<Drain> for FakeBroker {
    type Result = ResponseFuture<()>;
    fn handle(&mut self, _: Drain, _: &mut Context<Self>) -> Self::Result {
        let drained = join_all(self.connections.values().map(|outlet| outlet.drained()));
        drained.map(drop).boxed_local()
    }
}

impl Handler<CloseAll> for FakeBroker {
    type Result = ();
    fn handle(&mut self, all: CloseAll, _: &mut Context<Self>) {
        for (_, mut outlet) in self.connections.drain() {
            outlet.close(all.0);
        }
    }
}

impl Handler<Count> for FakeBroker {
    type Result = actix::MessageResult<Count>;
    fn handle(&mut self, _: Count, _: &mut Context<Self>) -> Self::Result {
        actix::MessageResult((self.connections.len(), self.after.clone()))
    }
}

// Nobody is administered here, and nobody watches.

impl Handler<Connections> for FakeBroker {
    type Result = Vec<ConnectionInfo>;
    fn handle(&mut self, _: Connections, _: &mut Context<Self>) -> Self::Result {
        Vec::new()
    }
}

impl Handler<Administer> for FakeBroker {
    type Result = Vec<Outcome>;
    fn handle(&mut self, _: Administer, _: &mut Context<Self>) -> Self::Result {
        Vec::new()
    }
}

impl Handler<ReadStats> for FakeBroker {
    type Result = actix::MessageResult<ReadStats>;
    fn handle(&mut self, _: ReadStats, _: &mut Context<Self>) -> Self::Result {
        actix::MessageResult(Stats::default())
    }
}

impl Handler<LookOn> for FakeBroker {
    type Result = bool;
    fn handle(&mut self, watch: LookOn, _: &mut Context<Self>) -> bool {
        self.watchers.push(watch.watcher);
        true
    }
}

impl Handler<LookAway> for FakeBroker {
    type Result = ();
    fn handle(&mut self, _: LookAway, _: &mut Context<Self>) {}
}

impl Handler<KeepLooking> for FakeBroker {
    type Result = Result<(), Refusal>;
    fn handle(&mut self, _: KeepLooking, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}
