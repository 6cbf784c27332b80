//! Schistocytes against other red cells: sensitivity, specificity, ranking figures and curves.
//!
//! In: scored cells with their cluster, and how many labelled schistocytes of each cluster were not scored at all. Out:
//! [`DetectionFigures`].
//!
//! METHOD: a schistocyte without a counted cell of its own can pass no threshold. It therefore scales sensitivity, area
//! under the curve and average precision by the share of schistocytes that were scored: the same as ranking it below
//! everything, without the credit that a last threshold "everything passes" would give it.

use super::figures::{carried_by, ratio, share, statistic, weighted};
use super::record::{CurvePoint, DetectionFigures, SensitivityAtRate};
use crate::case::rounded;
use crate::stats::ranking::{Ranking, RankingStep, ScoredItem};

/// False-positive rates at which the sensitivity is stated. At a threshold of 1 % schistocytes a rate of 1 % doubles
/// the reading of a film at the limit; 0.2 % is what healthy people carry.
pub(super) const FALSE_POSITIVE_RATES: [f64; 3] = [0.01, 0.005, 0.002];

/// A scored cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DetectedCell {
    /// Cluster.
    pub cluster: usize,
    /// Whether it is labelled schistocyte.
    pub positive: bool,
    /// Schistocyte probability.
    pub probability: f64,
    /// Whether it is called schistocyte at the operating point.
    pub called: bool,
}

/// Figures of scored cells; `unscored` counts the labelled schistocytes without a score, one entry for each cluster.
pub(super) fn detection(cells: &[DetectedCell], unscored: &[u64]) -> DetectionFigures {
    let clusters = unscored.len();
    // For each cluster: schistocytes called, scored; others not called, scored.
    let mut by_cluster = vec![[0_u64; 4]; clusters];
    for cell in cells {
        let counts = &mut by_cluster[cell.cluster];
        let (hits, all) = if cell.positive { (0, 1) } else { (2, 3) };
        counts[hits] += u64::from(cell.called == cell.positive);
        counts[all] += 1;
    }
    let ranking = Ranking::new(
        cells.iter().map(|cell| ScoredItem { score: cell.probability, positive: cell.positive, cluster: cell.cluster }),
        clusters,
    );
    let scored = || by_cluster.iter().map(|counts| counts[1]);
    let negatives: u64 = by_cluster.iter().map(|counts| counts[3]).sum();
    let positives: u64 = scored().chain(unscored.iter().copied()).sum();
    let scored_share = |weights: &[u32]| {
        let scored = weighted(scored(), weights);
        ratio(scored, scored + weighted(unscored.iter().copied(), weights))
    };
    // Where schistocytes exist but none was scored, every figure that needs a score is 0, given a cell to rank against.
    let scaled = |weights: &[u32], figure: Option<f64>, needs_negatives: bool| {
        let share = scored_share(weights)?;
        let comparable = !needs_negatives || weighted(by_cluster.iter().map(|counts| counts[3]), weights) > 0.0;
        if share == 0.0 { comparable.then_some(0.0) } else { figure.map(|figure| figure * share) }
    };
    let of = |needs_negatives: bool, figure: &dyn Fn(&[u32]) -> Option<f64>| {
        let figure =
            statistic(positives + negatives, clusters, |weights| scaled(weights, figure(weights), needs_negatives));
        carried_by(figure, scored().zip(unscored).map(|(scored, unscored)| scored + unscored))
    };
    DetectionFigures {
        sensitivity: share(by_cluster.iter().zip(unscored).map(|(counts, missed)| (counts[0], counts[1] + missed))),
        specificity: share(by_cluster.iter().map(|counts| (counts[2], counts[3]))),
        auc: of(true, &|weights| ranking.auc(weights)),
        average_precision: of(false, &|weights| ranking.average_precision(weights)),
        sensitivity_at: FALSE_POSITIVE_RATES
            .map(|rate| SensitivityAtRate {
                false_positive_rate: rate,
                sensitivity: of(true, &|weights| ranking.sensitivity_at_false_positive_rate(weights, rate)),
            })
            .to_vec(),
        curve: curve(&ranking.steps(&ranking.plain_weights()), positives, negatives),
    }
}

