//! Which object each read cell is.
//!
//! Rule: the object whose outline holds the read position, a counted one before one left out, of several the one whose
//! box has its middle nearest; else the object whose box has its middle nearest, within half of that object's radius. A
//! position is the middle of a box, which in a crescent or a keratocyte may lie outside the outline.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use super::{Outcome, is_found, touches_frame};
use crate::evaluate::labels::readings::ReadCell;
use crate::smear::{Bounds, CellStatus, ClassifiedCell, LabeledField};

/// Farthest that the middle of an object's box may lie from a read position outside its outline, radii of the circle of
/// the same area. Half a radius keeps the neighbor out: touching cells lie two radii apart.
const NEAR_RADII: f64 = 0.5;

/// How close to the frame a read position without an object is taken for a cell that the frame cuts, diameters of the
/// median counted cell. A fragment of half a cell's diameter touches the frame from here on.
const CUT_DIAMETERS: f64 = 0.25;

/// A read cell and what became of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::evaluate) struct ReadMatch {
    /// Index in the readings.
    pub read: usize,
    /// What became of it; `Merged` where its object holds another read cell too.
    pub outcome: Outcome,
    /// Its object, counted or left out.
    pub object: Option<usize>,
    /// Whether the frame cuts it.
    pub at_frame: bool,
}

/// Looks up each read cell.
pub(in crate::evaluate) fn match_readings(
    field: &LabeledField,
    read: &[ReadCell],
    cells: &[ClassifiedCell],
) -> Vec<ReadMatch> {
    let bounds: Vec<_> = cells.iter().map(|cell| cell.cell.contour.bounds()).collect();
    let objects: Vec<_> = read.iter().map(|read| object_at(read.position, cells, &bounds)).collect();
    let mut read_in: BTreeMap<usize, usize> = BTreeMap::new();
    for object in objects.iter().flatten() {
        *read_in.entry(*object).or_default() += 1;
    }
    let mut diameters: Vec<_> = cells.iter().filter(|cell| is_found(cell)).map(|cell| 2.0 * radius(cell)).collect();
    diameters.sort_by(f64::total_cmp);
    let margin = diameters.get(diameters.len() / 2).map_or(0.0, |diameter| CUT_DIAMETERS * diameter);
    let near_frame = |[x, y]: [f64; 2]| {
        let middle = Bounds { x_min: x - margin, y_min: y - margin, x_max: x + margin, y_max: y + margin };
        touches_frame(field, &middle)
    };
    let of = |(i, object): (usize, Option<usize>)| {
        let outcome = match object {
            None => Outcome::Missed,
            Some(object) if !is_found(&cells[object]) => match cells[object].status {
                CellStatus::Excluded(reason, _) => Outcome::Excluded(reason),
                CellStatus::Counted(_) => Outcome::Own,
            },
            Some(object) if read_in[&object] > 1 => Outcome::Merged,
            Some(_) => Outcome::Own,
        };
        let at_frame = object.map_or_else(|| near_frame(read[i].position), |o| touches_frame(field, &bounds[o]));
        ReadMatch { read: i, outcome, object, at_frame }
    };
    objects.into_iter().enumerate().map(of).collect()
}

fn radius(cell: &ClassifiedCell) -> f64 {
    (cell.cell.contour.area_px() / PI).sqrt()
}

