//! The plots of an evaluation as inline SVG: ROC, precision–recall, calibration, agreement of counts and percentages.
//!
//! Numbers in the SVG are rounded to a hundredth of a pixel; what lies outside the axes is left out.

use maud::{Markup, html};

use crate::evaluate::estimate::Estimate;
use crate::evaluate::record::{CurvePoint, DetectionFigures, Evaluation, FieldCount, SpecimenRecord};

/// End of the false-positive axis of the close view: beyond 2 % no reading at a threshold of 1 % can be trusted.
const CLOSE_FALSE_POSITIVE_RATE: f64 = 0.02;

fn unit(label: &'static str) -> Axis {
    Axis { label, from: 0.0, to: 1.0 }
}

/// All plots that have something to show.
pub(super) fn plots(evaluation: &Evaluation) -> Vec<Markup> {
    let classes = &evaluation.classification;
    let mut plots = Vec::new();
    if classes.end_to_end.auc.value.is_some() {
        plots.push(roc("ROC", 1.0, &classes.end_to_end, &classes.counted_cells));
        plots.push(roc(
            "ROC at low false-positive rates",
            CLOSE_FALSE_POSITIVE_RATE,
            &classes.end_to_end,
            &classes.counted_cells,
        ));
    }
    if classes.end_to_end.average_precision.value.is_some() {
        plots.push(precision_recall(&classes.end_to_end, &classes.counted_cells));
    }
    if classes.calibration_error.value.is_some() {
        plots.push(calibration(evaluation));
    }
    let counts = &evaluation.segmentation.counts;
    if !counts.fields.is_empty() {
        plots.push(field_counts(&counts.fields, [counts.bias, counts.lower_limit, counts.upper_limit]));
    }
    let percents: Vec<_> = evaluation.specimens.iter().filter_map(percents).collect();
    if !percents.is_empty() {
        let agreement = &evaluation.agreement;
        plots.push(specimen_agreement(&percents, [agreement.bias, agreement.lower_limit, agreement.upper_limit]));
    }
    plots
}

/// Called and true percentage, where both are defined.
fn percents(row: &SpecimenRecord) -> Option<(f64, f64)> {
    Some((row.called_percent?, row.true_percent?))
}

fn roc(title: &'static str, end: f64, end_to_end: &DetectionFigures, counted: &DetectionFigures) -> Markup {
    let x = Axis { label: "false-positive rate", from: 0.0, to: end };
    let points = |figures: &DetectionFigures| {
        let curve = figures.curve.iter().filter_map(|point| Some((point.false_positive_rate?, point.sensitivity)));
        let all: Vec<_> = std::iter::once((0.0, 0.0)).chain(curve).collect();
        cut_at(&all, end)
    };
    let operating = |figures: &DetectionFigures| Some((1.0 - figures.specificity.value?, figures.sensitivity.value?));
    let plot = Plot::new(title, x, unit("sensitivity"))
        .line("aid", &[(0.0, 0.0), (end, end)])
        .line("other", &points(counted))
        .line("main", &points(end_to_end));
    plot.mark(operating(end_to_end), "operating point").render()
}

/// The points up to `end`, with the point where the line crosses it.
fn cut_at(points: &[(f64, f64)], end: f64) -> Vec<(f64, f64)> {
    let inside = points.iter().take_while(|point| point.0 <= end).count();
    let mut kept = points[..inside].to_vec();
    if let (Some(&(x0, y0)), Some(&(x1, y1))) = (kept.last(), points.get(inside)) {
        kept.push((end, y0 + (y1 - y0) * (end - x0) / (x1 - x0)));
    }
    kept
}

fn precision_recall(end_to_end: &DetectionFigures, counted: &DetectionFigures) -> Markup {
    let points =
        |curve: &[CurvePoint]| curve.iter().map(|point| (point.sensitivity, point.precision)).collect::<Vec<_>>();
    Plot::new("Precision and recall", unit("recall (sensitivity)"), unit("precision"))
        .line("other", &points(&counted.curve))
        .line("main", &points(&end_to_end.curve))
        .render()
}

fn calibration(evaluation: &Evaluation) -> Markup {
    let bins = &evaluation.classification.calibration_bins;
    // The area of a dot follows the cells of its bin, from 1 to 9 times a plain dot.
    let most = bins.iter().map(|bin| bin.n).max().unwrap_or(1).max(1) as f64;
    let dots = bins
        .iter()
        .filter_map(|bin| Some((bin.mean_probability?, bin.schistocyte_share?, 1.0 + 8.0 * bin.n as f64 / most)));
    Plot::new("Calibration", unit("mean schistocyte probability"), unit("share labelled schistocyte"))
        .line("aid", &[(0.0, 0.0), (1.0, 1.0)])
        .dots(dots)
        .render()
}

