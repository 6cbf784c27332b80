//! The pictures of cells: every counted schistocyte, then the near misses, each likeliest first. A reviewer looks at them to
//! accept or refuse each call, and to find what the model missed.
//!
//! A near miss is a counted cell that is called another class with a probability from the card's threshold for review up
//! to the operating point. Ties of probability keep the order of fields and cell numbers.

use std::io;

use super::model::{Block, Extent, Section, Tile};
use super::values::{count, counted, probability};
use crate::case::{Case, CaseRecord, PicturedCell};

/// Section of the called schistocytes.
pub(crate) fn called(case: &Case, extent: &Extent) -> Section {
    let called = case.fields.called();
    let (all, shown) = (called.len(), called.len().min(extent.called));
    let mut blocks = vec![match (all, shown) {
        (0, _) => Block::text("No cell was counted as a schistocyte."),
        (all, shown) => {
            let cells = counted(all as u64, "cell");
            let left_out = match all - shown {
                0 => String::new(),
                rest => format!(
                    " The {} likeliest of {cells} are shown; the other {} are in the page (html).",
                    count(shown as u64),
                    count(rest as u64)
                ),
            };
            Block::note(format!("{cells}, by falling probability, each with its place.{left_out}"))
        }
    }];
    blocks.extend(tiles(case, called, extent.called));
    let uncounted = case.fields.uncounted_schistocytes();
    if uncounted > 0 {
        let text = format!("Further objects with this call, excluded and not counted: {}.", count(uncounted));
        blocks.push(Block::note(text));
    }
    Section::new("gallery", "Cells counted as schistocytes", blocks)
}

/// Section of the near misses.
///
/// # Errors
/// The fields cannot be read.
pub(crate) fn near_misses(case: &Case, extent: &Extent) -> io::Result<Section> {
    let near = match case.record.provenance.model.review_operating_point {
        Some(review) => case.fields.near_misses(review)?,
        None => Vec::new(),
    };
    let words = near_misses_words(&case.record, near.len(), near.len().min(extent.near_misses));
    let blocks = std::iter::once(Block::note(words)).chain(tiles(case, near, extent.near_misses)).collect();
    Ok(Section::new("near-misses", "Near misses", blocks))
}

/// What the near misses are, how many there are and how many of them are shown.
fn near_misses_words(record: &CaseRecord, all: usize, shown: usize) -> String {
    let model = &record.provenance.model;
    let Some(review) = model.review_operating_point else {
        return "The card of the model states no threshold for review: which cells it nearly called is not known."
            .to_owned();
    };
    let range = format!("probability from {} up to {}", probability(review), probability(model.operating_point));
    let left_out = match all - shown {
        0 => String::new(),
        rest => format!(" The {} likeliest are shown, {} more are left out.", count(shown as u64), count(rest as u64)),
    };
    match all {
        0 => format!("No counted cell was nearly called a schistocyte ({range})."),
        _ => format!(
            "{} counted as another class and nearly called a schistocyte ({range}), by falling probability.{left_out}",
            counted(all as u64, "cell")
        ),
    }
}

fn tiles(case: &Case, cells: Vec<PicturedCell>, most: usize) -> Option<Block> {
    let tile = |cell: PicturedCell| {
        let (field_number, cell_number) = (cell.field_index + 1, cell.cell_id.0);
        let probability = probability(cell.call.schistocyte_probability.value());
        Tile {
            field_number,
            field: case.record.fields[cell.field_index].field.clone(),
            cell_number,
            label: format!("Cell {cell_number} of field {field_number}, schistocyte probability {probability}"),
            probability,
            file: None,
            cell,
        }
    };
    let tiles: Vec<Tile> = cells.into_iter().take(most).map(tile).collect();
    (!tiles.is_empty()).then_some(Block::Tiles { tiles })
}
