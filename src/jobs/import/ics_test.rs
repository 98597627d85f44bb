//! Calendars as programs write them.

use super::*;
use std::ops::ControlFlow;

fn items(text: impl AsRef<[u8]>) -> Result<Vec<Item>, Broken> {
    let (text, mut items) = (text.as_ref(), Vec::new());
    read(text, text.len() as u64, &mut |item, percent| {
        assert!(percent <= 100);
        items.push(item);
        ControlFlow::Continue(())
    })?;
    Ok(items)
}

fn calendar(lines: &str) -> String {
    let lines = lines.lines().map(str::trim_start).collect::<Vec<_>>().join("\r\n");
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{lines}\r\nEND:VCALENDAR\r\n")
}

fn one(lines: &str) -> Item {
    let mut found = items(calendar(&format!("BEGIN:VEVENT\n{lines}\nEND:VEVENT"))).expect("a calendar");
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn content(lines: &str) -> Content {
    match one(lines) {
        Item::Event { content, .. } => *content,
        other => panic!("{other:?}"),
    }
}

fn fault(lines: &str) -> String {
    match one(lines) {
        Item::Bad { row: 1, why } => why,
        other => panic!("{other:?}"),
    }
}

fn times(lines: &str) -> (String, String) {
    let content = content(lines);
    (content.start.to_string(), content.end.to_string())
}

fn from_to(start: &str, end: &str) -> (String, String) {
    (format!("2026-{start}:00.000Z"), format!("2026-{end}:00.000Z"))
}

#[test]
fn an_event_is_read_with_its_escaped_and_folded_texts() {
    let found = content(
        "UID:1
        SUMMARY;LANGUAGE=en:Dinner\\, then dance\\; late
        LOCATION:Old Town
        DESCRIPTION:First line\\nsecond: \\\\o/
        CATEGORIES:Music,Food\\, drink
        CATEGORIES:Music
        DTSTART:20260501T090000Z
        DTEND:20260501T100000Z",
    );
    assert_eq!(found.description, "Dinner, then dance; late");
    assert_eq!(found.location.as_deref(), Some("Old Town"));
    assert_eq!(found.description_long.as_deref(), Some("First line\nsecond: \\o/"));
    assert_eq!(found.departments, ["Music", "Food, drink"]);
    let folded = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMM\r\n ARY:Caf\xc3\r\n \xa9\r\nDTSTART:20260501T0\r\n 90000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\nEND:VCALENDAR";
    let found = items(folded).expect("a calendar");
    assert!(matches!(&found[0], Item::Event { content, .. } if content.description == "Café"), "{found:?}");
}

#[test]
fn times_are_taken_in_their_zone_in_utc_or_as_whole_days() {
    let hour = from_to("05-01T07:00", "05-01T08:00");
    assert_eq!(times("DTSTART:20260501T070000Z\nDTEND:20260501T080000Z"), hour);
    assert_eq!(times("DTSTART;TZID=Europe/Berlin:20260501T090000\nDTEND;TZID=Europe/Berlin:20260501T100000"), hour);
    assert_eq!(times("DTSTART;TZID=\"Europe/Berlin\":20260501T090000\nDURATION:PT1H"), hour);
    assert_eq!(times("DTSTART;TZID=W. Europe Standard Time:20260501T090000\nDURATION:PT1H"), hour);
    assert_eq!(times("dtstart:20260501T070000\nDtEnd:20260501T080000"), hour, "floating, and in small letters");
    let day = from_to("05-01T00:00", "05-02T00:00");
    assert_eq!(times("DTSTART;VALUE=DATE:20260501"), day);
    assert_eq!(times("DTSTART;VALUE=DATE:20260501\nDTEND;VALUE=DATE:20260502"), day);
    assert_eq!(times("DTSTART;VALUE=DATE:20260501\nDURATION:P1D"), day);
}

#[test]
fn what_has_no_good_times_says_why() {
    for (lines, why) in [
        ("SUMMARY:x", "start: there is no DTSTART"),
        ("DTSTART:20260501T070000Z", "end: there is neither DTEND nor DURATION"),
        ("DTSTART:tomorrow\nDURATION:PT1H", "start: `tomorrow` is no iCalendar time"),
        ("DTSTART:20260230T070000Z\nDURATION:PT1H", "start: `20260230T070000Z` is no iCalendar time"),
        (
            "DTSTART;TZID=Europe/Atlantis:20260501T070000\nDURATION:PT1H",
            "start: `Europe/Atlantis` is no known time zone",
        ),
        ("DTSTART:20260501T070000Z\nDURATION:-PT1H", "end: `-PT1H` is no iCalendar duration"),
        ("DTSTART:20260501T070000Z\nDURATION:P900000000W", "end: is out of range"),
    ] {
        assert_eq!(fault(lines), why, "{lines}");
    }
}

#[test]
fn events_are_counted_and_an_alarm_inside_is_not_the_event() {
    let found = items(calendar(
        "BEGIN:VTIMEZONE
        BEGIN:STANDARD
        DTSTART:19701025T030000
        END:STANDARD
        END:VTIMEZONE
        BEGIN:VEVENT
        DTSTART:20260501T070000Z
        BEGIN:VALARM
        DURATION:PT15M
        DESCRIPTION:Wake up
        END:VALARM
        SUMMARY:First
        DURATION:PT1H
        END:VEVENT
        BEGIN:VTODO
        SUMMARY:No event
        END:VTODO
        begin:vevent
        SUMMARY:No times
        end:vevent
        BEGIN:VEVENT
        SUMMARY:Weekly
        DTSTART:20260501T070000Z
        DURATION:PT1H
        RRULE:FREQ=WEEKLY
        END:VEVENT",
    ))
    .expect("a calendar");
    let [
        Item::Event { row: 1, content: first, remark: None },
        Item::Bad { row: 2, .. },
        Item::Event { row: 3, remark: Some(REPEATS), .. },
    ] = found.as_slice()
    else {
        panic!("{found:?}")
    };
    assert_eq!((first.description.as_str(), &first.description_long), ("First", &None));
    assert_eq!(first.end.to_string(), "2026-05-01T08:00:00.000Z", "not the alarm's");
}

#[test]
fn a_file_that_is_no_calendar_or_ends_too_soon_says_so() {
    for text in ["", "description,start,end\n", "BEGIN:VCARD\nEND:VCARD\n"] {
        assert!(items(text).expect_err("no calendar").0.starts_with("this is no iCalendar file"), "{text}");
    }
    assert_eq!(items("BEGIN:VCALENDAR\nEND:VCALENDAR\n"), Ok(vec![]));
    let half = items("\u{feff}\r\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\n").expect("a calendar");
    assert_eq!(half, [Item::Bad { row: 1, why: "the file ends within it".into() }]);
}

#[test]
fn a_long_attachment_is_passed_over_and_a_long_text_is_a_bad_row() {
    let long = "x".repeat(3 * LINE_MAX);
    let times = "DTSTART:20260501T070000Z\nDURATION:PT1H";
    assert_eq!(content(&format!("SUMMARY:a\nATTACH:{long}\n{times}")).description, "a");
    assert_eq!(fault(&format!("SUMMARY:{long}\n{times}")), "SUMMARY: is too long");
    let many = format!("CATEGORIES:{}\n", "y".repeat(LINE_MAX / 2)).repeat(5);
    assert_eq!(fault(&format!("{many}{times}")), "CATEGORIES: is too long");
    let bad =
        items(b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Caf\xe9\nEND:VEVENT\nEND:VCALENDAR\n").expect("a calendar");
    assert_eq!(bad, [Item::Bad { row: 1, why: "is not UTF-8".into() }]);
}
