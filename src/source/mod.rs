//! Where fields come from: inputs to named fields, each read on demand.
//!
//! In: paths of files and folders that together are one specimen. Out: [`FieldSource`]s in a fixed order, each of
//! which reads one [`Field`], and a [`SourceError`] for each input that gives none. Nothing is decoded before
//! [`FieldSource::read`], so a specimen of any number of fields costs the memory of those in work.
//!
//! A [`SmearSource`] is one file that holds fields. Photographs are in `still`: JPEG, PNG, TIFF with several pages, BMP
//! and WebP, told by content. Limits: [`DecodeLimits`]; folders are searched one level deep.

mod calibration_tags;
mod error;
mod file_name;
mod folder;
mod format;
mod inputs;
mod jpeg;
mod png_chunks;
mod samples;
pub mod slide;
mod still;
mod tiff_pages;

use std::fmt;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use image::RgbImage;

pub use calibration_tags::{MAX_PLAUSIBLE_UM_PER_PX, MIN_PLAUSIBLE_UM_PER_PX};
pub use error::{ErrorCategory, SourceError, SourceProblem};
pub use file_name::{is_named_image, natural_order};
pub use folder::{holds_slide, listed_images, looks_like_image, passed_over};
pub use inputs::{ListedSlide, SpecimenListing, expand_inputs, expand_specimen};
pub use slide::FieldRegion;
pub use still::{DecodedImage, decode};

use crate::smear::{Calibration, Field, FieldId};

/// How much a file may ask for. Checked on sizes and headers, before memory is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Most pixels of a picture.
    pub max_pixels: u64,
    /// Most bytes of a file.
    pub max_file_bytes: u64,
}

impl DecodeLimits {
    /// Default for [`Self::max_pixels`]: twice the 50 megapixels of the largest microscope cameras. As RGB that is 300
    /// MB; a scanned slide is larger and is read by tiles instead.
    pub const DEFAULT_MAX_PIXELS: u64 = 100_000_000;

    /// Default for [`Self::max_file_bytes`], 1 GiB: the largest picture of [`Self::DEFAULT_MAX_PIXELS`] as RGBA of 16
    /// bits without compression (800 MB) fits.
    pub const DEFAULT_MAX_FILE_BYTES: u64 = 1 << 30;

    /// Bytes of the largest pixel that is decoded: RGBA of 16 bits.
    pub(crate) const MAX_PIXEL_BYTES: u64 = 8;

    /// Refuses a picture without pixels or with too many.
    fn check_pixels(&self, width: u32, height: u32) -> Result<(), SourceProblem> {
        if width == 0 || height == 0 {
            return Err(SourceProblem::ZeroSized { width, height });
        }
        if u64::from(width) * u64::from(height) > self.max_pixels {
            return Err(SourceProblem::TooManyPixels { width, height, limit: self.max_pixels });
        }
        Ok(())
    }

    fn check_bytes(&self, bytes: u64) -> Result<(), SourceProblem> {
        if bytes > self.max_file_bytes {
            return Err(SourceProblem::TooManyBytes { bytes, limit: self.max_file_bytes });
        }
        Ok(())
    }

    /// Opens a file and tells its size in bytes; refused where it is empty, too large or no regular file.
    fn open(&self, path: &Path) -> Result<(File, u64), SourceProblem> {
        // Before it is opened: opening a named pipe waits for a writer, perhaps forever.
        if !fs::metadata(path)?.is_file() {
            return Err(SourceProblem::NotAFile);
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.len() == 0 {
            return Err(SourceProblem::Empty);
        }
        self.check_bytes(metadata.len())?;
        Ok((file, metadata.len()))
    }
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { max_pixels: Self::DEFAULT_MAX_PIXELS, max_file_bytes: Self::DEFAULT_MAX_FILE_BYTES }
    }
}

/// Pixels of a field before it has its name.
#[derive(Debug, Clone)]
pub struct FieldPixels {
    /// Upright 8-bit RGB.
    pub rgb: RgbImage,
    /// Pixel size; `None` where the file does not say.
    pub calibration: Option<Calibration>,
    /// SHA-256 of the file's bytes, lower-case hexadecimal.
    pub sha256: String,
}

/// One file that holds fields and reads one of them on demand.
pub trait SmearSource: fmt::Debug + Send + Sync {
    /// Path of the file.
    fn path(&self) -> &Path;

    /// What each field adds to the file's name, in reading order; empty text for the first or only one.
    fn field_suffixes(&self) -> Vec<String>;

    /// Reads the field at a position of [`Self::field_suffixes`].
    ///
    /// # Errors
    /// A [`SourceError`] where the file or this field of it cannot be read; the other fields stay readable.
    ///
    /// # Panics
    /// Where `index` is none of its fields.
    fn read(&self, index: usize) -> Result<FieldPixels, SourceError>;

    /// Place of a field on its slide; `None` for a photograph.
    fn region(&self, _index: usize) -> Option<FieldRegion> {
        None
    }

    /// Pixel size of every field, where the file says it before a field is read.
    fn calibration(&self) -> Option<Calibration> {
        None
    }
}

/// One field of a specimen, not yet read.
#[derive(Debug, Clone)]
pub struct FieldSource {
    id: FieldId,
    file_name: String,
    source: Arc<dyn SmearSource>,
    index: usize,
}

impl FieldSource {
    /// Name of the field, unique in its specimen.
    pub fn id(&self) -> &FieldId {
        &self.id
    }

    /// Name of its file, unique in its specimen: that of the field without its page.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Path of its file, as given or found in a folder as given.
    pub fn path(&self) -> &Path {
        self.source.path()
    }

    /// Place of the field on its slide; `None` for a photograph.
    pub fn region(&self) -> Option<FieldRegion> {
        self.source.region(self.index)
    }

    /// Pixel size, where it is known before the field is read; a photograph tells it only then.
    pub fn known_calibration(&self) -> Option<Calibration> {
        self.source.calibration()
    }

    /// Reads and decodes the field.
    ///
    /// # Errors
    /// A [`SourceError`] where the file or this field of it cannot be read.
    pub fn read(&self) -> Result<Field, SourceError> {
        let FieldPixels { rgb, calibration, sha256 } = self.source.read(self.index)?;
        Ok(Field { id: self.id.clone(), rgb, calibration, sha256 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_limited_on_both_sides() {
        let limits = DecodeLimits { max_pixels: 12, max_file_bytes: 5 };
        assert!(limits.check_pixels(4, 3).is_ok());
        assert!(matches!(
            limits.check_pixels(13, 1),
            Err(SourceProblem::TooManyPixels { width: 13, height: 1, limit: 12 })
        ));
        assert!(matches!(limits.check_pixels(u32::MAX, u32::MAX), Err(SourceProblem::TooManyPixels { .. })));
        assert!(matches!(limits.check_pixels(0, 3), Err(SourceProblem::ZeroSized { width: 0, height: 3 })));
        assert!(limits.check_bytes(5).is_ok());
        assert!(matches!(limits.check_bytes(6), Err(SourceProblem::TooManyBytes { bytes: 6, limit: 5 })));
    }
}
