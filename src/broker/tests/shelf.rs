//! Blocks of the history: each is read once, whoever waits for it.

use crate::broker::{
    Page,
    hub::{Hub, Slot},
    shelf::{AT_ONCE, Read, Shelf, TICKS},
    testing::*,
};
use crate::{
    identity::Role,
    ids::UserId,
    notice::{Room, Seq},
};

fn slots(count: usize) -> Vec<Slot> {
    let mut hub = Hub::default();
    let who = identity(UserId::generate(), "s1", &[Role::User]);
    (0..count).map(|number| hub.seat(id(number), who.clone(), &[], Seq(0), ()).expect("a new name")).collect()
}

/// A history of so many notices, pruned up to there, as this read finds it.
fn page(read: Read, newest: i64, pruned: i64) -> Page {
    let stored = Stored::with((1..=newest).map(|seq| notice(seq, [Room::All])));
    *stored.pruned.lock().expect("a lock") = Seq(pruned);
    stored.page(read.after, read.limit)
}

const fn read(block: i64, after: i64, limit: usize) -> Read {
    Read { block, after: Seq(after), limit }
}

fn next(shelf: &mut Shelf) -> Option<Read> {
    shelf.next(|_| true)
}

/// Which notices are here behind a place.
fn here(shelf: &mut Shelf, place: i64) -> Vec<i64> {
    shelf.at(Seq(place)).map_or_else(Vec::new, |block| block.after(Seq(place)).map(|sent| sent.seq.0).collect())
}

#[test]
fn who_waits_for_the_same_block_waits_for_the_same_read() {
    let (mut shelf, slots) = (Shelf::new(4, usize::MAX), slots(3));
    shelf.want(slots[0], Seq(4), |_| true);
    shelf.want(slots[1], Seq(6), |_| true);
    let asked = next(&mut shelf).expect("a read");
    assert_eq!((asked, next(&mut shelf)), (read(1, 4, 4), None));
    shelf.want(slots[2], Seq(5), |_| true);
    assert_eq!(next(&mut shelf), None, "it is under way");
    let arrival = shelf.arrived(1, page(asked, 20, 0));
    assert_eq!((arrival.slots, arrival.later), (slots, false));
    assert_eq!((here(&mut shelf, 4), here(&mut shelf, 6)), (vec![5, 6, 7, 8], vec![7, 8]));
    assert_eq!((here(&mut shelf, 3), here(&mut shelf, 8)), (vec![], vec![]), "other blocks");
}

#[test]
fn a_block_that_has_grown_is_read_from_where_it_ended() {
    let (mut shelf, slots) = (Shelf::new(4, usize::MAX), slots(3));
    shelf.want(slots[0], Seq(4), |_| true);
    let asked = next(&mut shelf).expect("a read");
    shelf.want(slots[1], Seq(6), |_| true);
    let arrival = shelf.arrived(1, page(asked, 6, 0));
    assert_eq!((arrival.slots, arrival.later), (vec![slots[0]], false));
    assert_eq!((here(&mut shelf, 4), here(&mut shelf, 6)), (vec![5, 6], vec![]));
    let asked = next(&mut shelf).expect("at once, for the one who came after that read had begun");
    assert_eq!(asked, read(1, 6, 2));
    drop(arrival.block);
    let arrival = shelf.arrived(1, page(asked, 6, 0));
    assert_eq!((arrival.slots, arrival.later), (vec![], true), "there is no such notice yet");
    assert_eq!(next(&mut shelf), None, "not in a tight loop");
    shelf.want(slots[2], Seq(6), |_| true);
    assert_eq!(next(&mut shelf), None);
    shelf.again(1);
    assert_eq!(next(&mut shelf), Some(read(1, 6, 2)));
    assert_eq!(shelf.arrived(1, page(asked, 20, 0)).slots, slots[1..]);
    assert_eq!(here(&mut shelf, 4), [5, 6, 7, 8]);
}

#[test]
fn what_is_gone_holds_nobody_up() {
    let (mut shelf, slots) = (Shelf::new(4, usize::MAX), slots(3));
    slots.iter().zip([4, 5, 6]).for_each(|(slot, place)| shelf.want(*slot, Seq(place), |_| true));
    let asked = next(&mut shelf).expect("a read");
    assert_eq!(shelf.arrived(1, page(asked, 20, 6)).slots, slots);
    assert_eq!((here(&mut shelf, 5), here(&mut shelf, 6)), (vec![], vec![7, 8]));
    shelf.want(slots[0], Seq(0), |_| true);
    let asked = next(&mut shelf).expect("a read");
    let arrival = shelf.arrived(0, page(asked, 20, 6));
    assert_eq!((arrival.slots, arrival.block.is_none()), (vec![slots[0]], true));
}

