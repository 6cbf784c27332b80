//! True prevalence from an apparent one, where sensitivity and specificity are estimates themselves.
//!
//! In: positives among the tested with the interval of their share, sensitivity and specificity (0–1) with the number of
//! cells behind each. Out: a point estimate and a 95 % interval, 0–1.
//!
//! Method: point by Rogan and Gladen (Am J Epidemiol 1978, 107:71–76). The interval is the smallest that holds three:
//!
//! 1. that of Lang and Reiczigel (Prev Vet Med 2014, 113:13–22), which carries the uncertainty of all three estimates and
//!    takes the tested as independent;
//! 2. the interval of the apparent share, each limit corrected like the point: what makes that interval wider than that of
//!    independent trials (cells of a field that are alike, repeated looks) widens the corrected one too;
//! 3. an upper limit from which no error is subtracted, see [`correct`], so that few positives never give 0–0.
//!
//! Limits: valid for sensitivity and specificity of at least one half.

use super::Interval;
use super::proportion::{Z_95, wilson};

/// Least sensitivity and specificity for which the interval was validated (Lang and Reiczigel 2014).
pub const MIN_ACCURACY: f64 = 0.5;

/// What rounding may add to a share or a count: far above the last bits, far below one cell in a million.
const ROUNDING: f64 = 1e-9;

/// An estimated rate and the number of trials behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EstimatedRate {
    /// The rate, 0–1.
    pub rate: f64,
    /// Trials behind it, at least 1.
    pub trials: u64,
}

impl EstimatedRate {
    /// Wilson interval of the rate; `None` without a trial.
    pub fn interval(self) -> Option<Interval> {
        wilson((self.rate * self.trials as f64).round() as u64, self.trials)
    }
}

/// What a test said of the tested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Apparent {
    /// Positive ones.
    pub positives: u64,
    /// All.
    pub tested: u64,
    /// 95 % interval of their share, as wide as the design of the sample makes it.
    pub interval: Interval,
}

/// A corrected prevalence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CorrectedPrevalence {
    /// Rogan–Gladen estimate, 0–1; 0 where fewer were positive than errors predict. `None` where the apparent prevalence
    /// lies above the sensitivity: this test cannot assess the value, and clipping it would hide that.
    pub estimate: Option<f64>,
    /// Its interval; holds the estimate.
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

/// Rogan–Gladen estimate with its interval.
///
/// Point: (AP + Sp − 1) / (Se + Sp − 1), 0 where it is negative. For Lang and Reiczigel's interval each estimate is shrunk
/// first, AP by z²/2 and Se, Sp by one success and one failure; the interval is centered on the shifted estimate and
/// clipped to 0–1.
///
/// METHOD: fewer positives than errors predict mean that this sample has fewer errors than the cells that the specificity was
/// measured on. Subtracting errors that did not occur would leave an interval of 0–0, a false certainty. Whatever the
/// specificity is, AP ≥ Se · prevalence; so up to the count that errors alone explain, k = ⌊n (1 − Sp)⌋, the upper limit is at
/// least (upper limit of AP) / (lower limit of Se). Above k it is at least what it was at k: more positives never make the
/// upper limit lower.
///
/// # Errors
/// [`NotCorrectable`] where the method is not defined or not valid.
pub fn correct(
    apparent: Apparent,
    sensitivity: EstimatedRate,
    specificity: EstimatedRate,
) -> Result<CorrectedPrevalence, NotCorrectable> {
    let Apparent { positives, tested, .. } = apparent;
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
    let like_the_point = |share: f64| (share + sp - 1.0) / youden;
    let point = like_the_point(positives as f64 / tested as f64);
    let estimate = (point <= 1.0 + ROUNDING).then(|| point.clamp(0.0, 1.0));
    let limits = apparent.interval;
    let carried = Interval::new(like_the_point(limits.low()), like_the_point(limits.high()));
    let independent = lang_reiczigel(positives, tested, sensitivity, specificity);
    let without_errors = most_without_errors(apparent, sensitivity, specificity);
    let (Some(carried), Some(independent), Some(most)) = (carried, independent, without_errors) else {
        return Err(NotCorrectable::Uninformative);
    };
    let both = carried.union(&independent);
    // METHOD: more positives than the sensitivity allows mean that they are found better here than where the sensitivity was
    // measured. The lower limit is then not divided by it.
    let low = if estimate.is_none() { both.low().min(limits.low()) } else { both.low() };
    Interval::new(low, both.high().max(most))
        .map(|interval| CorrectedPrevalence { estimate, interval })
        .ok_or(NotCorrectable::Uninformative)
}

/// The interval of Lang and Reiczigel.
fn lang_reiczigel(
    positives: u64,
    tested: u64,
    sensitivity: EstimatedRate,
    specificity: EstimatedRate,
) -> Option<Interval> {
    let z2 = Z_95 * Z_95;
    let n_adj = tested as f64 + z2;
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
}

