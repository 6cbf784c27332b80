//! One outline for each red cell of a field, and a reason for every object that is none.
//!
//! In: a [`NormalizedField`] (flat background, nominal cells [`NOMINAL_CELL_DIAMETER_PX`] wide). Out: a
//! [`Segmentation`]: every object with an outline in pixels of the original image, and the label map. Order of steps:
//! 1. `foreground`: stained pixels, pallor filled; 2. `detect`: kind and box of each cell; 3. `assign`: pixels to cells;
//! 4. `outline`; 5. `kind`: red cell or the reason why not.
//!
//! `color` serves `kind` for objects that were not detected and for marks, `edge` for cells out of focus.
//!
//! Limits: stated in each step.

mod assign;
mod color;
mod detect;
mod edge;
mod foreground;
mod kind;
mod outline;
mod scale;
mod shape;

pub use detect::{CenterProbability, DetectError, DetectedKind, Detection, Detector, DetectorCard};
pub use scale::ScaleEstimate;

use crate::optics::regions::Region;
use crate::optics::runs::RowRuns;
use crate::smear::{LabelMap, NOMINAL_RED_CELL_DIAMETER_UM, NormalizedField, Segmentation, SegmentedObject};

/// Pixel size at which fields are segmented, µm: a nominal red cell is 40 pixels wide, about the scale of a 100×
/// objective on a common camera.
pub const WORKING_UM_PER_PX: f64 = 0.1875;
/// Diameter of the nominal red cell at [`WORKING_UM_PER_PX`], pixels.
pub const NOMINAL_CELL_DIAMETER_PX: f64 = NOMINAL_RED_CELL_DIAMETER_UM / WORKING_UM_PER_PX;
/// Area of the nominal red cell at [`WORKING_UM_PER_PX`], px².
const NOMINAL_CELL_AREA_PX: f64 = std::f64::consts::FRAC_PI_4 * NOMINAL_CELL_DIAMETER_PX * NOMINAL_CELL_DIAMETER_PX;

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
        Ok(match foreground::find(field) {
            Some(foreground) => outlined(field, &foreground, &self.detector.detect(field)?),
            None => {
                let (width, height) = field.rgb.dimensions();
                let labels = LabelMap::new(width, height, vec![0; width as usize * height as usize]);
                Segmentation { objects: Vec::new(), labels }
            }
        })
    }
}

/// Objects of a field from its stained pixels and the detected cells.
fn outlined(field: &NormalizedField, foreground: &foreground::Foreground, detections: &[Detection]) -> Segmentation {
    let (width, height) = field.rgb.dimensions();
    let assign::Assigned { labels, runs, detections, ghosts } =
        assign::assign(&foreground.mask, detections, width as usize, NOMINAL_CELL_AREA_PX);
    let count = detections.len();
    let bounds = bounds_of(&runs, count);
    let context = kind::FieldContext::new(field, foreground, &runs, &bounds, &detections, &ghosts);
    // In reading order of their first pixel, whatever found them.
    let mut order: Vec<u32> = Vec::with_capacity(count);
    let mut seen = vec![false; count + 1];
    for run in runs.all() {
        if !std::mem::replace(&mut seen[run.value as usize], true) {
            order.push(run.value);
        }
    }
    let mut objects = Vec::with_capacity(count);
    let mut names = vec![0u32; count + 1];
    let map = LabelMap::new(width, height, labels);
    for label in order {
        let bounds = bounds[label as usize - 1].as_ref();
        let Some(outline) = bounds.and_then(|bounds| outline::trace(&map, label, bounds)) else { continue };
        let Some(kind) = context.kind_of(label, &outline) else { continue };
        let hidden_share = context.hidden_share(label);
        objects.push(SegmentedObject { contour: outline.scaled(field.original_px_per_px), kind, hidden_share });
        names[label as usize] = objects.len() as u32;
    }
    let mut labels = map.into_labels();
    for (y, row) in runs.rows() {
        for run in row {
            labels[run.at(y, width as usize)].fill(names[run.value as usize]);
        }
    }
    Segmentation { objects, labels: LabelMap::new(width, height, labels) }
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
