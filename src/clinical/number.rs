//! Numbers as laboratories write them in text: `24`, `<8`, `>= 1500`, `150-400`.
//!
//! Limits: a decimal point, no comma, no exponent, no grouping, no sign; what is not exactly that is refused by the
//! reader.

use super::result::Comparator;

/// A number in plain digits; `None` for anything else.
pub(super) fn plain(text: &str) -> Option<f64> {
    let text = text.trim();
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && decimals.is_empty() || !digits(whole) || !digits(decimals) || text.len() > 24 {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A number with an optional comparator in front.
pub(super) fn compared(text: &str) -> Option<(Option<Comparator>, f64)> {
    let text = text.trim().replace('≤', "<=").replace('≥', ">=");
    let number = text.trim_start_matches(['<', '>', '=']);
    let sign = &text[..text.len() - number.len()];
    let comparator = if sign.is_empty() { None } else { Some(Comparator::from_sign(sign)?) };
    Some((comparator, plain(number)?))
}

/// Limits of a reference interval: `150-400`, `<=1.2`, `> 70`, `150 to 400`.
pub(super) fn interval(text: &str) -> Option<(Option<f64>, Option<f64>)> {
    let text = text.trim().trim_matches(['(', ')', '[', ']']).replace('–', "-").replace(" to ", "-");
    if let Some((low, high)) = text.split_once('-') {
        let (low, high) = (plain(low)?, plain(high)?);
        return (low <= high).then_some((Some(low), Some(high)));
    }
    match compared(&text)? {
        (Some(Comparator::Less | Comparator::LessOrEqual), high) => Some((None, Some(high))),
        (Some(Comparator::Greater | Comparator::GreaterOrEqual), low) => Some((Some(low), None)),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_numbers_alone_are_read() {
        assert_eq!(["24", "0.5", ".5", "7."].map(plain), [Some(24.0), Some(0.5), Some(0.5), Some(7.0)]);
        for text in ["", ".", "-1", "+1", "1e5", "NaN", "inf", "2,4", "1 000", "0x10", "1.2.3", "12 fL"] {
            assert_eq!(plain(text), None, "{text}");
        }
    }

    #[test]
    fn comparators_stand_in_front() {
        assert_eq!(compared("<8"), Some((Some(Comparator::Less), 8.0)));
        assert_eq!(compared(" >= 1500 "), Some((Some(Comparator::GreaterOrEqual), 1500.0)));
        assert_eq!(compared("≤ 5"), Some((Some(Comparator::LessOrEqual), 5.0)));
        assert_eq!(compared("24"), Some((None, 24.0)));
        for text in ["<>8", "=8", "8<", "<", "≤"] {
            assert_eq!(compared(text), None, "{text}");
        }
    }

    #[test]
    fn intervals_have_one_or_two_limits() {
        assert_eq!(interval("150-400"), Some((Some(150.0), Some(400.0))));
        assert_eq!(interval(" 0.59 – 1.04 "), Some((Some(0.59), Some(1.04))));
        assert_eq!(interval("<=1.2"), Some((None, Some(1.2))));
        assert_eq!(interval(">70"), Some((Some(70.0), None)));
        for text in ["400-150", "negative", "see comment", "5", "1-2-3"] {
            assert_eq!(interval(text), None, "{text}");
        }
    }
}
