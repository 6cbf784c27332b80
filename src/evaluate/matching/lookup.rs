//! Where the point of each labelled cell fell, and which object each read cell is.
//!
//! Rule of read cells: the object whose outline holds the read position, a counted one before one left out, of several the one
//! whose box has its middle nearest; else the object whose box has its middle nearest, within half of that object's radius. A
//! position is the middle of a box, which in a crescent or a keratocyte may lie outside the outline.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use super::geometry::{bounds_of, is_found, position_of, touches_frame};
use crate::evaluate::labels::readings::ReadCell;
use crate::optics::length;
use crate::smear::{Bounds, CellStatus, ClassifiedCell, ExclusionReason, LabeledField, TruthKind};

/// Least share of a found cell's rectangle inside a labelled box that makes it a part of that cell.
///
/// METHOD: a neighbor reaches into a loose box with a corner, a fragment of a split cell lies in it. Three quarters
/// keeps the neighbor out and forgives a part that bulges over the edge of the box.
const MIN_PART_SHARE: f64 = 0.75;

/// What became of a labelled red cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::evaluate) enum Outcome {
    /// Exactly one found cell, and that cell holds no other labelled one.
    Own,
    /// Its cell holds the point of another labelled red cell too.
    Merged,
    /// More than one found cell.
    Split,
    /// An object that is left out, with the reason.
    Excluded(ExclusionReason),
    /// Background.
    Missed,
}

impl Outcome {
    /// Name as written in the record.
    pub(in crate::evaluate) fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Merged => "merged",
            Self::Split => "split",
            Self::Excluded(reason) => reason.name(),
            Self::Missed => "missed",
        }
    }
}

/// A labelled red cell with a position, and the found cells it fell to.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::evaluate) struct PointMatch {
    /// Index in the labels.
    pub truth: usize,
    /// The point that was looked up.
    pub position: [f64; 2],
    /// What became of it.
    pub outcome: Outcome,
    /// Indices of its found cells: one where own or merged, more where split, none otherwise.
    pub cells: Vec<usize>,
    /// Whether its box, or the object it fell into, touches the frame.
    pub at_frame: bool,
    /// Whether it fell into exactly one object, found or left out, and no other labelled point did.
    pub alone: bool,
}

/// Looks up each labelled red cell that has a position.
pub(in crate::evaluate) fn match_points(field: &LabeledField, cells: &[ClassifiedCell]) -> Vec<PointMatch> {
    let bounds: Vec<_> = cells.iter().map(|cell| cell.cell.contour.bounds()).collect();
    let hits_of = |[x, y]: [f64; 2]| -> Vec<usize> {
        let within =
            |bounds: &Bounds| (bounds.x_min..=bounds.x_max).contains(&x) && (bounds.y_min..=bounds.y_max).contains(&y);
        (0..cells.len()).filter(|&i| within(&bounds[i]) && cells[i].cell.contour.contains(x, y)).collect()
    };
    let red = field.cells.iter().enumerate().filter(|(_, cell)| cell.kind == TruthKind::RedCell);
    let placed: Vec<_> = red
        .filter_map(|(truth, cell)| position_of(cell).map(|position| (truth, position, hits_of(position))))
        .collect();
    let mut points_in: BTreeMap<usize, usize> = BTreeMap::new();
    for hit in placed.iter().flat_map(|(_, _, hits)| hits) {
        *points_in.entry(*hit).or_default() += 1;
    }
    placed
        .into_iter()
        .map(|(truth, position, hits)| {
            let labelled = bounds_of(&field.cells[truth]);
            let mut own: Vec<usize> = hits.iter().copied().filter(|&hit| is_found(&cells[hit])).collect();
            if let (Some(labelled), false) = (labelled, own.is_empty()) {
                let is_part = |i: &usize| {
                    is_found(&cells[*i])
                        && !points_in.contains_key(i)
                        && share_inside(&bounds[*i], &labelled) >= MIN_PART_SHARE
                };
                own.extend((0..cells.len()).filter(is_part));
            }
            let outcome = match own[..] {
                [] => hits.iter().find_map(|&hit| reason_of(&cells[hit])).map_or(Outcome::Missed, Outcome::Excluded),
                [cell] if points_in[&cell] > 1 => Outcome::Merged,
                [_] => Outcome::Own,
                _ => Outcome::Split,
            };
            let at_frame = labelled.iter().chain(hits.iter().map(|&hit| &bounds[hit])).any(|b| touches_frame(field, b));
            let alone = matches!(hits[..], [hit] if points_in[&hit] == 1);
            PointMatch { truth, position, outcome, cells: own, at_frame, alone }
        })
        .collect()
}

fn reason_of(cell: &ClassifiedCell) -> Option<ExclusionReason> {
    match cell.status {
        CellStatus::Excluded(reason, _) => Some(reason),
        CellStatus::Counted(_) => None,
    }
}

/// Share of a rectangle's area inside another.
fn share_inside(inner: &Bounds, outer: &Bounds) -> f64 {
    let common = Bounds {
        x_min: inner.x_min.max(outer.x_min),
        y_min: inner.y_min.max(outer.y_min),
        x_max: inner.x_max.min(outer.x_max),
        y_max: inner.y_max.min(outer.y_max),
    };
    if inner.area_px() > 0.0 { common.area_px() / inner.area_px() } else { 0.0 }
}

