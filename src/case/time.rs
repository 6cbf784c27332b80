//! Points in time and days as they are written in records and messages.
//!
//! In: text. Out: a [`Timestamp`] (RFC 3339 with its offset, as given) or a [`Date`] (`YYYY-MM-DD`), checked once and kept
//! as text, so that a record reads back to the same bytes. No clock is read here.
//!
//! Limits: years 0000–9999, at most nine decimals of a second; a time without its offset is refused, because a message may
//! cross time zones.

use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
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
    local: DateTime,
    offset: Offset,
    at: jiff::Timestamp,
}

impl Timestamp {
    /// The time of a text.
    ///
    /// # Errors
    /// [`TimeError::Timestamp`].
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let read = || {
            let pieces = is_full_time(text).then(|| Pieces::parse(text).ok())??;
            let (local, offset) = (DateTime::from_parts(pieces.date(), pieces.time()?), pieces.to_numeric_offset()?);
            Some(Self { text: text.to_owned(), local, offset, at: offset.to_timestamp(local).ok()? })
        };
        read().ok_or_else(|| TimeError::Timestamp(text.to_owned()))
    }

    /// A time of the file system, in whole seconds of UTC; `None` outside the years 0000–9999.
    pub fn of_system(time: SystemTime) -> Option<Self> {
        let at = jiff::Timestamp::try_from(time).ok()?;
        Self::parse(&jiff::Timestamp::from_second(at.as_second()).ok()?.to_string()).ok()
    }

    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The point in time.
    pub fn at(&self) -> jiff::Timestamp {
        self.at
    }

    /// Date and time of day where it was written.
    pub fn local(&self) -> DateTime {
        self.local
    }

    /// Offset of [`Self::local`] from UTC.
    pub fn offset(&self) -> Offset {
        self.offset
    }
}

/// `YYYY-MM-DDTHH:MM:SS[.S…](Z|±HH:MM)`, whatever the figures: RFC 3339 leaves the letters' case and a space for the `T`
/// to the writer, and readers of ISO 8601 take more forms; the readers of messages do not.
fn is_full_time(text: &str) -> bool {
    let Some((head, tail)) = text.split_at_checked(19) else { return false };
    let tail = match tail.strip_prefix('.') {
        Some(fraction) => {
            let rest = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
            if rest.len() == fraction.len() {
                return false;
            }
            rest
        }
        None => tail,
    };
    let offset = tail.strip_prefix(['+', '-']);
    // Offsets of a day and more are no offsets, though the reader below takes them.
    let hours_fit = |offset: &str| matches!(offset.get(..2).map(str::parse::<u8>), Some(Ok(0..=23)));
    is_shaped(head, "dddd-dd-ddTdd:dd:dd")
        && (tail == "Z" || offset.is_some_and(|o| is_shaped(o, "dd:dd") && hours_fit(o)))
}

/// Whether a text has this form, `d` for a digit.
fn is_shaped(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text
            .bytes()
            .zip(form.bytes())
            .all(|(byte, form)| if form == b'd' { byte.is_ascii_digit() } else { byte == form })
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
pub struct Date(jiff::civil::Date);

impl Date {
    /// The day of a text.
    ///
    /// # Errors
    /// [`TimeError::Date`].
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        // Only the one way of writing it: no signs, no missing zeros.
        let read = || if is_shaped(text, "dddd-dd-dd") { text.parse().ok() } else { None };
        read().map(Self).ok_or_else(|| TimeError::Date(text.to_owned()))
    }

    /// The day.
    pub fn day(&self) -> jiff::civil::Date {
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
        date.0.to_string()
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
            "2025-01-02T10:30:00.Z",
            "2025-01-02T10:30:00.0123456789Z",
            "2025-01-02T10:30:00+24:00",
            "2025-01-02T10:30:00+0100",
            "2025-01-02T10:30:00[UTC]",
            "2025-01-02T10:30:00+01:00[Europe/Paris]",
            "2025-01-02T10:30:0\u{e9}Z",
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
