//! One field, its labels laid over what the pipeline made of it; and the fields by cluster.
//!
//! In: [`FieldInput`]s. Out: counts and scored cells, small enough to keep for every field. The outlines are not kept.

use std::collections::BTreeMap;

use super::cells::{CellCall, KnownCell, LabelledCell, ReadOutcome};
use super::estimate::{Estimate, share};
use super::labels::readings::ReadCell;
use super::matching::{self, BoxTally, MaskTally, Outcome, PointMatch};
use super::record::ClusterKind;
use crate::count::FieldTally;
use crate::smear::{CellClass, ClassifiedCell, ExclusionReason, LabeledField, TruthKind};

/// A labelled field and the pipeline's objects in it.
#[derive(Debug, Clone, Copy)]
pub struct FieldInput<'a> {
    /// Labels; without a labelled object where nothing but "no schistocyte" is known.
    pub truth: &'a LabeledField,
    /// Every object of the field, counted and excluded, outlines in pixels of the original image.
    pub cells: &'a [ClassifiedCell],
    /// Whether the pipeline accepted the field.
    pub accepted: bool,
    /// Fields that belong together, for the bootstrap: a slide, or near duplicates.
    pub group: Option<&'a str>,
    /// Specimen for the percentages; by group where `None`.
    pub specimen: Option<&'a str>,
    /// Whether the field is declared to hold no schistocyte.
    pub expect_none: bool,
    /// What readers say of cells, where the field is judged by readings.
    pub readings: Option<&'a [ReadCell]>,
}

/// What became of a labelled red cell with a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlacedPoint {
    pub outcome: Outcome,
    /// Whether the frame cuts it.
    pub at_frame: bool,
    /// Whether its object holds no other labelled point.
    pub alone: bool,
}

impl PlacedPoint {
    fn of(matched: &PointMatch) -> Self {
        Self { outcome: matched.outcome, at_frame: matched.at_frame, alone: matched.alone }
    }

    /// Whether it has an object of its own that is a found cell or is left out because the frame cuts it.
    pub(super) fn is_own_or_cut(&self) -> bool {
        self.outcome == Outcome::Own || (self.alone && self.outcome == Outcome::Excluded(ExclusionReason::FrameEdge))
    }
}

/// What is kept of a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FieldOutcome {
    pub name: String,
    pub group: Option<String>,
    pub specimen: Option<String>,
    pub accepted: bool,
    pub complete: bool,
    pub expect_none: bool,
    /// Every labelled red cell with a position.
    pub points: Vec<PlacedPoint>,
    pub boxes: Option<BoxTally>,
    pub masks: Option<MaskTally>,
    /// White cells that lie in a found red cell, and all labelled ones.
    pub white_cells: (u64, u64),
    /// Labelled red cells with a class.
    pub cells: Vec<LabelledCell>,
    /// Cells with a known truth.
    pub known: Vec<KnownCell>,
    /// Cells that were read, where the field is judged by readings.
    pub read: Option<Vec<ReadOutcome>>,
    /// Calls of counted cells that stand for labelled cells, none of them a schistocyte, but for no single one: merged
    /// cells, and for a split cell the part most like a schistocyte.
    pub shared_negatives: Vec<CellCall>,
    /// Whether every red cell is labelled with a class.
    pub every_cell_classed: bool,
    /// Counted cells by called class.
    pub tally: FieldTally,
    /// Every counted cell with its position, where the field is declared healthy.
    pub healthy_cells: Vec<([f64; 2], CellCall)>,
}

