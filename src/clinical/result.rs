//! One laboratory result: value with comparator and unit, reference interval, flag, time.
//!
//! A comparator leaves a set of possible values. A cut-off is answered only where the whole set lies on one side of it:
//! `<50` is below 100 and says nothing about 30.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::analyte::{Analyte, CodedValue};
use super::unit::printed_unit;
use crate::time::Moment;

/// Comparator of a value, as FHIR and HL7 SN write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Comparator {
    /// Below the value.
    #[serde(rename = "<")]
    Less,
    /// At most the value.
    #[serde(rename = "<=")]
    LessOrEqual,
    /// At least the value.
    #[serde(rename = ">=")]
    GreaterOrEqual,
    /// Above the value.
    #[serde(rename = ">")]
    Greater,
}

impl Comparator {
    /// Sign; also the serde name.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        }
    }

    /// The comparator of a sign.
    pub fn from_sign(sign: &str) -> Option<Self> {
        [Self::Less, Self::LessOrEqual, Self::GreaterOrEqual, Self::Greater]
            .into_iter()
            .find(|comparator| comparator.sign() == sign)
    }
}

/// A number with its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// Comparator; `None` for an exact value.
    pub comparator: Option<Comparator>,
    /// Value in the unit as given.
    pub value: f64,
    /// Unit as given, as its UCUM code.
    pub unit: String,
    /// Value in the canonical unit of the analyte.
    pub canonical: f64,
    /// Canonical value = value × this.
    pub to_canonical: f64,
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
        let unit = printed_unit(&self.unit);
        let space = if unit.is_empty() { "" } else { " " };
        write!(f, "{}{space}{unit}", self.value)
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceOwner {
    /// Sent with the result.
    Laboratory,
    /// From the configuration.
    Configured,
    /// Built-in default for adults.
    BuiltIn,
}

impl ReferenceOwner {
    /// Words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Laboratory => "laboratory",
            Self::Configured => "configured",
            Self::BuiltIn => "built-in default",
        }
    }
}

/// A reference interval in the unit of its result.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceInterval {
    /// Lower limit.
    pub low: Option<f64>,
    /// Upper limit.
    pub high: Option<f64>,
    /// Lower limit in the canonical unit.
    pub canonical_low: Option<f64>,
    /// Upper limit in the canonical unit.
    pub canonical_high: Option<f64>,
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
#[derive(Debug, Clone, PartialEq)]
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

    /// The upper limit of the interval in the canonical unit, where it is the laboratory's own or configured.
    pub fn own_upper_limit(&self) -> Option<f64> {
        self.reference
            .as_ref()
            .filter(|reference| reference.owner != ReferenceOwner::BuiltIn)
            .and_then(|reference| reference.canonical_high)
    }
}

/// The flag of a value against its interval; `None` where the interval or the comparator does not tell.
pub fn flag(value: &LabValue, reference: Option<&ReferenceInterval>) -> Option<Flag> {
    let quantity = match value {
        LabValue::Coded(CodedValue::Negative) => return Some(Flag::Normal),
        LabValue::Coded(CodedValue::Undetectable) => return Some(Flag::Low),
        LabValue::Coded(_) => return Some(Flag::Abnormal),
        LabValue::Quantity(quantity) => quantity,
    };
    let reference = reference?;
    let low = reference.canonical_low.map(|low| quantity.is_below(low));
    let high = reference.canonical_high.map(|high| quantity.is_above(high));
    match (low, high) {
        (Some(Some(true)), _) => Some(Flag::Low),
        (_, Some(Some(true))) => Some(Flag::High),
        (None, None) | (Some(None), _) | (_, Some(None)) => None,
        _ => Some(Flag::Normal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(comparator: Option<Comparator>, value: f64) -> Quantity {
        Quantity { comparator, value, unit: "10*9/L".to_owned(), canonical: value, to_canonical: 1.0 }
    }

    #[test]
    fn an_exact_value_on_both_sides_of_a_cut() {
        let at = |value| quantity(None, value);
        assert_eq!((at(29.999).is_below(30.0), at(30.0).is_below(30.0)), (Some(true), Some(false)));
        assert_eq!((at(30.0).is_above(30.0), at(30.001).is_above(30.0)), (Some(false), Some(true)));
        assert_eq!((at(30.0).is_at_least(30.0), at(30.0).is_at_most(30.0)), (Some(true), Some(true)));
    }

    #[test]
    fn a_comparator_answers_only_what_it_tells() {
        use Comparator::{Greater, GreaterOrEqual, Less, LessOrEqual};
        let below = |comparator, value| quantity(Some(comparator), value).is_below(30.0);
        assert_eq!(below(Less, 30.0), Some(true));
        assert_eq!(below(LessOrEqual, 30.0), None);
        assert_eq!(below(Less, 50.0), None);
        assert_eq!(below(GreaterOrEqual, 30.0), Some(false));
        assert_eq!(below(Greater, 10.0), None);
        let above = |comparator, value| quantity(Some(comparator), value).is_above(30.0);
        assert_eq!(above(Greater, 30.0), Some(true));
        assert_eq!(above(GreaterOrEqual, 30.0), None);
        assert_eq!(above(LessOrEqual, 30.0), Some(false));
        assert_eq!(above(Less, 50.0), None);
    }

    #[test]
    fn flags_on_both_limits() {
        let reference = ReferenceInterval {
            low: Some(150.0),
            high: Some(400.0),
            canonical_low: Some(150.0),
            canonical_high: Some(400.0),
            owner: ReferenceOwner::BuiltIn,
            source: String::new(),
        };
        let of = |comparator, value| flag(&LabValue::Quantity(quantity(comparator, value)), Some(&reference));
        assert_eq!(
            [149.9, 150.0, 400.0, 400.1].map(|value| of(None, value)),
            [Some(Flag::Low), Some(Flag::Normal), Some(Flag::Normal), Some(Flag::High)]
        );
        assert_eq!(of(Some(Comparator::Less), 200.0), None);
        assert_eq!(of(Some(Comparator::Less), 20.0), Some(Flag::Low));
        assert_eq!(flag(&LabValue::Coded(CodedValue::Negative), None), Some(Flag::Normal));
        assert_eq!(flag(&LabValue::Quantity(quantity(None, 1.0)), None), None);
    }
}
