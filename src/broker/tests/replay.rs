//! Many who come back at once: each range of the history is read once, each turn of the broker is short,
//! and everybody hears everything once and in order.

use crate::broker::{
    dispatch::{Ask, Dispatch},
    shelf::{Read, Shelf},
    stretch::Stretch,
    testing::*,
    *,
};
use crate::{
    identity::Role,
    ids::UserId,
    notice::{Cursor, Notice, Room, Seq},
};
use futures_util::future::BoxFuture;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

/// Plays the actor until there is nothing left to do; counts how often what follows each place was read.
struct Play {
    dispatch: Dispatch,
    stored: Arc<Stored>,
    reads: BTreeMap<i64, usize>,
    turns: usize,
}

impl Play {
    /// A broker that has read the whole history, and remembers the last `ring` of it.
    fn new(notices: impl IntoIterator<Item = Arc<Notice>>, ring: usize) -> Self {
        let stored = Stored::with(notices);
        let newest = stored.page(Seq(0), 0).newest;
        let dispatch = Dispatch::new(newest, ring, usize::MAX);
        let mut play = Self { dispatch, stored, reads: BTreeMap::new(), turns: 0 };
        play.rest();
        play
    }

    fn step(&mut self) -> bool {
        match self.dispatch.asks.pop_front() {
            Some(Ask::Read { after }) => self.dispatch.read_done(Ok(self.stored.page(after, 512))),
            Some(Ask::Block(Read { block, after, limit })) => {
                let page = self.stored.page(after, limit);
                for notice in &page.notices {
                    *self.reads.entry(notice.seq.expect("a place").0).or_default() += 1;
                }
                self.dispatch.block_done(block, Ok(page));
            }
            Some(Ask::BlockLater(block)) => self.dispatch.block_again(block),
            Some(Ask::Turn { .. }) => {
                self.turns += 1;
                self.dispatch.take_turn();
            }
            Some(Ask::Drained { slot, .. }) => self.dispatch.drained(slot),
            Some(_) => {}
            None => return false,
        }
        true
    }

    fn rest(&mut self) {
        while self.step() {}
    }

    fn come(&mut self, name: usize, cursor: i64) -> Client {
        let who = identity(UserId::generate(), "s1", &[Role::User]);
        let (connect, client) = coming(name, &who, self.dispatch.last.0, Cursor::At(Seq(cursor)));
        assert!(self.dispatch.connect(connect));
        client
    }
}

fn to_all(upto: i64) -> impl Iterator<Item = Arc<Notice>> {
    (1..=upto).map(|seq| notice(seq, [Room::All]))
}

#[test]
fn many_who_come_back_with_whatever_cursors_read_each_range_once() {
    for spread in [0, 1, 7] {
        let mut play = Play::new(to_all(3000), 100);
        let clients: Vec<(i64, Client)> =
            (0..200).map(|name| (name * spread, play.come(name as usize, name * spread))).collect();
        play.rest();
        for (cursor, client) in &clients {
            assert_eq!((client.seqs(), client.closed()), ((cursor + 1..=3000).collect(), None));
        }
        // The last block is read to its end, though the ring has the rest of it.
        assert!(play.reads.keys().copied().eq(1..=3000) && play.reads.values().all(|times| *times == 1));
        // And who comes later reads nothing.
        let late = play.come(999, 5);
        play.rest();
        assert_eq!(late.seqs(), (6..=3000).collect::<Vec<_>>());
        assert!(play.reads.values().all(|times| *times == 1));
    }
}

#[test]
fn who_missed_no_more_than_the_ring_remembers_reads_nothing() {
    let mut play = Play::new(to_all(3000), 1000);
    let clients: Vec<Client> = (0..50).map(|name| play.come(name, 2000 + name as i64)).collect();
    play.rest();
    assert!(play.reads.is_empty());
    for (client, cursor) in clients.iter().zip(2000..) {
        assert_eq!(client.seqs(), (cursor + 1..=3000).collect::<Vec<i64>>());
    }
}

#[test]
fn while_many_are_behind_a_live_notice_waits_for_one_turn_only() {
    let mut play = Play::new(to_all(600), 1000);
    let live = play.come(1000, 600);
    let clients: Vec<Client> = (0..500).map(|name| play.come(name, 0)).collect();
    for seq in 601..=604 {
        let stored = play.stored.add(notice(seq, [Room::All]));
        play.dispatch.emit(vec![stored]);
        assert_eq!(live.seqs().last(), Some(&seq));
        play.step();
    }
    play.rest();
    assert!(play.turns >= 500 / 16);
    for client in clients {
        assert_eq!(client.seqs(), (1..=604).collect::<Vec<_>>());
    }
}

/// A shard's end of an outlet: keeps the lists it is given.
struct Shelved {
    client: Client,
    shard: Arc<Behind>,
    lists: Arc<Mutex<Vec<Stretch>>>,
    /// Whether the shard is behind whenever it was given something.
    tires: bool,
}

