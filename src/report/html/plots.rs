//! Plots as inline SVG: intervals against the threshold, and bars.
//!
//! Positions are percentages of the width and texts have the size of the page, so that a plot fills a phone, a screen
//! and a sheet without a script and without shrinking its words.

use maud::{Markup, html};

use crate::case::CountRecord;
use crate::report::figures::{percent_digits, plain};
use crate::report::intervals::{Axis, IntervalPlot, Row};

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

/// Place of a value, percent of the width.
fn place(axis: Axis, value: f64) -> f64 {
    MARGIN + (100.0 - 2.0 * MARGIN) * axis.place(value)
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

/// The intervals of a count against its threshold; `None` without a percentage.
pub(super) fn intervals(count: &CountRecord) -> Option<Markup> {
    let plot = IntervalPlot::of(count)?;
    let threshold = place(plot.axis, plot.threshold_percent);
    let bottom = HEAD_PX + (WORDS_PX + BAND_PX) * plot.rows.len() as f64;
    Some(html! {
        svg.intervals role="img" aria-label=(plot.label()) width="100%" height=(bottom + AXIS_PX) {
            text.threshold-words x=(across(threshold)) y=(HEAD_PX - 7.0) text-anchor=(anchor(threshold)) {
                "reference limit " (plain(plot.threshold_percent)) " %"
            }
            @for (index, row) in plot.rows.iter().enumerate() {
                @let top = HEAD_PX + (WORDS_PX + BAND_PX) * index as f64;
                text.row x=(across(MARGIN)) y=(top + WORDS_PX - 6.0) { (row.words()) }
                (band(plot.axis, plot.threshold_percent, row, top + WORDS_PX))
            }
            @for tick in plot.axis.ticks() {
                @let place = place(plot.axis, tick);
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
    let threshold = place(axis, threshold_percent);
    html! {
        rect.track x=(across(MARGIN)) y=(top) width=(across(100.0 - 2.0 * MARGIN)) height=(BAND_PX) {}
        rect.range x=(across(MARGIN)) y=(top) width=(across(threshold - MARGIN)) height=(BAND_PX) {}
        @for tick in axis.ticks() {
            @let x = across(place(axis, tick));
            line.grid x1=(x) x2=(x) y1=(top) y2=(bottom) {}
        }
        line.threshold x1=(across(threshold)) x2=(across(threshold)) y1=(top) y2=(bottom) {}
        @if let Some(limits) = row.interval {
            @let (low, high) = (across(place(axis, limits.low)), across(place(axis, limits.high)));
            line.span x1=(low) x2=(high) y1=(middle) y2=(middle) {}
            @for x in [&low, &high] {
                line.span x1=(x) x2=(x) y1=(middle - CAP_PX) y2=(middle + CAP_PX) {}
            }
        }
        @if let Some(point) = row.point {
            circle.point cx=(across(place(axis, point))) cy=(middle) r="5.5" {}
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
    fn the_ends_of_the_axis_keep_the_margin() {
        let axis = Axis::reaching(2.0);
        assert_eq!((place(axis, 0.0), place(axis, axis.end()), place(axis, 99.0)), (1.5, 98.5, 98.5));
        assert_eq!(place(axis, 1.0), 50.0);
    }

    #[test]
    fn words_at_the_edges_grow_inwards() {
        assert_eq!([2.0, 50.0, 98.0].map(anchor), ["start", "middle", "end"]);
    }
}
