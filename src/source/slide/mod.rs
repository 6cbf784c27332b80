//! Scanned slides: files of gigapixels, of which only the asked region is read.
//!
//! In: an Aperio SVS, a tiled TIFF or BigTIFF, the DICOM instances of a slide, or with the feature `openslide` what its library
//! reads. Out: a [`Slide`]: its levels from fine to coarse,
//! pixel size and magnification by the file, and the pixels of any region of a level as 8-bit RGB. Coordinates are those
//! of the level that is asked: x right, y down, origin at the top-left corner.
//!
//! Memory: tiles are decoded when asked for and kept up to a bound in bytes. A tile that cannot be decoded refuses the
//! regions that need it, with its place and the reason; the others stay readable. A tile that the scanner left out is
//! empty glass and is drawn white.

mod annotation;
mod area;
mod bytes;
mod cache;
mod codec;
mod dicom;
mod directory;
mod elements;
mod grid;
mod plan;
mod tiff;
#[cfg(feature = "openslide")]
mod vendor;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{Rgb, RgbImage};

pub use annotation::{Annotation, MAX_ANNOTATION_BYTES};
pub use area::{BlockVerdict, THUMBNAIL_SIDE_PX};
pub(super) use plan::SlideFields;
pub use plan::{ASSUMED_UM_PER_PX, CORE_UM, FieldRegion, SlideArea, SlidePlan, SlideRequest};

use bytes::SlideBytes;
use cache::TileCache;

use super::format::{Content, DICOM, Format, HEAD_BYTES};
use super::{SourceError, SourceProblem};
use crate::smear::Calibration;

/// Color of what the scanner left out.
const GLASS: Rgb<u8> = Rgb([255; 3]);

/// Tiles that are kept by default, bytes: an eighth of the memory that a run may use by default, and the tiles of a
/// hundred fields.
pub const DEFAULT_CACHE_BYTES: u64 = 128 << 20;

/// Most bytes that a tile is stored in: the largest tile that is read, three samples of 16 bits, not packed.
const MAX_TILE_BYTES: u64 = 400 << 20;

/// One level of a slide.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Width, px.
    pub width: u32,
    /// Height, px.
    pub height: u32,
    /// Width of a tile, px.
    pub tile_width: u32,
    /// Height of a tile, px.
    pub tile_height: u32,
    /// Pixels of the finest level for one of this level, along each side.
    pub downsample: f64,
}

impl Level {
    /// Tiles side by side.
    pub fn across(&self) -> u32 {
        self.width.div_ceil(self.tile_width)
    }

    /// Tiles one below the other.
    pub fn down(&self) -> u32 {
        self.height.div_ceil(self.tile_height)
    }

    /// Size of a tile as far as it belongs to the level.
    fn tile_size(&self, column: u32, row: u32) -> (u32, u32) {
        let (x, y) = (column * self.tile_width, row * self.tile_height);
        (self.tile_width.min(self.width - x), self.tile_height.min(self.height - y))
    }
}

/// A rectangle in pixels of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PixelRect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl PixelRect {
    /// First column to the right of it.
    pub fn right(&self) -> u32 {
        self.x.saturating_add(self.width)
    }

    /// First row below it.
    pub fn bottom(&self) -> u32 {
        self.y.saturating_add(self.height)
    }

    /// The part that both share; `None` where they share no pixel.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let (right, bottom) = (self.right().min(other.right()), self.bottom().min(other.bottom()));
        (x < right && y < bottom).then(|| Self { x, y, width: right - x, height: bottom - y })
    }
}

impl fmt::Display for PixelRect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{},{}", self.x, self.y, self.width, self.height)
    }
}

/// What a file says of its slide.
#[derive(Debug)]
struct About {
    format: &'static str,
    calibration: Option<Calibration>,
    magnification: Option<f64>,
    /// Levels that could not be taken.
    left_out: Vec<SourceProblem>,
}

