//! One-to-one pairs of labelled and found cells, by their boxes and by the pixels of their outlines.
//!
//! Method of the outlines: a pixel belongs to an outline where its center lies inside by the even–odd rule. Pairs overlap by
//! more than one half and are therefore unique (Kirillov et al., CVPR 2019, arXiv 1801.00868). Panoptic quality = Σ overlap
//! of pairs / (pairs + half of the unpaired on either side).

use super::geometry::{bounds_of, crossings, is_found, outline_of, touches_frame};
use crate::smear::{ClassifiedCell, Contour, LabeledField, TruthKind};

/// Least overlap (intersection over union) of a labelled and a found cell that makes them one, as in PASCAL VOC
/// (Everingham et al. 2010).
const MIN_IOU: f64 = 0.5;

/// Boxes of a field, those at the frame left aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::evaluate) struct BoxTally {
    /// Labelled red cell boxes inside the frame.
    pub labelled: u64,
    /// Of them paired with a found cell at [`MIN_IOU`].
    pub matched: u64,
    /// Found cells, without those paired with a box at the frame.
    pub found: u64,
    /// Labelled boxes that touch the frame.
    pub aside: u64,
}

/// Pairs the boxes of a field, greatest overlap first; `None` where no red cell carries a box or an outline.
pub(in crate::evaluate) fn match_boxes(field: &LabeledField, cells: &[ClassifiedCell]) -> Option<BoxTally> {
    let red = field.cells.iter().filter(|cell| cell.kind == TruthKind::RedCell);
    let labelled: Vec<_> = red.filter_map(bounds_of).collect();
    if labelled.is_empty() {
        return None;
    }
    let found: Vec<_> = cells.iter().filter(|cell| is_found(cell)).map(|cell| cell.cell.contour.bounds()).collect();
    let overlaps = labelled.iter().enumerate().flat_map(|(truth, labelled)| {
        let with = |(cell, found)| (labelled.iou(found), truth, cell);
        found.iter().enumerate().map(with).filter(|(iou, ..)| *iou >= MIN_IOU).collect::<Vec<_>>()
    });
    let pairs = greedy_pairs(overlaps.collect());
    let at_frame: Vec<bool> = labelled.iter().map(|bounds| touches_frame(field, bounds)).collect();
    let aside = at_frame.iter().filter(|&&at_frame| at_frame).count() as u64;
    let matched_aside = pairs.iter().filter(|(_, truth, _)| at_frame[*truth]).count() as u64;
    Some(BoxTally {
        labelled: labelled.len() as u64 - aside,
        matched: pairs.len() as u64 - matched_aside,
        found: found.len() as u64 - matched_aside,
        aside,
    })
}

/// Outlines of a field, those at the frame left aside.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::evaluate) struct MaskTally {
    /// Labelled red cell outlines inside the frame.
    pub labelled: u64,
    /// Of them paired with a found cell.
    pub matched: u64,
    /// Sum of the overlaps of the pairs.
    pub iou_sum: f64,
    /// Found cells, without those paired with an outline at the frame.
    pub found: u64,
}

/// Pixels of an outline: in each row, from `first_row` down, half-open spans of columns.
struct Mask {
    first_row: i64,
    rows: Vec<Vec<[i64; 2]>>,
    area: i64,
}

impl Mask {
    fn of(outline: &Contour) -> Self {
        let bounds = outline.bounds();
        let (first_row, end_row) = (center_from(bounds.y_min), center_from(bounds.y_max));
        let rows: Vec<_> = (first_row..end_row).map(|row| spans(outline, row as f64 + 0.5)).collect();
        let area = rows.iter().flatten().map(|span| span[1] - span[0]).sum();
        Self { first_row, rows, area }
    }

    /// Intersection over union, 0–1; 0 where both are empty.
    fn iou(&self, other: &Self) -> f64 {
        let first = self.first_row.max(other.first_row);
        let end = (self.first_row + self.rows.len() as i64).min(other.first_row + other.rows.len() as i64);
        let common: i64 = (first..end)
            .flat_map(|row| {
                let (own, theirs) =
                    (&self.rows[(row - self.first_row) as usize], &other.rows[(row - other.first_row) as usize]);
                own.iter().flat_map(move |a| theirs.iter().map(move |b| (a[1].min(b[1]) - a[0].max(b[0])).max(0)))
            })
            .sum();
        let union = self.area + other.area - common;
        if union > 0 { common as f64 / union as f64 } else { 0.0 }
    }
}

/// The first pixel whose center lies at or behind a coordinate.
fn center_from(coordinate: f64) -> i64 {
    (coordinate - 0.5).ceil() as i64
}

