//! Points in time and days as they are written in records and messages.
//!
//! In: text. Out: a [`Timestamp`] (RFC 3339 with its offset, as given) or a [`Date`] (`YYYY-MM-DD`), checked once and kept
//! as text, so that a record reads back to the same bytes. No clock is read here.
//!
//! Limits: years 0000–9999; a time without its offset is refused, because a message may cross time zones.

use std::time::SystemTime;

use chrono::{DateTime, FixedOffset, NaiveDate, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A text that is no time or no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// No RFC 3339 time.
    #[error("expected a time with its offset as RFC 3339 writes it (2025-01-02T10:30:00+01:00), found `{0}`")]
    Timestamp(String),
    /// No day.
    #[error("expected a day as YYYY-MM-DD, found `{0}`")]
    Date(String),
}

/// A point in time as RFC 3339 writes it, with its offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("format" = "date-time"))]
pub struct Timestamp {
    text: String,
    at: DateTime<FixedOffset>,
}

impl Timestamp {
    /// The time of a text.
    ///
    /// # Errors
    /// [`TimeError::Timestamp`].
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        // RFC 3339 leaves the letters' case and a space for the `T` to the writer; the readers of messages do not.
        let plain = text.len() > 10 && text.as_bytes()[10] == b'T' && !text.contains('z');
        match DateTime::parse_from_rfc3339(text) {
            Ok(at) if plain => Ok(Self { text: text.to_owned(), at }),
            _ => Err(TimeError::Timestamp(text.to_owned())),
        }
    }

    /// A time of the file system, in whole seconds of UTC; `None` outside the years 0000–9999.
    pub fn of_system(time: SystemTime) -> Option<Self> {
        Self::parse(&DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Secs, true)).ok()
    }

    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The point in time.
    pub fn at(&self) -> DateTime<FixedOffset> {
        self.at
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimeError;

    fn try_from(text: String) -> Result<Self, TimeError> {
        Self::parse(&text)
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.text
    }
}

/// A day as `YYYY-MM-DD`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("format" = "date"))]
pub struct Date(NaiveDate);

impl Date {
    /// The day of a text.
    ///
    /// # Errors
    /// [`TimeError::Date`].
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            // Only the one way of writing it: no signs, no missing zeros.
            Ok(day) if day.format("%Y-%m-%d").to_string() == text && text.len() == 10 => Ok(Self(day)),
            _ => Err(TimeError::Date(text.to_owned())),
        }
    }

    /// The day.
    pub fn day(&self) -> NaiveDate {
        self.0
    }
}

impl TryFrom<String> for Date {
    type Error = TimeError;

    fn try_from(text: String) -> Result<Self, TimeError> {
        Self::parse(&text)
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.0.format("%Y-%m-%d").to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_keeps_its_text_and_its_offset() {
        let time = Timestamp::parse("2025-01-02T10:30:00.250+01:00").expect("a time");
        assert_eq!(time.as_str(), "2025-01-02T10:30:00.250+01:00");
        assert_eq!(time.at(), Timestamp::parse("2025-01-02T09:30:00.25Z").expect("a time").at());
        let json = serde_json::to_string(&time).expect("plain text");
        assert_eq!(json, "\"2025-01-02T10:30:00.250+01:00\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&json).expect("own text"), time);
    }

    #[test]
    fn what_is_no_full_time_is_refused() {
        for wrong in [
            "",
            "2025-01-02",
            "2025-01-02T10:30:00",
            "2025-01-02 10:30:00Z",
            "2025-01-02t10:30:00z",
            "2025-02-30T10:30:00Z",
            "2025-01-02T25:30:00Z",
            "2025-01-02T10:30:00Z\r",
            "20250102103000",
        ] {
            assert_eq!(Timestamp::parse(wrong), Err(TimeError::Timestamp(wrong.to_owned())), "{wrong}");
        }
    }

    #[test]
    fn a_file_time_is_in_whole_seconds_of_utc() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_735_813_800_999);
        assert_eq!(Timestamp::of_system(time).expect("a time").as_str(), "2025-01-02T10:30:00Z");
    }

    #[test]
    fn a_day_is_written_in_one_way() {
        assert_eq!(String::from(Date::parse("1960-01-31").expect("a day")), "1960-01-31");
        for wrong in ["1960-1-31", "1960-02-30", "31.01.1960", "1960-01", "+1960-01-31", " 1960-01-31"] {
            assert_eq!(Date::parse(wrong), Err(TimeError::Date(wrong.to_owned())), "{wrong}");
        }
    }
}
