//! The fields of one slide, in the order in which they are read.
//!
//! In: a slide and a [`SlideRequest`]. Out: a [`SlidePlan`]: [`FieldRegion`]s in the order in which they are taken.
//!
//! Rules: 1. the area is the monolayer found on the slide, or what the caller gives; 2. it is cut into blocks of about
//! [`CORE_UM`]; 3. the blocks that belong to it are taken in an order spread over it, which the seed moves (`grid`); 4. a
//! field is a block with a margin of one cell diameter all around, as far as the slide reaches: neighbors overlap by two
//! diameters, and every cell whose middle lies in a block is whole in its field.
//!
//! Limits: where the file gives no pixel size, fields are laid out as if it were [`ASSUMED_UM_PER_PX`]. The size itself is
//! estimated later, from the cells.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use image::RgbImage;
use strum::VariantArray;

use super::area::SlideArea;
use super::blocks::{BlockVerdict, SURVEY_UM_PER_PX, Survey, THUMBNAIL_SIDE_PX, survey};
use super::grid::{Grid, spread};
use crate::smear::{Calibration, NOMINAL_RED_CELL_DIAMETER_UM};
use crate::source::slide::{DEFAULT_CACHE_BYTES, PixelRect, Slide};
use crate::source::{FieldPixels, FieldRegion, SmearSource, SourceError, SourceProblem};

/// Side of the block of a field, µm: about that of a photograph at the 100× objective, some 150 cells of a monolayer.
const CORE_UM: f64 = 160.0;

/// Pixel size for the layout where the file says none, µm: that of a common scanner at 40×.
const ASSUMED_UM_PER_PX: f64 = 0.25;

/// Limits of the pixel size by which fields are laid out, µm. A size beyond them is wrong and is refused when the fields are
/// brought to the common scale; laid out by it, fields would be too large for memory or too many.
const LAYOUT_UM_PER_PX: std::ops::RangeInclusive<f64> = 0.05..=2.0;

/// Most blocks of a slide: a glass of 25 × 75 mm has 73,000.
const MAX_BLOCKS: u64 = 1 << 18;

/// Unreadable tiles that are named one by one; of more only the number is.
const MAX_NAMED_TILES: usize = 20;

/// What is asked of a slide.
#[derive(Debug, Clone, PartialEq)]
pub struct SlideRequest {
    /// Which part.
    pub area: SlideArea,
    /// Moves the order of the fields.
    pub seed: u64,
    /// Pixel size given by the caller, µm; it is used instead of the file's.
    pub um_per_px: Option<f64>,
    /// What decoded tiles may take, bytes.
    pub cache_bytes: u64,
}

impl Default for SlideRequest {
    fn default() -> Self {
        Self { area: SlideArea::default(), seed: 0, um_per_px: None, cache_bytes: DEFAULT_CACHE_BYTES }
    }
}

/// A slide with the fields that are to be read.
#[derive(Debug)]
pub struct SlidePlan {
    /// The slide.
    pub slide: Arc<Slide>,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Fields in the order in which they are taken.
    pub fields: Vec<FieldRegion>,
    /// Blocks of the grid by their verdict; empty where the caller gave the area.
    pub blocks: Vec<(BlockVerdict, u64)>,
    /// The slide from afar.
    pub thumbnail: RgbImage,
}

impl SlidePlan {
    /// Plans the fields of a slide; the second value names what cannot be read of it.
    ///
    /// # Errors
    /// A [`SourceError`] where it is no readable slide, the area lies outside, or `stop` is set.
    pub fn make(
        path: &Path,
        request: &SlideRequest,
        stop: &AtomicBool,
    ) -> Result<(Self, Vec<SourceError>), SourceError> {
        let slide = Slide::open(path, request.cache_bytes)?;
        Self::of(slide, request, stop).map_err(|problem| problem.at(path))
    }

