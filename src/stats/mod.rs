//! Checked numbers and the statistics of a proportion. Plain numbers; no word of smears.

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
}
