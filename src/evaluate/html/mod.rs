//! The contents of the page of an evaluation: tables, plots, the worst cells.
//!
//! In: an [`Evaluation`] and, for an example, its picture as PNG where the caller has one. Out: markup for the frame that
//! all pages share, with plots and pictures inside. Texts and tables are sections of the document that reports are made of;
//! plots and pictures are this page's own. An estimate that is not defined reads "not defined".

mod figures;
mod plots;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::record::{ConfusionRow, DetectionFigures, Evaluation, Example, SpecimenBasis};
use crate::report::document::{Block, Cell, Column, Layout, Section, Table};
use crate::report::sections;
use crate::smear::CellClass;
use figures::{NOT_DEFINED, facts, missed_words, percent, plain, readings, table};

/// Heading of the page.
pub fn heading(evaluation: &Evaluation) -> String {
    let model = &evaluation.provenance.model;
    format!("Evaluation of {} {} on {}", model.name, model.version, evaluation.set)
}

/// What stands below the heading.
pub fn contents(evaluation: &Evaluation, picture: &dyn Fn(&Example) -> Option<Vec<u8>>) -> Markup {
    let mut before = vec![about(evaluation)];
    before.extend(readings(evaluation));
    before.extend(healthy(evaluation));
    before.extend([schistocytes(evaluation), classes(evaluation), confusion(&evaluation.classification.confusion)]);
    let mut after = vec![segmentation(evaluation)];
    after.extend(specimens(evaluation));
    let plots = plots::plots(evaluation);
    html! {
        (sections(&before))
        @if !plots.is_empty() {
            section {
                h2 { "Plots" }
                p.note {
                    "Solid: end to end. Dashed red: counted cells. Dashed gray: chance, perfect calibration, or limits of \
                     agreement."
                }
                div.curves { @for plot in &plots { (plot) } }
            }
        }
        (sections(&after))
        (examples("Worst false positives", &evaluation.worst_false_positives, picture))
        (examples("Worst misses", &evaluation.worst_misses, picture))
        (sections(&provenance(evaluation)))
    }
}

fn about(evaluation: &Evaluation) -> Section {
    let mut blocks = vec![Block::text(format!(
        "{} fields, {} clusters of the bootstrap. Estimates stand with their 95 % interval and with the number of cells, \
         boxes, fields or specimens behind them.",
        evaluation.fields, evaluation.clusters
    ))];
    if evaluation.unlabelled_fields > 0 {
        let text = format!("{} further fields have no labels and stand in no estimate.", evaluation.unlabelled_fields);
        blocks.push(Block::text(text));
    }
    if !evaluation.refused_fields.is_empty() {
        blocks.push(Block::text(format!(
            "{} fields were refused by the pipeline and stand in the estimates of segmentation only; they hold {} labelled \
             schistocytes: {}.",
            evaluation.refused_fields.len(),
            evaluation.schistocytes_in_refused_fields,
            evaluation.refused_fields.join(", ")
        )));
    }
    Section::new("about", "What was evaluated", blocks)
}

fn healthy(evaluation: &Evaluation) -> Option<Section> {
    let healthy = &evaluation.healthy;
    let called = healthy.classes.iter().map(|class| vec![Cell::new(class.class.to_string()), percent(&class.called)]);
    let blocks = vec![
        Block::text(format!(
            "Counted cells called schistocyte in {} fields declared to hold none: {}.",
            healthy.fields,
            percent(&healthy.called_schistocyte).value.text
        )),
        Block::heading("Counted cells by called class"),
        table(&["Class", "Called"], called.collect()),
    ];
    (healthy.fields > 0).then(|| Section::new("healthy", "False-positive floor on healthy fields", blocks))
}

fn schistocytes(evaluation: &Evaluation) -> Section {
    let classes = &evaluation.classification;
    let [ends, counted] = [&classes.end_to_end, &classes.counted_cells].map(detection_rows);
    let rows = ends.into_iter().zip(counted).map(|((name, ends), (_, counted))| vec![Cell::new(name), ends, counted]);
    let mut blocks = vec![
        Block::note(format!(
            "End to end: a schistocyte without a counted cell of its own is missed. Operating point: probability {}.",
            evaluation.provenance.model.operating_point
        )),
        table(&["Estimate", "End to end", "Counted cells"], rows.collect()),
    ];
    if !classes.missed_schistocytes.is_empty() {
        blocks.push(Block::text(format!("Schistocytes: {}.", missed_words(&classes.missed_schistocytes))));
    }
    Section::new("schistocytes", "Schistocytes", blocks)
}

fn classes(evaluation: &Evaluation) -> Section {
    let found = &evaluation.classification;
    let rows = found.classes.iter().map(|class| {
        let name = Cell::new(class.class.to_string());
        vec![name, plain(&class.f1), percent(&class.precision), percent(&class.recall)]
    });
    let blocks = vec![
        facts(vec![
            ("Macro F1 (n: classes that occur)", plain(&found.macro_f1)),
            ("Cohen's kappa", plain(&found.kappa)),
            ("Expected calibration error", plain(&found.calibration_error)),
        ]),
        table(&["Class", "F1", "Precision", "Recall"], rows.collect()),
    ];
    Section::new("classes", "Classes on counted cells", blocks)
}