/// Spans of pixels inside an outline on the line `y`.
fn spans(outline: &Contour, y: f64) -> Vec<[i64; 2]> {
    let crossings = crossings(outline, y);
    crossings.chunks_exact(2).map(|pair| [center_from(pair[0]), center_from(pair[1])]).collect()
}

/// Pairs the outlines of a field; `None` where no red cell carries an outline.
pub(in crate::evaluate) fn match_masks(field: &LabeledField, cells: &[ClassifiedCell]) -> Option<MaskTally> {
    let red = field.cells.iter().filter(|cell| cell.kind == TruthKind::RedCell);
    let labelled: Vec<_> = red.filter_map(outline_of).map(|outline| (outline.bounds(), Mask::of(&outline))).collect();
    if labelled.is_empty() {
        return None;
    }
    let outlines = cells.iter().filter(|cell| is_found(cell)).map(|cell| &cell.cell.contour);
    let found: Vec<_> = outlines.map(|outline| (outline.bounds(), Mask::of(outline))).collect();
    let mut overlaps = Vec::new();
    for (truth, (truth_bounds, truth_mask)) in labelled.iter().enumerate() {
        for (cell, (bounds, mask)) in found.iter().enumerate() {
            // Outlines of disjoint rectangles share no pixel.
            if truth_bounds.iou(bounds) > 0.0 {
                let iou = truth_mask.iou(mask);
                if iou > MIN_IOU {
                    overlaps.push((iou, truth, cell));
                }
            }
        }
    }
    let at_frame = |truth: usize| touches_frame(field, &labelled[truth].0);
    let (aside, pairs): (Vec<_>, Vec<_>) = greedy_pairs(overlaps).into_iter().partition(|pair| at_frame(pair.1));
    let labelled_inside = (0..labelled.len()).filter(|&truth| !at_frame(truth)).count();
    Some(MaskTally {
        labelled: labelled_inside as u64,
        matched: pairs.len() as u64,
        iou_sum: pairs.iter().map(|(iou, ..)| iou).sum(),
        found: (found.len() - aside.len()) as u64,
    })
}

