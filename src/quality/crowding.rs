//! How much of a field is covered, how much of that lies in heaps that cannot be taken apart, and how many of its cells
//! are pressed by their neighbors.
//!
//! In: the objects and their label map. Out: shares, 0–1.

use crate::optics::illuminated::Illuminated;
use crate::smear::{ExclusionReason, ObjectKind, Segmentation};

/// Fewest cells for [`pressed_share`]: a share of one half is then known to ± 22 points.
const FEWEST_CELLS: usize = 20;

/// Share of the pixels of the lit part (`None` for all of the field) that belong to an object; `None` of no pixels.
pub(super) fn covered_share(segmentation: &Segmentation, lit: Option<&Illuminated>) -> Option<f64> {
    let labels = segmentation.labels.as_slice();
    let covered = labels.iter().filter(|label| **label > 0).count();
    let pixels = lit.map_or(labels.len() as u64, Illuminated::area_px);
    (pixels > 0).then(|| covered as f64 / pixels as f64)
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

/// Share of the whole red cells of one outline that are pressed; `None` for fewer than [`FEWEST_CELLS`] of them, where the
/// share of a few says nothing of the field.
pub(super) fn pressed_share(segmentation: &Segmentation) -> Option<f64> {
    let count = |kind| segmentation.objects.iter().filter(|object| object.kind == kind).count();
    let pressed = count(ObjectKind::Excluded(ExclusionReason::Pressed));
    let all = pressed + count(ObjectKind::RedCell);
    (all >= FEWEST_CELLS).then(|| pressed as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smear::{Contour, LabelMap, SegmentedObject};

    fn square(side: f64, kind: ObjectKind) -> SegmentedObject {
        let points = vec![[0.0, 0.0], [side, 0.0], [side, side], [0.0, side]];
        SegmentedObject { contour: Contour::new(points).expect("four points"), kind, hidden_share: 0.0 }
    }

    #[test]
    fn shares_by_area() {
        let objects = vec![
            square(1.0, ObjectKind::RedCell),
            square(1.0, ObjectKind::Excluded(ExclusionReason::UnsplittableClump)),
            square(1.0, ObjectKind::Excluded(ExclusionReason::TooLarge)),
            square(1.0, ObjectKind::Excluded(ExclusionReason::FrameEdge)),
        ];
        let segmentation = Segmentation { objects, labels: LabelMap::new(4, 2, vec![1, 0, 2, 0, 3, 0, 4, 4]) };
        assert_eq!(covered_share(&segmentation, None), Some(0.625));
        assert_eq!(overlap_share(&segmentation), Some(0.5));
    }

    #[test]
    fn pressed_cells_are_a_share_of_the_whole_red_cells() {
        let cells = |pressed: usize, free: usize| {
            let kinds = [(ObjectKind::Excluded(ExclusionReason::Pressed), pressed), (ObjectKind::RedCell, free)];
            let mut objects = vec![square(1.0, ObjectKind::Excluded(ExclusionReason::FrameEdge)); 30];
            objects.extend(kinds.iter().flat_map(|&(kind, count)| vec![square(1.0, kind); count]));
            pressed_share(&Segmentation { objects, labels: LabelMap::new(0, 0, Vec::new()) })
        };
        assert_eq!(cells(5, 15), Some(0.25));
        assert_eq!(cells(19, 0), None);
    }

    #[test]
    fn nothing_has_no_shares() {
        let segmentation = Segmentation { objects: Vec::new(), labels: LabelMap::new(0, 0, Vec::new()) };
        assert_eq!((covered_share(&segmentation, None), overlap_share(&segmentation)), (None, None));
    }
}
