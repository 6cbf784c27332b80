//! A sheet of every cell that was counted as a schistocyte, likeliest first, each with field, number and probability.
//!
//! Ties of probability keep the order of fields and cell numbers, as on the page.

use image::imageops::{self, FilterType};
use image::{ImageFormat, Rgb, RgbImage};
use imageproc::drawing::draw_hollow_rect_mut;
use imageproc::rect::Rect;

use super::canvas::{LINE_HEIGHT_PX, MARGIN_PX, line, wrapped};
use crate::case::{Case, FOOTER, PicturedCell};
use crate::report::ReportError;
use crate::report::colors::{EXCLUDED, INK, PAPER};

/// Most tiles of a sheet: more than a person looks through, and still a picture that viewers open.
pub const MOST_TILES: usize = 1_000;

/// Side of a tile on the sheet, px.
const TILE_PX: u32 = 144;

/// Lines of text below a tile.
const LINES: u32 = 2;

/// Tiles in a row.
const COLUMNS: u32 = 7;

/// The sheet.
pub(super) fn sheet(case: &Case, about: &str) -> Result<RgbImage, ReportError> {
    let entries = case.fields.called();
    let shown = &entries[..entries.len().min(MOST_TILES)];
    let (cell_width, cell_height) = (TILE_PX + MARGIN_PX, TILE_PX + LINES * LINE_HEIGHT_PX + MARGIN_PX);
    let width = COLUMNS * cell_width + MARGIN_PX;
    let heading = match entries.len() {
        0 => format!("{about}. No cell was counted as a schistocyte."),
        all if all > shown.len() => {
            format!("{about}. The {} likeliest of {all} cells counted as schistocytes.", shown.len())
        }
        1 => format!("{about}. One cell counted as a schistocyte."),
        all => format!("{about}. {all} cells counted as schistocytes, by falling probability."),
    };
    let (above, below) = (wrapped(&heading, width - 2 * MARGIN_PX), wrapped(FOOTER, width - 2 * MARGIN_PX));
    let rows = (shown.len() as u32).div_ceil(COLUMNS);
    let first_row = 2 * MARGIN_PX + LINE_HEIGHT_PX * above.len() as u32;
    let end = first_row + rows * cell_height;
    let height = end + MARGIN_PX + LINE_HEIGHT_PX * below.len() as u32;
    let mut sheet = RgbImage::from_pixel(width, height, Rgb(PAPER));
    for (lines, top) in [(above, MARGIN_PX), (below, end)] {
        for (place, words) in lines.iter().enumerate() {
            let y = top + LINE_HEIGHT_PX * place as u32;
            line(&mut sheet, words, MARGIN_PX as i32, y as i32, INK, top == MARGIN_PX);
        }
    }
    for (place, entry) in shown.iter().enumerate() {
        let (column, row) = (place as u32 % COLUMNS, place as u32 / COLUMNS);
        place_tile(&mut sheet, case, entry, MARGIN_PX + column * cell_width, first_row + row * cell_height)?;
    }
    Ok(sheet)
}

fn place_tile(sheet: &mut RgbImage, case: &Case, entry: &PicturedCell, x: u32, y: u32) -> Result<(), ReportError> {
    match case.fields.tile(entry)? {
        Some(png) => {
            let tile = image::load_from_memory_with_format(&png, ImageFormat::Png)
                .map_err(|source| ReportError::Picture {
                    field: case.record.fields[entry.field_index].field.clone(),
                    source,
                })?
                .into_rgb8();
            let same = tile.dimensions() == (TILE_PX, TILE_PX);
            let tile = if same { tile } else { imageops::resize(&tile, TILE_PX, TILE_PX, FilterType::Triangle) };
            imageops::replace(sheet, &tile, x.into(), y.into());
        }
        None => {
            draw_hollow_rect_mut(sheet, Rect::at(x as i32, y as i32).of_size(TILE_PX, TILE_PX), Rgb(EXCLUDED));
            line(sheet, "no picture", (x + MARGIN_PX) as i32, (y + MARGIN_PX) as i32, EXCLUDED, false);
        }
    }
    let words = [
        (format!("field {} cell {}", entry.field_index + 1, entry.cell_id.0), true),
        (format!("probability {:.3}", entry.call.schistocyte_probability.value()), false),
    ];
    for (place, (words, bold)) in words.iter().enumerate() {
        let top = y + TILE_PX + LINE_HEIGHT_PX * place as u32;
        line(sheet, words, x as i32, top as i32, INK, *bold);
    }
    Ok(())
}
