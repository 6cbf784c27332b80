//! Red cell, or the reason why an object is none.
//!
//! In: the label map with the planes behind it. Out: a kind for each object. Judged in this order: nucleated, burnt-in
//! mark, platelet, precipitate, cut by the frame, debris, too large or clump, red cell. Sizes are shares of the nominal
//! red cell, colors relative to the field's own red cells.

use super::SegmentOptions;
use super::foreground::Foreground;
use super::nuclei::Nuclei;
use crate::optics::regions::Region;
use crate::smear::{Contour, ExclusionReason, LabelMap, NormalizedField, ObjectKind};

/// Below this area an object is no object but noise of the camera: 0.6 µm across, at the limit of resolution.
const SPECK_SHARE: f64 = 0.006;
/// Smallest area that is taken for a fragment of a red cell: 1.8 µm across.
const DEBRIS_SHARE: f64 = 0.055;
/// Mean density, relative to the field's typical one, below which a small object is debris.
const FAINT_DENSITY: f32 = 0.3;
/// Area up to which a faint object is debris and no pale red cell.
const FAINT_MAX_SHARE: f64 = 0.4;
/// Blue-to-green ratio relative to the red cells below which an object carries nuclear stain.
const NUCLEAR_BLUE_RATIO: f32 = 0.72;
/// An object of nuclear color up to this size is a platelet, above it a white cell.
const PLATELET_MAX_SHARE: f64 = 0.6;
/// Red-to-green ratio relative to the red cells above which a dense object is no stain but ink or dirt.
const MARKING_RED_RATIO: f32 = 1.5;
/// Density, relative to the field's typical one, that a mark or a precipitate must have.
const MARKING_DENSITY: f32 = 1.8;
/// Mean density above which even an object of red cell color is precipitate: three cells on top of each other.
const PRECIPITATE_DENSITY: f32 = 3.0;
/// An object that shares more than this part of its outline with a nucleated cell is that cell's cytoplasm.
const CYTOPLASM_CONTACT_SHARE: f64 = 0.3;
/// Area above which no single red cell lies (a macrocyte of 10.6 µm).
const ONE_CELL_MAX_SHARE: f64 = 2.0;
/// Above this area an object must be convex to be one cell.
const LARGE_CELL_SHARE: f64 = 1.4;
/// Least solidity of a large single cell.
const LARGE_CELL_MIN_SOLIDITY: f64 = 0.9;

struct Sums {
    density: f64,
    channels: [f64; 3],
    pixels: f64,
    /// Pixel edges on the outline, and those of them shared with a nucleated cell.
    edges: f64,
    nucleated_edges: f64,
}

/// What the kinds of a field are judged by.
pub(super) struct FieldContext<'a> {
    bounds: &'a [Option<Region>],
    sums: Vec<Sums>,
    level: f32,
    red_cell: [f32; 3],
    seed_count: u32,
    nominal: f64,
    width: usize,
    height: usize,
}

impl<'a> FieldContext<'a> {
    pub fn new(
        field: &NormalizedField,
        map: &LabelMap,
        foreground: &Foreground,
        nuclei: &Nuclei,
        bounds: &'a [Option<Region>],
        options: &SegmentOptions,
    ) -> Self {
        let mut sums: Vec<Sums> = bounds
            .iter()
            .map(|_| Sums { density: 0.0, channels: [0.0; 3], pixels: 0.0, edges: 0.0, nucleated_edges: 0.0 })
            .collect();
        for (index, &label) in map.as_slice().iter().enumerate().filter(|(_, label)| **label > 0) {
            let sum = &mut sums[label as usize - 1];
            sum.density += f64::from(foreground.density[index]);
            sum.pixels += 1.0;
            for channel in 0..3 {
                sum.channels[channel] += f64::from(nuclei.planes[channel][index]);
            }
        }
        count_edges(map, nuclei.seed_count, &mut sums);
        Self {
            bounds,
            sums,
            level: foreground.level,
            red_cell: nuclei.red_cell,
            seed_count: nuclei.seed_count,
            nominal: options.nominal_cell_area_px(),
            width: field.rgb.width() as usize,
            height: field.rgb.height() as usize,
        }
    }

    /// Kind of an object; `None` for a speck that is none.
    pub fn kind_of(&self, label: u32, outline: &Contour) -> Option<ObjectKind> {
        let index = label as usize - 1;
        let bounds = self.bounds[index].as_ref()?;
        let share = f64::from(bounds.area_px) / self.nominal;
        if share < SPECK_SHARE {
            return None;
        }
        let sums = &self.sums[index];
        let density = (sums.density / sums.pixels) as f32 / self.level;
        let [red, green, blue] = sums.channels.map(|sum| (sum / sums.pixels) as f32);
        let relative = |value: f32, typical: f32| {
            (value / green.max(f32::MIN_POSITIVE)) / (typical / self.red_cell[1].max(f32::MIN_POSITIVE))
        };
        let nuclear = relative(blue, self.red_cell[2]) < NUCLEAR_BLUE_RATIO;
        let inked = relative(red, self.red_cell[0]) > MARKING_RED_RATIO && density > MARKING_DENSITY;
        let excluded = |reason| Some(ObjectKind::Excluded(reason));
        if label <= self.seed_count {
            return excluded(ExclusionReason::WhiteCell);
        }
        if sums.nucleated_edges > CYTOPLASM_CONTACT_SHARE * sums.edges {
            return excluded(ExclusionReason::WhiteCell);
        }
        if inked && !nuclear {
            return excluded(ExclusionReason::Marking);
        }
        if nuclear {
            let platelet = share <= PLATELET_MAX_SHARE;
            return excluded(if platelet { ExclusionReason::Platelet } else { ExclusionReason::WhiteCell });
        }
        if density > PRECIPITATE_DENSITY {
            return excluded(ExclusionReason::Precipitate);
        }
        if bounds.touches_edge(self.width, self.height) {
            return excluded(ExclusionReason::FrameEdge);
        }
        if share < DEBRIS_SHARE || (density < FAINT_DENSITY && share < FAINT_MAX_SHARE) {
            return excluded(ExclusionReason::Debris);
        }
        if share > LARGE_CELL_SHARE {
            let convex = outline.solidity() >= LARGE_CELL_MIN_SOLIDITY;
            if !convex {
                return excluded(ExclusionReason::UnsplittableClump);
            }
            if share > ONE_CELL_MAX_SHARE {
                return excluded(ExclusionReason::TooLarge);
            }
        }
        Some(ObjectKind::RedCell)
    }
}

/// Counts the pixel edges between each object and whatever is not it.
fn count_edges(map: &LabelMap, seed_count: u32, sums: &mut [Sums]) {
    let width = map.width() as usize;
    let labels = map.as_slice();
    let mut count = |a: u32, b: u32| {
        for (own, other) in [(a, b), (b, a)] {
            if own > 0 {
                let sum = &mut sums[own as usize - 1];
                sum.edges += 1.0;
                sum.nucleated_edges += f64::from(u8::from((1..=seed_count).contains(&other)));
            }
        }
    };
    for (index, &label) in labels.iter().enumerate() {
        if (index + 1) % width != 0 && labels[index + 1] != label {
            count(label, labels[index + 1]);
        }
        if index + width < labels.len() && labels[index + width] != label {
            count(label, labels[index + width]);
        }
    }
}
