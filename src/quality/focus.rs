//! Sharpness of red cell outlines.
//!
//! In: the flattened field and its objects. Out: steepest slope of the stain across an outline over the height of that
//! step, 1/µm; independent of how strong the stain is. A step blurred by a Gaussian of σ µm gives 1/(σ·√2π). Method: the
//! density profiles along the normals of one cell are averaged, which takes the noise out; the field is the median of
//! its cells. Cells cut by the frame and heaps of cells count too: a blur
//! makes heaps of neighbors, and their outlines are as blurred. Limits: the outlines must border on empty background;
//! cells without such a stretch are left out.

use crate::smear::{Contour, ExclusionReason, LabelMap, NormalizedField, ObjectKind, Segmentation};
use crate::stats::median;

/// Reach of a profile to both sides of the outline, µm: the rim of a red cell without its pallor.
const REACH_UM: f64 = 1.5;
/// Step along a profile, pixels.
const STEP_PX: f64 = 0.5;
/// Points of the outline to each side that give its direction: levels the stairs of a traced outline.
const TANGENT_POINTS: usize = 4;
/// Every how many points of an outline a profile is taken.
const POINT_STRIDE: usize = 3;
/// Fewest profiles that make a cell count: a sixth of the outline of a nominal cell.
const MIN_PROFILES: u32 = 8;
/// Least density of the step, for which a slope can be told from noise.
const MIN_STEP: f64 = 0.02;
/// Most cells looked at, spread over the field: their median is firm and large fields stay fast.
const MAX_CELLS: usize = 200;

/// Median sharpness of the red cells, 1/µm; `None` where no red cell borders on background.
pub(super) fn sharpness_per_um(field: &NormalizedField, segmentation: &Segmentation) -> Option<f64> {
    let stain = GreenStain::of(field);
    let red_cells: Vec<(u32, &Contour)> = (1u32..)
        .zip(&segmentation.objects)
        .filter(|(_, object)| shows_a_red_cell_rim(object.kind))
        .map(|(label, object)| (label, &object.contour))
        .collect();
    let stride = red_cells.len().div_ceil(MAX_CELLS).max(1);
    let mut cells: Vec<f64> = red_cells
        .iter()
        .step_by(stride)
        .filter_map(|(label, contour)| {
            let outline = contour.scaled(1.0 / field.original_px_per_px);
            cell_sharpness(&stain, field.um_per_px, &segmentation.labels, *label, &outline)
        })
        .collect();
    median::of_few(&mut cells)
}

fn shows_a_red_cell_rim(kind: ObjectKind) -> bool {
    use ExclusionReason::{FrameEdge, TooLarge, UnsplittableClump};
    matches!(kind, ObjectKind::RedCell | ObjectKind::Excluded(FrameEdge | TooLarge | UnsplittableClump))
}

/// Sharpness of one cell; `outline` in pixels of the flattened field.
fn cell_sharpness(
    stain: &GreenStain<'_>,
    um_per_px: f64,
    labels: &LabelMap,
    label: u32,
    outline: &Contour,
) -> Option<f64> {
    let reach = (REACH_UM / um_per_px / STEP_PX).round().max(1.0) as i32;
    let points = outline.points();
    let count = points.len();
    let mut mean = vec![0.0; 2 * reach as usize + 1];
    let mut profiles = 0u32;
    for index in (0..count).step_by(POINT_STRIDE) {
        let (before, after) =
            (points[(index + count - TANGENT_POINTS % count) % count], points[(index + TANGENT_POINTS) % count]);
        let (dx, dy) = (after[0] - before[0], after[1] - before[1]);
        let length = dx.hypot(dy);
        if length == 0.0 {
            continue;
        }
        let at = |step: i32| {
            let distance = f64::from(step) * STEP_PX / length;
            [points[index][0] + dy * distance, points[index][1] - dx * distance]
        };
        let owner = |p: [f64; 2]| labels.at(floor(p[0]), floor(p[1]));
        // The traced outline runs clockwise, so that this normal points out; a profile that starts elsewhere is left.
        let free = (3..=reach).all(|step| owner(at(step)) == 0) && owner(at(-3)) == label;
        if !free {
            continue;
        }
        // A profile is straight, so that it lies in the field with both of its ends.
        if !(stain.shows(at(-reach)) && stain.shows(at(reach))) {
            continue;
        }
        mean.iter_mut().zip(-reach..).for_each(|(sum, step)| *sum += stain.at(at(step)));
        profiles += 1;
    }
    if profiles < MIN_PROFILES {
        return None;
    }
    // The step is taken from empty background, whose density is 0 in a flattened field, so that a blur wider than the
    // profile does not pass for a lower step.
    let step = mean.iter().copied().fold(0.0, f64::max);
    if step < MIN_STEP * f64::from(profiles) {
        return None;
    }
    let span_um = 2.0 * STEP_PX * um_per_px;
    let slope = mean.windows(3).map(|w| (w[0] - w[2]) / span_um).fold(0.0, f64::max);
    Some(slope / step)
}

/// Largest whole number that is not above a coordinate.
fn floor(coordinate: f64) -> i64 {
    let whole = coordinate as i64;
    whole - i64::from(whole as f64 > coordinate)
}

/// Green density of a field at any point.
struct GreenStain<'a> {
    pixels: &'a [[u8; 3]],
    width: usize,
    height: usize,
    densities: [f64; 256],
}

impl<'a> GreenStain<'a> {
    fn of(field: &'a NormalizedField) -> Self {
        Self {
            pixels: field.rgb.as_raw().as_chunks().0,
            width: field.rgb.width() as usize,
            height: field.rgb.height() as usize,
            densities: std::array::from_fn(|value| f64::from(NormalizedField::densities().density(value as u8))),
        }
    }

    /// Whether a point lies between four pixel centers of the field.
    fn shows(&self, [x, y]: [f64; 2]) -> bool {
        let is_within = |coordinate: f64, extent: usize| {
            usize::try_from(floor(coordinate - 0.5)).is_ok_and(|before| before + 1 < extent)
        };
        is_within(x, self.width) && is_within(y, self.height)
    }

    /// Density at a point that the field shows, bilinear between pixel centers.
    fn at(&self, [x, y]: [f64; 2]) -> f64 {
        let (x, y) = (x - 0.5, y - 0.5);
        let (column, row) = (x as u32 as usize, y as u32 as usize);
        let first = row * self.width + column;
        let [[upper_left, upper_right], [lower_left, lower_right]] = [first, first + self.width].map(|at| {
            let pair = &self.pixels[at..at + 2];
            [self.densities[usize::from(pair[0][1])], self.densities[usize::from(pair[1][1])]]
        });
        let (u, v) = (x - column as f64, y - row as f64);
        (upper_left * (1.0 - u) + upper_right * u) * (1.0 - v) + (lower_left * (1.0 - u) + lower_right * u) * v
    }
}
