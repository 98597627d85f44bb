//! Everything round the dispatch: a history, what is under way, and the guests.

use super::{
    expected::{Guest, Record},
    steps::{Step, effect, group, request, roles, room, sid, topic, user},
};
use crate::broker::{
    dispatch::{Ask, Dispatch},
    hub::Slot,
    link::Stage,
    shelf::{Read, Shelf},
    testing::*,
    *,
};
use crate::{
    identity::Role,
    ids::{NotificationId, UserId},
    notice::{Audience, Cursor, EventName, Notice, Origin, Room, Seq},
};
use std::{collections::HashSet, sync::Arc};

/// What is under way to the dispatch.
pub(super) enum Answer {
    Read(Result<Page, Away>),
    Block(i64, Result<Page, Away>),
    Drained(Slot),
    Pending(Slot, Result<Pending, Away>),
    PendingAgain(Slot),
    ReadAgain,
    BlockAgain(i64),
    Turn,
}

pub(super) struct World {
    pub(super) dispatch: Dispatch,
    pub(super) stored: Arc<Stored>,
    pub(super) page: usize,
    pub(super) fat: Arc<str>,
    pub(super) emits: Vec<Arc<Notice>>,
    pub(super) asks: Vec<Ask>,
    pub(super) answers: Vec<Answer>,
    pub(super) guests: Vec<Guest>,
    pub(super) names: usize,
    pub(super) letters: Arc<Letters>,
    /// What clients have heard that they may confirm.
    pub(super) confirmable: Vec<(UserId, Vec<NotificationId>)>,
    /// A live notice went out although some that nobody had heard of were before it: what such a user is
    /// told up to there may be out of order. It takes a lost emit, and the next one puts it right.
    pub(super) blurred: Vec<(usize, Seq)>,
    ring: usize,
}

impl World {
    pub(super) fn new(before: i64, ring: usize, page: usize) -> Self {
        let stored = Stored::with((1..=before).map(|seq| notice(seq, [Room::All])));
        // Before anybody comes, too, rights changed.
        stored.notices.lock().expect("a lock").iter_mut().for_each(|notice| {
            let seq = notice.seq.expect("a stored notice").0;
            let what = u8::try_from(seq % 7).expect("small");
            *notice = Arc::new(Notice { effect: Some(effect((what, what, what / 2))), ..(**notice).clone() });
        });
        Self {
            dispatch: dispatch(Seq(before), ring, page),
            stored,
            page,
            fat: format!("{{\"fat\":\"{}\"}}", "x".repeat(REPLAY_BYTES * 3 / 4)).into(),
            emits: Vec::new(),
            asks: Vec::new(),
            answers: Vec::new(),
            guests: Vec::new(),
            names: 0,
            letters: Letters::new(page),
            confirmable: Vec::new(),
            blurred: Vec::new(),
            ring,
        }
    }

    pub(super) fn notices(&self) -> Vec<Arc<Notice>> {
        self.stored.notices.lock().expect("a lock").clone()
    }

    pub(super) fn newest(&self) -> Seq {
        self.stored.page(Seq(0), 0).newest
    }

