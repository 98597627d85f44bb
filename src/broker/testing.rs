//! Stand-ins for what surrounds the broker, for the tests in this module.

use super::{Away, Cause, Clock, Connect, Frame, History, Inbox, Outlet, Overflow, Page, Pending, Standing, Transport};
use crate::{
    identity::{Identity, Role},
    ids::{NotificationId, UserId},
    notice::{Audience, ConnectionId, Cursor, Effect, EventName, Notice, Room, Seq},
};
use futures_util::future::{BoxFuture, FutureExt, ready};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// A user's identity; the token never ends.
pub(super) fn identity(user: UserId, sid: &str, roles: &[Role]) -> Identity {
    let roles = roles.iter().copied().collect();
    let sid = sid.parse().expect("a sid");
    Identity { user, sid, roles, token_roles: roles, expires_at: i64::MAX, topics: vec!["*".into()] }
}

pub(super) fn id(name: impl ToString) -> ConnectionId {
    ConnectionId(name.to_string().into())
}

/// A stored notice to these rooms.
pub(super) fn notice(seq: i64, to: impl IntoIterator<Item = Room>) -> Arc<Notice> {
    Arc::new(Notice {
        seq: Some(Seq(seq)),
        event: EventName::ChangedRecord,
        payload: format!("{{\"seq\":{seq}}}").into(),
        audience: Audience::to(to),
        origin: None,
        effect: None,
    })
}

/// A stored notice that only has an effect.
pub(super) fn silent(seq: i64, effect: Effect) -> Arc<Notice> {
    Arc::new(Notice {
        seq: Some(Seq(seq)),
        event: EventName::Silent,
        payload: "{}".into(),
        audience: Audience::nobody(),
        origin: None,
        effect: Some(effect),
    })
}

/// What an [`Outlet`] was given, as the client at its other end sees it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) frames: Vec<Arc<Frame>>,
    pub(super) closed: Option<Cause>,
    /// Frames that the client has not read, and how many may wait.
    pub(super) waiting: usize,
    pub(super) most: usize,
}

/// A client: keeps what it gets, and reads when it is told to, or (`drained`) at once.
#[derive(Debug, Clone)]
pub(super) struct Client(pub(super) Arc<Mutex<Seen>>);

impl Client {
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Mutex::new(Seen { most, ..Seen::default() })))
    }

    /// What `ready` said.
    pub(super) fn ready(&self) -> serde_json::Value {
        Self::ready_in(&self.0.lock().expect("a lock"))
    }

    pub(super) fn ready_in(seen: &Seen) -> serde_json::Value {
        let first = seen.frames.first().expect("it heard something");
        assert_eq!(&*first.event, "ready");
        serde_json::from_str(&first.payload).expect("JSON")
    }

    /// The stored notices it heard, in the order in which it heard them; an alias is the same notice.
    pub(super) fn seqs(&self) -> Vec<i64> {
        let seen = self.0.lock().expect("a lock");
        let notices = seen.frames.iter().skip(1).filter(|frame| &*frame.event != EventName::RECEIVED);
        notices.filter_map(|frame| frame.seq).map(|seq| seq.0).collect()
    }

    /// The events it heard, `ready` included.
    pub(super) fn events(&self) -> Vec<String> {
        self.0.lock().expect("a lock").frames.iter().map(|frame| frame.event.to_string()).collect()
    }

    pub(super) fn closed(&self) -> Option<Cause> {
        self.0.lock().expect("a lock").closed
    }

    pub(super) fn read_all(&self) {
        self.0.lock().expect("a lock").waiting = 0;
    }
}

impl Outlet for Client {
    fn send(&mut self, frame: &Arc<Frame>) -> Result<(), Overflow> {
        let mut seen = self.0.lock().expect("a lock");
        assert_eq!(seen.closed, None, "nothing is sent to a closed connection");
        if seen.waiting >= seen.most {
            return Err(Overflow);
        }
        seen.waiting += 1;
        seen.frames.push(frame.clone());
        Ok(())
    }

    fn drained(&self) -> BoxFuture<'static, ()> {
        let client = self.clone();
        async move { client.read_all() }.boxed()
    }

    fn close(&mut self, cause: Cause) {
        self.0.lock().expect("a lock").closed = Some(cause);
    }
}

/// The history in memory; may be away.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) notices: Mutex<Vec<Arc<Notice>>>,
    pub(super) pruned: Mutex<Seq>,
    pub(super) away: AtomicBool,
    pub(super) reads: AtomicU64,
}

impl Stored {
    pub(super) fn with(notices: impl IntoIterator<Item = Arc<Notice>>) -> Arc<Self> {
        let stored = Self::default();
        stored.notices.lock().expect("a lock").extend(notices);
        Arc::new(stored)
    }

    pub(super) fn add(&self, notice: Arc<Notice>) -> Arc<Notice> {
        self.notices.lock().expect("a lock").push(notice.clone());
        notice
    }

