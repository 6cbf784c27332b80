//! `fields/<field>.jpg` and `gallery.png`: what the page shows, as plain pictures.
//!
//! In: the previews and tiles of a case. Out: one JPEG for each field with its outlines, and one PNG with every cell that
//! was counted as a schistocyte. Nothing is read from the images again, so a picture is as large as its preview. Each
//! bears accession, job, legend and the fixed footer below it, because pictures are passed on alone.
//!
//! Limits: text is drawn in the characters of ISO 8859-1, others as `?`; at most [`MOST_TILES`] tiles, likeliest first.

mod canvas;

pub(super) use canvas::{COUNTED, EXCLUDED, SCHISTOCYTE};

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ImageFormat, ImageResult, Rgb, RgbImage};
use imageproc::drawing::draw_hollow_rect_mut;
use imageproc::rect::Rect;

use super::error::ReportError;
use super::folder::FileSink;
use super::names::FileNames;
use crate::case::{Case, CaseField, CaseRecord, Job, PicturedCell, Preview};
use crate::smear::{CellStatus, ClassifiedCell};
use canvas::{INK, LINE_HEIGHT_PX, MARGIN_PX, PAPER, Stroke, line, outline, tag, wrapped};

/// Folder of the fields.
const FOLDER: &str = "fields";

/// Name of the sheet of schistocytes.
const GALLERY: &str = "gallery.png";

/// JPEG quality of a field: thin lines stay clean.
const QUALITY: u8 = 90;

/// Writes the pictures.
pub(super) fn write(case: &Case, names: &FileNames, sink: &mut dyn FileSink) -> Result<(), ReportError> {
    let about = about(&case.record)?;
    for (index, field) in case.fields.iter().enumerate() {
        let field = field?;
        let Some(preview) = &field.preview else { return Err(ReportError::NoPicture { field: field.field }) };
        let picture = field_picture(&field, preview, index + 1, &about, &case.record.footer)
            .map_err(|source| ReportError::Picture { field: field.field.clone(), source })?;
        sink.file(&format!("{FOLDER}/{}.jpg", names.fields()[index]), &mut |writer| {
            JpegEncoder::new_with_quality(writer, QUALITY).encode_image(&picture).map_err(encoding)
        })?;
    }
    let sheet = gallery(case, &about)?;
    sink.file(GALLERY, &mut |writer| {
        // The encoder of PNG seeks: it writes to memory first.
        let mut bytes = std::io::Cursor::new(Vec::new());
        sheet.write_to(&mut bytes, ImageFormat::Png).map_err(encoding)?;
        Ok(writer.write_all(bytes.get_ref())?)
    })
}

/// Whose picture it is.
fn about(record: &CaseRecord) -> Result<String, ReportError> {
    let accession = record.accession.as_deref().unwrap_or("no accession given");
    Ok(format!("Specimen {accession}, job {}", Job::of(record)?.id()))
}

fn encoding(error: image::ImageError) -> ReportError {
    match error {
        image::ImageError::IoError(source) => ReportError::Stream(source),
        source => ReportError::Encode { source },
    }
}

/// Narrowest picture, px: room for the words below a small field.
const LEAST_WIDTH_PX: u32 = 480;

/// The lines, from below to above: each schistocyte lies on a wider line of paper, so that it stands out on any stain.
const THIN: Stroke = Stroke { color: COUNTED, radius_px: 0, dashed: false };
const DASHED: Stroke = Stroke { color: EXCLUDED, radius_px: 0, dashed: true };
const HALO: Stroke = Stroke { color: PAPER, radius_px: 2, dashed: false };
const STRONG: Stroke = Stroke { color: SCHISTOCYTE, radius_px: 1, dashed: false };