    pub(super) fn take(&mut self, step: Step) {
        match step {
            Step::Commit { audience: [to, within, except], effect: what, origin, fat, emit } => {
                let seq = self.newest().next();
                let rooms = |numbers: Vec<u8>| numbers.into_iter().map(room);
                let payload = if fat { self.fat.clone() } else { format!("{{\"seq\":{seq}}}").into() };
                let origin = origin.and_then(|which| pick(which, &self.guests)).map(|at| &self.guests[at]);
                let origin = origin.map(|guest| Origin { user: guest.identity.user, connection: id(&guest.name) });
                let notice = self.stored.add(Arc::new(Notice {
                    seq: Some(seq),
                    event: EventName::ChangedRecord,
                    payload,
                    audience: Audience::to(rooms(to)).within(rooms(within)).except(rooms(except)),
                    origin,
                    effect: what.map(effect),
                }));
                self.emit(emit, notice);
            }
            Step::Notify { user: number, emit } => {
                let notice = self.letters.put(user(number), self.newest().next().0);
                let notice = self.stored.add(Arc::new(notice));
                self.emit(emit, notice);
            }
            Step::Confirm(which) => {
                let Some(at) = pick(which, &self.confirmable) else { return };
                let (user, ids) = &self.confirmable[at];
                self.letters.confirm(*user, ids);
            }
            Step::Read { which, deletes, origin } => self.read_letter(which, deletes, origin),
            Step::Crash => {
                self.guests.drain(..).for_each(|guest| drop(self.dispatch.forget(guest.slot)));
                self.dispatch = dispatch(self.newest(), self.ring, self.page);
                (self.asks, self.answers, self.emits) = Default::default();
            }
            Step::Arrive(which, again) => {
                let Some(at) = pick(which, &self.emits) else { return };
                let notice = if again { self.emits[at].clone() } else { self.emits.remove(at) };
                self.dispatch.emit(vec![notice]);
            }
            Step::Fetch(which, works) => {
                let Some(at) = pick(which, &self.asks) else { return };
                let page = |after| if works { Ok(self.stored.page(after, self.page)) } else { Err(Away) };
                let answer = match self.asks.remove(at) {
                    Ask::Read { after } => Answer::Read(page(after)),
                    Ask::Block(Read { block, after, limit }) => {
                        let page = if works { Ok(self.stored.page(after, limit)) } else { Err(Away) };
                        Answer::Block(block, page)
                    }
                    Ask::ReadLater => Answer::ReadAgain,
                    Ask::BlockLater(block) => Answer::BlockAgain(block),
                    Ask::Turn { .. } => Answer::Turn,
                    Ask::Drained { slot, .. } => {
                        let guest = self.guests.iter().find(|guest| guest.slot == slot);
                        guest.into_iter().for_each(|guest| guest.client.read_all());
                        Answer::Drained(slot)
                    }
                    Ask::Pending { slot } => {
                        let Some((user, after, upto)) = self.dispatch.pending_begins(slot) else { return };
                        let page = if works { Ok(self.letters.page(user, after, upto)) } else { Err(Away) };
                        Answer::Pending(slot, page)
                    }
                    Ask::PendingLater { slot } => Answer::PendingAgain(slot),
                    Ask::Ended { .. } | Ask::Presence(_) => return,
                };
                self.answers.push(answer);
            }
            Step::Answer(which) => {
                let Some(at) = pick(which, &self.answers) else { return };
                match self.answers.remove(at) {
                    Answer::Read(page) => self.dispatch.read_done(page),
                    Answer::ReadAgain => self.dispatch.read_on(),
                    Answer::Block(block, page) => self.dispatch.block_done(block, page),
                    Answer::BlockAgain(block) => self.dispatch.block_again(block),
                    Answer::Turn => self.dispatch.take_turn(),
                    Answer::Drained(slot) => self.dispatch.drained(slot),
                    Answer::Pending(slot, page) => self.dispatch.pending_done(slot, page),
                    Answer::PendingAgain(slot) => self.asks.push(Ask::Pending { slot }),
                }
            }
            Step::Connect { user: number, sid: session, tokens, age, cursor, handshake, most } => {
                let newest = self.newest();
                let as_of = Seq((newest.0 - i64::from(age) % 32).max(0));
                // The parties are asked for behind the standing, but not always at the end of all.
                let asked = Seq(newest.0 - i64::from(age / 32).min(newest.0 - as_of.0));
                let party = Record::at(&self.notices(), number, asked).party;
                let record = Record::at(&self.notices(), number, as_of);
                let cursor = self.cursor(cursor, newest);
                if record.disabled {
                    return;
                }
                let mut who = identity(user(number), &sid(session), &[]);
                who.token_roles = roles(tokens);
                who.roles = record.roles.narrowed_to(who.token_roles);
                self.names += 1;
                let (mut connect, _) = coming(self.names, &who, as_of.0, cursor);
                let client = Client::new(most.map_or(usize::MAX, usize::from));
                connect.outlet = Box::new(client.clone());
                connect.standing.groups = record.groups.iter().map(|number| group(*number)).collect();
                if handshake {
                    connect.rooms = [topic(), Room::Sellers, request()].map(|room| room.to_string()).into();
                    connect.grants = vec![grant(party)];
                }
                assert!(self.dispatch.connect(connect), "it takes whoever comes");
                let Some(slot) = self.dispatch.hub.find(&id(self.names)) else {
                    return assert!(client.closed().is_some(), "it is there, or it was closed");
                };
                self.guests.push(Guest {
                    number,
                    slot,
                    client,
                    identity: who,
                    as_of,
                    wishes: Vec::new(),
                    party_since: (handshake && party).then_some(as_of).into_iter().collect(),
                    late: Vec::new(),
                    expected: Vec::new(),
                    position: None,
                    live: false,
                    name: self.names.to_string(),
                    cursor,
                    handshake,
                    bounded: most.is_some(),
                    newest_then: newest,
                    told: None,
                });
            }
            Step::Disconnect(which) => {
                let Some(at) = pick(which, &self.guests) else { return };
                let guest = self.guests.remove(at);
                self.dispatch.forget(guest.slot);
            }
            Step::Wish(which, what, enters) => {
                let (notices, last) = (self.notices(), self.dispatch.last);
                let Some(at) = pick(which, &self.guests) else { return };
                // Before it is settled nobody can know its rooms; and while the broker only begins
                // there is nothing to compare with.
                if self.stage(at).is_some_and(|stage| stage != Stage::Replaying) {
                    return;
                }
                let guest_held = self.guests[at].held(&notices, last);
                let room = [topic(), Room::Sellers, request()][usize::from(what) % 3].clone();
                let guest = &mut self.guests[at];
                let pending = !guest.live;
                if enters {
                    let party = Record::at(&notices, guest.number, self.stored.page(Seq(0), 0).newest).party;
                    let allowed = match &room {
                        Room::Sellers => guest_held.roles.has(Role::Seller),
                        Room::Request(_) => party || guest_held.roles.has(Role::Admin),
                        _ => true,
                    };
                    if room == request() {
                        self.dispatch.hub.note(guest.slot, vec![grant(party)]);
                        guest.party_since.extend(party.then_some(last));
                    }
                    let answer = self.dispatch.join(guest.slot, std::slice::from_ref(&room));
                    let said = if allowed { Ok(Joined { seq: last }) } else { Err(Refusal::Forbidden) };
                    assert_eq!(answer, said);
                    if allowed {
                        if pending && !guest_held.rooms.contains(&room) {
                            guest.late.retain(|(late, _)| *late != room);
                            guest.late.push((room.clone(), last));
                        }
                        guest.wishes.push((last, room, true));
                    }
                } else {
                    let answer = self.dispatch.leave(guest.slot, std::slice::from_ref(&room));
                    assert_eq!(answer, Ok(Joined { seq: last }));
                    guest.late.retain(|(late, _)| *late != room);
                    guest.wishes.push((last, room, false));
                }
            }
            Step::Prune(upto) => {
                let mut pruned = self.stored.pruned.lock().expect("a lock");
                let newest = self.stored.notices.lock().expect("a lock").len();
                *pruned = Seq(i64::try_from(usize::from(upto) % (newest + 1)).expect("small")).max(*pruned);
            }
            Step::Tick => {
                self.dispatch.tick();
                self.dispatch.read();
            }
        }
    }
}

