//! One outline for each red cell of a field, and a reason for every object that is none.
//!
//! In: a [`NormalizedField`] (flat background, nominal cells [`NOMINAL_CELL_DIAMETER_PX`] wide). Out: a
//! [`Segmentation`]: every object with an outline in pixels of the original image, and the label map. Order of steps:
//! 1. `foreground`: stained pixels, pallor filled; 2. `nuclei`: white cells and burnt-in marks by color;
//! 3. `split`: touching cells apart; 4. `outline`; 5. `kind`: red cell or the reason why not.
//!
//! Limits: stated in each step.

mod clump;
mod foreground;
mod kind;
mod nuclei;
mod outline;
mod scale;
mod shape;
mod split;
mod watershed;

pub use scale::{ScaleEstimate, estimate_scale};

use crate::optics::regions::Region;
use crate::smear::{LabelMap, NOMINAL_RED_CELL_DIAMETER_UM, NormalizedField, Segmentation, SegmentedObject};

/// Pixel size at which fields are segmented, µm: a nominal red cell is 40 pixels wide, about the scale of a 100×
/// objective on a common camera.
pub const WORKING_UM_PER_PX: f64 = 0.1875;
/// Diameter of the nominal red cell at [`WORKING_UM_PER_PX`], pixels.
pub const NOMINAL_CELL_DIAMETER_PX: f64 = NOMINAL_RED_CELL_DIAMETER_UM / WORKING_UM_PER_PX;

/// How a field is segmented.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentOptions {
    /// Diameter of a nominal red cell in the normalized field, pixels.
    pub cell_diameter_px: f64,
}

impl Default for SegmentOptions {
    fn default() -> Self {
        Self { cell_diameter_px: NOMINAL_CELL_DIAMETER_PX }
    }
}

impl SegmentOptions {
    /// Area of the nominal cell, px².
    fn nominal_cell_area_px(&self) -> f64 {
        std::f64::consts::FRAC_PI_4 * self.cell_diameter_px * self.cell_diameter_px
    }
}

/// Segments a field. A field without stained pixels gives no objects.
pub fn segment(field: &NormalizedField, options: &SegmentOptions) -> Segmentation {
    let (width, height) = field.rgb.dimensions();
    let Some(mut foreground) = foreground::find(field, options) else {
        let labels = LabelMap::new(width, height, vec![0; width as usize * height as usize]);
        return Segmentation { objects: Vec::new(), labels };
    };
    let nuclei = nuclei::find(field, &mut foreground, options);
    let (labels, count) = split::split(
        &foreground.mask,
        &nuclei.seeds,
        nuclei.seed_count,
        &foreground.density,
        foreground.level,
        width as usize,
        options,
    );
    let bounds = bounds_of(&labels, width as usize, count);
    let map = LabelMap::new(width, height, labels);
    let context = kind::FieldContext::new(field, &map, &foreground, &nuclei, &bounds, options);
    let mut objects = Vec::with_capacity(count);
    let mut names = vec![0u32; count + 1];
    for (index, bounds) in bounds.iter().enumerate() {
        let label = index as u32 + 1;
        let Some(outline) = bounds.as_ref().and_then(|bounds| outline::trace(&map, label, bounds)) else { continue };
        let Some(kind) = context.kind_of(label, &outline) else { continue };
        objects.push(SegmentedObject { contour: outline.scaled(field.original_px_per_px), kind });
        names[label as usize] = objects.len() as u32;
    }
    let labels = map.as_slice().iter().map(|label| names[*label as usize]).collect();
    Segmentation { objects, labels: LabelMap::new(width, height, labels) }
}

/// Bounds and area of each label; `None` for a label without pixels.
fn bounds_of(labels: &[u32], width: usize, count: usize) -> Vec<Option<Region>> {
    let mut all: Vec<Option<Region>> = vec![None; count];
    for (y, row) in labels.chunks_exact(width.max(1)).enumerate() {
        for (x, &label) in row.iter().enumerate().filter(|(_, label)| **label > 0) {
            let (x, y) = (x as u32, y as u32);
            let region =
                all[label as usize - 1].get_or_insert(Region { area_px: 0, x_min: x, y_min: y, x_max: x, y_max: y });
            region.area_px += 1;
            region.x_min = region.x_min.min(x);
            region.x_max = region.x_max.max(x);
            region.y_max = y;
        }
    }
    all
}