#[test]
fn a_gap_of_the_history_itself_is_passed() {
    let (mut shelf, slots) = (Shelf::new(4, usize::MAX), slots(1));
    let gap = |after, notices: &[i64]| Page {
        notices: notices.iter().filter(|seq| **seq > after).map(|seq| notice(*seq, [Room::All])).collect(),
        newest: Seq(20),
        pruned: Seq(0),
    };
    for (block, left, upto) in [(1, &[5, 9][..], 8), (2, &[], 12)] {
        shelf.want(slots[0], Seq(block * 4), |_| true);
        let asked = next(&mut shelf).expect("a read");
        assert_eq!(shelf.arrived(block, gap(asked.after.0, left)).slots, slots);
        assert_eq!(shelf.at(Seq(block * 4)).map(|block| block.upto()), Some(Seq(upto)));
    }
}

#[test]
fn a_read_that_failed_is_tried_again_later_with_all_who_wait() {
    let (mut shelf, slots) = (Shelf::new(4, usize::MAX), slots(2));
    shelf.want(slots[0], Seq(4), |_| true);
    let asked = next(&mut shelf).expect("a read");
    shelf.failed(1);
    shelf.want(slots[1], Seq(4), |_| true);
    assert_eq!(next(&mut shelf), None);
    shelf.again(1);
    assert_eq!(next(&mut shelf), Some(asked));
    assert_eq!(shelf.arrived(1, page(asked, 20, 0)).slots, slots);
}

#[test]
fn nothing_is_read_for_those_who_are_gone_and_they_are_not_kept_for_ever() {
    let (mut shelf, slots) = (Shelf::new(4, usize::MAX), slots(1000));
    slots.iter().for_each(|slot| shelf.want(*slot, Seq(4), |_| false));
    assert_eq!(shelf.next(|_| false), None);
    shelf.want(slots[0], Seq(4), |_| true);
    assert_eq!(next(&mut shelf), Some(read(1, 4, 4)));
    assert_eq!(shelf.arrived(1, page(read(1, 4, 4), 20, 0)).slots, [slots[0]]);
}

#[test]
fn however_many_blocks_are_wanted_few_are_in_hand_and_those_who_waited_get_theirs() {
    // Nothing but the newest stays on this shelf.
    let (mut shelf, slots) = (Shelf::new(4, 0), slots(40));
    slots.iter().zip(0..).for_each(|(slot, number)| shelf.want(*slot, Seq(number * 4), |_| true));
    let mut served = Vec::new();
    let mut heard = 0;
    while heard < slots.len() {
        let asked: Vec<Read> = std::iter::from_fn(|| next(&mut shelf)).collect();
        assert_eq!(asked.len() + served.len(), AT_ONCE.min(slots.len() - heard));
        for asked in asked {
            let arrival = shelf.arrived(asked.block, page(asked, 160, 0));
            let block = arrival.block.expect("a block");
            assert!(block.0.covers(asked.after));
            served.push((arrival.slots, block));
        }
        assert_eq!(next(&mut shelf), None, "they have not been looked at");
        let (done, block) = served.remove(0);
        assert_eq!(done, [slots[heard]]);
        drop(block);
        heard += 1;
    }
}

#[test]
fn the_one_that_was_wanted_least_lately_goes_first_and_in_time_all_go() {
    let (mut shelf, slots) = (Shelf::new(4, usize::MAX), slots(1));
    let fetch = |shelf: &mut Shelf, block: i64| {
        shelf.want(slots[0], Seq(block * 4), |_| true);
        let asked = next(shelf).expect("a read");
        shelf.arrived(block, page(asked, 40, 0)).block.expect("a block").0.bytes()
    };
    let bytes = fetch(&mut shelf, 1);
    let mut shelf = Shelf::new(4, bytes * 2 + 100);
    fetch(&mut shelf, 1);
    fetch(&mut shelf, 2);
    assert_eq!(here(&mut shelf, 4).len(), 4);
    fetch(&mut shelf, 3);
    assert_eq!([4, 8, 12].map(|place| here(&mut shelf, place).len()), [4, 0, 4]);
    (1..TICKS).for_each(|_| shelf.tick());
    assert_eq!(here(&mut shelf, 4).len(), 4);
    shelf.tick();
    assert_eq!([4, 12].map(|place| here(&mut shelf, place).len()), [4, 0]);
}
