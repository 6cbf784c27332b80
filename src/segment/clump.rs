//! Clumps without a neck: cells that overlap or lie side by side, parted along the edges seen inside them.
//!
//! In: labelled regions and the density plane. Out: the same regions, those too large or too bent for one cell parted.
//! Order: 1. edges of density inside the region part it into pieces (outlines of overlaps, rims, pallor); 2. pieces are
//! joined greedily as long as the whole becomes more like a set of single cells: few, convex, of the field's typical
//! size. Method: over-segmentation and region merging by a description length, after Haris et al., IEEE Trans. Image
//! Process. 1998, 7:1684–1699. Limits: cells without any edge between them stay one region.

use std::collections::BTreeMap;

use super::shape::RowExtents;
use super::watershed::flood;
use crate::optics::distance::euclidean_distance;
use crate::optics::regions::{Connectivity, connected_regions};

/// Regions above this share of the typical cell are looked at.
const SUSPICIOUS_SHARE: f64 = 1.35;
/// Regions larger than the typical cell and less solid than this are looked at too.
const SUSPICIOUS_SOLIDITY: f64 = 0.88;
/// Density gradient of an inner edge, share of the typical density for each pixel.
const EDGE_GRADIENT_PER_PX: f32 = 0.06;
/// Cost of a piece for being one.
const PIECE_COST: f64 = 0.3;
/// Cost of concavity: each unit of solidity below that of a digitized cell.
const CONCAVITY_COST: f64 = 5.0;
/// Solidity of a digitized convex cell.
const CELL_SOLIDITY: f64 = 0.96;
/// Pieces below this share of the typical cell pay for each e-fold.
const SMALL_SHARE: f64 = 0.8;
/// What they pay.
const SMALL_COST: f64 = 0.8;
/// Pieces above this share of the typical cell pay for each e-fold.
const LARGE_SHARE: f64 = 1.25;
/// What they pay: two cells as one cost more than two pieces.
const LARGE_COST: f64 = 2.5;

/// Parts suspicious regions in place; returns the new number of labels.
pub(super) fn part(labels: &mut [u32], count: usize, density: &[f32], level: f32, width: usize, typical: f64) -> usize {
    let height = labels.len() / width.max(1);
    let shapes = RowExtents::of_all(labels, width, count);
    let mut next = count as u32;
    for (index, shape) in shapes.iter().enumerate() {
        let Some(shape) = shape else { continue };
        let share = f64::from(shape.area_px()) / typical;
        let suspicious = share > SUSPICIOUS_SHARE || (share > 1.0 && shape.solidity() < SUSPICIOUS_SOLIDITY);
        if !suspicious {
            continue;
        }
        next = part_one(labels, index as u32 + 1, next, shape, density, level, (width, height), typical);
    }
    next as usize
}

#[allow(clippy::too_many_arguments)]
fn part_one(
    labels: &mut [u32],
    label: u32,
    next: u32,
    shape: &RowExtents,
    density: &[f32],
    level: f32,
    (width, height): (usize, usize),
    typical: f64,
) -> u32 {
    let (x0, y0, w, h) = shape.window(width, height);
    let at = |x: usize, y: usize| (y0 + y) * width + x0 + x;
    let own: Vec<bool> = (0..w * h).map(|i| labels[at(i % w, i / w)] == label).collect();
    let limit = EDGE_GRADIENT_PER_PX * level;
    let inner: Vec<bool> = (0..w * h)
        .map(|i| {
            if !own[i] {
                return false;
            }
            let (x, y) = (x0 + i % w, y0 + i / w);
            let d = |x: usize, y: usize| density[y.min(height - 1) * width + x.min(width - 1)];
            let dx = d(x + 1, y) - d(x.saturating_sub(1), y);
            let dy = d(x, y + 1) - d(x, y.saturating_sub(1));
            dx.hypot(dy) / 2.0 < limit
        })
        .collect();
    let distance = euclidean_distance(&inner, w);
    let basins = flood(&distance, w);
    let mut pieces = basins.labels;
    let mut count = basins.peaks.len();
    grow(&mut pieces, &own, w);
    // Parts of the region without any inner pixel are pieces of their own.
    let rest: Vec<bool> = own.iter().zip(&pieces).map(|(own, piece)| *own && *piece == 0).collect();
    let rest = connected_regions(&rest, w, Connectivity::Four);
    for (piece, extra) in pieces.iter_mut().zip(&rest.labels).filter(|(_, extra)| **extra > 0) {
        *piece = count as u32 + extra;
    }
    count += rest.regions.len();
    if count < 2 {
        return next;
    }
    let names = agglomerate(&pieces, count, w, typical);
    let kept = names.iter().copied().min().unwrap_or(0);
    let mut fresh: BTreeMap<u32, u32> = BTreeMap::new();
    let mut next = next;
    for (i, piece) in pieces.iter().enumerate().filter(|(_, piece)| **piece > 0) {
        let name = names[*piece as usize - 1];
        let new = *fresh.entry(name).or_insert_with(|| {
            if name == kept {
                label
            } else {
                next += 1;
                next
            }
        });
        labels[at(i % w, i / w)] = new;
    }
    next
}

