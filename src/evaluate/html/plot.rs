//! A plot with two linear axes as inline SVG.
//!
//! In: points in the units of the axes. Out: markup without a script; numbers in the SVG are rounded to a hundredth of
//! a pixel. What lies outside the axes is left out.

use maud::{Markup, html};

const WIDTH: f64 = 368.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 54.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 28.0;
const BOTTOM: f64 = 42.0;

/// Fewest spaces between ticks.
const MIN_TICK_SPACES: f64 = 4.0;

/// An axis; `from` < `to`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub label: &'static str,
    pub from: f64,
    pub to: f64,
}

impl Axis {
    /// An axis that holds all values with some room, and a little range where they are equal.
    pub(super) fn around(label: &'static str, values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        if low > high {
            return Self { label, from: 0.0, to: 1.0 };
        }
        let room = if high > low { 0.06 * (high - low) } else { 0.5 };
        Self { label, from: low - room, to: high + room }
    }

    fn share(&self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }

    fn holds(&self, value: f64) -> bool {
        (self.from..=self.to).contains(&value)
    }

    /// Ticks at 1, 2 or 5 times a power of ten, and the decimals that they need.
    fn ticks(&self) -> (Vec<f64>, usize) {
        let span = self.to - self.from;
        let power = 10.0_f64.powf((span / MIN_TICK_SPACES).log10().floor());
        let step = [5.0, 2.0, 1.0].map(|times| times * power).into_iter().find(|step| span / step >= MIN_TICK_SPACES);
        let step = step.unwrap_or(power);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let first = (self.from / step - 1e-9).ceil() as i64;
        let last = (self.to / step + 1e-9).floor() as i64;
        ((first..=last).map(|tick| tick as f64 * step).collect(), decimals)
    }
}

/// A plot under construction.
pub(super) struct Plot {
    title: &'static str,
    x: Axis,
    y: Axis,
    shapes: Vec<Markup>,
}

impl Plot {
    pub(super) fn new(title: &'static str, x: Axis, y: Axis) -> Self {
        Self { title, x, y, shapes: Vec::new() }
    }

    fn x_of(&self, value: f64) -> f64 {
        hundredths(LEFT + self.x.share(value) * (WIDTH - LEFT - RIGHT))
    }

    fn y_of(&self, value: f64) -> f64 {
        hundredths(HEIGHT - BOTTOM - self.y.share(value) * (HEIGHT - TOP - BOTTOM))
    }

    /// A line through points, those outside the axes left out.
    pub(super) fn line(mut self, class: &'static str, points: &[(f64, f64)]) -> Self {
        let inside = points.iter().filter(|(x, y)| self.x.holds(*x) && self.y.holds(*y));
        let path: Vec<_> = inside.map(|&(x, y)| format!("{},{}", self.x_of(x), self.y_of(y))).collect();
        self.shapes.push(html! { polyline class=(class) points=(path.join(" ")) {} });
        self
    }

    /// A dot for each point, its area growing with its weight (1 for a plain dot).
    pub(super) fn dots(mut self, points: impl Iterator<Item = (f64, f64, f64)>) -> Self {
        for (x, y, weight) in points.filter(|&(x, y, _)| self.x.holds(x) && self.y.holds(y)) {
            let dot =
                html! { circle class="dot" cx=(self.x_of(x)) cy=(self.y_of(y)) r=(hundredths(3.0 * weight.sqrt())) {} };
            self.shapes.push(dot);
        }
        self
    }

    /// A ring around one point, with words beside it.
    pub(super) fn mark(mut self, point: Option<(f64, f64)>, words: &str) -> Self {
        if let Some((x, y)) = point.filter(|&(x, y)| self.x.holds(x) && self.y.holds(y)) {
            // Words stand on the side with more room.
            let (away, anchor) = if self.x.share(x) < 0.5 { (9.0, "start") } else { (-9.0, "end") };
            let (x, y) = (self.x_of(x), self.y_of(y));
            self.shapes.push(html! {
                circle class="mark" cx=(x) cy=(y) r="5" {}
                text x=(hundredths(x + away)) y=(hundredths(y + 14.0)) text-anchor=(anchor) { (words) }
            });
        }
        self
    }

    /// A dashed level across the plot with words above it.
    pub(super) fn level(mut self, y: Option<f64>, words: &str) -> Self {
        if let Some(y) = y.filter(|y| self.y.holds(*y)) {
            let at = self.y_of(y);
            self.shapes.push(html! {
                line class="aid" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(at) y2=(at) {}
                text x=(WIDTH - RIGHT - 4.0) y=(hundredths(at - 3.0)) text-anchor="end" { (words) }
            });
        }
        self
    }

    /// The finished plot.
    pub(super) fn render(self) -> Markup {
        let (x_ticks, x_decimals) = self.x.ticks();
        let (y_ticks, y_decimals) = self.y.ticks();
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        let middle = hundredths(TOP + (bottom - TOP) / 2.0);
        html! {
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(self.title) {
                text.title x=(LEFT) y="16" { (self.title) }
                @for tick in x_ticks {
                    line.grid x1=(self.x_of(tick)) x2=(self.x_of(tick)) y1=(TOP) y2=(bottom) {}
                    text x=(self.x_of(tick)) y=(bottom + 14.0) text-anchor="middle" { (format!("{tick:.x_decimals$}")) }
                }
                @for tick in y_ticks {
                    line.grid x1=(LEFT) x2=(right) y1=(self.y_of(tick)) y2=(self.y_of(tick)) {}
                    text x=(LEFT - 5.0) y=(hundredths(self.y_of(tick) + 4.0)) text-anchor="end" {
                        (format!("{tick:.y_decimals$}"))
                    }
                }
                rect.frame x=(LEFT) y=(TOP) width=(right - LEFT) height=(bottom - TOP) {}
                @for shape in &self.shapes { (shape) }
                text x=(hundredths((LEFT + right) / 2.0)) y=(HEIGHT - 8.0) text-anchor="middle" { (self.x.label) }
                text transform=(format!("translate(13 {middle}) rotate(-90)")) text-anchor="middle" { (self.y.label) }
            }
        }
    }
}

/// Rounded to a hundredth of a pixel.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(from: f64, to: f64) -> Axis {
        Axis { label: "x", from, to }
    }

    #[test]
    fn ticks_are_round_numbers_within_the_axis() {
        assert_eq!(axis(0.0, 1.0).ticks(), (vec![0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0], 1));
        assert_eq!(axis(0.0, 0.02).ticks(), (vec![0.0, 0.005, 0.01, 0.015, 0.02], 3));
        assert_eq!(axis(-12.0, 7.0).ticks(), (vec![-12.0, -10.0, -8.0, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0], 0));
    }

    #[test]
    fn an_axis_leaves_room_and_never_has_zero_length() {
        let around = |values: &[f64]| {
            let axis = Axis::around("x", values.iter().copied());
            (axis.from, axis.to)
        };
        assert_eq!(around(&[]), (0.0, 1.0));
        assert_eq!(around(&[2.0]), (1.5, 2.5));
        assert_eq!(around(&[0.0, 100.0]), (-6.0, 106.0));
    }

    #[test]
    fn corners_map_to_the_frame_and_what_lies_outside_is_left_out() {
        let plot = Plot::new("t", axis(0.0, 1.0), axis(0.0, 1.0)).line("main", &[(0.0, 0.0), (1.0, 1.0), (2.0, 0.5)]);
        let text = plot.render().into_string();
        assert!(text.contains(r#"points="54,258 356,28""#), "{text}");
    }
}
