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

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;

use super::detect::{DetectedKind, Detection};
use crate::optics::BAND_ROWS;
use crate::optics::regions::{Connectivity, Regions, connected_regions, regions_of_runs};
use crate::optics::runs::{RowRuns, Run};

/// How far beyond its box a cell may own pixels, share of a half side: the boxes of the detector are good to about that.
const BEYOND_BOX: f32 = 0.1;
/// A part of a cell must have a pixel this deep in its box.
const CORE: f32 = 0.64;
/// Share of a box's ellipse that must be stained; below it the cell is a ghost.
const GHOST_COVER: f32 = 0.3;
/// Boxes that one thread looks into at least.
const BOXES_TOGETHER: usize = 256;
/// Free parts up to this share of a nominal red cell join the cell they touch.
const TAIL_MAX_SHARE: f64 = 0.25;

/// Labelled pixels and where the labels come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Assigned {
    /// Label of each pixel, 0 for background.
    pub labels: Vec<u32>,
    /// The same, run by run.
    pub runs: RowRuns,
    /// Detection of each label, label `n` at index `n - 1`; `None` for an object that was not detected.
    pub detections: Vec<Option<Detection>>,
    /// Whether the outline of each label is that of its box alone.
    pub ghosts: Vec<bool>,
}

/// Gives every stained pixel a label. `mask` holds whole rows of `width`.
pub(super) fn assign(mask: &[bool], detections: &[Detection], width: usize, nominal_area_px: f64) -> Assigned {
    let height = mask.len() / width;
    let boxes: Vec<DepthBox> = detections.iter().map(|cell| DepthBox::new(cell, width, height)).collect();
    let mut labels = deepest(mask, &boxes, width);
    release_loose_parts(&mut labels, &boxes, width);
    let mut ghosts = ghosts(&labels, detections, &boxes, width);
    for (index, cell) in boxes.iter().enumerate().filter(|(index, _)| ghosts[*index]) {
        for (row, depths) in cell.inner_rows(width) {
            for (label, across) in labels[row].iter_mut().zip(depths.across) {
                if *label == 0 && depths.down + across <= 1.0 {
                    *label = index as u32 + 1;
                }
            }
        }
    }
    let mut found: Vec<Option<Detection>> = detections.iter().copied().map(Some).collect();
    place_free_parts(&mut labels, mask, &mut found, width, nominal_area_px);
    let runs = fill_enclosed(&mut labels, width);
    ghosts.resize(found.len(), false);
    Assigned { labels, runs, detections: found, ghosts }
}

/// A cell's box with the depth of its columns: the depth of a pixel is the sum of that of its column and of its row.
struct DepthBox {
    center: [f32; 2],
    half_sides: [f32; 2],
    /// Columns and rows in the box or hardly beyond.
    outer: [Range<usize>; 2],
    /// Columns and rows in the box.
    inner: [Range<usize>; 2],
    /// Depth of the columns of `outer`.
    across: Vec<f32>,
}

/// Depth of the pixels of a row of a box.
struct RowDepths<'a> {
    down: f32,
    across: &'a [f32],
}

impl DepthBox {
    fn new(cell: &Detection, width: usize, height: usize) -> Self {
        let [x_min, y_min, x_max, y_max] = cell.bounds;
        let center = [(x_min + x_max) / 2.0, (y_min + y_max) / 2.0];
        // Half a pixel is the least half side, so that a box without a width divides by something.
        let half_sides = [((x_max - x_min) / 2.0).max(0.5), ((y_max - y_min) / 2.0).max(0.5)];
        let range = |axis: usize, stretch: f32| {
            let low = (center[axis] - stretch * half_sides[axis]).max(0.0) as usize;
            let high = (center[axis] + stretch * half_sides[axis]).ceil().max(0.0) as usize;
            let high = high.min([width, height][axis]);
            low.min(high)..high
        };
        let outer = [range(0, 1.0 + BEYOND_BOX), range(1, 1.0 + BEYOND_BOX)];
        let mut new = Self { center, half_sides, outer, inner: [range(0, 1.0), range(1, 1.0)], across: Vec::new() };
        new.across = new.outer[0].clone().map(|x| new.depth(0, x)).collect();
        new
    }

    /// Squared distance from the center along an axis, in half sides.
    fn depth(&self, axis: usize, at: usize) -> f32 {
        ((at as f32 + 0.5 - self.center[axis]) / self.half_sides[axis]).powi(2)
    }

