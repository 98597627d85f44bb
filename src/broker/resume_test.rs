//! Order and resume under every interleaving: emits that come late, twice, out of order or never;
//! pages that are stale when they arrive, or fail; connections that come with any cursor and any
//! age of standing; rights that change; pruning. After each step, every connection must have heard
//! exactly what a plain model says, in order, once.

use super::{
    dispatch::{Ask, Dispatch},
    hub::Slot,
    link::Stage,
    testing::*,
    *,
};
use crate::{
    identity::{Identity, Role, Roles},
    ids::{GroupId, UserId},
    notice::{Audience, Cursor, Effect, EventName, Notice, Origin, Room, Seq},
};
use proptest::prelude::*;
use std::{collections::BTreeSet, sync::Arc};

const USERS: usize = 2;
const GROUPS: usize = 2;

fn user(number: usize) -> UserId {
    uuid::Uuid::from_u128(number as u128).into()
}

fn group(number: usize) -> GroupId {
    uuid::Uuid::from_u128(100 + number as u128).into()
}

fn topic() -> Room {
    Room::Topic("t".into())
}

fn sid(number: usize) -> String {
    format!("s{number}")
}

/// What the record of a user says.
#[derive(Debug, Clone)]
struct Record {
    roles: Roles,
    disabled: bool,
    groups: BTreeSet<usize>,
}

impl Record {
    /// Of this user after all effects up to `at`.
    fn at(notices: &[Arc<Notice>], number: usize, at: Seq) -> Self {
        let mut record = Self { roles: Role::ALL.into_iter().collect(), disabled: false, groups: BTreeSet::new() };
        for notice in notices.iter().filter(|notice| notice.seq <= Some(at)) {
            let Some(effect) = &notice.effect else { continue };
            let named = |room: &Room| (0..GROUPS).find(|number| *room == Room::Group(group(*number)));
            match effect {
                Effect::Join { user: who, room } if *who == user(number) => record.groups.extend(named(room)),
                Effect::Leave { user: who, room } if *who == user(number) => {
                    named(room).map(|left| record.groups.remove(&left));
                }
                Effect::Dissolve { room } => drop(named(room).map(|left| record.groups.remove(&left))),
                Effect::Standing { user: who, roles, disabled } if *who == user(number) => {
                    (record.roles, record.disabled) = (*roles, *disabled);
                }
                _ => {}
            }
        }
        record
    }
}

/// A connection, in the plain model's eyes.
#[derive(Debug)]
struct Guest {
    number: usize,
    slot: Slot,
    client: Client,
    identity: Identity,
    as_of: Seq,
    /// Rooms entered and left by its own wish: at which `last`, before the next notice.
    wishes: Vec<(Seq, Room, bool)>,
    /// Until when a room is no part of the replay.
    late: Vec<(Room, Seq)>,
    expected: Vec<i64>,
    /// As of the end of the previous step: the place up to which it was served once it heard
    /// `ready`, and whether it was live.
    position: Option<Seq>,
    live: bool,
    name: String,
    cursor: Cursor,
    handshake: bool,
    bounded: bool,
    newest_then: Seq,
}

/// Rooms and roles of a guest, worked out anew from the beginning.
#[derive(Debug)]
struct Held {
    roles: Roles,
    rooms: BTreeSet<Room>,
    ended: Option<Seq>,
}

