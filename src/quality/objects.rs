//! What the objects of a field say of it: how crowded it is, and whether they are what a blood film shows at this scale.
//!
//! In: the objects and their label map; for the recognition the objects as classified. Out: shares, 0–1, and the median
//! diameter of the red cells, µm.
//!
//! METHOD: under light or stain that the models do not know, a field shows many objects and few red cells. Those few are
//! no sample of the field. Where the magnification is not what the scale says, the red cells have another size.

use std::f64::consts::PI;

use crate::optics::illuminated::Illuminated;
use crate::smear::{
    CellStatus, ClassifiedCell, ExclusionReason, NOMINAL_RED_CELL_DIAMETER_UM, ObjectKind, Segmentation,
};
use crate::stats::median;

/// Fewest cells for [`pressed_share`]: a share of one half is then known to ± 22 points.
const FEWEST_CELLS: usize = 20;
/// Least diameter of an object that counts as cell-sized, share of the nominal red cell. Debris and platelets are smaller.
const CELL_SIZE_SHARE: f64 = 0.6;
/// Fewest objects for [`unrecognized_share`]: a white cell among few red cells says nothing of the light.
const MIN_OBJECTS: usize = 10;
/// Fewest red cells for [`red_cell_um`].
const MIN_RED_CELLS: usize = 5;

/// Share of the pixels of the lit part (`None` for all of the field) that belong to an object; `None` of no pixels.
pub(super) fn covered_share(segmentation: &Segmentation, lit: Option<&Illuminated>) -> Option<f64> {
    let labels = segmentation.labels.as_slice();
    let covered: u32 = labels.iter().map(|label| u32::from(*label > 0)).sum();
    let pixels = lit.map_or(labels.len() as u64, Illuminated::area_px);
    (pixels > 0).then(|| f64::from(covered) / pixels as f64)
}

/// Share of the objects' area that lies in clumps and in objects too large for one cell; `None` without objects.
pub(super) fn overlap_share(segmentation: &Segmentation) -> Option<f64> {
    let heaped =
        |kind| matches!(kind, ObjectKind::Excluded(ExclusionReason::UnsplittableClump | ExclusionReason::TooLarge));
    let (mut all, mut heaps) = (0.0, 0.0);
    for object in &segmentation.objects {
        let area = object.contour.area_px();
        all += area;
        heaps += if heaped(object.kind) { area } else { 0.0 };
    }
    (all > 0.0).then(|| heaps / all)
}

/// Share of the whole red cells of one outline that their neighbors press; `None` for fewer than [`FEWEST_CELLS`].
pub(super) fn pressed_share(segmentation: &Segmentation) -> Option<f64> {
    let count = |kind| segmentation.objects.iter().filter(|object| object.kind == kind).count();
    let pressed = count(ObjectKind::Excluded(ExclusionReason::Pressed));
    let all = pressed + count(ObjectKind::RedCell);
    (all >= FEWEST_CELLS).then(|| pressed as f64 / all as f64)
}