fn detection_rows(figures: &DetectionFigures) -> Vec<(String, Cell)> {
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
fn confusion(rows: &[ConfusionRow]) -> Section {
    let titles = CellClass::ALL.map(CellClass::name).into_iter().chain(["not counted"]);
    let columns = [Column::words("Labelled", 1)].into_iter().chain(titles.map(Column::number)).collect();
    let cells = rows.iter().enumerate().map(|(i, row)| {
        let all = row.called.iter().sum::<u64>() + row.not_counted;
        let counts = row.called.iter().chain([&row.not_counted]).enumerate().map(|(j, &count)| Cell {
            shade: Some(if all > 0 { count as f64 / all as f64 } else { 0.0 }),
            strong: i == j,
            ..Cell::new(count.to_string())
        });
        [Cell::new(row.labelled.to_string())].into_iter().chain(counts).collect()
    });
    let table = Table::new(Layout::Confusion, columns, cells.collect());
    Section::new("confusions", "Labelled class (rows) by called class (columns)", vec![Block::Table(table)])
}

fn segmentation(evaluation: &Evaluation) -> Section {
    let figures = &evaluation.segmentation;
    let (points, boxes, masks, counts) = (&figures.points, &figures.boxes, &figures.masks, &figures.counts);
    let mut blocks = vec![facts(vec![
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
        ("Boxes at the frame, left aside", Cell::new(boxes.boxes_at_frame.to_string())),
        ("Mean IoU of paired outlines", plain(&masks.mean_iou)),
        ("Panoptic quality", plain(&masks.panoptic_quality)),
        ("Found − labelled cells of a field", plain(&counts.bias)),
        ("Lower limit of agreement", plain(&counts.lower_limit)),
        ("Upper limit of agreement", plain(&counts.upper_limit)),
        ("Mean absolute difference", plain(&counts.mean_absolute_error)),
        ("Relative difference", percent(&counts.relative_bias)),
        ("White cells taken for red cells", percent(&figures.white_cells_taken_for_red)),
    ])];
    if !points.exclusions.is_empty() {
        let reasons: Vec<String> =
            points.exclusions.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        blocks.push(Block::text(format!("Points in objects left out, by reason: {}.", reasons.join(", "))));
    }
    Section::new("segmentation", "Segmentation", blocks)
}

fn specimens(evaluation: &Evaluation) -> Option<Section> {
    let number = |value: Option<f64>| Cell::known_or(value.map(|value| format!("{value:.2}")), NOT_DEFINED);
    let rows = evaluation.specimens.iter().map(|row| {
        let wilson =
            row.wilson_95.map_or_else(String::new, |wilson| format!("{:.2} to {:.2}", wilson.low, wilson.high));
        let basis = match row.basis {
            SpecimenBasis::AllCells => "all counted cells",
            SpecimenBasis::LabelledCells => "labelled cells",
        };
        vec![
            Cell::new(row.specimen.clone()),
            Cell::new(format!("{} of {}", row.labelled_schistocytes, row.labelled_cells)),
            number(row.true_percent),
            Cell::new(format!("{} of {}", row.called_schistocytes, row.counted_cells)),
            number(row.called_percent),
            Cell::new(wilson),
            Cell::new(basis),
        ]
    });
    let titles = ["Specimen", "Labelled", "True %", "Counted", "Called %", "95 % interval", "Basis"];
    let blocks = vec![
        facts(vec![
            ("Bias, percentage points", plain(&evaluation.agreement.bias)),
            ("Lower limit of agreement", plain(&evaluation.agreement.lower_limit)),
            ("Upper limit of agreement", plain(&evaluation.agreement.upper_limit)),
        ]),
        table(&titles, rows.collect()),
    ];
    (!evaluation.specimens.is_empty()).then(|| Section::new("specimens", "Specimens", blocks))
}

fn examples(title: &str, examples: &[Example], picture: &dyn Fn(&Example) -> Option<Vec<u8>>) -> Markup {
    html! {
        @if !examples.is_empty() {
            section {
                h2 { (title) }
                div.examples {
                    @for example in examples { figure {
                        @if let Some(jpeg) = picture(example) {
                            img src=(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg))) alt="";
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
}

fn provenance(evaluation: &Evaluation) -> Vec<Section> {
    let provenance = &evaluation.provenance;
    let options =
        provenance.options.iter().map(|(name, value)| vec![Cell::new(name.clone()), Cell::code(value.to_string())]);
    let inputs = format!("{} files, named with their hashes in evaluation.json", provenance.inputs.len());
    let facts = facts(vec![
        ("Program", Cell::new(format!("{} {}", provenance.software, provenance.software_version))),
        ("Method", Cell::new(provenance.method_version.clone())),
        ("Model", Cell::new(format!("{} {}", provenance.model.name, provenance.model.version))),
        ("SHA-256 of the model", Cell::code(provenance.model.sha256.clone())),
        ("Engine", Cell::new(provenance.engine.clone())),
        ("Inputs", Cell::new(inputs)),
    ]);
    let mut sections =
        vec![Section::new("provenance", "Provenance", vec![facts, table(&["Option", "Value"], options.collect())])];
    let failed = evaluation.failed_inputs.iter().map(|failure| format!("{}: {}", failure.path, failure.reason));
    for (id, title, items) in [
        ("failed", "Inputs that could not be evaluated", failed.collect::<Vec<_>>()),
        ("remarks", "Labels left out", evaluation.label_remarks.clone()),
    ] {
        if !items.is_empty() {
            sections.push(Section::new(id, title, vec![Block::Sentences { items }]));
        }
    }
    sections
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
        assert!(text.contains("50.00 % (0.00 to 100.00); 1 of 2"), "{text}");
        assert!(text.contains("Sensitivity at 0.5 % false positives"));
        assert_eq!(text.matches("<svg").count(), 5);
        assert_eq!(text.matches("data:image/jpeg;base64,AQID").count(), 3);
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
        assert!(text.contains("Box precision at IoU 0.5</th><td class=\"muted\">not defined</td>"));
        assert!(!text.contains("NaN") && !text.contains("<svg"));
    }
}
