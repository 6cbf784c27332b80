//! A value with its number and its interval.
//!
//! METHOD: the interval of a share is the union of the percentile bootstrap over clusters and of the Wilson interval.
//! The bootstrap alone has no width where no cell, or every cell, is a success, which is just where a false-positive
//! floor is to be proved; Wilson alone takes the cells of a field as independent.

use super::record::{Figure, FigureInterval};
use crate::case::rounded;
use crate::stats::bootstrap::{MIN_CLUSTERS, percentile_limits, ratio_interval};
use crate::stats::proportion::wilson;

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

    #[test]
    fn one_carrier_gives_no_interval() {
        let interval_95 = Some(FigureInterval { low: 0.1, high: 0.2 });
        let figure = Figure { value: Some(0.15), count: None, n: 9, interval_95 };
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