impl World {
    fn emit(&mut self, how: u8, notice: Arc<Notice>) {
        match how {
            0 => {}
            1 | 2 => self.emits.push(notice),
            _ => self.dispatch.emit(vec![notice]),
        }
    }

    fn read_letter(&mut self, which: u16, deletes: bool, origin: Option<u16>) {
        let (number, whose) = {
            let mut all = self.letters.all.lock().expect("a lock");
            let Some(at) = pick(which, &all) else { return };
            let whose = all[at].user;
            if all[at].status == Status::Read && !deletes {
                return;
            }
            all[at].status = Status::Read;
            if deletes {
                all.remove(at);
            }
            (usize::from(whose != user(0)), whose)
        };
        let mut notice = self.letters.read(whose);
        let unread = self.letters.unread(whose);
        if let Some(guest) = origin.and_then(|which| pick(which, &self.guests)).map(|at| &mut self.guests[at])
            && guest.number == number
            // Before `ready` nobody knows a connection's id.
            && !guest.client.events().is_empty()
        {
            notice.origin = Some(Origin { user: whose, connection: id(&guest.name) });
            guest.told = Some((guest.client.events().len(), unread));
        }
        // Who is left out hears of it over HTTP, which waits for nothing.
        let heard_of = if notice.origin.is_some() { self.dispatch.last } else { self.dispatch.known };
        if heard_of < self.newest() {
            self.blurred.push((number, self.newest()));
        }
        self.dispatch.emit(vec![Arc::new(notice)]);
    }

