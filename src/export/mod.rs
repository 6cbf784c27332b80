//! What the classifier sees of every object, for training a model of one's own.
//!
//! In: images and folders, the fields of one specimen; no model of classes is needed. Out: the files below. A field that
//! cannot be used is named and the others go on. Memory holds only the fields in work.
//!
//! | file | content |
//! | --- | --- |
//! | `crops.npy` | NumPy format 1.0, `uint8`, shape `(N, 96, 96, 3)`, C order, RGB; row `i` of the table is crop `i` |
//! | `crops.csv` | one row for each crop; `kind` is `red_cell` or an exclusion reason; positions in pixels of the original image |
//! | `fields.csv` | one row for each field; `um_per_px` is that of the normalized field and of the label map |
//! | `fields/<field>.png` | 8-bit RGB, the normalized field: what the segmenter sees |
//! | `labels/<field>.png` | 16-bit gray, pixels of the normalized field: 0 background, else `label` of the table |
//!
//! A crop has 96 px at the working scale. A training program can turn and shift it and still cut the model's own, smaller
//! crop from the middle without an edge. `crops.csv` is written last: where it stands, the archive is whole. Limits: 65,535
//! objects in a field.

mod archive;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

pub use archive::{ArchiveError, CutError};
use archive::{CropArchive, FieldCrops};

use crate::pipeline::{Interrupted, PrepareError, SpecimenScale, given_calibration, in_order, prepare};
use crate::segment::{DetectError, Segmenter};
use crate::smear::FieldId;
use crate::source::{DecodeLimits, FieldSource, SourceError, expand_inputs};

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Not one field can be used.
    #[error("expected at least one readable field, found none; name images or folders of images")]
    NoField,
    /// The archive cannot be written.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The detector failed.
    #[error(transparent)]
    Detect(#[from] DetectError),
    /// The caller asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Why a field is left out.
#[derive(Debug, thiserror::Error)]
enum LeftOut {
    #[error(transparent)]
    Read(#[from] SourceError),
    #[error("{field}: {reason}")]
    Prepare { field: FieldId, reason: PrepareError },
    #[error(transparent)]
    Cut(#[from] CutError),
}

/// What an export holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// Crops written.
    pub crops: u64,
    /// Fields that they are of.
    pub fields: usize,
    /// Inputs and fields that were left out.
    pub left_out: usize,
}

/// Writes the crops of a specimen into a folder; `left_out` hears of everything that could not be used.
///
/// # Errors
/// [`ExportError`].
pub fn export_crops(
    inputs: &[PathBuf],
    um_per_px: Option<f64>,
    segmenter: &Segmenter,
    folder: &Path,
    stop: &AtomicBool,
    left_out: impl Fn(&dyn Display),
) -> Result<Exported, ExportError> {
    let (sources, failures) = expand_inputs(inputs, DecodeLimits::default());
    failures.iter().for_each(|failure| left_out(failure));
    if sources.is_empty() {
        return Err(ExportError::NoField);
    }
    let mut archive = CropArchive::create(folder)?;
    let scale = SpecimenScale::of_specimen(&sources, um_per_px.and_then(given_calibration), segmenter)?;
    let mut exported = Exported { crops: 0, fields: 0, left_out: failures.len() };
    let work = |source: &FieldSource| match cut(source, &scale, segmenter) {
        Err(LeftOut::Prepare { reason: PrepareError::Detect(error), .. }) => Err(ExportError::from(error)),
        result => Ok(result),
    };
    in_order(&sources, stop, work, |field| {
        match field {
            Ok(field) => {
                archive.add(&field)?;
                exported.fields += 1;
            }
            Err(error) => {
                left_out(&error);
                exported.left_out += 1;
            }
        }
        Ok(())
    })?;
    if exported.fields == 0 {
        return Err(ExportError::NoField);
    }
    exported.crops = archive.count();
    archive.finish()?;
    Ok(exported)
}

fn cut(source: &FieldSource, scale: &SpecimenScale, segmenter: &Segmenter) -> Result<FieldCrops, LeftOut> {
    let field = source.read()?;
    let prepared =
        prepare(&field, scale, segmenter).map_err(|reason| LeftOut::Prepare { field: field.id.clone(), reason })?;
    Ok(FieldCrops::cut(&field, &prepared)?)
}
