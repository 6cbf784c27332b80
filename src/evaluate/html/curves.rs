//! The plots of an evaluation: ROC, precision–recall, calibration, agreement of counts and percentages.

use maud::Markup;

use super::plot::{Axis, Plot};
use crate::evaluate::record::{CurvePoint, DetectionFigures, Evaluation, FieldCount, Figure, SpecimenRecord};

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
fn agreement(title: &'static str, labels: [&'static str; 2], pairs: &[(f64, f64)], levels: [Figure; 3]) -> Markup {
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

fn field_counts(fields: &[FieldCount], levels: [Figure; 3]) -> Markup {
    let pairs: Vec<_> = fields.iter().map(|field| (field.found as f64, field.labelled as f64)).collect();
    agreement("Red cells of a field (Bland–Altman)", ["mean of found and labelled", "found − labelled"], &pairs, levels)
}

fn specimen_agreement(percents: &[(f64, f64)], levels: [Figure; 3]) -> Markup {
    let labels = ["mean of called and true, %", "called − true, percentage points"];
    agreement("Specimens (Bland–Altman)", labels, percents, levels)
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
}
