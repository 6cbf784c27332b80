//! True prevalence from an apparent one, where sensitivity and specificity are estimates themselves.
//!
//! In: positives among the tested, sensitivity and specificity (0–1) with the number of cells behind each. Out: a point
//! estimate and a 95 % interval, 0–1.
//!
//! Method: point by Rogan and Gladen (Am J Epidemiol 1978, 107:71–76), interval by Lang and Reiczigel (Prev Vet Med
//! 2014, 113:13–22), which carries the uncertainty of all three estimates.
//!
//! Limits: valid for sensitivity and specificity of at least one half; takes trials as independent.

use super::Interval;
use super::proportion::Z_95;

/// Least sensitivity and specificity for which the interval was validated (Lang and Reiczigel 2014).
pub const MIN_ACCURACY: f64 = 0.5;

/// Distance from 0 or 1 at which an estimate is taken to lie on it: far above rounding, far below one cell in a
/// million.
const ROUNDING: f64 = 1e-12;

/// An estimated rate and the number of trials behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EstimatedRate {
    /// The rate, 0–1.
    pub rate: f64,
    /// Trials behind it, at least 1.
    pub trials: u64,
}

/// A corrected prevalence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CorrectedPrevalence {
    /// Rogan–Gladen estimate, 0–1. `None` where the apparent prevalence lies below 1 − specificity or above the
    /// sensitivity: this test cannot assess the value, and clipping it would hide that.
    pub estimate: Option<f64>,
    /// Lang–Reiczigel interval.
    pub interval: Interval,
}

/// Why a prevalence cannot be corrected.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotCorrectable {
    /// Nothing was tested, or more were positive than tested.
    #[error("expected positives among one or more tested, found {positives} of {tested}")]
    NoPrevalence {
        /// Positives.
        positives: u64,
        /// Tested.
        tested: u64,
    },
    /// A rate is no number from [`MIN_ACCURACY`] to 1.
    #[error("expected a {name} from 0.5 to 1, found {rate}; a test this weak does not carry a correction")]
    Inaccurate {
        /// `sensitivity` or `specificity`.
        name: &'static str,
        /// The rate found.
        rate: f64,
    },
    /// A rate without a trial behind it.
    #[error("expected one or more cells behind the {name}, found none")]
    NoTrials {
        /// `sensitivity` or `specificity`.
        name: &'static str,
    },
    /// Sensitivity and specificity add up to 1: the result says nothing of the truth.
    #[error("expected sensitivity + specificity above 1, found 1; the test is as good as chance")]
    Uninformative,
}

/// Rogan–Gladen estimate with its Lang–Reiczigel interval.
///
/// Point: (AP + Sp − 1) / (Se + Sp − 1). For the interval each estimate is shrunk first, AP by z²/2 and Se, Sp by one
/// success and one failure; the interval is centered on the shifted estimate and clipped to 0–1.
///
/// # Errors
/// [`NotCorrectable`] where the method is not defined or not valid.
pub fn correct(
    positives: u64,
    tested: u64,
    sensitivity: EstimatedRate,
    specificity: EstimatedRate,
) -> Result<CorrectedPrevalence, NotCorrectable> {
    if tested == 0 || positives > tested {
        return Err(NotCorrectable::NoPrevalence { positives, tested });
    }
    for (name, estimate) in [("sensitivity", sensitivity), ("specificity", specificity)] {
        if !(MIN_ACCURACY..=1.0).contains(&estimate.rate) {
            return Err(NotCorrectable::Inaccurate { name, rate: estimate.rate });
        }
        if estimate.trials == 0 {
            return Err(NotCorrectable::NoTrials { name });
        }
    }
    let (se, sp) = (sensitivity.rate, specificity.rate);
    let youden = se + sp - 1.0;
    if youden <= 0.0 {
        return Err(NotCorrectable::Uninformative);
    }
    let n = tested as f64;
    let apparent = positives as f64 / n;
    // Rounding may leave −1e-17 where the apparent prevalence lies on the floor.
    let point = (apparent + sp - 1.0) / youden;
    let estimate = (-ROUNDING..=1.0 + ROUNDING).contains(&point).then(|| point.clamp(0.0, 1.0));

    let z2 = Z_95 * Z_95;
    let n_adj = n + z2;
    let apparent_adj = (positives as f64 + z2 / 2.0) / n_adj;
    let (se_adj, se_var) = shrink(sensitivity);
    let (sp_adj, sp_var) = shrink(specificity);
    let youden_adj = se_adj + sp_adj - 1.0;
    let center = (apparent_adj + sp_adj - 1.0) / youden_adj;
    let shift = 2.0 * z2 * (center * se_var - (1.0 - center) * sp_var);
    let variance =
        apparent_adj * (1.0 - apparent_adj) / n_adj + center.powi(2) * se_var + (1.0 - center).powi(2) * sp_var;
    let half = Z_95 * variance.sqrt() / youden_adj;
    Interval::new(center + shift - half, center + shift + half)
        .map(|interval| CorrectedPrevalence { estimate, interval })
        .ok_or(NotCorrectable::Uninformative)
}

