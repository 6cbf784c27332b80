//! Pictures of every counted schistocyte and of the near misses, likeliest first: what a reviewer looks at to accept or
//! reject each call, and to find what the model missed.
//!
//! A near miss is a counted cell called another class with a probability from the card's threshold for review up to the
//! operating point; at most [`MOST_NEAR_MISSES`] are shown and the number left out is named. Ties of probability keep the
//! order of fields and cell numbers. Each picture links to the cell in its field.

use std::io::Write;

use maud::{Markup, html};

use super::data_uri;
use super::page::Place;
use crate::case::{Case, MOST_NEAR_MISSES, PicturedCell};
use crate::report::ReportError;
use crate::report::figures::{count, counted, probability};
use crate::report::words::near_misses_words;

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

/// Section of the near misses.
///
/// # Errors
/// The fields cannot be read.
pub(super) fn near_misses(case: &Case) -> Result<Markup, ReportError> {
    let all = all_near_misses(case)?.len();
    Ok(html! {
        section.gallery.near aria-labelledby="near-misses" {
            h2 #near-misses { "Near misses" }
            p.lead { (near_misses_words(&case.record, all, all.min(MOST_NEAR_MISSES))) }
            @if all > 0 { ol.tiles { (Place::NearMisses) } }
        }
    })
}

fn all_near_misses(case: &Case) -> Result<Vec<PicturedCell>, ReportError> {
    match case.record.provenance.model.review_operating_point {
        Some(review) => Ok(case.fields.near_misses(review)?),
        None => Ok(Vec::new()),
    }
}

/// Writes the tiles.
///
/// # Errors
/// The writer fails, or a picture cannot be read.
pub(super) fn tiles(case: &Case, writer: &mut dyn Write) -> Result<(), ReportError> {
    write_tiles(case, &case.fields.called(), writer)
}

/// Writes the tiles of the near misses.
///
/// # Errors
/// The writer fails, or a picture cannot be read.
pub(super) fn near_miss_tiles(case: &Case, writer: &mut dyn Write) -> Result<(), ReportError> {
    let mut shown = all_near_misses(case)?;
    shown.truncate(MOST_NEAR_MISSES);
    write_tiles(case, &shown, writer)
}

fn write_tiles(case: &Case, cells: &[PicturedCell], writer: &mut dyn Write) -> Result<(), ReportError> {
    for cell in cells {
        let png = case.fields.tile(cell)?;
        let field = &case.record.fields[cell.field_index].field;
        writer.write_all(tile(cell, field, png.as_deref()).into_string().as_bytes())?;
    }
    Ok(())
}

fn tile(called: &PicturedCell, field: &str, png: Option<&[u8]>) -> Markup {
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
                " " span.where { "cell " (id) }
                span.where.name title=(field) { (number) ". " (field) }
            }
        }
    }
}
