//! Comma-separated values (RFC 4180): quotes, line breaks in them, a byte order mark, and `;` or tab
//! where the header has more of them than commas. Streamed: one record at a time is in memory.

use super::{
    columns::{Cell, Cells, Columns},
    kind::{BOM, UTF_16},
    row::{Broken, Count, Each, Item, percent},
};
use csv::{ByteRecord, ReaderBuilder};
use std::{
    cell::Cell as Shared,
    io::{self, BufRead as _, BufReader, Read},
    rc::Rc,
};

/// Most bytes of one record: a quote that never ends must not bring the whole file into memory.
const RECORD_MAX: u64 = 1 << 20;
/// How much is read at a time.
const BUFFER: usize = 64 * 1024;

/// Reads a file of `size` bytes.
///
/// # Errors
/// When it is no table with the columns needed, or can't be read on.
pub fn read(from: impl Read, size: u64, each: Each<'_>) -> Result<(), Broken> {
    let meter = Rc::new(Meter::default());
    let mut from = BufReader::with_capacity(BUFFER, Metered { from, meter: meter.clone() });
    let delimiter = begin(&mut from)?;
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(from);
    let mut lines = Lines::default();
    let mut record = ByteRecord::new();
    let Some(row) = lines.next(&mut reader, &mut record, &meter)? else {
        return Err(Broken::because("the file is empty"));
    };
    let header = record.iter().enumerate().map(|(place, name)| (place, std::str::from_utf8(name).unwrap_or_default()));
    let columns = Columns::of(header, row)?;
    if let Some(remark) = &columns.remark
        && each(Item::Remark(remark.clone()), 0).is_break()
    {
        return Ok(());
    }
    let mut count = Count::default();
    while let Some(row) = lines.next(&mut reader, &mut record, &meter)? {
        let item = match cells(&record, &columns) {
            // A row of nothing but separators, as spreadsheets leave at the end.
            Ok(cells) if cells.is_empty() => continue,
            Ok(cells) => match cells.content() {
                Ok(content) => Item::Event { row, content: Box::new(content), remark: None },
                Err(why) => Item::Bad { row, why },
            },
            Err(why) => Item::Bad { row, why },
        };
        if count.one_more(each).is_break() || each(item, percent(reader.position().byte(), size)).is_break() {
            break;
        }
    }
    Ok(())
}

/// Passes over the byte order mark and says what separates the fields.
fn begin(from: &mut BufReader<impl Read>) -> Result<u8, Broken> {
    let head = from.fill_buf().map_err(|error| unreadable(&error))?;
    if UTF_16.iter().any(|mark| head.starts_with(mark)) {
        return Err(Broken::because("the file is UTF-16; save it as CSV in UTF-8"));
    }
    if head.starts_with(BOM) {
        from.consume(BOM.len());
    }
    let head = from.buffer();
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let of = |separator: u8| line.iter().filter(|byte| **byte == separator).count();
    // The last of equals: a comma, where there is nothing to go by.
    Ok([b'\t', b';', b','].into_iter().max_by_key(|separator| of(*separator)).unwrap_or(b','))
}

fn cells(record: &ByteRecord, columns: &Columns) -> Result<Cells, String> {
    let mut cells = Cells::default();
    for (place, field) in record.iter().enumerate() {
        let Some(column) = columns.column(place) else {
            if place >= columns.width && !field.is_empty() {
                return Err("has more fields than the header; is a text with a comma not in quotes?".into());
            }
            continue;
        };
        let text = std::str::from_utf8(field).map_err(|_| format!("{}: is not UTF-8", column.name()))?;
        cells.put(column, Cell::text(text));
    }
    Ok(cells)
}

/// Counts rows as a spreadsheet does: each record is one, however many lines it has, and so is each
/// empty line, which the reader passes over.
#[derive(Default)]
struct Lines {
    row: u64,
}

impl Lines {
    /// Reads the next record; its row.
    fn next<R: Read>(
        &mut self,
        reader: &mut csv::Reader<R>,
        record: &mut ByteRecord,
        meter: &Meter,
    ) -> Result<Option<u64>, Broken> {
        let before = reader.position().line();
        meter.since.set(0);
        match reader.read_byte_record(record) {
            Ok(false) => return Ok(None),
            Ok(true) => {}
            Err(error) => {
                return Err(match error.into_kind() {
                    csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                        let row = self.row + 1;
                        Broken::because(format!("row {row}: is longer than {RECORD_MAX} bytes; does a quote not end?"))
                    }
                    csv::ErrorKind::Io(error) => unreadable(&error),
                    other => Broken::because(format!("row {}: {other:?}", self.row + 1)),
                });
            }
        }
        let passed = reader.position().line() - before;
        let inside: usize = record.iter().map(|field| field.iter().filter(|byte| **byte == b'\n').count()).sum();
        let own = u64::try_from(inside).unwrap_or_default() + 1;
        self.row += 1 + passed.saturating_sub(own);
        Ok(Some(self.row))
    }
}

fn unreadable(error: &io::Error) -> Broken {
    log::warn!("a file could not be read: {error}");
    Broken::because("the file could not be read")
}

/// How much was read since the last record.
#[derive(Default)]
struct Meter {
    since: Shared<u64>,
}

struct Metered<R> {
    from: R,
    meter: Rc<Meter>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.meter.since.get() > RECORD_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.from.read(into)?;
        let more = u64::try_from(count).unwrap_or_default();
        self.meter.since.set(self.meter.since.get() + more);
        Ok(count)
    }
}

#[cfg(test)]
#[path = "csv_test.rs"]
mod tests;
