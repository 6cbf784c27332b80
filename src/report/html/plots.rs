//! Drawings as inline SVG: intervals against the threshold, bars, a slide with its examined fields, its map, and the
//! histogram of a batch.
//!
//! Places of the plot of intervals are percentages of the width and its texts have the size of the page, so that it fills
//! a phone, a screen and a sheet without a script and without shrinking its words.

use maud::{Markup, html};

use super::shell::data_uri;
use crate::case::SlideRecord;
use crate::report::document::values::{count, counted, percent_digits};
use crate::report::document::{IntervalPlot, Placed, Row, SlideMap};

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

/// A share of the axis as percent of the width.
fn place(share: f64) -> f64 {
    MARGIN + (100.0 - 2.0 * MARGIN) * share
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

/// The intervals of a count against its threshold.
pub(super) fn intervals(plot: &IntervalPlot) -> Markup {
    let threshold = place(plot.threshold);
    let bottom = HEAD_PX + (WORDS_PX + BAND_PX) * plot.rows.len() as f64;
    html! {
        svg.intervals role="img" aria-label=(plot.label) width="100%" height=(bottom + AXIS_PX) {
            text.threshold-words x=(across(threshold)) y=(HEAD_PX - 7.0) text-anchor=(anchor(threshold)) {
                (plot.threshold_words)
            }
            @for (index, row) in plot.rows.iter().enumerate() {
                @let top = HEAD_PX + (WORDS_PX + BAND_PX) * index as f64;
                text.row x=(across(MARGIN)) y=(top + WORDS_PX - 6.0) { (row.words) }
                (band(plot, row, top + WORDS_PX))
            }
            @for tick in &plot.ticks {
                @let place = place(tick.place);
                text.tick x=(across(place)) y=(bottom + 15.0) text-anchor=(anchor(place)) { (tick.words) }
            }
        }
    }
}

/// The band of one row: range up to the threshold, grid, threshold, interval. Words stand outside of it, so that no line
/// runs through them.
fn band(plot: &IntervalPlot, row: &Row, top: f64) -> Markup {
    const CAP_PX: f64 = 6.0;
    let (middle, bottom) = (top + BAND_PX / 2.0, top + BAND_PX);
    let threshold = place(plot.threshold);
    html! {
        rect.track x=(across(MARGIN)) y=(top) width=(across(100.0 - 2.0 * MARGIN)) height=(BAND_PX) {}
        rect.range x=(across(MARGIN)) y=(top) width=(across(threshold - MARGIN)) height=(BAND_PX) {}
        @for tick in &plot.ticks {
            @let x = across(place(tick.place));
            line.grid x1=(x) x2=(x) y1=(top) y2=(bottom) {}
        }
        line.threshold x1=(across(threshold)) x2=(across(threshold)) y1=(top) y2=(bottom) {}
        @if let Some(limits) = row.limits {
            @let [low, high] = limits.map(|limit| across(place(limit)));
            line.span x1=(low) x2=(high) y1=(middle) y2=(middle) {}
            @for x in [&low, &high] {
                line.span x1=(x) x2=(x) y1=(middle - CAP_PX) y2=(middle + CAP_PX) {}
            }
        }
        @if let Some(point) = row.point {
            circle.point cx=(across(place(point))) cy=(middle) r="5.5" {}
        }
    }
}

/// A bar of `percent` of its width.
pub(super) fn bar(percent: f64, strong: bool) -> Markup {
    html! {
        svg class=(if strong { "bar strong" } else { "bar" }) aria-hidden="true" width="100%" height="12" {
            rect.track width="100%" height="12" {}
            rect.fill width=(format!("{}%", percent_digits(percent.clamp(0.0, 100.0)))) height="12" {}
        }
    }
}

/// The slide from afar, the examined fields on it.
pub(super) fn slide(slide: &SlideRecord, jpeg: Option<&[u8]>, fields: &[Placed<'_>]) -> Markup {
    // Lines as wide as a two-hundredth of the slide show at any size.
    let stroke = f64::from(slide.width_px.max(slide.height_px)) / 400.0;
    let least = 2.0 * stroke;
    html! {
        figure {
            svg.slide-overview role="img" viewBox=(format!("0 0 {} {}", slide.width_px, slide.height_px))
                aria-label=(format!("The slide with {} examined fields", fields.len())) {
                @if let Some(jpeg) = jpeg {
                    image href=(data_uri("image/jpeg", jpeg)) width=(slide.width_px) height=(slide.height_px)
                        preserveAspectRatio="none" {}
                }
                @for (region, field) in fields {
                    rect.examined.refused[!field.accepted] x=(region.core_x_px) y=(region.core_y_px)
                        width=(f64::from(region.core_width_px).max(least))
                        height=(f64::from(region.core_height_px).max(least)) stroke-width=(format!("{stroke:.1}")) {
                        title { (field.field) ": " (field.schistocytes) " of " (field.red_cells) }
                    }
                }
            }
            figcaption { "Examined fields; dashed where refused" }
        }
    }
}

/// The map of a slide.
pub(super) fn map(map: &SlideMap) -> Markup {
    const SIDE: u32 = 60;
    let rows = map.squares.len() as u32 / map.columns;
    html! {
        figure {
            svg.slide-map role="img" viewBox=(format!("0 0 {} {}", map.columns * SIDE, rows * SIDE))
                aria-label="Share of schistocytes by place" {
                @for (place, square) in (0u32..).zip(&map.squares) {
                    @let (x, y) = (place % map.columns * SIDE, place / map.columns * SIDE);
                    @match square.percent {
                        Some(share) => {
                            rect class=(format!("shade-{}", square.shade)) x=(x) y=(y) width=(SIDE) height=(SIDE) {
                                title { (square.schistocytes) " of " (count(square.red_cells)) }
                            }
                            text x=(x + SIDE / 2) y=(y + SIDE / 2) { (format!("{share:.1}")) }
                        },
                        None => rect.empty x=(x) y=(y) width=(SIDE) height=(SIDE) {},
                    }
                }
            }
            figcaption { (map.caption) }
        }
    }
}

/// Bars for each percent.
const BARS_PER_PERCENT: usize = 4;

/// From here on all specimens share one bar, %: five times the limit of adults, beyond which the place changes nothing.
const LAST_PERCENT: usize = 5;

/// Reference limit of adults, % (ICSH 2012, 10.1111/j.1751-553X.2011.01380.x).
const LIMIT_PERCENT: f64 = 1.0;

const BAR_PX: usize = 28;
const HEIGHT_PX: usize = 160;
const MARGIN_PX: usize = 24;

/// The bars of percentages.
fn bars(percents: &[f64]) -> Vec<usize> {
    let last = LAST_PERCENT * BARS_PER_PERCENT;
    let mut bars = vec![0; last + 1];
    for percent in percents {
        // A percentage is never negative; what lies beyond goes to the last bar.
        bars[((percent * BARS_PER_PERCENT as f64) as usize).min(last)] += 1;
    }
    bars
}

/// Specimens by percentage of schistocytes, percentages of 0 to 100: bars of a quarter of a percent up to [`LAST_PERCENT`],
/// one bar for all above. The reference limit of adults is drawn; each bar says its range and number.
pub(super) fn histogram(percents: &[f64]) -> Markup {
    let bars = bars(percents);
    let most = bars.iter().copied().max().unwrap_or(0).max(1);
    let (width, height) = (bars.len() * BAR_PX + 2 * MARGIN_PX, HEIGHT_PX + 2 * MARGIN_PX);
    let x = |percent: f64| MARGIN_PX as f64 + percent * (BARS_PER_PERCENT * BAR_PX) as f64;
    html! {
        svg.histogram role="img" aria-label="Number of specimens by percentage of schistocytes"
            viewBox=(format!("0 0 {width} {height}")) {
            @for (index, &number) in bars.iter().enumerate() {
                @let high = (number * HEIGHT_PX).div_ceil(most);
                @let left = MARGIN_PX + index * BAR_PX;
                rect x=(left + 1) y=(MARGIN_PX + HEIGHT_PX - high) width=(BAR_PX - 2) height=(high) {
                    title { (range(index)) ": " (counted(number as u64, "specimen")) }
                }
                @if number > 0 {
                    text x=(left + BAR_PX / 2) y=(MARGIN_PX + HEIGHT_PX - high - 4) text-anchor="middle" { (number) }
                }
            }
            line.axis x1=(MARGIN_PX) x2=(width - MARGIN_PX) y1=(MARGIN_PX + HEIGHT_PX) y2=(MARGIN_PX + HEIGHT_PX) {}
            line.limit x1=(x(LIMIT_PERCENT)) x2=(x(LIMIT_PERCENT)) y1=(MARGIN_PX / 2) y2=(MARGIN_PX + HEIGHT_PX) {}
            text x=(x(LIMIT_PERCENT) + 4.0) y=(MARGIN_PX / 2 + 8) { "limit of adults" }
            @for percent in 0..=LAST_PERCENT {
                text x=(x(percent as f64)) y=(height - 6) text-anchor="middle" { (percent) " %" }
            }
        }
    }
}

fn range(bar: usize) -> String {
    let edge = |bar: usize| bar as f64 / BARS_PER_PERCENT as f64;
    match bar == LAST_PERCENT * BARS_PER_PERCENT {
        true => format!("{LAST_PERCENT} % and more"),
        false => format!("{} to under {} %", edge(bar), edge(bar + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_axis_keep_the_margin_and_words_at_the_edges_grow_inwards() {
        assert_eq!([0.0, 0.5, 1.0].map(place), [1.5, 50.0, 98.5]);
        assert_eq!([2.0, 50.0, 98.0].map(anchor), ["start", "middle", "end"]);
    }

    #[test]
    fn each_percentage_lies_in_one_bar_and_edges_in_the_upper_one() {
        let bars = bars(&[0.0, 0.24, 0.25, 0.999, 1.0, 4.99, 5.0, 100.0]);
        assert_eq!((bars[0], bars[1], bars[3], bars[4], bars[19], bars[20]), (2, 1, 1, 1, 1, 2));
        assert_eq!((bars.iter().sum::<usize>(), bars.len()), (8, 21));
        assert_eq!((range(3), range(20)), ("0.75 to under 1 %".to_owned(), "5 % and more".to_owned()));
    }
}
