//! The contents of the page of an evaluation: tables, plots, the worst cells.
//!
//! In: an [`Evaluation`] and, for an example, its picture as PNG where the caller has one. Out: markup for the frame that
//! all pages share, with plots and pictures inside. An undefined figure reads "not defined".

mod figures;
mod plots;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::record::{ConfusionRow, DetectionFigures, Evaluation, Example, SpecimenBasis};
use crate::smear::CellClass;
use figures::{head, missed_words, percent, plain, readings, table};

/// Heading of the page.
pub fn heading(evaluation: &Evaluation) -> String {
    let model = &evaluation.provenance.model;
    format!("Evaluation of {} {} on {}", model.name, model.version, evaluation.set)
}

/// What stands below the heading.
pub fn contents(evaluation: &Evaluation, picture: &dyn Fn(&Example) -> Option<Vec<u8>>) -> Markup {
    let plots = plots::plots(evaluation);
    let plots = html! {
        @if !plots.is_empty() {
            h2 { "Plots" }
            p.note {
                "Solid: end to end. Dashed red: counted cells. Dashed gray: chance, perfect calibration, or limits of \
                 agreement."
            }
            div.curves { @for plot in &plots { (plot) } }
        }
    };
    let parts = [
        about(evaluation),
        readings(evaluation),
        classification(evaluation),
        plots,
        segmentation(evaluation),
        specimens(evaluation),
        examples("Worst false positives", &evaluation.worst_false_positives, picture),
        examples("Worst misses", &evaluation.worst_misses, picture),
        provenance(evaluation),
    ];
    html! { @for part in parts.iter().filter(|part| !part.0.is_empty()) { section { (part) } } }
}

fn about(evaluation: &Evaluation) -> Markup {
    html! {
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
        p.note {
            "End to end: a schistocyte without a counted cell of its own is missed. Operating point: \
             probability "
            (evaluation.provenance.model.operating_point) "."
        }
        table {
            (head(&["Figure", "End to end", "Counted cells"]))
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
                (head(&["Class", "F1", "Precision", "Recall"]))
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
                    td {}
                    @for class in CellClass::ALL { th scope="col" { (class.name()) } }
                    th scope="col" { "not counted" }
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
    format!("background: rgba(11, 92, 122, {:.3})", 0.5 * share)
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
        None => html! { span.muted { "not defined" } },
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
                (head(&["Specimen", "Labelled", "True %", "Counted", "Called %", "95 % interval", "Basis"]))
                @for row in &evaluation.specimens { tr {
                    th scope="row" { (row.specimen) }
                    td { (row.labelled_schistocytes) " of " (row.labelled_cells) }
                    td { (number(row.true_percent)) }
                    td { (row.called_schistocytes) " of " (row.counted_cells) }
                    td { (number(row.called_percent)) }
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
    use super::super::field::{FieldInput, FieldOutcome, input};
    use super::super::judged_set::scripted_set;
    use super::super::matching::scenes::{counted, field, point};
    use super::*;
    use crate::case::banned_terms_in;
    use crate::smear::CellClass::{Burr, Normal, Schistocyte};

    fn evaluation() -> Evaluation {
        let mut set = scripted_set("scene");
        set.provenance.model.name = "<model> & co".to_owned();
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
            set.fields.push(FieldOutcome::of(&FieldInput { group: Some(name), ..input(&truth, &cells) }));
        }
        set.evaluation()
    }

    #[test]
    fn the_contents_stand_alone_and_name_their_figures() {
        let text = contents(&evaluation(), &|_| Some(vec![1, 2, 3])).into_string();
        for outside in ["<script", "http://", "https://", "src=\"/", "@import", "<th>"] {
            assert!(!text.contains(outside), "{outside}");
        }
        assert!(text.contains("&lt;model&gt; &amp; co") && !text.contains("<model>"));
        // One of two schistocytes; the Wilson interval of 1 of 2 lies inside the 0 to 1 of the two fields.
        assert!(text.contains("50.00 % (0.00 to 100.00) <small>1 of 2</small>"), "{text}");
        assert!(text.contains("Sensitivity at 0.5 % false positives"));
        assert_eq!(text.matches("<svg").count(), 5);
        assert_eq!(text.matches("data:image/png;base64,AQID").count(), 3);
        // One schistocyte of the scene was found and called another class.
        assert!(text.contains("Schistocytes: 1 missed: 1 called another class."), "{text}");
    }

    #[test]
    fn the_contents_hold_no_banned_term_and_repeat_byte_for_byte() {
        let text = contents(&evaluation(), &|_| None).into_string();
        assert_eq!(banned_terms_in(&text), Vec::<&str>::new());
        assert_eq!(text, contents(&evaluation(), &|_| None).into_string());
    }

    #[test]
    fn undefined_figures_say_so() {
        let nothing = scripted_set("scene").evaluation();
        let text = contents(&nothing, &|_| None).into_string();
        assert!(text.contains("Box precision at IoU 0.5</th><td><span class=\"muted\">not defined</span>"));
        assert!(!text.contains("NaN") && !text.contains("<svg"));
    }
}
