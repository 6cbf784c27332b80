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

use crate::stats::prevalence::EstimatedRate;
use crate::stats::{Interval, Probability, proportion};

/// Share of healthy people's cells that the model calls a class, as the card states it; fractions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasuredFloor {
    /// The share.
    pub share: Probability,
    /// Its 95 % interval.
    pub interval: Interval,
    /// Cells behind it.
    pub cells: u64,
}

impl MeasuredFloor {
    /// As the specificity of a correction.
    ///
    /// METHOD: the correction takes a rate and the trials behind it. Cells of one film are alike, and the card's interval
    /// allows for that. The trials are therefore those whose Wilson upper limit is the card's upper limit, at most the cells.
    pub fn specificity(&self) -> EstimatedRate {
        let share = self.share.value();
        let trials = proportion::effective_trials(share, self.interval.high(), self.cells);
        EstimatedRate { rate: 1.0 - share, trials }
    }
}

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
    pub fn of_healthy_films(floor: &MeasuredFloor) -> Self {
        let (fraction, interval) = (floor.share.value(), Some(floor.interval));
        Self { fraction, interval, source: FloorSource::HealthyFilms }
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
    fn a_floor_whose_interval_allows_for_films_rests_on_fewer_cells() {
        let floor = |high| MeasuredFloor {
            share: Probability::new(0.001).expect("a share"),
            interval: Interval::new(0.0, high).expect("ordered"),
            cells: 3000,
        };
        let wilson = proportion::wilson(3, 3000).expect("cells").high();
        let alone = EstimatedRate { rate: 0.999, trials: 3000 };
        assert_eq!(floor(wilson).specificity(), alone);
        assert_eq!(floor(wilson / 2.0).specificity(), alone);
        assert!(floor(2.0 * wilson).specificity().trials < 1500);
    }

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
