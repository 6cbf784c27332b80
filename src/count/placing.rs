//! The two limits that place a count against its threshold, and the interval that each is of.
//!
//! In: the named intervals of the apparent share, the floor of false calls, what is known of the sensitivity, the corrected
//! prevalence. Out: a [`Placing`], fractions 0–1.
//!
//! Method:
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

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use crate::stats::Interval;
use crate::stats::prevalence::CorrectedPrevalence;

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
}

impl IntervalName {
    /// Every name, in the order of the reports.
    pub const ALL: [Self; 5] = *Self::VARIANTS.first_chunk().expect("as many as there are");

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

#[cfg(test)]
mod tests {
    use super::*;
    use IntervalName::{Corrected, FieldBootstrap, Sequential, Wilson};

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
