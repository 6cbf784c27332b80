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
const WIDE_NECK: f32 = 0.9;
/// A neck below this share always parts cells.
const NARROW_NECK: f32 = 0.5;
/// Between the two: joined where the union is at least this convex.
const ONE_CELL_SOLIDITY: f64 = 0.94;
/// A union larger than this many nominal cells is no single cell.
const ONE_CELL_MAX_AREA: f64 = 1.9;
/// A union whose hull is below this share of a nominal cell is one fragment, however its outline bends.
const SMALL_HULL_SHARE: f64 = 0.5;

/// Labels from 1; the first `seed_count` are the seeds' own.
pub(super) fn split(
    mask: &[bool],
    seeds: &[u32],
    seed_count: u32,
    width: usize,
    options: &SegmentOptions,
) -> (Vec<u32>, usize) {
    let distance = euclidean_distance(mask, width);
    let mut basins = flood(&distance, seeds, seed_count, width);
    let count = join(&mut basins, seed_count, width, options);
    (basins.labels, count)
}

fn join(basins: &mut Basins, seed_count: u32, width: usize, options: &SegmentOptions) -> usize {
    let count = basins.peaks.len();
    let mut shapes = RowExtents::of_all(&basins.labels, width, count);
    let mut peaks = basins.peaks.clone();
    let mut owner: Vec<u32> = (0..=count as u32).collect();
    let mut passes: Vec<(u32, u32, f32)> =
        basins.passes.iter().map(|((a, b), pass)| (*a, *b, *pass)).filter(|(a, _, _)| *a > seed_count).collect();
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
        if is_one_cell(&union, ratio(&peaks, a, b, pass), options) {
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
        if find(&owner, label) == label && (label <= seed_count || shapes[label as usize - 1].is_some()) {
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

fn is_one_cell(union: &RowExtents, neck: f32, options: &SegmentOptions) -> bool {
    let nominal = options.nominal_cell_area_px();
    if f64::from(union.area_px()) > ONE_CELL_MAX_AREA * nominal || neck < NARROW_NECK {
        return false;
    }
    neck >= WIDE_NECK
        || union.solidity() >= ONE_CELL_SOLIDITY
        || union.hull_area_px() < SMALL_HULL_SHARE * nominal
}
