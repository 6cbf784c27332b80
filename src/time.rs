//! Points in time and days, as far as they are known.
//!
//! In: ISO 8601 (`2025-01-02`, `2025-01-02T08:30`, `2025-01-02T08:30:00+01:00`) or an HL7 v2 time
//! (`YYYYMMDD[HH[MM[SS[.S…]]]][±ZZZZ]`). Out: a [`Moment`], which has the precision of the text; a [`Timestamp`], which must
//! have a time of day and an offset; or a [`Date`], which is a day alone.
//!
//! METHOD: a [`Timestamp`] keeps its text, so that a record reads back to the same bytes. A time without an offset is
//! refused there, because a message may cross time zones.
//!
//! Limits: no clock is read. Years are 0000–9999, and a second has at most nine decimals. Two moments are put in order only
//! where their precision allows it: one with and one without an offset have no order, nor have a day and a time on that day.

use std::cmp::Ordering;
use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::civil::{self, DateTime, Time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const SECONDS_OF_HOUR: f64 = 3600.0;
const SECONDS_OF_DAY: f64 = 24.0 * SECONDS_OF_HOUR;

/// A day, with time of day and offset where they are known; written as ISO 8601.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Moment {
    date: civil::Date,
    time: Option<Time>,
    offset: Option<Offset>,
}

impl Moment {
    /// Reads ISO 8601.
    pub fn from_iso(text: &str) -> Option<Self> {
        let pieces = Pieces::parse(text.trim()).ok()?;
        if pieces.time_zone_annotation().is_some() {
            return None;
        }
        let (date, time) = (pieces.date(), pieces.time());
        let offset = pieces.to_numeric_offset();
        (time.is_some() || offset.is_none()).then_some(Self { date, time, offset })
    }

    /// Reads an HL7 v2 time (DTM, or the first component of TS) with at least a day.
    pub fn from_hl7(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.is_ascii() {
            return None;
        }
        let (local, offset) = match text.find(['+', '-']) {
            Some(at) => (&text[..at], Some(hl7_offset(&text[at..])?)),
            None => (text, None),
        };
        let (digits, fraction) = local.split_once('.').unwrap_or((local, ""));
        let part = |from: usize, to: usize| -> Option<i16> {
            let part = digits.get(from..to)?;
            part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
        };
        let date =
            civil::Date::new(part(0, 4)?, i8::try_from(part(4, 6)?).ok()?, i8::try_from(part(6, 8)?).ok()?).ok()?;
        let small = |from: usize| i8::try_from(part(from, from + 2)?).ok();
        let time = match digits.len() {
            8 => None,
            10 => Some((small(8)?, 0, 0)),
            12 => Some((small(8)?, small(10)?, 0)),
            14 => Some((small(8)?, small(10)?, small(12)?)),
            _ => return None,
        };
        if !fraction.is_empty() && digits.len() != 14 || time.is_none() && offset.is_some() {
            return None;
        }
        let time = match time {
            None => None,
            Some((hour, minute, second)) => Some(Time::new(hour, minute, second, nanoseconds(fraction)?).ok()?),
        };
        Some(Self { date, time, offset })
    }

    /// The day alone, `YYYY-MM-DD`.
    pub fn day(&self) -> String {
        self.date.to_string()
    }

    /// The order of two moments; `None` where their precision does not tell.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        match (self.time, other.time) {
            (Some(own), Some(others)) => match (self.offset, other.offset) {
                (Some(own_offset), Some(others_offset)) => {
                    let instant =
                        |date, time, offset: Offset| offset.to_timestamp(DateTime::from_parts(date, time)).ok();
                    Some(instant(self.date, own, own_offset)?.cmp(&instant(other.date, others, others_offset)?))
                }
                (None, None) => Some((self.date, own).cmp(&(other.date, others))),
                _ => None,
            },
            (None, None) => Some(self.date.cmp(&other.date)),
            _ => (self.date != other.date).then(|| self.date.cmp(&other.date)),
        }
    }

    /// Hours from another moment to this one: the least and the most that their precision allows. Two offsets are compared
    /// as points in time; without one, both are read on one clock.
    pub fn hours_after(&self, other: &Self) -> (f64, f64) {
        let offsets = self.offset.zip(other.offset);
        let seconds = |moment: &Self, offset: Option<Offset>| {
            let start = DateTime::from_parts(moment.date, moment.time.unwrap_or(Time::midnight()));
            let shift = offset.map_or(0, Offset::seconds);
            let days = start.date().duration_since(civil::Date::ZERO).as_secs_f64();
            let of_day = start.time().duration_since(Time::midnight()).as_secs_f64();
            let length = if moment.time.is_some() { 0.0 } else { SECONDS_OF_DAY };
            let first = days + of_day - f64::from(shift);
            (first, first + length)
        };
        let own = seconds(self, offsets.map(|(own, _)| own));
        let others = seconds(other, offsets.map(|(_, others)| others));
        ((own.0 - others.1) / SECONDS_OF_HOUR, (own.1 - others.0) / SECONDS_OF_HOUR)
    }

    /// Completed years from a date of birth to this moment; `None` where the birth lies after it.
    pub fn completed_years_since(&self, birth: &Self) -> Option<u32> {
        let (born, now) = (birth.date, self.date);
        let before_birthday = (now.month(), now.day()) < (born.month(), born.day());
        u32::try_from(i32::from(now.year()) - i32::from(born.year()) - i32::from(before_birthday)).ok()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

impl TryFrom<String> for Moment {
    type Error = TimeError;

    fn try_from(text: String) -> Result<Self, TimeError> {
        Self::from_iso(&text).ok_or(TimeError::Moment(text))
    }
}

/// `±ZZZZ` as an offset.
fn hl7_offset(text: &str) -> Option<Offset> {
    let digits = &text[1..];
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    if minutes > 59 {
        return None;
    }
    let seconds = 3600 * hours + 60 * minutes;
    Offset::from_seconds(if text.starts_with('-') { -seconds } else { seconds }).ok()
}

/// Decimals of a second, at most nine digits, as nanoseconds.
fn nanoseconds(fraction: &str) -> Option<i32> {
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{fraction:0<9}").parse().ok()
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date)?;
        if let Some(time) = self.time {
            write!(f, "T{time}")?;
        }
        match self.offset {
            Some(offset) => {
                let minutes = offset.seconds() / 60;
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
            None => Ok(()),
        }
    }
}