impl FieldOutcome {
    pub(super) fn of(input: &FieldInput<'_>) -> Self {
        let truth = input.truth;
        let matches = matching::match_points(truth, input.cells);
        let class_of = |matched: &PointMatch| truth.cells[matched.truth].class;
        let call_of = |matched: &PointMatch| match (matched.outcome, &matched.cells[..]) {
            (Outcome::Own, [cell]) => CellCall::of(&input.cells[*cell]),
            _ => None,
        };
        let labelled = |matched: &PointMatch| {
            let (position, outcome, call) = (matched.position, matched.outcome, call_of(matched));
            Some(LabelledCell { class: class_of(matched)?, position, outcome, call })
        };
        let cells: Vec<_> = matches.iter().filter_map(labelled).collect();
        let read = input.readings.map(|read| ReadOutcome::of_field(truth, read, input.cells));
        let is_read = |object: &usize| read.iter().flatten().any(|cell| cell.object == Some(*object));
        let known = match &read {
            // A labelled point that no reading covers is a negative unless its class is schistocyte.
            Some(read) => {
                let unread = matches.iter().filter(|matched| !matched.cells.iter().any(is_read)).filter_map(labelled);
                let negatives = unread.filter(|cell| !cell.is_schistocyte()).map(|cell| cell.known());
                negatives.chain(read.iter().filter_map(|cell| cell.known(!cells.is_empty()))).collect()
            }
            None => cells.iter().map(LabelledCell::known).collect(),
        };
        let shared_negatives = shared_negatives(truth, input.cells, &matches);
        let red = || truth.cells.iter().filter(|cell| cell.kind == TruthKind::RedCell);
        let healthy = input.cells.iter().filter(|_| input.expect_none);
        Self {
            name: truth.field.clone(),
            group: input.group.map(str::to_owned),
            specimen: input.specimen.or(input.group).map(str::to_owned),
            accepted: input.accepted,
            complete: truth.complete,
            expect_none: input.expect_none,
            points: matches.iter().map(PlacedPoint::of).collect(),
            boxes: matching::match_boxes(truth, input.cells),
            masks: matching::match_masks(truth, input.cells),
            white_cells: matching::white_cells(truth, input.cells),
            cells,
            known,
            shared_negatives: shared_negatives
                .into_iter()
                .filter(|(object, _)| !is_read(object))
                .map(|(_, call)| call)
                .collect(),
            read,
            every_cell_classed: truth.complete && red().all(|cell| cell.class.is_some()),
            tally: FieldTally::of_cells(input.cells),
            healthy_cells: healthy
                .filter_map(|cell| Some((cell.cell.contour.centroid(), CellCall::of(cell)?)))
                .collect(),
        }
    }

    /// Labelled schistocytes.
    pub(super) fn labelled_schistocytes(&self) -> u64 {
        self.cells.iter().filter(|cell| cell.is_schistocyte()).count() as u64
    }

    /// The cells that were read.
    pub(super) fn read_cells(&self) -> &[ReadOutcome] {
        self.read.as_deref().unwrap_or_default()
    }

    /// Cells whose truth is known for the calibration: the call, whether it is a schistocyte, and its weight.
    ///
    /// On a field declared healthy every counted cell is a negative, whatever its labels.
    pub(super) fn known_calls(&self) -> Vec<(CellCall, bool, f64)> {
        if self.expect_none {
            return self.healthy_cells.iter().map(|(_, call)| (*call, false, 1.0)).collect();
        }
        self.known.iter().filter_map(|cell| Some((cell.call?, cell.positive, cell.weight))).collect()
    }

    /// Found and labelled red cells of a completely labelled field, cells at the frame left aside; `None` where the
    /// field is not completely labelled with boxes or outlines.
    pub(super) fn counts(&self) -> Option<(u64, u64)> {
        let boxes = self.boxes.filter(|_| self.complete)?;
        Some((boxes.found, boxes.labelled))
    }
}

/// Objects and calls of merged cells without a labelled schistocyte and of split cells that are none.
fn shared_negatives(truth: &LabeledField, cells: &[ClassifiedCell], matches: &[PointMatch]) -> Vec<(usize, CellCall)> {
    let is_other =
        |matched: &PointMatch| truth.cells[matched.truth].class.is_some_and(|class| class != CellClass::Schistocyte);
    let mut merged: Vec<usize> =
        matches.iter().filter(|m| m.outcome == Outcome::Merged).flat_map(|m| m.cells.iter().copied()).collect();
    merged.sort_unstable();
    merged.dedup();
    let all_other = |cell: &usize| matches.iter().filter(|m| m.cells.contains(cell)).all(is_other);
    let call_of = |cell: usize| Some((cell, CellCall::of(&cells[cell])?));
    let merged_calls = merged.into_iter().filter(all_other).filter_map(call_of);
    let split = matches.iter().filter(|m| m.outcome == Outcome::Split && is_other(m));
    let split_calls = split.filter_map(|m| {
        let parts = m.cells.iter().filter_map(|&cell| call_of(cell));
        parts.max_by(|(_, a), (_, b)| a.probability.total_cmp(&b.probability))
    });
    merged_calls.chain(split_calls).collect()
}

