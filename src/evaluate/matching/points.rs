//! Where the point of each labelled red cell fell.

use std::collections::BTreeMap;

use super::{bounds_of, is_found, outline_of, touches_frame};
use crate::smear::{
    Bounds, CellStatus, ClassifiedCell, Contour, ExclusionReason, LabeledCell, LabeledField, TruthKind,
};

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
    let points = outline.points();
    let mut crossings: Vec<f64> = points
        .iter()
        .zip(points.iter().cycle().skip(1))
        .filter(|(a, b)| (a[1] > y) != (b[1] > y))
        .map(|(a, b)| a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
        .collect();
    crossings.sort_by(f64::total_cmp);
    let chords = crossings.chunks_exact(2);
    let longest = chords.max_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0])));
    longest.map_or([x, y], |chord| [(chord[0] + chord[1]) / 2.0, y])
}

#[cfg(test)]
mod tests {
    use super::super::scenes::{boxed, call, counted, field, found, point, square};
    use super::*;
    use crate::smear::CellClass::{Burr, Normal, Schistocyte};

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
        let plain = Contour::new(square(0.0, 0.0, 4.0)).expect("four points");
        assert_eq!(inner_point(&plain), [2.0, 2.0]);
    }
}
