//! One field: its labels laid over what the pipeline made of it.
//!
//! In: [`FieldInput`]. Out: counts and scored cells, small enough to keep for every field. The outlines are not kept.

use super::labels::readings::ReadCell;
use super::matching::{self, BoxTally, MaskTally, Outcome, PointMatch};
use super::read_field::ReadField;
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

/// A cell of which it is known whether it is a schistocyte: by its label, or where there are readings by these.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KnownCell {
    pub positive: bool,
    /// Cells that it stands for.
    pub weight: f64,
    pub position: [f64; 2],
    /// What label or readings call it.
    pub truth: &'static str,
    /// Whether two readers read it.
    pub read: bool,
    pub outcome: Outcome,
    /// Its call, where it has a counted cell of its own.
    pub call: Option<CellCall>,
    /// Whether it is a schistocyte that the frame cuts and that is not to be counted.
    pub set_aside: bool,
}

impl KnownCell {
    /// Whether it is called schistocyte.
    pub(super) fn is_called(&self) -> bool {
        self.call.is_some_and(|call| call.is_schistocyte())
    }
}

/// A labelled red cell with a class, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LabelledCell {
    pub class: CellClass,
    pub position: [f64; 2],
    pub outcome: Outcome,
    /// Its call, where it has a counted cell of its own.
    pub call: Option<CellCall>,
}

impl LabelledCell {
    /// Whether it is labelled schistocyte.
    pub(super) fn is_schistocyte(&self) -> bool {
        self.class == CellClass::Schistocyte
    }

    fn known(&self) -> KnownCell {
        KnownCell {
            positive: self.is_schistocyte(),
            weight: 1.0,
            position: self.position,
            truth: self.class.name(),
            read: false,
            outcome: self.outcome,
            call: self.call,
            set_aside: false,
        }
    }
}

/// What the classifier said, as far as it is evaluated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CellCall {
    pub class: CellClass,
    pub probability: f64,
}

impl CellCall {
    pub(super) fn of(cell: &ClassifiedCell) -> Option<Self> {
        let call = cell.counted_call()?;
        Some(Self { class: call.class, probability: call.schistocyte_probability.value() })
    }

    /// Whether it is called schistocyte.
    pub(super) fn is_schistocyte(&self) -> bool {
        self.class == CellClass::Schistocyte
    }
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
    /// What is kept of the readings.
    pub read: Option<ReadField>,
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
        let cells: Vec<_> = matches
            .iter()
            .filter_map(|matched| {
                Some(LabelledCell {
                    class: class_of(matched)?,
                    position: matched.position,
                    outcome: matched.outcome,
                    call: call_of(matched),
                })
            })
            .collect();
        let read = input.readings.map(|read| ReadField::of(truth, read, input.cells));
        let is_read = |object: &usize| read.as_ref().is_some_and(|read| read.holds(*object));
        let unread = matches.iter().filter(|matched| !matched.cells.iter().any(is_read));
        let known = match &read {
            // A labelled point that no reading covers is a negative where its class is not schistocyte.
            Some(read) => unread
                .filter_map(|matched| {
                    let class = class_of(matched).filter(|class| *class != CellClass::Schistocyte)?;
                    Some(KnownCell {
                        positive: false,
                        weight: 1.0,
                        position: matched.position,
                        truth: class.name(),
                        read: false,
                        outcome: matched.outcome,
                        call: call_of(matched),
                        set_aside: false,
                    })
                })
                .chain(read.known(!cells.is_empty()))
                .collect(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::matching::scenes::{boxed, counted, field, labelled, point};
    use crate::smear::CellClass::{Burr, Normal, Schistocyte};
    use crate::smear::LabeledCell;

    fn outcome(truth: &LabeledField, cells: &[ClassifiedCell]) -> FieldOutcome {
        FieldOutcome::of(&FieldInput {
            truth,
            cells,
            accepted: true,
            group: None,
            specimen: None,
            expect_none: false,
            readings: None,
        })
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
}
