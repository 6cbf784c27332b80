//! Checked numbers and the statistics of counts, agreement and ranking. Plain numbers; no word of smears.
//!
//! Fractions are 0–1. A figure that is not defined for its input is `None`, never 0 or not-a-number. Every interval is
//! two-sided at 95 %.

pub mod agreement;
pub mod bootstrap;
pub mod median;
pub mod prevalence;
pub mod proportion;
pub mod scores;
pub mod sequential;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub struct Probability(f64);

/// A number that is no probability.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("expected a probability from 0 to 1, found {0}")]
pub struct NotAProbability(pub f64);

impl Probability {
    /// Checked: finite and from 0 to 1.
    ///
    /// # Errors
    /// [`NotAProbability`] otherwise.
    pub fn new(value: f64) -> Result<Self, NotAProbability> {
        if (0.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(NotAProbability(value)) }
    }

    /// The number.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = NotAProbability;
    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value)
    }
}

impl From<Probability> for f64 {
    fn from(value: Probability) -> Self {
        value.0
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A closed interval of a proportion, 0–1, with `low` ≤ `high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    low: f64,
    high: f64,
}

impl Interval {
    /// Checked: finite, ordered, clipped to 0–1. `None` where a limit is no number or they are out of order.
    pub fn new(low: f64, high: f64) -> Option<Self> {
        (low.is_finite() && high.is_finite() && low <= high)
            .then(|| Self { low: low.clamp(0.0, 1.0), high: high.clamp(0.0, 1.0) })
    }

    /// Lower limit, 0–1.
    pub fn low(&self) -> f64 {
        self.low
    }

    /// Upper limit, 0–1.
    pub fn high(&self) -> f64 {
        self.high
    }

    /// Smallest interval that holds both.
    pub fn union(&self, other: &Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probability_takes_its_limits_and_refuses_what_lies_beyond() {
        assert_eq!(Probability::new(0.0).map(Probability::value), Ok(0.0));
        assert_eq!(Probability::new(1.0).map(Probability::value), Ok(1.0));
        assert_eq!(Probability::new(1.0 + 1e-12), Err(NotAProbability(1.0 + 1e-12)));
        assert!(Probability::new(f64::NAN).is_err());
    }

    #[test]
    fn interval_is_ordered_and_clipped() {
        let interval = Interval::new(-0.2, 0.4).expect("ordered");
        assert_eq!((interval.low(), interval.high()), (0.0, 0.4));
        assert_eq!(Interval::new(0.4, 0.3), None);
        assert_eq!(Interval::new(f64::NAN, 0.3), None);
    }

    #[test]
    fn union_spans_both_intervals() {
        let (a, b) = (Interval::new(0.1, 0.2).expect("ordered"), Interval::new(0.15, 0.4).expect("ordered"));
        assert_eq!(a.union(&b), Interval::new(0.1, 0.4).expect("ordered"));
    }
}
