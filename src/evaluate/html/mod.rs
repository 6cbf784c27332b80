//! The evaluation as one self-contained page: tables, plots, the worst cells.
//!
//! In: an [`Evaluation`] and, for an example, its picture as PNG where the caller has one. Out: HTML with its style,
//! plots and pictures inside; nothing is loaded from elsewhere and nothing is executed. An undefined figure reads "not
//! defined".

mod curves;
mod missed;
mod plot;
mod readings;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use missed::missed_words;

use super::record::{ConfusionRow, DetectionFigures, Evaluation, Example, Figure, SpecimenBasis};
use crate::case::FOOTER;
use crate::smear::CellClass;

/// The page.
pub fn page(evaluation: &Evaluation, picture: &dyn Fn(&Example) -> Option<Vec<u8>>) -> String {
    let plots = curves::plots(evaluation);
    let body = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Evaluation of " (evaluation.provenance.model.name) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                (header(evaluation))
                (readings::readings(evaluation))
                (classification(evaluation))
                @if !plots.is_empty() {
                    h2 { "Plots" }
                    p.faint {
                        "Solid: end to end. Dashed red: counted cells. Dashed gray: chance, perfect calibration, or limits \
                         of agreement."
                    }
                    div.plots { @for plot in &plots { (plot) } }
                }
                (segmentation(evaluation))
                (specimens(evaluation))
                (examples("Worst false positives", &evaluation.worst_false_positives, picture))
                (examples("Worst misses", &evaluation.worst_misses, picture))
                (provenance(evaluation))
                footer { (FOOTER) }
            }
        }
    };
    body.into_string()
}

/// A fraction in percent, with what stands behind it.
fn percent(figure: &Figure) -> Markup {
    described(figure, |value| format!("{:.2}", 100.0 * value), " %")
}

/// A number in its own unit.
fn plain(figure: &Figure) -> Markup {
    described(figure, |value| format!("{value:.4}"), "")
}

fn described(figure: &Figure, number: impl Fn(f64) -> String, unit: &str) -> Markup {
    let Some(value) = figure.value else { return html! { span.faint { "not defined" } } };
    html! {
        (number(value)) (unit)
        @if let Some(interval) = figure.interval_95 {
            " (" (number(interval.low)) " to " (number(interval.high)) ")"
        }
        " " span.faint {
            @match figure.count {
                Some(count) => { (count) " of " (figure.n) }
                None => { "n " (figure.n) }
            }
            @if let Some(weight) = figure.weight { ", by weight of " (format!("{weight:.0}")) }
        }
    }
}

/// A table of names and described figures.
fn table(rows: &[(&str, Markup)]) -> Markup {
    html! { table { @for (name, figure) in rows { tr { th scope="row" { (name) } td { (figure) } } } } }
}

fn header(evaluation: &Evaluation) -> Markup {
    let provenance = &evaluation.provenance;
    html! {
        h1 { "Evaluation of " (provenance.model.name) " " (provenance.model.version) " on " (evaluation.set) }
        p {
            (evaluation.fields) " fields, " (evaluation.clusters) " clusters of the bootstrap. Figures stand with their \
             95 % interval and with the number of cells, boxes, fields or specimens behind them."
        }
        @if evaluation.unlabelled_fields > 0 {
            p { (evaluation.unlabelled_fields) " further fields have no labels and stand in no figure." }
        }
        @if !evaluation.refused_fields.is_empty() {
            p {
                (evaluation.refused_fields.len()) " fields were refused by the pipeline and stand in the segmentation \
                 figures only; they hold " (evaluation.schistocytes_in_refused_fields) " labelled schistocytes: "
                (evaluation.refused_fields.join(", ")) "."
            }
        }
    }
}

