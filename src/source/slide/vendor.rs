//! Slides in the formats of scanner makers (NDPI, MRXS, SCN, BIF, VSI …), read by OpenSlide's library where it is installed.
//!
//! In: the path of a file that OpenSlide knows. Out: [`VendorTiles`]: levels in tiles of [`TILE_PX`], with the pixel size and
//! the magnification that OpenSlide states. Source: openslide.org/api, properties `openslide.mpp-x`, `openslide.mpp-y`,
//! `openslide.objective-power`. Limits: formats with a reader of their own in this crate are left to it.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use image::RgbImage;
use schistoquant_openslide::{OpenSlideError, VendorSlide, vendor};

use super::tiles::{About, Level, TileSource};
use crate::smear::CalibrationSource;
use crate::source::calibration_tags::plausible_square;
use crate::source::error::SourceProblem;
use crate::source::file::SlideBytes;

/// Side of a tile, px: OpenSlide has tiles of its own below.
const TILE_PX: u32 = 512;

/// Formats of OpenSlide that this crate reads itself.
const OWN: [&str; 3] = ["aperio", "generic-tiff", "dicom"];

const FORMAT: &str = "slide";

/// A slide through OpenSlide.
#[derive(Debug)]
pub(super) struct VendorTiles {
    path: PathBuf,
    slide: RwLock<VendorSlide>,
    levels: Vec<Level>,
    file: SlideBytes,
}

/// Whether OpenSlide is needed for a file and knows it.
pub(super) fn recognizes(path: &Path) -> bool {
    matches!(vendor(path), Ok(Some(vendor)) if !OWN.contains(&vendor.as_str()))
}

fn problem(error: OpenSlideError) -> SourceProblem {
    SourceProblem::Corrupt { format: FORMAT, found: error.to_string() }
}

impl VendorTiles {
    pub(super) fn open(path: &Path) -> Result<(Self, About), SourceProblem> {
        let slide = VendorSlide::open(path).map_err(problem)?;
        let level = |(width, height, downsample): (i64, i64, f64)| {
            let side = |px: i64| u32::try_from(px).ok().filter(|px| *px > 0);
            let (Some(width), Some(height)) = (side(width), side(height)) else {
                let found = format!("a level of {width} x {height} pixels");
                return Err(SourceProblem::Corrupt { format: FORMAT, found });
            };
            Ok(Level { width, height, tile_width: TILE_PX, tile_height: TILE_PX, downsample })
        };
        let levels: Vec<Level> = slide.levels().map_err(problem)?.into_iter().map(level).collect::<Result<_, _>>()?;
        if levels.is_empty() {
            return Err(SourceProblem::NoFullPage);
        }
        let number = |name: &str| slide.property(name)?.trim().parse().ok().filter(|value: &f64| *value > 0.0);
        let size = number("openslide.mpp-x").zip(number("openslide.mpp-y"));
        let about = About {
            format: "by OpenSlide",
            calibration: size.and_then(|(x, y)| plausible_square(x, y, CalibrationSource::OpenSlide)),
            magnification: number("openslide.objective-power"),
            left_out: Vec::new(),
        };
        let (path, file) = (path.to_owned(), SlideBytes::open(path)?);
        Ok((Self { path, slide: RwLock::new(slide), levels, file }, about))
    }
}

impl TileSource for VendorTiles {
    fn levels(&self) -> &[Level] {
        &self.levels
    }

    fn tile(&self, level: usize, column: u32, row: u32) -> Result<Option<RgbImage>, SourceProblem> {
        let shape = &self.levels[level];
        let (width, height) = shape.tile_size(column, row);
        let full = |place: u32| (f64::from(place) * shape.downsample).round() as i64;
        let (x, y) = (full(column * TILE_PX), full(row * TILE_PX));
        let read = self.slide.read().unwrap_or_else(PoisonError::into_inner).region(level as i32, x, y, width, height);
        let bytes = read.map_err(|error| {
            // METHOD: after an error OpenSlide refuses everything; opened anew, the other tiles stay readable.
            if let Ok(anew) = VendorSlide::open(&self.path) {
                *self.slide.write().unwrap_or_else(PoisonError::into_inner) = anew;
            }
            problem(error)
        })?;
        let picture = RgbImage::from_raw(width, height, bytes);
        let found = || "fewer pixels than asked for".to_owned();
        picture.map(Some).ok_or_else(|| SourceProblem::Corrupt { format: FORMAT, found: found() })
    }

    fn file(&self) -> &SlideBytes {
        &self.file
    }
}
