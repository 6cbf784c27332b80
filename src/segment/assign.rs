//! Stained pixels to cells: each pixel goes to the detected cell whose box it lies deepest in.
//!
//! In: the mask of stained pixels and the [`Detection`]s of a field. Out: a label for each pixel and, for each label,
//! the detection behind it. Order of operations:
//! 1. a pixel's depth in a box is its squared distance from the center in half sides: 0 in the middle, 1 on the inscribed
//!    ellipse; each stained pixel in or hardly beyond a box goes to the cell with the least;
//! 2. parts of a cell that do not hang together with its middle are set free;
//! 3. a box with hardly a stained pixel in it is a ghost: its ellipse is taken for the outline;
//! 4. free pixels: small parts join the cell they touch most (tails, spicules), unless they alone reach the frame; the
//!    rest are objects without a detection;
//! 5. what a cell encloses is its own.
//!
//! METHOD: the boundary between cells that overlap runs where both boxes are equally deep, the chord of two equal
//! discs. Limits: an overlap is divided, not shared, so that each pixel is measured once.

use super::detect::{DetectedKind, Detection};
use crate::optics::regions::{Connectivity, connected_regions};

/// How far beyond its box a cell may own pixels, share of a half side: the boxes of the detector are good to about that.
const BEYOND_BOX: f32 = 0.1;
/// A part of a cell must have a pixel this deep in its box.
const CORE: f32 = 0.64;
/// Share of a box's ellipse that must be stained; below it the cell is a ghost.
const GHOST_COVER: f32 = 0.3;
/// Free parts up to this share of a nominal red cell join the cell they touch.
const TAIL_MAX_SHARE: f64 = 0.25;

/// Labelled pixels and where the labels come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Assigned {
    /// Label of each pixel, 0 for background.
    pub labels: Vec<u32>,
    /// Detection of each label, label `n` at index `n - 1`; `None` for an object that was not detected.
    pub detections: Vec<Option<Detection>>,
    /// Whether the outline of each label is that of its box alone.
    pub ghosts: Vec<bool>,
}

/// Gives every stained pixel a label. `mask` holds whole rows of `width`.
pub(super) fn assign(mask: &[bool], detections: &[Detection], width: usize, nominal_area_px: f64) -> Assigned {
    let height = mask.len() / width;
    let mut labels = deepest(mask, detections, width, height);
    release_loose_parts(&mut labels, detections, width);
    let mut ghosts = ghosts(&labels, detections, width, height);
    for (index, cell) in detections.iter().enumerate().filter(|(index, _)| ghosts[*index]) {
        for_each_in_ellipse(cell, 1.0, width, height, |at| {
            if labels[at] == 0 {
                labels[at] = index as u32 + 1;
            }
        });
    }
    let mut found: Vec<Option<Detection>> = detections.iter().copied().map(Some).collect();
    place_free_parts(&mut labels, mask, &mut found, width, nominal_area_px);
    fill_enclosed(&mut labels, width);
    ghosts.resize(found.len(), false);
    Assigned { labels, detections: found, ghosts }
}

/// Calls `visit` with index and depth of each pixel in a cell's box, its sides stretched by a factor.
fn for_each_in_box(cell: &Detection, stretch: f32, width: usize, height: usize, mut visit: impl FnMut(usize, f32)) {
    let [x_min, y_min, x_max, y_max] = cell.bounds;
    let (cx, cy) = ((x_min + x_max) / 2.0, (y_min + y_max) / 2.0);
    // Half a pixel is the least half side, so that a box without a width divides by something.
    let (rx, ry) = (((x_max - x_min) / 2.0).max(0.5), ((y_max - y_min) / 2.0).max(0.5));
    let range = |center: f32, radius: f32, extent: usize| {
        let low = (center - stretch * radius).max(0.0) as usize;
        let high = (center + stretch * radius).ceil().max(0.0) as usize;
        low..high.min(extent)
    };
    for y in range(cy, ry, height) {
        let dy = ((y as f32 + 0.5 - cy) / ry).powi(2);
        for x in range(cx, rx, width) {
            visit(y * width + x, dy + ((x as f32 + 0.5 - cx) / rx).powi(2));
        }
    }
}

