//! Sharpness of the outlines of a field's red cells.
//!
//! In: the flattened field with its objects. Out: the sharpness, 1/µm; `None` where no red cell borders on background.
//!
//! Method: the steepest slope of the stain across an outline over the height of that step, so that the strength of the stain
//! does not matter. A step blurred by a Gaussian of σ µm gives 1/(σ·√2π). The density profiles along the normals of one cell
//! are averaged, which takes the noise out; the field is the median of its cells. Cells cut by the frame and heaps of cells
//! count too: a blur makes heaps of neighbors, and their outlines are as blurred.
//! Limits: an outline must border on empty background; cells without such a stretch are left out.

use fearless_simd::{Level, dispatch};

use crate::optics::length;
use crate::smear::{Contour, ExclusionReason, LabelMap, NormalizedField, ObjectKind, Segmentation};
use crate::stats::median;

/// Reach of a profile to both sides of the outline, µm: the rim of a red cell without its pallor.
const REACH_UM: f64 = 1.5;
/// Step along a profile, pixels.
const STEP_PX: f64 = 0.5;
/// Steps from the outline at which a profile must lie in its cell, and from which on outward on background.
const EDGE_STEPS: i32 = 3;
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
    let reach = (REACH_UM / um_per_px / STEP_PX).round().max(f64::from(EDGE_STEPS)) as i32;
    let points = outline.points();
    let count = points.len();
    let mut profile = Profile::of_reach(reach);
    let mut mean = vec![0.0; profile.steps.len()];
    let mut profiles = 0u32;
    let [inside, outside] = [reach - EDGE_STEPS, reach + EDGE_STEPS].map(|step| step as usize);
    for index in (0..count).step_by(POINT_STRIDE) {
        let (before, after) =
            (points[(index + count - TANGENT_POINTS % count) % count], points[(index + TANGENT_POINTS) % count]);
        let (dx, dy) = (after[0] - before[0], after[1] - before[1]);
        let length = length(dx, dy);
        if length == 0.0 {
            continue;
        }
        // The traced outline runs clockwise, so that this normal points outward.
        profile.lay(points[index], [dy, -dx], length);
        // A profile is straight: where both of its ends lie in the field, all of it does.
        if !(stain.shows(profile.at(0)) && stain.shows(profile.at(2 * reach as usize))) {
            continue;
        }
        profile.locate(stain.width);
        // A profile that starts elsewhere or meets another cell is skipped.
        let owner = |step: usize| labels.as_slice()[profile.pixels[step] as usize];
        if owner(inside) != label || (outside..profile.steps.len()).any(|step| owner(step) != 0) {
            continue;
        }
        profile.add_densities(stain, &mut mean);
        profiles += 1;
    }
    if profiles < MIN_PROFILES {
        return None;
    }
    // The step starts from empty background, whose density is 0 in a flattened field. Otherwise a blur wider than the
    // profile would pass for a lower step.
    let step = mean.iter().copied().fold(0.0, f64::max);
    if step < MIN_STEP * f64::from(profiles) {
        return None;
    }
    let span_um = 2.0 * STEP_PX * um_per_px;
    let slope = mean.windows(3).map(|w| (w[0] - w[2]) / span_um).fold(0.0, f64::max);
    Some(slope / step)
}

/// Points on a straight line across an outline, and what is worked out at them; all points at once, so that they run through
/// vector registers.
struct Profile {
    level: Level,
    /// Distances from the outline, pixels.
    steps: Vec<f64>,
    x: Vec<f64>,
    y: Vec<f64>,
    /// The pixel in which each point lies, and the pixel whose center is the next to the upper left: their numbers in reading order.
    pixels: Vec<u32>,
    upper_left: Vec<u32>,
    /// Densities at the four pixel centers about each point: upper left and right, lower left and right.
    corners: [Vec<f64>; 4],
}

impl Profile {
    /// Points up to `reach` steps to both sides.
    fn of_reach(reach: i32) -> Self {
        let steps: Vec<f64> = (-reach..=reach).map(|step| f64::from(step) * STEP_PX).collect();
        let line = || vec![0.0; steps.len()];
        let numbers = || vec![0; steps.len()];
        Self {
            level: Level::new(),
            x: line(),
            y: line(),
            pixels: numbers(),
            upper_left: numbers(),
            corners: std::array::from_fn(|_| line()),
            steps,
        }
    }

