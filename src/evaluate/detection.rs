//! Schistocytes against other red cells: sensitivity, specificity, ranking figures and curves.
//!
//! In: scored cells with their cluster, and how many labelled schistocytes of each cluster were not scored at all. Out:
//! [`DetectionFigures`].
//!
//! METHOD: a schistocyte without a counted cell of its own can pass no threshold. Sensitivity, area under the curve and
//! average precision are therefore scaled by the share of schistocytes that were scored. This is the same as ranking such a
//! schistocyte below everything, without the credit that a last threshold "everything passes" would give it.

use super::estimate::{Estimate, Trials, carried_by, ratio, statistic, weighted_share};
use super::record::{CurvePoint, DetectionFigures, SensitivityAtRate, ThresholdFigures};
use crate::case::rounded;
use crate::stats::scores::{Ranking, RankingStep, ScoredItem};

/// False-positive rates at which the sensitivity is stated. At a threshold of 1 % schistocytes a rate of 1 % doubles
/// the reading of a film at the limit; 0.2 % is what healthy people carry.
pub(super) const FALSE_POSITIVE_RATES: [f64; 3] = [0.01, 0.005, 0.002];

/// A scored cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DetectedCell {
    /// Cluster.
    pub cluster: usize,
    /// Whether it is a schistocyte.
    pub positive: bool,
    /// Cells that it stands for.
    pub weight: f64,
    /// Schistocyte probability.
    pub probability: f64,
    /// Whether it is called schistocyte at the operating point.
    pub called: bool,
}

/// Counts of one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Counts {
    positives: Trials,
    negatives: Trials,
    called: Trials,
}

/// Counts of each cluster where cells that satisfy `is_called` are called schistocyte.
fn counts(cells: &[DetectedCell], clusters: usize, is_called: impl Fn(&DetectedCell) -> bool) -> Vec<Counts> {
    let mut by_cluster = vec![Counts::default(); clusters];
    for cell in cells {
        let (counts, called) = (&mut by_cluster[cell.cluster], is_called(cell));
        let trials = if cell.positive { &mut counts.positives } else { &mut counts.negatives };
        trials.add(called == cell.positive, cell.weight);
        if called {
            counts.called.add(cell.positive, cell.weight);
        }
    }
    by_cluster
}

/// Sensitivity, specificity and precision.
fn rates(by_cluster: &[Counts], unscored: &[Trials]) -> [Estimate; 3] {
    let of = |part: fn(&Counts) -> Trials| by_cluster.iter().map(part).collect::<Vec<_>>();
    let all: Vec<_> =
        of(|counts| counts.positives).iter().zip(unscored).map(|(scored, missed)| scored.plus(missed)).collect();
    [weighted_share(&all), weighted_share(&of(|counts| counts.negatives)), weighted_share(&of(|counts| counts.called))]
}

