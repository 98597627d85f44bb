//! People come, go and end a group: who hears what, live and on coming back.

use super::members::{let_go, let_in};
use super::*;
use crate::{
    error::Error,
    ids::EventId,
    records::stage::{self, Stage, admin, user},
};
use serde_json::json;

fn make(stage: &mut Stage, by: &Viewer) -> (GroupId, Vec<String>) {
    let draft = Draft { name: "Fair".into(), description: String::new() };
    let (group, heard) =
        stage.edit(by, async move |edit: &mut Edit<'_>| edit.create::<EventGroup>(draft).await).expect("a group");
    (group.id, heard)
}

fn draft_in(stage: &mut Stage, by: &Viewer, groups: &[GroupId]) -> EventId {
    let mut draft = stage::draft();
    draft["groupIds"] = json!(groups);
    let draft = serde_json::from_value(draft).expect("a draft");
    stage.edit(by, async move |edit: &mut Edit<'_>| edit.create::<Event>(draft).await).expect("an event").0.id()
}

fn add(stage: &mut Stage, by: &Viewer, id: GroupId, user: &Viewer) -> Result<((EventGroup, bool), Vec<String>)> {
    let user = user.user();
    stage.edit(by, async move |edit: &mut Edit<'_>| let_in(edit, id, user).await)
}

fn remove(stage: &mut Stage, by: &Viewer, id: GroupId, user: &Viewer) -> Result<Vec<String>> {
    let user = user.user();
    stage.edit(by, async move |edit: &mut Edit<'_>| let_go(edit, id, user).await).map(|((), heard)| heard)
}

fn sees(stage: &mut Stage, by: &Viewer, id: EventId) -> bool {
    let find = async move |edit: &mut Edit<'_>| edit.by.find::<Event>(&mut edit.tx.conn, id).await;
    stage.edit(by, find).is_ok()
}

#[test]
fn the_maker_of_a_group_is_a_member_and_hears_of_it_once() {
    let (ann, bob, root) = (user(), user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob), ("root", &root)]);
    let (id, heard) = make(&mut stage, &ann);
    assert_eq!(heard, ["ann: NEW EVENT_GROUP"]);
    let patch = Patch { name: Some("Market".into()), description: None };
    let change = async move |edit: &mut Edit<'_>| edit.update::<EventGroup>(id, patch, None).await;
    let (_, heard) = stage.edit(&root, change).expect("administrators write every group");
    assert_eq!(heard, ["ann: CHANGED EVENT_GROUP"], "but hear only of their own");
    let change = async move |edit: &mut Edit<'_>| edit.update::<EventGroup>(id, Patch::default(), None).await;
    assert!(matches!(stage.edit(&bob, change), Err(Error::NotFound)));
}

#[test]
fn members_are_not_written_by_a_change_of_the_group() {
    assert!(serde_json::from_value::<Patch>(json!({"memberIds": []})).is_err());
    assert!(serde_json::from_value::<Patch>(json!({"name": null})).is_err());
}

#[test]
fn a_list_holds_the_callers_groups_and_for_administrators_all() {
    let (ann, bob, root) = (user(), user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob), ("root", &root)]);
    let (hers, _) = make(&mut stage, &ann);
    let (his, _) = make(&mut stage, &bob);
    for (by, ids) in [(&ann, vec![hers]), (&bob, vec![his]), (&root, vec![hers, his])] {
        let listing = Listing { limit: 50, after: String::new(), deleted: false };
        let read = async move |edit: &mut Edit<'_>| Ok(EventGroup::list(&mut edit.tx.conn, &edit.by, &listing).await?);
        let (groups, _) = stage.edit(by, read).expect("a list");
        assert_eq!(groups.iter().map(EventGroup::id).collect::<Vec<_>>(), ids);
    }
}

#[test]
fn who_comes_hears_of_the_group_and_of_the_drafts_that_came_into_sight_each_once() {
    let (ann, bob) = (user(), user());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob)]);
    let ((shared, _), (both, _)) = (make(&mut stage, &ann), make(&mut stage, &ann));
    add(&mut stage, &ann, both, &bob).expect("bob");
    let new = draft_in(&mut stage, &ann, &[shared]);
    draft_in(&mut stage, &ann, &[shared, both]);
    let ((group, came), heard) = add(&mut stage, &ann, shared, &bob).expect("bob");
    assert!(came);
    assert_eq!(group.member_ids.0, [ann.user(), bob.user()]);
    assert_eq!(heard, ["ann: CHANGED EVENT_GROUP", "bob: NEW EVENT_GROUP", "bob: NEW EVENT"]);
    assert!(sees(&mut stage, &bob, new));

    let ((_, came), heard) = add(&mut stage, &ann, shared, &bob).expect("the same again");
    assert_eq!((came, heard.len()), (false, 0), "nothing is told when nothing changes");
    let patch = serde_json::from_value(json!({"location": "Hall"})).expect("a patch");
    let change = async move |edit: &mut Edit<'_>| edit.update::<Event>(new, patch, None).await;
    let (_, heard) = stage.edit(&bob, change).expect("members change drafts");
    assert_eq!(heard, ["ann: CHANGED EVENT", "bob: CHANGED EVENT"]);
}

