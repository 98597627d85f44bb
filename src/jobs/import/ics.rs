//! iCalendar (RFC 5545): each `VEVENT` is a row. They are cut out while the file streams by, with
//! only the properties that are read, and each is parsed alone.

use super::{
    ics_lines::{LINE_MAX, Lines},
    ics_time,
    row::{Broken, Content, Count, Each, Item, percent},
};
use icalendar::{Component as _, Event, EventLike as _, parser};
use std::io::{self, BufRead};

/// The properties that are read; all others may be of any size.
const READ: [&[u8]; 9] =
    [b"SUMMARY", b"DESCRIPTION", b"LOCATION", b"CATEGORIES", b"DTSTART", b"DTEND", b"DURATION", b"RRULE", b"RDATE"];
/// Most bytes of what is read of one event.
const EVENT_MAX: usize = 2 * LINE_MAX;
const REPEATS: &str = "it repeats; only the first time was imported";

/// Reads a file of `size` bytes.
///
/// # Errors
/// When it is no calendar, or can't be read on.
pub fn read(from: impl BufRead, size: u64, each: Each<'_>) -> Result<(), Broken> {
    let mut lines = Lines::new(from);
    let mut line = Vec::new();
    let mut next = |line: &mut Vec<u8>| -> Result<Option<u8>, Broken> {
        let more = lines.next(line).map_err(|error| unreadable(&error))?;
        Ok(more.then(|| percent(lines.read, size)))
    };
    if next(&mut line)?.is_none() || !line.trim_ascii().eq_ignore_ascii_case(b"BEGIN:VCALENDAR") {
        return Err(Broken::because("this is no iCalendar file: it does not begin with BEGIN:VCALENDAR"));
    }
    let mut cut: Option<Cut> = None;
    let (mut count, mut row) = (Count::default(), 0);
    while let Some(done) = next(&mut line)? {
        let (begins, ends) = (edge(&line, b"BEGIN:"), edge(&line, b"END:"));
        match &mut cut {
            None if begins.is_some_and(|name| name.eq_ignore_ascii_case(b"VEVENT")) => {
                row += 1;
                if count.one_more(each).is_break() {
                    return Ok(());
                }
                cut = Some(Cut::default());
            }
            None => {}
            // An alarm inside has times and texts of its own.
            Some(cut) if begins.is_some() => cut.inside += 1,
            Some(cut) if ends.is_some() && cut.inside > 0 => cut.inside -= 1,
            Some(whole) if ends.is_some() => {
                let item = whole.item(row);
                cut = None;
                if each(item, done).is_break() {
                    return Ok(());
                }
            }
            Some(cut) if cut.inside == 0 => cut.keep(&line),
            Some(_) => {}
        }
    }
    if cut.is_some() {
        let _ = each(Item::Bad { row, why: "the file ends within it".into() }, 100);
    }
    Ok(())
}

/// What a component's first or last line names.
fn edge<'a>(line: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (start, name) = line.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then(|| name.trim_ascii())
}

/// An event on its way out of the file.
#[derive(Default)]
struct Cut {
    /// Its lines, as text for the parser.
    text: Vec<u8>,
    /// How many components inside it have begun.
    inside: usize,
    /// What was too long.
    over: Option<String>,
}

impl Cut {
    fn keep(&mut self, line: &[u8]) {
        let name = line.split(|byte| matches!(byte, b':' | b';')).next().unwrap_or_default();
        let Some(known) = READ.iter().find(|known| known.eq_ignore_ascii_case(name.trim_ascii())) else { return };
        if line.len() > LINE_MAX || self.text.len() + line.len() > EVENT_MAX {
            self.over = Some(format!("{}: is too long", String::from_utf8_lossy(known)));
            return;
        }
        // In capitals, as the parser looks for them; CRLF, which it looks for first.
        self.text.extend_from_slice(known);
        self.text.extend_from_slice(&line[name.len()..]);
        self.text.extend_from_slice(b"\r\n");
    }

    fn item(&mut self, row: u64) -> Item {
        if let Some(why) = self.over.take() {
            return Item::Bad { row, why };
        }
        match event(&self.text) {
            Ok((content, remark)) => Item::Event { row, content: Box::new(content), remark },
            Err(why) => Item::Bad { row, why },
        }
    }
}

fn event(lines: &[u8]) -> Result<(Content, Option<&'static str>), String> {
    let text = std::str::from_utf8(lines).map_err(|_| "is not UTF-8")?;
    let text = format!("BEGIN:VEVENT\r\n{text}END:VEVENT\r\n");
    let parsed = parser::read_components(&text).ok().and_then(|all| all.into_iter().next());
    let event = match parsed.map(icalendar::CalendarComponent::from) {
        Some(icalendar::CalendarComponent::Event(event)) => event,
        _ => return Err("can't be read as an iCalendar event".into()),
    };
    let start = ics_time::point(&event, "DTSTART").map_err(|why| format!("start: {why}"))?;
    let start = start.ok_or("start: there is no DTSTART")?;
    let end = ics_time::end(&event, start).map_err(|why| format!("end: {why}"))?;
    let (start, end) = (start.time().ok_or("start: is out of range")?, end.ok_or("end: is out of range")?);
    let text = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let content = Content {
        description: text(event.get_summary()).unwrap_or_default(),
        start,
        end,
        location: text(event.get_location()),
        description_long: text(event.get_description()),
        departments: departments(&event),
    };
    let repeats = ["RRULE", "RDATE"].iter().any(|name| has(&event, name));
    Ok((content, repeats.then_some(REPEATS)))
}

fn has(event: &Event, name: &str) -> bool {
    event.properties().contains_key(name) || event.multi_properties().contains_key(name)
}

fn departments(event: &Event) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in event.get_categories().unwrap_or_default() {
        let name = name.trim();
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn unreadable(error: &io::Error) -> Broken {
    log::warn!("a file could not be read: {error}");
    Broken::because("the file could not be read")
}

#[cfg(test)]
#[path = "ics_test.rs"]
mod tests;
