//! Parts a mask at its necks: one basin for each hill of the distance map, joined again where the neck is no neck.
//!
//! In: distance to the background for each pixel (pixels, 0 off the mask). Out: a label for each pixel
//! and, for each pair of touching basins, the height of the highest pass between them. Method: flooding from the peaks
//! in falling order of distance (Vincent and Soille 1991); a basin whose peak rises less than a given share above the
//! pass is noise of the outline and joins its neighbor (dynamics, Grimaud 1992).

use std::collections::BTreeMap;

use crate::optics::disjoint_sets::root;

/// Steps of one pixel in which distances are sorted.
const LEVELS_PER_PX: f32 = 16.0;
/// A pass at or above this share of the lower peak is no neck at all: the outline merely undulates.
const NO_NECK_RATIO: f32 = 0.95;
/// A peak that rises less than this above the pass is digitization noise, pixels.
const LEAST_RISE_PX: f32 = 0.75;

/// Basins of a distance map.
#[derive(Debug, Clone)]
pub(super) struct Basins {
    /// Label of each pixel from 1, 0 off the mask.
    pub labels: Vec<u32>,
    /// Height of each basin's peak, pixels; label `n` at index `n - 1`.
    pub peaks: Vec<f32>,
    /// Highest pass between touching basins, pixels; keys are ordered pairs of labels.
    pub passes: BTreeMap<(u32, u32), f32>,
}

/// Floods `distance`, which holds whole rows of `width`.
pub(super) fn flood(distance: &[f32], width: usize) -> Basins {
    let height = distance.len() / width.max(1);
    let order = falling_order(distance);
    let mut labels = vec![0u32; distance.len()];
    // Provisional basins from 1: parent for joining and peak height.
    let mut parents: Vec<u32> = vec![0];
    let mut peaks: Vec<f32> = vec![f32::INFINITY];
    for &index in &order {
        let index = index as usize;
        if labels[index] != 0 {
            continue;
        }
        let here = distance[index];
        let mut around: [u32; 4] = [0; 4];
        let mut best = (f32::NEG_INFINITY, 0);
        for (slot, neighbor) in neighbors(index, width, height).into_iter().enumerate() {
            let Some(neighbor) = neighbor else { continue };
            let label = labels[neighbor];
            if label == 0 {
                continue;
            }
            let label = root(&mut parents, label);
            around[slot] = label;
            if distance[neighbor] > best.0 {
                best = (distance[neighbor], label);
            }
        }
        if best.1 == 0 {
            // Diagonal neighbors only decide that this is no new peak.
            let diagonal = diagonals(index, width, height)
                .into_iter()
                .flatten()
                .filter(|n| labels[*n] != 0)
                .max_by(|a, b| distance[*a].total_cmp(&distance[*b]));
            labels[index] = match diagonal {
                Some(neighbor) => root(&mut parents, labels[neighbor]),
                None => {
                    let new = parents.len() as u32;
                    parents.push(new);
                    peaks.push(here);
                    new
                }
            };
            continue;
        }
        let mut own = best.1;
        for other in around {
            if other == 0 {
                continue;
            }
            let (a, b) = (root(&mut parents, own), root(&mut parents, other));
            if a == b {
                continue;
            }
            let lower = peaks[a as usize].min(peaks[b as usize]);
            if here >= NO_NECK_RATIO * lower || lower - here < LEAST_RISE_PX {
                let (keep, drop) = if peaks[a as usize] >= peaks[b as usize] { (a, b) } else { (b, a) };
                parents[drop as usize] = keep;
                own = keep;
            }
        }
        labels[index] = root(&mut parents, own);
    }
    rename(labels, parents, &peaks, distance, width)
}