/// As [`for_each_in_box`], for the pixels up to a depth of at most 1.
fn for_each_in_ellipse(cell: &Detection, depth: f32, width: usize, height: usize, mut visit: impl FnMut(usize)) {
    for_each_in_box(cell, 1.0, width, height, |at, found| {
        if found <= depth {
            visit(at);
        }
    });
}

fn deepest(mask: &[bool], detections: &[Detection], width: usize, height: usize) -> Vec<u32> {
    let mut labels = vec![0u32; mask.len()];
    let mut depths = vec![f32::INFINITY; mask.len()];
    for (index, cell) in detections.iter().enumerate() {
        for_each_in_box(cell, 1.0 + BEYOND_BOX, width, height, |at, depth| {
            if mask[at] && depth < depths[at] {
                depths[at] = depth;
                labels[at] = index as u32 + 1;
            }
        });
    }
    labels
}

/// Sets free the parts of a cell that do not reach its core.
fn release_loose_parts(labels: &mut [u32], detections: &[Detection], width: usize) {
    let height = labels.len() / width;
    let parts = label_parts(labels, width);
    let mut is_core = vec![false; parts.count];
    for (index, cell) in detections.iter().enumerate() {
        for_each_in_ellipse(cell, CORE, width, height, |at| {
            if labels[at] == index as u32 + 1 {
                is_core[parts.part[at] as usize - 1] = true;
            }
        });
    }
    for (label, part) in labels.iter_mut().zip(&parts.part).filter(|(label, _)| **label > 0) {
        if !is_core[*part as usize - 1] {
            *label = 0;
        }
    }
}

/// Connected parts of equal labels.
struct Parts {
    /// Number of the part of each pixel from 1; 0 for background.
    part: Vec<u32>,
    count: usize,
}

fn label_parts(labels: &[u32], width: usize) -> Parts {
    let mut part = vec![0u32; labels.len()];
    let (mut count, mut pending) = (0u32, Vec::new());
    for start in 0..labels.len() {
        if labels[start] == 0 || part[start] > 0 {
            continue;
        }
        count += 1;
        part[start] = count;
        pending.push(start);
        while let Some(at) = pending.pop() {
            for near in neighbors(at, width, labels.len()) {
                if labels[near] == labels[start] && part[near] == 0 {
                    part[near] = count;
                    pending.push(near);
                }
            }
        }
    }
    Parts { part, count: count as usize }
}

fn neighbors(at: usize, width: usize, count: usize) -> impl Iterator<Item = usize> {
    let x = at % width;
    [
        (x > 0).then(|| at - 1),
        (x + 1 < width).then_some(at + 1),
        at.checked_sub(width),
        (at + width < count).then_some(at + width),
    ]
    .into_iter()
    .flatten()
}

/// Which detected red cells have hardly a stained pixel.
fn ghosts(labels: &[u32], detections: &[Detection], width: usize, height: usize) -> Vec<bool> {
    let is_ghost = |(index, cell): (usize, &Detection)| {
        let (mut inside, mut own, mut others) = (0.0_f32, 0.0_f32, 0.0_f32);
        for_each_in_ellipse(cell, 1.0, width, height, |at| {
            inside += 1.0;
            own += f32::from(u8::from(labels[at] == index as u32 + 1));
            others += f32::from(u8::from(labels[at] != index as u32 + 1 && labels[at] > 0));
        });
        cell.kind == DetectedKind::RedCell && own < GHOST_COVER * (inside - others)
    };
    detections.iter().enumerate().map(is_ghost).collect()
}