/// Share of the cell-sized objects inside the frame that were taken for no red cell; `None` of too few.
pub fn unrecognized_share(cells: &[ClassifiedCell]) -> Option<f64> {
    let reason_of = |object: &ClassifiedCell| match object.status {
        CellStatus::Excluded(reason, _) => Some(reason),
        CellStatus::Counted(_) => None,
    };
    let is_cell_sized = |object: &&ClassifiedCell| {
        object.cell.morphology.diameter_um >= CELL_SIZE_SHARE * NOMINAL_RED_CELL_DIAMETER_UM
            && reason_of(object) != Some(ExclusionReason::FrameEdge)
    };
    // Heaps and large cells are recognized: they are red cells that cannot be parted or counted.
    let is_unrecognized = |object: &&&ClassifiedCell| reason_of(object).is_some_and(ExclusionReason::is_unrecognized);
    let objects: Vec<_> = cells.iter().filter(is_cell_sized).collect();
    let unrecognized = objects.iter().filter(is_unrecognized).count();
    (objects.len() >= MIN_OBJECTS).then(|| unrecognized as f64 / objects.len() as f64)
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
    use ExclusionReason::{Debris, FrameEdge, NotRedCell, Pressed, TooLarge, UnsplittableClump, WhiteCell};

    use super::*;
    use crate::smear::{Call, Cell, CellClass, CellId, Contour, LabelMap, Morphology, SegmentedObject};
    use crate::stats::Probability;

    fn square(side: f64, kind: ObjectKind) -> SegmentedObject {
        let points = vec![[0.0, 0.0], [side, 0.0], [side, side], [0.0, side]];
        SegmentedObject { contour: Contour::new(points).expect("four points"), kind, hidden_share: 0.0 }
    }

    fn of_objects(objects: Vec<SegmentedObject>) -> Segmentation {
        Segmentation { objects, labels: LabelMap::new(0, 0, Vec::new()) }
    }

    #[test]
    fn shares_by_area() {
        let kinds = [None, Some(UnsplittableClump), Some(TooLarge), Some(FrameEdge)];
        let objects =
            kinds.map(|reason| square(1.0, reason.map_or(ObjectKind::RedCell, ObjectKind::Excluded))).to_vec();
        let segmentation = Segmentation { objects, labels: LabelMap::new(4, 2, vec![1, 0, 2, 0, 3, 0, 4, 4]) };
        assert_eq!(covered_share(&segmentation, None), Some(0.625));
        assert_eq!(overlap_share(&segmentation), Some(0.5));
        let nothing = of_objects(Vec::new());
        assert_eq!((covered_share(&nothing, None), overlap_share(&nothing)), (None, None));
    }

    #[test]
    fn pressed_cells_are_a_share_of_the_whole_red_cells() {
        let cells = |pressed: usize, free: usize| {
            let kinds = [
                (ObjectKind::Excluded(Pressed), pressed),
                (ObjectKind::RedCell, free),
                (ObjectKind::Excluded(FrameEdge), 30),
            ];
            let objects = kinds.iter().flat_map(|&(kind, count)| vec![square(1.0, kind); count]);
            pressed_share(&of_objects(objects.collect()))
        };
        assert_eq!((cells(5, 15), cells(19, 0)), (Some(0.25), None));
    }

    fn object(diameter_um: f64, reason: Option<ExclusionReason>) -> ClassifiedCell {
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
        let certain = |value| Probability::new(value).expect("a probability");
        let call =
            Call { class: CellClass::Normal, class_probability: certain(1.0), schistocyte_probability: certain(0.0) };
        let SegmentedObject { contour, kind, hidden_share } =
            square(4.0, reason.map_or(ObjectKind::RedCell, ObjectKind::Excluded));
        ClassifiedCell {
            cell: Cell { id: CellId(1), contour, morphology, kind, hidden_share },
            status: reason.map_or(CellStatus::Counted(call), |reason| CellStatus::Excluded(reason, None)),
            form: None,
        }
    }

    #[test]
    fn unrecognized_objects_are_a_share_of_the_cell_sized_ones_inside_the_frame() {
        let excluded = |diameter_um, reason| object(diameter_um, Some(reason));
        let mut cells = vec![object(7.5, None); 6];
        cells.extend([excluded(7.5, WhiteCell), excluded(4.5, NotRedCell), excluded(9.0, TooLarge)]);
        assert_eq!(unrecognized_share(&cells), None, "nine objects");
        cells.push(excluded(8.0, NotRedCell));
        assert_eq!(unrecognized_share(&cells), Some(0.3));
        // Neither counts: the one is too small, the frame cuts the other.
        cells.extend([excluded(4.4, NotRedCell), excluded(7.5, FrameEdge)]);
        assert_eq!(unrecognized_share(&cells), Some(0.3));
        // Debris is known for what it is.
        cells.extend(vec![excluded(5.0, Debris); 5]);
        assert_eq!(unrecognized_share(&cells), Some(0.2));
    }

    #[test]
    fn the_median_diameter_is_of_five_red_cells_or_more() {
        let with = |cells: usize| {
            let mut objects: Vec<_> = (0..cells).map(|i| square(10.0 + i as f64, ObjectKind::RedCell)).collect();
            objects.push(square(90.0, ObjectKind::Excluded(WhiteCell)));
            red_cell_um(&of_objects(objects), 0.5)
        };
        assert_eq!(with(4), None);
        // The square of 12 pixels has the area of a circle of 13.54 pixels.
        assert!((with(5).expect("a median") - 6.77).abs() < 0.01);
    }
}
