//! A field with its outlines, and below it what the lines mean and whose field it is.

use image::imageops;
use image::{ImageFormat, ImageResult, Rgb, RgbImage};

use super::canvas::{LINE_HEIGHT_PX, MARGIN_PX, Stroke, line, outline, tag, wrapped};
use crate::case::{CaseField, FOOTER};
use crate::report::colors::{COUNTED, EXCLUDED, INK, PAPER, SCHISTOCYTE};
use crate::smear::{CellStatus, ClassifiedCell};

/// Narrowest picture, px: room for the words below a small field.
const LEAST_WIDTH_PX: u32 = 480;

/// The lines, from below to above: each schistocyte lies on a wider line of paper, so that it stands out on any stain.
const THIN: Stroke = Stroke { color: COUNTED, radius_px: 0, dashed: false };
const DASHED: Stroke = Stroke { color: EXCLUDED, radius_px: 0, dashed: true };
const HALO: Stroke = Stroke { color: PAPER, radius_px: 2, dashed: false };
const STRONG: Stroke = Stroke { color: SCHISTOCYTE, radius_px: 1, dashed: false };

/// The picture of a field; `number` is its place in the report, from 1.
pub(super) fn picture(field: &CaseField, number: usize, about: &str) -> ImageResult<RgbImage> {
    let mut preview = image::load_from_memory_with_format(&field.preview_jpeg, ImageFormat::Jpeg)?.into_rgb8();
    let (strong, others): (Vec<_>, Vec<_>) = field.cells.iter().partition(|cell| cell.is_counted_schistocyte());
    for cell in &others {
        let stroke = if matches!(cell.status, CellStatus::Counted(_)) { THIN } else { DASHED };
        outline(&mut preview, &scaled(cell, field), stroke);
    }
    for cell in &strong {
        outline(&mut preview, &scaled(cell, field), HALO);
        outline(&mut preview, &scaled(cell, field), STRONG);
    }
    for cell in &strong {
        let bounds = cell.cell.contour.scaled(field.preview_px_per_px).bounds();
        tag(&mut preview, &cell.cell.id.0.to_string(), bounds.x_max as i32 + 3, bounds.y_min as i32, SCHISTOCYTE);
    }
    let counted = others.iter().filter(|cell| matches!(cell.status, CellStatus::Counted(_))).count();
    let legend = [
        (format!("thick line, number: counted as schistocyte ({})", strong.len()), SCHISTOCYTE),
        (format!("thin line: other counted red cell ({counted})"), COUNTED),
        (format!("dashed line: left out ({})", others.len() - counted), EXCLUDED),
    ];
    Ok(with_words(&preview, &format!("{about}, field {number}: {}", field.field), &legend))
}

fn scaled(cell: &ClassifiedCell, field: &CaseField) -> Vec<[f64; 2]> {
    cell.cell.contour.scaled(field.preview_px_per_px).points().to_vec()
}

/// The picture above its words.
fn with_words(picture: &RgbImage, title: &str, legend: &[(String, [u8; 3])]) -> RgbImage {
    let width = picture.width().max(LEAST_WIDTH_PX);
    let room = width - 2 * MARGIN_PX;
    let mut lines: Vec<(String, [u8; 3], bool)> = Vec::new();
    lines.extend(wrapped(title, room).into_iter().map(|line| (line, INK, true)));
    for (words, color) in legend {
        lines.extend(wrapped(words, room).into_iter().map(|line| (line, *color, false)));
    }
    lines.extend(wrapped(FOOTER, room).into_iter().map(|line| (line, INK, false)));
    let height = picture.height() + 2 * MARGIN_PX + LINE_HEIGHT_PX * lines.len() as u32;
    let mut whole = RgbImage::from_pixel(width, height, Rgb(PAPER));
    imageops::replace(&mut whole, picture, 0, 0);
    for (place, (words, color, bold)) in lines.iter().enumerate() {
        let y = picture.height() + MARGIN_PX + LINE_HEIGHT_PX * place as u32;
        line(&mut whole, words, MARGIN_PX as i32, y as i32, *color, *bold);
    }
    whole
}