impl Guest {
    fn held(&self, notices: &[Arc<Notice>], at: Seq) -> Held {
        let record = Record::at(notices, self.number, self.as_of);
        let mut held = Held {
            roles: record.roles.narrowed_to(self.identity.token_roles),
            rooms: [Room::All, Room::User(self.identity.user), Room::Session(self.identity.sid.clone())].into(),
            ended: None,
        };
        held.rooms.extend(record.groups.iter().map(|number| Room::Group(group(*number))));
        let mut wishes = self.wishes.iter().peekable();
        let fit = |held: &mut Held| {
            if held.roles.has(Role::Admin) {
                held.rooms.insert(Room::Admin)
            } else {
                held.rooms.remove(&Room::Admin)
            };
            if !held.roles.has(Role::Seller) {
                held.rooms.remove(&Room::Sellers);
            }
        };
        fit(&mut held);
        let mut wish = |held: &mut Held, before: Seq| {
            while let Some((_, room, enters)) = wishes.next_if(|(seq, ..)| *seq < before) {
                if *enters {
                    held.rooms.insert(room.clone())
                } else {
                    held.rooms.remove(room)
                };
            }
        };
        for notice in notices {
            let seq = notice.seq.expect("a stored notice");
            if seq > at {
                break;
            }
            wish(&mut held, seq);
            let Some(effect) = notice.effect.as_ref().filter(|_| seq > self.as_of) else { continue };
            match effect {
                Effect::Join { user, room } if *user == self.identity.user => drop(held.rooms.insert(room.clone())),
                Effect::Leave { user, room } if *user == self.identity.user => drop(held.rooms.remove(room)),
                Effect::Dissolve { room } => drop(held.rooms.remove(room)),
                Effect::Standing { user, roles, disabled } if *user == self.identity.user => {
                    held.roles = roles.narrowed_to(self.identity.token_roles);
                    fit(&mut held);
                    if *disabled {
                        held.ended = held.ended.or(Some(seq));
                    }
                }
                Effect::End { sid } if *sid == self.identity.sid => held.ended = held.ended.or(Some(seq)),
                _ => {}
            }
        }
        wish(&mut held, at.next());
        held
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// A change is committed, and its emit is lost (0), under way, or here already.
    Commit {
        audience: [Vec<u8>; 3],
        effect: Option<(u8, u8, u8)>,
        origin: Option<u16>,
        fat: bool,
        emit: u8,
    },
    /// One of the emits under way arrives; perhaps it will arrive again.
    Arrive(u16, bool),
    /// The history answers one of the asks, or fails to; the answer is under way.
    Fetch(u16, bool),
    /// One of the answers arrives.
    Answer(u16),
    Connect {
        user: usize,
        sid: usize,
        tokens: u8,
        age: u8,
        cursor: Option<u16>,
        handshake: bool,
        most: Option<u8>,
    },
    Disconnect(u16),
    Wish(u16, bool, bool),
    Prune(u16),
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    let rooms = || prop::collection::vec(0u8..8, 0..3);
    let audience =
        (rooms(), prop_oneof![2 => Just(vec![]), 1 => rooms()], prop_oneof![2 => Just(vec![]), 1 => rooms()])
            .prop_map(|(to, within, except)| [to, within, except]);
    let effect = prop::option::weighted(0.4, (0u8..12, any::<u8>(), any::<u8>()));
    let origin = prop::option::weighted(0.2, any::<u16>());
    prop_oneof![
        8 => (audience, effect, origin, prop::bool::weighted(0.2), 0u8..6)
            .prop_map(|(audience, effect, origin, fat, emit)| Step::Commit { audience, effect, origin, fat, emit }),
        8 => (any::<u16>(), prop::bool::weighted(0.1)).prop_map(|(which, again)| Step::Arrive(which, again)),
        6 => (any::<u16>(), prop::bool::weighted(0.85)).prop_map(|(which, works)| Step::Fetch(which, works)),
        6 => any::<u16>().prop_map(Step::Answer),
        4 => (
            0..USERS, 0usize..2, any::<u8>(), prop_oneof![2 => Just(0u8), 1 => any::<u8>()],
            prop::option::weighted(0.8, any::<u16>()), any::<bool>(), prop::option::weighted(0.2, 1u8..4),
        )
            .prop_map(|(user, sid, tokens, age, cursor, handshake, most)| Step::Connect {
                user, sid, tokens, age, cursor, handshake, most,
            }),
        1 => any::<u16>().prop_map(Step::Disconnect),
        4 => (any::<u16>(), any::<bool>(), prop::bool::weighted(0.7))
            .prop_map(|(which, sellers, enters)| Step::Wish(which, sellers, enters)),
        1 => any::<u16>().prop_map(Step::Prune),
        1 => Just(Step::Tick),
    ]
}

fn room(number: u8) -> Room {
    match number {
        0 | 1 => Room::Group(group(usize::from(number))),
        2 => Room::All,
        3 => Room::Admin,
        4 => Room::Sellers,
        5 => topic(),
        _ => Room::User(user(usize::from(number) - 6)),
    }
}

fn effect((kind, who, what): (u8, u8, u8)) -> Effect {
    let user = user(usize::from(who) % USERS);
    let room = Room::Group(group(usize::from(what) % GROUPS));
    match kind {
        0..=3 => Effect::Join { user, room },
        4 | 5 => Effect::Leave { user, room },
        6 => Effect::Dissolve { room },
        7..=9 => Effect::Standing { user, roles: roles(what), disabled: false },
        10 => Effect::Standing { user, roles: roles(what), disabled: true },
        _ => Effect::End { sid: sid(usize::from(what) % 2).parse().expect("a sid") },
    }
}

fn roles(bits: u8) -> Roles {
    Role::ALL.into_iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0).map(|(_, role)| role).collect()
}

