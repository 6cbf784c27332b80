//! A field that is not yet read: its name, its file, and its place where the file is a slide.
//!
//! In: a [`SmearSource`], one file that holds fields. Out: [`FieldSource`]s, each of which reads one [`Field`] on demand.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use image::RgbImage;

use super::error::SourceError;
use super::slide::PixelRect;
use crate::smear::{Calibration, Field, FieldId};

/// Place of a field on its slide, in pixels at full resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldRegion {
    /// What is read.
    pub frame: PixelRect,
    /// The part whose cells belong to the field; blocks of neighboring fields touch and never overlap.
    pub core: PixelRect,
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
    /// `index` lies outside the fields.
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
    pub(super) id: FieldId,
    pub(super) file_name: String,
    pub(super) source: Arc<dyn SmearSource>,
    pub(super) index: usize,
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
