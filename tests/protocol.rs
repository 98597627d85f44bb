//! `docs/protocol.md` says what the code does: its tables against the code, both ways.

use herald::{
    catalogue::Catalogue,
    error::Error,
    notice::{
        EventName,
        reserved::{OF_THE_CONNECTION, RESERVED, is_reserved},
    },
    transport::{ClientEvent, Command},
};
use std::collections::BTreeSet;

const PROTOCOL: &str = include_str!("../docs/protocol.md");

/// The cells of each table row whose first cell holds text in backquotes.
fn rows(section: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let start = PROTOCOL.find(section).unwrap_or_else(|| panic!("no section {section}"));
    let body = &PROTOCOL[start + section.len()..];
    let end = body.find("\n##").unwrap_or(body.len());
    body[..end]
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

/// What stands in backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// One of each; the match makes the compiler ask for a line here when there is a new kind.
fn every_error() -> Vec<Error> {
    let all = vec![
        Error::Malformed("".into()),
        Error::Unauthorized,
        Error::TokenExpired,
        Error::Forbidden("".into()),
        Error::NotFound,
        Error::MethodNotAllowed,
        Error::InvalidTransition { from: "", to: "" },
        Error::Conflict("".into()),
        Error::PreconditionFailed(1),
        Error::PayloadTooLarge(1),
        Error::UnsupportedMediaType(""),
        Error::Invalid(Vec::new()),
        Error::LimitExceeded("".into()),
        Error::RateLimited(1),
        Error::Unavailable("".into()),
        Error::Internal,
    ];
    for error in &all {
        match error {
            Error::Malformed(_) | Error::Unauthorized | Error::TokenExpired | Error::Forbidden(_) | Error::NotFound => {
            }
            Error::MethodNotAllowed | Error::InvalidTransition { .. } | Error::Conflict(_) => {}
            Error::PreconditionFailed(_) | Error::PayloadTooLarge(_) | Error::UnsupportedMediaType(_) => {}
            Error::Invalid(_) | Error::LimitExceeded(_) | Error::RateLimited(_) => {}
            Error::Unavailable(_) | Error::Internal => {}
        }
    }
    all
}

#[test]
fn every_code_is_listed_with_its_status_and_none_that_is_not() {
    let listed: Vec<(BTreeSet<&str>, &str)> =
        rows("## Conventions").map(|cells| (quoted(cells[0]).collect(), cells[1])).collect();
    for error in every_error() {
        let problem = error.problem();
        let found = listed
            .iter()
            .any(|(codes, statuses)| codes.contains(problem.code) && statuses.contains(&problem.status.to_string()));
        assert!(found, "{} {} is not listed", problem.code, problem.status);
    }
    let known: BTreeSet<_> = every_error().iter().map(Error::code).collect();
    for code in listed.iter().flat_map(|(codes, _)| codes) {
        assert!(known.contains(code), "{code} is listed, but nothing says it");
    }
}

#[test]
fn every_event_that_is_sent_is_described() {
    for name in EventName::OWN.iter().filter(|name| !name.starts_with("herald:")) {
        assert!(PROTOCOL.contains(&format!("`{name}`")) || PROTOCOL.contains(&format!("`{name}.")), "{name}");
    }
}

#[test]
fn the_wishes_that_are_listed_are_those_that_are_understood() {
    let known: BTreeSet<_> = ClientEvent::ALL.iter().map(|event| event.as_str()).collect();
    assert_eq!(wishes(), known);
    for event in known {
        let outcome = Command::read(event, &serde_json::Value::Null);
        let unknown =
            matches!(&outcome, Err(Error::Invalid(faults)) if faults.iter().any(|fault| fault.field == "event"));
        assert!(!unknown, "{event} is listed, but not known");
    }
}

#[test]
fn events_of_the_marketplace_go_to_the_rooms_that_are_listed() {
    let document = Catalogue::gather().asyncapi();
    let messages = document["components"]["messages"].as_object().expect("messages");
    let mut count = 0;
    for cells in rows("## The marketplace") {
        let listed: BTreeSet<_> = quoted(cells[2]).collect();
        for event in quoted(cells[0]) {
            let told = |message: &&serde_json::Value| message["name"] == event && message["x-rooms"].is_array();
            let message = messages.values().find(told).unwrap_or_else(|| panic!("{event}"));
            let rooms: BTreeSet<_> =
                message["x-rooms"].as_array().into_iter().flatten().filter_map(|room| room.as_str()).collect();
            assert_eq!(rooms, listed, "{event}");
            assert_eq!(message["x-stored"], !cells[1].contains("no `seq`"), "{event}");
            count += 1;
        }
    }
    assert_eq!(count, 19, "CONTRACT 8 names nineteen");
}

/// What "every event of a client" stands for.
fn wishes() -> BTreeSet<&'static str> {
    rows("### Rooms").chain(rows("### Presence")).flat_map(|cells| quoted(cells[0]).collect::<Vec<_>>()).collect()
}

