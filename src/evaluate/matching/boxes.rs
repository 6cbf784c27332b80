//! One-to-one pairs of labelled and found boxes.

use super::{MIN_IOU, bounds_of, greedy_pairs, is_found, touches_frame};
use crate::smear::{ClassifiedCell, LabeledField, TruthKind};

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

#[cfg(test)]
mod tests {
    use super::super::scenes::{boxed, counted, field, found, labelled, point};
    use super::*;
    use crate::smear::CellClass::Normal;
    use crate::smear::{CellStatus, ExclusionReason, LabeledCell};

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
}
