//! The pixel size of each field of a specimen: given, from the file, or estimated from its red cells.
//!
//! In: the specimen's field sources and the pixel size given by the caller, if any. Out: a [`SpecimenScale`], which
//! gives the [`Calibration`] of every field. Order of preference:
//! 1. the pixel size given by the caller;
//! 2. what the field's own file states;
//! 3. one estimate for the specimen: up to [`CALIBRATION_FIELDS`] fields, spread evenly over the input, are measured
//!    ([`estimate_scale`]); the median of their diameters, each weighted by its red cells, is taken as
//!    [`NOMINAL_RED_CELL_DIAMETER_UM`](crate::smear::NOMINAL_RED_CELL_DIAMETER_UM);
//! 4. the field's own red cells, where its picture has another size than the measured ones (another camera setting) or
//!    where none of them held a red cell.
//!
//! METHOD: one figure for a specimen. The fields share a microscope, and the median of a single field of 50 cells moves
//! by its own mix of cells; a figure for each field would hide a real difference of size between fields.
//!
//! Limits: an estimate takes the patient's median cell for 7.5 µm, so sizes in µm say nothing about microcytosis then.

use rayon::prelude::*;

use super::stream::{Interrupt, Interrupted};
use crate::segment::{ScaleEstimate, estimate_scale};
use crate::smear::{Calibration, Field};
use crate::source::FieldSource;

/// Most fields that are measured for a specimen's pixel size: with 50 cells each the median is good to about 1 %.
pub const CALIBRATION_FIELDS: usize = 12;

/// Pictures whose longer sides differ by no more than this share come from one camera setting. Cutting a border off or
/// a pixel more or less is no other setting; the steps of cameras are factors of 1.25 and more.
const SAME_SETTING_TOLERANCE: f64 = 0.1;

/// How the pixel size of each field of a specimen is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpecimenScale {
    given: Option<Calibration>,
    estimated: Option<Estimated>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Estimated {
    calibration: Calibration,
    /// Median of the longer sides of the measured pictures, px.
    longer_side_px: u32,
}

struct Measured {
    longer_side_px: u32,
    scale: ScaleEstimate,
}

impl SpecimenScale {
    /// Measures the specimen where the caller gave no pixel size. Fields that cannot be read are passed over here; they
    /// are reported when their turn comes.
    ///
    /// # Errors
    /// [`Interrupted`] where stopping was asked for meanwhile.
    pub fn find(
        fields: &[FieldSource],
        given: Option<Calibration>,
        interrupt: &Interrupt,
    ) -> Result<Self, Interrupted> {
        if given.is_some() {
            return Ok(Self { given, estimated: None });
        }
        let measured: Vec<Measured> = evenly_spread(fields.len(), CALIBRATION_FIELDS)
            .into_par_iter()
            .filter(|_| !interrupt.requested())
            .filter_map(|index| measure(&fields[index]))
            .collect();
        if interrupt.requested() {
            return Err(Interrupted);
        }
        Ok(Self { given, estimated: estimate(measured) })
    }

    /// The pixel size of a field; `None` where nothing states it and no red cell gives it.
    pub fn of_field(&self, field: &Field) -> Option<Calibration> {
        self.given
            .or(field.calibration)
            .or_else(|| self.estimated.filter(|estimated| estimated.fits(field)).map(|estimated| estimated.calibration))
            .or_else(|| {
                estimate_scale(&field.rgb).and_then(|own| Calibration::from_median_red_cell(own.median_diameter_px))
            })
    }
}

impl Estimated {
    fn fits(&self, field: &Field) -> bool {
        let ratio = f64::from(longer_side(field)) / f64::from(self.longer_side_px);
        (ratio - 1.0).abs() <= SAME_SETTING_TOLERANCE
    }
}

fn longer_side(field: &Field) -> u32 {
    field.rgb.width().max(field.rgb.height())
}

/// The diameter in a field that does not state its pixel size itself.
fn measure(source: &FieldSource) -> Option<Measured> {
    let field = source.read().ok().filter(|field| field.calibration.is_none())?;
    let scale = estimate_scale(&field.rgb)?;
    Some(Measured { longer_side_px: longer_side(&field), scale })
}

