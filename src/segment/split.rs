//! Clumps to cells: basins of the distance map, joined again where both together are one convex cell.
//!
//! In: the mask and the seeds of nucleated cells. Out: a label for each pixel. Order: 1. distance to the background;
//! 2. one basin for each hill; 3. touching basins are joined, the widest neck first, where the neck is wide for the
//! smaller of the two and their union is as convex as one cell. Limits: cells that overlap by more than about half are
//! one convex outline and stay one.

use super::SegmentOptions;
use super::shape::RowExtents;
use super::watershed::{Basins, flood};
use crate::optics::distance::euclidean_distance;

/// A neck at or above this share of the smaller basin's half width does not part cells, whatever the union's shape.
const WIDE_NECK: f32 = 0.93;
/// A union above this share of the typical cell is not one cell, however wide the neck.
const WIDE_NECK_MAX_SHARE: f64 = 1.9;
/// A union whose hull is below this share of the typical cell is one fragment, however its outline bends.
const SMALL_HULL_SHARE: f64 = 0.5;
/// Least neck of such a fragment.
const SMALL_HULL_NECK: f32 = 0.6;

/// A union that is one cell: no larger, no more bent and no more pinched than this.
struct OneCell {
    max_share: f64,
    min_neck: f32,
    min_solidity: f64,
}

/// METHOD: the nearer the union is to the typical size, the more bend and pinch it may have; two whole cells side by
/// side are always larger. Set by reasoning; looked at on train and val points and on the box sets, not searched for.
const RULES: [OneCell; 2] = [
    OneCell { max_share: 1.25, min_neck: 0.5, min_solidity: 0.93 },
    OneCell { max_share: 1.15, min_neck: 0.6, min_solidity: 0.88 },
];

/// Labels from 1; the first `seed_count` are the seeds' own.
pub(super) fn split(
    mask: &[bool],
    seeds: &[u32],
    seed_count: u32,
    density: &[f32],
    level: f32,
    width: usize,
    options: &SegmentOptions,
) -> (Vec<u32>, usize) {
    // METHOD: nuclei count as background here, so that a red cell that touches a white cell is judged by its own shape.
    let red: Vec<bool> = mask.iter().zip(seeds).map(|(inside, seed)| *inside && *seed == 0).collect();
    let distance = euclidean_distance(&red, width);
    let mut basins = flood(&distance, width);
    let typical =
        typical_area(&RowExtents::of_all(&basins.labels, width, basins.peaks.len()), options.nominal_cell_area_px());
    let count = join(&mut basins, width, options);
    let mut labels = basins.labels;
    let count = super::clump::part(&mut labels, count, density, level, width, typical);
    for (label, seed) in labels.iter_mut().zip(seeds) {
        *label = if *seed > 0 {
            *seed
        } else if *label > 0 {
            *label + seed_count
        } else {
            0
        };
    }
    (labels, count + seed_count as usize)
}

fn join(basins: &mut Basins, width: usize, options: &SegmentOptions) -> usize {
    let count = basins.peaks.len();
    let mut shapes = RowExtents::of_all(&basins.labels, width, count);
    let typical = typical_area(&shapes, options.nominal_cell_area_px());
    let mut peaks = basins.peaks.clone();
    let mut owner: Vec<u32> = (0..=count as u32).collect();
    let mut passes: Vec<(u32, u32, f32)> = basins.passes.iter().map(|((a, b), pass)| (*a, *b, *pass)).collect();
    // Widest necks first: what is most surely one cell is joined before its parts can go elsewhere.
    let ratio = |peaks: &[f32], a: u32, b: u32, pass: f32| pass / peaks[a as usize - 1].min(peaks[b as usize - 1]);
    passes.sort_by(|x, y| {
        ratio(&basins.peaks, y.0, y.1, y.2)
            .total_cmp(&ratio(&basins.peaks, x.0, x.1, x.2))
            .then((x.0, x.1).cmp(&(y.0, y.1)))
    });
    for (a, b, pass) in passes {
        let (a, b) = (find(&owner, a), find(&owner, b));
        if a == b {
            continue;
        }
        let (Some(first), Some(second)) = (&shapes[a as usize - 1], &shapes[b as usize - 1]) else { continue };
        let union = first.joined(second);
        if is_one_cell(&union, ratio(&peaks, a, b, pass), typical) {
            let (keep, drop) = (a.min(b), a.max(b));
            peaks[keep as usize - 1] = peaks[a as usize - 1].max(peaks[b as usize - 1]);
            shapes[keep as usize - 1] = Some(union);
            shapes[drop as usize - 1] = None;
            owner[drop as usize] = keep;
        }
    }
    let mut names = vec![0u32; count + 1];
    let mut next = 0;
    for label in 1..=count as u32 {
        if find(&owner, label) == label && shapes[label as usize - 1].is_some() {
            next += 1;
            names[label as usize] = next;
        }
    }
    for label in basins.labels.iter_mut().filter(|label| **label > 0) {
        *label = names[find(&owner, *label) as usize];
    }
    next as usize
}

fn find(owner: &[u32], mut label: u32) -> u32 {
    while owner[label as usize] != label {
        label = owner[label as usize];
    }
    label
}

fn is_one_cell(union: &RowExtents, neck: f32, typical: f64) -> bool {
    let share = f64::from(union.area_px()) / typical;
    (neck >= WIDE_NECK && share < WIDE_NECK_MAX_SHARE)
        || RULES
            .iter()
            .any(|rule| share <= rule.max_share && neck >= rule.min_neck && union.solidity() >= rule.min_solidity)
        || (union.hull_area_px() < SMALL_HULL_SHARE * typical && neck >= SMALL_HULL_NECK)
}

/// Median area of the basins that look like one whole cell; the nominal cell where there are none.
fn typical_area(shapes: &[Option<RowExtents>], nominal: f64) -> f64 {
    let mut areas: Vec<f64> = shapes
        .iter()
        .flatten()
        .filter(|shape| shape.solidity() > 0.95)
        .map(|shape| f64::from(shape.area_px()))
        .filter(|area| (0.4 * nominal..=1.8 * nominal).contains(area))
        .collect();
    let middle = areas.len() / 2;
    if areas.len() < 5 { nominal } else { *areas.select_nth_unstable_by(middle, f64::total_cmp).1 }
}
