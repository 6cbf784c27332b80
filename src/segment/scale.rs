//! Diameter of the median red cell of a field whose pixel size is unknown.
//!
//! In: RGB pixels at any scale with cells 20–150 pixels wide. Out: the median diameter of the red cells, pixels of that
//! image, with the number of cells behind it. Method: a first guess from the sizes of round stained objects, then the
//! segmenter itself at the guessed scale until guess and measurement agree. Limits: needs a handful of cells that stand
//! alone; a field of nothing but clumps gives a guess from the depth of its clumps, or none.

use image::RgbImage;

use super::{DetectError, NOMINAL_CELL_DIAMETER_PX, Segmenter, WORKING_UM_PER_PX};
use crate::optics::density::otsu;
use crate::optics::distance::euclidean_distance;
use crate::optics::illuminated::Illuminated;
use crate::optics::regions::{Connectivity, connected_regions, regions_of_runs};
use crate::optics::resample::rescale;
use crate::optics::runs::RowRuns;
use crate::smear::{NormalizedField, ObjectKind};
use crate::stats::median;

/// Diameters that are tried, pixels: with room around the promised 20–150.
const DIAMETERS_PX: (f64, f64) = (14.0, 200.0);
/// Rounds of segment-and-measure after the first guess.
const ROUNDS: usize = 3;
/// Guess and measurement agree within this share.
const AGREEMENT: f64 = 0.04;
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

impl Segmenter {
    /// Diameter of the median red cell; `None` where no cell was found.
    ///
    /// # Errors
    /// The engine fails on the detector's graph.
    pub fn estimate_scale(&self, rgb: &RgbImage) -> Result<Option<ScaleEstimate>, DetectError> {
        let lit = Illuminated::find(rgb);
        let cut = window(rgb, lit.as_ref());
        let (window, lit) = match &cut {
            Some((window, lit)) => (window, lit.as_ref()),
            None => (rgb, lit.as_ref()),
        };
        let Some(mut diameter) = first_guess(window, lit) else { return Ok(None) };
        let mut best = None;
        for _ in 0..ROUNDS {
            let Some(found) = self.measure(window, lit, diameter)? else { return Ok(None) };
            let agrees = (found.median_diameter_px / diameter - 1.0).abs() < AGREEMENT;
            diameter = found.median_diameter_px.clamp(DIAMETERS_PX.0, DIAMETERS_PX.1);
            best = Some(found);
            if agrees {
                break;
            }
        }
        Ok(best)
    }

    /// Median diameter of the red cells that are found when cells are taken to be `diameter` pixels wide.
    fn measure(
        &self,
        rgb: &RgbImage,
        lit: Option<&Illuminated>,
        diameter: f64,
    ) -> Result<Option<ScaleEstimate>, DetectError> {
        let px_per_px = diameter / NOMINAL_CELL_DIAMETER_PX;
        let working = rescale(rgb, px_per_px);
        let working = working.as_ref().unwrap_or(rgb);
        let Some((field, _)) = NormalizedField::flattened(working, lit, WORKING_UM_PER_PX, rgb.width()) else {
            return Ok(None);
        };
        let found = self.segment(&field)?;
        let mut diameters: Vec<f64> = found
            .objects
            .iter()
            .filter(|object| object.kind == ObjectKind::RedCell)
            .map(|object| 2.0 * (object.contour.area_px() / std::f64::consts::PI).sqrt())
            .collect();
        let cells = diameters.len();
        let median = median::of_few(&mut diameters);
        Ok(median.map(|median_diameter_px| ScaleEstimate { median_diameter_px, cells }))
    }
}

/// The middle of an image, or of its lit part, with what of it is lit; `None` where it is all of it.
fn window(rgb: &RgbImage, lit: Option<&Illuminated>) -> Option<(RgbImage, Option<Illuminated>)> {
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

fn first_guess(rgb: &RgbImage, lit: Option<&Illuminated>) -> Option<f64> {
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
