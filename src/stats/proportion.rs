//! The interval of a proportion from a count.
//!
//! In: successes and trials. Out: an [`Interval`] from 0 to 1, two-sided at 95 %. Method: Wilson score (Wilson, J Am Stat
//! Assoc 1927, 22:209–212), whose mean coverage is close to 95 %.
//!
//! Limits: the trials are taken as independent. Cells of one field are not; [`super::bootstrap`] covers that.

use super::Interval;

/// The 0.975 quantile of the standard normal distribution: two-sided 95 %.
pub const Z_95: f64 = 1.959_963_984_540_054;

/// Wilson score interval; `None` without a trial or with more successes than trials.
///
/// With p = x/n: center (p + z²/2n) / (1 + z²/n), half width z·√(p(1−p)/n + z²/4n²) / (1 + z²/n).
pub fn wilson(successes: u64, trials: u64) -> Option<Interval> {
    if trials == 0 || successes > trials {
        return None;
    }
    score(successes as f64 / trials as f64, trials as f64)
}

/// The score interval of a share of `n` trials.
fn score(share: f64, n: f64) -> Option<Interval> {
    let z2 = Z_95 * Z_95;
    let scale = 1.0 + z2 / n;
    let center = (share + z2 / (2.0 * n)) / scale;
    let half = Z_95 * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt() / scale;
    // Exact at the ends, where rounding would leave 1e-19 in place of 0.
    let low = if share == 0.0 { 0.0 } else { center - half };
    let high = if share == 1.0 { 1.0 } else { center + half };
    Interval::new(low, high)
}

/// Number of independent trials whose Wilson upper limit around `share` is `high`; at most `trials`, at least 1.
///
/// An interval that allows for clusters is wider than Wilson's of the same trials, as if there were fewer. The limit h
/// solves (h − p)² = z² h (1 − h) / n, so n = z² h (1 − h) / (h − p)².
pub fn effective_trials(share: f64, high: f64, trials: u64) -> u64 {
    let alike = Z_95 * Z_95 * high * (1.0 - high) / (high - share).powi(2);
    // No number of trials has its limit on the share itself.
    if high > share && alike.is_finite() { trials.min(alike.round().max(1.0) as u64) } else { trials }
}

/// Wilson score interval of a share of weighted trials; `None` where the share or the weights cannot be.
///
/// `share` is Σ weight of successes / Σ weight. METHOD: drawn trials that stand for others say less than their weight
/// suggests, so n is Kish's effective number (Σ w)² / Σ w² (Kish, Survey Sampling, 1965, section 11.7). With equal weights
/// this is the plain interval.
pub fn wilson_weighted(share: f64, weight_sum: f64, weight_squares: f64) -> Option<Interval> {
    let is_sound = (0.0..=1.0).contains(&share) && weight_sum > 0.0 && weight_squares > 0.0;
    if is_sound { score(share, weight_sum * weight_sum / weight_squares) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// x, n, low and high in percent to two decimals.
    const PUBLISHED: [(u64, u64, [f64; 2]); 10] = [
        (0, 1000, [0.00, 0.38]),
        (2, 1000, [0.05, 0.73]),
        (5, 1000, [0.21, 1.17]),
        (10, 1000, [0.54, 1.83]),
        (15, 1000, [0.91, 2.46]),
        (20, 1000, [1.30, 3.07]),
        (50, 1000, [3.81, 6.53]),
        (20, 2000, [0.65, 1.54]),
        (50, 5000, [0.76, 1.32]),
        (100, 10000, [0.82, 1.21]),
    ];

    #[test]
    fn agrees_with_the_published_table() {
        for (x, n, limits) in PUBLISHED {
            let found = wilson(x, n).expect("trials above zero");
            assert_eq!([found.low(), found.high()].map(|limit| (limit * 1e4).round() / 1e2), limits, "{x}/{n}");
        }
    }

    #[test]
    fn equal_weights_give_the_plain_interval_and_unequal_ones_a_wider() {
        let plain = wilson(20, 1000).expect("trials");
        for weight in [1.0, 7.5] {
            let found = wilson_weighted(0.02, 1000.0 * weight, 1000.0 * weight * weight).expect("weights");
            assert!((found.low() - plain.low()).abs() < 1e-12 && (found.high() - plain.high()).abs() < 1e-12);
        }
        // 500 of weight 1 and 100 of weight 5: (1000)² / (500 + 2500) = 333.3 effective trials.
        let drawn = wilson_weighted(0.02, 1000.0, 3000.0).expect("weights");
        assert!(drawn.low() < plain.low() && drawn.high() > plain.high());
        assert_eq!(wilson_weighted(0.0, 10.0, 10.0).map(|interval| interval.low()), Some(0.0));
        for (share, sum, squares) in [(1.1, 1.0, 1.0), (f64::NAN, 1.0, 1.0), (0.5, 0.0, 0.0)] {
            assert_eq!(wilson_weighted(share, sum, squares), None);
        }
    }

    #[test]
    fn undefined_counts_have_no_interval() {
        assert_eq!([(0, 0), (2, 1)].map(|(x, n)| wilson(x, n)), [None, None]);
    }

    #[test]
    fn wilson_s_own_limit_keeps_the_trials_and_a_wider_one_takes_of_them() {
        for (x, n) in [(0, 924), (3, 1000), (20, 2000)] {
            let (share, high) = (x as f64 / n as f64, wilson(x, n).expect("trials").high());
            assert_eq!(effective_trials(share, high, n), n);
            assert_eq!(effective_trials(share, high, 10 * n), n);
            assert!(effective_trials(share, 1.5 * high, n) < n);
        }
        assert_eq!(effective_trials(0.01, 0.01, 50), 50);
        assert_eq!(effective_trials(0.0, 1.0, 50), 1);
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_proportion_and_mirrors_its_complement(n in 1_u64..20_000, share in 0.0..=1.0_f64) {
            let x = (share * n as f64).floor() as u64;
            let (interval, mirror) = (wilson(x, n).expect("trials"), wilson(n - x, n).expect("trials"));
            let p = x as f64 / n as f64;
            prop_assert!(interval.low() <= p && p <= interval.high());
            prop_assert!((interval.low() + mirror.high() - 1.0).abs() < 1e-9);
        }
    }
}