/// The picture of a field; `number` is its place in the report, from 1.
fn field_picture(
    field: &CaseField,
    preview: &Preview,
    number: usize,
    about: &str,
    footer: &str,
) -> ImageResult<RgbImage> {
    let mut picture = image::load_from_memory_with_format(&preview.jpeg, ImageFormat::Jpeg)?.into_rgb8();
    let scaled = |cell: &ClassifiedCell| cell.cell.contour.scaled(preview.px_per_px);
    let (strong, others): (Vec<_>, Vec<_>) = field.cells.iter().partition(|cell| cell.is_counted_schistocyte());
    for cell in &others {
        let stroke = if matches!(cell.status, CellStatus::Counted(_)) { THIN } else { DASHED };
        outline(&mut picture, scaled(cell).points(), stroke);
    }
    for cell in &strong {
        outline(&mut picture, scaled(cell).points(), HALO);
        outline(&mut picture, scaled(cell).points(), STRONG);
    }
    for cell in &strong {
        let bounds = scaled(cell).bounds();
        tag(&mut picture, &cell.cell.id.0.to_string(), bounds.x_max as i32 + 3, bounds.y_min as i32, SCHISTOCYTE);
    }
    let counted = others.iter().filter(|cell| matches!(cell.status, CellStatus::Counted(_))).count();
    let legend = [
        (format!("thick line, number: called schistocyte ({})", strong.len()), SCHISTOCYTE),
        (format!("thin line: other counted red cell ({counted})"), COUNTED),
        (format!("dashed line: left out ({})", others.len() - counted), EXCLUDED),
    ];
    Ok(with_words(&picture, &format!("{about}, field {number}: {}", field.field), &legend, footer))
}

/// The picture above its words.
fn with_words(picture: &RgbImage, title: &str, legend: &[(String, [u8; 3])], footer: &str) -> RgbImage {
    let width = picture.width().max(LEAST_WIDTH_PX);
    let room = width - 2 * MARGIN_PX;
    let mut lines: Vec<(String, [u8; 3], bool)> = Vec::new();
    lines.extend(wrapped(title, room).into_iter().map(|line| (line, INK, true)));
    for (words, color) in legend {
        lines.extend(wrapped(words, room).into_iter().map(|line| (line, *color, false)));
    }
    lines.extend(wrapped(footer, room).into_iter().map(|line| (line, INK, false)));
    let height = picture.height() + 2 * MARGIN_PX + LINE_HEIGHT_PX * lines.len() as u32;
    let mut whole = RgbImage::from_pixel(width, height, Rgb(PAPER));
    imageops::replace(&mut whole, picture, 0, 0);
    for (place, (words, color, bold)) in lines.iter().enumerate() {
        let y = picture.height() + MARGIN_PX + LINE_HEIGHT_PX * place as u32;
        line(&mut whole, words, MARGIN_PX as i32, y as i32, *color, *bold);
    }
    whole
}

/// Most tiles of a sheet: more than a person looks through, and still a picture that viewers open.
pub const MOST_TILES: usize = 1_000;

/// Side of a tile on the sheet, px.
const TILE_PX: u32 = 144;

/// Lines of text below a tile.
const LINES: u32 = 2;

/// Tiles in a row.
const COLUMNS: u32 = 7;

/// A sheet of every cell that was called schistocyte, likeliest first, each with field, number and probability. Ties of
/// probability keep the order of fields and cell numbers, as on the page.
fn gallery(case: &Case, about: &str) -> Result<RgbImage, ReportError> {
    let entries = case.fields.called();
    let shown = &entries[..entries.len().min(MOST_TILES)];
    let (cell_width, cell_height) = (TILE_PX + MARGIN_PX, TILE_PX + LINES * LINE_HEIGHT_PX + MARGIN_PX);
    let width = COLUMNS * cell_width + MARGIN_PX;
    let heading = match entries.len() {
        0 => format!("{about}. No cell was called schistocyte."),
        all if all > shown.len() => {
            format!("{about}. The {} likeliest of {all} cells called schistocyte.", shown.len())
        }
        1 => format!("{about}. One cell called schistocyte."),
        all => format!("{about}. {all} cells called schistocyte, by falling probability."),
    };
    let (above, below) =
        (wrapped(&heading, width - 2 * MARGIN_PX), wrapped(&case.record.footer, width - 2 * MARGIN_PX));
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
        Some(jpeg) => {
            let tile = image::load_from_memory_with_format(&jpeg, ImageFormat::Jpeg)
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