/// Differences over means with bias and limits of agreement.
fn agreement(title: &'static str, labels: [&'static str; 2], pairs: &[(f64, f64)], levels: [Estimate; 3]) -> Markup {
    let points: Vec<_> = pairs.iter().map(|&(a, b)| ((a + b) / 2.0, a - b)).collect();
    let shown = levels.iter().filter_map(|figure| figure.value).chain([0.0]);
    let x = Axis::around(labels[0], points.iter().map(|point| point.0));
    let y = Axis::around(labels[1], points.iter().map(|point| point.1).chain(shown));
    let [bias, lower, upper] = levels.map(|figure| figure.value);
    Plot::new(title, x, y)
        .level(upper, "upper limit")
        .level(bias, "bias")
        .level(lower, "lower limit")
        .dots(points.iter().map(|&(x, y)| (x, y, 1.0)))
        .render()
}

fn field_counts(fields: &[FieldCount], levels: [Estimate; 3]) -> Markup {
    let pairs: Vec<_> = fields.iter().map(|field| (field.found as f64, field.labelled as f64)).collect();
    agreement("Red cells of a field (Bland–Altman)", ["mean of found and labelled", "found − labelled"], &pairs, levels)
}

fn specimen_agreement(percents: &[(f64, f64)], levels: [Estimate; 3]) -> Markup {
    let labels = ["mean of called and true, %", "called − true, percentage points"];
    agreement("Specimens (Bland–Altman)", labels, percents, levels)
}

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
struct Axis {
    label: &'static str,
    from: f64,
    to: f64,
}

impl Axis {
    /// An axis that holds all values with some room, and a little range where they are equal.
    fn around(label: &'static str, values: impl Iterator<Item = f64>) -> Self {
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
struct Plot {
    title: &'static str,
    x: Axis,
    y: Axis,
    shapes: Vec<Markup>,
}

impl Plot {
    fn new(title: &'static str, x: Axis, y: Axis) -> Self {
        Self { title, x, y, shapes: Vec::new() }
    }

    fn x_of(&self, value: f64) -> f64 {
        hundredths(LEFT + self.x.share(value) * (WIDTH - LEFT - RIGHT))
    }

    fn y_of(&self, value: f64) -> f64 {
        hundredths(HEIGHT - BOTTOM - self.y.share(value) * (HEIGHT - TOP - BOTTOM))
    }

    /// A line through points, those outside the axes left out.
    fn line(mut self, class: &'static str, points: &[(f64, f64)]) -> Self {
        let inside = points.iter().filter(|(x, y)| self.x.holds(*x) && self.y.holds(*y));
        let path: Vec<_> = inside.map(|&(x, y)| format!("{},{}", self.x_of(x), self.y_of(y))).collect();
        self.shapes.push(html! { polyline class=(class) points=(path.join(" ")) {} });
        self
    }

    /// A dot for each point, its area growing with its weight (1 for a plain dot).
    fn dots(mut self, points: impl Iterator<Item = (f64, f64, f64)>) -> Self {
        for (x, y, weight) in points.filter(|&(x, y, _)| self.x.holds(x) && self.y.holds(y)) {
            let dot =
                html! { circle class="dot" cx=(self.x_of(x)) cy=(self.y_of(y)) r=(hundredths(3.0 * weight.sqrt())) {} };
            self.shapes.push(dot);
        }
        self
    }

    /// A ring around one point, with words beside it.
    fn mark(mut self, point: Option<(f64, f64)>, words: &str) -> Self {
        if let Some((x, y)) = point.filter(|&(x, y)| self.x.holds(x) && self.y.holds(y)) {
            // Words stand on the side with more room.
            let (away, anchor) = if self.x.share(x) < 0.5 { (9.0, "start") } else { (-9.0, "end") };
            let (x, y) = (self.x_of(x), self.y_of(y));
            self.shapes.push(html! {
                circle class="point" cx=(x) cy=(y) r="5" {}
                text x=(hundredths(x + away)) y=(hundredths(y + 14.0)) text-anchor=(anchor) { (words) }
            });
        }
        self
    }

    /// A dashed level across the plot with words above it.
    fn level(mut self, y: Option<f64>, words: &str) -> Self {
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
    fn render(self) -> Markup {
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
                rect.box x=(LEFT) y=(TOP) width=(right - LEFT) height=(bottom - TOP) {}
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

    #[test]
    fn a_line_ends_where_it_crosses_the_edge() {
        let points = [(0.0, 0.0), (0.0, 0.5), (0.04, 0.9), (1.0, 1.0)];
        assert_eq!(cut_at(&points, 0.02), [(0.0, 0.0), (0.0, 0.5), (0.02, 0.7)]);
        assert_eq!(cut_at(&points, 1.0), points);
    }

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
