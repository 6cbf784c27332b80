//! Percentile bootstrap over clusters, seeded.
//!
//! In: the number of clusters and a statistic of their weights, where a cluster's weight is how often it was drawn.
//! Out: the 2.5 % and 97.5 % quantiles of the statistic over the resamples. What a cluster is (field, slide, group) is
//! the caller's choice.
//!
//! Method: Efron, Ann Stat 1979, 7:1–26; clusters are drawn whole because their members are not independent (Field and
//! Welsh, J R Stat Soc B 2007, 69:369–390). Quantiles are interpolated linearly (Hyndman and Fan's type 7). Draws come
//! from PCG-64 with a fixed seed: the same clusters in the same order give the same limits on any machine.
//!
//! Limits: with few clusters the interval is too narrow, and where all clusters agree it has no width. Report it beside an
//! interval that knows the count, and act on the wider of the two.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

use super::Interval;

/// Resamples. With 2000 the Monte Carlo error of a 2.5 % tail is 0.35 percentage points of coverage, and Efron and
/// Tibshirani (1993, section 13) ask for 1000 or more.
const RESAMPLES: usize = 2000;

/// Seed of every interval. Any fixed value serves; this one is the year of Efron's paper.
const SEED: u64 = 1979;

/// Fewest clusters that can be resampled: one cluster has no spread to show.
pub const MIN_CLUSTERS: usize = 2;

/// Least share of resamples in which the statistic must be defined. Below one half the interval would describe a
/// minority of the resamples.
const MIN_DEFINED_SHARE: f64 = 0.5;

/// Share of the resamples beyond each limit: two-sided 95 %.
const TAIL: f64 = 0.025;

/// Lower and upper limit of a statistic of any range, in its unit; `low` ≤ `high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Lower limit.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
}

/// 95 % percentile limits of `statistic` over `clusters` clusters.
///
/// `statistic` receives one weight for each cluster (they add up to `clusters`) and returns `None` where it is not
/// defined for them. The result is `None` with fewer than [`MIN_CLUSTERS`], or where fewer than half of the resamples
/// define the statistic.
///
/// ```
/// use schistoquant::stats::bootstrap::percentile_limits;
/// let heights = [1.0, 2.0, 3.0, 4.0];
/// let mean = |weights: &[u32]| {
///     let sum: f64 = heights.iter().zip(weights).map(|(height, &weight)| height * f64::from(weight)).sum();
///     Some(sum / 4.0)
/// };
/// let limits = percentile_limits(heights.len(), mean).expect("four clusters");
/// assert!(limits.low > 1.0 && limits.low < 2.5 && limits.high > 2.5 && limits.high < 4.0);
/// ```
pub fn percentile_limits(clusters: usize, mut statistic: impl FnMut(&[u32]) -> Option<f64>) -> Option<Limits> {
    let mut replicates = Vec::with_capacity(RESAMPLES);
    each_resample(clusters, |weights| replicates.extend(statistic(weights).filter(|value| value.is_finite())))?;
    limits_of(replicates)
}

/// Draws each resample and gives its weights; `None` with fewer than [`MIN_CLUSTERS`].
fn each_resample(clusters: usize, mut take: impl FnMut(&[u32])) -> Option<()> {
    if clusters < MIN_CLUSTERS {
        return None;
    }
    let mut rng = Pcg64::seed_from_u64(SEED);
    let mut weights = vec![0_u32; clusters];
    for _ in 0..RESAMPLES {
        weights.fill(0);
        for _ in 0..clusters {
            weights[index_below(&mut rng, clusters)] += 1;
        }
        take(&weights);
    }
    Some(())
}

/// The limits of replicates; `None` where too few are defined.
fn limits_of(mut replicates: Vec<f64>) -> Option<Limits> {
    if (replicates.len() as f64) < MIN_DEFINED_SHARE * RESAMPLES as f64 {
        return None;
    }
    Some(Limits { low: quantile(&mut replicates, TAIL)?, high: quantile(&mut replicates, 1.0 - TAIL)? })
}

/// 95 % percentile interval of Σ successes / Σ trials over clusters of (successes, trials).
///
/// Clusters without a trial say nothing and are left out. `None` with fewer than [`MIN_CLUSTERS`] of the others.
pub fn ratio_interval(clusters: &[(u64, u64)]) -> Option<Interval> {
    let clusters: Vec<_> = clusters.iter().map(|&(successes, trials)| ([successes], trials)).collect();
    ratio_intervals(&clusters).map(|[interval]| interval)
}