/// Labelled white cells that lie in a found red cell, and all of them that have a position.
pub(in crate::evaluate) fn white_cells(field: &LabeledField, cells: &[ClassifiedCell]) -> (u64, u64) {
    let white = field.cells.iter().filter(|cell| cell.kind == TruthKind::WhiteCell);
    white.filter_map(position_of).fold((0, 0), |(taken, all), [x, y]| {
        let is_taken = cells.iter().any(|cell| is_found(cell) && cell.cell.contour.contains(x, y));
        (taken + u64::from(is_taken), all + 1)
    })
}

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
            Some(object) if !is_found(&cells[object]) => {
                reason_of(&cells[object]).map_or(Outcome::Own, Outcome::Excluded)
            }
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
        length(x - (x_min + x_max) / 2.0, y - (y_min + y_max) / 2.0)
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
    use super::super::geometry::scenes::{boxed, call, counted, field, found, labelled, point};
    use super::*;
    use crate::evaluate::labels::readings::Reading;
    use crate::smear::CellClass::{Burr, Normal, Schistocyte};
    use crate::smear::LabeledCell;

    fn outcomes(field: &LabeledField, cells: &[ClassifiedCell]) -> Vec<Outcome> {
        match_points(field, cells).into_iter().map(|found| found.outcome).collect()
    }

    #[test]
    fn own_merged_excluded_and_missed_points() {
        let cells = [
            counted(10.0, 10.0, 30.0, Normal, 0.1),
            counted(60.0, 10.0, 60.0, Normal, 0.1),
            found(10.0, 100.0, 30.0, CellStatus::Excluded(ExclusionReason::UnsplittableClump, None)),
            found(60.0, 100.0, 30.0, CellStatus::Excluded(ExclusionReason::FieldRefused, Some(call(Burr, 0.2)))),
        ];
        let labels = field(
            false,
            vec![
                point(12.0, 38.0, Normal),
                point(70.0, 20.0, Burr),
                point(110.0, 60.0, Schistocyte),
                point(20.0, 110.0, Normal),
                point(70.0, 110.0, Normal),
                point(150.0, 150.0, Normal),
            ],
        );
        assert_eq!(
            outcomes(&labels, &cells),
            [
                Outcome::Own,
                Outcome::Merged,
                Outcome::Merged,
                Outcome::Excluded(ExclusionReason::UnsplittableClump),
                Outcome::Own,
                Outcome::Missed,
            ]
        );
    }

    #[test]
    fn a_box_shows_a_split_cell_and_leaves_a_neighbor_alone() {
        let halves = [counted(50.0, 50.0, 22.0, Normal, 0.1), counted(74.0, 50.0, 22.0, Normal, 0.1)];
        // The middle of the box lies in the gap between the halves, so the label carries a point too.
        let cell = LabeledCell { point: Some([60.0, 60.0]), ..boxed(48.0, 48.0, 50.0) };
        let labels = field(true, vec![cell.clone()]);
        assert_eq!(outcomes(&labels, &halves), [Outcome::Split]);
        assert_eq!(match_points(&labels, &halves)[0].cells, [0, 1]);
        // Half of the second cell lies outside the box now.
        let neighbor = [halves[0].clone(), counted(87.0, 50.0, 22.0, Normal, 0.1)];
        assert_eq!(outcomes(&labels, &neighbor), [Outcome::Own]);
        // A second cell with a label of its own is a neighbor wherever it lies.
        let two = field(true, vec![cell, point(80.0, 60.0, Normal)]);
        assert_eq!(outcomes(&two, &halves), [Outcome::Own, Outcome::Own]);
    }

    #[test]
    fn overlapping_outlines_split_a_point() {
        let cells = [counted(50.0, 50.0, 30.0, Normal, 0.1), counted(60.0, 50.0, 30.0, Normal, 0.1)];
        assert_eq!(outcomes(&field(false, vec![point(70.0, 60.0, Normal)]), &cells), [Outcome::Split]);
    }

    #[test]
    fn cut_cells_are_marked() {
        let cut = found(0.0, 50.0, 30.0, CellStatus::Excluded(ExclusionReason::FrameEdge, None));
        let matched = match_points(&field(false, vec![point(12.0, 60.0, Normal)]), &[cut]);
        assert_eq!((matched[0].outcome, matched[0].at_frame), (Outcome::Excluded(ExclusionReason::FrameEdge), true));
        let inside =
            match_points(&field(false, vec![point(60.0, 60.0, Normal)]), &[counted(50.0, 50.0, 30.0, Normal, 0.1)]);
        assert!(!inside[0].at_frame);
    }

    #[test]
    fn a_white_cell_inside_a_counted_cell_is_taken_for_red() {
        let white =
            |x: f64| LabeledCell { bounds: Some([x, 50.0, x + 30.0, 80.0]), ..labelled(TruthKind::WhiteCell, None) };
        let field = field(true, vec![white(50.0), white(120.0)]);
        let cells = [counted(50.0, 50.0, 30.0, Normal, 0.1)];
        assert_eq!(white_cells(&field, &cells), (1, 2));
    }

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
