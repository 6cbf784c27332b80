//! The rules that place a schistocyte percentage: reference limits, fewest red cells, the two limits of the true share, state,
//! context.
//!
//! In: counts, the named intervals of the called share and what is known of the model's errors, fractions 0–1. Out: a
//! [`Placing`], a [`State`] and a [`Context`].
//! Source: the ICSH recommendations on schistocytes (Zini et al., Int J Lab Hematol 2012, 34:107–116, and the update of
//! 2021, 43:1264–1271).
//!
//! Method of the limits:
//!
//! * low = the lesser of (lowest lower limit − upper limit of the floor) / (upper limit of the sensitivity) and the lower limit
//!   of the corrected share;
//! * high = the greater of the highest upper limit and the upper limit of the corrected share.
//!
//! METHOD: both are statements about the true share, so what could have made the count larger is taken off the lower
//! limit and what could have made it smaller is added to the upper one. The lower limit is divided by the *greatest* plausible
//! sensitivity, 1 where none is stated: a model that finds every schistocyte leaves the true share lowest. The upper limit
//! needs the corrected one: a model that misses four of ten reads 0.6 % where there is 1 %.
//!
//! METHOD: without a floor there is no lower limit. A model whose false calls nobody counted may read 2 % in every healthy
//! film. In the same way there is no upper limit without a sensitivity.
//!
//! Limits: a state says where the percentage lies. It is no diagnosis, and `not_above` excludes nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::shapes::{OtherShapes, beyond_floor};
use crate::smear::AgeGroup;
use crate::stats::Interval;
use crate::stats::prevalence::CorrectedPrevalence;

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

/// The intervals of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum IntervalName {
    /// Wilson score interval of the called share.
    Wilson,
    /// Percentile bootstrap over fields of the called share.
    FieldBootstrap,
    /// Interval of the called share that holds at every look of the stop rule.
    Sequential,
    /// What other pictures of the same film would read; only where it is wider than the error of counting.
    Repeatability,
    /// Share corrected for the errors of the model.
    Corrected,
    /// From what a person read as schistocyte up to what may be one.
    Reviewed,
}

impl IntervalName {
    /// Every name, in the order of the reports.
    pub const ALL: [Self; 6] = *Self::VARIANTS.first_chunk().expect("as many as there are");

    /// Name as written in files; also the serde name.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A limit and the interval that it comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlacingLimit {
    /// The limit, fraction.
    pub fraction: f64,
    /// The interval.
    pub of: IntervalName,
}

/// What a count is placed by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placing {
    /// The true share is at least this; `None` where the floor is not known.
    pub low: Option<PlacingLimit>,
    /// The true share is at most this; `None` where the sensitivity is not known.
    pub high: Option<PlacingLimit>,
}

/// What is known of the model's errors in this film.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct KnownErrors<'a> {
    /// Upper limit of the share called in films without schistocytes.
    pub(super) floor_high: Option<f64>,
    /// Upper limit of the sensitivity.
    pub(super) sensitivity_high: Option<f64>,
    /// The corrected share.
    pub(super) corrected: Option<&'a CorrectedPrevalence>,
    /// Whether other abnormal shapes outnumber schistocytes: false calls are then more than in healthy films, and only the
    /// corrected share allows for that.
    pub(super) mixed: bool,
}

