//! One laboratory result: value with comparator and unit, reference interval, flag, time. Numbers are read here as
//! laboratories write them in text: `24`, `<8`, `>= 1500`, `150-400`.
//!
//! A comparator leaves a set of possible values. A cut-off is answered only where the whole set lies on one side of it:
//! `<50` is below 100 and says nothing about 30.
//!
//! Limits: numbers have a decimal point, no comma, no exponent, no grouping, no sign; any other text is no number.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::analyte::{Analyte, CodedValue};
use super::unit::with_unit;
use crate::time::Moment;

/// Comparator of a value, as FHIR and HL7 SN write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, EnumString, IntoStaticStr)]
pub enum Comparator {
    /// Below the value.
    #[serde(rename = "<")]
    #[strum(serialize = "<")]
    Less,
    /// At most the value.
    #[serde(rename = "<=")]
    #[strum(serialize = "<=")]
    LessOrEqual,
    /// At least the value.
    #[serde(rename = ">=")]
    #[strum(serialize = ">=")]
    GreaterOrEqual,
    /// Above the value.
    #[serde(rename = ">")]
    #[strum(serialize = ">")]
    Greater,
}

impl Comparator {
    /// Sign; also the serde name.
    pub fn sign(self) -> &'static str {
        self.into()
    }

    /// The comparator of a sign.
    pub fn from_sign(sign: &str) -> Option<Self> {
        sign.parse().ok()
    }
}

/// A number in plain digits; `None` for anything else.
pub fn plain_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && decimals.is_empty() || !digits(whole) || !digits(decimals) || text.len() > 24 {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A number with an optional comparator in front.
pub fn compared_number(text: &str) -> Option<(Option<Comparator>, f64)> {
    let text = text.trim().replace('≤', "<=").replace('≥', ">=");
    let number = text.trim_start_matches(['<', '>', '=']);
    let sign = &text[..text.len() - number.len()];
    let comparator = if sign.is_empty() { None } else { Some(Comparator::from_sign(sign)?) };
    Some((comparator, plain_number(number)?))
}

/// Limits of a reference interval: `150-400`, `<=1.2`, `> 70`, `150 to 400`.
pub fn interval_limits(text: &str) -> Option<(Option<f64>, Option<f64>)> {
    let text = text.trim().trim_matches(['(', ')', '[', ']']).replace('–', "-").replace(" to ", "-");
    if let Some((low, high)) = text.split_once('-') {
        let (low, high) = (plain_number(low)?, plain_number(high)?);
        return (low <= high).then_some((Some(low), Some(high)));
    }
    match compared_number(&text)? {
        (Some(Comparator::Less | Comparator::LessOrEqual), high) => Some((None, Some(high))),
        (Some(Comparator::Greater | Comparator::GreaterOrEqual), low) => Some((Some(low), None)),
        (None, _) => None,
    }
}

/// A number with its unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    /// Comparator; `None` for an exact value.
    pub comparator: Option<Comparator>,
    /// Value in the unit as given.
    pub value: f64,
    /// Unit as given, as its UCUM code.
    pub unit: String,
    /// Value in the canonical unit of the analyte.
    pub canonical: f64,
}

impl Quantity {
    /// Whether the value is below a cut-off in the canonical unit; `None` where the comparator leaves it open.
    pub fn is_below(&self, cut: f64) -> Option<bool> {
        match self.comparator {
            None => Some(self.canonical < cut),
            Some(Comparator::Less) if self.canonical <= cut => Some(true),
            Some(Comparator::LessOrEqual) if self.canonical < cut => Some(true),
            Some(Comparator::GreaterOrEqual | Comparator::Greater) if self.canonical >= cut => Some(false),
            Some(_) => None,
        }
    }

    /// Whether the value is above a cut-off in the canonical unit; `None` where the comparator leaves it open.
    pub fn is_above(&self, cut: f64) -> Option<bool> {
        match self.comparator {
            None => Some(self.canonical > cut),
            Some(Comparator::Greater) if self.canonical >= cut => Some(true),
            Some(Comparator::GreaterOrEqual) if self.canonical > cut => Some(true),
            Some(Comparator::Less | Comparator::LessOrEqual) if self.canonical <= cut => Some(false),
            Some(_) => None,
        }
    }

    /// Whether the value is at or above a cut-off in the canonical unit.
    pub fn is_at_least(&self, cut: f64) -> Option<bool> {
        self.is_below(cut).map(|below| !below)
    }

