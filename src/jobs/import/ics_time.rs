//! Times of iCalendar: UTC, with a time zone, floating, and whole days. What has no zone of its own
//! (floating times, whole days) is taken as UTC: a server has no "local" to follow.

use super::row::quote;
use crate::time::Time;
use chrono::{DateTime, LocalResult, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use icalendar::{CalendarDateTime, Component as _, DatePerhapsTime, Event, Property};

/// A point in time, and whether it is a whole day.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    at: DateTime<Utc>,
    whole_day: bool,
}

impl Point {
    /// `None` where RFC 3339 can't write it.
    pub fn time(self) -> Option<Time> {
        Time::writable(self.at)
    }
}

/// The time in a property; `None` when there is no such property.
///
/// # Errors
/// Why it can't be read.
pub fn point(event: &Event, name: &str) -> Result<Option<Point>, String> {
    let Some(property) = event.properties().get(name) else { return Ok(None) };
    let no_time = || format!("{} is no iCalendar time", quote(property.value()));
    Ok(Some(match DatePerhapsTime::from_property(property).ok_or_else(no_time)? {
        DatePerhapsTime::Date(day) => Point { at: day.and_time(NaiveTime::MIN).and_utc(), whole_day: true },
        DatePerhapsTime::DateTime(time) => Point { at: in_utc(time, property)?, whole_day: false },
    }))
}

/// When the event ends: `DTEND`, or `DURATION` after its start, or with its day. `Ok(None)`: beyond
/// the calendar.
///
/// # Errors
/// Why it can't be known.
pub fn end(event: &Event, start: Point) -> Result<Option<Time>, String> {
    if let Some(end) = point(event, "DTEND")? {
        return Ok(end.time());
    }
    let lasts = match event.properties().get("DURATION") {
        Some(property) => {
            let no_duration = || format!("{} is no iCalendar duration", quote(property.value()));
            duration(property.value()).ok_or_else(no_duration)?
        }
        None if start.whole_day => TimeDelta::days(1),
        None => return Err("there is neither DTEND nor DURATION".into()),
    };
    Ok(start.at.checked_add_signed(lasts).and_then(Time::writable))
}

fn in_utc(time: CalendarDateTime, property: &Property) -> Result<DateTime<Utc>, String> {
    match time {
        CalendarDateTime::Utc(time) => Ok(time),
        CalendarDateTime::Floating(time) => Ok(time.and_utc()),
        CalendarDateTime::WithTimezone { date_time, tzid } => {
            let zone = zone(&tzid).ok_or_else(|| format!("{} is no known time zone", quote(&tzid)))?;
            instant(zone, date_time).ok_or_else(|| format!("{} is no time there", quote(property.value())))
        }
    }
}

/// The zone of this name. Some programs write a path before the name
/// (`/freeassociation.sourceforge.net/Europe/Berlin`), some those of Windows.
fn zone(tzid: &str) -> Option<Tz> {
    let mut name = tzid.trim();
    if let Some((_, known)) = WINDOWS.iter().find(|(windows, _)| windows.eq_ignore_ascii_case(name)) {
        return known.parse().ok();
    }
    loop {
        if let Ok(zone) = name.parse() {
            return Some(zone);
        }
        (_, name) = name.split_once('/')?;
    }
}

/// A clock that is set back shows some times twice: the first is meant; one that is set forward
/// leaves some out: they are read with the offset before (RFC 5545, 3.3.5).
fn instant(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Some(time.to_utc()),
        LocalResult::None => {
            let before = local.checked_sub_signed(TimeDelta::days(1))?;
            let before = zone.from_local_datetime(&before).earliest()?;
            before.to_utc().checked_add_signed(TimeDelta::days(1))
        }
    }
}

/// `PT1H30M`, `P2D`, `P1W`: never negative, and bounded, since an end follows a start.
fn duration(text: &str) -> Option<TimeDelta> {
    let text = text.trim();
    let mut rest = text.strip_prefix('+').unwrap_or(text).strip_prefix(['P', 'p'])?;
    let (mut seconds, mut in_time, mut parts) = (0_i64, false, 0);
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix(['T', 't']).filter(|_| !in_time) {
            (in_time, rest) = (true, time);
            continue;
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = rest.split_at(digits);
        let mut unit = unit.chars();
        let each = match (unit.next()?.to_ascii_uppercase(), in_time) {
            ('W', false) => 7 * 86_400,
            ('D', false) => 86_400,
            ('H', true) => 3_600,
            ('M', true) => 60,
            ('S', true) => 1,
            _ => return None,
        };
        seconds = number.parse::<i64>().ok()?.checked_mul(each)?.checked_add(seconds)?;
        rest = unit.as_str();
        parts += 1;
    }
    if parts == 0 { None } else { TimeDelta::try_seconds(seconds) }
}

/// What Outlook and Exchange call the zones (Unicode CLDR, windowsZones): those of most people.
const WINDOWS: [(&str, &str); 42] = [
    ("UTC", "Etc/UTC"),
    ("GMT Standard Time", "Europe/London"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("Romance Standard Time", "Europe/Paris"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("FLE Standard Time", "Europe/Kiev"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("W. Central Africa Standard Time", "Africa/Lagos"),
    ("E. Africa Standard Time", "Africa/Nairobi"),
    ("Morocco Standard Time", "Africa/Casablanca"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Iran Standard Time", "Asia/Tehran"),
    ("Pakistan Standard Time", "Asia/Karachi"),
    ("India Standard Time", "Asia/Calcutta"),
    ("Bangladesh Standard Time", "Asia/Dhaka"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("China Standard Time", "Asia/Shanghai"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("Taipei Standard Time", "Asia/Taipei"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("W. Australia Standard Time", "Australia/Perth"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("E. Australia Standard Time", "Australia/Brisbane"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Mountain Standard Time", "America/Denver"),
    ("Central Standard Time", "America/Chicago"),
    ("Eastern Standard Time", "America/New_York"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Argentina Standard Time", "America/Buenos_Aires"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_nonsense_is_not() {
        for (text, seconds) in
            [("PT1H30M", 5400), ("P1W", 604_800), ("P2DT5S", 172_805), ("+PT0S", 0), ("P1DT", 86_400)]
        {
            assert_eq!(duration(text).map(|delta| delta.num_seconds()), Some(seconds), "{text}");
        }
        for text in ["", "P", "PT", "-P1D", "P1Y", "P1H", "PT1D", "PTH", "PT5", "P99999999999999999W", "1H"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn every_name_of_a_zone_is_known() {
        for (windows, name) in WINDOWS {
            assert!(zone(windows).is_some(), "{windows}: {name}");
        }
        assert_eq!(zone("/freeassociation.sourceforge.net/Europe/Berlin"), Some(Tz::Europe__Berlin));
        assert_eq!(zone("Europe/Atlantis"), None);
        assert_eq!(zone(""), None);
    }

    #[test]
    fn a_clock_that_is_set_back_means_the_first_and_one_set_forward_the_offset_before() {
        let local = |text| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a time");
        let utc = |text| instant(Tz::Europe__Berlin, local(text)).map(|time| time.to_rfc3339());
        assert_eq!(utc("2026-10-25 02:30").as_deref(), Some("2026-10-25T00:30:00+00:00"));
        assert_eq!(utc("2026-03-29 02:30").as_deref(), Some("2026-03-29T01:30:00+00:00"));
    }
}
