//! Pictures of every counted schistocyte, likeliest first: what a reviewer looks at to accept or reject each call.
//!
//! Ties of probability keep the order of fields and cell numbers. Each picture links to the cell in its field.

use maud::{Markup, html};

use super::data_uri;
use super::figures::{count, counted, probability};
use crate::case::{Case, CaseField};
use crate::smear::{Call, CellClass, CellStatus, ClassifiedCell};

struct Entry<'a> {
    field: &'a CaseField,
    field_number: usize,
    cell: &'a ClassifiedCell,
    call: &'a Call,
}

impl Entry<'_> {
    fn png(&self) -> Option<&[u8]> {
        let tile = self.field.schistocyte_tiles.iter().find(|tile| tile.cell_id == self.cell.cell.id)?;
        (!tile.png.is_empty()).then_some(tile.png.as_slice())
    }
}

/// Section of the gallery.
pub(super) fn gallery(case: &Case) -> Markup {
    let entries = entries(case);
    let uncounted = case.fields.iter().flat_map(|field| &field.cells).filter(|cell| is_uncounted_schistocyte(cell));
    let uncounted = uncounted.count() as u64;
    html! {
        section.gallery aria-labelledby="gallery" {
            h2 #gallery { "Cells counted as schistocytes" }
            @if entries.is_empty() {
                p { "No cell was counted as a schistocyte." }
            } @else {
                p.lead {
                    (counted(entries.len() as u64, "cell")) ", by falling probability. Each picture leads to the cell in its field."
                }
                ol.tiles { @for entry in &entries { (tile(entry)) } }
            }
            @if uncounted > 0 {
                p.note {
    "Further objects with this call, excluded and not counted: " (count(uncounted)) "."
                }
            }
        }
    }
}

fn entries(case: &Case) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for (index, field) in case.fields.iter().enumerate() {
        let schistocytes = field.cells.iter().filter(|cell| cell.is_counted_schistocyte());
        entries.extend(
            schistocytes.filter_map(|cell| {
                cell.counted_call().map(|call| Entry { field, field_number: index + 1, cell, call })
            }),
        );
    }
    // Stable, so that ties keep their order.
    entries.sort_by(|a, b| b.call.schistocyte_probability.value().total_cmp(&a.call.schistocyte_probability.value()));
    entries
}

fn is_uncounted_schistocyte(cell: &ClassifiedCell) -> bool {
    matches!(cell.status, CellStatus::Excluded(_, Some(call)) if call.class == CellClass::Schistocyte)
}

fn tile(entry: &Entry<'_>) -> Markup {
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