/// Fields by cluster.
pub(super) struct Clustered<'a> {
    clusters: Vec<Vec<&'a FieldOutcome>>,
    kind: ClusterKind,
}

impl<'a> Clustered<'a> {
    /// Groups where given; a field without a group is a cluster by itself.
    pub(super) fn of(fields: &'a [FieldOutcome]) -> Self {
        let mut clusters: BTreeMap<(bool, &str), Vec<&FieldOutcome>> = BTreeMap::new();
        for field in fields {
            let key = field.group.as_deref().map_or((false, field.name.as_str()), |group| (true, group));
            clusters.entry(key).or_default().push(field);
        }
        let grouped = clusters.keys().any(|(grouped, _)| *grouped);
        Self {
            clusters: clusters.into_values().collect(),
            kind: if grouped { ClusterKind::Groups } else { ClusterKind::Fields },
        }
    }

    /// The clusters in which some field has a say in a figure.
    ///
    /// METHOD: if clusters that carry nothing were drawn too, the number of those that carry something would vary from
    /// resample to resample and widen the interval for no reason.
    pub(super) fn with(&self, has_a_say: impl Fn(&FieldOutcome) -> bool) -> Self {
        let clusters = self.clusters.iter().filter(|fields| fields.iter().any(|field| has_a_say(field)));
        Self { clusters: clusters.cloned().collect(), kind: self.kind }
    }

    /// The fields of each cluster.
    pub(super) fn groups(&self) -> &[Vec<&'a FieldOutcome>] {
        &self.clusters
    }

    pub(super) fn len(&self) -> usize {
        self.clusters.len()
    }

    pub(super) fn kind(&self) -> ClusterKind {
        self.kind
    }

