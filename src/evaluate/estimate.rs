//! A measured value with its number and its 95 % interval.
//!
//! METHOD: the interval of a share is the union of the percentile bootstrap over clusters and of the Wilson interval.
//! The bootstrap alone has no width where no cell, or every cell, is a success, which is just where a false-positive
//! floor is to be proved. Wilson alone takes the cells of a field as independent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::rounded;
use crate::stats::Interval;
use crate::stats::bootstrap::{Limits, MIN_CLUSTERS, percentile_limits, ratio_interval};
use crate::stats::proportion::{wilson, wilson_weighted};

/// Lower and upper limit in the unit of the figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FigureInterval")]
pub struct EstimateInterval {
    /// Lower limit.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
}

/// A figure with what stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Figure")]
pub struct Estimate {
    /// The figure; null where it is not defined.
    pub value: Option<f64>,
    /// How many of `n`, where the figure is a share.
    pub count: Option<u64>,
    /// Cells, boxes, fields or specimens behind it: the denominator.
    pub n: u64,
    /// Cells that those `n` were drawn to stand for; null where each stands for itself. Value and interval are by weight,
    /// `count` and `n` are not.
    pub weight: Option<f64>,
    /// 95 % interval: percentile bootstrap over clusters, for a share joined with its Wilson interval; null where fewer
    /// than two clusters carry what the figure is about, unless it is a share.
    pub interval_95: Option<EstimateInterval>,
}

/// Trials of one cluster, each of which may stand for others.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Trials {
    hits: u64,
    trials: u64,
    hit_weight: f64,
    weight: f64,
    squares: f64,
}

impl Trials {
    /// One more trial that stands for `weight`.
    pub(super) fn add(&mut self, hit: bool, weight: f64) {
        self.hits += u64::from(hit);
        self.trials += 1;
        self.hit_weight += if hit { weight } else { 0.0 };
        self.weight += weight;
        self.squares += weight * weight;
    }

    /// Both together.
    pub(super) fn plus(&self, other: &Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            trials: self.trials + other.trials,
            hit_weight: self.hit_weight + other.hit_weight,
            weight: self.weight + other.weight,
            squares: self.squares + other.squares,
        }
    }

    /// Number of trials.
    pub(super) fn trials(&self) -> u64 {
        self.trials
    }

    /// What they stand for.
    pub(super) fn weight(&self) -> f64 {
        self.weight
    }

    fn is_plain(&self) -> bool {
        self.weight == self.trials as f64 && self.squares == self.trials as f64
    }
}

/// Share of hits by weight among trials, given for each cluster.
pub(super) fn weighted_share(clusters: &[Trials]) -> Estimate {
    let all = clusters.iter().fold(Trials::default(), |sum, cluster| sum.plus(cluster));
    if all.is_plain() {
        return share(clusters.iter().map(|cluster| (cluster.hits, cluster.trials)));
    }
    let with_trials: Vec<_> = clusters.iter().filter(|cluster| cluster.trials > 0).collect();
    let of = |weights: &[u32]| {
        let sum = |part: fn(&Trials) -> f64| -> f64 {
            with_trials.iter().zip(weights).map(|(cluster, &weight)| part(cluster) * f64::from(weight)).sum()
        };
        ratio(sum(|cluster| cluster.hit_weight), sum(|cluster| cluster.weight))
    };
    let value = all.hit_weight / all.weight;
    let interval = wilson_weighted(value, all.weight, all.squares).map(|wilson| {
        let bootstrap = percentile_limits(with_trials.len(), of);
        joined(wilson, bootstrap.and_then(|limits| Interval::new(limits.low, limits.high)))
    });
    Estimate {
        value: Some(rounded(value)),
        count: Some(all.hits),
        n: all.trials,
        weight: Some(rounded(all.weight)),
        interval_95: interval,
    }
}

/// Share of successes among trials, given for each cluster.
pub(super) fn share(clusters: impl IntoIterator<Item = (u64, u64)>) -> Estimate {
    let clusters: Vec<_> = clusters.into_iter().collect();
    let (successes, trials) = clusters.iter().fold((0, 0), |(x, n), cluster| (x + cluster.0, n + cluster.1));
    let interval = wilson(successes, trials).map(|wilson| joined(wilson, ratio_interval(&clusters)));
    Estimate {
        value: (trials > 0).then(|| rounded(successes as f64 / trials as f64)),
        count: (trials > 0).then_some(successes),
        n: trials,
        weight: None,
        interval_95: interval,
    }
}

