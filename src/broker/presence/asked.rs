//! Presence as part of the broker's machine: rights as the hub knows them, answers and notices.

use super::{Facts, News, PresenceOf, PresenceTold, TIES_MAX, Tie, Ties, Wait, Wanted, ties::is_meeting_place};
use crate::{
    broker::{
        Frame, Refusal, Seat,
        dispatch::{Ask, Dispatch},
        hub::{Hub, Slot},
        rights,
    },
    identity::{Identity, Role, Roles},
    ids::UserId,
    notice::{Effect, EventName, Room, Seq},
};

impl<C> Facts<Slot> for Hub<C> {
    fn roles(&self, watcher: Slot) -> Roles {
        self.get(watcher).map(|seat| seat.identity.roles).unwrap_or_default()
    }

    fn is_in(&self, watcher: Slot, room: &Room) -> bool {
        self.holds(watcher, room)
    }

    fn user_is_in(&self, user: UserId, room: &Room) -> bool {
        self.members(&Room::User(user)).any(|slot| self.holds(slot, room))
    }
}

impl Dispatch {
    /// Somebody's wish to watch these users from now on. All or none.
    pub(super) fn watch(&mut self, slot: Slot, users: &[UserId], ties: Ties) -> Result<Vec<PresenceOf>, Refusal> {
        let identity = self.hub.get(slot).ok_or(Refusal::Gone)?.identity.clone();
        let ties = self.bring_up_to_date(ties, &identity)?;
        let roles = ties.record.map_or(identity.roles, |record| identity.roles.narrowed_to(record));
        let identity = Identity { roles, ..identity };
        let wanted = self.wanted(&identity, users, &ties, &[slot])?;
        let states = self.people.watch(slot, identity.user, wanted, ties.as_of).ok_or(Refusal::WatchesTooMany)?;
        Ok(users.iter().zip(states).map(|(user, state)| PresenceOf { user_id: *user, state }).collect())
    }

    /// How things are with these users: for anybody who may know everything, or for one person.
    pub(super) fn presence_of(
        &self,
        users: &[UserId],
        by: Option<(&Identity, &Ties)>,
    ) -> Result<Vec<PresenceOf>, Refusal> {
        if let Some((identity, ties)) = by {
            let slots: Vec<Slot> = self.hub.members(&Room::User(identity.user)).collect();
            self.wanted(identity, users, ties, &slots)?;
        }
        let state = |user: &UserId| self.people.state(*user, self.hub.presence(*user));
        Ok(users.iter().map(|user| PresenceOf { user_id: *user, state: state(user) }).collect())
    }

    /// What somebody with these connections shares with each; refused unless it is something.
    fn wanted(
        &self,
        identity: &Identity,
        users: &[UserId],
        ties: &Ties,
        slots: &[Slot],
    ) -> Result<Vec<Wanted>, Refusal> {
        let may_meet_in =
            |seat: &Seat<_>, room: &&Room| is_meeting_place(room) && rights::may_stay(identity, room, &seat.grants);
        let rooms = slots.iter().filter_map(|slot| Some((slot, self.hub.get(*slot)?)));
        let rooms: Vec<&Room> = rooms
            .flat_map(|(slot, seat)| self.hub.rooms_of(*slot).filter(move |room| may_meet_in(seat, room)))
            .collect();
        let wanted = |user: &UserId| {
            let mut ties: Vec<Tie> = ties.of.get(user).cloned().unwrap_or_default();
            ties.retain(|tie| if let Tie::Role(role) = tie { identity.roles.has(*role) } else { true });
            if *user == identity.user {
                ties.push(Tie::Own);
            }
            let met = rooms.iter().filter(|room| self.hub.user_is_in(*user, room));
            ties.extend(met.map(|room| Tie::Room((*room).clone())).take(TIES_MAX));
            if ties.is_empty() && !identity.roles.has(Role::Admin) {
                return Err(Refusal::SharesNothing);
            }
            Ok(Wanted { user: *user, ties, connections: self.hub.presence(*user) })
        };
        users.iter().map(wanted).collect()
    }

    /// What was read before the last notice went out hears of what came since. What was read after it
    /// needs nothing: effects on their way that it knows of already are passed over.
    fn bring_up_to_date(&self, mut ties: Ties, identity: &Identity) -> Result<Ties, Refusal> {
        if ties.as_of < self.last {
            if !self.ring.reaches(ties.as_of) {
                return Err(Refusal::Overtaken);
            }
            for sent in self.ring.after(ties.as_of) {
                if let Some(effect) = &sent.notice.effect {
                    ties.hear(effect, sent.seq, identity.user);
                }
            }
            ties.as_of = self.last;
        }
        Ok(ties)
    }

    /// Those who watch, or are watched, hear of a change of rights; after the hub did.
    pub(in crate::broker) fn presence_hears(&mut self, effect: &Effect, at: Option<Seq>) {
        let Self { hub, people, .. } = self;
        let own: Vec<Slot> = match effect {
            Effect::Leave { user, .. } | Effect::Standing { user, .. } => hub.members(&Room::User(*user)).collect(),
            Effect::Join { .. } | Effect::Party { .. } | Effect::Dissolve { .. } | Effect::End { .. } => Vec::new(),
        };
        people.hear(effect, at, &own, hub);
        if let Effect::Standing { user, .. } = effect {
            people.review_watched(*user, hub);
        }
    }

    /// A connection came in.
    pub(in crate::broker) fn presence_came(&mut self, user: UserId) {
        self.people.came(user, self.hub.presence(user), &self.hub);
    }

    /// A connection is gone, and has no seat any more.
    pub(in crate::broker) fn presence_went(&mut self, slot: Slot, user: UserId) {
        self.people.unwatch(slot, None);
        // When Herald stops nobody is left to be told.
        if !self.stopping {
            self.people.went(user, self.hub.presence(user), &self.hub);
        }
    }

    /// A connection lost rooms or roles by itself: by leaving, or by a new token.
    pub(in crate::broker) fn review_presence(&mut self, slot: Slot) {
        let Some(user) = self.hub.get(slot).map(|seat| seat.identity.user) else { return };
        self.people.review_watcher(slot, &self.hub);
        self.people.review_watched(user, &self.hub);
    }

    /// The answer to a connection's wish has left.
    pub(super) fn start_telling(&mut self, slot: Slot) {
        self.people.start_telling(slot, &self.hub);
    }

    /// What was to be waited for is over.
    pub(in crate::broker) fn presence_waited(&mut self, wait: Wait) {
        self.people.waited(wait, &self.hub);
    }

    /// Says what there is to say of presence, and asks for what has to be waited for. A reader that is
    /// cut off by it makes more.
    pub(in crate::broker) fn tell_presence(&mut self) {
        while let Some(News { to, user, state }) = self.people.news.pop_front() {
            let payload = PresenceTold::about(user, state).text();
            let frame = Frame::new(EventName::Presence.as_str(), None, payload);
            for slot in to {
                self.tell(slot, frame.clone());
            }
        }
        self.asks.extend(self.people.waits.drain(..).map(Ask::Presence));
    }
}
