//! Nucleated cells by the color of their stain.
//!
//! In: a normalized field and its foreground. Out: seeds of nucleated cells for the split, and the color of the field's
//! red cells that the kinds are judged by. Method: hemoglobin absorbs blue more strongly than the azure–eosin stain of
//! nuclei and platelets does, so the ratio of blue to green density, taken relative to the field's own red cells, parts
//! the two under every stain and camera of the labelled sets (white cells at most 0.6, platelets at most 0.65 of the
//! red cells' ratio at the medians; measured on the labelled boxes). Relative, since white balance moves the ratio.
//! Limits: strongly basophilic red cells come near the limit.

use super::SegmentOptions;
use super::foreground::Foreground;
use crate::optics::density::{DensityTable, smooth};
use crate::optics::regions::{Connectivity, connected_regions};
use crate::smear::NormalizedField;

/// Blue-to-green ratio relative to the red cells below which a dense pixel is nuclear stain.
pub(super) const NUCLEAR_BLUE_RATIO: f32 = 0.68;
/// Density of a nuclear pixel relative to the field's typical density.
const NUCLEAR_DENSITY: f32 = 1.2;
/// Least area of a nucleus, share of a nominal red cell; smaller spots are platelets or inclusions.
const NUCLEUS_MIN_SHARE: f64 = 0.22;
/// Least area of a part that belongs to a nucleus, share of a nominal red cell; color fringes of edges are smaller.
const LOBE_MIN_SHARE: f64 = 0.06;
/// Parts of one nucleus lie within this share of a cell diameter.
const LOBE_REACH_SHARE: f64 = 0.3;
/// Range of density, relative to the typical one, of the pixels that give the color of red cells.
const RED_CELL_DENSITY: (f32, f32) = (0.6, 1.3);

/// Where nucleated cells are, and the color of the field's red cells.
#[derive(Debug, Clone)]
pub(super) struct Nuclei {
    /// Number of the nucleus at each pixel, 0 elsewhere.
    pub seeds: Vec<u32>,
    /// Number of nuclei.
    pub seed_count: u32,
    /// Density planes of red, green and blue, smoothed.
    pub planes: [Vec<f32>; 3],
    /// Median density of the field's red cells in red, green and blue.
    pub red_cell: [f32; 3],
}

/// Finds nuclei and adds their pixels to the mask.
pub(super) fn find(field: &NormalizedField, foreground: &mut Foreground, options: &SegmentOptions) -> Nuclei {
    let width = field.rgb.width() as usize;
    let table = DensityTable::new(NormalizedField::BACKGROUND);
    let plane = |weights| smooth(&table.plane(&field.rgb, weights), width);
    let planes = [plane([1.0, 0.0, 0.0]), plane([0.0, 1.0, 0.0]), plane([0.0, 0.0, 1.0])];
    let (low, high) = (RED_CELL_DENSITY.0 * foreground.level, RED_CELL_DENSITY.1 * foreground.level);
    let typical: Vec<usize> = foreground
        .density
        .iter()
        .enumerate()
        .filter(|(index, density)| foreground.mask[*index] && (low..high).contains(*density))
        .map(|(index, _)| index)
        .collect();
    let red_cell = [0, 1, 2].map(|channel: usize| {
        let mut values: Vec<f32> = typical.iter().map(|index| planes[channel][*index]).collect();
        let middle = values.len() / 2;
        if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f32::total_cmp).1 }
    });
    let ratio = red_cell[2] / red_cell[1].max(f32::MIN_POSITIVE);
    let nuclear: Vec<bool> = foreground
        .density
        .iter()
        .zip(planes[1].iter().zip(&planes[2]))
        .map(|(density, (green, blue))| {
            *density > NUCLEAR_DENSITY * foreground.level && *blue < NUCLEAR_BLUE_RATIO * ratio * green
        })
        .collect();
    let (seeds, seed_count) = group(&nuclear, width, options);
    for (inside, seed) in foreground.mask.iter_mut().zip(&seeds) {
        *inside |= *seed > 0;
    }
    Nuclei { seeds, seed_count, planes, red_cell }
}

/// Groups nuclear parts into nuclei: a part of sufficient size gathers the others within reach of its bounds.
fn group(nuclear: &[bool], width: usize, options: &SegmentOptions) -> (Vec<u32>, u32) {
    let parts = connected_regions(nuclear, width, Connectivity::Eight);
    let least = NUCLEUS_MIN_SHARE * options.nominal_cell_area_px();
    let reach = (LOBE_REACH_SHARE * options.cell_diameter_px) as i64;
    let mut owner = vec![0u32; parts.regions.len()];
    let mut count = 0;
    let small = LOBE_MIN_SHARE * options.nominal_cell_area_px();
    for index in (0..parts.regions.len()).filter(|index| f64::from(parts.regions[*index].area_px) >= least) {
        if owner[index] == 0 {
            count += 1;
            owner[index] = count;
            gather(&parts.regions, &mut owner, index, reach, small);
        }
    }
    (parts.labels.iter().map(|label| if *label == 0 { 0 } else { owner[*label as usize - 1] }).collect(), count)
}

fn gather(parts: &[crate::optics::regions::Region], owner: &mut [u32], start: usize, reach: i64, small: f64) {
    let mut pending = vec![start];
    while let Some(current) = pending.pop() {
        let here = parts[current];
        for (index, other) in parts.iter().enumerate() {
            let apart = |a_min: u32, a_max: u32, b_min: u32, b_max: u32| {
                (i64::from(b_min) - i64::from(a_max)).max(i64::from(a_min) - i64::from(b_max))
            };
            let near = apart(here.x_min, here.x_max, other.x_min, other.x_max) <= reach
                && apart(here.y_min, here.y_max, other.y_min, other.y_max) <= reach;
            if owner[index] == 0 && near && f64::from(other.area_px) >= small {
                owner[index] = owner[start];
                pending.push(index);
            }
        }
    }
}
