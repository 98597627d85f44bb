//! The actor round [`Dispatch`]: receives, asks, and keeps the user sessions.

use super::{
    Away, Clock, History, Inbox, Page, Pending, Refusal, SystemClock,
    dispatch::{Ask, Dispatch},
    hub::Slot,
    presence::{GRACE, REST, Wait},
    ring::{RECENT, RECENT_BYTES},
    session::{Attach, Detach, UserSession},
    shelf::Read,
};
use crate::{
    ids::UserId,
    notice::{ConnectionId, Seq},
};
use actix::prelude::*;
use futures_util::FutureExt as _;
use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    future::Future,
    sync::Arc,
    time::Duration,
};

/// Most messages that wait. An `Emit` beyond it is lost, and found in the history.
const MAILBOX: usize = 4096;
/// Most notices read at once.
pub(super) const PAGE: usize = 512;
/// Most inboxes of those who went live that are read at the same time: when everybody comes back at once,
/// the database still has to answer everybody else.
const INBOXES_AT_ONCE: usize = 4;
/// For so long replays rest when those who take them are behind.
const REST_OF_REPLAYS: Duration = Duration::from_millis(1);
/// How often to look for notices whose `Emit` was lost, when nothing else shows it.
const TICK: Duration = Duration::from_millis(500);
/// How soon the history is tried again, first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// The one place on a node where it is decided who hears what, and in which order. It owns the
/// membership map, the ways out, the user sessions and the last `seq`.
///
/// It is to run on an [`Arbiter`] of its own.
pub struct NotificationBroker {
    pub(super) dispatch: Dispatch,
    history: Arc<dyn History>,
    inbox: Arc<dyn Inbox>,
    pub(super) clock: Arc<dyn Clock>,
    /// Ticks while somebody watches.
    pub(super) watching: Option<SpawnHandle>,
    pub(super) sessions: HashMap<UserId, Addr<UserSession>>,
    /// Reads of inboxes under way, and those that wait for their turn.
    inboxes: usize,
    inbox_queue: VecDeque<Slot>,
    /// How long who lost the last connection counts as online.
    grace: Duration,
    backoff: Duration,
    /// Notices that had gone out at the last tick.
    ticked: u64,
}

/// What came of an [`Ask`]. At most one for each connection, one for the order, one for each block that
/// somebody waits for and one turn are under way (and, of presence, one for each that went within the
/// grace), so these may go past the mailbox's bound.
#[derive(Message)]
#[rtype(result = "()")]
enum Answer {
    Read(Result<Page, Away>),
    ReadAgain,
    Block(i64, Result<Page, Away>),
    BlockAgain(i64),
    Turn,
    Drained(Slot),
    Pending(Slot, Result<Pending, Away>),
    PendingAgain(Slot),
    Presence(Wait),
}

