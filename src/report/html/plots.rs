//! Plots as inline SVG: intervals against the threshold, and bars.
//!
//! Positions are percentages of the width and texts have the size of the page, so that a plot fills a phone, a screen
//! and a sheet without a script and without shrinking its words.

use maud::{Markup, html};

use super::figures::{interval, percent, percent_digits, plain};
use crate::case::{CountRecord, PercentInterval};

/// Left and right margin of the axis, percent of the width: room for the end caps.
const MARGIN: f64 = 1.5;
/// Height of the words of the limit, px.
const HEAD_PX: f64 = 20.0;
/// Height of the words of one row, px.
const WORDS_PX: f64 = 20.0;
/// Height of the band under them that holds the interval, px.
const BAND_PX: f64 = 24.0;
/// Height of the numbers of the axis, px.
const AXIS_PX: f64 = 20.0;

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

    fn end(self) -> f64 {
        self.step * f64::from(self.steps)
    }

    /// Place of a value, percent of the width.
    fn place(self, value: f64) -> f64 {
        MARGIN + (100.0 - 2.0 * MARGIN) * (value / self.end()).clamp(0.0, 1.0)
    }

    fn ticks(self) -> impl Iterator<Item = f64> {
        (0..=self.steps).map(move |index| self.step * f64::from(index))
    }
}

/// A place in the drawing, percent of the width.
fn across(place: f64) -> String {
    format!("{place:.2}%")
}

/// Text is anchored so that it stays inside the drawing.
fn anchor(place: f64) -> &'static str {
    const EDGE: f64 = 15.0;
    if place < EDGE {
        "start"
    } else if place > 100.0 - EDGE {
        "end"
    } else {
        "middle"
    }
}

/// One line of the interval plot.
struct Row {
    name: &'static str,
    point: Option<f64>,
    interval: Option<PercentInterval>,
}

impl Row {
    fn words(&self) -> String {
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

/// The intervals of a count against its threshold; `None` without a percentage.
pub(super) fn intervals(count: &CountRecord) -> Option<Markup> {
    count.percent?;
    let corrected = count.corrected.map(|corrected| Row {
        name: "Corrected for model errors",
        point: corrected.percent,
        interval: Some(PercentInterval { low: corrected.low, high: corrected.high }),
    });
    let rows: Vec<Row> = [
        count.wilson_95.map(|limits| Row { name: "Wilson", point: count.percent, interval: Some(limits) }),
        count.field_bootstrap_95.map(|limits| Row {
            name: "Bootstrap over fields",
            point: count.percent,
            interval: Some(limits),
        }),
        corrected,
        count.false_positive_floor_percent.map(|floor| Row {
            name: "False-positive floor",
            point: Some(floor),
            interval: count.false_positive_floor_95,
        }),
    ]
    .into_iter()
    .flatten()
    .collect();

    // The threshold stands well inside, whatever the value.
    const ROOM_ABOVE_THRESHOLD: f64 = 1.6;
    let most = rows.iter().map(Row::most).fold(count.threshold_percent * ROOM_ABOVE_THRESHOLD, f64::max);
    let axis = Axis::reaching(most);
    let threshold = axis.place(count.threshold_percent);
    let bottom = HEAD_PX + (WORDS_PX + BAND_PX) * rows.len() as f64;
    let words: Vec<String> = rows.iter().map(Row::words).collect();
    let label = format!("Intervals against the limit of {}. {}", percent(count.threshold_percent), words.join("; "));

    Some(html! {
        svg.intervals role="img" aria-label=(label) width="100%" height=(bottom + AXIS_PX) {
            text.threshold-words x=(across(threshold)) y=(HEAD_PX - 7.0) text-anchor=(anchor(threshold)) {
                "reference limit " (plain(count.threshold_percent)) " %"
            }
            @for (index, (row, words)) in rows.iter().zip(&words).enumerate() {
                @let top = HEAD_PX + (WORDS_PX + BAND_PX) * index as f64;
                text.row x=(across(MARGIN)) y=(top + WORDS_PX - 6.0) { (words) }
                (band(axis, count.threshold_percent, row, top + WORDS_PX))
            }
            @for tick in axis.ticks() {
                @let place = axis.place(tick);
                text.tick x=(across(place)) y=(bottom + 15.0) text-anchor=(anchor(place)) { (plain(tick)) " %" }
            }
        }
    })
}

/// The band of one row: range up to the threshold, grid, threshold, interval. Words stay outside of it, so that no
/// line runs through them.
fn band(axis: Axis, threshold_percent: f64, row: &Row, top: f64) -> Markup {
    const CAP_PX: f64 = 6.0;
    let (middle, bottom) = (top + BAND_PX / 2.0, top + BAND_PX);
    let threshold = axis.place(threshold_percent);
    html! {
        rect.track x=(across(MARGIN)) y=(top) width=(across(100.0 - 2.0 * MARGIN)) height=(BAND_PX) {}
        rect.range x=(across(MARGIN)) y=(top) width=(across(threshold - MARGIN)) height=(BAND_PX) {}
        @for tick in axis.ticks() {
            @let x = across(axis.place(tick));
            line.grid x1=(x) x2=(x) y1=(top) y2=(bottom) {}
        }
        line.threshold x1=(across(threshold)) x2=(across(threshold)) y1=(top) y2=(bottom) {}
        @if let Some(limits) = row.interval {
            @let (low, high) = (across(axis.place(limits.low)), across(axis.place(limits.high)));
            line.span x1=(low) x2=(high) y1=(middle) y2=(middle) {}
            @for x in [&low, &high] {
                line.span x1=(x) x2=(x) y1=(middle - CAP_PX) y2=(middle + CAP_PX) {}
            }
        }
        @if let Some(point) = row.point {
            circle.point cx=(across(axis.place(point))) cy=(middle) r="5.5" {}
        }
    }
}

/// A bar of `percent` of its width.
pub(super) fn bar(percent: f64, strong: bool) -> Markup {
    html! {
        svg.bar.strong[strong] aria-hidden="true" width="100%" height="12" {
            rect.track width="100%" height="12" {}
            rect.fill width=(format!("{}%", percent_digits(percent.clamp(0.0, 100.0)))) height="12" {}
        }
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
    fn the_ends_of_the_axis_keep_the_margin() {
        let axis = Axis::reaching(2.0);
        assert_eq!((axis.place(0.0), axis.place(axis.end()), axis.place(99.0)), (1.5, 98.5, 98.5));
        assert_eq!(axis.place(1.0), 50.0);
    }

    #[test]
    fn words_at_the_edges_grow_inwards() {
        assert_eq!([2.0, 50.0, 98.0].map(anchor), ["start", "middle", "end"]);
    }
}
