//! Nobody's file makes a reader panic, hang, or forget its place.

use super::{csv, ics, row::Item, xlsx};
use proptest::prelude::*;
use std::{
    io::{Cursor, Read as _, Write as _},
    ops::ControlFlow,
};

fn read_all(bytes: &[u8]) -> [Vec<Item>; 3] {
    let mut all = [Vec::new(), Vec::new(), Vec::new()];
    let size = bytes.len() as u64;
    let [in_csv, in_ics, in_xlsx] = &mut all;
    let _ = csv::read(bytes, size, &mut |item, _| {
        in_csv.push(item);
        ControlFlow::Continue(())
    });
    let _ = ics::read(bytes, size, &mut |item, _| {
        in_ics.push(item);
        ControlFlow::Continue(())
    });
    let _ = xlsx::read(Cursor::new(bytes), &mut |item, _| {
        in_xlsx.push(item);
        ControlFlow::Continue(())
    });
    all
}

/// The parts of a workbook.
fn workbook() -> Vec<(String, Vec<u8>)> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in (0..).zip(["description", "start", "end"]) {
        sheet.write(0, column, name).expect("a cell");
        sheet.write(1, column, "2026-05-01 09:00").expect("a cell");
        sheet.write(2, column, f64::from(column)).expect("a cell");
    }
    let bytes = book.save_to_buffer().expect("a workbook");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    let count = archive.len();
    let mut part = |index| {
        let mut part = archive.by_index(index).expect("a part");
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).expect("its bytes");
        (part.name().expect("a name").to_string(), bytes)
    };
    (0..count).map(&mut part).collect()
}

fn packed(parts: Vec<(String, Vec<u8>)>) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).expect("a part");
        archive.write_all(&bytes).expect("its bytes");
    }
    archive.finish().expect("an archive").into_inner()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_panics_on_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        read_all(&bytes);
    }

    #[test]
    fn nothing_panics_on_words_of_the_formats(words in proptest::collection::vec(prop_oneof![
        Just("BEGIN:VCALENDAR\n"), Just("BEGIN:VEVENT\r\n"), Just("END:VEVENT\n"), Just("BEGIN:VALARM\n"), Just("END:VALARM\n"),
        Just("DTSTART"), Just("DTEND"), Just("DURATION"), Just("SUMMARY"), Just("CATEGORIES"), Just(":"), Just(";"), Just("="),
        Just("TZID"), Just("VALUE=DATE"), Just("Europe/Berlin"), Just("20260501T090000"), Just("20260501"), Just("Z"),
        Just("PT1H"), Just("\\"), Just("\""), Just(","), Just("\n"), Just("\r\n "), Just("description"), Just("start"),
        Just("end"), Just("2026-05-01 09:00"), Just("é"), Just("\0"), Just("99999999999"),
    ], 0..200), begin in any::<bool>()) {
        let begin = if begin { "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" } else { "description,start,end\n" };
        let text = format!("{begin}{}", words.concat());
        // The place in a file is a number of items: reading it again has to give the same.
        prop_assert_eq!(read_all(text.as_bytes()), read_all(text.as_bytes()));
    }

    #[test]
    fn nothing_panics_on_a_workbook_that_was_tampered_with(
        part in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut parts = workbook();
        let part = part.index(parts.len());
        let bytes = &mut parts[part].1;
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let mut book = packed(parts);
        read_all(&book);
        book.truncate(at);
        read_all(&book);
    }
}
