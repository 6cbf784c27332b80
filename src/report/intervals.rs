//! What the plot of intervals shows: the rows, the axis and the words for those who cannot see it.
//!
//! In: a [`CountRecord`], percent. Out: an [`IntervalPlot`] that page and sheet draw each in their own way. Rows: the named
//! intervals of the count, then the false-positive floor, as far as they are known.

use super::figures::{interval, percent};
use super::words::{corrected_value, interval_name};
use crate::case::{CountRecord, IntervalName, NamedInterval, PercentInterval};

/// The intervals of a count against its threshold.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IntervalPlot {
    /// The scale.
    pub(super) axis: Axis,
    /// Reference limit, %.
    pub(super) threshold_percent: f64,
    /// From top to bottom.
    pub(super) rows: Vec<Row>,
}

impl IntervalPlot {
    /// Of a count; `None` without a percentage.
    pub(super) fn of(count: &CountRecord) -> Option<Self> {
        count.percent?;
        let named = count.intervals().into_iter().filter(|one| one.limits.is_some());
        let point = |one: &NamedInterval| match one.name {
            IntervalName::Corrected => corrected_value(count).and_then(Result::ok),
            _ => one.point,
        };
        let named = named.map(|one| Row { name: interval_name(one.name), point: point(&one), interval: one.limits });
        let floor = count.false_positive_floor_percent.map(|floor| Row {
            name: "False-positive floor",
            point: Some(floor),
            interval: count.false_positive_floor_95,
        });
        let rows: Vec<Row> = named.chain(floor).collect();
        // The threshold stands well inside, whatever the value.
        const ROOM_ABOVE_THRESHOLD: f64 = 1.6;
        let most = rows.iter().map(Row::most).fold(count.threshold_percent * ROOM_ABOVE_THRESHOLD, f64::max);
        Some(Self { axis: Axis::reaching(most), threshold_percent: count.threshold_percent, rows })
    }

    /// The plot in words.
    pub(super) fn label(&self) -> String {
        let words: Vec<String> = self.rows.iter().map(Row::words).collect();
        format!("Intervals against the limit of {}. {}", percent(self.threshold_percent), words.join("; "))
    }
}

/// A linear axis from 0 percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    step: f64,
    steps: u32,
}

impl Axis {
    /// The axis of three to six round steps that reaches `most`; 100 at most.
    pub(super) fn reaching(most: f64) -> Self {
        const ROUND: [f64; 4] = [1.0, 2.0, 2.5, 5.0];
        const MOST_STEPS: f64 = 6.0;
        let most = most.clamp(0.1, 100.0);
        let sizes = (-3..=2).flat_map(|power| ROUND.map(|round| round * 10f64.powi(power)));
        let step = sizes.into_iter().find(|step| most / step <= MOST_STEPS).unwrap_or(25.0);
        Self { step, steps: (most / step).ceil().max(1.0) as u32 }
    }

    /// The highest value.
    pub(super) fn end(self) -> f64 {
        self.step * f64::from(self.steps)
    }

    /// Place of a value between both ends, 0–1; values beyond an end stand at it.
    pub(super) fn place(self, value: f64) -> f64 {
        (value / self.end()).clamp(0.0, 1.0)
    }

    /// Values with a number.
    pub(super) fn ticks(self) -> impl Iterator<Item = f64> {
        (0..=self.steps).map(move |index| self.step * f64::from(index))
    }
}

/// One line of the interval plot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    /// What it shows.
    pub(super) name: &'static str,
    /// The value, %.
    pub(super) point: Option<f64>,
    /// Its 95 % interval, %.
    pub(super) interval: Option<PercentInterval>,
}

impl Row {
    /// Name, value and interval in words.
    pub(super) fn words(&self) -> String {
        match (self.point, self.interval) {
            (Some(point), Some(limits)) => format!("{}: {} ({})", self.name, percent(point), interval(limits)),
            (None, Some(limits)) => format!("{}: {}", self.name, interval(limits)),
            (Some(point), None) => format!("{}: {}", self.name, percent(point)),
            (None, None) => self.name.to_owned(),
        }
    }

    fn most(&self) -> f64 {
        self.interval.map(|limits| limits.high).or(self.point).unwrap_or(0.0)
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
