//! A day, with time of day and offset as far as they are known.
//!
//! Limits: two moments are put in order only where their precision allows it: one with and one without an offset have no order, nor
//! have a day and a time on that day.

use std::cmp::Ordering;
use std::fmt;

use jiff::civil::{self, DateTime, Time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::TimeError;

const SECONDS_OF_HOUR: f64 = 3600.0;
const SECONDS_OF_DAY: f64 = 24.0 * SECONDS_OF_HOUR;

/// A day, with time of day and offset where they are known; written as ISO 8601.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Moment {
    pub(super) date: civil::Date,
    pub(super) time: Option<Time>,
    pub(super) offset: Option<Offset>,
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
