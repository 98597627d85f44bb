//! The rules of events, as pure functions.

use super::*;
use crate::records::stage::{admin, draft, event, user};
use serde_json::{Value, json};

fn patch(fields: Value) -> Patch {
    serde_json::from_value(fields).expect("a patch")
}

fn faults(outcome: Result<Event>) -> Vec<String> {
    match outcome {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| fault.field.into_owned()).collect(),
        other => panic!("not refused as invalid: {other:?}"),
    }
}

fn created(fields: Value, by: &Viewer) -> Result<Event> {
    let mut whole = draft();
    for (field, value) in fields.as_object().expect("fields") {
        whole[field] = value.clone();
    }
    Event::create(serde_json::from_value(whole).expect("a draft"), by, Time::now())
}

fn changed(event: Event, fields: Value, by: &Viewer) -> Result<Event> {
    event.apply(patch(fields), by, Time::now()).map(|update| match update {
        Update::Changed(event) => event,
        Update::Branched(event) => panic!("branched: {event:?}"),
    })
}

/// A user who is in a group.
fn member(group: GroupId) -> Viewer {
    Viewer { groups: vec![group], ..user() }
}

#[test]
fn a_new_event_is_a_draft_of_the_caller_with_the_fields_of_the_contract() {
    let ann = user();
    let json = serde_json::to_value(event(&ann)).expect("json");
    assert_eq!(json["state"], "DRAFT");
    assert_eq!(json["authorId"], ann.user().to_string());
    assert_eq!(json["start"], "2026-05-01T09:00:00.000Z");
    let mut names: Vec<_> = json.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    let contract = "authorId clonedFromId createdAt deletedAt departmentIds description descriptionLong end groupIds \
                    id jobId location parentId start state updatedAt version";
    assert_eq!(names.join(" "), contract);
}

#[test]
fn an_event_starts_before_it_ends_and_none_of_its_texts_and_lists_is_unbounded() {
    let ann = user();
    let department = DepartmentId::generate();
    let many: Vec<_> = (0..51).map(|_| DepartmentId::generate()).collect();
    for (fields, fault) in [
        (json!({"end": "2026-05-01T09:00:00.000Z"}), "start"),
        (json!({"description": ""}), "description"),
        (json!({"description": "x".repeat(1_001)}), "description"),
        (json!({"location": "x".repeat(501)}), "location"),
        (json!({"location": "\u{0}"}), "location"),
        (json!({"descriptionLong": "x".repeat(20_001)}), "descriptionLong"),
        (json!({"departmentIds": [department, department]}), "departmentIds"),
        (json!({"departmentIds": many}), "departmentIds"),
        (json!({"groupIds": [GroupId::generate()]}), "groupIds"),
    ] {
        assert_eq!(faults(created(fields, &ann)), [fault]);
    }
    assert_eq!(
        faults(created(json!({"description": "", "end": "2020-01-01T00:00:00Z"}), &ann)),
        ["description", "start"]
    );
}

#[test]
fn what_is_unknown_or_missing_or_not_the_callers_to_write_is_no_input() {
    for fields in [json!({"state": "PUBLISHED"}), json!({"authorId": user().user()}), json!({"start": null})] {
        assert!(serde_json::from_value::<Patch>(fields.clone()).is_err(), "{fields}");
    }
    for missing in ["description", "start", "end"] {
        let mut whole = draft();
        whole.as_object_mut().expect("an object").remove(missing);
        assert!(serde_json::from_value::<Draft>(whole).is_err(), "{missing}");
    }
}

#[test]
fn a_change_touches_the_fields_given_and_null_clears() {
    let ann = user();
    let event = created(json!({"location": "Hall", "descriptionLong": "All day"}), &ann).expect("an event");
    let after = changed(event.clone(), json!({"location": null, "description": "Market"}), &ann).expect("a change");
    assert_eq!(after, Event { location: None, description: "Market".into(), ..event });
}

#[test]
fn a_draft_is_changed_by_its_author_and_the_members_of_its_groups_and_by_nobody_else() {
    let group = GroupId::generate();
    let (ann, bob) = (member(group), member(group));
    let draft = created(json!({"groupIds": [group]}), &ann).expect("an event");
    for by in [&ann, &bob] {
        assert!(changed(draft.clone(), json!({"description": "Market"}), by).is_ok());
    }
    for by in [user(), admin()] {
        assert!(matches!(changed(draft.clone(), json!({}), &by), Err(Error::Forbidden(_))));
    }
}

