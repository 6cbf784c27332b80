//! A point in time with its offset, and a day, each with the text that it was read from.

use std::time::{Duration, SystemTime};

use jiff::civil::{self, DateTime};
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::TimeError;
use super::moment::Moment;

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

    /// The time of the clock on the wall, in whole milliseconds, with the offset that the system is set to; `None` outside
    /// the years 0000–9999. Never for a result: only what a person does now has this time.
    pub fn now() -> Option<Self> {
        let now = jiff::ZonedDateTime::now();
        let text = format!("{}{}", now.strftime("%Y-%m-%dT%H:%M:%S%.3f"), now.strftime("%:z"));
        Self::parse(&text).ok()
    }

    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The point in time.
    pub fn at(&self) -> jiff::Timestamp {
        self.at
    }

    /// The point in time as the file system has it, in whole seconds.
    pub fn system(&self) -> SystemTime {
        let seconds = Duration::from_secs(self.at.as_second().unsigned_abs());
        if self.at.as_second() < 0 { SystemTime::UNIX_EPOCH - seconds } else { SystemTime::UNIX_EPOCH + seconds }
    }

    /// Date and time of day where it was written.
    pub fn local(&self) -> DateTime {
        self.local
    }

    /// Offset of [`Self::local`] from UTC.
    pub fn offset(&self) -> Offset {
        self.offset
    }

    /// The same time beside others of any precision.
    pub fn moment(&self) -> Moment {
        Moment { date: self.local.date(), time: Some(self.local.time()), offset: Some(self.offset) }
    }
}

/// Whether a text has the form `YYYY-MM-DDTHH:MM:SS[.S…](Z|±HH:MM)`. RFC 3339 also allows small letters and a space for the
/// `T`, and readers of ISO 8601 take more forms, but readers of messages do not.
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
    // The reader behind this check takes offsets of a day and more, which are none.
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
pub struct Date(civil::Date);

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
    pub fn day(&self) -> civil::Date {
        self.0
    }

    /// The same day beside moments of any precision.
    pub fn moment(&self) -> Moment {
        Moment { date: self.0, time: None, offset: None }
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
