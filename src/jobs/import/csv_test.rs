//! Tables as people and programs write them.

use super::*;
use std::ops::ControlFlow;

fn items(text: impl AsRef<[u8]>) -> Result<Vec<Item>, Broken> {
    let (text, mut items) = (text.as_ref(), Vec::new());
    let mut each = |item, percent| {
        assert!(percent <= 100);
        items.push(item);
        ControlFlow::Continue(())
    };
    read(text, text.len() as u64, &mut each)?;
    Ok(items)
}

/// The rows: number, and the description or why not.
fn rows(text: impl AsRef<[u8]>) -> Vec<(u64, String)> {
    let found = items(text).expect("a table");
    found
        .into_iter()
        .map(|item| match item {
            Item::Event { row, content, .. } => (row, content.description),
            Item::Bad { row, why } => (row, format!("bad: {why}")),
            Item::Remark(text) => (0, text),
        })
        .collect()
}

fn good(row: u64, description: &str) -> (u64, String) {
    (row, description.to_owned())
}

const TIMES: &str = "2026-05-01T09:00:00Z,2026-05-01T10:00:00Z";

#[test]
fn a_row_fills_the_fields_of_an_event() {
    let text = "description,start,end,location,descriptionLong,departments\r\n\
                Market,2026-05-01 09:00,2026-05-01T12:00:00+02:00,Old Town,\"All day, \"\"open\"\" air\r\nand more\",Music;M\r\n";
    let found = items(text).expect("a table");
    let [Item::Event { row: 2, content, remark: None }] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(content.description, "Market");
    assert_eq!(content.start.to_string(), "2026-05-01T09:00:00.000Z");
    assert_eq!(content.end.to_string(), "2026-05-01T10:00:00.000Z");
    assert_eq!(content.location.as_deref(), Some("Old Town"));
    assert_eq!(content.description_long.as_deref(), Some("All day, \"open\" air\r\nand more"));
    assert_eq!(content.departments, ["Music", "M"]);
}

#[test]
fn rows_are_counted_as_a_spreadsheet_counts_them() {
    let text = format!(
        "description,start,end\n\"two\nlines\",{TIMES}\n\n\r\nafter two empty lines,{TIMES}\n\n,,\nlast,{TIMES}"
    );
    assert_eq!(rows(text), [good(2, "two\nlines"), good(5, "after two empty lines"), good(8, "last")]);
}

#[test]
fn a_mark_at_the_start_semicolons_and_tabs_are_taken() {
    for separator in [",", ";", "\t"] {
        let text = format!("\u{feff}description,start,end,departments\r\nCaf\u{e9},{TIMES},\"A;B\"\r\n")
            .replace(',', separator);
        assert_eq!(rows(&text), [good(2, "Caf\u{e9}")], "{separator:?}");
        let found = items(text).expect("a table");
        assert!(matches!(&found[0], Item::Event { content, .. } if content.departments == ["A", "B"]), "{found:?}");
    }
}

#[test]
fn a_bad_row_says_why_and_leaves_its_neighbours_alone() {
    let mut text = format!("description,start,end\nfirst,{TIMES}\n").into_bytes();
    text.extend(b"Caf\xe9,2026-05-01T09:00:00Z,2026-05-01T10:00:00Z\n");
    text.extend(format!("no end,2026-05-01T09:00:00Z\nnever,soon,{TIMES}\nlast,{TIMES}\n").bytes());
    let rows = rows(text);
    assert_eq!(rows[0], good(2, "first"));
    assert_eq!(rows[1], good(3, "bad: description: is not UTF-8"));
    assert_eq!(rows[2], good(4, "bad: end: is missing"));
    assert!(rows[3].1.starts_with("bad: has more fields than the header"), "{rows:?}");
    assert_eq!(rows[4], good(6, "last"));
}

#[test]
fn a_file_that_is_no_table_says_so() {
    for (text, why) in [
        (b"".as_slice(), "the file is empty"),
        (b"\xef\xbb\xbf\n\n", "the file is empty"),
        (b"name,when\nMarket,today\n", "row 1: the header has no column description, start, end"),
        (b"\xff\xfed\0e\0", "the file is UTF-16; save it as CSV in UTF-8"),
    ] {
        assert_eq!(items(text), Err(Broken::because(why)), "{text:?}");
    }
    assert_eq!(items("description,start,end\n"), Ok(vec![]), "no rows are no fault of the reader's");
}

#[test]
fn a_quote_that_never_ends_is_given_up_and_what_came_before_it_stays() {
    let mut text = format!("description,start,end\nfirst,{TIMES}\n\"").into_bytes();
    text.resize(4 << 20, b'x');
    let mut found = 0;
    let outcome = read(text.as_slice(), text.len() as u64, &mut |_, _| {
        found += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(found, 1);
    assert_eq!(outcome.expect_err("broken").0, "row 3: is longer than 1048576 bytes; does a quote not end?");
}

#[test]
fn reading_stops_when_nobody_wants_more() {
    let text = format!("description,start,end\n{}", format!("a,{TIMES}\n").repeat(10));
    let mut found = 0;
    read(text.as_bytes(), 1, &mut |_, _| {
        found += 1;
        ControlFlow::Break(())
    })
    .expect("a table");
    assert_eq!(found, 1);
}