/// The rate with one success and one failure added, and the variance of that rate.
fn shrink(estimate: EstimatedRate) -> (f64, f64) {
    let trials = estimate.trials as f64;
    let rate = (trials * estimate.rate + 1.0) / (trials + 2.0);
    (rate, rate * (1.0 - rate) / (trials + 2.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(rate: f64, trials: u64) -> EstimatedRate {
        EstimatedRate { rate, trials }
    }

    #[test]
    fn agrees_with_the_authors_code_on_four_vectors() {
        let vectors = [
            (18, 1000, rate(0.85, 200), rate(0.995, 2000), [1.538, 0.615, 2.811]),
            (18, 1000, rate(0.85, 200), rate(0.995, 10_000), [1.538, 0.717, 2.804]),
            (100, 5000, rate(0.85, 200), rate(0.995, 10_000), [1.775, 1.319, 2.328]),
            (30, 1000, rate(0.90, 300), rate(0.98, 3000), [1.136, 0.000, 2.670]),
        ];
        for (x, n, se, sp, expected) in vectors {
            let corrected = correct(x, n, se, sp).expect("a valid test");
            let found = [corrected.estimate.expect("assessable"), corrected.interval.low(), corrected.interval.high()];
            assert_eq!(found.map(|value| (value * 1e5).round() / 1e3), expected, "{x}/{n}");
        }
    }

    #[test]
    fn below_the_false_positive_floor_the_point_is_missing_and_the_interval_stays() {
        // Floor 1 − 0.98 = 2 %: 20 of 1,000 lies on it, 19 below it.
        let (se, sp) = (rate(0.9, 300), rate(0.98, 3000));
        let on = correct(20, 1000, se, sp).expect("a valid test").estimate.expect("assessable");
        assert!(on.abs() < 1e-12);
        let rounded = correct(5, 1000, rate(0.9, 300), rate(0.995, 3000)).expect("a valid test");
        assert_eq!(rounded.estimate.map(|value| value < 1e-9), Some(true));
        let below = correct(19, 1000, se, sp).expect("a valid test");
        assert_eq!(below.estimate, None);
        assert_eq!(below.interval.low(), 0.0);
        assert!(below.interval.high() > 0.0);
    }

    #[test]
    fn above_the_sensitivity_the_point_is_missing() {
        assert_eq!(correct(95, 100, rate(0.9, 300), rate(0.98, 300)).expect("a valid test").estimate, None);
    }

    #[test]
    fn weak_tests_are_refused_on_the_right_side_of_one_half() {
        let good = rate(0.99, 100);
        assert!(correct(1, 100, rate(0.5, 100), good).is_ok());
        assert!(correct(1, 100, good, rate(0.5, 100)).is_ok());
        for bad in [0.499_999, 1.000_001, f64::NAN] {
            assert!(matches!(
                correct(1, 100, rate(bad, 100), good),
                Err(NotCorrectable::Inaccurate { name: "sensitivity", .. })
            ));
            assert!(matches!(
                correct(1, 100, good, rate(bad, 100)),
                Err(NotCorrectable::Inaccurate { name: "specificity", .. })
            ));
        }
        assert_eq!(correct(1, 100, rate(0.5, 9), rate(0.5, 9)), Err(NotCorrectable::Uninformative));
        assert_eq!(correct(1, 100, rate(0.9, 0), good), Err(NotCorrectable::NoTrials { name: "sensitivity" }));
        assert_eq!(correct(0, 0, good, good), Err(NotCorrectable::NoPrevalence { positives: 0, tested: 0 }));
    }

    proptest! {
        #[test]
        fn a_perfect_well_known_test_changes_nothing(x in 1_u64..1000) {
            let perfect = rate(1.0, 1_000_000_000);
            let corrected = correct(x, 1000, perfect, perfect).expect("a valid test");
            prop_assert!((corrected.estimate.expect("assessable") - x as f64 / 1000.0).abs() < 1e-12);
        }

        #[test]
        fn more_validation_cells_never_widen_the_interval(x in 30_u64..200, cells in 200_u64..5000) {
            let width = |cells| {
                let interval = correct(x, 1000, rate(0.9, cells), rate(0.99, cells)).expect("a valid test").interval;
                interval.high() - interval.low()
            };
            prop_assert!(width(cells * 4) <= width(cells));
        }
    }
}