fn classification(evaluation: &Evaluation) -> Markup {
    let classes = &evaluation.classification;
    let [ends, counted] = [&classes.end_to_end, &classes.counted_cells].map(detection_rows);
    html! {
        @if evaluation.healthy.fields > 0 {
            h2 { "False-positive floor on healthy fields" }
            p {
                "Counted cells called schistocyte in " (evaluation.healthy.fields) " fields declared to hold none: "
                (percent(&evaluation.healthy.called_schistocyte)) "."
            }
            h3 { "Counted cells by called class" }
            table { @for class in &evaluation.healthy.classes {
                tr { th scope="row" { (class.class) } td { (percent(&class.called)) } }
            } }
        }
        h2 { "Schistocytes" }
        p.faint {
            "End to end: a schistocyte without a counted cell of its own is missed. Operating point: \
             probability "
            (evaluation.provenance.model.operating_point) "."
        }
        table {
            thead { tr { th { "Figure" } th { "End to end" } th { "Counted cells" } } }
            @for ((name, ends), (_, counted)) in ends.iter().zip(&counted) {
                tr { th scope="row" { (name) } td { (ends) } td { (counted) } }
            }
        }
        @if !classes.missed_schistocytes.is_empty() {
            p { "Schistocytes: " (missed_words(&classes.missed_schistocytes)) "." }
        }
        h2 { "Classes on counted cells" }
        (table(&[
            ("Macro F1 (n: classes that occur)", plain(&classes.macro_f1)),
            ("Cohen's kappa", plain(&classes.kappa)),
            ("Expected calibration error", plain(&classes.calibration_error)),
        ]))
        div.scroll {
            table {
                thead { tr { th { "Class" } th { "F1" } th { "Precision" } th { "Recall" } } }
                @for class in &classes.classes {
                    tr {
                        th scope="row" { (class.class) }
                        td { (plain(&class.f1)) } td { (percent(&class.precision)) } td { (percent(&class.recall)) }
                    }
                }
            }
        }
        h2 { "Labelled class (rows) by called class (columns)" }
        (confusion(&classes.confusion))
    }
}

fn detection_rows(figures: &DetectionFigures) -> Vec<(String, Markup)> {
    let mut rows = vec![
        ("Sensitivity".to_owned(), percent(&figures.sensitivity)),
        ("Specificity".to_owned(), percent(&figures.specificity)),
        ("Precision among cells of a known truth".to_owned(), percent(&figures.precision)),
        ("Area under the ROC curve".to_owned(), plain(&figures.auc)),
        ("Average precision".to_owned(), plain(&figures.average_precision)),
    ];
    rows.extend(figures.sensitivity_at.iter().map(|at| {
        let name = format!("Sensitivity at {} % false positives", 100.0 * at.false_positive_rate);
        (name, percent(&at.sensitivity))
    }));
    if let Some(at) = &figures.at_threshold {
        let name = |what: &str| format!("{what} at the second threshold, {}", at.threshold);
        rows.push((name("Sensitivity"), percent(&at.sensitivity)));
        rows.push((name("Specificity"), percent(&at.specificity)));
        rows.push((name("Precision"), percent(&at.precision)));
    }
    rows
}

/// The table, each cell shaded by its share of the labelled cells of its row.
fn confusion(rows: &[ConfusionRow]) -> Markup {
    html! {
        div.scroll {
            table.confusion {
                thead { tr {
                    th {}
                    @for class in CellClass::ALL { th { (class.name()) } }
                    th { "not counted" }
                } }
                @for (i, row) in rows.iter().enumerate() {
                    @let all = row.called.iter().sum::<u64>() + row.not_counted;
                    tr {
                        th scope="row" { (row.labelled) }
                        @for (j, count) in row.called.iter().enumerate() {
                            td.diagonal[i == j] style=(shade(*count, all)) { (count) }
                        }
                        td style=(shade(row.not_counted, all)) { (row.not_counted) }
                    }
                }
            }
        }
    }
}

/// Blue by share; at most half opaque, so that the dark figure stays readable.
fn shade(count: u64, all: u64) -> String {
    let share = if all > 0 { count as f64 / all as f64 } else { 0.0 };
    format!("background: rgba(31, 95, 168, {:.3})", 0.5 * share)
}

