//! What is told when events change their state, seen by people in rooms.

use super::*;
use crate::{
    identity::Identity,
    records::{
        Listing, Update, Viewer,
        stage::{self, Stage, admin, user},
    },
};
use serde_json::{Value, json};

fn to(state: State, ids: &[EventId]) -> ChangeState {
    ChangeState { ids: ids.to_vec(), state, message: None }
}

fn make(stage: &mut Stage, by: &Viewer) -> EventId {
    let draft = serde_json::from_value(stage::draft()).expect("a draft");
    let made = stage.edit(by, async move |edit: &mut Edit<'_>| edit.create::<Event>(draft).await);
    made.expect("an event").0.id
}

fn change(stage: &mut Stage, by: &Viewer, state: State, ids: &[EventId]) -> Result<(Vec<Event>, Vec<String>)> {
    let change = to(state, ids).valid()?;
    stage.edit(by, async move |edit: &mut Edit<'_>| change.run(edit).await)
}

fn put(stage: &mut Stage, by: &Viewer, id: EventId, fields: Value) -> (Event, Vec<String>) {
    let patch = serde_json::from_value(fields).expect("a patch");
    let outcome = stage.edit(by, async move |edit: &mut Edit<'_>| edit.update::<Event>(id, patch, None).await);
    let (update, heard) = outcome.expect("a change");
    match update {
        Update::Changed(event) | Update::Branched(event) => (event, heard),
    }
}

fn publish(stage: &mut Stage, ann: &Viewer, root: &Viewer, id: EventId) -> Vec<String> {
    change(stage, ann, State::Review, &[id]).expect("under review");
    change(stage, root, State::Published, &[id]).expect("published").1
}

fn listed(stage: &mut Stage, by: &Viewer, deleted: bool) -> Vec<EventId> {
    let listing = Listing { limit: 50, after: String::new(), deleted };
    let read = async move |edit: &mut Edit<'_>| Ok(Event::list(&mut edit.tx.conn, &edit.by, &listing).await?);
    stage.edit(by, read).expect("a list").0.iter().map(Event::id).collect()
}

#[test]
fn from_draft_to_published_everybody_hears_of_an_event_when_they_may_first_see_it() {
    let (ann, bob, root) = (user(), user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob), ("root", &root)]);
    let id = make(&mut stage, &ann);
    let (events, heard) = change(&mut stage, &ann, State::Review, &[id]).expect("a change");
    assert_eq!((events[0].state, events[0].version), (State::Review, 2));
    assert_eq!(heard, ["ann: CHANGED EVENT", "root: NEW EVENT", "root: INBOX event.review_requested"]);
    let (_, heard) = change(&mut stage, &ann, State::Draft, &[id]).expect("a change");
    assert_eq!(heard, ["ann: CHANGED EVENT", "root: DELETED EVENT"]);
    let heard = publish(&mut stage, &ann, &root, id);
    let all = ["ann: CHANGED EVENT", "root: CHANGED EVENT", "bob: NEW EVENT"];
    assert_eq!(heard, [&all[..], &["ann: INBOX event.published"]].concat());
}

#[test]
fn a_list_holds_exactly_what_the_caller_may_see() {
    let (ann, bob, root) = (user(), user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob), ("root", &root)]);
    let ids: Vec<EventId> = (0..4).map(|_| make(&mut stage, &ann)).collect();
    change(&mut stage, &ann, State::Review, &ids[1..]).expect("under review");
    change(&mut stage, &root, State::Refused, &ids[2..3]).expect("refused");
    change(&mut stage, &root, State::Published, &ids[3..]).expect("published");
    assert_eq!(listed(&mut stage, &ann, false), ids);
    assert_eq!(listed(&mut stage, &root, false), ids[1..]);
    assert_eq!(listed(&mut stage, &bob, false), ids[3..]);

    let published = ids[3];
    let remove = async move |edit: &mut Edit<'_>| edit.remove::<Event>(published, None).await;
    let ((), heard) = stage.edit(&root, remove).expect("deleted");
    assert_eq!(heard, ["ann: CHANGED EVENT", "bob: CHANGED EVENT", "root: CHANGED EVENT"]);
    assert_eq!(listed(&mut stage, &ann, false), ids[..3]);
    assert_eq!(listed(&mut stage, &bob, true), ids[3..], "with ?deleted=true it is there");
}

