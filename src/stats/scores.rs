//! How good a score is: whether it puts positives before negatives, and whether a probability means what it says.
//!
//! In: items with a score (higher is more positive), a truth, the number of items that they stand for and the cluster
//! that they belong to; for a ranking also a weight for each cluster, 1 for the plain figure and the number of draws in a
//! bootstrap. Out: fractions 0–1, and the curves and bins behind them.
//!
//! Method of the ranking: area under the ROC curve with ties counted half (Hanley and McNeil, Radiology 1982, 143:29–36);
//! average precision as the step sum over thresholds (Manning et al. 2008, section 8.4), without interpolation, which
//! flatters. Items of one score pass a threshold together, so the order of the input does not matter.
//!
//! Method of the calibration: [`BINS`] bins of equal width; error = Σ (bin weight / all) · |mean probability − share true|
//! (Guo et al., ICML 2017, arXiv 1706.04599). Limits: with a rare class nearly all weight lies in the lowest bin, so that a
//! small error says little of the high probabilities. Read the bins too.

use super::Probability;

/// One scored item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredItem {
    /// Score, finite; higher is more positive.
    pub score: f64,
    /// Truth.
    pub positive: bool,
    /// Items that this one stands for, above 0: 1 where it was not drawn from others. A weight of k counts as k copies.
    pub weight: f64,
    /// Index of the cluster that the item belongs to.
    pub cluster: usize,
}

/// Items sorted once by falling score, so that each resample costs one pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    items: Vec<ScoredItem>,
    clusters: usize,
}

/// What a threshold lets pass: items with at least this score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankingStep {
    /// The threshold.
    pub threshold: f64,
    /// Weight of the positives that pass.
    pub true_positives: f64,
    /// Weight of the negatives that pass.
    pub false_positives: f64,
}

impl Ranking {
    /// Items of `clusters` clusters. Items with a score that is no number are left out.
    ///
    /// # Panics
    /// Where an item's cluster is not below `clusters`, or its weight is not above 0.
    pub fn new(items: impl IntoIterator<Item = ScoredItem>, clusters: usize) -> Self {
        let mut items: Vec<_> = items.into_iter().filter(|item| !item.score.is_nan()).collect();
        assert!(items.iter().all(|item| item.cluster < clusters), "every item belongs to a cluster");
        assert!(items.iter().all(|item| item.weight > 0.0), "every item stands for something");
        items.sort_by(|a, b| b.score.total_cmp(&a.score));
        Self { items, clusters }
    }

    /// Weight 1 for every cluster.
    pub fn plain_weights(&self) -> Vec<u32> {
        vec![1; self.clusters]
    }

    /// Positives and negatives under these weights.
    pub fn totals(&self, weights: &[u32]) -> (f64, f64) {
        self.items.iter().fold((0.0, 0.0), |(positives, negatives), item| {
            let weight = item.weight * f64::from(weights[item.cluster]);
            if item.positive { (positives + weight, negatives) } else { (positives, negatives + weight) }
        })
    }

    /// Thresholds from the highest score down, one for each score that occurs with a weight.
    pub fn steps(&self, weights: &[u32]) -> Vec<RankingStep> {
        let mut steps: Vec<RankingStep> = Vec::new();
        self.walk(weights, |_, step| steps.push(step));
        steps
    }

    /// Calls `visit` with the step before and the step reached, from the highest score down.
    fn walk(&self, weights: &[u32], mut visit: impl FnMut(RankingStep, RankingStep)) {
        let mut before = RankingStep { threshold: f64::INFINITY, true_positives: 0.0, false_positives: 0.0 };
        for tied in self.items.chunk_by(|a, b| a.score == b.score) {
            let mut step = RankingStep { threshold: tied[0].score, ..before };
            for item in tied {
                let weight = item.weight * f64::from(weights[item.cluster]);
                if item.positive {
                    step.true_positives += weight;
                } else {
                    step.false_positives += weight;
                }
            }
            let moved = step.true_positives > before.true_positives || step.false_positives > before.false_positives;
            if moved {
                visit(before, step);
                before = step;
            }
        }
    }

