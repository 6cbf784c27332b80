//! One outline for each red cell of a field, and a reason for every object that is none.
//!
//! In: a [`NormalizedField`] (flat background, nominal cells [`NOMINAL_CELL_DIAMETER_PX`] wide). Out: a
//! [`Segmentation`]: every object with an outline in pixels of the original image, and the label map. Order of steps:
//! 1. `foreground`: stained pixels, pallor filled; beside it `detect`: kind and box of each cell; 2. `assign`: pixels to
//! cells; 3. `outline`; 4. `kind`: red cell or the reason why not.
//!
//! `appearance` and `contacts` serve `kind`: color for objects that were not detected and for marks, steepness for cells out
//! of focus; what an object touches.
//! `scale` guesses the pixel size of a field that states none, from which [`Segmenter::estimate_scale`] starts.
//!
//! Limits: stated in each step.

mod appearance;
mod assign;
mod card;
mod contacts;
mod detect;
mod foreground;
mod kind;
mod outline;
mod scale;

use image::RgbImage;
use rayon::prelude::*;

pub use card::{CenterProbability, DetectError, DetectorCard};
pub use detect::{DetectedKind, Detection, Detector};
pub use foreground::{NOMINAL_CELL_DIAMETER_PX, WORKING_UM_PER_PX};
pub use scale::ScaleEstimate;

use foreground::NOMINAL_CELL_AREA_PX;

use crate::optics::illuminated::Illuminated;
use crate::optics::regions::Region;
use crate::optics::resample::rescale;
use crate::optics::runs::RowRuns;
use crate::optics::{BAND_ROWS, both};
use crate::smear::{LabelMap, NormalizedField, ObjectKind, Segmentation, SegmentedObject};
use crate::stats::median;

/// Objects that one thread outlines at least: fewer take no longer than to hand them over.
const TRACED_TOGETHER: usize = 256;

/// Outlines the cells of fields, from any thread.
pub struct Segmenter {
    detector: Detector,
}

impl Segmenter {
    /// A segmenter with this detector.
    pub fn new(detector: Detector) -> Self {
        Self { detector }
    }

    /// The detector in use.
    pub fn detector(&self) -> &Detector {
        &self.detector
    }

    /// Segments a field. A field without stained pixels gives no objects.
    ///
    /// # Errors
    /// The engine fails on the detector's graph.
    pub fn segment(&self, field: &NormalizedField) -> Result<Segmentation, DetectError> {
        let stain = foreground::FieldStain::of(field);
        // Neither needs the other, and each has steps that keep one thread busy alone.
        let found = stain.map(|stain| both(&field.rgb, || stain.foreground(field), || self.detector.detect(field)));
        if let Some((Some(foreground), detections)) = found {
            return Ok(outlined(field, &foreground, &detections?));
        }
        let (width, height) = field.rgb.dimensions();
        let labels = LabelMap::new(width, height, vec![0; width as usize * height as usize]);
        Ok(Segmentation { objects: Vec::new(), labels })
    }

    /// Diameter of the median red cell; `None` where no cell was found.
    ///
    /// # Errors
    /// The engine fails on the detector's graph.
    pub fn estimate_scale(&self, rgb: &RgbImage) -> Result<Option<ScaleEstimate>, DetectError> {
        let lit = Illuminated::find(rgb);
        let cut = scale::window(rgb, lit.as_ref());
        let (window, lit) = match &cut {
            Some((window, lit)) => (window, lit.as_ref()),
            None => (rgb, lit.as_ref()),
        };
        let Some(mut diameter) = scale::first_guess(window, lit) else { return Ok(None) };
        let mut best = None;
        for _ in 0..scale::ROUNDS {
            let Some(found) = self.measure(window, lit, diameter)? else { return Ok(None) };
            let agrees = (found.median_diameter_px / diameter - 1.0).abs() < scale::AGREEMENT;
            diameter = found.median_diameter_px.clamp(scale::DIAMETERS_PX.0, scale::DIAMETERS_PX.1);
            best = Some(found);
            if agrees {
                break;
            }
        }
        Ok(best)
    }