    /// Those of some rows that the box has, stretched by [`BEYOND_BOX`]: the indices of its pixels and their depths.
    fn outer_rows(&self, among: &Range<usize>, width: usize) -> impl Iterator<Item = (Range<usize>, RowDepths<'_>)> {
        let [columns, rows] = &self.outer;
        self.rows(columns, rows.start.max(among.start)..rows.end.min(among.end), width)
    }

    /// Each row of the box.
    fn inner_rows(&self, width: usize) -> impl Iterator<Item = (Range<usize>, RowDepths<'_>)> {
        let [columns, rows] = &self.inner;
        self.rows(columns, rows.clone(), width)
    }

    fn rows(
        &self,
        columns: &Range<usize>,
        rows: Range<usize>,
        width: usize,
    ) -> impl Iterator<Item = (Range<usize>, RowDepths<'_>)> {
        let (columns, first) = (columns.clone(), self.outer[0].start);
        rows.map(move |y| {
            let across = &self.across[columns.start - first..columns.end - first];
            (y * width + columns.start..y * width + columns.end, RowDepths { down: self.depth(1, y), across })
        })
    }

    /// Least depth of the pixels of a run.
    fn least_depth(&self, y: usize, run: &Run) -> f32 {
        let nearest = (self.center[0].max(0.0) as usize).clamp(run.start as usize, run.end as usize - 1);
        self.depth(1, y) + self.depth(0, nearest)
    }
}

/// The cell of each stained pixel, 0 for none.
///
/// METHOD: labels are written before they are read. Memory that is zero by promise is read as a page in common, and the first
/// write to such a page stops the other threads: half of the time of this step, on two threads and a picture of 8 megapixels.
fn deepest(mask: &[bool], boxes: &[DepthBox], width: usize) -> Vec<u32> {
    let mut labels = vec![0u32; mask.len()];
    let level = Level::new();
    labels.par_chunks_mut(BAND_ROWS * width.max(1)).enumerate().for_each(|(band, labels)| {
        let first = band * BAND_ROWS;
        let rows = first..first + labels.len() / width;
        labels.fill(0);
        let mut depths = vec![f32::INFINITY; labels.len()];
        for (index, cell) in boxes.iter().enumerate() {
            let label = index as u32 + 1;
            for (row, own) in cell.outer_rows(&rows, width) {
                let here = row.start - first * width..row.end - first * width;
                let (mask, labels, depths) = (&mask[row], &mut labels[here.clone()], &mut depths[here]);
                dispatch!(level, _ => take_deeper(label, &own, mask, labels, depths));
            }
        }
    });
    labels
}

/// Gives the stained pixels of a row that lie deeper than so far to a label.
#[inline(always)]
fn take_deeper(label: u32, own: &RowDepths<'_>, mask: &[bool], labels: &mut [u32], depths: &mut [f32]) {
    for (((across, inside), taken), least) in own.across.iter().zip(mask).zip(labels).zip(depths) {
        let depth = own.down + across;
        let deeper = *inside & (depth < *least);
        *least = if deeper { depth } else { *least };
        *taken = if deeper { label } else { *taken };
    }
}

/// Sets free the parts of a cell that do not reach its core.
fn release_loose_parts(labels: &mut [u32], boxes: &[DepthBox], width: usize) {
    let parts = regions_of_runs(RowRuns::of_labels(labels, width), Connectivity::Four);
    let mut is_core = vec![false; parts.regions.len()];
    for (y, run, part) in parts.runs() {
        is_core[part] |= boxes[run.value as usize - 1].least_depth(y, run) <= CORE;
    }
    for (y, run, _) in parts.runs().filter(|(_, _, part)| !is_core[*part]) {
        labels[run.at(y, width)].fill(0);
    }
}

/// Which detected red cells have hardly a stained pixel.
fn ghosts(labels: &[u32], detections: &[Detection], boxes: &[DepthBox], width: usize) -> Vec<bool> {
    let level = Level::new();
    let is_ghost = |(index, cell): (usize, &Detection)| {
        let label = index as u32 + 1;
        let mut pixels = EllipsePixels::default();
        if cell.kind == DetectedKind::RedCell {
            for (row, depths) in boxes[index].inner_rows(width) {
                let labels = &labels[row];
                dispatch!(level, _ => pixels.count(label, labels, &depths));
            }
        }
        let [inside, own, others] = [pixels.inside, pixels.own, pixels.others].map(|count| count as f32);
        cell.kind == DetectedKind::RedCell && own < GHOST_COVER * (inside - others)
    };
    detections.par_iter().with_min_len(BOXES_TOGETHER).enumerate().map(is_ghost).collect()
}