    /// Lays the points through one along a direction of that length.
    fn lay(&mut self, through: [f64; 2], direction: [f64; 2], length: f64) {
        let (steps, x, y) = (&self.steps, &mut self.x, &mut self.y);
        dispatch!(self.level, _ => lay_points([x, y], steps, through, direction, length));
    }

    fn at(&self, index: usize) -> [f64; 2] {
        [self.x[index], self.y[index]]
    }

    /// Looks up the pixels at and about the points, all of which a field of this width shows.
    fn locate(&mut self, width: usize) {
        let (points, width) = ([self.x.as_slice(), &self.y], width as f64);
        dispatch!(self.level, _ => pixels_at(&mut self.pixels, points, 0.0, width));
        dispatch!(self.level, _ => pixels_at(&mut self.upper_left, points, 0.5, width));
    }

    /// Adds the density at each located point.
    fn add_densities(&mut self, stain: &GreenStain<'_>, sums: &mut [f64]) {
        let [upper_left, upper_right, lower_left, lower_right] = &mut self.corners;
        let lower = lower_left.iter_mut().zip(lower_right);
        let corners = upper_left.iter_mut().zip(upper_right).zip(lower);
        for (((upper_left, upper_right), (lower_left, lower_right)), first) in corners.zip(&self.upper_left) {
            [*upper_left, *upper_right, *lower_left, *lower_right] = stain.around(*first as usize);
        }
        let corners = self.corners.each_ref().map(Vec::as_slice);
        dispatch!(self.level, _ => add_bilinear(sums, [&self.x, &self.y], corners));
    }
}

#[inline(always)]
fn lay_points([xs, ys]: [&mut [f64]; 2], steps: &[f64], [x, y]: [f64; 2], [dx, dy]: [f64; 2], length: f64) {
    for ((at_x, at_y), step) in xs.iter_mut().zip(ys).zip(steps) {
        let distance = step / length;
        *at_x = x + dx * distance;
        *at_y = y + dy * distance;
    }
}

/// Numbers in reading order of the pixels of a field in which points lie, once they are moved up and to the left.
#[inline(always)]
fn pixels_at(numbers: &mut [u32], [xs, ys]: [&[f64]; 2], moved: f64, width: f64) {
    // Beside 2⁵² the last bits of a float are the whole number. A conversion would look for what an integer cannot hold, point by
    // point.
    const WHOLE_BITS: f64 = 4_503_599_627_370_496.0;
    for ((number, x), y) in numbers.iter_mut().zip(xs).zip(ys) {
        let whole = (y - moved).trunc() * width + (x - moved).trunc();
        *number = (whole + WHOLE_BITS).to_bits() as u32;
    }
}

/// Adds the values at points between pixel centers whose own values are `corners`.
#[inline(always)]
fn add_bilinear(
    sums: &mut [f64],
    [xs, ys]: [&[f64]; 2],
    [upper_left, upper_right, lower_left, lower_right]: [&[f64]; 4],
) {
    let upper = upper_left.iter().zip(upper_right);
    let lower = lower_left.iter().zip(lower_right);
    for (((sum, (x, y)), upper), lower) in sums.iter_mut().zip(xs.iter().zip(ys)).zip(upper).zip(lower) {
        let [u, v] = [x - 0.5, y - 0.5].map(|coordinate| coordinate - coordinate.trunc());
        *sum += (upper.0 * (1.0 - u) + upper.1 * u) * (1.0 - v) + (lower.0 * (1.0 - u) + lower.1 * u) * v;
    }
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

    /// Densities at four pixel centers, of which the upper left one has this number: upper left and right, lower left and right.
    fn around(&self, first: usize) -> [f64; 4] {
        let density = |pixel: &[u8; 3]| self.densities[usize::from(pixel[1])];
        let [upper, lower] = [first, first + self.width].map(|at| &self.pixels[at..at + 2]);
        [density(&upper[0]), density(&upper[1]), density(&lower[0]), density(&lower[1])]
    }
}
