//! Printed values: numbers as the reports for people write them. A no-break space joins a number to its percent sign.

use crate::case::PercentInterval;

/// What stands for an unknown value.
pub(crate) const UNKNOWN: &str = "not available";

/// Two decimals without the sign: `2.41`.
pub(crate) fn percent_digits(percent: f64) -> String {
    format!("{percent:.2}")
}

/// Two decimals: `2.41 %`.
pub(crate) fn percent(percent: f64) -> String {
    format!("{}\u{a0}%", percent_digits(percent))
}

/// As [`percent`], or [`UNKNOWN`].
pub(crate) fn percent_or_unknown(value: Option<f64>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), percent)
}

/// Both limits: `1.68–3.45 %`.
pub(crate) fn interval(interval: PercentInterval) -> String {
    format!("{}–{}", percent_digits(interval.low), percent(interval.high))
}

/// As [`interval`], or [`UNKNOWN`].
pub(crate) fn interval_or_unknown(value: Option<PercentInterval>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), interval)
}

/// Thousands grouped with a comma: `1,204`.
pub(crate) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count with its noun: `1 field`, `12 fields`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// Share of a whole, percent; `None` of an empty whole.
pub(crate) fn share_percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| 100.0 * part as f64 / whole as f64)
}

/// Three decimals; a probability under 1 is never shown as 1.
pub(crate) fn probability(value: f64) -> String {
    let text = format!("{value:.3}");
    if text == "1.000" && value < 1.0 { ">\u{a0}0.999".to_owned() } else { text }
}

/// Four significant digits, no exponent, no trailing zeros: for values of any size.
pub(crate) fn plain(value: f64) -> String {
    const SIGNIFICANT: i32 = 4;
    let magnitude = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    let decimals = (SIGNIFICANT - 1 - magnitude).clamp(0, 12) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Limits of a range, each where there is one: `0.1–0.5`, `≥ 0.1`, `≤ 0.5`, `none`.
pub(crate) fn range(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{}–{}", plain(low), plain(high)),
        (Some(low), None) => format!("≥ {}", plain(low)),
        (None, Some(high)) => format!("≤ {}", plain(high)),
        (None, None) => "none".to_owned(),
    }
}

/// As [`plain`], or [`UNKNOWN`].
pub(crate) fn plain_or_unknown(value: Option<f64>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_keep_two_decimals() {
        assert_eq!(percent(2.4086), "2.41\u{a0}%");
        assert_eq!(percent_or_unknown(None), "not available");
        assert_eq!(interval(PercentInterval { low: 0.0, high: 0.3827 }), "0.00–0.38\u{a0}%");
    }

    #[test]
    fn thousands_are_grouped() {
        let grouped: Vec<_> = [0, 999, 1_000, 1_234_567].into_iter().map(count).collect();
        assert_eq!(grouped, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((counted(1, "field"), counted(2, "field")), ("1 field".into(), "2 fields".into()));
    }

    #[test]
    fn ranges_name_the_side_that_is_limited() {
        let words = [(Some(122.0), Some(222.0)), (None, Some(1.2)), (Some(70.0), None), (None, None)]
            .map(|(low, high)| range(low, high));
        assert_eq!(words, ["122–222", "≤ 1.2", "≥ 70", "none"]);
    }

    #[test]
    fn near_certainty_is_not_certainty() {
        assert_eq!(probability(0.9994), "0.999");
        assert_eq!(probability(0.9996), ">\u{a0}0.999");
        assert_eq!(probability(1.0), "1.000");
    }

    #[test]
    fn values_of_any_size_keep_four_digits() {
        let plain: Vec<_> = [0.0, 0.12345, 12.5, 123456.7, 0.000123456, -3.0].into_iter().map(plain).collect();
        assert_eq!(plain, ["0", "0.1235", "12.5", "123457", "0.0001235", "-3"]);
    }
}
