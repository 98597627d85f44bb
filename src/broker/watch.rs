//! Those who watch the connections: administrators' links that are no connections themselves. They
//! hear no notices and count nowhere, but lose their place as connections do: at the end of the token,
//! of the login session, of the role.

use super::{
    Cause, ConnectionInfo, Refusal, Stats,
    dispatch::Dispatch,
    expiry::{Due, Expiry},
};
use crate::{
    identity::{Identity, Roles},
    notice::{ConnectionId, Effect, Room},
};
use std::{sync::Arc, time::Duration};

/// How often changes are told: many connections that come at once are told of together.
pub(super) const LOOK: Duration = Duration::from_millis(250);
/// How often the numbers are told (CONTRACT 3).
pub(super) const STATS_EVERY: Duration = Duration::from_secs(2);
/// Most who may watch: each costs work at every change of any connection.
pub const WATCHERS_MAX: usize = 64;
/// Most connections that are told of when all are: nobody reads more, and the broker must not be
/// held up by it.
pub const SHOWN_MAX: usize = 1_000;

/// The way to one who watches. Never waits.
pub trait Watcher: Send {
    /// Takes news. Answers whether there was room for it; if not, it was not taken.
    fn tell(&mut self, news: News) -> bool;
    /// The end.
    fn close(&mut self, cause: Cause);
}

/// What those who watch are told.
#[derive(Debug, Clone)]
pub enum News {
    /// All connections, in place of all that was told before.
    All(Arc<Overview>),
    /// What changed since.
    Changes(Arc<Changes>),
    /// The node's numbers.
    Stats(Arc<Stats>),
    /// Their token ends.
    Expiring {
        /// When, in seconds since 1970.
        expires_at: i64,
        /// In so many seconds.
        seconds: i64,
    },
}

/// The connections of this node.
#[derive(Debug)]
pub struct Overview {
    /// At most [`SHOWN_MAX`] of them.
    pub connections: Vec<ConnectionInfo>,
    /// How many there are.
    pub total: usize,
}

/// The outcome of what happened in a moment.
#[derive(Debug, Default)]
pub struct Changes {
    /// Who came, as they are now.
    pub connected: Vec<ConnectionInfo>,
    /// Who went.
    pub disconnected: Vec<ConnectionId>,
    /// Who entered which room.
    pub joined: Vec<(ConnectionId, Room)>,
    /// Who left which room.
    pub left: Vec<(ConnectionId, Room)>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.connected.is_empty() && self.disconnected.is_empty() && self.joined.is_empty() && self.left.is_empty()
    }
}

struct Place {
    id: ConnectionId,
    identity: Identity,
    /// The roles that the record was last heard to say; a new token can't bring back what it took.
    record: Option<Roles>,
    watcher: Box<dyn Watcher>,
    /// There was no room for some news: all is told as soon as there is.
    behind: bool,
}

/// All who watch.
#[derive(Default)]
pub(super) struct Watchers {
    places: Vec<Place>,
    expiry: Expiry,
    /// When the numbers were told last.
    told: Option<Duration>,
}

impl Watchers {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Forgets one that is gone.
    pub(super) fn remove(&mut self, id: &ConnectionId) {
        self.places.retain(|place| place.id != *id);
        self.expiry.remove(id);
    }

    /// Goes on with a new token.
    pub(super) fn renew(&mut self, id: &ConnectionId, mut identity: Identity) -> Result<(), Refusal> {
        let place = self.places.iter_mut().find(|place| place.id == *id).ok_or(Refusal::Gone)?;
        if (identity.user, &identity.sid) != (place.identity.user, &place.identity.sid) {
            return Err(Refusal::OtherIdentity);
        }
        if let Some(record) = place.record {
            identity.roles = identity.roles.narrowed_to(record);
        }
        if !identity.is_admin() {
            return Err(Refusal::Forbidden);
        }
        self.expiry.set(id.clone(), identity.expires_at);
        place.identity = identity;
        Ok(())
    }

    /// Applies what a notice does to rights.
    pub(super) fn apply(&mut self, effect: &Effect) {
        self.close_those(Cause::Revoked, |place| match effect {
            Effect::Standing { user, roles, disabled } if *user == place.identity.user => {
                place.record = Some(*roles);
                place.identity.roles = roles.narrowed_to(place.identity.token_roles);
                *disabled || !place.identity.is_admin()
            }
            Effect::End { sid } => *sid == place.identity.sid,
            _ => false,
        });
    }