/// The same for several kinds of successes among the same trials, from the same draws: each interval is that of
/// [`ratio_interval`], and all take little longer than one.
pub fn ratio_intervals<const K: usize>(clusters: &[([u64; K], u64)]) -> Option<[Interval; K]> {
    let clusters: Vec<_> = clusters.iter().filter(|(_, trials)| *trials > 0).collect();
    let mut replicates: [Vec<f64>; K] = std::array::from_fn(|_| Vec::with_capacity(RESAMPLES));
    each_resample(clusters.len(), |weights| {
        let (mut successes, mut trials) = ([0_u64; K], 0_u64);
        for ((own, n), &weight) in clusters.iter().zip(weights) {
            successes.iter_mut().zip(own).for_each(|(all, own)| *all += own * u64::from(weight));
            trials += n * u64::from(weight);
        }
        // Every cluster has a trial, and so has every resample.
        replicates.iter_mut().zip(successes).for_each(|(all, x)| all.push(x as f64 / trials as f64));
    })?;
    let intervals = replicates.map(|replicates| {
        let limits = limits_of(replicates)?;
        Interval::new(limits.low, limits.high)
    });
    let found: Vec<Interval> = intervals.into_iter().collect::<Option<_>>()?;
    found.try_into().ok()
}

/// Uniform index below `bound` by multiplication (Lemire 2019); the bias is below `bound` / 2⁶⁴.
fn index_below(rng: &mut Pcg64, bound: usize) -> usize {
    ((u128::from(rng.next_u64()) * bound as u128) >> 64) as usize
}

/// Quantile of numbers, linear between order statistics; `None` of none. It puts them in another order: all that is asked of it
/// is where two of them lie, which is found faster than by sorting all.
fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let position = share * last as f64;
    let below = position.floor() as usize;
    let (_, low, greater) = values.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    let high = greater.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(low + (position - below as f64) * (high - low))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::proportion::wilson;

    #[test]
    fn several_ratios_from_the_same_draws_are_those_of_one() {
        let clusters = [([1, 4], 90), ([0, 2], 110), ([3, 3], 70), ([0, 0], 0), ([2, 9], 130)];
        let together = ratio_intervals(&clusters).expect("four clusters");
        for (kind, interval) in together.iter().enumerate() {
            let alone: Vec<_> = clusters.iter().map(|(successes, trials)| (successes[kind], *trials)).collect();
            assert_eq!(Some(*interval), ratio_interval(&alone));
        }
        assert_eq!(ratio_intervals(&[([1], 9)]), None);
    }

    #[test]
    fn one_cluster_or_one_with_trials_has_no_interval() {
        assert_eq!(ratio_interval(&[]), None);
        assert_eq!(ratio_interval(&[(1, 100)]), None);
        assert_eq!(ratio_interval(&[(1, 100), (0, 0)]), None);
        assert!(ratio_interval(&[(1, 100), (2, 100)]).is_some());
    }

    #[test]
    fn clusters_that_agree_have_an_interval_without_width() {
        let interval = ratio_interval(&[(3, 100); 7]).expect("seven clusters");
        assert_eq!((interval.low(), interval.high()), (0.03, 0.03));
    }

    #[test]
    fn two_unlike_clusters_reach_both_ends() {
        let interval = ratio_interval(&[(0, 100), (10, 100)]).expect("two clusters");
        assert_eq!((interval.low(), interval.high()), (0.0, 0.1));
    }

    #[test]
    fn clusters_of_one_trial_come_close_to_the_binomial_interval() {
        let clusters: Vec<_> = (0..400).map(|i| (u64::from(i % 4 == 0), 1)).collect();
        let (found, expected) = (ratio_interval(&clusters).expect("clusters"), wilson(100, 400).expect("trials"));
        assert!((found.low() - expected.low()).abs() < 0.01, "{found:?} {expected:?}");
        assert!((found.high() - expected.high()).abs() < 0.01, "{found:?} {expected:?}");
    }

    #[test]
    fn a_statistic_that_is_mostly_undefined_has_no_limits() {
        let mut calls = 0;
        let mut every = |n: usize| {
            calls = 0;
            percentile_limits(3, |_| {
                calls += 1;
                (calls % n == 0).then_some(1.0)
            })
        };
        assert_eq!(every(2), Some(Limits { low: 1.0, high: 1.0 }));
        assert_eq!(every(3), None);
    }

    #[test]
    fn quantiles_follow_type_seven() {
        assert_eq!(quantile(&mut [3.0, 1.0, 4.0, 2.0], 0.25), Some(1.75));
        assert_eq!(quantile(&mut [5.0], 0.9), Some(5.0));
        assert_eq!(quantile(&mut [], 0.5), None);
    }

    proptest! {
        #[test]
        fn limits_lie_within_the_clusters_and_repeat(
            clusters in prop::collection::vec((0_u64..50, 50_u64..200), 2..12),
        ) {
            let interval = ratio_interval(&clusters).expect("two clusters or more");
            let ratios: Vec<_> = clusters.iter().map(|&(x, n)| x as f64 / n as f64).collect();
            let (least, most) =
                ratios.iter().fold((1.0_f64, 0.0_f64), |(low, high), &ratio| (low.min(ratio), high.max(ratio)));
            prop_assert!(least - 1e-12 <= interval.low() && interval.high() <= most + 1e-12);
            prop_assert_eq!(ratio_interval(&clusters), Some(interval));
        }
    }
}