impl Placing {
    /// Of the named intervals of the called share; both limits are missing without an interval.
    pub(super) fn of(intervals: &[(IntervalName, Interval)], errors: &KnownErrors<'_>) -> Self {
        let corrected = errors.corrected.map(|corrected| corrected.interval);
        let of = |fraction: f64, of: IntervalName| PlacingLimit { fraction, of };
        // The first of equals names the limit.
        let lowest = intervals.iter().map(|(name, limits)| of(limits.low(), *name)).reduce(lesser);
        let highest = intervals.iter().map(|(name, limits)| of(limits.high(), *name)).reduce(greater);
        let low = lowest.zip(errors.floor_high).map(|(lowest, floor)| PlacingLimit {
            fraction: ((lowest.fraction - floor) / errors.sensitivity_high.unwrap_or(1.0)).clamp(0.0, 1.0),
            of: lowest.of,
        });
        let low = match (low, corrected) {
            (Some(low), Some(corrected)) => Some(lesser(low, of(corrected.low(), IntervalName::Corrected))),
            (_, None) if errors.mixed => None,
            (low, _) => low,
        };
        let corrected = corrected.map(|corrected| of(corrected.high(), IntervalName::Corrected));
        Self { low, high: highest.zip(corrected).map(|(highest, corrected)| greater(highest, corrected)) }
    }
}

fn lesser(one: PlacingLimit, other: PlacingLimit) -> PlacingLimit {
    if other.fraction < one.fraction { other } else { one }
}

fn greater(one: PlacingLimit, other: PlacingLimit) -> PlacingLimit {
    if other.fraction > one.fraction { other } else { one }
}

/// Where the percentage lies against the threshold. Data, not a diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// The true share is above the threshold, the errors of the model and of the sample allowed for.
    Above,
    /// The true share is at or below the threshold, the errors of the model and of the sample allowed for.
    NotAbove,
    /// Neither can be said.
    Indeterminate,
    /// Fewer red cells than the minimum.
    Insufficient,
    /// No field, or no field of sufficient quality, or no red cell.
    NotAssessable,
}

impl State {
    /// Name as written in files.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// State of `red_cells` counted cells with the limits that place them, `None` without a red cell.
    ///
    /// METHOD: the limits decide, not the value. At 1000 cells the interval of an observed 1.0 % spans 0.5–1.8 %, so
    /// a state by the value alone would turn over in four of ten repeats. A limit that is not known decides nothing.
    pub fn of(red_cells: u64, min_cells: u64, placing: Option<&Placing>, threshold: f64) -> Self {
        let Some(placing) = placing else { return Self::NotAssessable };
        match (placing.low, placing.high) {
            _ if red_cells < min_cells => Self::Insufficient,
            (Some(low), _) if low.fraction > threshold => Self::Above,
            (_, Some(high)) if high.fraction <= threshold => Self::NotAbove,
            _ => Self::Indeterminate,
        }
    }
}

/// Whether schistocytes are the main change of shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Context {
    /// No other abnormal shape outnumbers them.
    SchistocytesPredominate,
    /// Other abnormal shapes outnumber schistocytes: a percentage is not specific (ICSH).
    MixedPoikilocytosis,
    /// Schistocytes were called, but not surely more than in a healthy film.
    WithinModelError,
    /// The model does not tell: it has no stated floor of schistocytes or of another shape.
    NotAssessed,
    /// No schistocyte was counted.
    NoSchistocytes,
}

/// Schistocytes as a context sees them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalledSchistocytes {
    /// Called cells.
    pub cells: u64,
    /// Counted red cells.
    pub red_cells: u64,
    /// Lower limit of their share.
    pub low: f64,
    /// Share called in healthy films and its upper limit, where both are known.
    pub floor: Option<(f64, f64)>,
}

impl Context {
    /// Every context.
    pub const ALL: [Self; 5] = *Self::VARIANTS.first_chunk().expect("as many as there are");

