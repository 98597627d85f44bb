//! The broker's messages of those who watch the connections, and the one ticker for all of them: there
//! is none while nobody watches.

use super::{
    NotificationBroker, Refusal,
    watch::{LOOK, Watcher},
};
use crate::{identity::Identity, notice::ConnectionId};
use actix::prelude::*;

/// Somebody begins to watch. Answered by `false` when there is no place, or Herald stops; the watcher is
/// closed then. Who they are is to be looked up again after this: what changed while it was on its way
/// is not known here.
#[derive(Message)]
#[rtype(result = "bool")]
pub struct LookOn {
    /// A name of their own; no connection's.
    pub name: ConnectionId,
    /// Who they are: an administrator.
    pub identity: Identity,
    /// The way to them.
    pub watcher: Box<dyn Watcher>,
}

/// Somebody watches no more.
#[derive(Message)]
#[rtype(result = "()")]
pub struct LookAway(pub ConnectionId);

/// Goes on watching with a new token; the same user's and login session's, and still an
/// administrator's.
#[derive(Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct KeepLooking {
    /// Who.
    pub name: ConnectionId,
    /// What the new token says, checked.
    pub identity: Identity,
}

impl NotificationBroker {
    fn look(&mut self, ctx: &mut Context<Self>) {
        let watched = self.dispatch.look(self.clock.now(), self.sessions.len());
        match self.watching.take() {
            Some(ticker) if !watched => _ = ctx.cancel_future(ticker),
            None if watched => self.watching = Some(ctx.run_interval(LOOK, Self::look)),
            ticker => self.watching = ticker,
        }
    }
}

impl Handler<LookOn> for NotificationBroker {
    type Result = bool;
    fn handle(&mut self, LookOn { name, identity, watcher }: LookOn, ctx: &mut Self::Context) -> bool {
        let (now, users) = (self.clock.now(), self.sessions.len());
        let taken = self.dispatch.look_on(name, identity, watcher, now, users);
        self.look(ctx);
        taken
    }
}

impl Handler<LookAway> for NotificationBroker {
    type Result = ();
    fn handle(&mut self, LookAway(name): LookAway, ctx: &mut Self::Context) {
        self.dispatch.watchers.remove(&name);
        self.look(ctx);
    }
}

impl Handler<KeepLooking> for NotificationBroker {
    type Result = Result<(), Refusal>;
    fn handle(&mut self, KeepLooking { name, identity }: KeepLooking, _: &mut Self::Context) -> Self::Result {
        self.dispatch.watchers.renew(&name, identity)
    }
}