/// What is under way to the dispatch.
enum Answer {
    Read(Result<Page, Away>),
    Page(Slot, Result<Page, Away>),
    Drained(Slot),
    ReadAgain,
    PageAgain(Slot),
}

struct World {
    dispatch: Dispatch,
    stored: Arc<Stored>,
    page: usize,
    fat: Arc<str>,
    emits: Vec<Arc<Notice>>,
    asks: Vec<Ask>,
    answers: Vec<Answer>,
    guests: Vec<Guest>,
    names: usize,
}

impl World {
    fn new(before: i64, ring: usize, page: usize) -> Self {
        let stored = Stored::with((1..=before).map(|seq| notice(seq, [Room::All])));
        // Before anybody comes, too, rights changed.
        stored.notices.lock().expect("a lock").iter_mut().for_each(|notice| {
            let seq = notice.seq.expect("a stored notice").0;
            let what = u8::try_from(seq % 7).expect("small");
            *notice = Arc::new(Notice { effect: Some(effect((what, what, what / 2))), ..(**notice).clone() });
        });
        Self {
            dispatch: Dispatch::new(Seq(before), ring, usize::MAX),
            stored,
            page,
            fat: format!("{{\"fat\":\"{}\"}}", "x".repeat(REPLAY_BYTES * 3 / 4)).into(),
            emits: Vec::new(),
            asks: Vec::new(),
            answers: Vec::new(),
            guests: Vec::new(),
            names: 0,
        }
    }

    fn notices(&self) -> Vec<Arc<Notice>> {
        self.stored.notices.lock().expect("a lock").clone()
    }

    fn newest(&self) -> Seq {
        self.stored.page(Seq(0), 0).newest
    }

    fn take(&mut self, step: Step) {
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
                match emit {
                    0 => {}
                    1 | 2 => self.emits.push(notice),
                    _ => self.dispatch.emit(vec![notice]),
                }
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
                    Ask::Page { slot, after } => Answer::Page(slot, page(after)),
                    Ask::ReadLater => Answer::ReadAgain,
                    Ask::PageLater { slot } => Answer::PageAgain(slot),
                    Ask::Drained { slot, .. } => {
                        let guest = self.guests.iter().find(|guest| guest.slot == slot);
                        guest.into_iter().for_each(|guest| guest.client.read_all());
                        Answer::Drained(slot)
                    }
                    Ask::Ended { .. } => return,
                };
                self.answers.push(answer);
            }
            Step::Answer(which) => {
                let Some(at) = pick(which, &self.answers) else { return };
                match self.answers.remove(at) {
                    Answer::Read(page) => self.dispatch.read_done(page),
                    Answer::ReadAgain => self.dispatch.read_on(),
                    Answer::Page(slot, page) => self.dispatch.page_done(slot, page),
                    Answer::PageAgain(slot) => self.dispatch.advance(slot),
                    Answer::Drained(slot) => self.dispatch.drained(slot),
                }
            }
            Step::Connect { user: number, sid: session, tokens, age, cursor, handshake, most } => {
                let newest = self.newest();
                let as_of = Seq((newest.0 - i64::from(age) % 32).max(0));
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
                    connect.rooms = vec![topic().to_string(), Room::Sellers.to_string()];
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
                    late: Vec::new(),
                    expected: Vec::new(),
                    position: None,
                    live: false,
                    name: self.names.to_string(),
                    cursor,
                    handshake,
                    bounded: most.is_some(),
                    newest_then: newest,
                });
            }
            Step::Disconnect(which) => {
                let Some(at) = pick(which, &self.guests) else { return };
                let guest = self.guests.remove(at);
                self.dispatch.forget(guest.slot);
            }
            Step::Wish(which, sellers, enters) => {
                let (notices, last) = (self.notices(), self.dispatch.last);
                let Some(at) = pick(which, &self.guests) else { return };
                // Before it is settled nobody can know its rooms; and while the broker only begins
                // there is nothing to compare with.
                if self.stage(at).is_some_and(|stage| stage != Stage::Replaying) {
                    return;
                }
                let guest_held = self.guests[at].held(&notices, last);
                let room = if sellers { Room::Sellers } else { topic() };
                let guest = &mut self.guests[at];
                let pending = !guest.live;
                if enters {
                    let allowed = !sellers || guest_held.roles.has(Role::Seller);
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
            Step::Tick => self.dispatch.read(),
        }
    }
}

