//! From a field as read to its segmented, normalized form; the pixel size of a specimen.
//!
//! Order: 1. pixel size: given, else from the file, else estimated for the specimen; 2. common scale; 3. the lit part of the
//! picture, and a flat background in it; 4. segmentation.
//!
//! Limits: a pixel size that would make the working image larger than [`MAX_WORKING_PX`] is refused.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::calibration_fields::{ReadFields, Room, rounds};
use crate::optics::background::Background;
use crate::optics::both;
use crate::optics::illuminated::Illuminated;
use crate::optics::resample::rescale;
use crate::segment::{DetectError, ScaleEstimate, Segmenter, WORKING_UM_PER_PX};
use crate::smear::{
    Calibration, CalibrationSource, Field, NOMINAL_RED_CELL_DIAMETER_UM, NormalizedField, Segmentation,
};
use crate::source::FieldSource;

/// Red cells after which no further round is needed: red cells differ by 6 to 8 % in diameter, so the median of 300 is good
/// to half a percent.
pub const CALIBRATION_CELLS: usize = 300;
/// Largest working image, pixels: twice the decode limit; more can only come from a wrong pixel size.
pub const MAX_WORKING_PX: f64 = 2.0e8;

/// Pictures whose longer sides differ by no more than this share come from one camera setting. A cut border or a few pixels
/// more do not make another setting; cameras step by factors of 1.25 or more.
const SAME_SETTING_TOLERANCE: f64 = 0.1;

/// Pixel sizes of a specimen: what the caller gave, and what was estimated.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpecimenScale {
    given: Option<Calibration>,
    estimated: Option<Estimated>,
}

/// The estimate of a specimen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Estimated {
    median_diameter_px: f64,
    /// Median of the longer sides of the measured pictures, px.
    longer_side_px: u32,
}

impl SpecimenScale {
    /// The scale of a specimen; where nothing is given, rounds of [`CALIBRATION_FIELDS`] fields are measured until
    /// [`CALIBRATION_CELLS`] red cells are found or [`CALIBRATION_ROUNDS`] are done. Fields that cannot be read are
    /// passed over here; they are reported when their turn comes.
    ///
    /// METHOD: one figure for the specimen, not one for each field: fields of one film share the objective, and a
    /// field of small cells must not be enlarged until they look normal.
    ///
    /// # Errors
    /// The engine fails on the detector's graph.
    pub fn of_specimen(
        fields: &[FieldSource],
        given: Option<Calibration>,
        segmenter: &Segmenter,
    ) -> Result<Self, DetectError> {
        Ok(Self::until(&AtomicBool::new(false), fields, given, ReadFields::new(), segmenter)?.0)
    }

    /// The same, ended before its time when `stop` is set: what was measured by then is of no use. `read` are fields that were
    /// read before. Beside the scale stand all fields that are read, as far as they are worth to be kept.
    pub(super) fn until(
        stop: &AtomicBool,
        fields: &[FieldSource],
        given: Option<Calibration>,
        mut read: ReadFields,
        segmenter: &Segmenter,
    ) -> Result<(Self, ReadFields), DetectError> {
        if given.is_some() {
            return Ok((Self { given, estimated: None }, read));
        }
        let mut measured: Vec<(u32, ScaleEstimate)> = Vec::new();
        let room = Room::for_fields(fields.len());
        for round in rounds(fields.len()) {
            let found: Vec<Result<_, DetectError>> = round
                .into_iter()
                .map(|index| (index, read.remove(&index)))
                .collect::<Vec<_>>()
                .into_par_iter()
                .filter(|(index, _)| !stop.load(Ordering::Relaxed) && fields[*index].known_calibration().is_none())
                .filter_map(|(index, read)| {
                    let field = read.map_or_else(|| fields[index].read(), Ok).ok()?;
                    let own = if field.calibration.is_none() { segmenter.estimate_scale(&field.rgb) } else { Ok(None) };
                    let side = longer_side_px(&field);
                    Some(own.map(|own| (own.map(|own| (side, own)), room.has_for(&field).then_some((index, field)))))
                })
                .collect();
            for one in found {
                let (own, kept) = one?;
                measured.extend(own);
                read.extend(kept);
            }
            if measured.iter().map(|(_, scale)| scale.cells).sum::<usize>() >= CALIBRATION_CELLS {
                break;
            }
        }
        Ok((Self { given, estimated: estimate(measured) }, read))
    }