fn falling_order(distance: &[f32]) -> Vec<u32> {
    let level = |d: f32| (d * LEVELS_PER_PX) as usize;
    let deepest = distance.iter().fold(0.0f32, |a, b| a.max(*b));
    // METHOD: a counting sort keeps reading order within a level, so the result does not depend on the sort.
    let mut starts = vec![0usize; level(deepest.min(65_536.0)) + 2];
    let capped = |d: f32| level(d.min(65_536.0));
    for &d in distance.iter().filter(|d| **d > 0.0) {
        starts[capped(d)] += 1;
    }
    let mut total = 0;
    for count in starts.iter_mut().rev() {
        total += *count;
        *count = total - *count;
    }
    let mut order = vec![0u32; total];
    for (index, &d) in distance.iter().enumerate().filter(|(_, d)| **d > 0.0) {
        let slot = &mut starts[capped(d)];
        order[*slot] = index as u32;
        *slot += 1;
    }
    order
}

fn rename(mut labels: Vec<u32>, mut parents: Vec<u32>, provisional: &[f32], distance: &[f32], width: usize) -> Basins {
    let mut names = vec![0u32; parents.len()];
    let mut peaks: Vec<f32> = Vec::new();
    for label in labels.iter_mut().filter(|label| **label != 0) {
        let root = root(&mut parents, *label) as usize;
        if names[root] == 0 {
            peaks.push(provisional[root]);
            names[root] = peaks.len() as u32;
        }
        *label = names[root];
    }
    let mut passes: BTreeMap<(u32, u32), f32> = BTreeMap::new();
    for index in 0..labels.len() {
        let a = labels[index];
        if a == 0 {
            continue;
        }
        let right = ((index + 1) % width != 0).then_some(index + 1);
        let below = (index + width < labels.len()).then_some(index + width);
        for neighbor in [right, below].into_iter().flatten() {
            let b = labels[neighbor];
            if b != 0 && b != a {
                let pass = distance[index].min(distance[neighbor]);
                let highest = passes.entry((a.min(b), a.max(b))).or_insert(pass);
                *highest = highest.max(pass);
            }
        }
    }
    Basins { labels, peaks, passes }
}

fn neighbors(index: usize, width: usize, height: usize) -> [Option<usize>; 4] {
    let (x, y) = (index % width, index / width);
    [
        (x > 0).then(|| index - 1),
        (x + 1 < width).then(|| index + 1),
        (y > 0).then(|| index - width),
        (y + 1 < height).then(|| index + width),
    ]
}

fn diagonals(index: usize, width: usize, height: usize) -> [Option<usize>; 4] {
    let (x, y) = (index % width, index / width);
    let (left, right, up, down) = (x > 0, x + 1 < width, y > 0, y + 1 < height);
    [
        (left && up).then(|| index - width - 1),
        (right && up).then(|| index - width + 1),
        (left && down).then(|| index + width - 1),
        (right && down).then(|| index + width + 1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::distance::euclidean_distance;

    fn discs(centers: &[(f32, f32)], radius: f32, width: usize, height: usize) -> Vec<f32> {
        let mask: Vec<bool> = (0..width * height)
            .map(|i| {
                let (x, y) = ((i % width) as f32, (i / width) as f32);
                centers.iter().any(|c| (x - c.0).hypot(y - c.1) <= radius)
            })
            .collect();
        euclidean_distance(&mask, width)
    }

    #[test]
    fn two_touching_discs_are_two_basins_with_a_low_pass() {
        let distance = discs(&[(20.0, 20.0), (54.0, 20.0)], 18.0, 75, 41);
        let basins = flood(&distance, 75);
        assert_eq!(basins.peaks.len(), 2);
        assert_ne!(basins.labels[20 * 75 + 20], basins.labels[20 * 75 + 54]);
        let pass = basins.passes[&(1, 2)];
        assert!(pass < 0.5 * basins.peaks[0], "{pass}");
    }

    #[test]
    fn one_disc_is_one_basin_and_every_mask_pixel_is_in_it() {
        let distance = discs(&[(20.0, 20.0)], 18.0, 41, 41);
        let basins = flood(&distance, 41);
        assert_eq!(basins.peaks.len(), 1);
        for (d, label) in distance.iter().zip(&basins.labels) {
            assert_eq!(*d > 0.0, *label == 1);
        }
    }
}