/// The least upper limit, from which no error is subtracted: see [`correct`].
fn most_without_errors(apparent: Apparent, sensitivity: EstimatedRate, specificity: EstimatedRate) -> Option<f64> {
    let by_errors_alone = (apparent.tested as f64 * (1.0 - specificity.rate) + ROUNDING).floor() as u64;
    let most_apparent = if apparent.positives <= by_errors_alone {
        apparent.interval.high()
    } else {
        wilson(by_errors_alone, apparent.tested)?.high()
    };
    Some((most_apparent / sensitivity.interval()?.low()).min(1.0))
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

    /// Independent trials: the interval of the share is Wilson's.
    fn of(positives: u64, tested: u64) -> Apparent {
        let interval = wilson(positives, tested).unwrap_or(Interval { low: 0.0, high: 1.0 });
        Apparent { positives, tested, interval }
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
            let limits = lang_reiczigel(x, n, se, sp).expect("a valid test");
            let estimate = correct(of(x, n), se, sp).expect("a valid test").estimate.expect("assessable");
            let found = [estimate, limits.low(), limits.high()];
            assert_eq!(found.map(|value| (value * 1e5).round() / 1e3), expected, "{x}/{n}");
        }
    }

    #[test]
    fn fewer_than_errors_predict_are_none_with_a_real_upper_limit() {
        // 1 − 0.98 = 2 %: 20 of 1,000 lie on it, 19 below it.
        let (se, sp) = (rate(0.9, 300), rate(0.98, 3000));
        for x in [0, 5, 19, 20] {
            let found = correct(of(x, 1000), se, sp).expect("a valid test");
            assert!(found.estimate.is_some_and(|value| value < 1e-9), "{x}");
            assert_eq!(found.interval.low(), 0.0);
            let no_error_subtracted = of(x, 1000).interval.high() / se.interval().expect("trials").low();
            assert!((found.interval.high() - no_error_subtracted).abs() < 1e-12, "{x}");
        }
        // Lang and Reiczigel alone leave nothing of it.
        let clipped = lang_reiczigel(0, 1000, se, sp).expect("a valid test");
        assert_eq!((clipped.low(), clipped.high()), (0.0, 0.0));
        assert!(correct(of(21, 1000), se, sp).expect("a valid test").estimate.is_some_and(|value| value > 1e-4));
    }

    #[test]
    fn above_the_sensitivity_the_point_is_missing_and_the_interval_is_not_one_point() {
        let (se, sp) = (rate(0.9, 300), rate(0.98, 300));
        assert_eq!(correct(of(90, 100), se, sp).expect("a valid test").estimate, Some(1.0));
        let beyond = correct(of(95, 100), se, sp).expect("a valid test");
        assert_eq!((beyond.estimate, beyond.interval.low()), (None, of(95, 100).interval.low()));
        assert_eq!(beyond.interval.high(), 1.0);
    }

    #[test]
    fn a_wider_share_widens_the_corrected_interval() {
        let (se, sp) = (rate(0.9, 3000), rate(0.999, 30_000));
        let clustered = Interval::new(0.004, 0.05).expect("ordered");
        let found = correct(Apparent { interval: clustered, ..of(20, 1000) }, se, sp).expect("a valid test").interval;
        let like_the_point = |share: f64| (share - 0.001) / 0.899;
        assert!((found.low() - like_the_point(0.004)).abs() < 1e-12, "{found:?}");
        assert!((found.high() - like_the_point(0.05)).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn weak_tests_are_refused_on_the_right_side_of_one_half() {
        let good = rate(0.99, 100);
        assert!(correct(of(1, 100), rate(0.5, 100), good).is_ok());
        assert!(correct(of(1, 100), good, rate(0.5, 100)).is_ok());
        for bad in [0.499_999, 1.000_001, f64::NAN] {
            assert!(matches!(
                correct(of(1, 100), rate(bad, 100), good),
                Err(NotCorrectable::Inaccurate { name: "sensitivity", .. })
            ));
            assert!(matches!(
                correct(of(1, 100), good, rate(bad, 100)),
                Err(NotCorrectable::Inaccurate { name: "specificity", .. })
            ));
        }
        assert_eq!(correct(of(1, 100), rate(0.5, 9), rate(0.5, 9)), Err(NotCorrectable::Uninformative));
        assert_eq!(correct(of(1, 100), rate(0.9, 0), good), Err(NotCorrectable::NoTrials { name: "sensitivity" }));
        assert_eq!(correct(of(0, 0), good, good), Err(NotCorrectable::NoPrevalence { positives: 0, tested: 0 }));
    }

    proptest! {
        #[test]
        fn a_perfect_well_known_test_changes_nothing(x in 1_u64..1000) {
            let perfect = rate(1.0, 1_000_000_000);
            let corrected = correct(of(x, 1000), perfect, perfect).expect("a valid test");
            prop_assert!((corrected.estimate.expect("assessable") - x as f64 / 1000.0).abs() < 1e-12);
        }

        #[test]
        fn more_validation_cells_never_widen_the_interval(x in 30_u64..200, cells in 200_u64..5000) {
            let width = |cells| {
                let interval = correct(of(x, 1000), rate(0.9, cells), rate(0.99, cells)).expect("a valid test").interval;
                interval.high() - interval.low()
            };
            prop_assert!(width(cells * 4) <= width(cells));
        }

        #[test]
        fn the_interval_holds_the_estimate_and_is_never_nothing(
            x in 0_u64..300, n in 300_u64..5000, se in 0.5..1.0_f64, sp in 0.9..1.0_f64, cells in 20_u64..5000
        ) {
            let found = correct(of(x, n), rate(se, cells), rate(sp, cells));
            prop_assume!(found.is_ok());
            let found = found.expect("a valid test");
            if let Some(estimate) = found.estimate {
                prop_assert!((found.interval.low()..=found.interval.high()).contains(&estimate), "{found:?}");
            }
            prop_assert!(found.interval.high() > found.interval.low());
        }

        #[test]
        fn more_positives_never_lower_a_limit(x in 0_u64..200, se in 0.5..1.0_f64, sp in 0.98..1.0_f64, cells in 50_u64..5000) {
            let of = |x| correct(of(x, 3000), rate(se, cells), rate(sp, cells)).expect("a valid test").interval;
            prop_assert!(of(x + 1).high() >= of(x).high() && of(x + 1).low() >= of(x).low(), "{:?}", [of(x), of(x + 1)]);
        }
    }
}
