//! The plot of the intervals against the reference limit: its rows, its axis, and its words for those who cannot see it.
//!
//! In: a [`CountRecord`], percent. Out: an [`IntervalPlot`]; every place is a share of the width, 0–1, so that page and
//! sheet draw the same plot. Rows: the named intervals of the count, then the false-positive floor, as far as they are
//! known.

use serde::Serialize;

use super::values::{interval, percent, plain};
use super::words::{corrected_value, interval_name};
use crate::case::{CountRecord, IntervalName, PercentInterval};

/// The intervals of a count against its threshold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct IntervalPlot {
    /// The plot in words.
    pub label: String,
    /// What the plot shows and which intervals decide.
    pub caption: String,
    /// Place of the reference limit.
    pub threshold: f64,
    /// The reference limit in words.
    pub threshold_words: String,
    /// Numbers of the axis.
    pub ticks: Vec<Tick>,
    /// From top to bottom.
    pub rows: Vec<Row>,
}

/// A number of the axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Tick {
    pub place: f64,
    pub words: String,
}

/// One interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Row {
    pub words: String,
    /// Places of the limits.
    pub limits: Option<[f64; 2]>,
    /// Place of the value.
    pub point: Option<f64>,
}

impl IntervalPlot {
    /// Of a count; `None` without a percentage.
    pub fn of(count: &CountRecord, caption: String) -> Option<Self> {
        count.percent?;
        let named = count.intervals().into_iter().filter(|one| one.limits.is_some()).map(|one| {
            let point = match one.name {
                IntervalName::Corrected => corrected_value(count).and_then(Result::ok),
                _ => one.point,
            };
            (interval_name(one.name), point, one.limits)
        });
        let floor = count.false_positive_floor_percent;
        let floor = floor.map(|floor| ("False-positive floor", Some(floor), count.false_positive_floor_95));
        let rows: Vec<_> = named.chain(floor).collect();
        // The threshold stands well inside, whatever the value.
        const ROOM_ABOVE_THRESHOLD: f64 = 1.6;
        let ends = rows.iter().filter_map(|(_, point, limits)| limits.map(|limits| limits.high).or(*point));
        let axis = Axis::reaching(ends.fold(count.threshold_percent * ROOM_ABOVE_THRESHOLD, f64::max));
        let rows: Vec<Row> = rows
            .into_iter()
            .map(|(name, point, limits)| Row {
                words: row_words(name, point, limits),
                limits: limits.map(|limits| [axis.place(limits.low), axis.place(limits.high)]),
                point: point.map(|point| axis.place(point)),
            })
            .collect();
        let words: Vec<&str> = rows.iter().map(|row| row.words.as_str()).collect();
        Some(Self {
            label: format!("Intervals against the limit of {}. {}", percent(count.threshold_percent), words.join("; ")),
            caption,
            threshold: axis.place(count.threshold_percent),
            threshold_words: format!("reference limit {} %", plain(count.threshold_percent)),
            ticks: axis.ticks(),
            rows,
        })
    }
}

/// Name, value and interval in words.
fn row_words(name: &str, point: Option<f64>, limits: Option<PercentInterval>) -> String {
    match (point, limits) {
        (Some(point), Some(limits)) => format!("{name}: {} ({})", percent(point), interval(limits)),
        (None, Some(limits)) => format!("{name}: {}", interval(limits)),
        (Some(point), None) => format!("{name}: {}", percent(point)),
        (None, None) => name.to_owned(),
    }
}

/// A linear axis from 0 percent.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Axis {
    step: f64,
    steps: u32,
}

impl Axis {
    /// The axis of three to six round steps that reaches `most`; 100 at most.
    fn reaching(most: f64) -> Self {
        const ROUND: [f64; 4] = [1.0, 2.0, 2.5, 5.0];
        const MOST_STEPS: f64 = 6.0;
        let most = most.clamp(0.1, 100.0);
        let sizes = (-3..=2).flat_map(|power| ROUND.map(|round| round * 10f64.powi(power)));
        let step = sizes.into_iter().find(|step| most / step <= MOST_STEPS).unwrap_or(25.0);
        Self { step, steps: (most / step).ceil().max(1.0) as u32 }
    }

    /// The highest value.
    fn end(self) -> f64 {
        self.step * f64::from(self.steps)
    }

    /// Place of a value between both ends, 0–1; values beyond an end stand at it.
    fn place(self, value: f64) -> f64 {
        (value / self.end()).clamp(0.0, 1.0)
    }

    fn ticks(self) -> Vec<Tick> {
        let values = (0..=self.steps).map(|index| self.step * f64::from(index));
        values.map(|value| Tick { place: self.place(value), words: format!("{} %", plain(value)) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_on_a_round_step_at_or_above_the_most() {
        let ends: Vec<f64> = [0.0, 1.6, 3.45, 6.5, 18.4, 100.0, 250.0].map(|most| Axis::reaching(most).end()).into();
        assert_eq!(ends, [0.1, 2.0, 4.0, 8.0, 20.0, 100.0, 100.0]);
    }

    #[test]
    fn values_beyond_the_axis_stand_at_its_end() {
        let axis = Axis::reaching(2.0);
        assert_eq!([-1.0, 0.0, 1.0, 2.0, 99.0].map(|value| axis.place(value)), [0.0, 0.0, 0.5, 1.0, 1.0]);
    }
}