    /// Pixel size of a field; `None` where nothing is known and no red cell gives one.
    ///
    /// A picture of another size than the measured ones has another camera setting: its own cells give the figure.
    ///
    /// # Errors
    /// The engine fails on the detector's graph.
    pub fn of_field(&self, field: &Field, segmenter: &Segmenter) -> Result<Option<Calibration>, DetectError> {
        if let Some(known) = self.given.or(field.calibration) {
            return Ok(Some(known));
        }
        let side = longer_side_px(field);
        let shared = self.estimated.filter(|estimated| same_setting(side, estimated.longer_side_px));
        let diameter = match shared {
            Some(estimated) => Some(estimated.median_diameter_px),
            None => segmenter.estimate_scale(&field.rgb)?.map(|estimate| estimate.median_diameter_px),
        };
        Ok(diameter.and_then(Calibration::from_median_red_cell))
    }
}

fn longer_side_px(field: &Field) -> u32 {
    field.rgb.width().max(field.rgb.height())
}

fn same_setting(side_px: u32, other_px: u32) -> bool {
    f64::from(side_px.abs_diff(other_px)) <= SAME_SETTING_TOLERANCE * f64::from(other_px)
}

/// The estimate of a specimen from the longer sides and cells of its measured fields.
fn estimate(mut measured: Vec<(u32, ScaleEstimate)>) -> Option<Estimated> {
    measured.sort_by_key(|(side, _)| *side);
    let longer_side_px = measured.get(measured.len() / 2)?.0;
    let found = measured.into_iter().filter(|(side, _)| same_setting(*side, longer_side_px)).map(|(_, scale)| scale);
    Some(Estimated { median_diameter_px: weighted_median(found.collect())?, longer_side_px })
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
#[derive(Debug, thiserror::Error)]
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
    /// The pixel size does not fit the image.
    #[error(
        "expected a picture at least as wide and high as a red cell, found {width_um:.3} x {height_um:.3} µm by its \
         pixel size of {um_per_px} µm; check --um-per-px"
    )]
    Undersized {
        /// Pixel size in use.
        um_per_px: f64,
        /// Width of the picture by it.
        width_um: f64,
        /// Height of the picture by it.
        height_um: f64,
    },
    /// Nothing to see.
    #[error("expected an image with pixels, found none")]
    Empty,
    /// The detector of cells failed: no field can be prepared.
    #[error(transparent)]
    Detect(#[from] DetectError),
}

/// Brings a field to the common scale, flattens it and finds its objects.
///
/// # Errors
/// [`PrepareError`]; the field is then refused, not the specimen, unless the detector fails.
pub fn prepare(field: &Field, scale: &SpecimenScale, segmenter: &Segmenter) -> Result<PreparedField, PrepareError> {
    let calibration = scale.of_field(field, segmenter)?.ok_or(PrepareError::NoScale)?;
    let px_per_px = WORKING_UM_PER_PX / calibration.um_per_px;
    let working_px = f64::from(field.rgb.width()) * f64::from(field.rgb.height()) / (px_per_px * px_per_px);
    if working_px > MAX_WORKING_PX {
        return Err(PrepareError::Oversized { um_per_px: calibration.um_per_px, megapixels: working_px / 1e6 });
    }
    let [width_um, height_um] =
        [field.rgb.width(), field.rgb.height()].map(|side| f64::from(side) * calibration.um_per_px);
    if width_um.min(height_um) < NOMINAL_RED_CELL_DIAMETER_UM {
        return Err(PrepareError::Undersized { um_per_px: calibration.um_per_px, width_um, height_um });
    }
    let (rescaled, lit) = both(&field.rgb, || rescale(&field.rgb, px_per_px), || Illuminated::find(&field.rgb));
    let working = rescaled.as_ref().unwrap_or(&field.rgb);
    let (normalized, background) =
        NormalizedField::flattened(working, lit.as_ref(), WORKING_UM_PER_PX, field.rgb.width())
            .ok_or(PrepareError::Empty)?;
    let segmentation = segmenter.segment(&normalized)?;
    Ok(PreparedField { calibration, normalized, background, segmentation })
}

