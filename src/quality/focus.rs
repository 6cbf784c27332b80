//! Sharpness of red cell outlines.
//!
//! In: the flattened field and its objects. Out: steepest slope of the stain across an outline over the height of that
//! step, 1/µm; independent of how strong the stain is. A step blurred by a Gaussian of σ µm gives 1/(σ·√2π). Method: the
//! density profiles along the normals of one cell are averaged, which takes the noise out; the field is the median of
//! its cells. Cells cut by the frame and heaps of cells count too: a blur
//! makes heaps of neighbors, and their outlines are as blurred. Limits: the outlines must border on empty background;
//! cells without such a stretch are left out.

use crate::optics::density::DensityTable;
use crate::smear::{Contour, ExclusionReason, LabelMap, NormalizedField, ObjectKind, Segmentation};

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
    let table = DensityTable::new(NormalizedField::BACKGROUND);
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
            cell_sharpness(field, &table, &segmentation.labels, *label, &outline)
        })
        .collect();
    super::median(&mut cells)
}

fn shows_a_red_cell_rim(kind: ObjectKind) -> bool {
    use ExclusionReason::{FrameEdge, TooLarge, UnsplittableClump};
    matches!(kind, ObjectKind::RedCell | ObjectKind::Excluded(FrameEdge | TooLarge | UnsplittableClump))
}

/// Sharpness of one cell; `outline` in pixels of the flattened field.
fn cell_sharpness(
    field: &NormalizedField,
    table: &DensityTable,
    labels: &LabelMap,
    label: u32,
    outline: &Contour,
) -> Option<f64> {
    let reach = (REACH_UM / field.um_per_px / STEP_PX).round().max(1.0) as i32;
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
        let owner = |p: [f64; 2]| labels.at(p[0].floor() as i64, p[1].floor() as i64);
        // The traced outline runs clockwise, so that this normal points out; a profile that starts elsewhere is left.
        let free = (3..=reach).all(|step| owner(at(step)) == 0) && owner(at(-3)) == label;
        if !free {
            continue;
        }
        let samples: Option<Vec<f64>> = (-reach..=reach).map(|step| sample(field, table, at(step))).collect();
        let Some(samples) = samples else { continue };
        mean.iter_mut().zip(samples).for_each(|(sum, value)| *sum += value);
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
    let span_um = 2.0 * STEP_PX * field.um_per_px;
    let slope = mean.windows(3).map(|w| (w[0] - w[2]) / span_um).fold(0.0, f64::max);
    Some(slope / step)
}

/// Green density at a point, bilinear between pixel centers; `None` outside the field.
fn sample(field: &NormalizedField, table: &DensityTable, [x, y]: [f64; 2]) -> Option<f64> {
    let (x, y) = (x - 0.5, y - 0.5);
    let (column, row) = (x.floor(), y.floor());
    let inside = column >= 0.0
        && row >= 0.0
        && column + 1.0 < f64::from(field.rgb.width())
        && row + 1.0 < f64::from(field.rgb.height());
    let at = |dx: u32, dy: u32| f64::from(table.density(field.rgb.get_pixel(column as u32 + dx, row as u32 + dy).0[1]));
    let (u, v) = (x - column, y - row);
    inside.then(|| (at(0, 0) * (1.0 - u) + at(1, 0) * u) * (1.0 - v) + (at(0, 1) * (1.0 - u) + at(1, 1) * u) * v)
}
