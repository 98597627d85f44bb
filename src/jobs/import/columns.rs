//! Tables: which column is what, and how the cells of a row make an event. For CSV and workbooks.

use super::row::{Broken, Content, quote};
use crate::time::Time;
use chrono::NaiveDateTime;

/// Most departments that a row may name: looking them up is bounded. (An event may have fewer.)
const DEPARTMENTS_MAX: usize = 100;
/// Most unknown columns that the log names.
const UNKNOWN_SHOWN: usize = 10;

/// A column that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Description,
    Start,
    End,
    Location,
    DescriptionLong,
    Departments,
}

impl Column {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Description, "description"),
        (Self::Start, "start"),
        (Self::End, "end"),
        (Self::Location, "location"),
        (Self::DescriptionLong, "descriptionLong"),
        (Self::Departments, "departments"),
    ];
    const NEEDED: [Self; 3] = [Self::Description, Self::Start, Self::End];

    /// Its name in the header.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// Which column stands where.
#[derive(Debug)]
pub struct Columns {
    places: Vec<(usize, Column)>,
    /// How many columns the header has.
    pub width: usize,
    /// What the log says of columns that are not read.
    pub remark: Option<String>,
}

impl Columns {
    /// Reads the header, which is row `row`: names in any order, in large or small letters.
    ///
    /// # Errors
    /// When a column that every event needs is missing, or one stands there twice.
    pub fn of<'a>(header: impl IntoIterator<Item = (usize, &'a str)>, row: u64) -> Result<Self, Broken> {
        let mut columns = Self { places: Vec::new(), width: 0, remark: None };
        let mut unknown = Vec::new();
        for (place, name) in header {
            columns.width = columns.width.max(place + 1);
            match Column::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name.trim())) {
                Some((column, _)) if columns.at(*column).is_some() => {
                    return Err(Broken::because(format!("row {row}: the column {} stands there twice", column.name())));
                }
                Some((column, _)) => columns.places.push((place, *column)),
                None if name.trim().is_empty() => {}
                None => unknown.push(name),
            }
        }
        let missing = Column::NEEDED.into_iter().filter(|column| columns.at(*column).is_none());
        let missing: Vec<_> = missing.map(Column::name).collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return Err(Broken::because(format!("row {row}: the header has no column {missing}")));
        }
        if !unknown.is_empty() {
            let shown: Vec<_> = unknown.iter().take(UNKNOWN_SHOWN).map(|name| quote(name)).collect();
            let more = if unknown.len() > UNKNOWN_SHOWN { ", …" } else { "" };
            columns.remark = Some(format!("row {row}: unknown columns are ignored: {}{more}", shown.join(", ")));
        }
        Ok(columns)
    }

    /// What stands in this place of a row, if it is read.
    pub fn column(&self, place: usize) -> Option<Column> {
        self.places.iter().find(|(at, _)| *at == place).map(|(_, column)| *column)
    }

    fn at(&self, column: Column) -> Option<usize> {
        self.places.iter().find(|(_, known)| *known == column).map(|(place, _)| *place)
    }
}

/// What is in a cell.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Cell {
    #[default]
    Empty,
    Text(String),
    /// A cell that holds a date.
    Time(Time),
    /// Something that can't be read, and why.
    Fault(String),
}

impl Cell {
    /// Text; nothing but space is as good as empty.
    pub fn text(text: &str) -> Self {
        match text.trim() {
            "" => Self::Empty,
            text => Self::Text(text.to_owned()),
        }
    }
}

/// The cells of one row that are read.
#[derive(Debug, Default)]
pub struct Cells([Cell; 6]);

impl Cells {
    /// Puts a cell in its place.
    pub fn put(&mut self, column: Column, cell: Cell) {
        self.0[column as usize] = cell;
    }

    /// Whether nothing is in any of them.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|cell| *cell == Cell::Empty)
    }

    /// The event that they describe.
    ///
    /// # Errors
    /// Every fault, beginning with the column's name.
    pub fn content(self) -> Result<Content, String> {
        let [description, start, end, location, long, departments] = self.0;
        let mut faults = Vec::new();
        let mut fault = |column: Column, why: String| faults.push(format!("{}: {why}", column.name()));
        let mut text = |column, cell| match cell {
            Cell::Empty => None,
            Cell::Text(text) => Some(text),
            Cell::Time(time) => Some(time.to_string()),
            Cell::Fault(why) => {
                fault(column, why);
                None
            }
        };
        let description = text(Column::Description, description);
        let location = text(Column::Location, location);
        let description_long = text(Column::DescriptionLong, long);
        let departments = departments_of(&text(Column::Departments, departments).unwrap_or_default());
        let start = time_in(start).map_err(|why| fault(Column::Start, why)).ok();
        let end = time_in(end).map_err(|why| fault(Column::End, why)).ok();
        if departments.len() > DEPARTMENTS_MAX {
            fault(Column::Departments, format!("names more than {DEPARTMENTS_MAX} departments"));
        }
        match (start, end) {
            (Some(start), Some(end)) if faults.is_empty() => Ok(Content {
                // Where it is empty the event's rules say so.
                description: description.unwrap_or_default(),
                start,
                end,
                location,
                description_long,
                departments,
            }),
            _ => Err(faults.join("; ")),
        }
    }
}