/// Gives the unlabelled pixels of the region to the nearest piece, by breadth-first growth.
fn grow(pieces: &mut [u32], own: &[bool], width: usize) {
    let mut front: Vec<usize> = (0..pieces.len()).filter(|i| pieces[*i] > 0).collect();
    while !front.is_empty() {
        let mut following = Vec::new();
        for &i in &front {
            let x = i % width;
            let around = [
                (x > 0).then(|| i - 1),
                (x + 1 < width).then(|| i + 1),
                i.checked_sub(width),
                (i + width < pieces.len()).then(|| i + width),
            ];
            for n in around.into_iter().flatten() {
                if own[n] && pieces[n] == 0 {
                    pieces[n] = pieces[i];
                    following.push(n);
                }
            }
        }
        front = following;
    }
}

/// Joins pieces as long as the total cost falls; returns the final name of each piece.
fn agglomerate(pieces: &[u32], count: usize, width: usize, typical: f64) -> Vec<u32> {
    let mut shapes = RowExtents::of_all(pieces, width, count);
    let mut names: Vec<u32> = (1..=count as u32).collect();
    let mut touching: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for i in 0..pieces.len() {
        let right = ((i + 1) % width != 0).then_some(i + 1);
        let below = (i + width < pieces.len()).then_some(i + width);
        for n in [right, below].into_iter().flatten() {
            let (a, b) = (pieces[i], pieces[n]);
            if a > 0 && b > 0 && a != b {
                *touching.entry((a.min(b), a.max(b))).or_insert(0) += 1;
            }
        }
    }
    let mut gains: BTreeMap<(u32, u32), f64> =
        touching.keys().filter_map(|(a, b)| Some(((*a, *b), gain(&shapes, *a, *b, typical)?))).collect();
    while let Some((&(a, b), &best)) = gains.iter().max_by(|x, y| x.1.total_cmp(y.1).then(y.0.cmp(x.0))) {
        if best <= 0.0 {
            break;
        }
        let union = match (&shapes[a as usize - 1], &shapes[b as usize - 1]) {
            (Some(first), Some(second)) => first.joined(second),
            _ => break,
        };
        shapes[a as usize - 1] = Some(union);
        shapes[b as usize - 1] = None;
        for name in names.iter_mut().filter(|name| **name == b) {
            *name = a;
        }
        let affected: Vec<(u32, u32)> =
            gains.keys().copied().filter(|(x, y)| [*x, *y].iter().any(|n| *n == a || *n == b)).collect();
        let mut partners = Vec::new();
        for pair in affected {
            gains.remove(&pair);
            let other = if pair.0 == a || pair.0 == b { pair.1 } else { pair.0 };
            if other != a && other != b {
                partners.push(other);
            }
        }
        partners.sort_unstable();
        partners.dedup();
        for other in partners {
            let pair = (a.min(other), a.max(other));
            if let Some(value) = gain(&shapes, pair.0, pair.1, typical) {
                gains.insert(pair, value);
            }
        }
    }
    names
}

/// Cost that joining two pieces saves.
fn gain(shapes: &[Option<RowExtents>], a: u32, b: u32, typical: f64) -> Option<f64> {
    let (first, second) = (shapes[a as usize - 1].as_ref()?, shapes[b as usize - 1].as_ref()?);
    Some(cost(first, typical) + cost(second, typical) - cost(&first.joined(second), typical))
}

/// How unlike one cell a region is: a constant for being one, its concavity, and its distance from the typical size.
fn cost(shape: &RowExtents, typical: f64) -> f64 {
    let share = f64::from(shape.area_px()) / typical;
    let concavity = (CELL_SOLIDITY - shape.solidity()).max(0.0);
    let size = if share < SMALL_SHARE {
        SMALL_COST * (SMALL_SHARE / share).ln()
    } else {
        LARGE_COST * (share / LARGE_SHARE).ln().max(0.0)
    };
    PIECE_COST + CONCAVITY_COST * concavity + size
}