/// The calibration of a pixel size given by the caller.
pub fn given_calibration(um_per_px: f64) -> Option<Calibration> {
    Calibration::new(um_per_px, CalibrationSource::Given)
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;
    use crate::inference::{Engine, EngineRequest};
    use crate::pipeline::calibration_fields::{CALIBRATION_FIELDS, read_ahead};
    use crate::segment::Detector;
    use crate::smear::FieldId;
    use crate::source::{DecodeLimits, expand_inputs};
    use crate::synth::{SynthOptions, field};

    fn segmenter() -> Segmenter {
        let engine = Engine::start(&EngineRequest::default()).expect("the embedded engine");
        Segmenter::new(Detector::shipped(engine).expect("the shipped detector"))
    }

    fn of_field(scale: &SpecimenScale, field: &Field) -> Option<Calibration> {
        scale.of_field(field, &segmenter()).expect("the detector runs")
    }

    fn measured(longer_side_px: u32, median_diameter_px: f64, cells: usize) -> (u32, ScaleEstimate) {
        (longer_side_px, ScaleEstimate { median_diameter_px, cells })
    }

    fn blank(width: u32, calibration: Option<Calibration>) -> Field {
        let rgb = RgbImage::from_pixel(width, 20, image::Rgb([230; 3]));
        Field { id: FieldId("a.png".into()), rgb, calibration, sha256: String::new() }
    }

    #[test]
    fn the_median_weighs_fields_by_their_cells() {
        let found = estimate(vec![measured(640, 37.5, 60), measured(640, 60.0, 2), measured(638, 38.0, 30)]);
        assert_eq!(found, Some(Estimated { median_diameter_px: 37.5, longer_side_px: 640 }));
        assert_eq!(estimate(Vec::new()), None);
    }

    #[test]
    fn pictures_of_another_setting_have_no_vote_and_take_no_figure() {
        let all = vec![measured(640, 37.5, 60), measured(640, 37.5, 50), measured(1280, 75.0, 900)];
        let scale = SpecimenScale { given: None, estimated: estimate(all) };
        for same in [576, 640, 704] {
            assert_eq!(of_field(&scale, &blank(same, None)).map(|found| found.um_per_px), Some(0.2), "{same}");
        }
        // Another setting is measured by itself, and a blank field gives no figure.
        for other in [575, 705] {
            assert_eq!(of_field(&scale, &blank(other, None)), None, "{other}");
        }
    }

    #[test]
    fn a_request_to_stop_ends_the_measuring() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let drawn = field(&SynthOptions::default(), 1, 0).expect("options within their ranges");
        drawn.rgb.save(folder.path().join("a.png")).expect("writable");
        let fields = expand_inputs(&[folder.path().to_owned()], DecodeLimits::default()).0;
        let measured = |stop| {
            SpecimenScale::until(&AtomicBool::new(stop), &fields, None, ReadFields::new(), &segmenter()).expect("runs")
        };
        assert!(measured(false).0.estimated.is_some() && measured(true).0.estimated.is_none());
        assert!(measured(true).1.is_empty());
    }

    #[test]
    fn fields_that_the_estimate_reads_are_kept_in_a_short_specimen_only() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let read = |count: usize, given| {
            for number in 0..count {
                RgbImage::from_pixel(30, 20, image::Rgb([number as u8; 3]))
                    .save(folder.path().join(format!("{number:02}.png")))
                    .expect("writable");
            }
            let fields = expand_inputs(&[folder.path().to_owned()], DecodeLimits::default()).0;
            assert_eq!(fields.len(), count);
            SpecimenScale::until(&AtomicBool::new(false), &fields, given, ReadFields::new(), &segmenter())
                .expect("runs")
                .1
        };
        assert!(read(2, given_calibration(0.2)).is_empty(), "nothing is measured");
        let kept = read(CALIBRATION_FIELDS, None);
        assert_eq!(kept.len(), CALIBRATION_FIELDS);
        assert!(kept.iter().all(|(index, field)| field.rgb.get_pixel(0, 0).0 == [*index as u8; 3]));
        assert!(read(CALIBRATION_FIELDS + 1, None).is_empty());
    }

    #[test]
    fn a_field_that_was_read_ahead_is_not_read_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let drawn = field(&SynthOptions::default(), 1, 0).expect("options within their ranges");
        let path = folder.path().join("a.png");
        drawn.rgb.save(&path).expect("writable");
        let fields = expand_inputs(&[folder.path().to_owned()], DecodeLimits::default()).0;
        let measured = |given, read| {
            SpecimenScale::until(&AtomicBool::new(false), &fields, given, read, &segmenter()).expect("runs")
        };
        let expected = measured(None, ReadFields::new()).0;
        let read = read_ahead(&fields, || false);
        std::fs::remove_file(path).expect("a file");
        assert!(expected.estimated.is_some());
        let (scale, kept) = measured(None, read.clone());
        assert_eq!((scale, kept.len()), (expected, 1));
        // Where the pixel size is given they wait for their turn all the same.
        assert_eq!(measured(given_calibration(0.2), read).1.len(), 1);
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["a.png", "b.png"] {
            // 36 million bytes each, of 67 million.
            RgbImage::new(4000, 3000).save(folder.path().join(name)).expect("writable");
        }
        let fields = expand_inputs(&[folder.path().to_owned()], DecodeLimits::default()).0;
        let kept = |fields| {
            SpecimenScale::until(&AtomicBool::new(false), fields, None, ReadFields::new(), &segmenter())
                .expect("runs")
                .1
        };
        assert_eq!((kept(&fields).len(), kept(&fields[..1]).len()), (1, 1));
    }

    #[test]
    fn given_beats_the_file_and_the_file_beats_the_estimate() {
        let file = Calibration::new(0.1, CalibrationSource::OmeXml);
        let given = Calibration::new(0.3, CalibrationSource::Given);
        let estimated = estimate(vec![measured(640, 37.5, 60)]);
        let field = blank(640, file);
        assert_eq!(of_field(&SpecimenScale { given, estimated }, &field), given);
        assert_eq!(of_field(&SpecimenScale { given: None, estimated }, &field), file);
    }

    #[test]
    fn a_pixel_size_that_cannot_be_true_is_refused() {
        let scale = |um_per_px| SpecimenScale { given: given_calibration(um_per_px), estimated: None };
        let oversized = prepare(&blank(640, None), &scale(100.0), &segmenter()).expect_err("3,600 megapixels");
        assert!(matches!(oversized, PrepareError::Oversized { .. }), "{oversized}");
        let undersized = prepare(&blank(640, None), &scale(0.01), &segmenter()).expect_err("one pixel high");
        assert!(matches!(undersized, PrepareError::Undersized { .. }), "{undersized}");
        let unknown = SpecimenScale { given: None, estimated: None };
        let error = prepare(&blank(640, None), &unknown, &segmenter()).expect_err("nothing to measure");
        assert!(matches!(error, PrepareError::NoScale), "{error}");
    }
}
