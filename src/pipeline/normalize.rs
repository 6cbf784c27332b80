//! One field from pixels to objects: the common scale, a flat background, the segmentation.
//!
//! In: a [`Field`] and its [`Calibration`]. Out: a [`SegmentedField`]. Order: 1. rescaled to [`WORKING_UM_PER_PX`];
//! 2. background estimated and divided out; 3. segmented. Limits: [`MAX_WORKING_PIXELS`].

use super::calibrate::SpecimenScale;
use crate::optics::background::Background;
use crate::optics::resample::rescale;
use crate::segment::{SegmentOptions, WORKING_UM_PER_PX, segment};
use crate::smear::{Calibration, Field, FieldId, NormalizedField, Segmentation};
use crate::source::{DecodeLimits, FieldSource, SourceError};

/// Most pixels of a field at the working scale: four times what is decoded, because cells of 20 px, the smallest that
/// are promised, are enlarged twofold. More means a pixel size that is wrong.
pub const MAX_WORKING_PIXELS: u64 = 4 * DecodeLimits::DEFAULT_MAX_PIXELS;

/// Least width and height of a field at the working scale, px: a nominal red cell. Less holds no whole cell.
pub const MIN_WORKING_SIDE_PX: u32 = crate::segment::NOMINAL_CELL_DIAMETER_PX as u32;

/// A field with everything that was found on it.
#[derive(Debug, Clone)]
pub struct SegmentedField {
    /// As read.
    pub field: Field,
    /// Pixel size in use.
    pub calibration: Calibration,
    /// At the working scale with flat background.
    pub normalized: NormalizedField,
    /// The illumination that was divided out, estimated at the working scale.
    pub background: Background,
    /// The objects.
    pub segmentation: Segmentation,
}

/// Why a field gives no objects.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// It cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Its pixel size is unknown (input unsuitable).
    #[error("{}", NoScale(.0))]
    NoScale(Box<Field>),
    /// Its pixel size cannot be true (request invalid).
    #[error(
        "{field}: expected a picture of {MIN_WORKING_SIDE_PX} px or more on each side and {MAX_WORKING_PIXELS} pixels or \
         fewer at {WORKING_UM_PER_PX} µm/px, found {width} x {height} by its pixel size of {um_per_px} µm; check the \
         pixel size"
    )]
    WorkingSize {
        /// The field.
        field: FieldId,
        /// Pixel size in use, µm.
        um_per_px: f64,
        /// Width at the working scale, px.
        width: u64,
        /// Height at the working scale, px.
        height: u64,
    },
}

/// The words for a field whose pixel size is unknown.
struct NoScale<'a>(&'a Field);

impl std::fmt::Display for NoScale<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {NO_SCALE}", self.0.id)
    }
}

/// Why a field without pixel size is refused.
pub const NO_SCALE: &str =
    "expected a red cell to estimate the pixel size from, found none; give the pixel size or leave the field out";

/// Reads a field and finds its objects.
///
/// # Errors
/// [`FieldError`]; a field without pixel size comes back inside the error, because it is refused and not unreadable.
pub fn segmented(source: &FieldSource, scale: &SpecimenScale) -> Result<SegmentedField, FieldError> {
    let field = source.read()?;
    let Some(calibration) = scale.of_field(&field) else { return Err(FieldError::NoScale(Box::new(field))) };
    let px_per_px = WORKING_UM_PER_PX / calibration.um_per_px;
    let side = |original: u32| (f64::from(original) / px_per_px).round() as u64;
    let (width, height) = (side(field.rgb.width()), side(field.rgb.height()));
    if width.min(height) < u64::from(MIN_WORKING_SIDE_PX) || width.saturating_mul(height) > MAX_WORKING_PIXELS {
        return Err(FieldError::WorkingSize { field: field.id, um_per_px: calibration.um_per_px, width, height });
    }
    let rescaled = rescale(&field.rgb, px_per_px);
    let working = rescaled.as_ref().unwrap_or(&field.rgb);
    // A picture without pixels was refused by the size above.
    let Some(background) = Background::estimate(working) else { return Err(FieldError::NoScale(Box::new(field))) };
    let normalized = NormalizedField {
        rgb: background.flatten(working, NormalizedField::BACKGROUND),
        um_per_px: WORKING_UM_PER_PX,
        original_px_per_px: f64::from(field.rgb.width()) / f64::from(working.width()),
    };
    let segmentation = segment(&normalized, &SegmentOptions::default());
    Ok(SegmentedField { field, calibration, normalized, background, segmentation })
}
