//! Workbooks of Excel 2007 and later: the first sheet, cell by cell. Dates have no time zone there:
//! they are taken as UTC.

use super::{
    archive,
    columns::{Cell, Cells, Column, Columns},
    row::{Broken, Count, Each, Item, percent},
};
use crate::time::Time;
use calamine::{DataRef, ExcelDateTime, Reader as _, SheetType, Xlsx, XlsxError};
use chrono::NaiveDate;
use std::{
    io::{Read, Seek},
    ops::ControlFlow,
};

/// Columns beyond are not looked at: nobody needs more, and a header names each.
const COLUMNS_MAX: usize = 1_000;
/// Longest name of a column.
const NAME_MAX: usize = 200;
/// The day after the last that a workbook can write (9999-12-31).
const SERIAL_END: f64 = 2_958_466.0;

/// Reads a workbook.
///
/// # Errors
/// When it is none, is too large unpacked, has no table with the columns needed, or can't be read on.
pub fn read(mut from: impl Read + Seek, each: Each<'_>) -> Result<(), Broken> {
    archive::check(&mut from, archive::LIMITS)?;
    from.rewind().map_err(|_| Broken::because("the file could not be read"))?;
    let mut book = Xlsx::new(from).map_err(|error| broken(&error))?;
    let sheets = book.sheets_metadata();
    let first = sheets.iter().find(|sheet| sheet.typ == SheetType::WorkSheet).map(|sheet| sheet.name.clone());
    let first = first.ok_or_else(|| Broken::because("the workbook has no sheet"))?;
    let mut sheet = book.worksheet_cells_reader(&first).map_err(|error| broken(&error))?;
    let mut table = Table {
        rows: u64::from(sheet.dimensions().end.0) + 1,
        header: Header::Reading(Vec::new()),
        ..Table::default()
    };
    while let Some(cell) = sheet.next_cell().map_err(|error| broken(&error))? {
        let ((row, column), value) = (cell.get_position(), cell.get_value());
        if table.move_to(u64::from(row) + 1, each)?.is_break() {
            return Ok(());
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if column < COLUMNS_MAX {
            table.take(column, value);
        }
    }
    // The last row ends with the sheet.
    if table.move_to(u64::MAX, each)?.is_continue()
        && let Header::Reading(_) = table.header
    {
        return Err(Broken::because("the first sheet is empty"));
    }
    Ok(())
}

/// A table while its cells come by.
#[derive(Default)]
struct Table {
    /// The row that the cells belong to; the first is 1.
    row: u64,
    /// How many there are, if the sheet tells the truth.
    rows: u64,
    header: Header,
    cells: Cells,
    count: Count,
}

enum Header {
    Reading(Vec<(usize, String)>),
    Read(Columns),
}

impl Default for Header {
    fn default() -> Self {
        Self::Reading(Vec::new())
    }
}

impl Table {
    /// Ends the row before, if this is another.
    fn move_to(&mut self, row: u64, each: Each<'_>) -> Result<ControlFlow<()>, Broken> {
        if row == self.row {
            return Ok(ControlFlow::Continue(()));
        }
        if row < self.row {
            return Err(Broken::because(format!("row {row} comes after row {}", self.row)));
        }
        let before = std::mem::replace(&mut self.row, row);
        match &self.header {
            Header::Reading(names) if names.is_empty() => {}
            Header::Reading(names) => {
                let names = names.iter().map(|(place, name)| (*place, name.as_str()));
                let columns = Columns::of(names, before)?;
                let remark = columns.remark.clone();
                self.header = Header::Read(columns);
                if let Some(remark) = remark {
                    return Ok(each(Item::Remark(remark), 0));
                }
            }
            Header::Read(_) if self.cells.is_empty() => {}
            Header::Read(_) => {
                let item = match std::mem::take(&mut self.cells).content() {
                    Ok(content) => Item::Event { row: before, content: Box::new(content), remark: None },
                    Err(why) => Item::Bad { row: before, why },
                };
                if self.count.one_more(each).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                return Ok(each(item, percent(before, self.rows.max(before))));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn take(&mut self, place: usize, value: &DataRef<'_>) {
        match &mut self.header {
            Header::Reading(names) => {
                let name = text_of(value).chars().take(NAME_MAX).collect::<String>();
                if !name.trim().is_empty() {
                    names.push((place, name));
                }
            }
            Header::Read(columns) => {
                if let Some(column) = columns.column(place) {
                    self.cells.put(column, cell(column, value));
                }
            }
        }
    }
}

fn cell(column: Column, value: &DataRef<'_>) -> Cell {
    let when = matches!(column, Column::Start | Column::End);
    match value {
        DataRef::Empty => Cell::Empty,
        DataRef::Error(error) => Cell::Fault(format!("the cell holds {error}")),
        DataRef::DateTime(date) => {
            time_of(date).map_or_else(|| Cell::Fault("the cell holds a date that there is not".into()), Cell::Time)
        }
        DataRef::Int(_) | DataRef::Float(_) if when => {
            Cell::Fault("the cell holds a number; format it as date and time".into())
        }
        DataRef::Bool(_) | DataRef::DurationIso(_) if when => Cell::Fault("the cell holds no date".into()),
        other => Cell::text(&text_of(other)),
    }
}

fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(yes) => if *yes { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(date) => time_of(date).map(|time| time.to_string()).unwrap_or_default(),
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

/// `None` for a length of time, and for what is on no calendar (1900-02-29).
fn time_of(date: &ExcelDateTime) -> Option<Time> {
    if !date.is_datetime() || !(0.0..SERIAL_END).contains(&date.as_f64()) {
        return None;
    }
    let (year, month, day, hour, minute, second, milli) = date.to_ymd_hms_milli();
    let day = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())?;
    let time = day.and_hms_milli_opt(hour.into(), minute.into(), second.into(), milli.into())?;
    Time::writable(time.and_utc())
}

fn broken(error: &XlsxError) -> Broken {
    log::debug!("a workbook can't be read: {error}");
    Broken::because(match error {
        XlsxError::Password => "the workbook is protected by a password".to_owned(),
        error => format!("the workbook can't be read: {error}"),
    })
}

#[cfg(test)]
#[path = "xlsx_test.rs"]
mod tests;