    /// Accepted fields with the index of their cluster.
    pub(super) fn accepted(&self) -> impl Iterator<Item = (usize, &'a FieldOutcome)> + '_ {
        let indexed = self.clusters.iter().enumerate();
        indexed
            .flat_map(|(cluster, fields)| fields.iter().map(move |field| (cluster, *field)))
            .filter(|(_, f)| f.accepted)
    }

    /// For each cluster the sum of a pair of counts over its fields.
    pub(super) fn pairs(&self, pair: impl Fn(&FieldOutcome) -> (u64, u64)) -> Vec<(u64, u64)> {
        let sum = |fields: &Vec<&FieldOutcome>| {
            fields.iter().map(|field| pair(field)).fold((0, 0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1))
        };
        self.clusters.iter().map(sum).collect()
    }

    /// Share of a pair of counts over all fields.
    pub(super) fn share(&self, pair: impl Fn(&FieldOutcome) -> (u64, u64)) -> Estimate {
        share(self.pairs(pair))
    }
}

/// An accepted field of which only labels and cells are known.
#[cfg(test)]
pub(super) fn input<'a>(truth: &'a LabeledField, cells: &'a [ClassifiedCell]) -> FieldInput<'a> {
    FieldInput { truth, cells, accepted: true, group: None, specimen: None, expect_none: false, readings: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::labels::readings::Reading;
    use crate::evaluate::matching::scenes::{boxed, counted, field, labelled, point};
    use crate::smear::CellClass::{Burr, Normal, Schistocyte};
    use crate::smear::LabeledCell;

    fn outcome(truth: &LabeledField, cells: &[ClassifiedCell]) -> FieldOutcome {
        FieldOutcome::of(&input(truth, cells))
    }

    #[test]
    fn only_cells_of_their_own_carry_a_call() {
        let cells = [counted(10.0, 10.0, 30.0, Schistocyte, 0.9), counted(60.0, 10.0, 60.0, Schistocyte, 0.8)];
        let labels = vec![
            point(20.0, 20.0, Schistocyte),
            point(70.0, 20.0, Burr),
            point(100.0, 60.0, Normal),
            point(150.0, 150.0, Schistocyte),
        ];
        let found = outcome(&field(false, labels), &cells);
        let calls: Vec<_> = found.cells.iter().map(|cell| cell.call.map(|call| call.probability)).collect();
        assert_eq!(calls, [Some(0.9), None, None, None]);
        assert_eq!(found.shared_negatives, [CellCall { class: Schistocyte, probability: 0.8 }]);
        assert_eq!((found.tally.red_cells(), found.counts()), (2, None));
    }

    #[test]
    fn a_merged_cell_with_a_schistocyte_or_an_unlabelled_class_is_no_negative() {
        let cells = [counted(60.0, 10.0, 60.0, Schistocyte, 0.8)];
        let unlabelled = LabeledCell { point: Some([100.0, 60.0]), ..labelled(TruthKind::RedCell, None) };
        for other in [point(100.0, 60.0, Schistocyte), unlabelled] {
            let found = outcome(&field(false, vec![point(70.0, 20.0, Burr), other]), &cells);
            assert_eq!(found.shared_negatives, []);
        }
    }

    #[test]
    fn a_split_cell_counts_by_the_part_most_like_a_schistocyte() {
        let halves = [counted(50.0, 50.0, 22.0, Normal, 0.1), counted(74.0, 50.0, 22.0, Schistocyte, 0.7)];
        let cell = LabeledCell { class: Some(Burr), point: Some([60.0, 60.0]), ..boxed(48.0, 48.0, 50.0) };
        let found = outcome(&field(true, vec![cell]), &halves);
        assert_eq!(found.shared_negatives, [CellCall { class: Schistocyte, probability: 0.7 }]);
        assert_eq!(found.counts(), Some((2, 1)));
        assert!(found.every_cell_classed);
    }

    fn read(x: f64, y: f64, labelled: bool, both: &str, weight: f64) -> ReadCell {
        let reading = Reading::of_text(both).expect("a reading");
        ReadCell { position: [x, y], labelled, readings: [reading; 2], weight }
    }

    /// (positive, weight, probability of the call) of the known cells.
    fn known(labels: &LabeledField, readings: &[ReadCell], cells: &[ClassifiedCell]) -> Vec<(bool, f64, Option<f64>)> {
        let outcome = FieldOutcome::of(&FieldInput { readings: Some(readings), ..input(labels, cells) });
        outcome.known.iter().map(|cell| (cell.positive, cell.weight, cell.call.map(|call| call.probability))).collect()
    }

    #[test]
    fn readings_come_first_and_labelled_points_without_one_are_negatives() {
        let cells = [
            counted(10.0, 10.0, 30.0, Schistocyte, 0.9),
            counted(60.0, 10.0, 30.0, Normal, 0.4),
            counted(110.0, 10.0, 30.0, Normal, 0.2),
            counted(10.0, 60.0, 30.0, Normal, 0.3),
            counted(60.0, 60.0, 30.0, Normal, 0.1),
        ];
        let labels = field(
            false,
            vec![
                point(20.0, 20.0, Schistocyte), // read as none
                point(70.0, 20.0, Burr),        // read as schistocyte
                point(120.0, 20.0, Normal),     // not read
                point(20.0, 70.0, Schistocyte), // not read: left aside
            ],
        );
        let readings = [
            read(25.0, 25.0, true, "N", 1.0),
            read(75.0, 25.0, true, "S", 101.6),
            read(75.0, 75.0, false, "N", 4.4),
            read(75.0, 150.0, false, "D", 1.0),
        ];
        assert_eq!(
            known(&labels, &readings, &cells),
            [(false, 1.0, Some(0.2)), (false, 1.0, Some(0.9)), (true, 1.0, Some(0.4)), (false, 4.4, Some(0.1))]
        );
        // Without labels a drawn cell keeps its weight.
        let alone = known(&field(false, Vec::new()), &readings, &cells);
        assert_eq!(alone[1], (true, 101.6, Some(0.4)));
    }
}
