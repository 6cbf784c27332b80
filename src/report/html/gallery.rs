//! Pictures of every counted schistocyte, likeliest first: what a reviewer looks at to accept or reject each call.
//!
//! Ties of probability keep the order of fields and cell numbers. Each picture links to the cell in its field.

use maud::{Markup, html};

use super::data_uri;
use crate::case::Case;
use crate::report::called::{CalledSchistocyte, uncounted_schistocytes};
use crate::report::figures::{count, counted, probability};

/// Section of the gallery.
pub(super) fn gallery(case: &Case) -> Markup {
    let called = CalledSchistocyte::all(case);
    let uncounted = uncounted_schistocytes(case);
    html! {
        section.gallery aria-labelledby="gallery" {
            h2 #gallery { "Cells counted as schistocytes" }
            @if called.is_empty() {
                p { "No cell was counted as a schistocyte." }
            } @else {
                p.lead {
                    (counted(called.len() as u64, "cell")) ", by falling probability. Each picture leads to the cell in its field."
                }
                ol.tiles { @for cell in &called { (tile(cell)) } }
            }
            @if uncounted > 0 {
                p.note { "Further objects with this call, excluded and not counted: " (count(uncounted)) "." }
            }
        }
    }
}

fn tile(entry: &CalledSchistocyte<'_>) -> Markup {
    let (number, id) = (entry.field_number, entry.cell.cell.id.0);
    let probability = probability(entry.call.schistocyte_probability.value());
    html! {
        li id=(format!("tile-{number}-{id}")) {
            a href=(format!("#field-{number}-cell-{id}")) {
                @match entry.png() {
                    Some(png) => img src=(data_uri("image/png", png)) width="120" height="120"
                        alt=(format!("Cell {id} of field {number}, schistocyte probability {probability}"));,
                    None => span.missing { "no picture" },
                }
                span.probability { (probability) }
                span.where { "cell " (id) }
                span.where.name title=(entry.field.field) { (number) ". " (entry.field.field) }
            }
        }
    }
}