    /// Nobody heard of a notification twice, and an alias follows what it is an alias of.
    fn check_letters(&mut self) {
        for guest in &self.guests {
            let seen = guest.client.0.lock().expect("a lock");
            let mut heard = HashSet::new();
            for (at, frame) in seen.frames.iter().enumerate() {
                let before = at.checked_sub(1).map(|at| &seen.frames[at]);
                match &*frame.event {
                    EventName::RECEIVED => {
                        let before = before.expect("what it is an alias of");
                        assert_eq!((&*before.event, before.seq), ("new_notification", frame.seq));
                    }
                    _ => frame.confirms().iter().for_each(|id| assert!(heard.insert(*id), "heard twice")),
                }
                if frame.wants_confirmation() {
                    let pair = (guest.identity.user, frame.confirms().to_vec());
                    if !self.confirmable.contains(&pair) {
                        self.confirmable.push(pair);
                    }
                }
            }
        }
    }

    /// At rest: whatever waits was heard, and what was heard last of the unread ones is true.
    pub(super) fn check_inboxes(&self) {
        for guest in &self.guests {
            let seen = guest.client.0.lock().expect("a lock");
            let whose = guest.identity.user;
            let letters = self.letters.all.lock().expect("a lock").clone();
            for letter in letters.iter().filter(|letter| letter.user == whose && letter.status == Status::Pending) {
                let heard = seen.frames.iter().any(|frame| frame.confirms().contains(&letter.id));
                assert!(heard, "{letter:?} was not heard by {}", guest.name);
            }
            let start = seen.frames[0].seq.expect("a start");
            if self.blurred.iter().any(|(number, upto)| *number == guest.number && start < *upto) {
                continue;
            }
            let says = |frame: &Arc<Frame>| -> Option<u64> {
                serde_json::from_str::<serde_json::Value>(&frame.payload).expect("JSON")["unread"].as_u64()
            };
            let said = seen.frames.iter().enumerate().rev().find_map(|(at, frame)| Some((at, says(frame)?)));
            let told = guest.told.map(|(at, unread)| (at, unread as u64));
            let last = told.into_iter().chain(said).max_by_key(|(at, _)| *at);
            if let Some((_, unread)) = last {
                assert_eq!(unread, self.letters.unread(whose) as u64, "what {} was told last", guest.name);
            }
            let resumed = Client::ready_in(&seen)["resumed"] == true;
            assert!(!resumed || seen.frames.iter().any(|frame| &*frame.event == "pending_notifications"));
        }
    }

    pub(super) fn cursor(&self, said: Option<u16>, newest: Seq) -> Cursor {
        // A little ahead of everything, too; and past that, something that is no cursor.
        let places = usize::try_from(newest.0).expect("small") + 4;
        match said.map(|which| usize::from(which) % (places + 1)) {
            None => Cursor::None,
            Some(place) if place == places => Cursor::Unknown,
            Some(place) => Cursor::At(Seq(i64::try_from(place).expect("small"))),
        }
    }

    pub(super) fn stage(&self, at: usize) -> Option<Stage> {
        let seat = self.dispatch.hub.get(self.guests[at].slot)?;
        seat.carries.pending.as_ref().map(|pending| pending.stage)
    }