#[test]
fn changing_many_is_all_or_nothing_and_a_refusal_tells_nobody_anything() {
    let (ann, bob, root) = (user(), user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob), ("root", &root)]);
    let (mine, his) = (make(&mut stage, &ann), make(&mut stage, &bob));
    let before = stage.seq();
    let unseen = change(&mut stage, &ann, State::Review, &[mine, his]);
    assert!(matches!(unseen, Err(Error::NotFound)), "{unseen:?}");
    let wrong = change(&mut stage, &ann, State::Published, &[mine]);
    assert!(matches!(wrong, Err(Error::InvalidTransition { from: "DRAFT", to: "PUBLISHED" })), "{wrong:?}");
    let unseen = change(&mut stage, &root, State::Review, &[mine]);
    assert!(matches!(unseen, Err(Error::NotFound)), "an administrator sees no drafts: {unseen:?}");
    // Were anything told, the next change would not have the next place.
    let (events, heard) = change(&mut stage, &ann, State::Review, &[mine]).expect("a change");
    assert_eq!(events[0].version, 2);
    assert_eq!((stage.seq().0 - before.0, heard.len()), (3, 3), "changed for ann, new to root, and in root's inbox");
}

#[test]
fn a_change_of_state_names_one_to_a_hundred_events_once_each() {
    let id = EventId::generate();
    let many: Vec<EventId> = (0..101).map(|_| EventId::generate()).collect();
    for ids in [&[][..], &[id, id], &many] {
        assert!(matches!(to(State::Review, ids).valid(), Err(Error::Invalid(_))));
    }
    let long = ChangeState { message: Some("x".repeat(2_001)), ..to(State::Review, &[id]) };
    assert!(matches!(long.valid(), Err(Error::Invalid(_))));
    assert!(to(State::Review, &many[1..]).valid().is_ok());
}

#[test]
fn publishing_a_version_changes_the_parent_then_takes_the_version_away_then_refuses_the_others() {
    let (ann, bob, cat, root) = (user(), user(), user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob), ("cat", &cat), ("root", &root)]);
    let parent = make(&mut stage, &ann);
    publish(&mut stage, &ann, &root, parent);
    let (version, heard) = put(&mut stage, &bob, parent, json!({"description": "Market", "location": "Hall"}));
    assert_eq!(heard, ["bob: NEW EVENT"]);
    let (rival, _) = put(&mut stage, &cat, parent, json!({"description": "Circus"}));
    let (unsent, _) = put(&mut stage, &cat, parent, json!({"description": "Opera"}));
    change(&mut stage, &bob, State::Review, &[version.id]).expect("under review");
    change(&mut stage, &cat, State::Review, &[rival.id]).expect("under review");
    let (dropped, _) = put(&mut stage, &cat, parent, json!({}));
    change(&mut stage, &cat, State::Review, &[dropped.id]).expect("under review");
    stage.edit(&cat, async move |edit: &mut Edit<'_>| edit.remove::<Event>(dropped.id, None).await).expect("deleted");

    let (events, heard) = change(&mut stage, &root, State::Published, &[version.id]).expect("published");
    let after = &events[0];
    assert_eq!((after.id, after.version, after.author_id), (parent, 4, ann.user()));
    assert_eq!((after.description.as_str(), after.location.as_deref()), ("Market", Some("Hall")));
    let all = ["ann: CHANGED EVENT", "bob: CHANGED EVENT", "cat: CHANGED EVENT", "root: CHANGED EVENT"];
    let then = ["bob: DELETED EVENT", "root: DELETED EVENT", "cat: CHANGED EVENT", "root: CHANGED EVENT"];
    let last = ["bob: INBOX event.published", "cat: INBOX event.refused"];
    assert_eq!(heard, [&all[..], &then, &last].concat());
    let (seen, _) = stage
        .edit(&cat, async move |edit: &mut Edit<'_>| edit.by.find::<Event>(&mut edit.tx.conn, rival.id).await)
        .expect("the rival");
    assert_eq!(seen.state, State::Refused);
    assert_eq!(listed(&mut stage, &cat, false), [parent, rival.id, unsent.id], "a draft is not under review");
}

#[test]
fn a_version_of_a_deleted_event_can_not_be_published() {
    let (ann, root) = (user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("root", &root)]);
    let parent = make(&mut stage, &ann);
    publish(&mut stage, &ann, &root, parent);
    let (version, _) = put(&mut stage, &ann, parent, json!({}));
    change(&mut stage, &ann, State::Review, &[version.id]).expect("under review");
    stage.edit(&ann, async move |edit: &mut Edit<'_>| edit.remove::<Event>(parent, None).await).expect("deleted");
    let outcome = change(&mut stage, &root, State::Published, &[version.id]);
    assert!(matches!(outcome, Err(Error::Conflict(_))), "{outcome:?}");
}

#[test]
fn a_change_of_state_is_told_to_the_callers_own_connection_too() {
    let ann = user();
    let mut stage = Stage::new(&[("ann", &ann)]);
    let id = make(&mut stage, &ann);
    let by: Identity = ann.identity.clone();
    let change = to(State::Review, &[id]);
    let origin = crate::notice::Origin { user: by.user, connection: crate::notice::ConnectionId("c".into()) };
    stage
        .edit(&ann, async move |edit: &mut Edit<'_>| {
            edit.tx.spare(Some(origin));
            change.run(edit).await
        })
        .expect("a change");
    assert!(stage.newest().origin.is_none());
}