fn object_at([x, y]: [f64; 2], cells: &[ClassifiedCell], bounds: &[Bounds]) -> Option<usize> {
    let distance = |i: usize| {
        let Bounds { x_min, y_min, x_max, y_max } = bounds[i];
        (x - (x_min + x_max) / 2.0).hypot(y - (y_min + y_max) / 2.0)
    };
    let within = |b: &Bounds| (b.x_min..=b.x_max).contains(&x) && (b.y_min..=b.y_max).contains(&y);
    let nearest = |candidates: Vec<usize>| {
        let order = |&i: &usize| (!is_found(&cells[i]), distance(i));
        candidates.into_iter().min_by(|a, b| {
            let (a, b) = (order(a), order(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        })
    };
    let holding = (0..cells.len()).filter(|&i| within(&bounds[i]) && cells[i].cell.contour.contains(x, y));
    let near = |i: &usize| distance(*i) <= NEAR_RADII * radius(&cells[*i]);
    nearest(holding.collect()).or_else(|| nearest((0..cells.len()).filter(near).collect()))
}

#[cfg(test)]
mod tests {
    use super::super::scenes::{counted, field, found};
    use super::*;
    use crate::evaluate::labels::readings::Reading;
    use crate::smear::CellClass::Normal;
    use crate::smear::ExclusionReason;

    fn read(x: f64, y: f64) -> ReadCell {
        let reading = Reading::of_text("N").expect("a reading");
        ReadCell { position: [x, y], labelled: false, readings: [reading; 2], weight: 1.0 }
    }

    fn matched(read: &[ReadCell], cells: &[ClassifiedCell]) -> Vec<(Outcome, Option<usize>, bool)> {
        match_readings(&field(false, Vec::new()), read, cells)
            .into_iter()
            .map(|found| (found.outcome, found.object, found.at_frame))
            .collect()
    }

    #[test]
    fn the_outline_that_holds_the_position_goes_first_and_a_counted_cell_before_one_left_out() {
        let cells = [
            found(40.0, 40.0, 60.0, CellStatus::Excluded(ExclusionReason::UnsplittableClump, None)),
            counted(60.0, 60.0, 30.0, Normal, 0.1),
            found(120.0, 120.0, 30.0, CellStatus::Excluded(ExclusionReason::Platelet, None)),
        ];
        assert_eq!(
            matched(&[read(70.0, 70.0), read(135.0, 135.0), read(45.0, 45.0)], &cells),
            [
                (Outcome::Own, Some(1), false),
                (Outcome::Excluded(ExclusionReason::Platelet), Some(2), false),
                (Outcome::Excluded(ExclusionReason::UnsplittableClump), Some(0), false),
            ]
        );
    }

    #[test]
    fn a_position_outside_every_outline_goes_to_the_nearest_middle_within_half_a_radius() {
        // The outline of a bitten cell: its box is 40 wide, the middle of the box lies in the bite.
        let mut bitten = counted(50.0, 50.0, 40.0, Normal, 0.1);
        let outline = vec![
            [50.0, 50.0],
            [90.0, 50.0],
            [90.0, 60.0],
            [60.0, 60.0],
            [60.0, 80.0],
            [90.0, 80.0],
            [90.0, 90.0],
            [50.0, 90.0],
        ];
        bitten.cell.contour = crate::smear::Contour::new(outline).expect("eight points");
        let radius = radius(&bitten);
        let at = |dx: f64| matched(&[read(70.0 + dx, 70.0)], std::slice::from_ref(&bitten))[0].0;
        assert_eq!(at(0.0), Outcome::Own);
        assert_eq!(at(NEAR_RADII * radius - 0.1), Outcome::Own);
        assert_eq!(at(NEAR_RADII * radius + 0.1), Outcome::Missed);
    }

    #[test]
    fn two_read_cells_in_one_object_are_merged_and_cut_ones_are_marked() {
        let cells = [counted(50.0, 50.0, 60.0, Normal, 0.1), counted(0.0, 100.0, 30.0, Normal, 0.1)];
        assert_eq!(
            matched(&[read(60.0, 80.0), read(100.0, 80.0), read(15.0, 115.0)], &cells),
            [(Outcome::Merged, Some(0), false), (Outcome::Merged, Some(0), false), (Outcome::Own, Some(1), true)]
        );
        // The median diameter is 2·(900/π)^½ = 33.9 px, a quarter of it 8.5, and the frame's tolerance 2.
        let small = [counted(50.0, 50.0, 30.0, Normal, 0.1)];
        let lost = |x: f64| matched(&[read(x, 150.0)], &small)[0];
        assert_eq!(lost(10.4), (Outcome::Missed, None, true));
        assert_eq!(lost(10.6), (Outcome::Missed, None, false));
    }
}
