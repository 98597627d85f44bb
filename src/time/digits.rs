//! The digits of a time, written and read without a format string: a change writes ten of them, and going by
//! the directives of `%F %T%.f` each time costs more than all else that is done with a time.

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, Timelike as _};

/// `2026-01-31 09:00:00.000`
pub(super) const LENGTH: usize = 23;
/// The same without `.000`.
const WHOLE: usize = 19;

/// The digits with milliseconds, `between` date and time of day. `None` for what has other digits: a year before 0
/// or after 9999, a leap second.
pub(super) fn write(time: NaiveDateTime, between: u8) -> Option<[u8; LENGTH]> {
    let year = u32::try_from(time.year()).ok().filter(|year| *year <= 9999)?;
    let millis = Some(time.nanosecond() / 1_000_000).filter(|millis| *millis <= 999)?;
    let mut text = *b"0000-00-00 00:00:00.000";
    text[10] = between;
    put(&mut text[0..4], year);
    put(&mut text[5..7], time.month());
    put(&mut text[8..10], time.day());
    put(&mut text[11..13], time.hour());
    put(&mut text[14..16], time.minute());
    put(&mut text[17..19], time.second());
    put(&mut text[20..23], millis);
    Some(text)
}

/// The digits as Diesel writes them into SQLite: no milliseconds where there are none.
pub(super) fn stored(time: NaiveDateTime) -> Option<String> {
    let text = write(time, b' ')?;
    let length = if text.ends_with(b".000") { WHOLE } else { LENGTH };
    String::from_utf8(text[..length].to_vec()).ok()
}

/// Reads what [`stored`] wrote. `None` for anything else, whether it is a time or not.
pub(super) fn read(text: &str) -> Option<NaiveDateTime> {
    let text = text.as_bytes();
    let millis = match text.len() {
        WHOLE => 0,
        LENGTH if text[19] == b'.' => get(&text[20..23])?,
        _ => return None,
    };
    if [text[4], text[7], text[10], text[13], text[16]] != *b"-- ::" {
        return None;
    }
    let year = i32::try_from(get(&text[0..4])?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, get(&text[5..7])?, get(&text[8..10])?)?;
    date.and_hms_milli_opt(get(&text[11..13])?, get(&text[14..16])?, get(&text[17..19])?, millis)
}

fn put(to: &mut [u8], mut number: u32) {
    for digit in to.iter_mut().rev() {
        // Below ten: it fits.
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn get(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, SecondsFormat, SubsecRound as _};
    use proptest::prelude::*;

    /// What Diesel writes into SQLite.
    const DIESELS: &str = "%F %T%.f";
    /// The first and the last second of the years 0 to 9999.
    const YEARS: std::ops::Range<i64> = -62_167_219_200..253_402_300_800;

    fn at(seconds: i64, millis: u32) -> NaiveDateTime {
        DateTime::from_timestamp(seconds, millis * 1_000_000).expect("a time").naive_utc()
    }

    proptest! {
        #[test]
        fn every_time_is_written_and_read_as_chrono_does(seconds in YEARS, millis in prop_oneof![Just(0), 0..1000_u32]) {
            let time = at(seconds, millis);
            let text = stored(time).expect("a year of four digits");
            prop_assert_eq!(&text, &time.format(DIESELS).to_string());
            prop_assert_eq!(read(&text), Some(time));
            let mut wire = write(time, b'T').expect("a year of four digits").to_vec();
            wire.push(b'Z');
            prop_assert_eq!(wire, time.and_utc().to_rfc3339_opts(SecondsFormat::Millis, true).into_bytes());
        }

        #[test]
        fn what_is_read_at_all_is_read_as_chrono_does(text in "[0-9]{4}-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{2,4})?[Z+]?") {
            if let Some(time) = read(&text) {
                prop_assert_eq!(NaiveDateTime::parse_from_str(&text, DIESELS), Ok(time));
            }
        }
    }

    #[test]
    fn what_has_other_digits_is_left_to_others() {
        let leap = NaiveDate::from_ymd_opt(2016, 12, 31).and_then(|day| day.and_hms_milli_opt(23, 59, 59, 1_500));
        let others = [NaiveDateTime::MIN, NaiveDateTime::MAX, leap.expect("a leap second")];
        for time in others.into_iter().chain([at(YEARS.start - 1, 0), at(YEARS.end, 0)]) {
            assert_eq!(stored(time.trunc_subsecs(3)), None, "{time}");
        }
    }
}
