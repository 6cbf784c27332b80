//! Parts stained objects from empty background.
//!
//! In: a normalized field (background gray 240). Out: a mask of stained pixels with pallor filled, the density plane
//! and the levels it was cut at. Order: 1. mix of channels by Fisher's discriminant; 2. smoothing; 3. Otsu's threshold
//! gives the typical density of the stained part; 4. two thresholds: the upper cuts outlines at about half of that
//! density, the lower keeps pale objects that never reach the upper; 5. holes that are pallor and no gap are filled.
//! Limits: a cell whose rim is fainter than the lower threshold is not seen.

use super::NOMINAL_CELL_AREA_PX;
use super::shape::RowExtents;
use crate::optics::density::{DensityTable, smooth};
use crate::optics::regions::{Connectivity, connected_regions};
use crate::smear::NormalizedField;

/// Channel mix (red, green, blue) before the field's own mix is known: green absorbs most in eosin and hemoglobin.
const FIRST_MIX: [f32; 3] = [0.15, 0.65, 0.2];
/// Density of a stained pixel in standard deviations of the background noise, for the first look at a field.
const FIRST_SIGMA: f32 = 5.0;
/// Green density of a nuclear pixel, relative to the red cells.
const NUCLEAR_GREEN: f32 = 1.1;
/// Share of the typical density at which outlines are cut: the half height of a blurred edge, a little outward since
/// rims are denser than pallor.
const UPPER_SHARE: f32 = 0.42;
/// Share of the typical density that a pale object must reach.
const LOWER_SHARE: f32 = 0.2;
/// The lower threshold in standard deviations of the background noise.
const LOWER_SIGMA: f32 = 4.0;
/// Least typical density of a stained field: about half of the palest seen in the labelled sets (0.04).
const MIN_LEVEL: f32 = 0.02;
/// Layers of pixels of a blurred edge between the two thresholds.
const SKIRT_PX: usize = 2;
/// Mean density of a hole, relative to the typical one, above which it is thin stain and no empty glass.
const PALLOR_DENSITY: f32 = 0.08;
/// The largest pallor as a share of a nominal cell; larger holes are gaps between cells.
const PALLOR_MAX_SHARE: f64 = 0.75;
/// Holes below this share of a nominal cell are noise and always filled.
const SPECK_SHARE: f64 = 0.012;
/// Least area over hull area of a hole that is pallor; gaps between round cells are stars.
const PALLOR_MIN_SOLIDITY: f64 = 0.86;

/// The stained part of a field.
#[derive(Debug, Clone)]
pub(super) struct Foreground {
    /// Stained pixels, pallor filled.
    pub mask: Vec<bool>,
    /// Smoothed density in the field's own mix of channels.
    pub density: Vec<f32>,
    /// Typical density of the stained part.
    pub level: f32,
}

/// The stained part of a field, or `None` where nothing on it is stained.
pub(super) fn find(field: &NormalizedField) -> Option<Foreground> {
    let width = field.rgb.width() as usize;
    let table = DensityTable::new(NormalizedField::BACKGROUND);
    let first = table.plane(&field.rgb, FIRST_MIX);
    let cut = (FIRST_SIGMA * background_noise(&first)).max(MIN_LEVEL);
    let red_cell = red_cell_color(field, &table, &first, cut)?;
    let mix = fisher_mix(field, &table, &first, cut, &red_cell)?;
    let density = smooth(&table.plane(&field.rgb, mix), width);
    let noise = background_noise(&density);
    let cut = (FIRST_SIGMA * noise).max(MIN_LEVEL);
    let is_nuclear = |pixel: &[u8]| nuclear(pixel, &table, &red_cell);
    let level = median(
        density
            .iter()
            .zip(field.rgb.as_raw().chunks_exact(3))
            .filter(|(d, p)| **d > cut && !is_nuclear(p))
            .map(|(d, _)| *d),
    )?;
    let upper = UPPER_SHARE * level;
    let lower = (LOWER_SHARE * level).max(LOWER_SIGMA * noise).min(upper);
    let mut mask: Vec<bool> = density.iter().map(|d| *d > lower).collect();
    fill_pallor(&mut mask, &density, level, width);
    peel(&mut mask, &density, upper, width);
    Some(Foreground { mask, density, level })
}

/// Median density of the stained pixels in each channel, nuclei left out once their color is known.
fn red_cell_color(field: &NormalizedField, table: &DensityTable, first: &[f32], cut: f32) -> Option<[f32; 3]> {
    let mut color: Option<[f32; 3]> = None;
    for _ in 0..2 {
        let stained: Vec<&[u8]> = field
            .rgb
            .as_raw()
            .chunks_exact(3)
            .zip(first)
            .filter(|(pixel, d)| **d > cut && !color.is_some_and(|color| nuclear(pixel, table, &color)))
            .map(|(pixel, _)| pixel)
            .collect();
        let mut next = [0.0; 3];
        for (channel, value) in next.iter_mut().enumerate() {
            *value = median(stained.iter().map(|pixel| table.density(pixel[channel])))?;
        }
        color = Some(next);
    }
    color
}

