//! Which counted cell belongs to which labelled one.
//!
//! In: the labels of a field and its objects, both in pixels of the original image. Out: for each labelled red cell
//! where its point fell; one-to-one pairs of boxes; one-to-one pairs of masks.
//!
//! A cell counts as found where it is counted, or sound in a refused field: segmentation is judged apart from quality.
//! Boxes and outlines that touch the frame are left aside: the pipeline excludes cut cells on purpose.
//!
//! Limits: a point cannot show that its cell was split unless the parts overlap; a box or an outline can.

mod boxes;
mod mask;
mod points;
mod readings;

pub(super) use boxes::{BoxTally, match_boxes};
pub(super) use mask::{MaskTally, match_masks};
pub(super) use points::{Outcome, PointMatch, match_points};
pub(super) use readings::{ReadMatch, match_readings};

use crate::smear::{
    Bounds, CellStatus, ClassifiedCell, Contour, ExclusionReason, LabeledCell, LabeledField, TruthKind,
};

/// Least overlap (intersection over union) of a labelled and a found cell that makes them one, as in PASCAL VOC
/// (Everingham et al. 2010).
pub const MIN_IOU: f64 = 0.5;

/// How close to the frame a labelled box or an outline touches it, px. Rounding of YOLO fractions and 1-based VOC
/// corners stays below; in the public sets boxes of cut cells end within it.
pub const FRAME_TOLERANCE_PX: f64 = 2.0;

/// Whether the segmenter found this object as a whole red cell.
fn is_found(cell: &ClassifiedCell) -> bool {
    matches!(cell.status, CellStatus::Counted(_) | CellStatus::Excluded(ExclusionReason::FieldRefused, _))
}

/// Whether a rectangle touches the frame of the field.
fn touches_frame(field: &LabeledField, bounds: &Bounds) -> bool {
    bounds.x_min <= FRAME_TOLERANCE_PX
        || bounds.y_min <= FRAME_TOLERANCE_PX
        || bounds.x_max >= f64::from(field.width_px) - FRAME_TOLERANCE_PX
        || bounds.y_max >= f64::from(field.height_px) - FRAME_TOLERANCE_PX
}

/// Outline of a labelled cell, where labelled.
fn outline_of(cell: &LabeledCell) -> Option<Contour> {
    cell.contour.clone().and_then(Contour::new)
}

/// Bounding rectangle of a labelled cell: its box, else that of its outline.
fn bounds_of(cell: &LabeledCell) -> Option<Bounds> {
    let labelled = cell.bounds.map(|[x_min, y_min, x_max, y_max]| Bounds { x_min, y_min, x_max, y_max });
    labelled.or_else(|| outline_of(cell).map(|outline| outline.bounds()))
}

/// Labelled white cells that lie in a found red cell, and all of them that have a position.
pub(super) fn white_cells(field: &LabeledField, cells: &[ClassifiedCell]) -> (u64, u64) {
    let white = field.cells.iter().filter(|cell| cell.kind == TruthKind::WhiteCell);
    white.filter_map(points::position_of).fold((0, 0), |(taken, all), [x, y]| {
        let is_taken = cells.iter().any(|cell| is_found(cell) && cell.cell.contour.contains(x, y));
        (taken + u64::from(is_taken), all + 1)
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
pub(super) mod scenes {
    //! Fields of square cells for the tests of this folder and of the evaluation.

    use super::*;
    use crate::smear::{Call, Cell, CellClass, CellId, Morphology, ObjectKind};
    use crate::stats::Probability;

    pub(in crate::evaluate) fn square(x: f64, y: f64, side: f64) -> Vec<[f64; 2]> {
        vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side]]
    }

    /// A found cell with a square outline.
    pub(in crate::evaluate) fn found(x: f64, y: f64, side: f64, status: CellStatus) -> ClassifiedCell {
        let kind = match status {
            CellStatus::Excluded(reason, _) => ObjectKind::Excluded(reason),
            CellStatus::Counted(_) => ObjectKind::RedCell,
        };
        let morphology = Morphology {
            area_um2: 40.0,
            perimeter_um: 24.0,
            diameter_um: 7.0,
            circularity: 0.9,
            solidity: 1.0,
            aspect_ratio: 1.0,
            mean_optical_density: 0.2,
            pallor_contrast: None,
        };
        let contour = Contour::new(square(x, y, side)).expect("four points");
        ClassifiedCell {
            cell: Cell { id: CellId(1), contour, morphology, kind, hidden_share: 0.0 },
            status,
            form: None,
        }
    }

    /// A call of a class with its schistocyte probability.
    pub(in crate::evaluate) fn call(class: CellClass, schistocyte_probability: f64) -> Call {
        let probability = |value| Probability::new(value).expect("a probability");
        Call {
            class,
            class_probability: probability(0.9),
            schistocyte_probability: probability(schistocyte_probability),
        }
    }

    /// A counted cell.
    pub(in crate::evaluate) fn counted(
        x: f64,
        y: f64,
        side: f64,
        class: CellClass,
        probability: f64,
    ) -> ClassifiedCell {
        found(x, y, side, CellStatus::Counted(call(class, probability)))
    }

    pub(in crate::evaluate) fn labelled(kind: TruthKind, class: Option<CellClass>) -> LabeledCell {
        LabeledCell { kind, class, form: None, point: None, bounds: None, contour: None }
    }

    /// A red cell labelled by a point.
    pub(in crate::evaluate) fn point(x: f64, y: f64, class: CellClass) -> LabeledCell {
        LabeledCell { point: Some([x, y]), ..labelled(TruthKind::RedCell, Some(class)) }
    }

    /// A red cell labelled by a square box.
    pub(in crate::evaluate) fn boxed(x: f64, y: f64, side: f64) -> LabeledCell {
        LabeledCell { bounds: Some([x, y, x + side, y + side]), ..labelled(TruthKind::RedCell, None) }
    }

    /// A field of 200 × 200 px.
    pub(in crate::evaluate) fn field(complete: bool, cells: Vec<LabeledCell>) -> LabeledField {
        LabeledField { field: "a.png".to_owned(), width_px: 200, height_px: 200, um_per_px: None, complete, cells }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_overlap_is_served_first() {
        let pairs = greedy_pairs(vec![(0.6, 0, 0), (0.9, 1, 0), (0.5, 0, 1), (0.5, 2, 1)]);
        assert_eq!(pairs, [(0.9, 1, 0), (0.5, 0, 1)]);
    }

    #[test]
    fn a_white_cell_inside_a_counted_cell_is_taken_for_red() {
        let white = |x: f64| LabeledCell {
            bounds: Some([x, 50.0, x + 30.0, 80.0]),
            ..scenes::labelled(TruthKind::WhiteCell, None)
        };
        let field = scenes::field(true, vec![white(50.0), white(120.0)]);
        let cells = [scenes::counted(50.0, 50.0, 30.0, crate::smear::CellClass::Normal, 0.1)];
        assert_eq!(white_cells(&field, &cells), (1, 2));
    }

    #[test]
    fn the_frame_is_touched_within_the_tolerance() {
        let field = scenes::field(true, Vec::new());
        let touches = |x_min, x_max| touches_frame(&field, &Bounds { x_min, y_min: 50.0, x_max, y_max: 90.0 });
        assert!(touches(2.0, 40.0) && touches(60.0, 198.0));
        assert!(!touches(2.1, 40.0) && !touches(60.0, 197.9));
    }
}
