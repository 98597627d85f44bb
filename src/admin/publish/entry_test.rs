//! What may be told, and how it is refused.

use super::*;
use crate::{body, error::Error, ids::UserId, notice::reserved};
use serde_json::{Value, json};

fn post() -> Value {
    json!({ "event": "order:created", "data": { "id": 7 }, "to": ["all"] })
}

fn with(field: &str, value: Value) -> Value {
    let mut post = post();
    post[field] = value;
    post
}

fn read(post: &Value) -> Result<Entry, Error> {
    let mut faults = Faults::default();
    let entry = Entry::read(body::parse(post.to_string().as_bytes())?, "", &mut faults);
    faults.or(entry)
}

#[track_caller]
fn refused(post: &Value) -> Vec<String> {
    match read(post) {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| fault.field.into_owned()).collect(),
        other => panic!("not refused as invalid: {other:?}"),
    }
}

#[test]
fn an_entry_is_stored_and_leaves_nobody_out_unless_it_says_so() {
    let entry = read(&post()).expect("fine");
    assert_eq!((entry.event.as_str(), entry.data.get()), ("order:created", r#"{"id":7}"#));
    assert_eq!((entry.to, entry.except, entry.store), (vec![Room::All], vec![], true));
    assert!(!read(&with("store", json!(false))).expect("fine").store);
}

#[test]
fn rooms_are_those_of_the_contract_each_once_and_a_bare_user_id_is_the_users() {
    let user = UserId::generate();
    let names = json!([user, format!("user-{user}"), "all", "topic-a b", "sellers", "all"]);
    let mut expected = vec![Room::All, Room::User(user), Room::Sellers, Room::Topic("a b".into())];
    expected.sort_unstable();
    assert_eq!(read(&with("to", names.clone())).expect("fine").to, expected);
    assert_eq!(read(&with("except", names)).expect("fine").except, expected);
}

#[test]
fn each_fault_is_named() {
    assert_eq!(refused(&with("event", json!(""))), ["event"]);
    assert_eq!(refused(&with("event", json!("x".repeat(129)))), ["event"]);
    assert_eq!(refused(&with("event", json!("a\nb"))), ["event"]);
    assert_eq!(refused(&with("event", json!(7))), ["event"]);
    assert_eq!(refused(&with("data", json!([1]))), ["data"]);
    assert_eq!(refused(&with("data", json!({ "seq": 1 }))), ["data.seq"]);
    assert_eq!(refused(&with("to", json!([]))), ["to"]);
    assert_eq!(refused(&with("to", json!("all"))), ["to"]);
    assert_eq!(refused(&with("to", json!(["all", "nowhere", "topic-"]))), ["to[1]", "to[2]"]);
    assert_eq!(refused(&with("to", json!(["all", 7]))), ["to[1]"]);
    assert_eq!(refused(&with("except", json!(["nowhere"]))), ["except[0]"]);
    assert_eq!(refused(&with("except", Value::Null)), ["except"]);
    assert_eq!(refused(&with("store", json!("no"))), ["store"]);
    assert_eq!(refused(&with("rooms", json!(["all"]))), ["rooms"]);
    for field in ["event", "data", "to"] {
        let mut post = post();
        post.as_object_mut().expect("an object").remove(field);
        assert_eq!(refused(&post), [field]);
    }
}

#[test]
fn limits_are_inclusive() {
    assert!(read(&with("event", json!("é".repeat(128)))).is_ok());
    let many = |count: usize| (0..count).map(|n| format!("topic-{n}")).collect::<Vec<_>>();
    for field in ["to", "except"] {
        assert!(read(&with(field, json!(many(100)))).is_ok());
        assert_eq!(refused(&with(field, json!(many(101)))), [field]);
    }
}

#[test]
fn heralds_names_and_the_connections_are_reserved() {
    for name in [EventName::OWN, reserved::RESERVED, reserved::OF_THE_CONNECTION].concat() {
        assert_eq!(refused(&with("event", json!(name))), ["event"], "{name}");
    }
}

#[test]
fn all_faults_are_told_together_with_their_place_in_a_batch() {
    let mut faults = Faults::default();
    let post = json!({ "event": "", "data": 7, "to": ["x"], "except": ["y"] });
    Entry::read(body::parse(post.to_string().as_bytes()).expect("it reads"), "[3].", &mut faults);
    let Err(Error::Invalid(found)) = faults.or(()) else { panic!("no faults") };
    let fields: Vec<_> = found.iter().map(|fault| &*fault.field).collect();
    assert_eq!(fields, ["[3].event", "[3].data", "[3].to[0]", "[3].except[0]"]);
}