/// A tile of a slide.
#[derive(Debug)]
enum Pixels {
    /// Its pixels, as far as they belong to the level.
    Picture(RgbImage),
    /// The scanner left it out.
    Absent,
}

/// Where tiles come from.
trait TileSource: fmt::Debug + Send + Sync {
    /// Levels from fine to coarse; at least one.
    fn levels(&self) -> &[Level];

    /// Decodes a tile of [`Self::levels`].
    fn tile(&self, level: usize, column: u32, row: u32) -> Result<Pixels, SourceProblem>;

    /// SHA-256 of the file, lower-case hexadecimal.
    fn sha256(&self) -> Result<String, SourceProblem>;
}

/// A scanned slide, read region by region from any thread.
#[derive(Debug)]
pub struct Slide {
    path: PathBuf,
    about: About,
    tiles: Box<dyn TileSource>,
    cache: TileCache,
}

impl Slide {
    /// Opens a slide; no pixel is read. `cache_bytes` is what decoded tiles may take.
    ///
    /// # Errors
    /// A [`SourceError`] where the file is no slide that is read here.
    pub fn open(path: &Path, cache_bytes: u64) -> Result<Self, SourceError> {
        Self::open_file(path, cache_bytes).map_err(|problem| problem.at(path))
    }

    fn open_file(path: &Path, cache_bytes: u64) -> Result<Self, SourceProblem> {
        #[cfg(feature = "openslide")]
        if vendor::recognizes(path) {
            let (tiles, about) = vendor::VendorTiles::open(path)?;
            let cache = TileCache::new(cache_bytes);
            return Ok(Self { path: path.to_owned(), about, tiles: Box::new(tiles), cache });
        }
        let file = SlideBytes::open(path)?;
        let head = file.at(0, file.length().min(HEAD_BYTES as u64), "slide")?;
        let (tiles, about): (Box<dyn TileSource>, About) = match Content::of(&head) {
            Content::Image(Format::Tiff) => {
                let (slide, about) = tiff::TiffSlide::open(file)?;
                (Box::new(slide), about)
            }
            Content::Image(format) => {
                return Err(SourceProblem::NotASlide { found: format!("a {} image", format.name()) });
            }
            Content::Foreign(DICOM) => {
                let (slide, about) = dicom::DicomSlide::open(file)?;
                (Box::new(slide), about)
            }
            Content::Foreign(name) => return Err(SourceProblem::UnsupportedFormat { format: name }),
            Content::Unknown => {
                return Err(SourceProblem::NotASlide { found: super::format::describe_head(&head) });
            }
        };
        Ok(Self { path: path.to_owned(), about, tiles, cache: TileCache::new(cache_bytes) })
    }

    /// Whether a file is a slide by its content; `camera_px` is the largest picture that a camera takes.
    pub(super) fn recognizes(path: &Path, camera_px: u64) -> Result<bool, SourceProblem> {
        #[cfg(feature = "openslide")]
        if vendor::recognizes(path) {
            return Ok(true);
        }
        let file = SlideBytes::open(path)?;
        let head = file.at(0, file.length().min(HEAD_BYTES as u64), "slide")?;
        match Content::of(&head) {
            Content::Image(Format::Tiff) => tiff::is_slide(&file, camera_px),
            Content::Foreign(DICOM) => Ok(true),
            _ => Ok(false),
        }
    }

    /// Series and kind (VOLUME, LABEL …) of a DICOM slide; `None` where the file is none.
    pub(super) fn dicom_identity(path: &Path) -> Option<(String, String)> {
        dicom::identity(&SlideBytes::open(path).ok()?)
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Format in words.
    pub fn format(&self) -> &'static str {
        self.about.format
    }

    /// Pixel size of the finest level; `None` where the file does not say.
    pub fn calibration(&self) -> Option<Calibration> {
        self.about.calibration
    }

    /// Magnification of the objective; `None` where the file does not say.
    pub fn magnification(&self) -> Option<f64> {
        self.about.magnification
    }

