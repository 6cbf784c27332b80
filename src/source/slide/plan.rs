//! Which fields of a slide are read, and in which order.
//!
//! In: a slide and a [`SlideRequest`]. Out: a [`SlidePlan`]: [`FieldRegion`]s in the order in which they are taken.
//!
//! Rules: 1. the area is the monolayer found on the slide, or what the caller gives; 2. it is cut into blocks of about
//! [`CORE_UM`]; 3. the blocks that belong to it are taken in an order spread over it, which the seed moves (`grid`); 4. a
//! field is a block with a margin of one cell diameter all around, as far as the slide reaches: neighbors overlap by two
//! diameters, and every cell whose middle lies in a block is whole in its field.
//!
//! Limits: without a pixel size fields are laid out as if it were [`ASSUMED_UM_PER_PX`]; the size itself is estimated later,
//! from the cells.

use std::path::Path;
use std::sync::Arc;

use image::RgbImage;

use super::annotation::Annotation;
use super::area::{BlockVerdict, SURVEY_UM_PER_PX, Survey, THUMBNAIL_SIDE_PX, survey};
use super::grid::{Grid, spread};
use super::{DEFAULT_CACHE_BYTES, PixelRect, Slide};
use crate::smear::{Calibration, NOMINAL_RED_CELL_DIAMETER_UM};
use crate::source::{FieldPixels, SmearSource, SourceError, SourceProblem};

/// Side of the block of a field, µm: about that of a photograph at the 100× objective, some 150 cells of a monolayer.
pub const CORE_UM: f64 = 160.0;

/// Pixel size for the layout where the file says none, µm: that of a common scanner at 40×.
pub const ASSUMED_UM_PER_PX: f64 = 0.25;

/// Limits of the pixel size by which fields are laid out, µm: beyond them a size is wrong, which is told when the fields
/// are brought to the common scale; fields of it would be too large for memory or too many.
const LAYOUT_UM_PER_PX: std::ops::RangeInclusive<f64> = 0.05..=2.0;

/// Most blocks of a slide: a glass of 25 × 75 mm has 73,000.
const MAX_BLOCKS: u64 = 1 << 18;

/// Unreadable tiles that are named one by one; of more only the number is.
const MAX_NAMED_TILES: usize = 20;

/// Which part of a slide is counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum SlideArea {
    /// The monolayer that is found.
    #[default]
    Monolayer,
    /// A rectangle at full resolution.
    Rectangle(PixelRect),
    /// Drawn polygons.
    Annotation(Annotation),
    /// The whole slide.
    All,
}

impl SlideArea {
    /// Name as written in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Monolayer => "monolayer",
            Self::Rectangle(_) => "rectangle",
            Self::Annotation(_) => "annotation",
            Self::All => "all",
        }
    }
}

/// What is asked of a slide.
#[derive(Debug, Clone, PartialEq)]
pub struct SlideRequest {
    /// Which part.
    pub area: SlideArea,
    /// Moves the order of the fields.
    pub seed: u64,
    /// Pixel size given by the caller, µm; it goes before that of the file.
    pub um_per_px: Option<f64>,
    /// What decoded tiles may take, bytes.
    pub cache_bytes: u64,
}

impl Default for SlideRequest {
    fn default() -> Self {
        Self { area: SlideArea::default(), seed: 0, um_per_px: None, cache_bytes: DEFAULT_CACHE_BYTES }
    }
}