    /// Area under the ROC curve: the chance that a positive scores above a negative, ties half.
    /// `None` without a positive or without a negative.
    pub fn auc(&self, weights: &[u32]) -> Option<f64> {
        let mut area = 0.0;
        let mut last = (0.0, 0.0);
        self.walk(weights, |before, step| {
            let width = step.false_positives - before.false_positives;
            area += width * (step.true_positives + before.true_positives) / 2.0;
            last = (step.true_positives, step.false_positives);
        });
        (last.0 > 0.0 && last.1 > 0.0).then(|| area / (last.0 * last.1))
    }

    /// Average precision: Σ (recall gained at a threshold) × (precision there). `None` without a positive.
    pub fn average_precision(&self, weights: &[u32]) -> Option<f64> {
        let mut sum = 0.0;
        let mut positives = 0.0;
        self.walk(weights, |before, step| {
            let precision = step.true_positives / (step.true_positives + step.false_positives);
            sum += (step.true_positives - before.true_positives) * precision;
            positives = step.true_positives;
        });
        (positives > 0.0).then(|| sum / positives)
    }

    /// Highest sensitivity of a threshold whose false-positive rate is at most `rate`, 0 where none is.
    /// `None` without a positive or without a negative.
    ///
    /// METHOD: taken at a real threshold, not interpolated: a laboratory can only set thresholds that exist.
    pub fn sensitivity_at_false_positive_rate(&self, weights: &[u32], rate: f64) -> Option<f64> {
        let (positives, negatives) = self.totals(weights);
        if positives == 0.0 || negatives == 0.0 {
            return None;
        }
        let mut best = 0.0;
        self.walk(weights, |_, step| {
            if step.false_positives <= rate * negatives {
                best = step.true_positives;
            }
        });
        Some(best / positives)
    }
}

/// Number of bins, as in Guo et al. 2017.
pub const BINS: usize = 15;

/// One bin of probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CalibrationBin {
    /// Weight of the items in it.
    pub items: f64,
    /// Weight of those that were true.
    pub positives: f64,
    /// Sum of the probabilities by weight.
    pub probability_sum: f64,
}

impl CalibrationBin {
    /// Mean probability; `None` of an empty bin.
    pub fn mean_probability(&self) -> Option<f64> {
        (self.items > 0.0).then(|| self.probability_sum / self.items)
    }

    /// Share that was true; `None` of an empty bin.
    pub fn positive_share(&self) -> Option<f64> {
        (self.items > 0.0).then(|| self.positives / self.items)
    }
}

/// Index of the bin of a probability.
pub fn bin_of(probability: Probability) -> usize {
    ((probability.value() * BINS as f64) as usize).min(BINS - 1)
}

/// The bins from the lowest probabilities up: bin `k` holds k/15 ≤ p < (k+1)/15, the last one also 1.
pub fn calibration_bins(items: impl Iterator<Item = (Probability, bool, f64)>) -> [CalibrationBin; BINS] {
    let mut bins = [CalibrationBin::default(); BINS];
    for (probability, positive, weight) in items {
        let bin = &mut bins[bin_of(probability)];
        bin.items += weight;
        bin.positives += if positive { weight } else { 0.0 };
        bin.probability_sum += probability.value() * weight;
    }
    bins
}