    /// Levels from fine to coarse; at least one.
    pub fn levels(&self) -> &[Level] {
        self.tiles.levels()
    }

    /// Width of the finest level, px.
    pub fn width(&self) -> u32 {
        self.levels()[0].width
    }

    /// Height of the finest level, px.
    pub fn height(&self) -> u32 {
        self.levels()[0].height
    }

    /// Levels of the file that could not be taken, each with the reason.
    pub fn left_out(&self) -> &[SourceProblem] {
        &self.about.left_out
    }

    /// SHA-256 of the file of the finest level, lower-case hexadecimal; the whole file is read for it, once.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn sha256(&self) -> Result<String, SourceProblem> {
        self.tiles.sha256()
    }

    /// The pixels of a region of a level.
    ///
    /// # Errors
    /// [`SourceProblem::Tile`] where a tile of it cannot be decoded, [`SourceProblem::OutsideSlide`] where it reaches
    /// beyond the level.
    ///
    /// # Panics
    /// Where `level` is none of [`Self::levels`].
    pub fn region(&self, level: usize, rect: PixelRect) -> Result<RgbImage, SourceProblem> {
        let shape = &self.levels()[level];
        if rect.width == 0 || rect.height == 0 || rect.right() > shape.width || rect.bottom() > shape.height {
            let (width, height) = (shape.width, shape.height);
            return Err(SourceProblem::OutsideSlide { rect: rect.to_string(), width, height });
        }
        let mut picture = RgbImage::from_pixel(rect.width, rect.height, GLASS);
        for row in rect.y / shape.tile_height..=(rect.bottom() - 1) / shape.tile_height {
            for column in rect.x / shape.tile_width..=(rect.right() - 1) / shape.tile_width {
                let Some(tile) = self.tile(level, column, row)? else { continue };
                let (width, height) = shape.tile_size(column, row);
                let place = PixelRect { x: column * shape.tile_width, y: row * shape.tile_height, width, height };
                if let Some(shared) = place.intersection(&rect) {
                    copy(&tile, &place, &mut picture, &rect, &shared);
                }
            }
        }
        Ok(picture)
    }

    /// A tile; `None` where the scanner left it out.
    fn tile(&self, level: usize, column: u32, row: u32) -> Result<Option<Arc<RgbImage>>, SourceProblem> {
        let key = (level, column, row);
        if let Some(tile) = self.cache.get(key) {
            return Ok(Some(tile));
        }
        match self.decoded(level, column, row)? {
            Some(picture) => {
                let tile = Arc::new(picture);
                self.cache.put(key, &tile);
                Ok(Some(tile))
            }
            None => Ok(None),
        }
    }

    /// A tile that is not kept, for passes that need each tile once; `None` where the scanner left it out.
    pub(super) fn decoded(&self, level: usize, column: u32, row: u32) -> Result<Option<RgbImage>, SourceProblem> {
        match self.tiles.tile(level, column, row) {
            Ok(Pixels::Picture(picture)) => Ok(Some(picture)),
            Ok(Pixels::Absent) => Ok(None),
            Err(problem) => Err(SourceProblem::Tile { level, column, row, problem: Box::new(problem) }),
        }
    }
}

/// Copies the shared part of a tile into a region, both given by their places in the level.
fn copy(tile: &RgbImage, tile_at: &PixelRect, region: &mut RgbImage, region_at: &PixelRect, shared: &PixelRect) {
    let bytes = 3 * shared.width as usize;
    let start = |of: &PixelRect, y: u32| 3 * ((y - of.y) as usize * of.width as usize + (shared.x - of.x) as usize);
    for y in shared.y..shared.bottom() {
        let (from, to) = (start(tile_at, y), start(region_at, y));
        let row = &tile.as_raw()[from..from + bytes];
        region.as_flat_samples_mut().samples[to..to + bytes].copy_from_slice(row);
    }
}