#[derive(Default)]
struct Behind(AtomicBool);

impl Shard for Behind {
    fn push(&self, _: &[Arc<Frame>], _: &[u32]) {}

    fn fallen(&self) -> u64 {
        0
    }

    fn is_busy(&self) -> bool {
        self.0.load(SeqCst)
    }
}

impl Outlet for Shelved {
    fn send(&mut self, frame: &Arc<Frame>) -> Result<(), Overflow> {
        self.client.send(frame)
    }

    fn send_all(&mut self, frames: &Stretch) -> Result<(), Overflow> {
        self.lists.lock().expect("a lock").push(frames.clone());
        self.shard.0.fetch_or(self.tires, SeqCst);
        frames.iter().try_for_each(|frame| self.client.send(frame))
    }

    fn drained(&self) -> BoxFuture<'static, ()> {
        self.client.drained()
    }

    fn place(&self) -> Option<Place> {
        Some(Place { shard: self.shard.clone(), index: 0 })
    }

    fn close(&mut self, cause: Cause) {
        self.client.close(cause);
    }
}

fn shelved(
    play: &mut Play,
    name: &str,
    cursor: i64,
    shard: &Arc<Behind>,
    tires: bool,
) -> (Client, Arc<Mutex<Vec<Stretch>>>) {
    let who = identity(UserId::generate(), "s1", &[Role::User]);
    let (mut connect, client) = coming(name, &who, play.dispatch.last.0, Cursor::At(Seq(cursor)));
    let lists = Arc::default();
    connect.outlet =
        Box::new(Shelved { client: client.clone(), shard: Arc::clone(shard), lists: Arc::clone(&lists), tires });
    assert!(play.dispatch.connect(connect));
    (client, lists)
}

#[test]
fn who_missed_the_same_is_given_the_same_pieces_wherever_the_cursors_lie() {
    let mut play = Play::new(to_all(2000), 700);
    let shard = Arc::default();
    let (_, first) = shelved(&mut play, "first", 3, &shard, false);
    let (client, second) = shelved(&mut play, "second", 500, &shard, false);
    play.rest();
    assert_eq!(client.seqs(), (501..=2000).collect::<Vec<_>>());
    let (first, second) = (first.lock().expect("a lock"), second.lock().expect("a lock"));
    assert!(first.len() >= 4 && second.len() >= 4);
    for stretch in second.iter().skip(1) {
        assert!(first.iter().any(|other| Arc::ptr_eq(stretch, other)));
    }
}

#[test]
fn a_shard_that_is_behind_keeps_its_own_waiting_and_nobody_else() {
    let mut play = Play::new(to_all(600), 1000);
    let (behind, other) = (Arc::<Behind>::default(), Arc::default());
    behind.0.store(true, SeqCst);
    let (waits, _) = shelved(&mut play, "waits", 0, &behind, false);
    let (quick, _) = shelved(&mut play, "quick", 0, &other, false);
    let mut rests = 0;
    for _ in 0..100 {
        rests += usize::from(matches!(play.dispatch.asks.front(), Some(Ask::Turn { rest: true })));
        play.step();
    }
    assert_eq!((waits.events(), quick.seqs().len()), (vec!["ready".to_owned()], 600));
    assert!(rests > 10, "it is looked at now and then");
    behind.0.store(false, SeqCst);
    play.rest();
    assert_eq!(waits.seqs().len(), 600);
}

#[test]
fn no_block_is_read_in_vain_because_others_keep_the_shard_busy() {
    let mut play = Play::new(to_all(2000), 10);
    play.dispatch.shelf = Shelf::new(16, 0);
    let shard = Arc::<Behind>::default();
    shard.0.store(true, SeqCst);
    let clients: Vec<Client> = (0..12).map(|at| shelved(&mut play, &at.to_string(), at * 64, &shard, true).0).collect();
    loop {
        // Whatever is handed over keeps it busy for a moment.
        if let Some(Ask::Turn { .. }) = play.dispatch.asks.front() {
            shard.0.store(false, SeqCst);
        }
        if !play.step() {
            break;
        }
    }
    for (client, at) in clients.iter().zip(0..) {
        assert_eq!(client.seqs(), (at * 64 + 1..=2000).collect::<Vec<i64>>());
    }
    // Once for each at most, and now and then again for one whose outlet had to take something first.
    let most = play.reads.values().max().copied().unwrap_or_default();
    assert!(most <= clients.len() * 3 / 2, "{most}");
}

#[test]
fn a_tiny_shelf_costs_reads_and_nothing_else() {
    let mut play = Play::new(to_all(3000), 10);
    play.dispatch.shelf = Shelf::new(16, 0);
    let clients: Vec<Client> = (0..150).map(|name| play.come(name, name as i64 * 19)).collect();
    play.rest();
    for (client, name) in clients.iter().zip(0..) {
        assert_eq!(client.seqs(), (name * 19 + 1..=3000).collect::<Vec<i64>>());
    }
}
