//! Scanned slides: files of gigapixels, of which only the asked region is read.
//!
//! In: an Aperio SVS, a tiled TIFF or BigTIFF, or the DICOM instances of a slide; with the feature `openslide` also what
//! OpenSlide's library reads. Out: a [`Slide`]: its levels from fine to coarse, pixel size and magnification as the file
//! states them, and the pixels of any region of a level as 8-bit RGB. Coordinates are those of the level: x right, y down,
//! origin at the top-left corner.
//!
//! Memory: tiles are decoded when asked for and kept up to a bound in bytes. A tile that cannot be decoded refuses the
//! regions that need it, with its place and the reason; the others stay readable. A tile that the scanner left out is
//! empty glass and is drawn white.

mod codec;
mod dicom;
mod directory;
mod elements;
mod tiff;
mod tiles;
#[cfg(feature = "openslide")]
mod vendor;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use image::{Rgb, RgbImage};

pub use tiles::{Level, PixelRect};

use super::error::{SourceError, SourceProblem};
use super::file::SlideBytes;
use super::format::{Content, DICOM, Format, HEAD_BYTES, describe_head};
use crate::smear::Calibration;
use tiles::{About, TileCache, TileSource};

/// Color of what the scanner left out.
const GLASS: Rgb<u8> = Rgb([255; 3]);

/// Tiles that are kept by default, bytes: an eighth of the memory that a run may use by default, and the tiles of a
/// hundred fields.
pub const DEFAULT_CACHE_BYTES: u64 = 128 << 20;

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
                return Err(SourceProblem::NotASlide { found: describe_head(&head) });
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

    /// SHA-256 of the file of the finest level, lower-case hexadecimal; the whole file is read for it.
    ///
    /// # Errors
    /// The file cannot be read, or `stop` was set meanwhile.
    pub fn sha256(&self, stop: &AtomicBool) -> Result<String, SourceProblem> {
        self.tiles.file().sha256(stop)
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
        let tile = self.decoded(level, column, row)?.map(Arc::new);
        if let Some(tile) = &tile {
            self.cache.put(key, tile);
        }
        Ok(tile)
    }

    /// A tile that is not kept, for passes that need each tile once; `None` where the scanner left it out.
    pub(crate) fn decoded(&self, level: usize, column: u32, row: u32) -> Result<Option<RgbImage>, SourceProblem> {
        let tile = self.tiles.tile(level, column, row);
        tile.map_err(|problem| SourceProblem::Tile { level, column, row, problem: Box::new(problem) })
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

/// A slide of empty glass for tests.
#[cfg(test)]
mod glass {
    use super::*;

    struct GlassTiles<F> {
        file: SlideBytes,
        levels: [Level; 1],
        seen: F,
    }

    impl<F> std::fmt::Debug for GlassTiles<F> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.levels.fmt(f)
        }
    }

    impl<F: Fn() + Send + Sync> TileSource for GlassTiles<F> {
        fn levels(&self) -> &[Level] {
            &self.levels
        }

        fn tile(&self, _: usize, _: u32, _: u32) -> Result<Option<RgbImage>, SourceProblem> {
            (self.seen)();
            Ok(None)
        }

        fn file(&self) -> &SlideBytes {
            &self.file
        }
    }

    impl Slide {
        /// A square slide; `seen` is called for each tile that is asked for.
        pub(crate) fn of_glass(side_px: u32, tile_px: u32, seen: impl Fn() + Send + Sync + 'static) -> Self {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
            let file = SlideBytes::open(&path).expect("the manifest");
            let (width, height, tile_width, tile_height) = (side_px, side_px, tile_px, tile_px);
            let levels = [Level { width, height, tile_width, tile_height, downsample: 1.0 }];
            let about = About { format: "glass", calibration: None, magnification: None, left_out: Vec::new() };
            Self { path, about, tiles: Box::new(GlassTiles { file, levels, seen }), cache: TileCache::new(0) }
        }
    }
}
