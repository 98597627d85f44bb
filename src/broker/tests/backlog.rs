//! What waits in an inbox while notices go by: the dispatch alone, each step by hand.

use crate::broker::{
    dispatch::{Ask, Dispatch},
    hub::Slot,
    testing::*,
};
use crate::{
    identity::Role,
    ids::UserId,
    notice::{Cursor, Seq},
};
use std::sync::Arc;

/// A connection that went live, and its first page, which is not read yet.
fn live(dispatch: &mut Dispatch, user: UserId) -> (Client, Slot) {
    dispatch.read_done(Ok(Stored::default().page(Seq(0), 1)));
    let (connect, client) = coming("c1", &identity(user, "s1", &[Role::User]), 0, Cursor::At(Seq(0)));
    assert!(dispatch.connect(connect));
    (client, asked(dispatch).expect("a page is asked for"))
}

fn asked(dispatch: &mut Dispatch) -> Option<Slot> {
    let mut pages = dispatch.asks.drain(..).filter_map(|ask| match ask {
        Ask::Pending { slot } => Some(slot),
        _ => None,
    });
    let page = pages.next();
    assert!(pages.next().is_none(), "one at a time");
    page
}

#[test]
fn one_who_gets_notices_all_the_time_is_handed_what_waits_and_told_better_afterwards() {
    let (mut dispatch, letters, user) = (Dispatch::new(Seq(0), 100, usize::MAX), Letters::new(100), UserId::generate());
    let (client, slot) = live(&mut dispatch, user);
    let pages = || client.events().iter().filter(|event| *event == "pending_notifications").count();
    for seq in 1..=4 {
        assert_eq!(pages(), 0, "it is read again");
        let (user, after, upto) = dispatch.pending_begins(slot).expect("it is there");
        let page = letters.page(user, after, upto);
        dispatch.emit(vec![Arc::new(letters.put(user, seq))]);
        dispatch.pending_done(slot, Ok(page));
        if seq < 4 {
            assert_eq!(asked(&mut dispatch), Some(slot));
        }
    }
    assert_eq!(pages(), 1, "though its count is old");
    assert_eq!(asked(&mut dispatch), None, "what was sent has to leave first");
    dispatch.drained(slot);
    assert_eq!(asked(&mut dispatch), Some(slot));
    let (user, after, upto) = dispatch.pending_begins(slot).expect("it is there");
    dispatch.pending_done(slot, Ok(letters.page(user, after, upto)));
    assert_eq!((pages(), asked(&mut dispatch)), (2, None));
    let seen = client.0.lock().expect("a lock");
    let last = seen.frames.last().expect("a frame");
    assert_eq!(&*last.payload, r#"{"notifications":[],"unread":4}"#);
}

#[test]
fn a_page_for_one_who_is_gone_or_has_all_is_nothing() {
    let (mut dispatch, letters, user) = (Dispatch::new(Seq(0), 100, usize::MAX), Letters::new(100), UserId::generate());
    let (client, slot) = live(&mut dispatch, user);
    let page = letters.page(user, Seq(0), Seq(0));
    dispatch.pending_done(slot, Ok(page.clone()));
    dispatch.pending_done(slot, Ok(page.clone()));
    dispatch.drained(slot);
    assert_eq!((client.events(), asked(&mut dispatch)), (vec!["ready".into(), "pending_notifications".into()], None));
    dispatch.forget(slot);
    dispatch.pending_done(slot, Ok(page));
    assert_eq!((dispatch.pending_begins(slot), asked(&mut dispatch)), (None, None));
}