#[test]
fn reserved_names_are_those_that_are_listed() {
    let start = PROTOCOL.find("Reserved names").expect("the table of reserved names");
    let table = &PROTOCOL[start..start + PROTOCOL[start..].find("\n###").expect("its end")];
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let mut listed: BTreeSet<_> = rows.flat_map(|line| quoted(line.split('|').nth(1).unwrap_or_default())).collect();
    listed.extend(wishes());
    let sent = |name: &&&str| EventName::OWN.contains(*name) || **name == EventName::RECEIVED;
    let known: BTreeSet<&str> = RESERVED.iter().chain(OF_THE_CONNECTION).filter(|name| !sent(name)).copied().collect();
    let listed: BTreeSet<&str> = listed.into_iter().filter(|name| !sent(&name)).collect();
    assert_eq!(listed, known);
    assert!(listed.iter().chain(EventName::OWN).all(|name| is_reserved(name)));
}

/// A row of what Herald unites: names there, way, names here, tests.
struct United {
    way: &'static str,
    here: Vec<&'static str>,
    tests: Vec<&'static str>,
}

/// The two tables of "What it unites": the events of others, and Herald's own besides.
fn united() -> Vec<United> {
    let start = PROTOCOL.find("## What it unites").expect("the section");
    let section =
        PROTOCOL[start..].lines().take_while(|line| line.starts_with("## What it") || !line.starts_with("##"));
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    let rows = section.filter(|line| line.starts_with("| ") && !line.starts_with("| **")).map(cells);
    let united = rows.filter_map(|cells| match cells.as_slice() {
        ["There" | "Event", ..] => None,
        [_, way, here, tests] => Some(United { way, here: quoted(here).collect(), tests: quoted(tests).collect() }),
        [event, way, tests] => Some(United { way, here: quoted(event).collect(), tests: quoted(tests).collect() }),
        other => panic!("a row of {} cells: {other:?}", other.len()),
    });
    united.collect()
}

#[test]
fn every_event_of_what_herald_unites_has_a_test_that_is_there() {
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let united = united();
    assert!(united.len() >= 50, "{} rows are too few", united.len());
    for row in &united {
        assert!(!row.tests.is_empty(), "{:?} has no test", row.here);
        for test in &row.tests {
            let rust = test.split_once("::").map(|(file, name)| (format!("it/{file}"), vec![format!("fn {name}(")]));
            let js = || {
                let (file, title) = test.split_once(": ").unwrap_or_else(|| panic!("{test} names no test"));
                (format!("js/{file}"), ['"', '`'].map(|mark| format!("test({mark}{title}")).into())
            };
            let (file, wanted) = rust.unwrap_or_else(js);
            let source = std::fs::read_to_string(tests.join(&file)).unwrap_or_else(|_| panic!("{test}: no {file}"));
            assert!(wanted.iter().any(|name| source.contains(name.as_str())), "{test} is not there");
        }
    }
}

#[test]
fn every_event_of_heralds_stands_among_what_it_unites_or_besides_and_none_is_made_up() {
    let wishes = wishes();
    let sent: BTreeSet<&str> = EventName::OWN.iter().copied().chain([EventName::RECEIVED]).collect();
    let mut missing: BTreeSet<(&str, &str)> = sent.iter().map(|name| ("←", *name)).collect();
    missing.extend(wishes.iter().map(|name| ("→", *name)));
    missing.retain(|(_, name)| !name.starts_with("herald:"));
    for row in united() {
        for name in row.here {
            let path = name.trim_start_matches("GET ").trim_start_matches("POST ").starts_with('/');
            let known = sent.contains(name) || wishes.contains(name) || is_reserved(name);
            assert!(known || path, "{name} is no event of Herald's");
            missing.remove(&(row.way, name));
        }
    }
    // What a connection is greeted with answers its coming.
    missing.remove(&("←", "ready"));
    assert!(missing.is_empty(), "nobody said what these are for: {missing:?}");
}