fn estimate(mut measured: Vec<Measured>) -> Option<Estimated> {
    measured.sort_by_key(|field| field.longer_side_px);
    let longer_side_px = measured.get(measured.len() / 2)?.longer_side_px;
    let limits = [1.0 - SAME_SETTING_TOLERANCE, 1.0 + SAME_SETTING_TOLERANCE].map(|x| x * f64::from(longer_side_px));
    measured.retain(|field| (limits[0]..=limits[1]).contains(&f64::from(field.longer_side_px)));
    let diameter = weighted_median(measured.into_iter().map(|field| field.scale).collect())?;
    Some(Estimated { calibration: Calibration::from_median_red_cell(diameter)?, longer_side_px })
}

/// The diameter on whose either side half of the cells lie.
fn weighted_median(mut scales: Vec<ScaleEstimate>) -> Option<f64> {
    scales.sort_by(|a, b| a.median_diameter_px.total_cmp(&b.median_diameter_px));
    let all: usize = scales.iter().map(|scale| scale.cells).sum();
    let mut below = 0;
    scales.iter().find_map(|scale| {
        below += scale.cells;
        (2 * below >= all).then_some(scale.median_diameter_px)
    })
}

/// Up to `most` of the numbers below `count`, evenly spread, the middle of each part.
fn evenly_spread(count: usize, most: usize) -> Vec<usize> {
    let parts = count.min(most);
    (0..parts).map(|part| (2 * part + 1) * count / (2 * parts)).collect()
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;
    use crate::smear::{CalibrationSource, FieldId};

    fn measured(longer_side_px: u32, median_diameter_px: f64, cells: usize) -> Measured {
        Measured { longer_side_px, scale: ScaleEstimate { median_diameter_px, cells } }
    }

    fn blank(width: u32, calibration: Option<Calibration>) -> Field {
        let rgb = RgbImage::from_pixel(width, 20, image::Rgb([230; 3]));
        Field { id: FieldId("a.png".into()), rgb, calibration, sha256: String::new() }
    }

    #[test]
    fn few_fields_are_all_taken_and_many_are_spread() {
        assert_eq!(evenly_spread(0, 12), Vec::<usize>::new());
        assert_eq!(evenly_spread(3, 12), [0, 1, 2]);
        assert_eq!(evenly_spread(12, 12), (0..12).collect::<Vec<_>>());
        assert_eq!(evenly_spread(100, 4), [12, 37, 62, 87]);
    }

    #[test]
    fn a_field_of_few_cells_does_not_move_the_median() {
        let found = estimate(vec![measured(640, 37.5, 60), measured(640, 60.0, 2), measured(638, 38.0, 30)]);
        let found = found.expect("cells");
        assert_eq!((found.calibration.um_per_px, found.longer_side_px), (0.2, 640));
        assert_eq!(estimate(Vec::new()), None);
    }

    #[test]
    fn pictures_of_another_setting_have_no_vote_and_take_no_figure() {
        let all = vec![measured(640, 37.5, 60), measured(640, 37.5, 50), measured(1280, 75.0, 900)];
        let scale = SpecimenScale { given: None, estimated: estimate(all) };
        assert_eq!(scale.of_field(&blank(640, None)).map(|found| found.um_per_px), Some(0.2));
        assert_eq!(scale.of_field(&blank(704, None)).map(|found| found.um_per_px), Some(0.2));
        // Another setting is measured by itself, and a blank field gives no figure.
        assert_eq!(scale.of_field(&blank(705, None)), None);
    }

    #[test]
    fn given_beats_the_file_and_the_file_beats_the_estimate() {
        let file = Calibration::new(0.1, CalibrationSource::OmeXml);
        let given = Calibration::new(0.3, CalibrationSource::Given);
        let estimated = estimate(vec![measured(640, 37.5, 60)]);
        let field = blank(640, file);
        assert_eq!(SpecimenScale { given, estimated }.of_field(&field), given);
        assert_eq!(SpecimenScale { given: None, estimated }.of_field(&field), file);
    }
}
