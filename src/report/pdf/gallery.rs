//! The pictures of the sheet: cells counted as schistocytes, then the near misses, each likeliest first.
//!
//! In: a case and how many pictures have room. Out: two sections and their pictures. The number left out is named.

use std::io;

use super::room::Room;
use super::sheet::{Block, Section, Tile};
use super::typeset::Asset;
use crate::case::{Case, PicturedCell};
use crate::report::figures::{count, counted, probability};
use crate::report::words::near_misses_words;

/// Pictures in a row.
const TILES_PER_ROW: u8 = 10;

/// Pictures where the evidence needs the pages: two rows.
const TILES_BESIDE_EVIDENCE: usize = 20;

/// Both sections.
///
/// # Errors
/// A picture cannot be read.
pub(super) fn gallery(case: &Case, room: &Room) -> io::Result<([Section; 2], Vec<Asset>)> {
    let most = if case.record.evidence.is_some() { room.tiles.min(TILES_BESIDE_EVIDENCE) } else { room.tiles };
    let mut assets = Vec::new();
    let called = called(case, most, &mut assets)?;
    let near = near_misses(case, most.div_ceil(2), &mut assets)?;
    Ok(([called, near], assets))
}

fn section(title: &str, blocks: Vec<Block>) -> Section {
    Section { title: title.to_owned(), new_page: false, blocks }
}

fn called(case: &Case, most: usize, assets: &mut Vec<Asset>) -> io::Result<Section> {
    let called = case.fields.called();
    let tiles = tiles(case, &called, most, assets)?;
    let mut blocks = vec![match (called.len(), tiles.len()) {
        (0, _) => Block::text("No cell was counted as a schistocyte."),
        (all, shown) if all == shown => Block::note(format!(
            "{}, by falling probability; under each its probability and field:cell.",
            counted(all as u64, "cell")
        )),
        (all, shown) => Block::note(format!(
            "The {} likeliest of {}, by falling probability; under each its probability and field:cell. The other {} \
             are in the page (html).",
            count(shown as u64),
            counted(all as u64, "cell"),
            count((all - shown) as u64)
        )),
    }];
    blocks.extend(pictures(tiles));
    let uncounted = case.fields.uncounted_schistocytes();
    if uncounted > 0 {
        blocks.push(Block::note(format!(
            "Further objects with this call, excluded and not counted: {}.",
            count(uncounted)
        )));
    }
    Ok(section("Cells counted as schistocytes", blocks))
}

fn near_misses(case: &Case, most: usize, assets: &mut Vec<Asset>) -> io::Result<Section> {
    let near = match case.record.provenance.model.review_operating_point {
        Some(review) => case.fields.near_misses(review)?,
        None => Vec::new(),
    };
    let tiles = tiles(case, &near, most, assets)?;
    let words = near_misses_words(&case.record, near.len(), tiles.len());
    let blocks = std::iter::once(Block::note(words)).chain(pictures(tiles)).collect();
    Ok(section("Near misses", blocks))
}

fn pictures(tiles: Vec<Tile>) -> Option<Block> {
    (!tiles.is_empty()).then_some(Block::Tiles { columns: TILES_PER_ROW, tiles })
}

/// The first of the cells that have a picture.
fn tiles(case: &Case, cells: &[PicturedCell], most: usize, assets: &mut Vec<Asset>) -> io::Result<Vec<Tile>> {
    let mut tiles = Vec::new();
    for cell in cells {
        if tiles.len() == most {
            break;
        }
        let Some(png) = case.fields.tile(cell)? else { continue };
        // Names come from a small set: the compiler keeps them for the life of the program.
        let file = format!("tile-{}.png", assets.len());
        let (field, id) = (cell.field_index + 1, cell.cell_id.0);
        let chance = probability(cell.call.schistocyte_probability.value());
        tiles.push(Tile {
            alt: format!("Cell {id} of field {field}, schistocyte probability {chance}"),
            probability: chance,
            place: format!("{field}:{id}"),
            file: format!("/{file}"),
        });
        assets.push(Asset { name: file, bytes: png });
    }
    Ok(tiles)
}