/// Corners of the curves: thresholds before and after which the curve turns. None without a schistocyte.
fn curve(steps: &[RankingStep], positives: u64, negatives: u64) -> Vec<CurvePoint> {
    if positives == 0 {
        return Vec::new();
    }
    let gained = |i: usize| {
        let before = i.checked_sub(1).map_or((0, 0), |i| (steps[i].true_positives, steps[i].false_positives));
        (steps[i].true_positives > before.0, steps[i].false_positives > before.1)
    };
    // A run of thresholds that gain only false positives, or only true ones, is one straight edge.
    let is_corner = |i: &usize| *i + 1 == steps.len() || gained(*i) != gained(*i + 1) || gained(*i) == (true, true);
    (0..steps.len())
        .filter(is_corner)
        .map(|i| {
            let step = steps[i];
            let passed = (step.true_positives + step.false_positives) as f64;
            CurvePoint {
                threshold: rounded(step.threshold),
                sensitivity: rounded(step.true_positives as f64 / positives as f64),
                false_positive_rate: ratio(step.false_positives as f64, negatives as f64).map(rounded),
                precision: rounded(step.true_positives as f64 / passed),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::record::Figure;

    /// Cells (probability, positive) of two clusters in turn, called from 0.5 on.
    fn cells(items: &[(f64, bool)]) -> Vec<DetectedCell> {
        let cell = |(i, &(probability, positive)): (usize, &(f64, bool))| DetectedCell {
            cluster: i % 2,
            positive,
            probability,
            called: probability >= 0.5,
        };
        items.iter().enumerate().map(cell).collect()
    }

    const ITEMS: [(f64, bool); 6] = [(0.9, true), (0.8, false), (0.7, true), (0.3, false), (0.2, true), (0.1, false)];

    #[test]
    fn figures_computed_by_hand() {
        let found = detection(&cells(&ITEMS), &[0, 0]);
        assert_eq!((found.sensitivity.count, found.sensitivity.n), (Some(2), 3));
        assert_eq!((found.specificity.count, found.specificity.n), (Some(2), 3));
        // Ordered pairs: 3 + 2 + 1 of 9.
        assert_eq!(found.auc.value, Some(0.666_667));
        assert_eq!(found.average_precision.value, Some(rounded((1.0 + 2.0 / 3.0 + 0.6) / 3.0)));
        assert_eq!(found.sensitivity_at[0].sensitivity.value, Some(0.333_333));
    }

    #[test]
    fn an_unscored_schistocyte_is_a_miss_at_every_threshold() {
        let (all, missed) = (detection(&cells(&ITEMS), &[0, 0]), detection(&cells(&ITEMS), &[3, 0]));
        assert_eq!((missed.sensitivity.count, missed.sensitivity.n), (Some(2), 6));
        assert_eq!(missed.specificity.value, all.specificity.value);
        let halved = |figure: Figure| figure.value.map(|value| (value * 5e5).round() / 1e6);
        assert_eq!(
            missed.auc.value.map(|value| (value * 1e5).round()),
            halved(all.auc).map(|value| (value * 1e5).round())
        );
        assert_eq!(missed.curve.last().map(|point| point.sensitivity), Some(0.5));
        let none = detection(&cells(&[(0.1, false), (0.2, false)]), &[1, 0]);
        assert_eq!(
            (none.auc.value, none.sensitivity.value, none.average_precision.value),
            (Some(0.0), Some(0.0), Some(0.0))
        );
    }

    #[test]
    fn without_a_schistocyte_only_the_specificity_stands() {
        let found = detection(&cells(&[(0.1, false), (0.9, false)]), &[0, 0]);
        assert_eq!(found.specificity.value, Some(0.5));
        assert_eq!((found.auc.value, found.average_precision.value, found.sensitivity.value), (None, None, None));
        assert!(found.curve.is_empty());
        assert_eq!(detection(&[], &[]).specificity, Figure::default());
    }

    #[test]
    fn the_curve_keeps_its_corners() {
        let items = [(0.9, true), (0.8, true), (0.7, false), (0.6, false), (0.5, true)];
        let points: Vec<_> = detection(&cells(&items), &[0, 0])
            .curve
            .iter()
            .map(|point| (point.threshold, point.sensitivity, point.false_positive_rate))
            .collect();
        assert_eq!(points, [(0.8, 0.666_667, Some(0.0)), (0.6, 0.666_667, Some(1.0)), (0.5, 1.0, Some(1.0))]);
    }
}
