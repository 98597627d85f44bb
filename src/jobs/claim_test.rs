//! Whose turn it is.

use super::*;

fn at(seconds: i64) -> Time {
    Time::now().plus_seconds(seconds)
}

#[test]
fn the_one_who_waits_longest_comes_first() {
    let (ann, bob) = (UserId::generate(), UserId::generate());
    let waiting = [(ann, at(-1)), (bob, at(-2))];
    assert_eq!(fairest(&waiting, &HashMap::new()), Some(1));
    assert_eq!(fairest(&[], &HashMap::new()), None);
}

#[test]
fn who_has_a_place_already_lets_others_go_first() {
    let (ann, bob) = (UserId::generate(), UserId::generate());
    let waiting = [(ann, at(-100)), (bob, at(-1))];
    assert_eq!(fairest(&waiting, &HashMap::from([(ann, 1)])), Some(1));
    assert_eq!(fairest(&waiting, &HashMap::from([(ann, 1), (bob, 2)])), Some(0));
}
