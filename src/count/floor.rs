//! What a film without schistocytes would read: the false-positive floor.
//!
//! In: what the model card states. Out: a [`FalsePositiveFloor`], fractions 0–1. A measured share of cells of healthy people
//! goes before 1 − specificity: the specificity was measured on labeled cells of patients, and the operating point is often
//! chosen on the same cells.
//!
//! Limits: a share of other films, other people and perhaps another camera; healthy people's own few schistocytes (0.05–0.15 %
//! of their red cells) are in the measured share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stats::{Interval, Probability, proportion};

/// Where the false-positive floor comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FloorSource {
    /// Share of healthy people's cells that the model calls schistocyte.
    HealthyFilms,
    /// 1 − specificity, where no share of healthy people's cells was measured.
    Specificity,
}

/// What a film without schistocytes would read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FalsePositiveFloor {
    /// The share, 0–1.
    pub fraction: f64,
    /// Its 95 % interval; `None` where the number of cells behind it is unknown.
    pub interval: Option<Interval>,
    /// Where it comes from.
    pub source: FloorSource,
}

impl FalsePositiveFloor {
    /// The share measured on cells of healthy people.
    pub fn of_healthy_films(share: Probability, interval: Interval) -> Self {
        Self { fraction: share.value(), interval: Some(interval), source: FloorSource::HealthyFilms }
    }

    /// 1 − specificity, with the Wilson interval of the false positives among the cells behind it.
    pub fn of_specificity(specificity: Probability, cells: Option<u64>) -> Self {
        let fraction = 1.0 - specificity.value();
        let interval = cells.and_then(|cells| {
            let false_positives = (fraction * cells as f64).round() as u64;
            proportion::wilson(false_positives, cells)
        });
        Self { fraction, interval, source: FloorSource::Specificity }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_of_a_specificity_has_the_interval_of_its_false_positives() {
        let specificity = Probability::new(0.995).expect("a share");
        let floor = FalsePositiveFloor::of_specificity(specificity, Some(1000));
        assert!((floor.fraction - 0.005).abs() < 1e-12);
        assert_eq!(floor.interval, proportion::wilson(5, 1000));
        let unknown = FalsePositiveFloor::of_specificity(specificity, None);
        assert_eq!(unknown.interval, None);
    }
}