fn segmentation(evaluation: &Evaluation) -> Markup {
    let figures = &evaluation.segmentation;
    let (points, boxes, masks, counts) = (&figures.points, &figures.boxes, &figures.masks, &figures.counts);
    html! {
        h2 { "Segmentation" }
        (table(&[
            ("Points in a cell of their own", percent(&points.own)),
            ("the same, without cells that the frame cuts", percent(&points.own_inside_frame)),
            ("Points in an object of their own, cells that the frame cuts included", percent(&points.own_or_cut_by_frame)),
            ("Points in a merged cell", percent(&points.merged)),
            ("Points of a split cell", percent(&points.split)),
            ("Points in an object left out", percent(&points.excluded)),
            ("Points in no object", percent(&points.missed)),
            ("Box precision at IoU 0.5", percent(&boxes.precision)),
            ("Box recall at IoU 0.5", percent(&boxes.recall)),
            ("Box F1 at IoU 0.5", plain(&boxes.f1)),
            ("Boxes at the frame, left aside", html! { (boxes.boxes_at_frame) }),
            ("Mean IoU of paired outlines", plain(&masks.mean_iou)),
            ("Panoptic quality", plain(&masks.panoptic_quality)),
            ("Found − labelled cells of a field", plain(&counts.bias)),
            ("Lower limit of agreement", plain(&counts.lower_limit)),
            ("Upper limit of agreement", plain(&counts.upper_limit)),
            ("Mean absolute difference", plain(&counts.mean_absolute_error)),
            ("Relative difference", percent(&counts.relative_bias)),
            ("White cells taken for red cells", percent(&figures.white_cells_taken_for_red)),
        ]))
        @if !points.exclusions.is_empty() {
            p { "Points in objects left out, by reason: "
                @for (i, (reason, count)) in points.exclusions.iter().enumerate() {
                    @if i > 0 { ", " } (reason) " " (count)
                }
                "."
            }
        }
    }
}

fn specimens(evaluation: &Evaluation) -> Markup {
    let number = |value: Option<f64>| match value {
        Some(value) => html! { (format!("{value:.2}")) },
        None => html! { span.faint { "not defined" } },
    };
    html! {
        @if !evaluation.specimens.is_empty() {
            h2 { "Specimens" }
            (table(&[
                ("Bias, percentage points", plain(&evaluation.agreement.bias)),
                ("Lower limit of agreement", plain(&evaluation.agreement.lower_limit)),
                ("Upper limit of agreement", plain(&evaluation.agreement.upper_limit)),
            ]))
            div.scroll { table {
                thead { tr {
                    th { "Specimen" } th.number { "Labelled" } th.number { "True %" } th.number { "Counted" }
                    th.number { "Called %" } th { "95 % interval" } th { "Basis" }
                } }
                @for row in &evaluation.specimens { tr {
                    th scope="row" { (row.specimen) }
                    td.number { (row.labelled_schistocytes) " of " (row.labelled_cells) }
                    td.number { (number(row.true_percent)) }
                    td.number { (row.called_schistocytes) " of " (row.counted_cells) }
                    td.number { (number(row.called_percent)) }
                    td { @if let Some(wilson) = row.wilson_95 { (format!("{:.2} to {:.2}", wilson.low, wilson.high)) } }
                    td { (match row.basis {
                        SpecimenBasis::AllCells => "all counted cells",
                        SpecimenBasis::LabelledCells => "labelled cells",
                    }) }
                } }
            } }
        }
    }
}

fn examples(title: &str, examples: &[Example], picture: &dyn Fn(&Example) -> Option<Vec<u8>>) -> Markup {
    html! {
        @if !examples.is_empty() {
            h2 { (title) }
            div.examples {
                @for example in examples { figure {
                    @if let Some(png) = picture(example) {
                        img src=(format!("data:image/png;base64,{}", STANDARD.encode(png))) alt="";
                    }
                    figcaption {
                        @if let Some(probability) = example.schistocyte_probability {
                            (format!("{probability:.3} "))
                        }
                        (example.labelled.as_deref().unwrap_or("healthy field")) ", " (example.outcome) br;
                        (example.field) (format!(" at {:.0}, {:.0}", example.x_px, example.y_px))
                    }
                } }
            }
        }
    }
}

