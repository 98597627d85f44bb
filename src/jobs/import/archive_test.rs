//! Archives that mean harm.

use super::*;
use std::io::{Cursor, Write as _};
use zip::{ZipWriter, write::SimpleFileOptions};

const SMALL: Limits = Limits { parts: 3, bytes: 10_000, texts: 5_000, elements: 100 };

fn archive(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).expect("a part");
        zip.write_all(bytes).expect("its bytes");
    }
    zip.finish().expect("an archive").into_inner()
}

fn look(parts: &[(&str, Vec<u8>)]) -> Result<(), String> {
    check(Cursor::new(archive(parts)), SMALL).map_err(|broken| broken.0)
}

const LARGE: &str = "the workbook is too large when unpacked";

#[test]
fn a_bomb_is_counted_while_it_is_unpacked_and_never_kept() {
    assert_eq!(look(&[("a", vec![0; 6_000]), ("b", vec![0; 4_000])]), Ok(()));
    assert_eq!(look(&[("a", vec![0; 6_000]), ("b", vec![0; 4_001])]), Err(LARGE.into()), "together");
    assert_eq!(look(&[("a", vec![]), ("b", vec![]), ("c", vec![]), ("d", vec![])]), Err(LARGE.into()), "parts");
    let bomb = archive(&[("xl/worksheets/sheet1.xml", vec![b' '; 2 << 20])]);
    assert!(bomb.len() < 10_000, "it is small");
    assert_eq!(check(Cursor::new(bomb), SMALL), Err(Broken::because(LARGE)));
}

#[test]
fn the_texts_may_neither_be_nor_claim_to_be_too_many() {
    let texts = |text: &str| look(&[("xl/SharedStrings.xml", text.as_bytes().to_vec())]);
    assert_eq!(texts("<sst count='90' uniqueCount=\"90\"><si><t>a</t></si></sst>"), Ok(()));
    for many in ["101", "99999999999999999999999", "000000000101"] {
        for claim in [format!("uniqueCount=\"{many}\""), format!("uniqueCount \n = \t '{many}'")] {
            assert_eq!(texts(&format!("<sst {claim}>")), Err(LARGE.into()), "{claim}");
        }
    }
    assert_eq!(texts(&"<si/>".repeat(101)), Err(LARGE.into()));
    assert_eq!(texts(&"a".repeat(5_001)), Err(LARGE.into()));
    let utf_16: String = "<sst uniqueCount".chars().flat_map(|c| [c, '\0']).collect();
    assert_eq!(texts(&utf_16), Err("the workbook's texts are not in UTF-8".into()));
}

#[test]
fn what_is_no_archive_is_no_workbook() {
    let whole = archive(&[("a", b"some text that is packed".repeat(50))]);
    for bytes in [&b""[..], b"PK\x03\x04", &whole[..whole.len() / 2]] {
        assert!(check(Cursor::new(bytes.to_vec()), LIMITS).is_err());
    }
    let mut damaged = whole;
    damaged[40] ^= 0xff;
    assert!(check(Cursor::new(damaged), LIMITS).is_err());
}