    /// Takes what the dispatch asked for, and compares everybody with the plain model.
    pub(super) fn check(&mut self, last_before: Seq) {
        let asks = self.dispatch.asks.drain(..).filter(|ask| !matches!(ask, Ask::Ended { .. }));
        self.asks.extend(asks);
        let (notices, last) = (self.notices(), self.dispatch.last);
        let between = |after: Seq, upto: Seq| {
            notices.iter().filter(move |notice| notice.seq > Some(after) && notice.seq <= Some(upto))
        };
        let pruned = *self.stored.pruned.lock().expect("a lock");
        let (hub, begin) = (&self.dispatch.hub, self.dispatch.begin);
        self.guests.retain_mut(|guest| {
            let seat = hub.get(guest.slot);
            let held = guest.held(&notices, last);
            let upto = if seat.is_some() { last } else { held.ended.unwrap_or(last) };
            if guest.live {
                for notice in between(last_before, upto) {
                    let seq = notice.seq.expect("a stored notice");
                    let then = guest.held(&notices, Seq(seq.0 - 1));
                    let own = notice.origin.as_ref().is_some_and(|origin| {
                        origin.user == guest.identity.user && origin.connection == id(&guest.name)
                    });
                    if !own && notice.audience.includes(|room| then.rooms.contains(room)) {
                        guest.expected.push(seq.0);
                    }
                }
            }
            let Some(seat) = seat else {
                let heard = guest.client.seqs();
                match guest.client.closed().expect("whoever is gone was closed") {
                    Cause::Revoked => {
                        assert!(held.ended.is_some(), "nobody is shut out without a reason");
                        assert_eq!(heard, guest.expected);
                    }
                    Cause::SlowConsumer => {
                        assert!(guest.bounded || pruned > Seq(0), "closed without a reason");
                        assert!(guest.live || heard.starts_with(&guest.expected), "{heard:?} {:?}", guest.expected);
                        assert!(!guest.live || guest.expected.starts_with(&heard), "{heard:?} {:?}", guest.expected);
                    }
                    cause => panic!("closed for {cause:?}"),
                }
                return false;
            };
            assert_eq!(guest.client.closed(), None);
            let pending = seat.carries.pending.as_ref();
            if !pending.is_some_and(|pending| pending.stage == Stage::Settling) {
                assert_eq!(held.ended, None, "whoever was shut out is closed");
            }
            if guest.live || !seat.carries.has_begun() {
                assert_eq!(guest.client.seqs(), guest.expected);
                return true;
            }
            if guest.position.is_none() {
                guest.position = Some(guest.welcome(last.max(begin), &held, pruned));
            }
            // What was sent in this turn was filtered by the rooms held now.
            let held = guest.held(&notices, last);
            let position = pending.map_or(last, |pending| pending.position);
            for notice in between(guest.position.expect("it heard `ready`"), position) {
                let seq = notice.seq.expect("a stored notice");
                let late = |room: &Room| guest.late.iter().any(|(late, from)| late == room && seq <= *from);
                if notice.audience.includes(|room| held.rooms.contains(room) && !late(room)) {
                    guest.expected.push(seq.0);
                }
            }
            (guest.position, guest.live) = (Some(position), pending.is_none());
            assert_eq!(guest.client.seqs(), guest.expected);
            true
        });
    }

    /// Everything that is under way arrives.
    pub(super) fn come_to_rest(&mut self) {
        for _ in 0..10_000 {
            let step = match self {
                Self { answers, .. } if !answers.is_empty() => Step::Answer(0),
                Self { emits, .. } if !emits.is_empty() => Step::Arrive(0, false),
                Self { asks, .. } if !asks.is_empty() => Step::Fetch(0, true),
                _ => return,
            };
            self.go(step);
        }
        panic!("it never comes to rest");
    }

    pub(super) fn go(&mut self, step: Step) {
        let last = self.dispatch.last;
        self.take(step);
        self.check(last);
        self.check_letters();
    }
}

/// Its shelf holds some small blocks, or a single fat one.
fn dispatch(begin: Seq, ring: usize, page: usize) -> Dispatch {
    let mut dispatch = Dispatch::new(begin, ring, usize::MAX);
    dispatch.shelf = Shelf::new(i64::try_from(page).expect("small"), 8 << 10);
    dispatch
}

pub(super) fn pick<T>(which: u16, among: &[T]) -> Option<usize> {
    (!among.is_empty()).then(|| usize::from(which) % among.len())
}

fn grant(party: bool) -> Grant {
    Grant { room: request(), ground: if party { Ground::Party } else { Ground::Admin } }
}