    fn of(slide: Slide, request: &SlideRequest, stop: &AtomicBool) -> Result<(Self, Vec<SourceError>), SourceProblem> {
        let given = request.um_per_px.or(slide.calibration().map(|known| known.um_per_px));
        let um_per_px = given.unwrap_or(ASSUMED_UM_PER_PX).clamp(*LAYOUT_UM_PER_PX.start(), *LAYOUT_UM_PER_PX.end());
        let px = |um: f64| ((um / um_per_px).round() as u32).max(1);
        let whole = PixelRect { x: 0, y: 0, width: slide.width(), height: slide.height() };
        let (area, side_px) = (request.area.bounds(&whole)?, px(CORE_UM));
        let blocks = u64::from(area.width.div_ceil(side_px)) * u64::from(area.height.div_ceil(side_px));
        if blocks > MAX_BLOCKS {
            let limit = MAX_BLOCKS * u64::from(side_px) * u64::from(side_px);
            return Err(SourceProblem::TooManyPixels { width: area.width, height: area.height, limit });
        }
        let grid = Grid::new(&area, side_px);
        let is_sought = request.area == SlideArea::Monolayer;
        // Where the area is given, the pass only draws the thumbnail.
        let thumbnail_downsample = f64::from(whole.width.max(whole.height)) / f64::from(THUMBNAIL_SIDE_PX);
        let coarsest = if is_sought { SURVEY_UM_PER_PX / um_per_px } else { thumbnail_downsample };
        let (seen, sha256) = rayon::join(|| survey(&slide, &grid, coarsest, stop), || slide.sha256(stop));
        let (Survey { verdicts, thumbnail, problems }, sha256) = (seen?, sha256?);
        let is_chosen = |place: &usize| match &request.area {
            SlideArea::Monolayer => verdicts[*place] == BlockVerdict::Monolayer,
            SlideArea::Annotation(drawn) => {
                let block = grid.block(*place);
                let middle = |from: u32, length: u32| f64::from(from) + f64::from(length) / 2.0;
                drawn.contains([middle(block.x, block.width), middle(block.y, block.height)])
            }
            SlideArea::Rectangle(_) | SlideArea::All => true,
        };
        let chosen: Vec<usize> = (0..verdicts.len()).filter(is_chosen).collect();
        let margin = px(NOMINAL_RED_CELL_DIAMETER_UM);
        let region = |place: usize| {
            let core = grid.block(place);
            let (x, y) = (core.x.saturating_sub(margin), core.y.saturating_sub(margin));
            let right = core.right().saturating_add(margin).min(whole.width);
            let bottom = core.bottom().saturating_add(margin).min(whole.height);
            FieldRegion { frame: PixelRect { x, y, width: right - x, height: bottom - y }, core }
        };
        let number = |verdict| verdicts.iter().filter(|other| **other == verdict).count() as u64;
        let counted = BlockVerdict::VARIANTS.iter().filter(|_| is_sought);
        let blocks = counted.map(|verdict| (*verdict, number(*verdict))).collect();
        let fields = spread(&grid, chosen, request.seed).into_iter().map(region).collect();
        let problems = unread_parts(&slide, is_sought, problems);
        Ok((Self { slide: Arc::new(slide), sha256, fields, blocks, thumbnail }, problems))
    }
}

/// The parts of a slide that cannot be read, for the list of failures. Levels are always named. Tiles are named only where the
/// survey chose the area; otherwise the fields name their own.
fn unread_parts(slide: &Slide, is_sought: bool, tiles: Vec<SourceProblem>) -> Vec<SourceError> {
    let levels = slide.left_out().iter().map(|problem| SourceProblem::LeftOut { found: problem.to_string() });
    let named = if is_sought { MAX_NAMED_TILES } else { 0 };
    let further = tiles.len().saturating_sub(named);
    let rest = (is_sought && further > 0)
        .then(|| SourceProblem::LeftOut { found: format!("{further} further tiles cannot be read") });
    let all = levels.chain(tiles.into_iter().take(named)).chain(rest);
    all.map(|problem| problem.at(slide.path())).collect()
}

/// The planned fields as a source.
#[derive(Debug)]
pub(super) struct SlideFields(pub(super) Arc<SlidePlan>);

impl SmearSource for SlideFields {
    fn path(&self) -> &Path {
        self.0.slide.path()
    }

    fn field_suffixes(&self) -> Vec<String> {
        self.0.fields.iter().map(|field| format!("@{},{}", field.core.x, field.core.y)).collect()
    }

    fn read(&self, index: usize) -> Result<FieldPixels, SourceError> {
        let rgb = self.0.slide.region(0, self.0.fields[index].frame).map_err(|problem| problem.at(self.path()))?;
        let sha256 = self.0.sha256.clone();
        Ok(FieldPixels { rgb, calibration: self.calibration(), sha256 })
    }

    fn region(&self, index: usize) -> Option<FieldRegion> {
        self.0.fields.get(index).copied()
    }

    fn calibration(&self) -> Option<Calibration> {
        self.0.slide.calibration()
    }
}