/// One-to-one pairs of (truth, found) from pairs with their overlap, the greatest overlap first.
///
/// Ties go to the lower index, so the order of the input decides nothing else.
fn greedy_pairs(mut overlaps: Vec<(f64, usize, usize)>) -> Vec<(f64, usize, usize)> {
    overlaps.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for overlap in overlaps {
        if pairs.iter().all(|pair| pair.1 != overlap.1 && pair.2 != overlap.2) {
            pairs.push(overlap);
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::geometry::scenes::{boxed, counted, field, found, labelled, point, square};
    use super::*;
    use crate::smear::CellClass::Normal;
    use crate::smear::{CellStatus, ExclusionReason, LabeledCell};

    #[test]
    fn the_greatest_overlap_is_served_first() {
        let pairs = greedy_pairs(vec![(0.6, 0, 0), (0.9, 1, 0), (0.5, 0, 1), (0.5, 2, 1)]);
        assert_eq!(pairs, [(0.9, 1, 0), (0.5, 0, 1)]);
    }

    #[test]
    fn overlap_on_both_sides_of_one_half() {
        // A square of side 30 and one of side a inside it share a²/900: a = 21.3 gives 0.504, a = 21.1 gives 0.495.
        for (side, matched) in [(21.3, 1), (21.1, 0)] {
            let tally =
                match_boxes(&field(true, vec![boxed(50.0, 50.0, 30.0)]), &[counted(50.0, 50.0, side, Normal, 0.1)]);
            assert_eq!(tally, Some(BoxTally { labelled: 1, matched, found: 1, aside: 0 }));
        }
    }

    #[test]
    fn boxes_at_the_frame_are_aside_with_what_they_match() {
        let labels = field(true, vec![boxed(0.0, 50.0, 30.0), boxed(60.0, 60.0, 30.0)]);
        let cells = [
            counted(1.0, 50.0, 30.0, Normal, 0.1),
            counted(60.0, 60.0, 30.0, Normal, 0.1),
            counted(150.0, 150.0, 30.0, Normal, 0.1),
            found(0.0, 100.0, 30.0, CellStatus::Excluded(ExclusionReason::FrameEdge, None)),
        ];
        assert_eq!(match_boxes(&labels, &cells), Some(BoxTally { labelled: 1, matched: 1, found: 2, aside: 1 }));
    }

    #[test]
    fn one_found_cell_serves_one_box() {
        let labels = field(true, vec![boxed(50.0, 50.0, 30.0), boxed(52.0, 50.0, 30.0)]);
        let tally = match_boxes(&labels, &[counted(51.5, 50.0, 30.0, Normal, 0.1)]).expect("boxes");
        assert_eq!((tally.labelled, tally.matched, tally.found), (2, 1, 1));
    }

    #[test]
    fn white_cells_are_no_red_cells_and_points_are_no_boxes() {
        let white = LabeledCell { bounds: Some([50.0, 50.0, 80.0, 80.0]), ..labelled(TruthKind::WhiteCell, None) };
        let labels = field(true, vec![white, boxed(100.0, 100.0, 30.0)]);
        let tally = match_boxes(&labels, &[counted(50.0, 50.0, 30.0, Normal, 0.1)]).expect("boxes");
        assert_eq!((tally.labelled, tally.matched, tally.found), (1, 0, 1));
        assert_eq!(match_boxes(&field(true, vec![point(5.0, 5.0, Normal)]), &[]), None);
    }

    fn outlined(x: f64, y: f64, side: f64) -> LabeledCell {
        LabeledCell { contour: Some(square(x, y, side)), ..labelled(TruthKind::RedCell, None) }
    }

    fn mask(points: Vec<[f64; 2]>) -> Mask {
        Mask::of(&Contour::new(points).expect("three or more points"))
    }

    #[test]
    fn squares_hold_their_pixels() {
        assert_eq!(mask(square(1.0, 2.0, 4.0)).area, 16);
        assert_eq!(mask(square(1.4, 2.4, 4.0)).area, 16);
        // Pixel centers 2.5 and 3.5 alone lie in 1.6–4.4 less its halves.
        assert_eq!(mask(square(1.6, 1.6, 2.8)).area, 4);
        let shifted = mask(square(0.0, 0.0, 4.0)).iou(&mask(square(2.0, 0.0, 4.0)));
        assert!((shifted - 8.0 / 24.0).abs() < 1e-12);
        assert_eq!(mask(square(0.0, 0.0, 4.0)).iou(&mask(square(9.0, 0.0, 4.0))), 0.0);
    }

    #[test]
    fn panoptic_parts_of_a_field() {
        let labels =
            field(true, vec![outlined(20.0, 20.0, 20.0), outlined(100.0, 100.0, 20.0), outlined(0.0, 60.0, 20.0)]);
        let cells = [
            counted(22.0, 20.0, 20.0, Normal, 0.1),
            counted(150.0, 150.0, 20.0, Normal, 0.1),
            counted(0.0, 60.0, 20.0, Normal, 0.1),
        ];
        let tally = match_masks(&labels, &cells).expect("outlines");
        assert_eq!((tally.labelled, tally.matched, tally.found), (2, 1, 2));
        assert!((tally.iou_sum - 360.0 / 440.0).abs() < 1e-12);
        assert_eq!(match_masks(&field(true, Vec::new()), &cells), None);
    }

    #[test]
    fn exactly_one_half_is_no_pair() {
        let labels = field(true, vec![outlined(20.0, 20.0, 20.0)]);
        let half = LabeledCell {
            contour: Some(vec![[20.0, 20.0], [40.0, 20.0], [40.0, 30.0], [20.0, 30.0]]),
            ..labelled(TruthKind::RedCell, None)
        };
        let cells = [counted(20.0, 20.0, 20.0, Normal, 0.1)];
        assert_eq!(match_masks(&field(true, vec![half]), &cells).expect("outlines").matched, 0);
        assert_eq!(match_masks(&labels, &cells).expect("outlines").matched, 1);
    }

    proptest! {
        #[test]
        fn area_comes_close_to_the_polygon_and_overlap_is_symmetric(
            points in prop::collection::vec([0.0..60.0_f64, 0.0..60.0_f64], 3..8),
            shift in 0.0..10.0_f64,
        ) {
            let hull = Contour::new(points).expect("three or more points").convex_hull();
            let (own, area) = (Mask::of(&hull), hull.area_px());
            // A convex outline cuts at most one pixel for each pixel of its length, and at its corners.
            prop_assert!((own.area as f64 - area).abs() <= hull.perimeter_px() + 4.0);
            let points = hull.points().iter().map(|p| [p[0] + shift, p[1]]).collect();
            let moved = Contour::new(points).expect("as many points");
            let other = Mask::of(&moved);
            prop_assert_eq!(own.iou(&other), other.iou(&own));
            if own.area > 0 {
                prop_assert_eq!(own.iou(&own), 1.0);
            }
        }
    }
}
