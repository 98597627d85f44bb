//! Who may use whom, as data: DESIGN's table, checked against every `use` and path in `src/`.
//! A failure names the file and the line. ARCHITECTURE.md says why each wall stands.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A room of the house (a path under `src/`) and what it must never name.
struct Wall {
    room: &'static str,
    never: &'static [&'static str],
}

const WALLS: &[Wall] = &[
    // Vocabulary: plain values. The exceptions are columns (ids, time) and the problem document.
    Wall {
        room: "notice",
        never: &[
            "crate::auth",
            "crate::broker",
            "crate::delivery",
            "crate::records",
            "crate::store",
            "crate::transport",
            "crate::error",
            "crate::server",
            "actix",
            "tokio",
            "diesel",
            "socketioxide",
        ],
    },
    Wall { room: "identity.rs", never: &["crate::auth", "crate::broker", "crate::store", "actix", "tokio", "diesel"] },
    Wall { room: "broker/hub", never: &["actix", "tokio", "log::", "std::time", "crate::time", "diesel"] },
    Wall {
        room: "broker",
        never: &[
            "actix_web",
            "crate::records",
            "crate::delivery",
            "crate::store",
            "crate::transport",
            "crate::error",
            "crate::auth",
            "crate::server",
            "diesel",
            "socketioxide",
        ],
    },
    Wall {
        room: "records",
        never: &["crate::broker", "crate::transport", "crate::server", "socketioxide", "actix::", "actix_web_actors"],
    },
    Wall { room: "delivery", never: &["crate::records", "crate::transport", "crate::server", "socketioxide"] },
    Wall { room: "transport", never: &["crate::records", "crate::store", "crate::server", "diesel"] },
    Wall {
        room: "store",
        never: &["crate::auth", "crate::broker", "crate::records", "crate::transport", "crate::server", "actix"],
    },
    // What other back ends tell reaches clients as everything else does: by the outbox.
    Wall {
        room: "admin/publish",
        never: &["crate::broker", "crate::records", "crate::transport", "crate::server", "socketioxide", "diesel"],
    },
    Wall {
        room: "jobs",
        never: &["crate::broker", "crate::transport", "crate::server", "socketioxide", "actix_web_actors"],
    },
    Wall {
        room: "webhooks",
        never: &["crate::broker", "crate::transport", "crate::server", "socketioxide", "actix_web_actors"],
    },
    // It writes down what the others say; it does nothing.
    Wall {
        room: "catalogue",
        never: &[
            "crate::auth",
            "crate::store",
            "crate::server",
            "crate::config",
            "actix",
            "tokio",
            "diesel",
            "socketioxide",
        ],
    },
    Wall {
        room: "auth",
        never: &["crate::broker", "crate::transport", "crate::records", "crate::server", "socketioxide"],
    },
];

/// Records never use a sibling: `(the one, what it may use all the same, why)`.
const SIBLINGS: &[(&str, &str, &str)] = &[
    ("event_groups", "events", "a group exists for its events: who enters or leaves it gains or loses their sight"),
    ("events", "jobs", "an event under review brings the job that made it before the administrators"),
];

/// Who in `records/market` may use whom; slices that are named nowhere on the right are used by `mod`
/// alone. Directions only go down, so that a slice can be read without those above it.
const MARKET: &[(&str, &[&str], &str)] = &[
    ("requests", &[], "what is wanted"),
    ("offers", &["requests"], "an offer is for a request"),
    ("haggling", &["offers"], "what the two sides of an offer answer each other"),
    ("chats", &["requests"], "a chat is between the parties of a request"),
    ("payments", &["requests", "offers"], "a payment is for an accepted offer"),
    ("payouts", &["payments"], "a payout is out of a payment"),
    ("disputes", &["requests"], "a dispute is about a request"),
    ("evidence", &["disputes"], "what is said in a dispute"),
    ("deal", &["requests", "offers", "chats", "payments"], "the steps that move several at once"),
    ("provider", &["payments", "payouts"], "what the payment provider tells"),
];

fn sources(under: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![under.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no sources under {}", under.display());
    found.sort();
    found
}

/// The file's lines with their numbers, without comments, `use crate::{a, b}` spread over its parts.
fn statements(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).expect("a source");
    let mut lines = Vec::new();
    let mut inside: Option<(usize, String)> = None;
    for (index, raw) in text.lines().enumerate() {
        let line = raw.split("//").next().unwrap_or_default().trim();
        match inside.take() {
            Some((start, mut so_far)) => {
                so_far.push_str(line);
                if line.ends_with(';') { lines.extend(spread(start, &so_far)) } else { inside = Some((start, so_far)) }
            }
            None if (line.starts_with("use ") || line.starts_with("pub use ")) && !line.ends_with(';') => {
                inside = Some((index + 1, line.to_owned()));
            }
            None if line.starts_with("use ") || line.starts_with("pub use ") => lines.extend(spread(index + 1, line)),
            None => lines.push((index + 1, line.to_owned())),
        }
    }
    lines
}

/// `use crate::{a::b, c}` as `crate::a::b` and `crate::c`; one level is enough for the table.
fn spread(line: usize, statement: &str) -> Vec<(usize, String)> {
    let Some((head, rest)) = statement.split_once('{') else { return vec![(line, statement.to_owned())] };
    let head = head.rsplit(' ').next().unwrap_or_default();
    let mut depth = 0;
    let mut parts = vec![String::new()];
    for c in rest.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(String::new()),
            _ => {}
        }
        if !(c == ',' && depth == 0) {
            parts.last_mut().expect("one part").push(c);
        }
    }
    parts.into_iter().map(|part| (line, format!("{head}{}", part.trim()))).collect()
}

