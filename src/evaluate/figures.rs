//! A value with its number and its interval.
//!
//! METHOD: the interval of a share is the union of the percentile bootstrap over clusters and of the Wilson interval.
//! The bootstrap alone has no width where no cell, or every cell, is a success, which is just where a false-positive
//! floor is to be proved; Wilson alone takes the cells of a field as independent.

use super::record::{Figure, FigureInterval};
use crate::case::rounded;
use crate::stats::Interval;
use crate::stats::bootstrap::{MIN_CLUSTERS, percentile_limits, ratio_interval};
use crate::stats::proportion::{wilson, wilson_weighted};

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
    /// No trial.
    pub(super) const NONE: Self = Self { hits: 0, trials: 0, hit_weight: 0.0, weight: 0.0, squares: 0.0 };

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
pub(super) fn weighted_share(clusters: &[Trials]) -> Figure {
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
        let bootstrap =
            percentile_limits(with_trials.len(), of).and_then(|limits| Interval::new(limits.low, limits.high));
        let joined = bootstrap.map_or(wilson, |bootstrap| wilson.union(&bootstrap));
        FigureInterval { low: rounded(joined.low()), high: rounded(joined.high()) }
    });
    Figure {
        value: Some(rounded(value)),
        count: Some(all.hits),
        n: all.trials,
        weight: Some(rounded(all.weight)),
        interval_95: interval,
    }
}

/// Share of successes among trials, given for each cluster.
pub(super) fn share(clusters: impl IntoIterator<Item = (u64, u64)>) -> Figure {
    let clusters: Vec<_> = clusters.into_iter().collect();
    let (successes, trials) = clusters.iter().fold((0, 0), |(x, n), cluster| (x + cluster.0, n + cluster.1));
    let interval = wilson(successes, trials).map(|wilson| {
        let joined = ratio_interval(&clusters).map_or(wilson, |bootstrap| wilson.union(&bootstrap));
        FigureInterval { low: rounded(joined.low()), high: rounded(joined.high()) }
    });
    Figure {
        value: (trials > 0).then(|| rounded(successes as f64 / trials as f64)),
        count: (trials > 0).then_some(successes),
        n: trials,
        weight: None,
        interval_95: interval,
    }
}

/// Any figure of weighted clusters; `n` is what stands behind it.
pub(super) fn statistic(n: u64, clusters: usize, figure: impl Fn(&[u32]) -> Option<f64>) -> Figure {
    let value = figure(&vec![1; clusters]).filter(|value| value.is_finite());
    let limits = value.and_then(|_| percentile_limits(clusters, figure));
    Figure {
        value: value.map(rounded),
        count: None,
        n,
        weight: None,
        interval_95: limits.map(|limits| FigureInterval { low: rounded(limits.low), high: rounded(limits.high) }),
    }
}

/// The figure without its interval where fewer than two clusters carry what it is about.
///
/// METHOD: a class that lives in one cluster reads the same in every resample that holds it; an interval without width
/// would call that certain.
pub(super) fn carried_by(figure: Figure, carriers: impl IntoIterator<Item = u64>) -> Figure {
    let carriers = carriers.into_iter().filter(|&carried| carried > 0).count();
    Figure { interval_95: figure.interval_95.filter(|_| carriers >= MIN_CLUSTERS), ..figure }
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
        let width = |figure: Figure| figure.interval_95.map(|interval| interval.high - interval.low).expect("trials");
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
        let width = |figure: Figure| figure.interval_95.map(|limits| limits.high - limits.low).expect("trials");
        assert!(width(drawn) > width(share(copies)));
        let plain = [trials(&[(true, 1.0), (false, 1.0)]), trials(&[(false, 1.0)])];
        assert_eq!(weighted_share(&plain), share([(1, 2), (0, 1)]));
        assert_eq!(weighted_share(&[]), Figure::default());
    }

    #[test]
    fn one_carrier_gives_no_interval() {
        let interval_95 = Some(FigureInterval { low: 0.1, high: 0.2 });
        let figure = Figure { value: Some(0.15), n: 9, interval_95, ..Figure::default() };
        assert_eq!(carried_by(figure, [0, 9, 0]), Figure { interval_95: None, ..figure });
        assert_eq!(carried_by(figure, [0, 8, 1]), figure);
    }

    #[test]
    fn nothing_gives_null() {
        assert_eq!(share([]), Figure::default());
        assert_eq!(statistic(0, 3, |_| None), Figure::default());
        assert_eq!(statistic(4, 1, |_| Some(2.5)), Figure { value: Some(2.5), n: 4, ..Figure::default() });
        assert_eq!(ratio(1.0, 0.0), None);
    }
}