#[test]
fn an_event_goes_only_into_groups_that_the_caller_is_in_but_stays_in_those_it_is_in() {
    let (mine, other) = (GroupId::generate(), GroupId::generate());
    let ann = Viewer { groups: vec![mine, other], ..user() };
    let draft = created(json!({"groupIds": [mine, other]}), &ann).expect("an event");
    let bob = member(mine);
    assert!(changed(draft.clone(), json!({"groupIds": [other, mine]}), &bob).is_ok(), "they may stay");
    assert!(changed(draft.clone(), json!({"groupIds": []}), &bob).is_ok(), "they may go");
    assert_eq!(faults(changed(draft, json!({"groupIds": [mine, GroupId::generate()]}), &bob)), ["groupIds"]);
}

#[test]
fn changing_a_published_event_makes_a_draft_of_the_callers_that_is_a_version_of_it() {
    let (mine, other) = (GroupId::generate(), GroupId::generate());
    let ann = Viewer { groups: vec![mine, other], ..user() };
    let published = created(json!({"groupIds": [mine, other]}), &ann).expect("an event").in_state(State::Published);
    let bob = member(mine);
    let update = published.clone().apply(patch(json!({"description": "Market"})), &bob, Time::now());
    let Ok(Update::Branched(version)) = update else { panic!("{update:?}") };
    assert_ne!(version.id, published.id);
    assert_eq!((version.state, version.author_id), (State::Draft, bob.user()));
    assert_eq!((version.parent_id, version.cloned_from_id), (Some(published.id), None));
    assert_eq!(version.group_ids, Json(vec![mine]), "not into groups that the caller is not in");
    assert_eq!((version.description.as_str(), version.starts_at), ("Market", published.starts_at));
}

#[test]
fn what_is_under_review_or_refused_or_deleted_does_not_change() {
    let ann = user();
    for state in [State::Review, State::Refused] {
        for by in [ann.clone(), admin()] {
            let outcome = changed(event(&ann).in_state(state), json!({}), &by);
            assert!(matches!(outcome, Err(Error::Conflict(_))), "{outcome:?}");
        }
    }
    for state in [State::Review, State::Refused, State::Published] {
        let deleted = Event { deleted_at: Some(Time::now()), ..event(&ann).in_state(state) };
        assert!(matches!(deleted.clone().apply(patch(json!({})), &ann, Time::now()), Err(Error::Conflict(_))));
        assert!(matches!(deleted.remove(&ann, Time::now()), Err(Error::Conflict(_))));
    }
}

#[test]
fn a_draft_goes_and_anything_else_is_marked_when_its_author_or_an_administrator_deletes_it() {
    let (ann, now) = (user(), Time::now());
    for by in [ann.clone(), admin()] {
        assert!(matches!(event(&ann).remove(&by, now), Ok(Removal::Gone)));
        for state in [State::Review, State::Refused, State::Published] {
            match event(&ann).in_state(state).remove(&by, now) {
                Ok(Removal::Marked(marked)) => assert_eq!((marked.deleted_at, marked.state), (Some(now), state)),
                other => panic!("{other:?}"),
            }
        }
    }
    for state in State::ALL {
        assert!(matches!(event(&ann).in_state(*state).remove(&user(), now), Err(Error::Forbidden(_))));
    }
}

#[test]
fn each_state_has_the_audience_of_the_contract_and_a_deleted_event_keeps_it() {
    let group = GroupId::generate();
    let ann = member(group);
    let author = Room::User(ann.user());
    let event = created(json!({"groupIds": [group]}), &ann).expect("an event");
    for (state, rooms) in [
        (State::Draft, vec![author.clone(), Room::Group(group)]),
        (State::Review, vec![author.clone(), Room::Admin]),
        (State::Refused, vec![author.clone(), Room::Admin]),
        (State::Published, vec![Room::All]),
    ] {
        let event = event.clone().in_state(state);
        assert_eq!(event.audience(), rooms);
        assert_eq!(Event { deleted_at: Some(Time::now()), ..event }.audience(), rooms);
    }
}

#[test]
fn a_clone_is_a_new_draft_of_the_callers_that_says_where_it_came_from() {
    let (ann, bob) = (user(), user());
    let source = Event { parent_id: Some(EventId::generate()), ..event(&ann).in_state(State::Published) };
    let copy = source.clone_for(&bob, Time::now());
    assert_eq!((copy.state, copy.author_id, copy.version), (State::Draft, bob.user(), 1));
    assert_eq!((copy.cloned_from_id, copy.parent_id), (Some(source.id), None));
    assert_eq!(copy.description, source.description);
}