fn provenance(evaluation: &Evaluation) -> Markup {
    let provenance = &evaluation.provenance;
    html! {
        h2 { "Provenance" }
        (table(&[
            ("Program", html! { (provenance.software) " " (provenance.software_version) }),
            ("Method", html! { (provenance.method_version) }),
            ("Model", html! { (provenance.model.name) " " (provenance.model.version) }),
            ("SHA-256 of the model", html! { code { (provenance.model.sha256) } }),
            ("Engine", html! { (provenance.engine) }),
            ("Inputs", html! { (provenance.inputs.len()) " files, named with their hashes in evaluation.json" }),
        ]))
        table { @for (name, value) in &provenance.options { tr { th scope="row" { (name) } td { code { (value) } } } } }
        @if !evaluation.failed_inputs.is_empty() {
            h2 { "Inputs that could not be evaluated" }
            ul { @for failure in &evaluation.failed_inputs { li { (failure.path) ": " (failure.reason) } } }
        }
        @if !evaluation.label_remarks.is_empty() {
            h2 { "Labels left out" }
            ul { @for remark in &evaluation.label_remarks { li { (remark) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::matching::scenes::{counted, field, point};
    use super::super::tests::provenance;
    use super::super::{Evaluator, FieldInput, JudgedField, JudgingOptions};
    use super::*;
    use crate::case::banned_terms_in;
    use crate::smear::CellClass::{Burr, Normal, Schistocyte};

    fn evaluation() -> Evaluation {
        let mut provenance = provenance();
        provenance.model.name = "<model> & co".to_owned();
        let mut evaluator = Evaluator::new("scene", provenance, JudgingOptions::default());
        for (name, probability) in [("a.png", 0.9), ("b.png", 0.3)] {
            let labels = vec![point(20.0, 20.0, Schistocyte), point(70.0, 20.0, Burr), point(120.0, 20.0, Normal)];
            let mut truth = field(false, labels);
            truth.field = name.to_owned();
            let called = if probability > 0.5 { Schistocyte } else { Normal };
            let cells = [
                counted(10.0, 10.0, 30.0, called, probability),
                counted(60.0, 10.0, 30.0, Schistocyte, 0.7),
                counted(110.0, 10.0, 30.0, Normal, 0.1),
            ];
            let (group, specimen) = (Some(name), None);
            let input = FieldInput {
                truth: &truth,
                cells: &cells,
                accepted: true,
                group,
                specimen,
                expect_none: false,
                readings: None,
            };
            evaluator.add_field(JudgedField::of(&input));
        }
        evaluator.finish()
    }

    #[test]
    fn the_page_stands_alone_and_names_its_figures() {
        let text = page(&evaluation(), &|_| Some(vec![1, 2, 3]));
        assert!(text.starts_with("<!DOCTYPE html>"));
        for outside in ["<script", "http://", "https://", "src=\"/", "@import"] {
            assert!(!text.contains(outside), "{outside}");
        }
        assert!(text.contains("&lt;model&gt; &amp; co") && !text.contains("<model>"));
        // One of two schistocytes; the Wilson interval of 1 of 2 lies inside the 0 to 1 of the two fields.
        assert!(text.contains("50.00 % (0.00 to 100.00) <span class=\"faint\">1 of 2</span>"), "{text}");
        assert!(text.contains("Sensitivity at 0.5 % false positives"));
        assert_eq!(text.matches("<svg").count(), 5);
        assert_eq!(text.matches("data:image/png;base64,AQID").count(), 3);
        assert!(text.contains("For Research Use Only."));
        // One schistocyte of the scene was found and called another class.
        assert!(text.contains("Schistocytes: 1 missed: 1 called another class."), "{text}");
    }

    #[test]
    fn the_page_holds_no_banned_term_and_repeats_byte_for_byte() {
        let text = page(&evaluation(), &|_| None);
        assert_eq!(banned_terms_in(&text), Vec::<&str>::new());
        assert_eq!(text, page(&evaluation(), &|_| None));
    }

    #[test]
    fn undefined_figures_say_so() {
        let text = page(&Evaluator::new("scene", provenance(), JudgingOptions::default()).finish(), &|_| None);
        assert!(text.contains("Box precision at IoU 0.5</th><td><span class=\"faint\">not defined</span>"));
        assert!(!text.contains("NaN") && !text.contains("<svg"));
    }
}