/// Why a text is no time or no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// It is no RFC 3339 time.
    #[error("expected a time with its offset as RFC 3339 writes it (2025-01-02T10:30:00+01:00), found `{0}`")]
    Timestamp(String),
    /// It is no day, with or without a time.
    #[error("expected a day or a time as ISO 8601 writes it (2025-01-02 or 2025-01-02T08:30), found `{0}`")]
    Moment(String),
    /// It is no day.
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn iso(text: &str) -> Moment {
        Moment::from_iso(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn both_spellings_give_the_same_moment() {
        for (hl7, text) in [
            ("20250102", "2025-01-02"),
            ("2025010208", "2025-01-02T08:00:00"),
            ("202501020830", "2025-01-02T08:30:00"),
            ("20250102083007", "2025-01-02T08:30:07"),
            ("20250102083007+0100", "2025-01-02T08:30:07+01:00"),
            ("202501020830-0430", "2025-01-02T08:30:00-04:30"),
        ] {
            let moment = Moment::from_hl7(hl7).unwrap_or_else(|| panic!("{hl7}"));
            assert_eq!(moment.to_string(), text);
            assert_eq!(iso(text), moment);
        }
        assert_eq!(iso("2025-01-02T08:30:00Z").to_string(), "2025-01-02T08:30:00+00:00");
        assert_eq!(Moment::from_hl7("20250102083007.25"), Some(iso("2025-01-02T08:30:07.25")));
        let time = Timestamp::parse("2025-01-02T08:30:07.5Z").expect("a time");
        assert_eq!(time.moment(), iso(time.as_str()));
        assert_eq!(Date::parse("2025-01-02").expect("a day").moment(), iso("2025-01-02"));
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in ["", "2025", "202501", "20250230", "2025010225", "20250102+0100", "20250102083007+01", "2025010é"]
        {
            assert_eq!(Moment::from_hl7(text), None, "{text}");
        }
        for text in ["", "2025", "2025-01", "2025-02-30", "yesterday", "2025-01-02T08:30[Europe/Paris]"] {
            assert_eq!(Moment::from_iso(text), None, "{text}");
        }
    }

    #[test]
    fn order_needs_the_same_precision() {
        let order = |a: &str, b: &str| iso(a).order(&iso(b));
        assert_eq!(order("2025-01-02", "2025-01-03"), Some(Ordering::Less));
        assert_eq!(order("2025-01-02T09:00:00+02:00", "2025-01-02T08:30:00+01:00"), Some(Ordering::Less));
        assert_eq!(order("2025-01-02T09:00:00+02:00", "2025-01-02T08:00:00+01:00"), Some(Ordering::Equal));
        assert_eq!(order("2025-01-02T09:00", "2025-01-02T08:30"), Some(Ordering::Greater));
        assert_eq!(order("2025-01-02", "2025-01-02T08:30"), None);
        assert_eq!(order("2025-01-01", "2025-01-02T08:30"), Some(Ordering::Less));
        assert_eq!(order("2025-01-02T08:30", "2025-01-02T08:30:00+01:00"), None);
    }

    #[test]
    fn hours_between_moments_keep_their_precision() {
        let hours = |a: &str, b: &str| iso(a).hours_after(&iso(b));
        assert_eq!(hours("2025-01-03T09:00:00+02:00", "2025-01-02T08:30:00+01:00"), (23.5, 23.5));
        assert_eq!(hours("2025-01-02T09:00:00", "2025-01-02T10:00:00+01:00"), (-1.0, -1.0));
        assert_eq!(hours("2025-01-02", "2025-01-02T08:00:00+01:00"), (-8.0, 16.0));
        assert_eq!(hours("2024-12-31", "2025-01-02"), (-72.0, -24.0));
    }

    #[test]
    fn age_turns_over_on_the_birthday() {
        let age = |now: &str| iso(now).completed_years_since(&iso("1961-03-14"));
        assert_eq!(age("2025-03-13"), Some(63));
        assert_eq!(age("2025-03-14T00:10:00"), Some(64));
        assert_eq!(age("1961-03-14"), Some(0));
        assert_eq!(age("1960-12-31"), None);
    }

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
        let all = "|2025-01-02|2025-01-02T10:30:00|2025-01-02 10:30:00Z|2025-01-02t10:30:00z|2025-02-30T10:30:00Z|\
            2025-01-02T25:30:00Z|2025-01-02T10:30:00Z\r|20250102103000|2025-01-02T10:30:00.Z|\
            2025-01-02T10:30:00.0123456789Z|2025-01-02T10:30:00+24:00|2025-01-02T10:30:00+0100|\
            2025-01-02T10:30:00[UTC]|2025-01-02T10:30:00+01:00[Europe/Paris]|2025-01-02T10:30:0\u{e9}Z";
        for wrong in all.split('|') {
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

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,30}") {
            if let Some(moment) = Moment::from_iso(&text) {
                prop_assert_eq!(Moment::from_iso(&moment.to_string()), Some(moment));
            }
            let _ = Moment::from_hl7(&text);
        }
    }
}
