//! Points in time and days, as far as they are known.
//!
//! In: ISO 8601 (`2025-01-02`, `2025-01-02T08:30`, `2025-01-02T08:30:00+01:00`) or an HL7 v2 time
//! (`YYYYMMDD[HH[MM[SS[.S…]]]][±ZZZZ]`). Out: a [`Moment`], which has the precision of the text; a [`Timestamp`], which must
//! have a time of day and an offset; or a [`Date`], which is a day alone.
//!
//! METHOD: a [`Timestamp`] keeps its text, so that a record reads back to the same bytes. A time without an offset is
//! refused there, because a message may cross time zones.
//!
//! Limits: no clock is read but by [`Timestamp::now`], for what a person does now. Years are 0000–9999, and a second has at most nine decimals. Two moments are put in order only
//! where their precision allows it: one with and one without an offset have no order, nor have a day and a time on that day.

mod error;
mod moment;
mod timestamp;

pub use error::TimeError;
pub use moment::Moment;
pub use timestamp::{Date, Timestamp};

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;
    use std::time::{Duration, SystemTime};

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
