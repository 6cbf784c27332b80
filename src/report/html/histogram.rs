//! Specimens by percentage of schistocytes, as inline SVG with the numbers in words.
//!
//! In: percentages of 0 to 100. Out: bars of a quarter of a percent up to [`LAST_PERCENT`], one bar for all above. The
//! reference limit of adults is drawn; each bar says its range and number.

use maud::{Markup, html};

use crate::report::document::values::counted;

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

/// The plot.
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
    fn each_percentage_lies_in_one_bar_and_edges_in_the_upper_one() {
        let bars = bars(&[0.0, 0.24, 0.25, 0.999, 1.0, 4.99, 5.0, 100.0]);
        assert_eq!((bars[0], bars[1], bars[3], bars[4], bars[19], bars[20]), (2, 1, 1, 1, 1, 2));
        assert_eq!((bars.iter().sum::<usize>(), bars.len()), (8, 21));
        assert_eq!((range(3), range(20)), ("0.75 to under 1 %".to_owned(), "5 % and more".to_owned()));
    }
}
