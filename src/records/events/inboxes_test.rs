//! Who finds what in the inbox when events change their state.

use super::*;
use crate::{
    notice::EventName,
    records::{
        Edit, Record as _, Viewer,
        events::change_state::ChangeState,
        stage::{self, Stage, admin, user},
    },
};
use serde_json::Value;

fn make(stage: &mut Stage, by: &Viewer, description: &str) -> Event {
    let mut draft = stage::draft();
    draft["description"] = description.into();
    let draft = serde_json::from_value(draft).expect("a draft");
    stage.edit(by, async move |edit: &mut Edit<'_>| edit.create::<Event>(draft).await).expect("an event").0
}

/// Takes it to a state; who found what in the inbox, and the last notice's payload.
fn moved(stage: &mut Stage, by: &Viewer, event: &Event, state: State, message: Option<&str>) -> (Vec<String>, Value) {
    let change = ChangeState { ids: vec![event.id()], state, message: message.map(str::to_owned) };
    let change = change.valid().expect("valid");
    let (_, heard) = stage.edit(by, async move |edit: &mut Edit<'_>| change.run(edit).await).expect("a change");
    let found = heard.into_iter().filter(|heard| heard.contains("INBOX")).collect();
    (found, serde_json::from_str(&stage.newest().payload).expect("json"))
}

fn prefers(stage: &mut Stage, who: &Viewer, reviews: bool, decisions: bool) {
    let user = who.user();
    let change = async move |edit: &mut Edit<'_>| {
        let wish = (users::notify_admin_on_review_request.eq(reviews), users::notify_on_event_update.eq(decisions));
        let change = diesel::update(users::table.find(user)).set(wish);
        sql!(&mut edit.tx.conn, |c| change.execute(c).await)?;
        Ok(())
    };
    stage.edit(who, change).expect("a wish");
}

/// As if there had never been a record of this user; or as if there had, and it was deleted.
fn is_gone(stage: &mut Stage, who: &Viewer, remembered: bool) {
    let user = who.user();
    let change = async move |edit: &mut Edit<'_>| {
        let now = edit.tx.now();
        sql!(&mut edit.tx.conn, |c| diesel::delete(users::table.find(user)).execute(c).await)?;
        if remembered {
            let row = (deleted_users::id.eq(user), deleted_users::deleted_at.eq(now));
            sql!(&mut edit.tx.conn, |c| diesel::insert_into(deleted_users::table).values(row).execute(c).await)?;
        }
        Ok(())
    };
    stage.edit(who, change).expect("gone");
}

#[test]
fn a_review_request_lies_in_the_inbox_of_each_administrator_who_wants_it_the_caller_included() {
    let (ann, root, boss, deaf, off) = (user(), admin(), admin(), admin(), admin());
    let people = [("ann", &ann), ("root", &root), ("boss", &boss), ("deaf", &deaf), ("off", &off)];
    let mut stage = Stage::new(&people);
    prefers(&mut stage, &deaf, false, true);
    stage.disable(&off);
    let event = make(&mut stage, &ann, "Fair");
    let (mut found, said) = moved(&mut stage, &ann, &event, State::Review, Some("Please look"));
    found.sort_unstable();
    assert_eq!(found, ["boss: INBOX event.review_requested", "root: INBOX event.review_requested"]);
    assert_eq!((&said["message"], &said["status"]), (&json!("Please look"), &json!("PENDING")));
    assert_eq!(said["data"], json!({ "eventId": event.id(), "state": "REVIEW" }));
    let own = make(&mut stage, &root, "Own");
    let (found, _) = moved(&mut stage, &root, &own, State::Review, None);
    assert!(found.contains(&"root: INBOX event.review_requested".to_owned()), "{found:?}");
}

#[test]
fn a_decision_lies_in_its_authors_inbox_unless_it_is_not_wanted_and_in_nobody_elses() {
    let (ann, bob, root) = (user(), user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob), ("root", &root)]);
    for (state, kind, verb) in
        [(State::Published, "event.published", "published"), (State::Refused, "event.refused", "refused")]
    {
        let event = make(&mut stage, &ann, "Fair");
        moved(&mut stage, &ann, &event, State::Review, None);
        let (found, said) = moved(&mut stage, &root, &event, state, None);
        assert_eq!(found, [format!("ann: INBOX {kind}")]);
        assert_eq!(said["message"], format!("“Fair” was {verb}."));
        assert_eq!(said["data"], json!({ "eventId": event.id(), "state": state }));
    }
    prefers(&mut stage, &ann, true, false);
    let event = make(&mut stage, &ann, "Fair");
    moved(&mut stage, &ann, &event, State::Review, None);
    assert_eq!(moved(&mut stage, &root, &event, State::Refused, Some("No")).0, [""; 0]);
    assert_ne!(stage.newest().event, EventName::NewNotification);
}

#[test]
fn taking_an_event_back_is_no_news() {
    let (ann, root) = (user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("root", &root)]);
    let event = make(&mut stage, &ann, "Fair");
    moved(&mut stage, &ann, &event, State::Review, None);
    assert_eq!(moved(&mut stage, &ann, &event, State::Draft, Some("Not yet")).0, [""; 0]);
}

#[test]
fn an_author_of_another_issuers_is_told_and_one_who_was_deleted_is_not() {
    for (remembered, expected) in [(false, 1), (true, 0)] {
        let (ann, root) = (user(), admin());
        let mut stage = Stage::new(&[("ann", &ann), ("root", &root)]);
        let event = make(&mut stage, &ann, "Fair");
        moved(&mut stage, &ann, &event, State::Review, None);
        is_gone(&mut stage, &ann, remembered);
        let (found, _) = moved(&mut stage, &root, &event, State::Published, None);
        assert_eq!(found.len(), expected, "{found:?}");
    }
}

#[test]
fn without_a_message_there_is_a_sentence_of_handy_length() {
    let (ann, root) = (user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("root", &root)]);
    let event = make(&mut stage, &ann, &"ä".repeat(1_000));
    let (_, said) = moved(&mut stage, &ann, &event, State::Review, Some(""));
    assert_eq!(said["message"], format!("“{}…” is to be reviewed.", "ä".repeat(NAMED_WITH)));
}