/// Whether a single pixel has the color of nuclear stain against the field's red cells.
fn nuclear(pixel: &[u8], table: &DensityTable, red_cell: &[f32; 3]) -> bool {
    let [green, blue] = [1, 2].map(|channel| table.density(pixel[channel]));
    green > NUCLEAR_GREEN * red_cell[1] && blue * red_cell[1] < super::color::NUCLEAR_BLUE_RATIO * red_cell[2] * green
}

/// Weights that part red cells from empty pixels best, from means and variances of the two sides of a first cut.
fn fisher_mix(
    field: &NormalizedField,
    table: &DensityTable,
    first: &[f32],
    cut: f32,
    red_cell: &[f32; 3],
) -> Option<[f32; 3]> {
    let mut sums = [[[0.0f64; 2]; 3]; 2];
    let mut counts = [0u64; 2];
    for (pixel, d) in field.rgb.as_raw().chunks_exact(3).zip(first) {
        if nuclear(pixel, table, red_cell) {
            continue;
        }
        let side = usize::from(*d > cut);
        counts[side] += 1;
        for channel in 0..3 {
            let value = f64::from(table.density(pixel[channel]));
            sums[side][channel][0] += value;
            sums[side][channel][1] += value * value;
        }
    }
    if counts.contains(&0) {
        return None;
    }
    let mut mix = [0.0f64; 3];
    for (channel, weight) in mix.iter_mut().enumerate() {
        let [empty, stained] = [0, 1].map(|side| {
            let mean = sums[side][channel][0] / counts[side] as f64;
            (mean, (sums[side][channel][1] / counts[side] as f64 - mean * mean).max(1e-6))
        });
        *weight = ((stained.0 - empty.0) / (stained.1 + empty.1)).max(0.0);
    }
    let total: f64 = mix.iter().sum();
    (total > 0.0).then(|| mix.map(|weight| (weight / total) as f32))
}

fn median(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut values: Vec<f32> = values.collect();
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f32::total_cmp).1)
}

/// Spread of the empty background: 1.48 × median of the densities below zero, mirrored.
fn background_noise(density: &[f32]) -> f32 {
    median(density.iter().copied().filter(|d| *d < 0.0)).map_or(0.0, |m| -1.48 * m)
}

/// Fills holes that are pallor: no larger than a cell's, and either convex or not as empty as the background.
fn fill_pallor(mask: &mut [bool], density: &[f32], level: f32, width: usize) {
    let height = mask.len() / width;
    let empty: Vec<bool> = mask.iter().map(|inside| !inside).collect();
    let holes = connected_regions(&empty, width, Connectivity::Four);
    let mut sums = vec![0.0f64; holes.regions.len()];
    for (label, d) in holes.labels.iter().zip(density).filter(|(label, _)| **label > 0) {
        sums[*label as usize - 1] += f64::from(*d);
    }
    let fill: Vec<bool> = holes
        .regions
        .iter()
        .enumerate()
        .map(|(index, hole)| {
            let area = f64::from(hole.area_px);
            if hole.touches_edge(width, height) || area > PALLOR_MAX_SHARE * NOMINAL_CELL_AREA_PX {
                return false;
            }
            area < SPECK_SHARE * NOMINAL_CELL_AREA_PX
                || sums[index] / area > f64::from(PALLOR_DENSITY * level)
                || RowExtents::of_label(&holes.labels, width, index as u32 + 1, hole).span_solidity()
                    >= PALLOR_MIN_SOLIDITY
        })
        .collect();
    for (inside, label) in mask.iter_mut().zip(&holes.labels) {
        if *label > 0 && fill[*label as usize - 1] {
            *inside = true;
        }
    }
}

/// Takes the soft skirt off: from the outside, up to [`SKIRT_PX`] layers of pixels below the upper threshold.
///
/// METHOD: a steep edge crosses from the lower to the upper threshold within the skirt, so its outline ends up at the
/// upper one; a pale rim is wider than the skirt and stays.
fn peel(mask: &mut [bool], density: &[f32], upper: f32, width: usize) {
    let height = mask.len() / width;
    for _ in 0..SKIRT_PX {
        let mut outer = Vec::new();
        for index in 0..mask.len() {
            if !mask[index] || density[index] > upper {
                continue;
            }
            let (x, y) = (index % width, index / width);
            let open = (x > 0 && !mask[index - 1])
                || (x + 1 < width && !mask[index + 1])
                || (y > 0 && !mask[index - width])
                || (y + 1 < height && !mask[index + width]);
            if open {
                outer.push(index);
            }
        }
        for index in outer {
            mask[index] = false;
        }
    }
}
