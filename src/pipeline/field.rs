//! One field of a case: read, taken through the stages, with its pictures; and its record.
//!
//! In: a source of pixels and the scale of its specimen. Out: a [`FieldResult`], or why the file could not be read. The
//! record is made when the field is added to its case, because only then it is known which cells of a slide belong to it
//! and whether its picture is counted already.
//!
//! Pictures, all JPEG: a preview of each field (reduced, never enlarged) and a tile of each called schistocyte and each near
//! miss.

use std::collections::BTreeMap;
use std::path::PathBuf;

use image::imageops;
use image::{ImageResult, Rgb, RgbImage};
use imageproc::drawing::draw_line_segment_mut;
use rayon::prelude::*;

use super::examine::{AnalyzeError, ExaminedField, Models, examine, refuse};
use super::prepare::SpecimenScale;
use crate::case::{
    CaseField, CellTile, FieldRecord, InputFailure, InputFile, MOST_NEAR_MISSES, PREVIEW_MAX_SIDE_PX, PackedField,
    Preview, QualityFigure, RegionRecord, TILE_QUALITY, TILE_SIDE_PX, rounded,
};
use crate::classify::ModelCard;
use crate::count::FieldTally;
use crate::optics::jpeg::{ColorResolution, encoded};
use crate::optics::resample::{rescale, resized};
use crate::optics::{both, length};
use crate::quality::{FieldQuality, PictureSignature};
use crate::smear::{Calibration, CellStatus, ClassifiedCell, Contour, ExclusionReason, Field};
use crate::source::{FieldRegion, FieldSource, SourceError};

/// JPEG quality of a preview. METHOD: outlines are drawn over it, so the pixels need not be exact. With color at a quarter 132
/// previews have 0.45 of the bytes of quality 80 with color in full, and the cells look the same beside each other.
const PREVIEW_QUALITY: u8 = 55;
/// Tiles that one thread makes at least.
const TILES_TOGETHER: usize = 8;
/// Width of what a tile shows, µm: a macrocyte with room around it.
const TILE_WIDTH_UM: f64 = 15.0;
/// Distance of the line around a cell from its outline, tile px.
const LINE_OFFSET_PX: f64 = 4.0;
/// Color of that line: seen on every stain, and dark in grey.
const LINE: Rgb<u8> = Rgb([179, 0, 45]);
/// Fill beyond the edge of the image.
const BEYOND_EDGE: Rgb<u8> = Rgb([255; 3]);

/// What a field gives to its case.
pub(super) struct FieldResult {
    /// Its picture and objects.
    pub field: CaseField,
    /// The same packed, as long as nothing of it was changed.
    ///
    /// METHOD: packed on the thread that made it. The one thread that adds fields to cases would keep some dozens of others
    /// waiting.
    pub packed: Option<PackedField>,
    /// Width and height, px.
    pub size_px: (u32, u32),
    /// Pixel size in use, rounded as it is published; `None` where none was known.
    pub calibration: Option<Calibration>,
    /// Figures of its quality, and why it is not counted.
    pub quality: FieldQuality,
    /// What a photograph looks like from afar.
    pub signature: Option<PictureSignature>,
    /// The file, told apart from others of the same name and content.
    pub path: PathBuf,
    /// What the provenance says of the file.
    pub input: InputFile,
    /// Place on its slide.
    pub region: Option<FieldRegion>,
}

impl FieldResult {
    /// Its counted cells; `None` where it is refused.
    pub(super) fn tally(&self) -> Option<FieldTally> {
        self.quality.accepted().then(|| FieldTally::of_cells(&self.field.cells))
    }

    /// Takes it out of the count for a reason.
    pub(super) fn refuse(&mut self, reason: String) {
        self.packed = None;
        self.quality.refusals.push(reason);
        self.field.tiles.clear();
        self.field.cells.iter_mut().for_each(refuse);
    }

    /// Its record; `region` is its place on its slide as published.
    pub(super) fn record(&self, region: Option<RegionRecord>) -> FieldRecord {
        let tally = self.tally();
        let mut exclusions: BTreeMap<ExclusionReason, u64> = BTreeMap::new();
        for cell in &self.field.cells {
            if let CellStatus::Excluded(reason, _) = cell.status {
                *exclusions.entry(reason).or_insert(0) += 1;
            }
        }
        let figures = self.quality.measures.iter().map(|measure| QualityFigure {
            name: measure.name.to_owned(),
            value: measure.value.map(rounded),
            min: measure.min,
            max: measure.max,
            accepted: measure.within_limits() != Some(false),
        });
        FieldRecord {
            field: self.field.field.clone(),
            region,
            width_px: self.size_px.0,
            height_px: self.size_px.1,
            um_per_px: self.calibration.map(|calibration| calibration.um_per_px),
            um_per_px_source: self.calibration.map(|calibration| calibration.source),
            accepted: self.quality.accepted(),
            refusals: self.quality.refusals.clone(),
            quality: figures.collect(),
            red_cells: tally.as_ref().map_or(0, FieldTally::red_cells),
            schistocytes: tally.as_ref().map_or(0, FieldTally::schistocytes),
            exclusions,
            picture_signature: self.signature.clone(),
        }
    }
}

