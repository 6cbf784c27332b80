//! A drawn field brought to the common scale, with flat background.

use image::RgbImage;
use schistoquant::optics::resample::rescale;
use schistoquant::segment::{NOMINAL_CELL_DIAMETER_PX, WORKING_UM_PER_PX};
use schistoquant::smear::NormalizedField;

/// Rescales a field whose cells have a known diameter and flattens its background.
pub fn normalized(rgb: &RgbImage, cell_diameter_px: f64) -> NormalizedField {
    let scaled = rescale(rgb, cell_diameter_px / NOMINAL_CELL_DIAMETER_PX);
    let scaled = scaled.as_ref().unwrap_or(rgb);
    NormalizedField::flattened(scaled, None, WORKING_UM_PER_PX, rgb.width()).expect("a field with background").0
}