impl NotificationBroker {
    /// A broker that begins behind `last`, the newest stored notice.
    #[must_use]
    pub fn new(history: Arc<dyn History>, inbox: Arc<dyn Inbox>, last: Seq) -> Self {
        Self {
            dispatch: Dispatch::new(last, RECENT, RECENT_BYTES),
            history,
            inbox,
            clock: Arc::new(SystemClock),
            watching: None,
            sessions: HashMap::new(),
            inboxes: 0,
            inbox_queue: VecDeque::new(),
            grace: GRACE,
            backoff: BACKOFF.0,
            ticked: 0,
        }
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The same where who lost the last connection counts as online for so long.
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Does what the dispatch asked for, after whatever it was told.
    pub(super) fn carry_out(&mut self, ctx: &mut Context<Self>) {
        self.dispatch.tell_presence();
        loop {
            self.ask(ctx);
            if self.dispatch.asks.is_empty() {
                return;
            }
        }
    }

    fn ask(&mut self, ctx: &mut Context<Self>) {
        while let Some(ask) = self.dispatch.asks.pop_front() {
            match ask {
                Ask::Read { after } => later(ctx, map(self.history.after(after, PAGE), Answer::Read)),
                Ask::ReadLater => {
                    let pause = self.backoff;
                    self.backoff = (pause * 2).min(BACKOFF.1);
                    later(ctx, map(actix::clock::sleep(pause), |()| Answer::ReadAgain));
                }
                Ask::Block(Read { block, after, limit }) => {
                    later(ctx, map(self.history.after(after, limit), move |page| Answer::Block(block, page)));
                }
                Ask::BlockLater(block) => {
                    later(ctx, map(actix::clock::sleep(BACKOFF.1 / 4), move |()| Answer::BlockAgain(block)));
                }
                Ask::Turn { rest: false } => later(ctx, map(tokio::task::yield_now(), |()| Answer::Turn)),
                Ask::Turn { rest: true } => {
                    later(ctx, map(actix::clock::sleep(REST_OF_REPLAYS), |()| Answer::Turn));
                }
                Ask::Drained { slot, drained } => later(ctx, map(drained, move |()| Answer::Drained(slot))),
                Ask::Pending { slot } => self.inbox_queue.push_back(slot),
                Ask::PendingLater { slot } => {
                    later(ctx, map(actix::clock::sleep(BACKOFF.1 / 4), move |()| Answer::PendingAgain(slot)));
                }
                Ask::Presence(wait) => {
                    let time = if matches!(wait, Wait::Grace(..)) { self.grace } else { REST };
                    later(ctx, map(actix::clock::sleep(time), move |()| Answer::Presence(wait)));
                }
                Ask::Ended { user, connection } => self.detach(user, connection),
            }
        }
        while self.inboxes < INBOXES_AT_ONCE {
            let Some(slot) = self.inbox_queue.pop_front() else { break };
            if let Some((user, after, upto)) = self.dispatch.pending_begins(slot) {
                let mut page = self.inbox.pending(user, after, upto, self.dispatch.is_owed(slot));
                // Most inboxes have nothing that waits, which is known at once: no task and no message for that.
                if let Some(page) = (&mut page).now_or_never() {
                    self.dispatch.pending_done(slot, page);
                } else {
                    self.inboxes += 1;
                    later(ctx, map(page, move |page| Answer::Pending(slot, page)));
                }
            }
        }
    }

    fn detach(&mut self, user: UserId, connection: ConnectionId) {
        if let Some(session) = self.sessions.get(&user) {
            // One for each connection that was attached: no more than those can pile up.
            session.do_send(Detach(connection));
        }
        if self.dispatch.hub.presence(user) == 0 {
            self.sessions.remove(&user);
        }
    }

    pub(super) fn attach(&mut self, user: UserId, attach: Attach, ctx: &mut Context<Self>) {
        match self.sessions.entry(user) {
            // On this same thread, so read before this mailbox, which is bounded, is filled again.
            Entry::Occupied(session) => session.get().do_send(attach),
            Entry::Vacant(free) => {
                free.insert(UserSession::new(ctx.address(), Arc::clone(&self.clock), attach).start());
            }
        }
    }

    /// Notes when a connection came.
    pub(super) fn note_arrival(&mut self, connection: &ConnectionId) {
        let now = i64::try_from(self.clock.now().as_millis()).unwrap_or(i64::MAX);
        if let Some(slot) = self.dispatch.hub.find(connection)
            && let Some(seat) = self.dispatch.hub.get_mut(slot)
        {
            seat.carries.since = now;
        }
    }

    pub(super) fn find(&self, connection: &ConnectionId) -> Result<Slot, Refusal> {
        self.dispatch.hub.find(connection).ok_or(Refusal::Gone)
    }
}

/// Sends the broker what comes of something, in a task of its own: what an actor's context holds
/// itself is polled at each of its messages.
fn later(ctx: &Context<NotificationBroker>, answer: impl Future<Output = Answer> + 'static) {
    let broker = ctx.address().downgrade();
    actix::spawn(async move {
        let answer = answer.await;
        if let Some(broker) = broker.upgrade() {
            broker.do_send(answer);
        }
    });
}

async fn map<T>(what: impl Future<Output = T>, into: impl FnOnce(T) -> Answer) -> Answer {
    into(what.await)
}

impl Actor for NotificationBroker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.run_interval(TICK, |broker, ctx| {
            // While notices go out, the next one shows whether one was lost.
            let idle = broker.ticked == broker.dispatch.stats.notices;
            broker.ticked = broker.dispatch.stats.notices;
            broker.dispatch.tick();
            if idle && !broker.dispatch.is_reading() {
                broker.dispatch.read();
                broker.carry_out(ctx);
            }
        });
        self.carry_out(ctx);
    }
}

impl Handler<Answer> for NotificationBroker {
    type Result = ();
    fn handle(&mut self, answer: Answer, ctx: &mut Self::Context) {
        match answer {
            Answer::Read(page) => {
                match page {
                    Ok(_) => self.backoff = BACKOFF.0,
                    Err(away) => log::warn!("broker: {away}; nobody hears anything stored until it can"),
                }
                self.dispatch.read_done(page);
            }
            Answer::ReadAgain => self.dispatch.read_on(),
            Answer::Block(block, page) => self.dispatch.block_done(block, page),
            Answer::BlockAgain(block) => self.dispatch.block_again(block),
            Answer::Turn => self.dispatch.take_turn(),
            Answer::Drained(slot) => self.dispatch.drained(slot),
            Answer::Pending(slot, page) => {
                self.inboxes -= 1;
                self.dispatch.pending_done(slot, page);
            }
            Answer::Presence(wait) => self.dispatch.presence_waited(wait),
            Answer::PendingAgain(slot) => self.inbox_queue.push_back(slot),
        }
        self.carry_out(ctx);
    }
}