/// An input that could not be read, as the records name it.
pub fn input_failure(error: &SourceError) -> InputFailure {
    InputFailure { path: error.path.display().to_string(), reason: error.problem.to_string() }
}

/// Reads a field that is not `read` and takes it through all stages; where `is_pictured`, with its preview and tiles.
///
/// # Errors
/// The models fail or a picture cannot be encoded; a file that cannot be read is the inner error.
pub(super) fn field_result(
    source: &FieldSource,
    read: Option<Field>,
    scale: &SpecimenScale,
    models: &Models,
    is_pictured: bool,
) -> Result<Result<FieldResult, InputFailure>, AnalyzeError> {
    match read.map_or_else(|| source.read(), Ok) {
        Ok(field) => result_of(source, &field, scale, models, is_pictured).map(Ok),
        Err(error) => Ok(Err(input_failure(&error))),
    }
}

fn result_of(
    source: &FieldSource,
    field: &Field,
    scale: &SpecimenScale,
    models: &Models,
    is_pictured: bool,
) -> Result<FieldResult, AnalyzeError> {
    let name = field.id.to_string();
    let picture = |source| AnalyzeError::Picture { field: name.clone(), source };
    // The preview of a large picture fills what the stages leave idle.
    let (examined, preview) =
        both(&field.rgb, || examine(field, scale, models), || is_pictured.then(|| preview(&field.rgb)).transpose());
    let ExaminedField { calibration, quality, cells, signature } =
        examined.map_err(|source| AnalyzeError::Examine { field: name.clone(), source })?;
    let preview = preview.map_err(picture)?;
    let tiles = if is_pictured { tiles(field, &cells, calibration, models.classifier.card()) } else { Ok(Vec::new()) };
    let tiles = tiles.map_err(picture)?;
    let field_of_case = CaseField { field: name, preview, cells, tiles };
    Ok(FieldResult {
        packed: Some(PackedField::of(&field_of_case).map_err(AnalyzeError::Spool)?),
        field: field_of_case,
        size_px: field.rgb.dimensions(),
        calibration: calibration
            .and_then(|calibration| Calibration::new(rounded(calibration.um_per_px), calibration.source)),
        quality,
        signature: signature.filter(|_| source.region().is_none()),
        path: source.path().to_owned(),
        input: InputFile { file: source.file_name().to_owned(), sha256: field.sha256.clone() },
        region: source.region(),
    })
}

/// Pictures of the counted schistocytes, then of the near misses: as many of a field as a report shows of all.
fn tiles(
    field: &Field,
    cells: &[ClassifiedCell],
    calibration: Option<Calibration>,
    card: &ModelCard,
) -> image::ImageResult<Vec<CellTile>> {
    let Some(calibration) = calibration else { return Ok(Vec::new()) };
    let chance = |cell: &ClassifiedCell| cell.counted_call().map_or(0.0, |call| call.schistocyte_probability.value());
    let is_near = |cell: &&ClassifiedCell| card.review_operating_point.is_some_and(|review| cell.is_near_miss(review));
    let mut near: Vec<&ClassifiedCell> = cells.iter().filter(is_near).collect();
    near.sort_by(|one, other| chance(other).total_cmp(&chance(one)));
    near.truncate(MOST_NEAR_MISSES);
    let pictured: Vec<&ClassifiedCell> =
        cells.iter().filter(|cell| cell.is_counted_schistocyte()).chain(near).collect();
    pictured
        .into_par_iter()
        .with_min_len(TILES_TOGETHER)
        .map(|cell| {
            let jpeg = outlined_tile(&field.rgb, &cell.cell.contour, calibration.um_per_px)?;
            Ok(CellTile { cell_id: cell.cell.id, jpeg })
        })
        .collect()
}

/// The preview of a field.
fn preview(rgb: &RgbImage) -> ImageResult<Preview> {
    let longer = rgb.width().max(rgb.height());
    let ratio = f64::from(longer) / f64::from(PREVIEW_MAX_SIDE_PX);
    let reduced = if ratio > 1.0 { rescale(rgb, ratio) } else { None };
    let shown = reduced.as_ref().unwrap_or(rgb);
    let (width_px, height_px) = shown.dimensions();
    let px_per_px = f64::from(width_px) / f64::from(rgb.width().max(1));
    Ok(Preview { jpeg: preview_jpeg(shown)?, width_px, height_px, px_per_px })
}

