//! Parts stained objects from empty background.
//!
//! In: a normalized field (background gray 240). Out: a mask of stained pixels with pallor filled, the density plane
//! and the levels it was cut at. Order: 1. mix of channels by Fisher's discriminant; 2. smoothing; 3. Otsu's threshold
//! gives the typical density of the stained part; 4. two thresholds: the upper cuts outlines at about half of that
//! density, the lower keeps pale objects that never reach the upper; 5. holes that are pallor and no gap are filled.
//! Limits: a cell whose rim is fainter than the lower threshold is not seen.

use super::SegmentOptions;
use crate::optics::density::{DensityTable, otsu, smooth};
use crate::optics::regions::{Connectivity, connected_regions};
use crate::smear::NormalizedField;

/// Channel mix (red, green, blue) before the field's own mix is known: green absorbs most in eosin and hemoglobin.
const FIRST_MIX: [f32; 3] = [0.15, 0.65, 0.2];
/// Histogram of densities: bins and their range. Denser pixels are nuclei or dirt and must not claim the threshold.
const HISTOGRAM_BINS: usize = 256;
const HISTOGRAM_MAX_DENSITY: f32 = 0.6;
/// Share of the typical density at which outlines are cut: the half height of a blurred edge, a little outward since
/// rims are denser than pallor.
const UPPER_SHARE: f32 = 0.42;
/// Share of the typical density that a pale object must reach.
const LOWER_SHARE: f32 = 0.2;
/// The lower threshold in standard deviations of the background noise.
const LOWER_SIGMA: f32 = 4.0;
/// Least typical density of a stained field: half of the palest labelled field.
const MIN_LEVEL: f32 = 0.02;
/// A pale object counts as one where its area is at least this share of a nominal cell.
const PALE_OBJECT_MIN_SHARE: f64 = 0.12;
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
pub(super) fn find(field: &NormalizedField, options: &SegmentOptions) -> Option<Foreground> {
    let width = field.rgb.width() as usize;
    let table = DensityTable::new(NormalizedField::BACKGROUND);
    let first = table.plane(&field.rgb, FIRST_MIX);
    let cut = threshold(&first)?;
    let mix = fisher_mix(field, &table, &first, cut)?;
    let density = smooth(&table.plane(&field.rgb, mix), width);
    let cut = threshold(&density)?;
    let level = median(density.iter().copied().filter(|d| *d > cut))?;
    if level < MIN_LEVEL {
        return None;
    }
    let noise = background_noise(&density);
    let upper = UPPER_SHARE * level;
    let lower = (LOWER_SHARE * level).max(LOWER_SIGMA * noise).min(upper);
    let nominal = options.nominal_cell_area_px();
    let mut mask: Vec<bool> = density.iter().map(|d| *d > upper).collect();
    add_pale_objects(&mut mask, &density, lower, width, nominal);
    fill_pallor(&mut mask, width, nominal);
    Some(Foreground { mask, density, level })
}

fn threshold(density: &[f32]) -> Option<f32> {
    let mut counts = vec![0u64; HISTOGRAM_BINS];
    let scale = HISTOGRAM_BINS as f32 / HISTOGRAM_MAX_DENSITY;
    for &d in density {
        counts[((d * scale).max(0.0) as usize).min(HISTOGRAM_BINS - 1)] += 1;
    }
    // METHOD: the last bin collects nuclei and dirt, far from both heaps; it would pull the threshold up.
    counts[HISTOGRAM_BINS - 1] = 0;
    otsu(&counts).map(|bin| bin as f32 / scale)
}

/// Weights that part stained from empty pixels best, from means and variances of the two sides of a first cut.
fn fisher_mix(field: &NormalizedField, table: &DensityTable, first: &[f32], cut: f32) -> Option<[f32; 3]> {
    let mut sums = [[[0.0f64; 2]; 3]; 2];
    let mut counts = [0u64; 2];
    for (pixel, d) in field.rgb.as_raw().chunks_exact(3).zip(first) {
        if *d > HISTOGRAM_MAX_DENSITY {
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

fn add_pale_objects(mask: &mut [bool], density: &[f32], lower: f32, width: usize, nominal: f64) {
    let low: Vec<bool> = density.iter().map(|d| *d > lower).collect();
    let found = connected_regions(&low, width, Connectivity::Four);
    let mut strong = vec![0u32; found.regions.len()];
    for (label, inside) in found.labels.iter().zip(mask.iter()) {
        if *label > 0 && *inside {
            strong[*label as usize - 1] += 1;
        }
    }
    for (index, label) in found.labels.iter().enumerate() {
        let Some(region) = (*label as usize).checked_sub(1) else { continue };
        let area = f64::from(found.regions[region].area_px);
        // Mostly pale: a ghost or a hypochromic ring with a few dense pixels keeps its whole outline.
        let pale = f64::from(strong[region]) < 0.5 * area;
        if pale && area >= PALE_OBJECT_MIN_SHARE * nominal {
            mask[index] = true;
        }
    }
}

/// Fills holes that are pallor: convex enough and no larger than a cell's.
fn fill_pallor(mask: &mut [bool], width: usize, nominal: f64) {
    let height = mask.len() / width;
    let empty: Vec<bool> = mask.iter().map(|inside| !inside).collect();
    let holes = connected_regions(&empty, width, Connectivity::Four);
    let fill: Vec<bool> = holes
        .regions
        .iter()
        .enumerate()
        .map(|(index, hole)| {
            let area = f64::from(hole.area_px);
            if hole.touches_edge(width, height) || area > PALLOR_MAX_SHARE * nominal {
                return false;
            }
            area < SPECK_SHARE * nominal
                || super::shape::RowExtents::of_label(&holes.labels, width, index as u32 + 1, hole).solidity()
                    >= PALLOR_MIN_SOLIDITY
        })
        .collect();
    for (inside, label) in mask.iter_mut().zip(&holes.labels) {
        if *label > 0 && fill[*label as usize - 1] {
            *inside = true;
        }
    }
}