/// Figures of scored cells; `unscored` holds the schistocytes without a score, one entry for each cluster, and
/// `threshold` a second one beside the operating point.
pub(super) fn detection(cells: &[DetectedCell], unscored: &[Trials], threshold: Option<f64>) -> DetectionFigures {
    let clusters = unscored.len();
    let by_cluster = counts(cells, clusters, |cell| cell.called);
    let item = |cell: &DetectedCell| ScoredItem {
        score: cell.probability,
        positive: cell.positive,
        weight: cell.weight,
        cluster: cell.cluster,
    };
    let ranking = Ranking::new(cells.iter().map(item), clusters);
    let sum = |of: &dyn Fn(&Trials) -> f64, weights: &[u32]| -> [f64; 3] {
        let parts = by_cluster.iter().zip(unscored).zip(weights).map(|((counts, missed), &weight)| {
            [counts.positives, *missed, counts.negatives].map(|trials| of(&trials) * f64::from(weight))
        });
        parts.fold([0.0; 3], |sum, part| std::array::from_fn(|i| sum[i] + part[i]))
    };
    let [positives, missed, negatives] = sum(&Trials::weight, &vec![1; clusters]);
    let n = by_cluster
        .iter()
        .zip(unscored)
        .map(|(counts, missed)| counts.positives.trials() + counts.negatives.trials() + missed.trials());
    let n: u64 = n.sum();
    let weight = positives + missed + negatives;
    let weight = (weight != n as f64).then(|| rounded(weight));
    // Where there are schistocytes but none was scored, every figure that needs a score is 0, given a cell to rank against.
    let scaled = |weights: &[u32], figure: Option<f64>, needs_negatives: bool| {
        let [scored, missed, negatives] = sum(&Trials::weight, weights);
        let share = ratio(scored, scored + missed)?;
        let comparable = !needs_negatives || negatives > 0.0;
        if share == 0.0 { comparable.then_some(0.0) } else { figure.map(|figure| figure * share) }
    };
    let of = |needs_negatives: bool, figure: &dyn Fn(&[u32]) -> Option<f64>| {
        let figure = statistic(n, clusters, |weights| scaled(weights, figure(weights), needs_negatives));
        let carriers =
            by_cluster.iter().zip(unscored).map(|(counts, missed)| counts.positives.trials() + missed.trials());
        Estimate { weight, ..carried_by(figure, carriers) }
    };
    let [sensitivity, specificity, precision] = rates(&by_cluster, unscored);
    DetectionFigures {
        sensitivity,
        specificity,
        precision,
        at_threshold: threshold.map(|threshold| {
            let at = counts(cells, clusters, |cell| cell.probability >= threshold);
            let [sensitivity, specificity, precision] = rates(&at, unscored);
            ThresholdFigures { threshold, sensitivity, specificity, precision }
        }),
        auc: of(true, &|weights| ranking.auc(weights)),
        average_precision: of(false, &|weights| ranking.average_precision(weights)),
        sensitivity_at: FALSE_POSITIVE_RATES
            .map(|rate| SensitivityAtRate {
                false_positive_rate: rate,
                sensitivity: of(true, &|weights| ranking.sensitivity_at_false_positive_rate(weights, rate)),
            })
            .to_vec(),
        curve: curve(&ranking.steps(&ranking.plain_weights()), positives + missed, negatives),
    }
}