/// A picture as the JPEG of a preview.
pub(super) fn preview_jpeg(rgb: &RgbImage) -> ImageResult<Vec<u8>> {
    encoded(rgb, PREVIEW_QUALITY, ColorResolution::Quarter)
}

/// A square JPEG around a center in original pixels, the width of two red cells.
///
/// # Errors
/// Where the JPEG cannot be encoded.
pub fn tile(rgb: &RgbImage, center: [f64; 2], um_per_px: f64) -> ImageResult<Vec<u8>> {
    tile_jpeg(&cut_out(rgb, center, um_per_px).0)
}

/// The same around a cell, with a line around the one that is meant.
///
/// METHOD: the line runs [`LINE_OFFSET_PX`] outside of the cell's outline, so that it hides nothing of the edge by which
/// a reader judges the cell.
///
/// # Errors
/// Where the JPEG cannot be encoded.
pub(super) fn outlined_tile(rgb: &RgbImage, contour: &Contour, um_per_px: f64) -> ImageResult<Vec<u8>> {
    tile_jpeg(&outlined(rgb, contour, um_per_px))
}

fn outlined(rgb: &RgbImage, contour: &Contour, um_per_px: f64) -> RgbImage {
    let center = contour.centroid();
    let (mut tile, [left, top, scale]) = cut_out(rgb, center, um_per_px);
    let moved = |point: &[f64; 2]| {
        let away = [point[0] - center[0], point[1] - center[1]];
        let length = length(away[0], away[1]).max(f64::EPSILON);
        let farther = 1.0 + LINE_OFFSET_PX / (scale * length);
        let at = |axis: usize, start: f64| ((center[axis] + farther * away[axis] - start) * scale) as f32;
        (at(0, left), at(1, top))
    };
    let points: Vec<(f32, f32)> = contour.points().iter().map(moved).collect();
    for (index, &start) in points.iter().enumerate() {
        let end = points[(index + 1) % points.len()];
        draw_line_segment_mut(&mut tile, start, end, LINE);
    }
    tile
}

/// The part around a center at the size of a tile, and where it was cut: left and top in original pixels, and tile pixels
/// per original pixel.
fn cut_out(rgb: &RgbImage, center: [f64; 2], um_per_px: f64) -> (RgbImage, [f64; 3]) {
    let side = ((TILE_WIDTH_UM / um_per_px).round() as i64).clamp(8, 2048);
    let (left, top) = (center[0].round() as i64 - side / 2, center[1].round() as i64 - side / 2);
    let mut cut = RgbImage::from_pixel(side as u32, side as u32, BEYOND_EDGE);
    imageops::replace(&mut cut, rgb, -left, -top);
    let tile = resized(&cut, TILE_SIDE_PX, TILE_SIDE_PX).unwrap_or(cut);
    (tile, [left as f64, top as f64, f64::from(TILE_SIDE_PX) / side as f64])
}

fn tile_jpeg(tile: &RgbImage) -> ImageResult<Vec<u8>> {
    encoded(tile, TILE_QUALITY, ColorResolution::Full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_shrink_and_never_grow() {
        let size_of = |width, height| {
            let Preview { width_px, height_px, px_per_px, .. } =
                preview(&RgbImage::new(width, height)).expect("encodes");
            (width_px, height_px, px_per_px)
        };
        assert_eq!(size_of(2560, 640), (1280, 320, 0.5));
        assert_eq!(size_of(100, 50), (100, 50, 1.0));
    }

    #[test]
    fn the_line_runs_around_the_cell_and_leaves_its_edge_free() {
        // Tiles show 75 px of this field in 144: the square's edge lies 48 tile px from the middle of the tile.
        let field = RgbImage::from_pixel(200, 200, Rgb([200; 3]));
        let square = Contour::new(vec![[75.0, 75.0], [125.0, 75.0], [125.0, 125.0], [75.0, 125.0]]).expect("a square");
        let tile = outlined(&field, &square, 0.2);
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
        let jpeg = tile(&field, [0.0, 0.0], 0.2).expect("encodes");
        let tile = image::load_from_memory(&jpeg).expect("decodes").to_rgb8();
        assert_eq!(tile.dimensions(), (TILE_SIDE_PX, TILE_SIDE_PX));
        for (x, y, expected) in [(2, 2, [255; 3]), (140, 140, [10, 20, 30])] {
            let found = tile.get_pixel(x, y).0;
            assert!(found.iter().zip(expected).all(|(found, expected)| found.abs_diff(expected) <= 3), "{found:?}");
        }
    }
}