    /// Whether the value is at or below a cut-off in the canonical unit.
    pub fn is_at_most(&self, cut: f64) -> Option<bool> {
        self.is_above(cut).map(|above| !above)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(comparator) = self.comparator {
            write!(f, "{} ", comparator.sign())?;
        }
        f.write_str(&with_unit(self.value, &self.unit))
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabValue {
    /// A number.
    Quantity(Quantity),
    /// A word.
    Coded(CodedValue),
}

impl fmt::Display for LabValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantity(quantity) => quantity.fmt(f),
            Self::Coded(coded) => coded.fmt(f),
        }
    }
}

/// Whose reference interval it is. The laboratory's own goes before a configured one, that before the built-in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum ReferenceOwner {
    /// Sent with the result.
    Laboratory,
    /// From the configuration.
    Configured,
    /// Built-in default for adults.
    #[strum(serialize = "built-in default")]
    BuiltIn,
}

impl ReferenceOwner {
    /// Words for people.
    pub fn words(self) -> &'static str {
        self.into()
    }
}

/// A limit of a reference interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// In the unit of the result.
    pub shown: f64,
    /// In the canonical unit.
    pub canonical: f64,
}

/// The reference interval of a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferenceInterval {
    /// Lower limit.
    pub low: Option<Limit>,
    /// Upper limit.
    pub high: Option<Limit>,
    /// Whose it is.
    pub owner: ReferenceOwner,
    /// Where it is from.
    pub source: String,
}

/// Where a value lies against its interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Below the lower limit.
    Low,
    /// Within the interval, or negative.
    Normal,
    /// Above the upper limit.
    High,
    /// A word that is not the expected one.
    Abnormal,
}

impl Flag {
    /// Letter of HL7 table 0078.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Low => "L",
            Self::Normal => "N",
            Self::High => "H",
            Self::Abnormal => "A",
        }
    }

    /// The flag of a value against its interval; `None` where the interval or the comparator does not tell.
    pub fn of(value: &LabValue, reference: Option<&ReferenceInterval>) -> Option<Self> {
        let quantity = match value {
            LabValue::Coded(CodedValue::Negative) => return Some(Self::Normal),
            LabValue::Coded(CodedValue::Undetectable) => return Some(Self::Low),
            LabValue::Coded(_) => return Some(Self::Abnormal),
            LabValue::Quantity(quantity) => quantity,
        };
        let reference = reference?;
        let low = reference.low.map(|low| quantity.is_below(low.canonical));
        let high = reference.high.map(|high| quantity.is_above(high.canonical));
        match (low, high) {
            (Some(Some(true)), _) => Some(Self::Low),
            (_, Some(Some(true))) => Some(Self::High),
            (None, None) | (Some(None), _) | (_, Some(None)) => None,
            _ => Some(Self::Normal),
        }
    }
}

/// How far a result has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResultStatus {
    /// Not yet final.
    Preliminary,
    /// Final.
    #[default]
    Final,
    /// Replaces a final result.
    Corrected,
}

/// One result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LabResult {
    /// What was measured.
    pub analyte: Analyte,
    /// Value.
    pub value: LabValue,
    /// Reference interval; `None` where there is none.
    pub reference: Option<ReferenceInterval>,
    /// The interval as it was sent where it could not be read; then none stands in for it.
    pub unread_reference: Option<String>,
    /// Where the value lies against it.
    pub flag: Option<Flag>,
    /// Time of collection.
    pub collected_at: Option<Moment>,
    /// Whether the sample was drawn before plasma was given; asked for ADAMTS13 alone.
    pub before_plasma: Option<bool>,
    /// Status.
    pub status: ResultStatus,
}

impl LabResult {
    /// The number, where it is one.
    pub fn quantity(&self) -> Option<&Quantity> {
        match &self.value {
            LabValue::Quantity(quantity) => Some(quantity),
            LabValue::Coded(_) => None,
        }
    }

    /// The word, where it is one.
    pub fn coded(&self) -> Option<CodedValue> {
        match self.value {
            LabValue::Quantity(_) => None,
            LabValue::Coded(coded) => Some(coded),
        }
    }

    /// The lower limit of the interval in the canonical unit.
    pub fn lower_limit(&self) -> Option<f64> {
        Some(self.reference.as_ref()?.low?.canonical)
    }

    /// The upper limit of the interval in the canonical unit.
    pub fn upper_limit(&self) -> Option<f64> {
        Some(self.reference.as_ref()?.high?.canonical)
    }

