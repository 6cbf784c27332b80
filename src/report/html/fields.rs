//! Fields: an index and the legend of the outlines, then each field with its picture, figures, quality and exclusions.

use std::io::Write;

use maud::{Markup, html};

use super::exclusions::{exclusion_table, swatch};
use super::page::Place;
use super::{data_uri, overlay};
use crate::case::{Case, CaseField, FieldRecord, QualityFigure};
use crate::report::ReportError;
use crate::report::figures::{UNKNOWN, count, percent, plain, plain_or_unknown, share_percent};
use crate::report::words::figure_words;
use crate::smear::ExclusionReason;

/// Section of the fields.
pub(super) fn fields(case: &Case) -> Markup {
    html! {
        section.fields aria-labelledby="fields" {
            h2 #fields { "Fields" }
            @if case.fields.is_empty() {
                p { "No field was read." }
            } @else {
                (index(&case.record.fields))
                p.note.on-paper { "The pictures of the fields are on the page on a screen, and among the files of the format `pictures`." }
                (legend(case))
                (Place::Fields)
            }
        }
    }
}

/// Writes the fields.
///
/// # Errors
/// The writer fails, or a field cannot be read.
pub(super) fn each(case: &Case, writer: &mut dyn Write) -> Result<(), ReportError> {
    let review = case.record.provenance.model.review_operating_point;
    for (index, (field, record)) in case.fields.iter().zip(&case.record.fields).enumerate() {
        writer.write_all(one_field(&field?, record, index + 1, review).into_string().as_bytes())?;
    }
    Ok(())
}

fn index(fields: &[FieldRecord]) -> Markup {
    html! {
        div.scroll role="region" aria-labelledby="fields" tabindex="0" {
            table.index {
                thead { tr { th.number scope="col" { "No." } th scope="col" { "Field" } th scope="col" { "Quality" }
                    th.number scope="col" { "Red cells" } th.number scope="col" { "Schistocytes" }
                    th.number scope="col" { "Excluded" } } }
                tbody {
                    @for (index, field) in fields.iter().enumerate() {
                        tr.refused[!field.accepted] {
                            td.number { (index + 1) }
                            th.file scope="row" { a href=(format!("#field-{}", index + 1)) { (field.field) } }
                            td { (verdict(field)) }
                            td.number { (count(field.red_cells)) }
                            td.number { (count(field.schistocytes)) }
                            td.number { (count(field.exclusions.values().sum())) }
                        }
                    }
                }
            }
        }
    }
}

fn verdict(field: &FieldRecord) -> &'static str {
    if field.accepted { "accepted" } else { "refused" }
}

/// Lines of the outlines, as far as they occur.
fn legend(case: &Case) -> Markup {
    html! {
        ul.legend aria-label="Lines of the outlines" {
            li { (swatch("schistocyte")) "schistocyte, with its number" }
            li { (swatch("counted near")) "near miss, nearly called a schistocyte" }
            li { (swatch("counted")) "other counted red cell" }
            @for reason in ExclusionReason::ALL.into_iter().filter(|&reason| case.fields.has_excluded(reason)) {
                li { (swatch(&format!("excluded {}", reason.name()))) "excluded: " (reason.describe()) }
            }
        }
    }
}

fn one_field(field: &CaseField, record: &FieldRecord, number: usize, review: Option<f64>) -> Markup {
    html! {
        details.field.refused[!record.accepted] id=(format!("field-{number}")) open {
            summary {
                h3.file { (number) ". " (record.field) }
                span.verdict { (verdict(record)) }
            }
            @if !record.refusals.is_empty() {
                ul.refusals { @for reason in &record.refusals { li { (reason) } } }
            }
            div.sheet {
                (picture(field, number, review))
                div.tables {
                    (facts(record))
                    (quality(&record.quality))
                    @if !record.exclusions.is_empty() { (exclusion_table(&record.exclusions)) }
                }
            }
        }
    }
}

/// The photograph under its outlines; a box that is ticked shows it larger, in a frame that scrolls.
fn picture(field: &CaseField, number: usize, review: Option<f64>) -> Markup {
    html! {
        @if field.preview_jpeg.is_empty() || field.preview_height_px == 0 {
            p { "There is no picture of this field." }
        } @else {
            @let ratio = f64::from(field.preview_width_px) / f64::from(field.preview_height_px);
            div.zoomable {
                label.zoom { input type="checkbox"; " Larger" }
                div.frame {
                    div.picture style=(format!("--ratio:{ratio:.4};--width:{}px", field.preview_width_px)) {
                        img src=(data_uri("image/jpeg", &field.preview_jpeg)) width=(field.preview_width_px)
                            height=(field.preview_height_px) alt=(format!("Photograph of field {number}"));
                        (overlay::outlines(field, number, review))
                    }
                }
            }
        }
    }
}

fn facts(record: &FieldRecord) -> Markup {
    let share = share_percent(record.schistocytes, record.red_cells);
    html! {
        table.facts {
            thead { tr { th scope="col" { "Field" } th.number scope="col" { "Value" } } }
            tbody {
                tr { th scope="row" { "Red cells" } td.number { (count(record.red_cells)) } }
                tr { th scope="row" { "Schistocytes" } td.number {
                    (count(record.schistocytes)) @if let Some(share) = share { " (" (percent(share)) ")" } } }
                tr { th scope="row" { "Size" } td.number { (record.width_px) " × " (record.height_px) " px" } }
                tr { th scope="row" { "Pixel size" } td.number {
                    @match record.um_per_px {
                        Some(size) => { (plain(size)) " µm" },
                        None => (UNKNOWN),
                    }
                    @if let Some(source) = record.um_per_px_source { " " br; small { (source.describe()) } }
                } }
            }
        }
    }
}

fn quality(figures: &[QualityFigure]) -> Markup {
    html! {
        @if !figures.is_empty() {
            table.quality {
                thead { tr { th scope="col" { "Quality" } th.number scope="col" { "Value" }
                    th.number scope="col" { "Limits" } th scope="col" { "" span.hidden { "Result" } } } }
                tbody {
                    @for figure in figures {
                        tr.refused[!figure.accepted] {
                            th scope="row" { (figure_words(&figure.name)) }
                            td.number { (plain_or_unknown(figure.value)) }
                            td.number { (limits(figure)) }
                            td { @if figure.accepted { "met" } @else { strong { "not met" } } }
                        }
                    }
                }
            }
        }
    }
}

fn limits(figure: &QualityFigure) -> String {
    match (figure.min, figure.max) {
        (Some(min), Some(max)) => format!("{}–{}", plain(min), plain(max)),
        (Some(min), None) => format!("≥ {}", plain(min)),
        (None, Some(max)) => format!("≤ {}", plain(max)),
        (None, None) => "none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_name_the_side_that_is_limited() {
        let figure = |min, max| QualityFigure { name: "focus".into(), value: None, min, max, accepted: true };
        let words: Vec<_> = [(Some(0.1), Some(0.5)), (Some(0.1), None), (None, Some(0.5)), (None, None)]
            .map(|(min, max)| limits(&figure(min, max)))
            .into();
        assert_eq!(words, ["0.1–0.5", "≥ 0.1", "≤ 0.5", "none"]);
    }
}