/// The smallest interval that holds both.
fn joined(wilson: Interval, bootstrap: Option<Interval>) -> EstimateInterval {
    let both = bootstrap.map_or(wilson, |bootstrap| wilson.union(&bootstrap));
    EstimateInterval { low: rounded(both.low()), high: rounded(both.high()) }
}

/// Any statistic of weighted clusters; `n` is what stands behind it.
pub(super) fn statistic(n: u64, clusters: usize, of: impl Fn(&[u32]) -> Option<f64>) -> Estimate {
    let value = of(&vec![1; clusters]).filter(|value| value.is_finite());
    let limits = value.and_then(|_| percentile_limits(clusters, of));
    let interval_95 = limits.map(|Limits { low, high }| EstimateInterval { low: rounded(low), high: rounded(high) });
    Estimate { value: value.map(rounded), n, interval_95, ..Estimate::default() }
}

/// The estimate without its interval where fewer than two clusters carry what it is about.
///
/// METHOD: a class that occurs in one cluster has the same value in every resample that holds it. An interval without width
/// would call that certain.
pub(super) fn carried_by(estimate: Estimate, carriers: impl IntoIterator<Item = u64>) -> Estimate {
    let carriers = carriers.into_iter().filter(|&carried| carried > 0).count();
    Estimate { interval_95: estimate.interval_95.filter(|_| carriers >= MIN_CLUSTERS), ..estimate }
}

/// Sum of one count for each cluster by weight.
pub(super) fn weighted(counts: impl IntoIterator<Item = u64>, weights: &[u32]) -> f64 {
    counts.into_iter().zip(weights).map(|(count, &weight)| count * u64::from(weight)).sum::<u64>() as f64
}

/// A ratio, `None` over nothing.
pub(super) fn ratio(above: f64, below: f64) -> Option<f64> {
    (below > 0.0).then(|| above / below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn width(share: Estimate) -> f64 {
        share.interval_95.map(|limits| limits.high - limits.low).expect("trials")
    }

    #[test]
    fn a_floor_of_zero_keeps_the_width_of_its_count() {
        let floor = share([(0, 500), (0, 500)]);
        let interval = floor.interval_95.expect("trials");
        assert_eq!((floor.value, floor.count, floor.n, interval.low), (Some(0.0), Some(0), 1000, 0.0));
        assert!((interval.high - 0.003_827).abs() < 1e-6);
    }

    #[test]
    fn clusters_that_differ_widen_a_share() {
        let (even, uneven) = (share([(5, 100); 10]), share((0..10).map(|i| (if i == 0 { 50 } else { 0 }, 100))));
        assert_eq!(even.value, uneven.value);
        assert!(width(uneven) > 2.0 * width(even));
    }

    fn trials(items: &[(bool, f64)]) -> Trials {
        let mut trials = Trials::default();
        items.iter().for_each(|&(hit, weight)| trials.add(hit, weight));
        trials
    }

    #[test]
    fn weighted_shares_computed_by_hand_and_as_copies() {
        // 1 of weight 1 and 1 of weight 4 among 1 + 4 + 5 + 2.
        let clusters = [trials(&[(true, 1.0), (false, 5.0)]), trials(&[(true, 4.0), (false, 2.0)])];
        let drawn = weighted_share(&clusters);
        assert_eq!((drawn.value, drawn.count, drawn.n, drawn.weight), (Some(0.416_667), Some(2), 4, Some(12.0)));
        let copies = [(1, 6), (4, 6)];
        assert_eq!(share(copies).value, drawn.value);
        // Four trials that stand for twelve know less than twelve.
        assert!(width(drawn) > width(share(copies)));
        let plain = [trials(&[(true, 1.0), (false, 1.0)]), trials(&[(false, 1.0)])];
        assert_eq!(weighted_share(&plain), share([(1, 2), (0, 1)]));
        assert_eq!(weighted_share(&[]), Estimate::default());
    }

    #[test]
    fn one_carrier_gives_no_interval() {
        let interval_95 = Some(EstimateInterval { low: 0.1, high: 0.2 });
        let estimate = Estimate { value: Some(0.15), n: 9, interval_95, ..Estimate::default() };
        assert_eq!(carried_by(estimate, [0, 9, 0]), Estimate { interval_95: None, ..estimate });
        assert_eq!(carried_by(estimate, [0, 8, 1]), estimate);
    }

    #[test]
    fn nothing_gives_null() {
        assert_eq!(share([]), Estimate::default());
        assert_eq!(statistic(0, 3, |_| None), Estimate::default());
        assert_eq!(statistic(4, 1, |_| Some(2.5)), Estimate { value: Some(2.5), n: 4, ..Estimate::default() });
        assert_eq!(ratio(1.0, 0.0), None);
    }
}