    pub(super) fn page(&self, after: Seq, limit: usize) -> Page {
        let (all, pruned) = (self.notices.lock().expect("a lock"), *self.pruned.lock().expect("a lock"));
        let kept = all.iter().filter(|notice| notice.seq > Some(after.max(pruned)));
        Page {
            notices: kept.take(limit).cloned().collect(),
            newest: all.last().and_then(|notice| notice.seq).unwrap_or_default(),
            pruned,
        }
    }
}

impl History for Stored {
    fn after(&self, after: Seq, limit: usize) -> BoxFuture<'static, Result<Page, Away>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let away = self.away.load(Ordering::SeqCst);
        ready(if away { Err(Away) } else { Ok(self.page(after, limit)) }).boxed()
    }
}

/// How far a notification has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(super) enum Status {
    Pending,
    Delivered,
    Read,
}

/// A notification in somebody's inbox.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub(super) id: NotificationId,
    pub(super) user: UserId,
    pub(super) seq: Seq,
    pub(super) status: Status,
}

/// The inboxes in memory; may be away.
#[derive(Debug)]
pub(super) struct Letters {
    pub(super) all: Mutex<Vec<Letter>>,
    pub(super) away: AtomicBool,
    /// How many fit into one page.
    pub(super) most: usize,
}

impl Letters {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { all: Mutex::default(), away: AtomicBool::new(false), most })
    }

    /// Puts one into an inbox; the notice that tells of it has to be stored under this `seq`.
    pub(super) fn put(&self, user: UserId, seq: i64) -> Notice {
        let letter = Letter { id: NotificationId::generate(), user, seq: Seq(seq), status: Status::Pending };
        let id = letter.id;
        self.all.lock().expect("a lock").push(letter);
        let payload = serde_json::json!({ "id": id, "unread": self.unread(user), "seq": seq });
        let (event, payload) = (EventName::NewNotification, payload.to_string().into());
        Notice { event, payload, ..(*notice(seq, [Room::User(user)])).clone() }
    }

    /// How much this user has not read.
    pub(super) fn unread(&self, user: UserId) -> usize {
        let all = self.all.lock().expect("a lock");
        all.iter().filter(|letter| letter.user == user && letter.status != Status::Read).count()
    }

    /// `notification:read`, as things are now.
    pub(super) fn read(&self, user: UserId) -> Notice {
        let payload = serde_json::json!({ "unread": self.unread(user) }).to_string().into();
        let event = EventName::NotificationRead;
        Notice { seq: None, event, payload, ..(*notice(0, [Room::User(user)])).clone() }
    }

    /// These were confirmed by this user.
    pub(super) fn confirm(&self, user: UserId, ids: &[NotificationId]) {
        let mut all = self.all.lock().expect("a lock");
        let own = all.iter_mut().filter(|letter| letter.user == user && ids.contains(&letter.id));
        own.filter(|letter| letter.status == Status::Pending).for_each(|letter| letter.status = Status::Delivered);
    }

    pub(super) fn page(&self, user: UserId, after: Seq, upto: Seq) -> Pending {
        let all = self.all.lock().expect("a lock").clone();
        let waits = |letter: &&Letter| letter.user == user && letter.status == Status::Pending;
        let mut waiting: Vec<&Letter> = all.iter().filter(waits).collect();
        waiting.retain(|letter| letter.seq > after && letter.seq <= upto);
        let more = waiting.len() > self.most;
        waiting.truncate(self.most);
        let ids: Vec<NotificationId> = waiting.iter().map(|letter| letter.id).collect();
        let payload = serde_json::json!({ "notifications": ids, "unread": self.unread(user) });
        Pending {
            payload: payload.to_string().into(),
            ids: ids.into(),
            more: waiting.last().filter(|_| more).map(|letter| letter.seq),
        }
    }
}

impl Inbox for Letters {
    fn pending(&self, user: UserId, after: Seq, upto: Seq, _: bool) -> BoxFuture<'static, Result<Pending, Away>> {
        let away = self.away.load(Ordering::SeqCst);
        ready(if away { Err(Away) } else { Ok(self.page(user, after, upto)) }).boxed()
    }
}

/// A connection that comes, with a client that takes whatever it is given.
pub(super) fn coming(name: impl ToString, identity: &Identity, as_of: i64, after: Cursor) -> (Connect, Client) {
    let client = Client::new(usize::MAX);
    let connect = Connect {
        connection: id(name),
        identity: identity.clone(),
        standing: Standing { as_of: Seq(as_of), groups: Vec::new() },
        after,
        rooms: Vec::new(),
        grants: Vec::new(),
        transport: Transport::WebSocket,
        outlet: Box::new(client.clone()),
    };
    (connect, client)
}

/// A clock that shows what it is told.
#[derive(Debug, Default)]
pub(super) struct SetClock(pub(super) AtomicU64);

impl Clock for SetClock {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}