    /// The upper limit, where it is the laboratory's own or configured.
    pub fn own_upper_limit(&self) -> Option<f64> {
        let built_in = self.reference.as_ref()?.owner == ReferenceOwner::BuiltIn;
        self.upper_limit().filter(|_| !built_in)
    }
}

#[cfg(test)]
mod tests {
    use Comparator::{Greater, GreaterOrEqual, Less, LessOrEqual};

    use super::*;

    fn quantity(comparator: Option<Comparator>, value: f64) -> Quantity {
        Quantity { comparator, value, unit: "10*9/L".to_owned(), canonical: value }
    }

    #[test]
    fn plain_numbers_alone_are_read() {
        assert_eq!(["24", "0.5", ".5", "7."].map(plain_number), [Some(24.0), Some(0.5), Some(0.5), Some(7.0)]);
        for text in ["", ".", "-1", "+1", "1e5", "NaN", "inf", "2,4", "1 000", "0x10", "1.2.3", "12 fL"] {
            assert_eq!(plain_number(text), None, "{text}");
        }
    }

    #[test]
    fn comparators_stand_in_front() {
        assert_eq!(compared_number("<8"), Some((Some(Less), 8.0)));
        assert_eq!(compared_number(" >= 1500 "), Some((Some(GreaterOrEqual), 1500.0)));
        assert_eq!(compared_number("≤ 5"), Some((Some(LessOrEqual), 5.0)));
        assert_eq!(compared_number("24"), Some((None, 24.0)));
        for text in ["<>8", "=8", "8<", "<", "≤"] {
            assert_eq!(compared_number(text), None, "{text}");
        }
    }

    #[test]
    fn intervals_have_one_or_two_limits() {
        assert_eq!(interval_limits("150-400"), Some((Some(150.0), Some(400.0))));
        assert_eq!(interval_limits(" 0.59 – 1.04 "), Some((Some(0.59), Some(1.04))));
        assert_eq!(interval_limits("<=1.2"), Some((None, Some(1.2))));
        assert_eq!(interval_limits(">70"), Some((Some(70.0), None)));
        for text in ["400-150", "negative", "see comment", "5", "1-2-3"] {
            assert_eq!(interval_limits(text), None, "{text}");
        }
    }

    /// An exact value on both sides of a cut-off, and a comparator that answers only what it tells.
    #[test]
    fn a_value_lies_below_or_above_a_cut_off_of_thirty() {
        for (comparator, value, below, above) in [
            (None, 29.999, Some(true), Some(false)),
            (None, 30.0, Some(false), Some(false)),
            (None, 30.001, Some(false), Some(true)),
            (Some(Less), 30.0, Some(true), Some(false)),
            (Some(LessOrEqual), 30.0, None, Some(false)),
            (Some(Less), 50.0, None, None),
            (Some(GreaterOrEqual), 30.0, Some(false), None),
            (Some(Greater), 30.0, Some(false), Some(true)),
            (Some(Greater), 10.0, None, None),
        ] {
            let quantity = quantity(comparator, value);
            assert_eq!((quantity.is_below(30.0), quantity.is_above(30.0)), (below, above), "{quantity}");
        }
        let at_cut = quantity(None, 30.0);
        assert_eq!((at_cut.is_at_least(30.0), at_cut.is_at_most(30.0)), (Some(true), Some(true)));
    }

    #[test]
    fn flags_on_both_limits() {
        let limit = |value| Some(Limit { shown: value, canonical: value });
        let owner = ReferenceOwner::BuiltIn;
        let reference = ReferenceInterval { low: limit(150.0), high: limit(400.0), owner, source: String::new() };
        for (comparator, value, flag) in [
            (None, 149.9, Some(Flag::Low)),
            (None, 150.0, Some(Flag::Normal)),
            (None, 400.0, Some(Flag::Normal)),
            (None, 400.1, Some(Flag::High)),
            (Some(Less), 200.0, None),
            (Some(Less), 20.0, Some(Flag::Low)),
        ] {
            let value = LabValue::Quantity(quantity(comparator, value));
            assert_eq!(Flag::of(&value, Some(&reference)), flag, "{value}");
        }
        assert_eq!(Flag::of(&LabValue::Coded(CodedValue::Negative), None), Some(Flag::Normal));
        assert_eq!(Flag::of(&LabValue::Quantity(quantity(None, 1.0)), None), None);
    }
}
