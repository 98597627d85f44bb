//! Workbooks, written by a library that writes what Excel writes.

use super::*;
use rust_xlsxwriter::{ExcelDateTime as Date, Format, Workbook, Worksheet};
use std::{io::Cursor, ops::ControlFlow};

fn items(book: Vec<u8>) -> Result<Vec<Item>, Broken> {
    let mut items = Vec::new();
    read(Cursor::new(book), &mut |item, percent| {
        assert!(percent <= 100);
        items.push(item);
        ControlFlow::Continue(())
    })?;
    Ok(items)
}

fn book(fill: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    fill(book.add_worksheet());
    book.save_to_buffer().expect("a workbook")
}

fn header(sheet: &mut Worksheet, row: u32) {
    for (column, name) in (0..).zip(["Description", "start", "end", "location", "departments", "extra"]) {
        sheet.write(row, column, name).expect("a cell");
    }
}

fn date(text: &str) -> Date {
    Date::parse_from_str(text).expect("a date")
}

#[test]
fn dates_texts_and_numbers_are_read_and_rows_keep_the_numbers_of_the_sheet() {
    let format = Format::new().set_num_format("yyyy-mm-dd hh:mm");
    let found = items(book(|sheet| {
        header(sheet, 1);
        sheet.write(3, 0, "Market").expect("a cell");
        sheet.write_with_format(3, 1, date("2026-05-01T09:20"), &format).expect("a cell");
        sheet.write(3, 2, "2026-05-01T10:00:00+00:00").expect("a cell");
        sheet.write(3, 3, 2026).expect("a cell");
        sheet.write(3, 4, "A; B").expect("a cell");
        sheet.write(3, 5, "left out").expect("a cell");
        sheet.write(6, 0, "No times").expect("a cell");
        sheet.write(6, 1, 46_143.5).expect("a cell");
        sheet.write(6, 2, true).expect("a cell");
    }))
    .expect("a table");
    let [Item::Remark(remark), Item::Event { row: 4, content, .. }, Item::Bad { row: 7, why }] = found.as_slice()
    else {
        panic!("{found:?}")
    };
    assert_eq!(remark, "row 2: unknown columns are ignored: `extra`");
    assert_eq!(content.description, "Market");
    assert_eq!(content.start.to_string(), "2026-05-01T09:20:00.000Z");
    assert_eq!(content.location.as_deref(), Some("2026"));
    assert_eq!(content.departments, ["A", "B"]);
    assert_eq!(why, "start: the cell holds a number; format it as date and time; end: the cell holds no date");
}

/// Writes the same dates into a workbook that counts days from 1904, as old ones of the Mac do.
fn since_1904(book: Vec<u8>) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(book)).expect("an archive");
    let mut copy = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).expect("a part");
        let name = part.name().expect("a name").to_string();
        let mut text = Vec::new();
        part.read_to_end(&mut text).expect("its bytes");
        if name == "xl/workbook.xml" {
            let xml = String::from_utf8(text).expect("text");
            assert!(xml.contains("<workbookPr "));
            text = xml.replace("<workbookPr ", "<workbookPr date1904=\"1\" ").into_bytes();
        }
        copy.start_file(name, zip::write::SimpleFileOptions::default()).expect("a part");
        std::io::Write::write_all(&mut copy, &text).expect("its bytes");
    }
    copy.finish().expect("an archive").into_inner()
}

#[test]
fn a_workbook_may_count_its_days_from_1904() {
    let format = Format::new().set_num_format("yyyy-mm-dd hh:mm");
    let plain = book(|sheet| {
        header(sheet, 0);
        sheet.write(1, 0, "Market").expect("a cell");
        sheet.write_number_with_format(1, 1, 44_681.375, &format).expect("a cell");
        sheet.write_number_with_format(1, 2, 44_681.5, &format).expect("a cell");
    });
    for (book, start) in [(plain.clone(), "2022-04-30T09:00:00.000Z"), (since_1904(plain), "2026-05-01T09:00:00.000Z")]
    {
        let found = items(book).expect("a table");
        assert!(matches!(&found[1], Item::Event { content, .. } if content.start.to_string() == start), "{found:?}");
    }
}

#[test]
fn what_is_no_date_on_any_calendar_is_a_fault_of_the_row() {
    let format = Format::new().set_num_format("yyyy-mm-dd hh:mm");
    for serial in [-1.0, 60.0, 2_958_466.0] {
        let found = items(book(|sheet| {
            header(sheet, 0);
            sheet.write(1, 0, "Market").expect("a cell");
            sheet.write_number_with_format(1, 1, serial, &format).expect("a cell");
            sheet.write(1, 2, "2026-05-01 09:00").expect("a cell");
        }))
        .expect("a table");
        let why = "start: the cell holds a date that there is not".to_owned();
        assert_eq!(found[1], Item::Bad { row: 2, why }, "{serial}");
    }
}

#[test]
fn a_workbook_without_a_table_says_so() {
    assert_eq!(items(book(|_| ())), Err(Broken::because("the first sheet is empty")));
    let other = book(|sheet| {
        sheet.write(4, 0, "name").expect("a cell");
    });
    assert_eq!(items(other), Err(Broken::because("row 5: the header has no column description, start, end")));
    assert_eq!(items(book(|sheet| header(sheet, 0))).expect("a table").len(), 1, "no rows are no fault");
    assert!(items(b"PK\x03\x04".to_vec()).expect_err("no workbook").0.starts_with("this is no workbook"));
    assert!(items(b"description,start,end\n".to_vec()).is_err());
}

#[test]
fn a_workbook_that_claims_more_texts_than_memory_is_refused() {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [
        (
            "_rels/.rels",
            "<Relationships><Relationship Id=\"1\" Type=\"x/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
        ),
        ("xl/sharedStrings.xml", "<sst uniqueCount=\"500000000000\"></sst>"),
    ] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).expect("a part");
        std::io::Write::write_all(&mut archive, text.as_bytes()).expect("its bytes");
    }
    let book = archive.finish().expect("an archive").into_inner();
    assert_eq!(items(book), Err(Broken::because("the workbook is too large when unpacked")));
}