/// Names or letters, separated by `;`.
fn departments_of(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in text.split(';').map(str::trim).filter(|name| !name.is_empty()).take(DEPARTMENTS_MAX + 1) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn time_in(cell: Cell) -> Result<Time, String> {
    match cell {
        Cell::Empty => Err("is missing".into()),
        Cell::Time(time) => Ok(time),
        Cell::Fault(why) => Err(why),
        Cell::Text(text) => time_of(&text).ok_or_else(|| {
            format!("{} is no time such as 2026-01-31T09:00:00Z or 2026-01-31 09:00 (UTC)", quote(&text))
        }),
    }
}

/// A time as the API writes it, or without zone and then in UTC: `2026-01-31 09:00`.
fn time_of(text: &str) -> Option<Time> {
    const PLAIN: [&str; 4] = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f"];
    text.parse().ok().or_else(|| {
        let plain = PLAIN.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
        Time::writable(plain.and_utc())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(names: &str) -> Result<Columns, Broken> {
        Columns::of(names.split(',').enumerate(), 1)
    }

    #[test]
    fn columns_stand_in_any_order_and_those_that_nobody_knows_are_named() {
        let columns = header("end, START ,extra,description,,Departments").expect("a header");
        assert_eq!(columns.column(0), Some(Column::End));
        assert_eq!(columns.column(1), Some(Column::Start));
        assert_eq!(columns.column(2), None);
        assert_eq!(columns.column(5), Some(Column::Departments));
        assert_eq!(columns.remark.as_deref(), Some("row 1: unknown columns are ignored: `extra`"));
        assert_eq!(header("description,start,end").expect("a header").remark, None);
    }

    #[test]
    fn a_header_that_lacks_a_column_or_has_one_twice_is_none() {
        assert_eq!(
            header("description,location").expect_err("no times").0,
            "row 1: the header has no column start, end"
        );
        let twice = header("description,start,end,Start").expect_err("two starts");
        assert_eq!(twice.0, "row 1: the column start stands there twice");
    }

    #[test]
    fn a_time_is_written_as_in_the_api_or_plainly_in_utc() {
        for (text, time) in [
            ("2026-05-01T09:00:00+02:00", "2026-05-01T07:00:00.000Z"),
            ("2026-05-01T09:00:00.250Z", "2026-05-01T09:00:00.250Z"),
            ("2026-05-01 09:00", "2026-05-01T09:00:00.000Z"),
            ("2026-05-01 09:00:30", "2026-05-01T09:00:30.000Z"),
            ("2026-05-01T09:00", "2026-05-01T09:00:00.000Z"),
        ] {
            assert_eq!(time_of(text).map(|time| time.to_string()).as_deref(), Some(time), "{text}");
        }
        for text in [
            "",
            "tomorrow",
            "2026-05-01",
            "01.05.2026 09:00",
            "2026-13-01 09:00",
            "+12026-05-01 09:00",
            "-1-01-01 00:00",
        ] {
            assert_eq!(time_of(text), None, "{text}");
        }
    }

    #[test]
    fn a_row_says_every_fault_of_its_cells_with_the_column() {
        let mut cells = Cells::default();
        cells.put(Column::Description, Cell::text("Market"));
        cells.put(Column::Start, Cell::text("soon\nor later"));
        cells.put(Column::Location, Cell::Fault("holds #REF!".into()));
        let why = cells.content().expect_err("no row");
        let expected = "location: holds #REF!; start: `soon or later` is no time such as 2026-01-31T09:00:00Z or \
                        2026-01-31 09:00 (UTC); end: is missing";
        assert_eq!(why, expected);
    }

    #[test]
    fn departments_are_separated_by_semicolons_and_named_once() {
        assert_eq!(departments_of(" Music; M;;Music ;"), ["Music", "M"]);
        assert_eq!(departments_of(" "), [""; 0]);
    }
}