/// Joins small free parts to the cell they touch most and makes objects of the others.
fn place_free_parts(
    labels: &mut [u32],
    mask: &[bool],
    found: &mut Vec<Option<Detection>>,
    width: usize,
    nominal_area_px: f64,
) {
    let free: Vec<bool> = mask.iter().zip(labels.iter()).map(|(inside, label)| *inside && *label == 0).collect();
    let parts = connected_regions(&free, width, Connectivity::Four);
    let height = labels.len() / width;
    let at_frame = |at: usize| {
        at.is_multiple_of(width) || (at + 1).is_multiple_of(width) || at < width || at + width >= labels.len()
    };
    let mut reaches_frame = vec![false; found.len() + 1];
    for at in (0..labels.len()).filter(|at| at_frame(*at)) {
        reaches_frame[labels[at] as usize] = true;
    }
    let mut contacts: Vec<std::collections::BTreeMap<u32, u32>> = vec![Default::default(); parts.regions.len()];
    for at in 0..labels.len() {
        if let Some(part) = (parts.labels[at] as usize).checked_sub(1) {
            for near in neighbors(at, width, labels.len()).filter(|near| labels[*near] > 0) {
                *contacts[part].entry(labels[near]).or_insert(0) += 1;
            }
        }
    }
    let names: Vec<u32> = parts
        .regions
        .iter()
        .zip(&contacts)
        .map(|(region, contacts)| {
            let touched = contacts.iter().max_by_key(|(label, edges)| (**edges, std::cmp::Reverse(**label)));
            match touched {
                Some((label, _))
                    if f64::from(region.area_px) <= TAIL_MAX_SHARE * nominal_area_px
                        && (reaches_frame[*label as usize] || !region.touches_edge(width, height)) =>
                {
                    *label
                }
                _ => {
                    found.push(None);
                    found.len() as u32
                }
            }
        })
        .collect();
    for (label, part) in labels.iter_mut().zip(&parts.labels).filter(|(_, part)| **part > 0) {
        *label = names[*part as usize - 1];
    }
}

