//! Points in time as the contract writes them: RFC 3339, UTC, milliseconds (CONTRACT 1).

mod digits;

use chrono::{DateTime, Datelike as _, NaiveDateTime, SecondsFormat, SubsecRound, Utc};
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::Pg,
    serialize::{self, IsNull, Output, ToSql},
    sql_types::Timestamp,
    sqlite::Sqlite,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, ops::Add, str::FromStr, time::Duration};

/// A point in time, in whole milliseconds, UTC; a `TIMESTAMP` in both databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Timestamp)]
pub struct Time(NaiveDateTime);

impl Time {
    /// Now, by the system's clock.
    #[must_use]
    pub fn now() -> Self {
        Self::from(Utc::now())
    }

    /// Seconds since 1970 (UTC), rounded down.
    #[must_use]
    pub fn unix(self) -> i64 {
        self.0.and_utc().timestamp()
    }

    /// How long it is from here until `later`; nothing when that is past.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        (later.0 - self.0).to_std().unwrap_or_default()
    }

    /// This much later (or earlier, if negative); saturates at the ends of the calendar.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        let later = chrono::TimeDelta::try_seconds(seconds).and_then(|delta| self.0.checked_add_signed(delta));
        Self(later.unwrap_or(if seconds < 0 { NaiveDateTime::MIN } else { NaiveDateTime::MAX }))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    /// This much later; saturates at the end of the calendar.
    fn add(self, duration: Duration) -> Self {
        let later = chrono::TimeDelta::from_std(duration).ok().and_then(|delta| self.0.checked_add_signed(delta));
        Self(later.unwrap_or(NaiveDateTime::MAX).trunc_subsecs(3))
    }
}

impl Time {
    /// It, if it can be written as RFC 3339 writes times: years 0 to 9999.
    #[must_use]
    pub fn writable(time: DateTime<Utc>) -> Option<Self> {
        (0..=9999).contains(&time.year()).then(|| Self::from(time))
    }
}

/// Text that is no time, or none that could be written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time such as 2026-01-31T09:00:00.000Z")]
pub struct NotATime;

impl FromStr for Time {
    type Err = NotATime;
    fn from_str(text: &str) -> Result<Self, NotATime> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| NotATime)?;
        // In UTC it may lie in the year before 0 or after 9999.
        Self::writable(time.with_timezone(&Utc)).ok_or(NotATime)
    }
}

impl From<DateTime<Utc>> for Time {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.naive_utc().trunc_subsecs(3))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match digits::write(self.0, b'T') {
            Some(digits) => write!(f, "{}Z", str::from_utf8(&digits).unwrap_or_default()),
            None => f.write_str(&self.0.and_utc().to_rfc3339_opts(SecondsFormat::Millis, true)),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for Time {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A time: RFC 3339, UTC, milliseconds.",
            "type": "string",
            "format": "date-time",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        })
    }
}

impl ToSql<Timestamp, Sqlite> for Time {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        match digits::stored(self.0) {
            Some(text) => {
                out.set_value(text);
                Ok(IsNull::No)
            }
            None => ToSql::<Timestamp, Sqlite>::to_sql(&self.0, out),
        }
    }
}

impl ToSql<Timestamp, Pg> for Time {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Timestamp, Pg>::to_sql(&self.0, out)
    }
}

impl FromSql<Timestamp, Sqlite> for Time {
    fn from_sql(mut raw: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        match digits::read(raw.read_text()) {
            Some(time) => Ok(Self(time)),
            None => FromSql::<Timestamp, Sqlite>::from_sql(raw).map(Self),
        }
    }
}

impl FromSql<Timestamp, Pg> for Time {
    fn from_sql(raw: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Timestamp, Pg>::from_sql(raw).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_utc_with_milliseconds_whatever_zone_it_came_in() {
        let time: Time = serde_json::from_str("\"2026-03-01T10:00:00.123456+01:00\"").expect("a time");
        assert_eq!(serde_json::to_string(&time).expect("json"), "\"2026-03-01T09:00:00.123Z\"");
    }

    #[test]
    fn a_time_that_could_not_be_written_again_is_refused() {
        for text in ["0000-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "2026-13-01T00:00:00Z", "tomorrow"] {
            assert!(serde_json::from_value::<Time>(text.into()).is_err(), "{text}");
        }
    }
}
