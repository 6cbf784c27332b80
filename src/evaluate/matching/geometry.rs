//! Places of labelled and found cells, in pixels of the original image.

use crate::smear::{Bounds, CellStatus, ClassifiedCell, Contour, ExclusionReason, LabeledCell, LabeledField};

/// How close to the frame a labelled box or an outline touches it, px. Rounding of YOLO fractions and 1-based VOC
/// corners stays below; in the public sets boxes of cut cells end within it.
const FRAME_TOLERANCE_PX: f64 = 2.0;

/// Whether the segmenter found this object as a whole red cell.
pub(super) fn is_found(cell: &ClassifiedCell) -> bool {
    matches!(cell.status, CellStatus::Counted(_) | CellStatus::Excluded(ExclusionReason::FieldRefused, _))
}

/// Whether a rectangle touches the frame of the field.
pub(super) fn touches_frame(field: &LabeledField, bounds: &Bounds) -> bool {
    bounds.x_min <= FRAME_TOLERANCE_PX
        || bounds.y_min <= FRAME_TOLERANCE_PX
        || bounds.x_max >= f64::from(field.width_px) - FRAME_TOLERANCE_PX
        || bounds.y_max >= f64::from(field.height_px) - FRAME_TOLERANCE_PX
}

/// Outline of a labelled cell, where labelled.
pub(super) fn outline_of(cell: &LabeledCell) -> Option<Contour> {
    cell.contour.clone().and_then(Contour::new)
}

/// Bounding rectangle of a labelled cell: its box, otherwise the box around its outline.
pub(super) fn bounds_of(cell: &LabeledCell) -> Option<Bounds> {
    let labelled = cell.bounds.map(|[x_min, y_min, x_max, y_max]| Bounds { x_min, y_min, x_max, y_max });
    labelled.or_else(|| outline_of(cell).map(|outline| outline.bounds()))
}

/// Where an outline crosses the line `y`, from left to right: two by two the ends of a chord.
pub(super) fn crossings(outline: &Contour, y: f64) -> Vec<f64> {
    let points = outline.points();
    let mut crossings: Vec<f64> = points
        .iter()
        .zip(points.iter().cycle().skip(1))
        .filter(|(a, b)| (a[1] > y) != (b[1] > y))
        .map(|(a, b)| a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
        .collect();
    crossings.sort_by(f64::total_cmp);
    crossings
}

/// A point inside a labelled cell: its point, else a point inside its outline, else the middle of its box.
pub(super) fn position_of(cell: &LabeledCell) -> Option<[f64; 2]> {
    cell.point.or_else(|| outline_of(cell).map(|outline| inner_point(&outline))).or_else(|| {
        let bounds = bounds_of(cell)?;
        Some([(bounds.x_min + bounds.x_max) / 2.0, (bounds.y_min + bounds.y_max) / 2.0])
    })
}

/// The center of mass where it lies inside (not so in a crescent), else the middle of the longest chord at its height.
fn inner_point(outline: &Contour) -> [f64; 2] {
    let [x, y] = outline.centroid();
    if outline.contains(x, y) {
        return [x, y];
    }
    let crossings = crossings(outline, y);
    let chords = crossings.chunks_exact(2);
    let longest = chords.max_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0])));
    longest.map_or([x, y], |chord| [(chord[0] + chord[1]) / 2.0, y])
}

#[cfg(test)]
pub(in crate::evaluate) mod scenes {
    //! Fields of square cells for the tests of this folder and of the evaluation.

    use super::*;
    use crate::smear::{Call, Cell, CellClass, CellId, Morphology, ObjectKind, TruthKind};
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
    fn the_frame_is_touched_within_the_tolerance() {
        let field = scenes::field(true, Vec::new());
        let touches = |x_min, x_max| touches_frame(&field, &Bounds { x_min, y_min: 50.0, x_max, y_max: 90.0 });
        assert!(touches(2.0, 40.0) && touches(60.0, 198.0));
        assert!(!touches(2.1, 40.0) && !touches(60.0, 197.9));
    }

    #[test]
    fn a_crescent_has_a_point_inside() {
        let crescent = vec![
            [0.0, 0.0],
            [10.0, 0.0],
            [10.0, 2.0],
            [2.0, 2.0],
            [2.0, 18.0],
            [10.0, 18.0],
            [10.0, 20.0],
            [0.0, 20.0],
        ];
        let outline = Contour::new(crescent).expect("eight points");
        let [x, y] = outline.centroid();
        assert!(!outline.contains(x, y));
        let [x, y] = inner_point(&outline);
        assert!(outline.contains(x, y));
        let plain = Contour::new(scenes::square(0.0, 0.0, 4.0)).expect("four points");
        assert_eq!(inner_point(&plain), [2.0, 2.0]);
    }
}
