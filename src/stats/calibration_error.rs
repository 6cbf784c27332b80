//! Whether a probability means what it says.
//!
//! In: probabilities (0–1) with the truth and a weight each. Out: bins with the mean probability and the share that was
//! true, and the expected calibration error, 0–1.
//!
//! Method: [`BINS`] bins of equal width; error = Σ (bin weight / all) · |mean probability − share true| (Guo et al.,
//! ICML 2017, arXiv 1706.04599). Limits: with a rare class nearly all weight lies in the lowest bin, so a small error
//! says little of the high probabilities: read the bins too.

use super::Probability;

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
