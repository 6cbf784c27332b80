//! Light, stain and sharpness of a field.
//!
//! In: the original pixels, or the flattened field with its objects. Out: the shares of clipped pixels, 0–1; the stain of
//! the red cells, as density (base 10) and as ratios between the channels; the sharpness of their outlines, 1/µm.
//!
//! Method of the sharpness: the steepest slope of the stain across an outline over the height of that step, so that the
//! strength of the stain does not matter. A step blurred by a Gaussian of σ µm gives 1/(σ·√2π). The density profiles along
//! the normals of one cell are averaged, which takes the noise out; the field is the median of its cells. Cells cut by the
//! frame and heaps of cells count too: a blur makes heaps of neighbors, and their outlines are as blurred.
//! Limits: an outline must border on empty background; cells without such a stretch are left out.

use image::RgbImage;

use crate::optics::illuminated::Illuminated;
use crate::optics::length;
use crate::smear::{Contour, ExclusionReason, LabelMap, NormalizedField, ObjectKind, Segmentation};
use crate::stats::median;

/// Values up to this one are clipped dark: 0 and the noise of compression about it.
const DARK_VALUE: u8 = 2;
/// Values from this one on are clipped bright.
const BRIGHT_VALUE: u8 = 254;
/// Bytes that are looked at together: whole pixels and whole vectors.
const STRIP_BYTES: usize = 192;
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

/// Shares of pixels with all channels clipped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Clipped {
    /// Black pixels.
    pub dark: f64,
    /// White pixels.
    pub bright: f64,
}

/// Clipped shares of the lit part of an image, `None` for all of it; `None` of no pixels.
pub(super) fn clipped(rgb: &RgbImage, lit: Option<&Illuminated>) -> Option<Clipped> {
    let whole: &[u8] = rgb.as_raw();
    let mut spans: Vec<&[u8]> = vec![whole];
    if let Some(lit) = lit {
        let row_bytes = 3 * rgb.width() as usize;
        let rows = whole.chunks_exact(row_bytes.max(1)).zip(0..).map(|(row, y)| (row, lit.row(y)));
        spans = rows.map(|(row, columns)| &row[3 * columns.start as usize..3 * columns.end as usize]).collect();
    }
    let (mut dark, mut bright) = (0u64, 0u64);
    // METHOD: few pixels are clipped, and the least and the largest of many bytes show at once whether one of them is.
    for strip in spans.iter().flat_map(|span| span.chunks(STRIP_BYTES)) {
        let (least, most) =
            strip.iter().fold((u8::MAX, 0), |(least, most), &value| (value.min(least), value.max(most)));
        if least > DARK_VALUE && most < BRIGHT_VALUE {
            continue;
        }
        for pixel in strip.as_chunks::<3>().0 {
            dark += u64::from(pixel.iter().all(|value| *value <= DARK_VALUE));
            bright += u64::from(pixel.iter().all(|value| *value >= BRIGHT_VALUE));
        }
    }
    let pixels = spans.iter().map(|span| span.len() as u64 / 3).sum::<u64>();
    (pixels > 0).then(|| Clipped { dark: dark as f64 / pixels as f64, bright: bright as f64 / pixels as f64 })
}

/// Stain of the red cells of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RedCellStain {
    /// Median density of their pixels, green, base 10.
    pub density: f64,
    /// The same in red over that in green: about 0.3 for the pink of eosin, 1 for gray.
    pub red_ratio: Option<f64>,
    /// The same in blue over that in green.
    pub blue_ratio: Option<f64>,
}

/// Stain of the red cells; `None` without red cells.
pub(super) fn stain(field: &NormalizedField, segmentation: &Segmentation) -> Option<RedCellStain> {
    let red_cell: Vec<bool> = segmentation.objects.iter().map(|object| object.kind == ObjectKind::RedCell).collect();
    let mut counts = [[0u64; 256]; 3];
    for (pixel, label) in field.rgb.as_raw().as_chunks::<3>().0.iter().zip(segmentation.labels.as_slice()) {
        if *label > 0 && red_cell[*label as usize - 1] {
            counts.iter_mut().zip(pixel).for_each(|(counts, value)| counts[usize::from(*value)] += 1);
        }
    }
    let [red, green, blue] = counts.map(|counts| median_density(&counts));
    let density = green?;
    let ratio = |of: Option<f64>| of.filter(|_| density > 0.0).map(|of| of / density);
    Some(RedCellStain { density, red_ratio: ratio(red), blue_ratio: ratio(blue) })
}

/// Density of the median of counted values; `None` of no values.
fn median_density(counts: &[u64; 256]) -> Option<f64> {
    let half = counts.iter().sum::<u64>().div_ceil(2);
    let mut below = 0;
    let median = (0u8..=255).zip(counts).find(|(_, count)| {
        below += **count;
        **count > 0 && below >= half
    });
    median.map(|(value, _)| f64::from(NormalizedField::densities().density(value)))
}

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
        let length = length(dx, dy);
        if length == 0.0 {
            continue;
        }
        let at = |step: i32| {
            let distance = f64::from(step) * STEP_PX / length;
            [points[index][0] + dy * distance, points[index][1] - dx * distance]
        };
        let owner = |p: [f64; 2]| labels.at(floor(p[0]), floor(p[1]));
        // The traced outline runs clockwise, so that this normal points outward. A profile that starts elsewhere is skipped.
        let free = (3..=reach).all(|step| owner(at(step)) == 0) && owner(at(-3)) == label;
        if !free {
            continue;
        }
        // A profile is straight: where both of its ends lie in the field, all of it does.
        if !(stain.shows(at(-reach)) && stain.shows(at(reach))) {
            continue;
        }
        mean.iter_mut().zip(-reach..).for_each(|(sum, step)| *sum += stain.at(at(step)));
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

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn a_pixel_is_clipped_when_all_its_channels_are() {
        let pixels = [[0, 0, 0], [0, 0, 9], [255, 255, 255], [255, 255, 200]];
        let image = RgbImage::from_fn(4, 1, |x, _| Rgb(pixels[x as usize]));
        assert_eq!(clipped(&image, None), Some(Clipped { dark: 0.25, bright: 0.25 }));
        assert_eq!(clipped(&RgbImage::new(0, 0), None), None);
    }
}