#[test]
fn only_known_users_who_are_not_disabled_come_in() {
    let (ann, bob) = (user(), user());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob)]);
    let (id, _) = make(&mut stage, &ann);
    stage.disable(&bob);
    for who in [&bob, &user()] {
        let outcome = add(&mut stage, &ann, id, who);
        assert!(matches!(&outcome, Err(Error::Invalid(faults)) if faults[0].field == "userId"), "{outcome:?}");
    }
}

#[test]
fn who_goes_hears_what_is_out_of_sight_and_nothing_of_the_group_any_more() {
    let (ann, bob) = (user(), user());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob)]);
    let (id, _) = make(&mut stage, &ann);
    let start = stage.seq();
    add(&mut stage, &ann, id, &bob).expect("bob");
    let hers = draft_in(&mut stage, &ann, &[id]);
    draft_in(&mut stage, &bob, &[id]);
    let heard = remove(&mut stage, &bob, id, &bob).expect("bob may go");
    assert_eq!(heard, ["ann: CHANGED EVENT_GROUP", "bob: DELETED EVENT_GROUP", "bob: DELETED EVENT"]);
    assert!(!sees(&mut stage, &bob, hers));
    // Away all the while, bob learns on coming back only what he lost, and of what is his own.
    assert_eq!(stage.replay("bob", start), ["NEW EVENT", "DELETED EVENT_GROUP", "DELETED EVENT"]);
    assert!(matches!(remove(&mut stage, &ann, id, &bob), Err(Error::NotFound)), "not a member any more");
    assert!(matches!(remove(&mut stage, &ann, id, &ann), Err(Error::Conflict(_))), "the last can't leave");
}

#[test]
fn a_group_that_ends_takes_its_drafts_out_of_the_sight_of_its_members() {
    let (ann, bob, root) = (user(), user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob), ("root", &root)]);
    let ((id, _), (kept, _)) = (make(&mut stage, &ann), make(&mut stage, &ann));
    add(&mut stage, &ann, id, &bob).expect("bob");
    let event = draft_in(&mut stage, &ann, &[id, kept]);
    let before = stage.seq();
    assert_eq!(stage.in_room(&Room::Group(id)), ["ann", "bob"]);
    let end = async move |edit: &mut Edit<'_>| edit.remove::<EventGroup>(id, None).await;
    let ((), heard) = stage.edit(&root, end).expect("administrators delete every group");
    let told = ["ann: CHANGED EVENT", "bob: DELETED EVENT", "ann: DELETED EVENT_GROUP", "bob: DELETED EVENT_GROUP"];
    assert_eq!(heard, told);
    assert!(stage.in_room(&Room::Group(id)).is_empty(), "the room ends with the group");
    assert_eq!(stage.replay("bob", before), ["DELETED EVENT", "DELETED EVENT_GROUP"]);
    let find = async move |edit: &mut Edit<'_>| edit.by.find::<Event>(&mut edit.tx.conn, event).await;
    let (event, _) = stage.edit(&ann, find).expect("the author keeps it");
    assert_eq!(serde_json::to_value(event).expect("json")["groupIds"], json!([kept]));
}

#[test]
fn an_event_that_enters_or_leaves_a_group_enters_or_leaves_its_members_sight() {
    let (ann, bob) = (user(), user());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob)]);
    let (id, _) = make(&mut stage, &ann);
    add(&mut stage, &ann, id, &bob).expect("bob");
    let event = draft_in(&mut stage, &ann, &[]);
    for (groups, told) in [(json!([id]), "bob: NEW EVENT"), (json!([]), "bob: DELETED EVENT")] {
        let patch = serde_json::from_value(json!({"groupIds": groups})).expect("a patch");
        let change = async move |edit: &mut Edit<'_>| edit.update::<Event>(event, patch, None).await;
        let (_, heard) = stage.edit(&ann, change).expect("a change");
        assert_eq!(heard, ["ann: CHANGED EVENT", told]);
    }
}