    /// Median diameter of the red cells that are found when cells are taken to be `diameter` pixels wide.
    fn measure(
        &self,
        rgb: &RgbImage,
        lit: Option<&Illuminated>,
        diameter: f64,
    ) -> Result<Option<ScaleEstimate>, DetectError> {
        let px_per_px = diameter / NOMINAL_CELL_DIAMETER_PX;
        let working = rescale(rgb, px_per_px);
        let working = working.as_ref().unwrap_or(rgb);
        let Some((field, _)) = NormalizedField::flattened(working, lit, WORKING_UM_PER_PX, rgb.width()) else {
            return Ok(None);
        };
        let found = self.segment(&field)?;
        let mut diameters: Vec<f64> = found
            .objects
            .iter()
            .filter(|object| object.kind == ObjectKind::RedCell)
            .map(|object| 2.0 * (object.contour.area_px() / std::f64::consts::PI).sqrt())
            .collect();
        let cells = diameters.len();
        let median = median::of_few(&mut diameters);
        Ok(median.map(|median_diameter_px| ScaleEstimate { median_diameter_px, cells }))
    }
}

/// Objects of a field from its stained pixels and the detected cells.
fn outlined(field: &NormalizedField, foreground: &foreground::Foreground, detections: &[Detection]) -> Segmentation {
    let (width, height) = field.rgb.dimensions();
    let assign::Assigned { labels, runs, detections, ghosts } =
        assign::assign(&foreground.mask, detections, width as usize, NOMINAL_CELL_AREA_PX);
    let count = detections.len();
    let bounds = bounds_of(&runs, count);
    let (context, (starts, order)) = both(
        &field.rgb,
        || kind::FieldContext::new(field, foreground, &runs, &bounds, &detections, &ghosts),
        || (outline::starts(&runs, count), reading_order(&runs, count)),
    );
    let mut objects = Vec::with_capacity(count);
    let mut names = vec![0u32; count + 1];
    let map = LabelMap::new(width, height, labels);
    let traced: Vec<Option<SegmentedObject>> = order
        .par_iter()
        .with_min_len(TRACED_TOGETHER)
        .map(|&label| {
            let outline = outline::trace(&map, label, starts[label as usize - 1]?)?;
            let kind = context.kind_of(label, &outline)?;
            let hidden_share = context.hidden_share(label);
            Some(SegmentedObject { contour: outline.scaled(field.original_px_per_px), kind, hidden_share })
        })
        .collect();
    for (label, object) in order.into_iter().zip(traced) {
        if let Some(object) = object {
            objects.push(object);
            names[label as usize] = objects.len() as u32;
        }
    }
    let mut labels = map.into_labels();
    let width_px = width as usize;
    labels.par_chunks_mut(BAND_ROWS * width_px).enumerate().for_each(|(band, labels)| {
        for (y, row) in labels.chunks_exact_mut(width_px).enumerate() {
            for run in &runs.all()[runs.of_row(band * BAND_ROWS + y)] {
                row[run.start as usize..run.end as usize].fill(names[run.value as usize]);
            }
        }
    });
    Segmentation { objects, labels: LabelMap::new(width, height, labels) }
}

/// The labels in reading order of their first pixel, detected or not.
fn reading_order(runs: &RowRuns, count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = Vec::with_capacity(count);
    let mut seen = vec![false; count + 1];
    for run in runs.all() {
        if !std::mem::replace(&mut seen[run.value as usize], true) {
            order.push(run.value);
        }
    }
    order
}

/// Bounds and area of each label; `None` for a label without pixels.
fn bounds_of(runs: &RowRuns, count: usize) -> Vec<Option<Region>> {
    let mut all: Vec<Option<Region>> = vec![None; count];
    for (y, row) in runs.rows() {
        for run in row {
            let y = y as u32;
            let first = Region { area_px: 0, x_min: run.start, y_min: y, x_max: run.end - 1, y_max: y };
            let region = all[run.value as usize - 1].get_or_insert(first);
            region.area_px += run.length();
            region.x_min = region.x_min.min(run.start);
            region.x_max = region.x_max.max(run.end - 1);
            region.y_max = y;
        }
    }
    all
}