/// Background that one cell encloses alone becomes its own.
fn fill_enclosed(labels: &mut [u32], width: usize) {
    let height = labels.len() / width;
    let empty: Vec<bool> = labels.iter().map(|label| *label == 0).collect();
    let holes = connected_regions(&empty, width, Connectivity::Four);
    // The one label around a hole; 0 once there are two.
    let mut around: Vec<Option<u32>> = vec![None; holes.regions.len()];
    for at in 0..labels.len() {
        if let Some(hole) = (holes.labels[at] as usize).checked_sub(1) {
            for near in neighbors(at, width, labels.len()).filter(|near| labels[*near] > 0) {
                let known = around[hole].get_or_insert(labels[near]);
                if *known != labels[near] {
                    *known = 0;
                }
            }
        }
    }
    for (label, hole) in labels.iter_mut().zip(&holes.labels) {
        if let Some(hole) = (*hole as usize).checked_sub(1)
            && !holes.regions[hole].touches_edge(width, height)
        {
            *label = around[hole].unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOMINAL: f64 = 314.0;

    fn cell(kind: DetectedKind, bounds: [f32; 4]) -> Detection {
        Detection { kind, bounds, probability: 0.9 }
    }

    fn red(bounds: [f32; 4]) -> Detection {
        cell(DetectedKind::RedCell, bounds)
    }

    fn mask(width: usize, height: usize, inside: impl Fn(f32, f32) -> bool) -> Vec<bool> {
        (0..width * height).map(|i| inside((i % width) as f32 + 0.5, (i / width) as f32 + 0.5)).collect()
    }

    fn disc(x: f32, y: f32, cx: f32, cy: f32, radius: f32) -> bool {
        (x - cx).hypot(y - cy) <= radius
    }

    fn area(assigned: &Assigned, label: u32) -> usize {
        assigned.labels.iter().filter(|found| **found == label).count()
    }

    #[test]
    fn two_overlapping_discs_are_divided_along_their_chord() {
        let mask = mask(40, 20, |x, y| disc(x, y, 13.0, 10.0, 8.0) || disc(x, y, 25.0, 10.0, 8.0));
        let found = assign(&mask, &[red([5.0, 2.0, 21.0, 18.0]), red([17.0, 2.0, 33.0, 18.0])], 40, NOMINAL);
        assert_eq!(found.detections.len(), 2);
        assert_eq!(area(&found, 1), area(&found, 2));
        for (at, label) in found.labels.iter().enumerate().filter(|(_, label)| **label > 0) {
            assert_eq!(*label, if at % 40 < 19 { 1 } else { 2 });
        }
    }

    #[test]
    fn every_stained_pixel_has_a_label_and_no_other_has() {
        let mask = mask(60, 30, |x, y| disc(x, y, 12.0, 12.0, 8.0) || (y - 25.0).abs() < 2.0 && x > 30.0);
        let found = assign(&mask, &[red([4.0, 4.0, 20.0, 20.0])], 60, NOMINAL);
        for (inside, label) in mask.iter().zip(&found.labels) {
            assert_eq!(*inside, *label > 0);
        }
        // The bar was not detected: an object of its own, without a detection.
        assert_eq!(found.detections.len(), 2);
        assert_eq!(found.detections[1], None);
        assert_eq!(area(&found, 2), 29 * 4 + 4);
    }

    #[test]
    fn a_tail_joins_its_cell_and_a_large_free_part_does_not() {
        for (length, objects) in [(16.0, 1), (70.0, 2)] {
            let mask = mask(120, 24, |x, y| {
                disc(x, y, 12.0, 12.0, 8.0) || (y - 12.0).abs() < 2.0 && (12.0..24.0 + length).contains(&x)
            });
            let found = assign(&mask, &[red([4.0, 4.0, 20.0, 20.0])], 120, NOMINAL);
            assert_eq!(found.detections.len(), objects, "tail of {length} px");
        }
    }

    #[test]
    fn a_ghost_gets_its_ellipse_and_an_unstained_platelet_nothing() {
        let nothing = vec![false; 900];
        let found = assign(&nothing, &[red([5.0, 5.0, 25.0, 25.0])], 30, NOMINAL);
        assert!((area(&found, 1) as f64 / 314.0 - 1.0).abs() < 0.03);
        assert_eq!(found.ghosts, [true]);
        let platelet = cell(DetectedKind::Platelet, [5.0, 5.0, 15.0, 15.0]);
        assert_eq!(area(&assign(&nothing, &[platelet], 30, NOMINAL), 1), 0);
    }

    #[test]
    fn an_enclosed_hole_is_filled_and_a_gap_between_cells_is_not() {
        let ring = mask(30, 30, |x, y| disc(x, y, 15.0, 15.0, 10.0) && !disc(x, y, 15.0, 15.0, 4.0));
        let found = assign(&ring, &[red([5.0, 5.0, 25.0, 25.0])], 30, NOMINAL);
        assert_eq!(found.labels[15 * 30 + 15], 1);
        let square =
            mask(30, 30, |x, y| (3.0..27.0).contains(&x) && (3.0..27.0).contains(&y) && !disc(x, y, 15.0, 15.0, 3.0));
        let halves = [red([3.0, 3.0, 15.0, 27.0]), red([15.0, 3.0, 27.0, 27.0])];
        assert_eq!(assign(&square, &halves, 30, NOMINAL).labels[15 * 30 + 15], 0);
    }

    #[test]
    fn a_fragment_beside_a_cell_is_not_part_of_it() {
        let mask = mask(40, 24, |x, y| {
            disc(x, y, 12.0, 12.0, 8.0) || (22.0..25.0).contains(&x) && disc(x, y, 22.0, 12.0, 3.0)
        });
        let found = assign(&mask, &[red([4.0, 4.0, 20.0, 20.0])], 40, NOMINAL);
        assert_eq!(found.detections, [Some(red([4.0, 4.0, 20.0, 20.0])), None]);
    }
}