/// Corners of the curves: thresholds before and after which the curve turns. None without a schistocyte.
fn curve(steps: &[RankingStep], positives: f64, negatives: f64) -> Vec<CurvePoint> {
    if positives == 0.0 {
        return Vec::new();
    }
    let gained = |i: usize| {
        let before = i.checked_sub(1).map_or((0.0, 0.0), |i| (steps[i].true_positives, steps[i].false_positives));
        (steps[i].true_positives > before.0, steps[i].false_positives > before.1)
    };
    // A run of thresholds that gain only false positives, or only true ones, is one straight edge.
    let is_corner = |i: &usize| *i + 1 == steps.len() || gained(*i) != gained(*i + 1) || gained(*i) == (true, true);
    (0..steps.len())
        .filter(is_corner)
        .map(|i| {
            let step = steps[i];
            let passed = step.true_positives + step.false_positives;
            CurvePoint {
                threshold: rounded(step.threshold),
                sensitivity: rounded(step.true_positives / positives),
                false_positive_rate: ratio(step.false_positives, negatives).map(rounded),
                precision: rounded(step.true_positives / passed),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells (probability, positive) of two clusters in turn, called from 0.5 on.
    fn cells(items: &[(f64, bool)]) -> Vec<DetectedCell> {
        let cell = |(i, &(probability, positive)): (usize, &(f64, bool))| DetectedCell {
            cluster: i % 2,
            positive,
            weight: 1.0,
            probability,
            called: probability >= 0.5,
        };
        items.iter().enumerate().map(cell).collect()
    }

    /// Two clusters without an unscored schistocyte.
    fn none() -> [Trials; 2] {
        [Trials::default(); 2]
    }

    /// A cluster with unscored schistocytes.
    fn missed(count: usize) -> Trials {
        let mut trials = Trials::default();
        (0..count).for_each(|_| trials.add(false, 1.0));
        trials
    }

    #[test]
    fn a_weight_counts_as_copies_and_the_record_says_what_it_stands_for() {
        let mut drawn = cells(&ITEMS);
        drawn[1].weight = 3.0; // a negative called schistocyte
        drawn[5].weight = 10.0; // a negative not called so
        let mut copied = cells(&ITEMS);
        copied.extend(std::iter::repeat_n(copied[1], 2));
        copied.extend(std::iter::repeat_n(copied[5], 9));
        let (drawn, copied) = (detection(&drawn, &none(), Some(0.15)), detection(&copied, &none(), Some(0.15)));
        assert_eq!((drawn.specificity.value, drawn.precision.value), (Some(rounded(11.0 / 14.0)), Some(0.4)));
        assert_eq!((drawn.specificity.n, drawn.specificity.weight), (3, Some(14.0)));
        assert_eq!((drawn.auc.n, drawn.auc.weight), (6, Some(17.0)));
        let values = |found: &DetectionFigures| {
            let at = found.at_threshold.as_ref().expect("a threshold");
            [
                found.sensitivity,
                found.specificity,
                found.precision,
                found.auc,
                found.average_precision,
                at.sensitivity,
                at.precision,
            ]
            .map(|figure| figure.value)
        };
        assert_eq!(values(&drawn), values(&copied));
        let at = drawn.at_threshold.expect("a threshold");
        // All three schistocytes, with 3 + 1 others above 0.15.
        assert_eq!((at.sensitivity.value, at.precision.value), (Some(1.0), Some(rounded(3.0 / 7.0))));
    }

    const ITEMS: [(f64, bool); 6] = [(0.9, true), (0.8, false), (0.7, true), (0.3, false), (0.2, true), (0.1, false)];

    #[test]
    fn figures_computed_by_hand() {
        let found = detection(&cells(&ITEMS), &none(), None);
        assert_eq!((found.sensitivity.count, found.sensitivity.n), (Some(2), 3));
        assert_eq!((found.specificity.count, found.specificity.n), (Some(2), 3));
        // Ordered pairs: 3 + 2 + 1 of 9.
        assert_eq!(found.auc.value, Some(0.666_667));
        assert_eq!(found.average_precision.value, Some(rounded((1.0 + 2.0 / 3.0 + 0.6) / 3.0)));
        assert_eq!(found.sensitivity_at[0].sensitivity.value, Some(0.333_333));
    }

    #[test]
    fn an_unscored_schistocyte_is_a_miss_at_every_threshold() {
        let (all, lost) = (
            detection(&cells(&ITEMS), &none(), None),
            detection(&cells(&ITEMS), &[missed(3), Trials::default()], None),
        );
        assert_eq!((lost.sensitivity.count, lost.sensitivity.n), (Some(2), 6));
        assert_eq!(lost.specificity.value, all.specificity.value);
        let halved = |figure: Estimate| figure.value.map(|value| (value * 5e5).round() / 1e6);
        assert_eq!(
            lost.auc.value.map(|value| (value * 1e5).round()),
            halved(all.auc).map(|value| (value * 1e5).round())
        );
        assert_eq!(lost.curve.last().map(|point| point.sensitivity), Some(0.5));
        let none = detection(&cells(&[(0.1, false), (0.2, false)]), &[missed(1), Trials::default()], None);
        assert_eq!(
            (none.auc.value, none.sensitivity.value, none.average_precision.value),
            (Some(0.0), Some(0.0), Some(0.0))
        );
    }

    #[test]
    fn without_a_schistocyte_only_the_specificity_stands() {
        let found = detection(&cells(&[(0.1, false), (0.9, false)]), &none(), None);
        assert_eq!(found.specificity.value, Some(0.5));
        assert_eq!((found.auc.value, found.average_precision.value, found.sensitivity.value), (None, None, None));
        assert!(found.curve.is_empty());
        assert_eq!(detection(&[], &[], None).specificity, Estimate::default());
    }

    #[test]
    fn the_curve_keeps_its_corners() {
        let items = [(0.9, true), (0.8, true), (0.7, false), (0.6, false), (0.5, true)];
        let points: Vec<_> = detection(&cells(&items), &none(), None)
            .curve
            .iter()
            .map(|point| (point.threshold, point.sensitivity, point.false_positive_rate))
            .collect();
        assert_eq!(points, [(0.8, 0.666_667, Some(0.0)), (0.6, 0.666_667, Some(1.0)), (0.5, 1.0, Some(1.0))]);
    }
}
