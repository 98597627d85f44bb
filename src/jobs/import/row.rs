//! What the readers of all kinds of files hand on: rows, numbered as a person counts them.

use crate::time::Time;
use std::ops::ControlFlow;

/// Most rows that are read of one file: a million would keep the writer busy for hours.
pub const ROWS_MAX: u64 = 200_000;
/// Longest that a piece of the file is shown in the log: it is there to find the row again.
const QUOTE_MAX: usize = 60;

/// One thing found in a file, in its order. The same file always gives the same items: a run that is
/// taken up again counts them to find its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A row that can be read as an event.
    Event {
        /// Its number: the header of a table is row 1; the nth event of a calendar.
        row: u64,
        /// What it says.
        content: Box<Content>,
        /// What was left out of it.
        remark: Option<&'static str>,
    },
    /// A row that can't.
    Bad {
        /// Its number.
        row: u64,
        /// Why, beginning with the field's name if it is one field's fault.
        why: String,
    },
    /// What has to be said of the file as a whole.
    Remark(String),
}

/// What a row says of an event. Whether an event may be so, its own rules decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub description: String,
    pub start: Time,
    pub end: Time,
    pub location: Option<String>,
    pub description_long: Option<String>,
    /// Names or letters.
    pub departments: Vec<String>,
}

/// Why a file can't be read, or no further: for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub String);

impl Broken {
    /// With this reason.
    pub fn because(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// Takes one item, and how much of the file is read, in percent; says whether to go on.
pub type Each<'a> = &'a mut dyn FnMut(Item, u8) -> ControlFlow<()>;

/// Counts rows, so that no file has too many.
#[derive(Default)]
pub struct Count(u64);

impl Count {
    /// One more row; `Break` when that is too many, which `each` is told.
    pub fn one_more(&mut self, each: Each<'_>) -> ControlFlow<()> {
        self.0 += 1;
        if self.0 <= ROWS_MAX {
            return ControlFlow::Continue(());
        }
        let _ = each(Item::Remark(format!("only the first {ROWS_MAX} rows are imported; the rest was left out")), 100);
        ControlFlow::Break(())
    }
}

/// How much of the whole this is, in percent.
pub fn percent(part: u64, whole: u64) -> u8 {
    let percent = part.saturating_mul(100).checked_div(whole).unwrap_or(100);
    u8::try_from(percent.min(100)).unwrap_or(100)
}

/// A piece of the file, short and on one line, to be shown in the log.
pub fn quote(text: &str) -> String {
    let mut shown: String =
        text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(QUOTE_MAX + 1).collect();
    if shown.chars().count() > QUOTE_MAX {
        shown.pop();
        shown.push('…');
    }
    format!("`{shown}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_that_is_allowed_is_read_and_the_next_is_mentioned() {
        let mut count = Count(ROWS_MAX - 1);
        let mut said = Vec::new();
        let mut each = |item, _| {
            said.push(item);
            ControlFlow::Continue(())
        };
        assert!(count.one_more(&mut each).is_continue());
        assert!(count.one_more(&mut each).is_break());
        assert_eq!(said, [Item::Remark("only the first 200000 rows are imported; the rest was left out".into())]);
    }

    #[test]
    fn what_is_shown_of_a_file_is_short_and_on_one_line() {
        assert_eq!(quote(" a\r\nb "), "`a  b`");
        assert_eq!(quote(&"é".repeat(100)).chars().count(), 63);
        assert_eq!((percent(1, 3), percent(5, 3), percent(0, 0)), (33, 100, 100));
    }
}
