//! A first guess of the diameter of the red cells of a field whose pixel size is unknown.
//!
//! In: RGB pixels at any scale with cells 20–150 pixels wide. Out: a diameter in pixels of that image. Method: sizes of
//! round stained objects. The segmenter then measures at the guessed scale until guess and measurement agree.
//! Limits: needs a handful of cells that stand alone; a field of clumps alone gives a guess from the depth of its clumps,
//! or none.

use image::RgbImage;

use super::foreground::WORKING_UM_PER_PX;
use crate::optics::density::otsu;
use crate::optics::distance::euclidean_distance;
use crate::optics::illuminated::Illuminated;
use crate::optics::regions::{Connectivity, connected_regions, regions_of_runs};
use crate::optics::runs::RowRuns;
use crate::smear::NormalizedField;

/// Diameters that are tried, pixels: with room around the promised 20–150.
pub(super) const DIAMETERS_PX: (f64, f64) = (14.0, 200.0);
/// Rounds of segment-and-measure after the first guess.
pub(super) const ROUNDS: usize = 3;
/// Guess and measurement agree within this share.
pub(super) const AGREEMENT: f64 = 0.04;
/// Share of the image that the largest filled hole may have in the first guess.
const HOLE_MAX_SHARE: f64 = 0.03;
/// Box fill of a disc is π/4 = 0.785; objects within these limits pass as round in the first guess.
const ROUND_EXTENT: (f64, f64) = (0.70, 0.86);
/// Largest ratio of box sides of a round object.
const ROUND_SIDES: f64 = 1.35;
/// Largest side of the window that is looked at, pixels: enough for 200 cells at 70 pixels.
const WINDOW_PX: u32 = 1200;

/// A measured cell diameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScaleEstimate {
    /// Median diameter of the red cells, pixels of the image that was measured.
    pub median_diameter_px: f64,
    /// Red cells behind it.
    pub cells: usize,
}

/// The middle of an image, or of its lit part, and the part of it that is lit; `None` where the window is the whole image.
pub(super) fn window(rgb: &RgbImage, lit: Option<&Illuminated>) -> Option<(RgbImage, Option<Illuminated>)> {
    let (width, height) = (rgb.width().min(WINDOW_PX), rgb.height().min(WINDOW_PX));
    if (width, height) == rgb.dimensions() {
        return None;
    }
    let (most_x, most_y) = (rgb.width() - width, rgb.height() - height);
    let start = |middle: f64, side: u32, most: u32| (middle - f64::from(side) / 2.0).clamp(0.0, f64::from(most)) as u32;
    let (x, y) = match lit.map(Illuminated::middle) {
        Some([x, y]) => (start(x, width, most_x), start(y, height, most_y)),
        None => (most_x / 2, most_y / 2),
    };
    let cut = image::imageops::crop_imm(rgb, x, y, width, height).to_image();
    Some((cut, lit.map(|lit| lit.within(x, y, width, height))))
}

/// A guess of the cell diameter, pixels; `None` where nothing is stained.
pub(super) fn first_guess(rgb: &RgbImage, lit: Option<&Illuminated>) -> Option<f64> {
    let flat = NormalizedField::flattened(rgb, lit, WORKING_UM_PER_PX, rgb.width())?.0.rgb;
    let width = flat.width() as usize;
    let height = flat.height() as usize;
    let density = NormalizedField::densities().smooth_plane(&flat, [0.0, 1.0, 0.0]);
    let mut counts = vec![0u64; 128];
    for d in &density {
        // Bins of 0.004; what is denser than any red cell does not vote.
        let bin = (d / 0.004).max(0.0) as usize;
        if bin < counts.len() {
            counts[bin] += 1;
        }
    }
    let cut = otsu(&counts)? as f32 * 0.004;
    let mut mask: Vec<bool> = density.iter().map(|d| *d > cut).collect();
    let holes = regions_of_runs(RowRuns::of_mask(&mask, width, false), Connectivity::Four);
    for (y, run, hole) in holes.runs() {
        let hole = &holes.regions[hole];
        let is_small = f64::from(hole.area_px) < HOLE_MAX_SHARE * (width * height) as f64;
        if is_small && !hole.touches_edge(width, height) {
            mask[run.at(y, width)].fill(true);
        }
    }
    let objects = connected_regions(&mask, width, Connectivity::Four);
    let mut round: Vec<f64> = objects
        .regions
        .iter()
        .filter(|object| !object.touches_edge(width, height))
        .filter_map(|object| {
            let sides = [object.x_max - object.x_min + 1, object.y_max - object.y_min + 1].map(f64::from);
            let extent = f64::from(object.area_px) / (sides[0] * sides[1]);
            let diameter = (sides[0] * sides[1]).sqrt();
            let is_round = (ROUND_EXTENT.0..=ROUND_EXTENT.1).contains(&extent)
                && sides[0].max(sides[1]) / sides[0].min(sides[1]) <= ROUND_SIDES
                && (DIAMETERS_PX.0..=DIAMETERS_PX.1).contains(&diameter);
            is_round.then_some(diameter)
        })
        .collect();
    if let Some(diameter) = area_weighted_median(&mut round) {
        return Some(diameter);
    }
    // METHOD: no object stands alone: the depth of the clumps is about half a cell.
    let mut depths: Vec<f32> = euclidean_distance(&mask, width).into_iter().filter(|d| *d > 0.0).collect();
    let rank = depths.len() * 95 / 100;
    let depth = (!depths.is_empty()).then(|| *depths.select_nth_unstable_by(rank, f32::total_cmp).1)?;
    Some((2.0 * f64::from(depth)).clamp(DIAMETERS_PX.0, DIAMETERS_PX.1))
}

/// The diameter on whose either side half of the summed area lies: platelets are many but small.
fn area_weighted_median(diameters: &mut [f64]) -> Option<f64> {
    diameters.sort_by(f64::total_cmp);
    let half = diameters.iter().map(|d| d * d).sum::<f64>() / 2.0;
    let mut below = 0.0;
    diameters.iter().copied().find(|d| {
        below += d * d;
        below >= half
    })
}