/// Pixels of a cell's ellipse: all, its own, and those of other cells.
#[derive(Default)]
struct EllipsePixels {
    inside: u32,
    own: u32,
    others: u32,
}

impl EllipsePixels {
    #[inline(always)]
    fn count(&mut self, label: u32, labels: &[u32], depths: &RowDepths<'_>) {
        for (found, across) in labels.iter().zip(depths.across) {
            let inside = depths.down + across <= 1.0;
            self.inside += u32::from(inside);
            self.own += u32::from(inside & (*found == label));
            self.others += u32::from(inside & (*found != label) & (*found > 0));
        }
    }
}

/// Joins small free parts to the cell they touch most and makes objects of the others.
fn place_free_parts(
    labels: &mut [u32],
    mask: &[bool],
    found: &mut Vec<Option<Detection>>,
    width: usize,
    nominal_area_px: f64,
) {
    let pixels = mask.par_iter().zip(&*labels).with_min_len(BAND_ROWS * width.max(1));
    let free: Vec<bool> = pixels.map(|(inside, label)| *inside & (*label == 0)).collect();
    let parts = connected_regions(&free, width, Connectivity::Four);
    let height = labels.len() / width;
    let mut reaches_frame = vec![false; found.len() + 1];
    let sides = (0..height).flat_map(|y| [y * width, (y + 1) * width - 1]);
    for at in (0..width).chain(labels.len() - width..labels.len()).chain(sides) {
        reaches_frame[labels[at] as usize] = true;
    }
    let mut contacts: Vec<BTreeMap<u32, u32>> = vec![BTreeMap::new(); parts.regions.len()];
    each_contact(&parts, labels, width, |_| true, |part, label| *contacts[part].entry(label).or_insert(0) += 1);
    let names: Vec<u32> = parts
        .regions
        .iter()
        .zip(&contacts)
        .map(|(region, contacts)| {
            let touched = contacts.iter().max_by_key(|(label, edges)| (**edges, Reverse(**label)));
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
    for (y, run, part) in parts.runs() {
        labels[run.at(y, width)].fill(names[part]);
    }
}

/// Calls `touch` with region and label for each pixel edge between one of the `wanted` regions and a label. The pixels of
/// the regions carry no label themselves.
fn each_contact(
    regions: &Regions,
    labels: &[u32],
    width: usize,
    wanted: impl Fn(usize) -> bool,
    mut touch: impl FnMut(usize, u32),
) {
    for (y, run, region) in regions.runs().filter(|(_, _, region)| wanted(*region)) {
        let span = run.at(y, width);
        let left = (run.start > 0).then(|| span.start - 1..span.start);
        let right = ((run.end as usize) < width).then(|| span.end..span.end + 1);
        let above = (y > 0).then(|| span.start - width..span.end - width);
        let below = (span.end + width <= labels.len()).then(|| span.start + width..span.end + width);
        for near in [left, right, above, below].into_iter().flatten() {
            labels[near].iter().filter(|label| **label > 0).for_each(|label| touch(region, *label));
        }
    }
}

/// Background that one cell encloses alone becomes its own. Returns the runs of the labels.
fn fill_enclosed(labels: &mut [u32], width: usize) -> RowRuns {
    let height = labels.len() / width;
    let runs = RowRuns::of_labels(labels, width);
    let holes = regions_of_runs(runs.gaps(width), Connectivity::Four);
    let is_enclosed: Vec<bool> = holes.regions.iter().map(|hole| !hole.touches_edge(width, height)).collect();
    // The one label around a hole; 0 once there are two.
    let mut around: Vec<Option<u32>> = vec![None; holes.regions.len()];
    each_contact(
        &holes,
        labels,
        width,
        |hole| is_enclosed[hole],
        |hole, label| {
            let known = around[hole].get_or_insert(label);
            if *known != label {
                *known = 0;
            }
        },
    );
    let mut has_changed = false;
    for (y, run, hole) in holes.runs() {
        if let Some(label) = around[hole].filter(|label| *label > 0) {
            labels[run.at(y, width)].fill(label);
            has_changed = true;
        }
    }
    if has_changed { RowRuns::of_labels(labels, width) } else { runs }
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
