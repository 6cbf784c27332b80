//! Pictures for the report: a preview of each field and a tile of each called schistocyte and of each near miss.
//!
//! In: original pixels. Out: JPEG and PNG bytes. Limits: previews are reduced, never enlarged.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ImageFormat, ImageResult, Rgb, RgbImage};

use imageproc::drawing::draw_line_segment_mut;

use crate::case::PREVIEW_MAX_SIDE_PX;
use crate::optics::resample::rescale;
use crate::smear::Contour;

/// JPEG quality of a preview: outlines are drawn over it, so the pixels need not be exact.
const PREVIEW_QUALITY: u8 = 80;
/// Side of a tile, px.
const TILE_SIDE_PX: u32 = 144;
/// Width of what a tile shows, µm: a macrocyte with room around it.
const TILE_WIDTH_UM: f64 = 15.0;
/// Distance of the line around a cell from its outline, tile px.
const LINE_OFFSET_PX: f64 = 4.0;
/// Color of that line: seen on every stain, and dark in grey.
const LINE: Rgb<u8> = Rgb([179, 0, 45]);
/// Fill beyond the edge of the image.
const BEYOND_EDGE: Rgb<u8> = Rgb([255; 3]);

/// A preview: JPEG bytes, width, height, preview pixels per original pixel.
pub(super) fn preview(rgb: &RgbImage) -> ImageResult<(Vec<u8>, u32, u32, f64)> {
    let longer = rgb.width().max(rgb.height());
    let ratio = f64::from(longer) / f64::from(PREVIEW_MAX_SIDE_PX);
    let reduced = if ratio > 1.0 { rescale(rgb, ratio) } else { None };
    let shown = reduced.as_ref().unwrap_or(rgb);
    Ok((jpeg(shown)?, shown.width(), shown.height(), f64::from(shown.width()) / f64::from(rgb.width().max(1))))
}

/// A picture as JPEG.
pub(super) fn jpeg(rgb: &RgbImage) -> ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, PREVIEW_QUALITY).encode_image(rgb)?;
    Ok(bytes)
}

/// A square PNG around a center in original pixels, the width of two red cells.
///
/// # Errors
/// Where the PNG cannot be encoded.
pub fn tile(rgb: &RgbImage, center: [f64; 2], um_per_px: f64) -> ImageResult<Vec<u8>> {
    png(&cut_out(rgb, center, um_per_px).0)
}

/// The same around a cell, with a line around the one that is meant.
///
/// METHOD: the line runs [`LINE_OFFSET_PX`] outside of the cell's outline, so that it hides nothing of the edge by which
/// a reader judges the cell.
///
/// # Errors
/// Where the PNG cannot be encoded.
pub(super) fn outlined_tile(rgb: &RgbImage, contour: &Contour, um_per_px: f64) -> ImageResult<Vec<u8>> {
    let center = contour.centroid();
    let (mut tile, [left, top, scale]) = cut_out(rgb, center, um_per_px);
    let moved = |point: &[f64; 2]| {
        let away = [point[0] - center[0], point[1] - center[1]];
        let length = away[0].hypot(away[1]).max(f64::EPSILON);
        let farther = 1.0 + LINE_OFFSET_PX / (scale * length);
        let at = |axis: usize, start: f64| ((center[axis] + farther * away[axis] - start) * scale) as f32;
        (at(0, left), at(1, top))
    };
    let points: Vec<(f32, f32)> = contour.points().iter().map(moved).collect();
    for (index, &start) in points.iter().enumerate() {
        let end = points[(index + 1) % points.len()];
        draw_line_segment_mut(&mut tile, start, end, LINE);
    }
    png(&tile)
}

/// The part around a center at the size of a tile, and where it was cut: left and top in original pixels, and tile pixels
/// per original pixel.
fn cut_out(rgb: &RgbImage, center: [f64; 2], um_per_px: f64) -> (RgbImage, [f64; 3]) {
    let side = ((TILE_WIDTH_UM / um_per_px).round() as i64).clamp(8, 2048);
    let (left, top) = (center[0].round() as i64 - side / 2, center[1].round() as i64 - side / 2);
    let mut cut = RgbImage::from_pixel(side as u32, side as u32, BEYOND_EDGE);
    imageops::replace(&mut cut, rgb, -left, -top);
    let tile = imageops::resize(&cut, TILE_SIDE_PX, TILE_SIDE_PX, FilterType::Triangle);
    (tile, [left as f64, top as f64, f64::from(TILE_SIDE_PX) / side as f64])
}

fn png(tile: &RgbImage) -> ImageResult<Vec<u8>> {
    let mut png = Cursor::new(Vec::new());
    tile.write_to(&mut png, ImageFormat::Png)?;
    Ok(png.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_shrink_and_never_grow() {
        let (_, width, height, scale) = preview(&RgbImage::new(2560, 640)).expect("encodes");
        assert_eq!((width, height, scale), (1280, 320, 0.5));
        let (_, width, _, scale) = preview(&RgbImage::new(100, 50)).expect("encodes");
        assert_eq!((width, scale), (100, 1.0));
    }

    #[test]
    fn the_line_runs_around_the_cell_and_leaves_its_edge_free() {
        // Tiles show 75 px of this field in 144: the square's edge lies 48 tile px from the middle of the tile.
        let field = RgbImage::from_pixel(200, 200, Rgb([200; 3]));
        let square = Contour::new(vec![[75.0, 75.0], [125.0, 75.0], [125.0, 125.0], [75.0, 125.0]]).expect("a square");
        let png = outlined_tile(&field, &square, 0.2).expect("encodes");
        let tile = image::load_from_memory(&png).expect("decodes").to_rgb8();
        let drawn: Vec<f64> = tile
            .enumerate_pixels()
            .filter(|(.., pixel)| **pixel == LINE)
            .map(|(x, y, _)| (f64::from(x) - 72.0).abs().max((f64::from(y) - 72.0).abs()))
            .collect();
        assert!(drawn.len() > 300, "{} pixels", drawn.len());
        assert!(drawn.iter().all(|away| (48.0..=56.0).contains(away)), "{drawn:?}");
    }

    #[test]
    fn a_tile_shows_the_center_and_white_beyond_the_edge() {
        let mut field = RgbImage::from_pixel(100, 100, Rgb([10, 20, 30]));
        field.put_pixel(0, 0, Rgb([10, 20, 30]));
        let png = tile(&field, [0.0, 0.0], 0.2).expect("encodes");
        let tile = image::load_from_memory(&png).expect("decodes").to_rgb8();
        assert_eq!(tile.dimensions(), (TILE_SIDE_PX, TILE_SIDE_PX));
        assert_eq!(tile.get_pixel(2, 2).0, [255; 3]);
        assert_eq!(tile.get_pixel(140, 140).0, [10, 20, 30]);
    }
}