#[test]
fn a_department_has_to_exist_and_stays_as_long_as_an_event_names_it() {
    let ann = user();
    let mut stage = Stage::new(&[("ann", &ann)]);
    let department = stage.department(&ann);
    let id = make(&mut stage, &ann);
    put(&mut stage, &ann, id, json!({"departmentIds": [department]}));
    let unknown = serde_json::from_value(json!({"departmentIds": [crate::ids::DepartmentId::generate()]}));
    let unknown = unknown.expect("a patch");
    let outcome = stage.edit(&ann, async move |edit: &mut Edit<'_>| edit.update::<Event>(id, unknown, None).await);
    assert!(matches!(&outcome, Err(Error::Invalid(faults)) if faults[0].field == "departmentIds"), "{outcome:?}");
    let outcome = stage.drop_department(&ann, department);
    assert!(matches!(outcome, Err(Error::Conflict(_))), "{outcome:?}");
    stage.edit(&ann, async move |edit: &mut Edit<'_>| edit.remove::<Event>(id, None).await).expect("deleted");
    stage.drop_department(&ann, department).expect("nobody names it any more");
}

#[test]
fn what_a_change_leaves_alone_stays_as_it_is_and_what_it_touches_is_stored() {
    let (ann, root) = (user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("root", &root)]);
    let (id, department) = (make(&mut stage, &ann), stage.department(&root));
    put(&mut stage, &ann, id, json!({"departmentIds": [department]}));
    put(&mut stage, &ann, id, json!({"description": "Market"}));
    for (by, state) in [(&ann, State::Review), (&root, State::Refused), (&ann, State::Draft)] {
        let told = change(&mut stage, by, state, &[id]).expect("a step").0.remove(0);
        let find = async move |edit: &mut Edit<'_>| edit.by.find::<Event>(&mut edit.tx.conn, id).await;
        assert_eq!(stage.edit(&ann, find).expect("the event").0, told);
    }
    stage.drop_department(&root, department).expect_err("the event is in it all the time");
    let (told, _) = put(&mut stage, &ann, id, json!({"departmentIds": [], "location": "Hall 3"}));
    stage.drop_department(&root, department).expect("the event has left it");
    let find = async move |edit: &mut Edit<'_>| edit.by.find::<Event>(&mut edit.tx.conn, id).await;
    assert_eq!(stage.edit(&ann, find).expect("the event").0, told);
}
