//! Pictures of every counted schistocyte, likeliest first: what a reviewer looks at to accept or reject each call.
//!
//! Ties of probability keep the order of fields and cell numbers. Each picture links to the cell in its field.

use std::io::Write;

use maud::{Markup, html};

use super::data_uri;
use super::page::Place;
use crate::case::{CalledSchistocyte, Case};
use crate::report::ReportError;
use crate::report::figures::{count, counted, probability};

/// Section of the gallery.
pub(super) fn gallery(case: &Case) -> Markup {
    let called = case.fields.called().len();
    let uncounted = case.fields.uncounted_schistocytes();
    html! {
        section.gallery aria-labelledby="gallery" {
            h2 #gallery { "Cells counted as schistocytes" }
            @if called == 0 {
                p { "No cell was counted as a schistocyte." }
            } @else {
                p.lead {
                    (counted(called as u64, "cell")) ", by falling probability. Each picture leads to the cell in its field."
                }
                ol.tiles { (Place::Tiles) }
            }
            @if uncounted > 0 {
                p.note { "Further objects with this call, excluded and not counted: " (count(uncounted)) "." }
            }
        }
    }
}

/// Writes the tiles.
///
/// # Errors
/// The writer fails, or a picture cannot be read.
pub(super) fn tiles(case: &Case, writer: &mut dyn Write) -> Result<(), ReportError> {
    for called in case.fields.called() {
        let png = case.fields.tile(&called)?;
        let field = &case.record.fields[called.field_index].field;
        writer.write_all(tile(&called, field, png.as_deref()).into_string().as_bytes())?;
    }
    Ok(())
}

fn tile(called: &CalledSchistocyte, field: &str, png: Option<&[u8]>) -> Markup {
    let (number, id) = (called.field_index + 1, called.cell_id.0);
    let probability = probability(called.call.schistocyte_probability.value());
    html! {
        li id=(format!("tile-{number}-{id}")) {
            a href=(format!("#field-{number}-cell-{id}")) {
                @match png {
                    Some(png) => img src=(data_uri("image/png", png)) width="120" height="120"
                        alt=(format!("Cell {id} of field {number}, schistocyte probability {probability}"));,
                    None => span.missing { "no picture" },
                }
                span.probability { (probability) }
                span.where { "cell " (id) }
                span.where.name title=(field) { (number) ". " (field) }
            }
        }
    }
}