/// Place of a field on its slide, in pixels at full resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldRegion {
    /// What is read.
    pub frame: PixelRect,
    /// The part whose cells belong to the field; blocks of neighboring fields touch and never overlap.
    pub core: PixelRect,
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
    /// A [`SourceError`] where it is no readable slide or the area lies outside.
    pub fn make(path: &Path, request: &SlideRequest) -> Result<(Self, Vec<SourceError>), SourceError> {
        let slide = Slide::open(path, request.cache_bytes)?;
        let at_path = |problem: SourceProblem| problem.at(path);
        let given = request.um_per_px.or(slide.calibration().map(|known| known.um_per_px));
        let um_per_px = given.unwrap_or(ASSUMED_UM_PER_PX).clamp(*LAYOUT_UM_PER_PX.start(), *LAYOUT_UM_PER_PX.end());
        let px = |um: f64| ((um / um_per_px).round() as u32).max(1);
        let whole = PixelRect { x: 0, y: 0, width: slide.width(), height: slide.height() };
        let outside = |rect: String| SourceProblem::OutsideSlide { rect, width: whole.width, height: whole.height };
        let area = match &request.area {
            SlideArea::Rectangle(rect) => {
                rect.intersection(&whole).filter(|shared| shared == rect).ok_or_else(|| outside(rect.to_string()))
            }
            SlideArea::Annotation(drawn) => drawn.bounds(&whole).ok_or_else(|| outside("the annotation".to_owned())),
            SlideArea::Monolayer | SlideArea::All => Ok(whole),
        };
        let (area, side_px) = (area.map_err(at_path)?, px(CORE_UM));
        let blocks = u64::from(area.width.div_ceil(side_px)) * u64::from(area.height.div_ceil(side_px));
        if blocks > MAX_BLOCKS {
            let limit = MAX_BLOCKS * u64::from(side_px) * u64::from(side_px);
            return Err(at_path(SourceProblem::TooManyPixels { width: area.width, height: area.height, limit }));
        }
        let grid = Grid::new(&area, side_px);
        let found = request.area == SlideArea::Monolayer;
        // Where the area is given, the pass only draws the thumbnail.
        let thumbnail_downsample = f64::from(whole.width.max(whole.height)) / f64::from(THUMBNAIL_SIDE_PX);
        let coarsest = if found { SURVEY_UM_PER_PX / um_per_px } else { thumbnail_downsample };
        let (seen, sha256) = rayon::join(|| survey(&slide, &grid, coarsest), || slide.sha256());
        let Survey { verdicts, thumbnail, problems } = seen;
        let chosen: Vec<usize> = (0..verdicts.len())
            .filter(|place| match &request.area {
                SlideArea::Monolayer => verdicts[*place] == BlockVerdict::Monolayer,
                SlideArea::Annotation(drawn) => {
                    let block = grid.block(*place);
                    let middle = |from: u32, length: u32| f64::from(from) + f64::from(length) / 2.0;
                    drawn.contains([middle(block.x, block.width), middle(block.y, block.height)])
                }
                SlideArea::Rectangle(_) | SlideArea::All => true,
            })
            .collect();
        let margin = px(NOMINAL_RED_CELL_DIAMETER_UM);
        let region = |place: usize| {
            let core = grid.block(place);
            let (x, y) = (core.x.saturating_sub(margin), core.y.saturating_sub(margin));
            let right = core.right().saturating_add(margin).min(whole.width);
            let bottom = core.bottom().saturating_add(margin).min(whole.height);
            FieldRegion { frame: PixelRect { x, y, width: right - x, height: bottom - y }, core }
        };
        let number = |verdict| verdicts.iter().filter(|other| **other == verdict).count() as u64;
        let blocks =
            BlockVerdict::ALL.into_iter().filter(|_| found).map(|verdict| (verdict, number(verdict))).collect();
        let fields = spread(&grid, chosen, request.seed).into_iter().map(region).collect();
        let sha256 = sha256.map_err(at_path)?;
        let problems = named(&slide, found, problems);
        Ok((Self { slide: Arc::new(slide), sha256, fields, blocks, thumbnail }, problems))
    }
}

/// What cannot be read, for the list of failures. Levels are named always; tiles only where the survey chose the area, since
/// otherwise the fields name their own.
fn named(slide: &Slide, found: bool, tiles: Vec<SourceProblem>) -> Vec<SourceError> {
    let levels = slide.left_out().iter().map(|problem| SourceProblem::LeftOut { found: problem.to_string() });
    let mut all: Vec<SourceError> = levels.map(|problem| problem.at(slide.path())).collect();
    let count = tiles.len();
    let tiles = tiles.into_iter().take(if found { MAX_NAMED_TILES } else { 0 });
    all.extend(tiles.map(|problem| problem.at(slide.path())));
    if found && count > MAX_NAMED_TILES {
        let further =
            SourceProblem::LeftOut { found: format!("{} further tiles cannot be read", count - MAX_NAMED_TILES) };
        all.push(further.at(slide.path()));
    }
    all
}

/// The planned fields as a source.
#[derive(Debug)]
pub(in crate::source) struct SlideFields(pub(in crate::source) Arc<SlidePlan>);

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
