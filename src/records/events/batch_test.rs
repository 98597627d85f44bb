//! The batch: how it is read, and that it is one change.

use super::*;
use crate::records::{
    Viewer,
    events::State,
    stage::{self, Stage, user},
};
use serde_json::json;

fn fields(outcome: Result<impl std::fmt::Debug>) -> Vec<String> {
    match outcome {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| fault.field.into_owned()).collect(),
        other => panic!("not refused as invalid: {other:?}"),
    }
}

fn make(stage: &mut Stage, by: &Viewer) -> EventId {
    let draft = serde_json::from_value(stage::draft()).expect("a draft");
    stage.edit(by, async move |edit: &mut Edit<'_>| edit.create::<Event>(draft).await).expect("an event").0.id()
}

fn run(stage: &mut Stage, by: &Viewer, entries: Vec<Value>) -> Result<(Vec<Event>, Vec<String>)> {
    let batch = Batch::read(entries)?;
    stage.edit(by, async move |edit: &mut Edit<'_>| batch.run(edit).await)
}

#[test]
fn every_fault_of_every_entry_is_named_by_its_place() {
    let (one, two) = (EventId::generate(), EventId::generate());
    let entries = vec![
        json!({"id": one, "description": "Market"}),
        json!({"id": two, "start": "soon", "more": 1, "end": null}),
        json!({"description": "Market"}),
        json!([]),
        json!({"id": one}),
    ];
    assert_eq!(fields(Batch::read(entries)), ["[1].end", "[1].more", "[1].start", "[2].id", "[3]", "[4].id"]);
}

#[test]
fn a_batch_has_one_to_a_hundred_entries() {
    let entries = |count| (0..count).map(|_| json!({"id": EventId::generate()})).collect::<Vec<_>>();
    assert!(Batch::read(entries(0)).is_err());
    assert!(Batch::read(entries(101)).is_err());
    assert!(Batch::read(entries(100)).is_ok());
}

#[test]
fn a_batch_is_answered_and_told_in_its_order() {
    let (ann, bob) = (user(), user());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob)]);
    let (one, two) = (make(&mut stage, &ann), make(&mut stage, &ann));
    let entries = vec![json!({"id": two, "location": "Hall"}), json!({"id": one, "location": "Yard"})];
    let (events, heard) = run(&mut stage, &ann, entries).expect("a batch");
    assert_eq!(events.iter().map(Event::id).collect::<Vec<_>>(), [two, one]);
    assert_eq!(heard, ["ann: CHANGED EVENT", "ann: CHANGED EVENT"]);
}

#[test]
fn a_batch_of_which_one_fails_changes_and_tells_nothing() {
    let (ann, bob) = (user(), user());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob)]);
    let (mine, other, his) = (make(&mut stage, &ann), make(&mut stage, &ann), make(&mut stage, &bob));
    let (reviewed, published) = (make(&mut stage, &ann), make(&mut stage, &ann));
    for (id, state) in [(reviewed, State::Review), (published, State::Published)] {
        let change = async move |edit: &mut Edit<'_>| {
            let before: Event = edit.by.find(&mut edit.tx.conn, id).await?;
            edit.store(&before, before.clone().in_state(state)).await
        };
        stage.edit(&ann, change).expect("another state");
    }
    let good = json!({"id": mine, "location": "Hall"});
    let unseen = run(&mut stage, &ann, vec![good.clone(), json!({"id": his})]);
    assert!(matches!(unseen, Err(Error::NotFound)), "{unseen:?}");
    for late in [reviewed, published] {
        let late = run(&mut stage, &ann, vec![good.clone(), json!({"id": late})]);
        assert!(matches!(&late, Err(Error::Conflict(why)) if why.starts_with("[1]: ")), "{late:?}");
    }
    let bad = json!({"id": other, "start": "2027-01-01T00:00:00Z", "description": ""});
    let unknown = json!({"id": mine, "departmentIds": [crate::ids::DepartmentId::generate()]});
    assert_eq!(fields(run(&mut stage, &ann, vec![good.clone(), bad])), ["[1].description", "[1].start"]);
    assert_eq!(fields(run(&mut stage, &ann, vec![json!({"id": other}), unknown])), ["[1].departmentIds"]);
    // The stage fails if any of these had told anything: places would be missing.
    let (events, _) = run(&mut stage, &ann, vec![good]).expect("a batch");
    assert_eq!(events[0].version(), 2);
}