impl World {
    fn cursor(&self, said: Option<u16>, newest: Seq) -> Cursor {
        // A little ahead of everything, too; and past that, something that is no cursor.
        let places = usize::try_from(newest.0).expect("small") + 4;
        match said.map(|which| usize::from(which) % (places + 1)) {
            None => Cursor::None,
            Some(place) if place == places => Cursor::Unknown,
            Some(place) => Cursor::At(Seq(i64::try_from(place).expect("small"))),
        }
    }

    fn stage(&self, at: usize) -> Option<Stage> {
        let seat = self.dispatch.hub.get(self.guests[at].slot)?;
        seat.carries.pending.as_ref().map(|pending| pending.stage)
    }

    /// Takes what the dispatch asked for, and compares everybody with the plain model.
    fn check(&mut self, last_before: Seq) {
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
    fn come_to_rest(&mut self) {
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

    fn go(&mut self, step: Step) {
        let last = self.dispatch.last;
        self.take(step);
        self.check(last);
    }
}

impl Guest {
    /// Compares `ready` with what it should say; answers where the guest starts.
    fn welcome(&mut self, last: Seq, held: &Held, pruned: Seq) -> Seq {
        let ready = self.client.ready();
        let (resumed, resync) = (ready["resumed"] == true, ready["resync"] == true);
        let start = match self.cursor {
            Cursor::At(cursor) if resumed => cursor,
            Cursor::At(cursor) => {
                assert!(resync && (cursor > self.newest_then || cursor < pruned), "fetching again needs a reason");
                last
            }
            cursor => {
                assert_eq!((resumed, resync), (false, cursor == Cursor::Unknown));
                last
            }
        };
        assert_eq!(ready["seq"], start.0);
        let mut rooms = held.rooms.clone();
        if self.handshake {
            let seller = held.roles.has(Role::Seller);
            assert_eq!(ready["refusedRooms"], serde_json::json!(if seller { &[][..] } else { &["sellers"] }));
            let joined = std::iter::once(topic()).chain(seller.then_some(Room::Sellers));
            joined.for_each(|room| {
                rooms.insert(room.clone());
                self.wishes.push((last, room, true));
            });
        }
        assert_eq!(ready["rooms"], serde_json::to_value(&rooms).expect("JSON"));
        start
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn every_connection_hears_exactly_what_it_may_see_in_order_and_once(
        before in 0i64..24,
        ring in prop_oneof![3 => 0usize..4, 1 => Just(1000)],
        page in 1usize..5,
        steps in prop::collection::vec(step(), 0..150),
    ) {
        let mut world = World::new(before, ring, page);
        world.check(world.dispatch.last);
        for step in steps {
            world.go(step);
        }
        world.come_to_rest();
        world.go(Step::Tick);
        world.come_to_rest();
        prop_assert_eq!(world.dispatch.last, world.newest());
        for guest in &world.guests {
            prop_assert!(guest.live, "nobody is left waiting");
        }
    }
}

fn pick<T>(which: u16, among: &[T]) -> Option<usize> {
    (!among.is_empty()).then(|| usize::from(which) % among.len())
}