    /// Name as written in files; also the serde name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Context of the counts.
    ///
    /// METHOD: a comparison of shapes is made only where the film shows any: schistocytes whose lower limit lies above the
    /// upper limit of their floor, other shapes by the same rule for each class. Both sides are weighed without the cells
    /// that their floors predict; all other shapes together stand against the schistocytes, and a tie is not
    /// "outnumbered". Without a floor for every shape nobody can say that schistocytes predominate.
    pub fn of(called: &CalledSchistocytes, others: &OtherShapes) -> Self {
        let Some((floor, floor_high)) = called.floor.filter(|_| called.cells > 0) else {
            return if called.cells == 0 { Self::NoSchistocytes } else { Self::NotAssessed };
        };
        if called.low <= floor_high {
            return Self::WithinModelError;
        }
        match others.beyond_floors > beyond_floor(called.cells, called.red_cells, floor) {
            true => Self::MixedPoikilocytosis,
            false if others.assessed => Self::SchistocytesPredominate,
            false => Self::NotAssessed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use IntervalName::{Corrected, FieldBootstrap, Sequential, Wilson};

    fn placing(low: Option<f64>, high: Option<f64>) -> Placing {
        let limit = |fraction| PlacingLimit { fraction, of: IntervalName::Wilson };
        Placing { low: low.map(limit), high: high.map(limit) }
    }

    #[test]
    fn limits_by_age() {
        assert_eq!(AgeGroup::ALL.map(threshold), [0.01, 0.01, 0.05]);
    }

    #[test]
    fn state_on_both_sides_of_the_threshold() {
        let state = |low, high| State::of(1000, 1000, Some(&placing(Some(low), Some(high))), 0.01);
        assert_eq!(state(0.010_001, 0.03), State::Above);
        assert_eq!(state(0.01, 0.03), State::Indeterminate);
        assert_eq!(state(0.002, 0.010_001), State::Indeterminate);
        assert_eq!(state(0.002, 0.01), State::NotAbove);
    }

    #[test]
    fn a_limit_that_is_not_known_decides_nothing() {
        let state = |low, high| State::of(1000, 1000, Some(&placing(low, high)), 0.01);
        assert_eq!(state(Some(0.0), None), State::Indeterminate);
        assert_eq!(state(Some(0.02), None), State::Above);
        assert_eq!(state(None, Some(0.03)), State::Indeterminate);
        assert_eq!(state(None, Some(0.01)), State::NotAbove);
        assert_eq!(state(None, None), State::Indeterminate);
    }

    #[test]
    fn fewest_cells_on_both_sides() {
        let above = placing(Some(0.02), Some(0.03));
        assert_eq!(State::of(999, 1000, Some(&above), 0.01), State::Insufficient);
        assert_eq!(State::of(1000, 1000, Some(&above), 0.01), State::Above);
        assert_eq!(State::of(0, 0, None, 0.01), State::NotAssessable);
    }

    /// Ten of 1,000 with a lower limit of 0.5 % and a floor of 0.1 %, at most `floor_high`.
    fn ten(floor_high: f64) -> CalledSchistocytes {
        CalledSchistocytes { cells: 10, red_cells: 1000, low: 0.005, floor: Some((0.001, floor_high)) }
    }

    fn others(beyond_floors: f64) -> OtherShapes {
        OtherShapes { assessed: true, present: beyond_floors as u64, beyond_floors }
    }

    #[test]
    fn context_on_both_sides_of_a_tie() {
        // One of the ten is what the floor predicts.
        assert_eq!(Context::of(&ten(0.002), &others(9.0)), Context::SchistocytesPredominate);
        assert_eq!(Context::of(&ten(0.002), &others(9.1)), Context::MixedPoikilocytosis);
    }

    #[test]
    fn nothing_is_said_of_shapes_unless_schistocytes_are_above_their_floor() {
        assert_eq!(Context::of(&ten(0.005), &others(500.0)), Context::WithinModelError);
        assert_eq!(Context::of(&ten(0.004_999), &others(500.0)), Context::MixedPoikilocytosis);
        let none = CalledSchistocytes { cells: 0, low: 0.0, ..ten(0.002) };
        assert_eq!(Context::of(&none, &others(500.0)), Context::NoSchistocytes);
        assert_eq!(Context::of(&CalledSchistocytes { floor: None, ..none }, &others(0.0)), Context::NoSchistocytes);
    }

    #[test]
    fn without_floors_nobody_says_that_schistocytes_predominate() {
        let unknown = OtherShapes { assessed: false, ..others(0.0) };
        assert_eq!(Context::of(&ten(0.002), &unknown), Context::NotAssessed);
        let one_known = OtherShapes { assessed: false, ..others(100.0) };
        assert_eq!(Context::of(&ten(0.002), &one_known), Context::MixedPoikilocytosis);
        let no_floor = CalledSchistocytes { floor: None, ..ten(0.002) };
        assert_eq!(Context::of(&no_floor, &others(500.0)), Context::NotAssessed);
    }

    fn interval(low: f64, high: f64) -> Interval {
        Interval::new(low, high).expect("ordered")
    }

    fn corrected(low: f64, high: f64) -> CorrectedPrevalence {
        CorrectedPrevalence { estimate: None, interval: interval(low, high) }
    }

    const NOTHING: KnownErrors<'_> =
        KnownErrors { floor_high: None, sensitivity_high: None, corrected: None, mixed: false };

    fn near(found: Option<PlacingLimit>, fraction: f64, of: IntervalName) {
        let found = found.expect("a limit");
        assert!((found.fraction - fraction).abs() < 1e-12 && found.of == of, "{found:?}");
    }

    #[test]
    fn the_floor_is_taken_off_and_the_greatest_sensitivity_divides() {
        let three = [(Wilson, interval(0.02, 0.04)), (FieldBootstrap, interval(0.018, 0.045))];
        let known = KnownErrors { floor_high: Some(0.003), ..NOTHING };
        near(Placing::of(&three, &known).low, 0.015, FieldBootstrap);
        let known = KnownErrors { sensitivity_high: Some(0.75), ..known };
        near(Placing::of(&three, &known).low, 0.02, FieldBootstrap);
        let high_floor = KnownErrors { floor_high: Some(0.019), ..NOTHING };
        near(Placing::of(&three, &high_floor).low, 0.0, FieldBootstrap);
    }

    #[test]
    fn each_limit_is_named_after_the_widest_interval_at_its_end() {
        let all = [
            (Wilson, interval(0.02, 0.04)),
            (FieldBootstrap, interval(0.021, 0.05)),
            (Sequential, interval(0.01, 0.045)),
        ];
        let narrow = corrected(0.03, 0.04);
        let known = KnownErrors { floor_high: Some(0.0), corrected: Some(&narrow), ..NOTHING };
        let found = Placing::of(&all, &known);
        near(found.low, 0.01, Sequential);
        near(found.high, 0.05, FieldBootstrap);
        let wide = corrected(0.005, 0.08);
        let found = Placing::of(&all, &KnownErrors { corrected: Some(&wide), ..known });
        near(found.low, 0.005, Corrected);
        near(found.high, 0.08, Corrected);
        near(Placing::of(&[all[0], all[0]], &known).low, 0.02, Wilson);
    }

    #[test]
    fn what_is_not_known_gives_no_limit() {
        let one = [(Wilson, interval(0.02, 0.04))];
        let narrow = corrected(0.021, 0.03);
        assert_eq!(Placing::of(&one, &NOTHING), Placing { low: None, high: None });
        let no_floor = Placing::of(&one, &KnownErrors { corrected: Some(&narrow), ..NOTHING });
        assert_eq!(no_floor.low, None);
        let no_sensitivity = Placing::of(&one, &KnownErrors { floor_high: Some(0.0), ..NOTHING });
        assert_eq!(no_sensitivity.high, None);
        near(no_sensitivity.low, 0.02, Wilson);
        let mixed = Placing::of(&one, &KnownErrors { floor_high: Some(0.0), mixed: true, ..NOTHING });
        assert_eq!(mixed.low, None);
        assert_eq!(Placing::of(&[], &KnownErrors { floor_high: Some(0.0), ..NOTHING }).low, None);
    }
}