fn names(statement: &str, forbidden: &str) -> bool {
    statement.match_indices(forbidden).any(|(at, _)| {
        let before = statement[..at].chars().next_back();
        let after = statement[at + forbidden.len()..].chars().next();
        let starts = before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == ':' || c == '"'));
        let ends = forbidden.ends_with(':') || after.is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
        // `actix` stands for the whole family.
        starts && (ends || forbidden == "actix")
    })
}

fn breaches() -> Vec<String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for path in sources(&src) {
        let inner = path.strip_prefix(&src).expect("under src").to_string_lossy().into_owned();
        for wall in WALLS.iter().filter(|wall| within(&inner, wall.room)) {
            for (line, statement) in statements(&path) {
                for forbidden in wall.never.iter().filter(|forbidden| names(&statement, forbidden)) {
                    found.push(format!("src/{inner}:{line}: `{}` must not use `{forbidden}`", wall.room));
                }
            }
        }
        found.extend(siblings(&inner, &path));
        found.extend(market(&inner, &path));
    }
    found
}

fn within(inner: &str, room: &str) -> bool {
    let rest = inner.strip_prefix(room);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.', '_']))
}

/// A kind of record is `records/NAME.rs` or `records/NAME/`, where NAME has a table of its own.
fn siblings(inner: &str, path: &Path) -> Vec<String> {
    const KINDS: &[&str] = &["departments", "events", "event_groups", "jobs", "users"];
    let Some(rest) = inner.strip_prefix("records/") else { return Vec::new() };
    let Some(own) = KINDS.iter().copied().find(|kind| within(rest, kind) && !rest.starts_with(&format!("{kind}_")))
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (line, statement) in statements(path) {
        for kind in KINDS.iter().copied().filter(|kind| *kind != own) {
            let used =
                [format!("super::{kind}"), format!("records::{kind}")].iter().any(|name| names(&statement, name));
            let excused = SIBLINGS.iter().any(|(one, other, _)| *one == own && *other == kind);
            if used && !excused {
                found.push(format!("src/{inner}:{line}: `{own}` must not use its sibling `{kind}`"));
            }
        }
    }
    found
}

/// The slices of the marketplace; their tests play with all of them.
fn market(inner: &str, path: &Path) -> Vec<String> {
    let Some(rest) = inner.strip_prefix("records/market/").filter(|rest| !rest.contains("_test")) else {
        return Vec::new();
    };
    let Some((own, may, _)) = MARKET.iter().find(|(slice, ..)| within(rest, slice)) else { return Vec::new() };
    let text = fs::read_to_string(path).expect("a source");
    let code = text.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
    let mut found = Vec::new();
    for (line, statement) in statements(path).into_iter().filter(|(line, _)| *line <= code) {
        for (slice, ..) in MARKET.iter().filter(|(slice, ..)| slice != own && !may.contains(slice)) {
            if names(&statement, &format!("super::{slice}")) || names(&statement, &format!("market::{slice}")) {
                found.push(format!("src/{inner}:{line}: `{own}` must not use `{slice}`"));
            }
        }
    }
    found
}

#[test]
fn the_marketplace_looks_down_only() {
    for (at, (slice, may, _)) in MARKET.iter().enumerate() {
        let below: Vec<_> = MARKET[..at].iter().map(|(slice, ..)| *slice).collect();
        assert!(may.iter().all(|other| below.contains(other)), "{slice} looks up");
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/records/market");
    let known = ["mod", "desk", "document", "money", "stage"];
    for path in sources(&src) {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let named = MARKET.iter().any(|(slice, ..)| *slice == name);
        assert!(named || known.contains(&name.as_str()) || name.ends_with("_test"), "{name} stands in no table");
    }
}

#[test]
fn nobody_reaches_through_a_wall() {
    let found = breaches();
    assert!(found.is_empty(), "{}\nsee ARCHITECTURE.md", found.join("\n"));
}

#[test]
fn the_server_is_used_by_nobody_but_the_program() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in sources(&src) {
        let inner = path.strip_prefix(&src).expect("under src").to_string_lossy().into_owned();
        if inner.starts_with("server") || inner == "main.rs" || inner == "lib.rs" {
            continue;
        }
        for (line, statement) in statements(&path) {
            assert!(!names(&statement, "crate::server"), "src/{inner}:{line} uses the server");
        }
    }
}

#[test]
fn the_catalogue_is_used_by_nobody_but_the_command_line_and_the_server() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in sources(&src) {
        let inner = path.strip_prefix(&src).expect("under src").to_string_lossy().into_owned();
        if ["catalogue", "cli", "server"].iter().any(|room| within(&inner, room)) {
            continue;
        }
        for (line, statement) in statements(&path) {
            assert!(!names(&statement, "crate::catalogue"), "src/{inner}:{line} uses the catalogue");
        }
    }
}

#[test]
fn a_wall_is_seen_through_every_way_of_writing_it() {
    for statement in ["use crate::store::Conn;", "let c = crate::store::open();", "crate::store"] {
        assert!(names(statement, "crate::store"), "{statement}");
    }
    assert!(names("use actix_web::web;", "actix"), "the family");
    assert!(!names("use crate::stored;", "crate::store"));
    assert!(!names("let text = \"crate::store\";", "crate::store"), "text is no use");
    let parts = spread(1, "use crate::{error::{Error, Result}, store::Conn};");
    assert!(parts.iter().any(|(_, part)| names(part, "crate::store")), "{parts:?}");
}

#[test]
fn no_file_is_named_after_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "crates/actix-socketioxide/src", "tests"] {
        for path in sources(&root.join(folder)) {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let empty = ["manager", "helper", "helpers", "util", "utils", "common", "service", "model", "controller"];
            assert!(!empty.contains(&name.as_str()), "{} says nothing of what is in it", path.display());
        }
    }
}
