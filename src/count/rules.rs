//! The rules that place a schistocyte percentage: reference limits, fewest red cells, state, context.
//!
//! In: counts and an interval, fractions 0–1. Out: a [`State`] and a [`Context`].
//! Source: the ICSH recommendations on schistocytes (Zini et al., Int J Lab Hematol 2012, 34:107–116, and the update of
//! 2021, 43:1264–1271).
//!
//! Limits: a state says where the percentage lies. It is no diagnosis, and `not_above` excludes nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::smear::AgeGroup;
use crate::stats::Interval;

/// Fewest red cells for a percentage (ICSH 2012 and 2021: "at least 1000 red cells").
pub const DEFAULT_MIN_CELLS: u64 = 1000;

/// Reference limit of adults, fraction: above 1 % is suspicious for thrombotic microangiopathy (ICSH 2021).
pub const ADULT_THRESHOLD: f64 = 0.01;

/// Reference limit of newborns at term, fraction: as adults (ICSH 2021).
pub const TERM_NEONATE_THRESHOLD: f64 = 0.01;

/// Reference limit of newborns before term, fraction: healthy ones reach 5 % (ICSH 2021).
pub const PRETERM_NEONATE_THRESHOLD: f64 = 0.05;

/// Reference limit of an age group, fraction. A value on the limit is not above it ("more than 1 %").
pub fn threshold(age_group: AgeGroup) -> f64 {
    match age_group {
        AgeGroup::Adult => ADULT_THRESHOLD,
        AgeGroup::TermNeonate => TERM_NEONATE_THRESHOLD,
        AgeGroup::PretermNeonate => PRETERM_NEONATE_THRESHOLD,
    }
}

/// Where the percentage lies against the threshold. Data, not a diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The whole interval lies above the threshold.
    Above,
    /// The whole interval lies at or below the threshold.
    NotAbove,
    /// The interval includes the threshold.
    Indeterminate,
    /// Fewer red cells than the minimum.
    Insufficient,
    /// No field, or no field of sufficient quality, or no red cell.
    NotAssessable,
}

impl State {
    /// Name as written in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::NotAbove => "not_above",
            Self::Indeterminate => "indeterminate",
            Self::Insufficient => "insufficient",
            Self::NotAssessable => "not_assessable",
        }
    }

    /// State of `red_cells` counted cells with the interval of their schistocyte fraction, `None` without a red cell.
    ///
    /// METHOD: the interval decides, not the value. At 1000 cells the interval of an observed 1.0 % spans 0.5–1.8 %, so
    /// a state by the value alone would turn over in four of ten repeats.
    pub fn of(red_cells: u64, min_cells: u64, interval: Option<Interval>, threshold: f64) -> Self {
        match interval {
            None => Self::NotAssessable,
            Some(_) if red_cells < min_cells => Self::Insufficient,
            Some(interval) if interval.low() > threshold => Self::Above,
            Some(interval) if interval.high() <= threshold => Self::NotAbove,
            Some(_) => Self::Indeterminate,
        }
    }
}

/// Whether schistocytes are the main change of shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Context {
    /// No other abnormal shape outnumbers them.
    SchistocytesPredominate,
    /// Other abnormal shapes outnumber schistocytes: a percentage is not specific (ICSH).
    MixedPoikilocytosis,
    /// No schistocyte was counted.
    NoSchistocytes,
}

impl Context {
    /// Name as written in files; also the serde name.
    pub fn name(self) -> &'static str {
        match self {
            Self::SchistocytesPredominate => "schistocytes_predominate",
            Self::MixedPoikilocytosis => "mixed_poikilocytosis",
            Self::NoSchistocytes => "no_schistocytes",
        }
    }

    /// Context of the counts. All other abnormal shapes together are weighed against the schistocytes; a tie is not
    /// "outnumbered".
    pub fn of(schistocytes: u64, other_abnormal: u64) -> Self {
        match schistocytes {
            0 => Self::NoSchistocytes,
            _ if other_abnormal > schistocytes => Self::MixedPoikilocytosis,
            _ => Self::SchistocytesPredominate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(low: f64, high: f64) -> Option<Interval> {
        Some(Interval::new(low, high).expect("ordered"))
    }

    #[test]
    fn limits_by_age() {
        assert_eq!(AgeGroup::ALL.map(threshold), [0.01, 0.01, 0.05]);
    }

    #[test]
    fn state_on_both_sides_of_the_threshold() {
        let state = |low, high| State::of(1000, 1000, interval(low, high), 0.01);
        assert_eq!(state(0.010_001, 0.03), State::Above);
        assert_eq!(state(0.01, 0.03), State::Indeterminate);
        assert_eq!(state(0.002, 0.010_001), State::Indeterminate);
        assert_eq!(state(0.002, 0.01), State::NotAbove);
    }

    #[test]
    fn fewest_cells_on_both_sides() {
        assert_eq!(State::of(999, 1000, interval(0.02, 0.03), 0.01), State::Insufficient);
        assert_eq!(State::of(1000, 1000, interval(0.02, 0.03), 0.01), State::Above);
        assert_eq!(State::of(0, 0, None, 0.01), State::NotAssessable);
    }

    #[test]
    fn context_on_both_sides_of_a_tie() {
        assert_eq!(Context::of(10, 10), Context::SchistocytesPredominate);
        assert_eq!(Context::of(10, 11), Context::MixedPoikilocytosis);
        assert_eq!(Context::of(0, 11), Context::NoSchistocytes);
    }

    #[test]
    fn state_names_are_the_serde_names() {
        for state in [State::Above, State::NotAbove, State::Indeterminate, State::Insufficient, State::NotAssessable] {
            assert_eq!(serde_json::to_value(state).expect("plain enum"), state.name());
        }
    }

    #[test]
    fn context_names_are_the_serde_names() {
        for context in [Context::SchistocytesPredominate, Context::MixedPoikilocytosis, Context::NoSchistocytes] {
            assert_eq!(serde_json::to_value(context).expect("plain enum"), context.name());
        }
    }
}