/// Expected calibration error; `None` without an item.
pub fn expected_calibration_error(bins: &[CalibrationBin]) -> Option<f64> {
    let items: f64 = bins.iter().map(|bin| bin.items).sum();
    let gaps: f64 = bins.iter().map(|bin| (bin.probability_sum - bin.positives).abs()).sum();
    (items > 0.0).then(|| gaps / items)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each item is a cluster of its own.
    fn ranking(items: &[(f64, bool)]) -> Ranking {
        weighted(&items.iter().map(|&(score, positive)| (score, positive, 1.0)).collect::<Vec<_>>())
    }

    /// The same with the number of items that each one stands for.
    fn weighted(items: &[(f64, bool, f64)]) -> Ranking {
        let scored = items.iter().enumerate().map(|(cluster, &(score, positive, weight))| ScoredItem {
            score,
            positive,
            weight,
            cluster,
        });
        Ranking::new(scored, items.len())
    }

    #[test]
    fn weighted_items_computed_by_hand() {
        // A drawn negative at 0.9 stands for 4, one at 0.2 for 10.
        let ranking = weighted(&[(0.95, true, 1.0), (0.9, false, 4.0), (0.6, true, 1.0), (0.2, false, 10.0)]);
        let plain = ranking.plain_weights();
        assert_eq!(ranking.totals(&plain), (2.0, 14.0));
        // Pairs in order: 14 + 10 of 28.
        assert_eq!(ranking.auc(&plain), Some(24.0 / 28.0));
        // Half of the recall at precision 1 of 1, half at 2 of 6.
        assert_eq!(ranking.average_precision(&plain), Some(0.5 + 0.5 * 2.0 / 6.0));
        assert_eq!(ranking.sensitivity_at_false_positive_rate(&plain, 0.28), Some(0.5));
        assert_eq!(ranking.sensitivity_at_false_positive_rate(&plain, 0.29), Some(1.0));
    }

    #[test]
    fn worked_example_of_four_items() {
        let ranking = ranking(&[(0.1, false), (0.4, false), (0.35, true), (0.8, true)]);
        let plain = ranking.plain_weights();
        assert_eq!(ranking.auc(&plain), Some(0.75));
        let precision = ranking.average_precision(&plain).expect("positives");
        assert!((precision - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-12);
        assert_eq!(ranking.sensitivity_at_false_positive_rate(&plain, 0.499), Some(0.5));
        assert_eq!(ranking.sensitivity_at_false_positive_rate(&plain, 0.5), Some(1.0));
    }

    #[test]
    fn ties_count_half_and_pass_together() {
        let ranking = ranking(&[(0.5, true), (0.5, false), (0.5, true), (0.5, false)]);
        let plain = ranking.plain_weights();
        assert_eq!(ranking.auc(&plain), Some(0.5));
        assert_eq!(ranking.average_precision(&plain), Some(0.5));
        assert_eq!(ranking.sensitivity_at_false_positive_rate(&plain, 0.2), Some(0.0));
        assert_eq!(ranking.steps(&plain).len(), 1);
    }

    #[test]
    fn one_kind_alone_cannot_be_ranked() {
        for positive in [false, true] {
            let ranking = ranking(&[(0.1, positive), (0.2, positive)]);
            let plain = ranking.plain_weights();
            assert_eq!(ranking.auc(&plain), None);
            assert_eq!(ranking.sensitivity_at_false_positive_rate(&plain, 0.1), None);
        }
        assert_eq!(ranking(&[(0.1, false)]).average_precision(&[1]), None);
    }

    fn error(items: &[(f64, bool)]) -> Option<f64> {
        let items = items.iter().map(|&(p, positive)| (Probability::new(p).expect("a probability"), positive, 1.0));
        expected_calibration_error(&calibration_bins(items))
    }

    #[test]
    fn computed_by_hand() {
        // Lowest bin: mean 0.02, none true. Bin of 0.9: mean 0.9, half true.
        let found = error(&[(0.01, false), (0.03, false), (0.9, true), (0.9, false)]).expect("items");
        assert!((found - (0.5 * 0.02 + 0.5 * 0.4)).abs() < 1e-12);
        assert_eq!(error(&[]), None);
        assert_eq!(error(&[(0.0, false), (1.0, true)]), Some(0.0));
    }

    #[test]
    fn a_weight_stands_for_copies() {
        let of = |items: &[(f64, bool, f64)]| {
            let items = items
                .iter()
                .map(|&(p, positive, weight)| (Probability::new(p).expect("a probability"), positive, weight));
            calibration_bins(items)
        };
        let drawn = of(&[(0.01, false, 3.0), (0.9, true, 1.0)]);
        let copied = of(&[(0.01, false, 1.0), (0.01, false, 1.0), (0.01, false, 1.0), (0.9, true, 1.0)]);
        assert_eq!(drawn[0].items, copied[0].items);
        let (drawn, copied) = (expected_calibration_error(&drawn), expected_calibration_error(&copied));
        // 3 of 4 off by 0.01, 1 of 4 by 0.1.
        assert!(drawn.zip(copied).is_some_and(|(a, b)| (a - 0.0325).abs() < 1e-12 && (a - b).abs() < 1e-12));
    }

    #[test]
    fn bin_edges_open_the_bin_above() {
        let edge = 3.0 / BINS as f64;
        let bins = calibration_bins(
            [edge, edge - 1e-9].map(|p| (Probability::new(p).expect("a probability"), true, 1.0)).into_iter(),
        );
        assert_eq!((bins[2].items, bins[3].items), (1.0, 1.0));
        assert_eq!(bins[0].mean_probability(), None);
        assert_eq!(bins[3].positive_share(), Some(1.0));
    }

    proptest! {
        #[test]
        fn auc_is_the_share_of_ordered_pairs(items in prop::collection::vec((0_u8..6, any::<bool>()), 2..30)) {
            let items: Vec<_> = items.into_iter().map(|(score, positive)| (f64::from(score), positive)).collect();
            let pairs: Vec<_> = items
                .iter()
                .filter(|item| item.1)
                .flat_map(|p| items.iter().filter(|item| !item.1).map(move |n| (p.0, n.0)))
                .map(|(p, n)| if p > n { 1.0 } else if p == n { 0.5 } else { 0.0 })
                .collect();
            let ranking = ranking(&items);
            match ranking.auc(&ranking.plain_weights()) {
                Some(auc) => prop_assert!((auc - pairs.iter().sum::<f64>() / pairs.len() as f64).abs() < 1e-9),
                None => prop_assert!(pairs.is_empty()),
            }
        }

        #[test]
        fn a_growing_map_of_the_scores_changes_nothing(
            items in prop::collection::vec((0.0..1.0_f64, any::<bool>()), 2..30),
        ) {
            let mapped: Vec<_> = items.iter().map(|&(score, positive)| (2.0 * score - 7.0, positive)).collect();
            let (a, b) = (ranking(&items), ranking(&mapped));
            let plain = a.plain_weights();
            prop_assert_eq!(a.auc(&plain), b.auc(&plain));
            prop_assert_eq!(a.average_precision(&plain), b.average_precision(&plain));
        }

        #[test]
        fn a_weight_stands_for_repeats(
            items in prop::collection::vec((0_u8..6, any::<bool>(), 0_u32..3), 2..20),
        ) {
            let single: Vec<_> = items.iter().map(|&(score, positive, _)| (f64::from(score), positive)).collect();
            let weights: Vec<_> = items.iter().map(|item| item.2).collect();
            let repeated: Vec<_> = items
                .iter()
                .flat_map(|&(score, positive, weight)| {
                    std::iter::repeat_n((f64::from(score), positive), weight as usize)
                })
                .collect();
            let standing_for: Vec<_> = items
                .iter()
                .filter(|item| item.2 > 0)
                .map(|&(score, positive, weight)| (f64::from(score), positive, f64::from(weight)))
                .collect();
            let (single, repeated) = (ranking(&single), ranking(&repeated));
            let plain = repeated.plain_weights();
            let drawn = weighted(&standing_for);
            let drawn_plain = drawn.plain_weights();
            prop_assert_eq!(drawn.auc(&drawn_plain), repeated.auc(&plain));
            prop_assert_eq!(drawn.average_precision(&drawn_plain), repeated.average_precision(&plain));
            prop_assert_eq!(single.auc(&weights), repeated.auc(&plain));
            prop_assert_eq!(single.average_precision(&weights), repeated.average_precision(&plain));
            prop_assert_eq!(
                single.sensitivity_at_false_positive_rate(&weights, 0.3),
                repeated.sensitivity_at_false_positive_rate(&plain, 0.3)
            );
        }

        #[test]
        fn error_is_a_fraction_and_bins_hold_everything(
            items in prop::collection::vec((0.0..=1.0_f64, any::<bool>()), 1..50),
        ) {
            let found = error(&items).expect("items");
            prop_assert!((0.0..=1.0).contains(&found));
            let bins = calibration_bins(
                items.iter().map(|&(p, positive)| (Probability::new(p).expect("a probability"), positive, 2.0)),
            );
            prop_assert_eq!(bins.iter().map(|bin| bin.items).sum::<f64>(), 2.0 * items.len() as f64);
        }
    }
}
