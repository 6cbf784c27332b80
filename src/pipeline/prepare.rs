//! From a field as read to its segmented, normalized form; the pixel size of a specimen.
//!
//! Order: 1. pixel size: given, else from the file, else estimated for the specimen; 2. common scale; 3. flat background;
//! 4. segmentation. Limits: a pixel size that would make the working image larger than [`MAX_WORKING_PX`] is refused.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::optics::background::Background;
use crate::optics::resample::rescale;
use crate::segment::{SegmentOptions, WORKING_UM_PER_PX, estimate_scale, segment};
use crate::smear::{Calibration, CalibrationSource, Field, NormalizedField, Segmentation};
use crate::source::FieldSource;

/// Fields that the scale of a specimen is estimated from, spread evenly over the input: enough for a stable median,
/// few enough to cost little in a specimen of hundreds.
pub const CALIBRATION_FIELDS: usize = 12;
/// Largest working image, pixels: twice the decode limit; more can only come from a wrong pixel size.
pub const MAX_WORKING_PX: f64 = 2.0e8;

/// Pixel sizes of a specimen: what the caller gave, and what was estimated for each image size.
#[derive(Debug, Clone, PartialEq)]
pub struct SpecimenScale {
    given: Option<Calibration>,
    /// Median red cell diameter by image size; one camera setting gives one image size.
    median_diameter_px: BTreeMap<(u32, u32), f64>,
}

impl SpecimenScale {
    /// The scale of a specimen; reads up to [`CALIBRATION_FIELDS`] fields of each image size where nothing is given.
    ///
    /// METHOD: one figure for the specimen, not one for each field: fields of one film share the objective, and a
    /// field of small cells must not be enlarged until they look normal.
    pub fn of_specimen(fields: &[FieldSource], given: Option<Calibration>) -> Self {
        if given.is_some() {
            return Self { given, median_diameter_px: BTreeMap::new() };
        }
        let step = fields.len().div_ceil(CALIBRATION_FIELDS).max(1);
        let measured: Vec<((u32, u32), f64, usize)> = fields
            .par_iter()
            .step_by(step)
            .filter_map(|source| {
                let field = source.read().ok().filter(|field| field.calibration.is_none())?;
                let estimate = estimate_scale(&field.rgb)?;
                Some((field.rgb.dimensions(), estimate.median_diameter_px, estimate.cells))
            })
            .collect();
        let mut by_size: BTreeMap<(u32, u32), Vec<(f64, usize)>> = BTreeMap::new();
        for (size, diameter, cells) in measured {
            by_size.entry(size).or_default().push((diameter, cells));
        }
        let median_diameter_px = by_size.into_iter().map(|(size, found)| (size, weighted_median(found))).collect();
        Self { given: None, median_diameter_px }
    }

    /// Pixel size of a field; `None` where nothing is known and no red cell gives one.
    pub fn of_field(&self, field: &Field) -> Option<Calibration> {
        self.given.or(field.calibration).or_else(|| {
            // METHOD: images of other sizes (cropped by hand) come from the same camera: the commonest figure serves.
            let own = self.median_diameter_px.get(&field.rgb.dimensions()).copied();
            let diameter = own.or_else(|| estimate_scale(&field.rgb).map(|estimate| estimate.median_diameter_px))?;
            Calibration::from_median_red_cell(diameter)
        })
    }
}

/// The diameter on whose either side half of the cells lie; `found` holds at least one entry.
fn weighted_median(mut found: Vec<(f64, usize)>) -> f64 {
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: usize = found.iter().map(|(_, cells)| cells).sum();
    let mut below = 0;
    found
        .iter()
        .find(|(_, cells)| {
            below += cells;
            2 * below >= total
        })
        .map_or(0.0, |(diameter, _)| *diameter)
}

/// A field at the common scale with its objects.
#[derive(Debug, Clone)]
pub struct PreparedField {
    /// Pixel size of the original image in use.
    pub calibration: Calibration,
    /// Flat pixels at the common scale.
    pub normalized: NormalizedField,
    /// Illumination of the working image.
    pub background: Background,
    /// Objects.
    pub segmentation: Segmentation,
}

/// Why a field could not be prepared: one sentence for the report.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// No pixel size.
    #[error("expected a pixel size or a red cell to estimate it from, found neither; give --um-per-px")]
    NoScale,
    /// The pixel size does not fit the image.
    #[error(
        "expected a pixel size that fits the image, found {um_per_px} µm, which makes {megapixels:.0} megapixels; \
         check --um-per-px"
    )]
    Oversized {
        /// Pixel size in use.
        um_per_px: f64,
        /// Size of the working image.
        megapixels: f64,
    },
    /// Nothing to see.
    #[error("expected an image with pixels, found none")]
    Empty,
}

/// Brings a field to the common scale, flattens it and finds its objects.
///
/// # Errors
/// [`PrepareError`]; the field is then refused, not the specimen.
pub fn prepare(field: &Field, scale: &SpecimenScale) -> Result<PreparedField, PrepareError> {
    let calibration = scale.of_field(field).ok_or(PrepareError::NoScale)?;
    let px_per_px = WORKING_UM_PER_PX / calibration.um_per_px;
    let working_px = f64::from(field.rgb.width()) * f64::from(field.rgb.height()) / (px_per_px * px_per_px);
    if working_px > MAX_WORKING_PX {
        return Err(PrepareError::Oversized { um_per_px: calibration.um_per_px, megapixels: working_px / 1e6 });
    }
    let rescaled = rescale(&field.rgb, px_per_px);
    let working = rescaled.as_ref().unwrap_or(&field.rgb);
    let background = Background::estimate(working).ok_or(PrepareError::Empty)?;
    let normalized = NormalizedField {
        rgb: background.flatten(working, NormalizedField::BACKGROUND),
        um_per_px: WORKING_UM_PER_PX,
        original_px_per_px: f64::from(field.rgb.width()) / f64::from(working.width()),
    };
    let segmentation = segment(&normalized, &SegmentOptions::default());
    Ok(PreparedField { calibration, normalized, background, segmentation })
}

/// The calibration of a pixel size given by the caller.
pub fn given_calibration(um_per_px: f64) -> Option<Calibration> {
    Calibration::new(um_per_px, CalibrationSource::Given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_weighs_fields_by_their_cells() {
        assert_eq!(weighted_median(vec![(50.0, 1), (38.0, 40), (39.0, 50)]), 39.0);
        assert_eq!(weighted_median(vec![(38.0, 1)]), 38.0);
    }
}
