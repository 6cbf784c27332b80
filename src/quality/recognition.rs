//! Whether the objects of a field are what a blood film shows, at the size that its scale promises.
//!
//! In: the objects, classified or not. Out: the share of cell-sized objects that were not recognized, and the median
//! diameter of the red cells, µm.
//!
//! METHOD: under light or stain that the models do not know a field shows many objects and few red cells, and those few are
//! no sample of it; at another magnification than its scale says its red cells have another size.

use std::f64::consts::PI;

use crate::smear::{
    CellStatus, ClassifiedCell, ExclusionReason, NOMINAL_RED_CELL_DIAMETER_UM, ObjectKind, Segmentation,
};
use crate::stats::median;

/// Least diameter of an object that counts, share of the nominal red cell: smaller ones are debris and platelets.
const CELL_SIZE_SHARE: f64 = 0.6;
/// Fewest objects that give a share: a white cell among few red cells says nothing of the light.
const MIN_OBJECTS: usize = 10;
/// Fewest red cells that give a median.
const MIN_RED_CELLS: usize = 5;

/// Share of the cell-sized objects inside the frame that were taken for no red cell; `None` of too few.
pub fn unrecognized_share(cells: &[ClassifiedCell]) -> Option<f64> {
    let mut all = 0usize;
    let mut unrecognized = 0usize;
    for object in cells {
        let reason = match object.status {
            CellStatus::Excluded(reason, _) => Some(reason),
            CellStatus::Counted(_) => None,
        };
        let is_cell_sized = object.cell.morphology.diameter_um >= CELL_SIZE_SHARE * NOMINAL_RED_CELL_DIAMETER_UM;
        if is_cell_sized && reason != Some(ExclusionReason::FrameEdge) {
            all += 1;
            // Heaps and large cells are recognized: red cells that cannot be parted or counted.
            unrecognized += usize::from(reason.is_some_and(ExclusionReason::is_unrecognized));
        }
    }
    (all >= MIN_OBJECTS).then(|| unrecognized as f64 / all as f64)
}

/// Median diameter of the whole red cells, µm; `um_per_px` is that of the outlines. `None` of too few.
pub fn red_cell_um(segmentation: &Segmentation, um_per_px: f64) -> Option<f64> {
    let red_cells = segmentation.objects.iter().filter(|object| object.kind == ObjectKind::RedCell);
    let mut diameters: Vec<f64> =
        red_cells.map(|object| 2.0 * (object.contour.area_px() / PI).sqrt() * um_per_px).collect();
    (diameters.len() >= MIN_RED_CELLS).then(|| median::of_few(&mut diameters)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smear::{Call, Cell, CellClass, CellId, Contour, LabelMap, Morphology, SegmentedObject};
    use crate::stats::Probability;

    fn object(diameter_um: f64, status: CellStatus) -> ClassifiedCell {
        let contour = Contour::new(vec![[0.0, 0.0], [4.0, 0.0], [4.0, 4.0]]).expect("three points");
        let morphology = Morphology {
            area_um2: PI * diameter_um * diameter_um / 4.0,
            perimeter_um: PI * diameter_um,
            diameter_um,
            circularity: 1.0,
            solidity: 1.0,
            aspect_ratio: 1.0,
            mean_optical_density: 0.2,
            pallor_contrast: None,
        };
        let kind = match status {
            CellStatus::Counted(_) => ObjectKind::RedCell,
            CellStatus::Excluded(reason, _) => ObjectKind::Excluded(reason),
        };
        ClassifiedCell {
            cell: Cell { id: CellId(1), contour, morphology, kind, hidden_share: 0.0 },
            status,
            form: None,
        }
    }

    fn counted(diameter_um: f64) -> ClassifiedCell {
        let sure = Probability::new(1.0).expect("a probability");
        let none = Probability::new(0.0).expect("a probability");
        let call = Call { class: CellClass::Normal, class_probability: sure, schistocyte_probability: none };
        object(diameter_um, CellStatus::Counted(call))
    }

    fn excluded(diameter_um: f64, reason: ExclusionReason) -> ClassifiedCell {
        object(diameter_um, CellStatus::Excluded(reason, None))
    }

    #[test]
    fn shares_are_of_cell_sized_objects_inside_the_frame() {
        use ExclusionReason::{Debris, FrameEdge, NotRedCell, TooLarge, WhiteCell};
        let mut cells = vec![counted(7.5); 6];
        cells.extend([excluded(7.5, WhiteCell), excluded(4.5, NotRedCell), excluded(9.0, TooLarge)]);
        assert_eq!(unrecognized_share(&cells), None, "nine objects");
        cells.push(excluded(8.0, NotRedCell));
        assert_eq!(unrecognized_share(&cells), Some(0.3));
        // None of these counts: too small, cut by the frame; debris is known for what it is.
        cells.extend([excluded(4.4, NotRedCell), excluded(7.5, FrameEdge)]);
        assert_eq!(unrecognized_share(&cells), Some(0.3));
        cells.extend(vec![excluded(5.0, Debris); 5]);
        assert_eq!(unrecognized_share(&cells), Some(0.2));
    }

    #[test]
    fn the_median_is_of_five_red_cells_or_more() {
        let with = |cells: usize| {
            let square = |side: f64| vec![[0.0, 0.0], [side, 0.0], [side, side], [0.0, side]];
            let object = |index: usize| SegmentedObject {
                contour: Contour::new(square(10.0 + index as f64)).expect("a square"),
                kind: ObjectKind::RedCell,
                hidden_share: 0.0,
            };
            let mut objects: Vec<SegmentedObject> = (0..cells).map(object).collect();
            let contour = Contour::new(square(90.0)).expect("a square");
            objects.push(SegmentedObject {
                contour,
                kind: ObjectKind::Excluded(ExclusionReason::WhiteCell),
                hidden_share: 0.0,
            });
            red_cell_um(&Segmentation { objects, labels: LabelMap::new(0, 0, Vec::new()) }, 0.5)
        };
        assert_eq!(with(4), None);
        // The square of 12 pixels has the area of a circle of 13.54 pixels.
        assert!((with(5).expect("a median") - 6.77).abs() < 0.01);
    }
}