    /// Closes all.
    pub(super) fn close_all(&mut self, cause: Cause) {
        self.close_those(cause, |_| true);
    }

    fn close_those(&mut self, cause: Cause, mut which: impl FnMut(&mut Place) -> bool) {
        for mut place in self.places.extract_if(.., |place| which(place)) {
            place.watcher.close(cause);
            self.expiry.remove(&place.id);
        }
    }

    /// Warns those whose token is about to end, and closes those whose has.
    fn expire(&mut self, now: Duration) {
        for (id, due) in self.expiry.due(now) {
            match due {
                Due::End => self.close_those(Cause::TokenExpired, |place| place.id == id),
                Due::Warning { expires_at, seconds } => {
                    let place = self.places.iter_mut().find(|place| place.id == id);
                    if place.is_some_and(|place| place.watcher.tell(News::Expiring { expires_at, seconds })) {
                        self.expiry.warned(&id);
                    }
                }
            }
        }
    }

    fn stats_are_due(&mut self, now: Duration) -> bool {
        // A clock that was set back does not stop them.
        let due = self.told.is_none_or(|told| now < told || now - told >= STATS_EVERY);
        if due {
            self.told = Some(now);
        }
        due
    }
}

impl Dispatch {
    /// Takes in somebody who watches, and tells them all. Answers whether there was a place.
    pub(super) fn look_on(
        &mut self,
        id: ConnectionId,
        identity: Identity,
        mut watcher: Box<dyn Watcher>,
        now: Duration,
        users: usize,
    ) -> bool {
        if self.stopping || self.watchers.places.len() >= WATCHERS_MAX {
            watcher.close(Cause::GoingAway);
            return false;
        }
        // What happened until now is not told to the new one again.
        self.look(now, users);
        self.hub.journal.get_or_insert_default();
        let all = News::All(Arc::new(self.overview()));
        let behind = !watcher.tell(all);
        let _ = watcher.tell(News::Stats(Arc::new(Stats { users, ..self.read_stats() })));
        self.watchers.expiry.set(id.clone(), identity.expires_at);
        self.watchers.places.push(Place { id, identity, record: None, watcher, behind });
        self.watchers.told.get_or_insert(now);
        true
    }

    /// Tells those who watch what happened since the last look, and the numbers when they are due.
    /// Answers whether anybody is left.
    pub(super) fn look(&mut self, now: Duration, users: usize) -> bool {
        let mut watchers = std::mem::take(&mut self.watchers);
        watchers.expire(now);
        if watchers.is_empty() {
            self.hub.journal = None;
            return false;
        }
        let changes = self.changes();
        let stats = watchers.stats_are_due(now).then(|| Arc::new(Stats { users, ..self.read_stats() }));
        let mut all = None;
        for place in &mut watchers.places {
            place.behind = match &changes {
                Some(changes) if !place.behind && changes.is_empty() => false,
                Some(changes) if !place.behind => !place.watcher.tell(News::Changes(Arc::clone(changes))),
                _ => {
                    let all = all.get_or_insert_with(|| Arc::new(self.overview()));
                    !place.watcher.tell(News::All(Arc::clone(all)))
                }
            };
            // Numbers that find no room are old by the time there is some.
            if let (Some(stats), false) = (&stats, place.behind) {
                let _ = place.watcher.tell(News::Stats(Arc::clone(stats)));
            }
        }
        self.watchers = watchers;
        true
    }

    fn changes(&mut self) -> Option<Arc<Changes>> {
        let outcome = self.hub.journal.as_mut()?.take()?;
        let mut changes = Changes { disconnected: outcome.went.into_iter().collect(), ..Changes::default() };
        let found = outcome.came.iter().filter_map(|id| self.info(self.hub.find(id)?));
        changes.connected.extend(found);
        for (moved, entered) in outcome.moved {
            if entered { changes.joined.push(moved) } else { changes.left.push(moved) }
        }
        Some(Arc::new(changes))
    }

    fn overview(&self) -> Overview {
        let connections = self.hub.slots().take(SHOWN_MAX).filter_map(|slot| self.info(slot)).collect();
        Overview { connections, total: self.hub.len() }
    }
}

#[cfg(test)]
#[path = "watch_test.rs"]
mod tests;
