//! Numbers as the reports for people write them. A no-break space joins a number to its sign of percent.

use crate::case::PercentInterval;

/// What stands for an unknown value.
pub(super) const UNKNOWN: &str = "not available";

/// Two decimals without the sign: `2.41`.
pub(super) fn percent_digits(percent: f64) -> String {
    format!("{percent:.2}")
}

/// Two decimals: `2.41 %`.
pub(super) fn percent(percent: f64) -> String {
    format!("{}\u{a0}%", percent_digits(percent))
}

/// As [`percent`], or [`UNKNOWN`].
pub(super) fn percent_or_unknown(value: Option<f64>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), percent)
}

/// Both limits: `1.68–3.45 %`.
pub(super) fn interval(interval: PercentInterval) -> String {
    format!("{}–{}", percent_digits(interval.low), percent(interval.high))
}

/// As [`interval`], or [`UNKNOWN`].
pub(super) fn interval_or_unknown(value: Option<PercentInterval>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), interval)
}

/// Thousands grouped with a comma: `1,204`.
pub(super) fn count(count: u64) -> String {
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
pub(super) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// Share of a whole, percent; `None` of an empty whole.
pub(super) fn share_percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| 100.0 * part as f64 / whole as f64)
}

/// Three decimals; a probability under 1 is never shown as 1.
pub(super) fn probability(value: f64) -> String {
    let text = format!("{value:.3}");
    if text == "1.000" && value < 1.0 { ">\u{a0}0.999".to_owned() } else { text }
}

/// Four significant digits, no exponent, no trailing zeros: for figures of any size.
pub(super) fn plain(value: f64) -> String {
    const SIGNIFICANT: i32 = 4;
    let magnitude = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    let decimals = (SIGNIFICANT - 1 - magnitude).clamp(0, 12) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// As [`plain`], or [`UNKNOWN`].
pub(super) fn plain_or_unknown(value: Option<f64>) -> String {
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
    fn near_certainty_is_not_certainty() {
        assert_eq!(probability(0.9994), "0.999");
        assert_eq!(probability(0.9996), ">\u{a0}0.999");
        assert_eq!(probability(1.0), "1.000");
    }

    #[test]
    fn figures_of_any_size_keep_four_digits() {
        let plain: Vec<_> = [0.0, 0.12345, 12.5, 123456.7, 0.000123456, -3.0].into_iter().map(plain).collect();
        assert_eq!(plain, ["0", "0.1235", "12.5", "123457", "0.0001235", "-3"]);
    }
}
