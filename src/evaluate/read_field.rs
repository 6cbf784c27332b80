//! What is kept of the read cells of a field.
//!
//! In: the readings of a field and its objects. Out: for each read cell what both readings say, what became of it, its
//! call, the form that both readers name and the form that the rules give.

use super::field::{CellCall, KnownCell};
use super::labels::readings::{Consensus, ReadCell};
use super::matching::{Outcome, ReadMatch, match_readings};
use crate::measure::form;
use crate::smear::{ClassifiedCell, ExclusionReason, LabeledField, SchistocyteForm};

/// A read cell and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ReadOutcome {
    pub read: ReadCell,
    pub consensus: Consensus,
    pub outcome: Outcome,
    /// Its object, where it has one to itself.
    object: Option<usize>,
    /// Its call, where it has a counted cell of its own.
    pub call: Option<CellCall>,
    /// Whether the frame cuts it.
    pub at_frame: bool,
    /// What the rules call the outline of its counted cell, schistocyte or not; `None` where it is not counted.
    pub rule_form: Option<Option<SchistocyteForm>>,
}

impl ReadOutcome {
    /// Cells that it stands for.
    ///
    /// METHOD: where every labelled point is used besides, a read cell with a label stands for itself alone: the cells
    /// that it was drawn to stand for are there themselves.
    pub(super) fn weight(&self, labels_used: bool) -> f64 {
        if labels_used && self.read.labelled { 1.0 } else { self.read.weight }
    }

    /// Whether it is a schistocyte that the frame cuts, which is not to be counted.
    pub(super) fn is_set_aside(&self) -> bool {
        self.consensus == Consensus::Schistocyte && self.at_frame
    }
}

/// The read cells of a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ReadField {
    pub cells: Vec<ReadOutcome>,
}

impl ReadField {
    pub(super) fn of(truth: &LabeledField, read: &[ReadCell], cells: &[ClassifiedCell]) -> Self {
        let of = |matched: ReadMatch| {
            let cell = read[matched.read];
            let object = matched.object.map(|object| &cells[object]);
            let own = object.filter(|_| matched.outcome == Outcome::Own);
            let call = own.and_then(CellCall::of);
            ReadOutcome {
                read: cell,
                consensus: cell.consensus(),
                outcome: matched.outcome,
                object: matched.object,
                call,
                at_frame: matched.at_frame || matched.outcome == Outcome::Excluded(ExclusionReason::FrameEdge),
                rule_form: own.filter(|_| call.is_some()).map(|own| form(&own.cell.contour, &own.cell.morphology)),
            }
        };
        Self { cells: match_readings(truth, read, cells).into_iter().map(of).collect() }
    }

    /// Whether an object holds a read cell.
    pub(super) fn holds(&self, object: usize) -> bool {
        self.cells.iter().any(|cell| cell.object == Some(object))
    }

    /// Cells whose truth both readings settle.
    pub(super) fn known(&self, labels_used: bool) -> impl Iterator<Item = KnownCell> + '_ {
        self.cells.iter().filter_map(move |cell| {
            let positive = cell.consensus.is_schistocyte()?;
            Some(KnownCell {
                positive,
                weight: cell.weight(labels_used),
                position: cell.read.position,
                truth: if positive { "read as schistocyte" } else { "read as none" },
                read: true,
                outcome: cell.outcome,
                call: cell.call,
                set_aside: cell.is_set_aside(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::field::{FieldInput, FieldOutcome};
    use crate::evaluate::labels::readings::Reading;
    use crate::evaluate::matching::scenes::{counted, field, point};
    use crate::smear::CellClass::{Burr, Normal, Schistocyte};

    fn read(x: f64, y: f64, labelled: bool, both: &str, weight: f64) -> ReadCell {
        let reading = Reading::of_text(both).expect("a reading");
        ReadCell { position: [x, y], labelled, readings: [reading; 2], weight }
    }

    /// (positive, weight, probability of the call) of the known cells.
    fn known(labels: &LabeledField, readings: &[ReadCell], cells: &[ClassifiedCell]) -> Vec<(bool, f64, Option<f64>)> {
        let outcome = FieldOutcome::of(&FieldInput {
            truth: labels,
            cells,
            accepted: true,
            group: None,
            specimen: None,
            expect_none: false,
            readings: Some(readings),
        });
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

    #[test]
    fn a_read_schistocyte_that_the_frame_cuts_is_set_aside() {
        let cells = [counted(0.0, 50.0, 30.0, Normal, 0.1), counted(60.0, 50.0, 30.0, Normal, 0.1)];
        let readings =
            [read(15.0, 65.0, false, "S", 1.0), read(75.0, 65.0, false, "S", 1.0), read(15.0, 65.5, false, "N", 1.0)];
        let of = |readings: &[ReadCell]| {
            let read = ReadField::of(&field(false, Vec::new()), readings, &cells);
            read.known(false).map(|cell| (cell.set_aside, cell.outcome)).collect::<Vec<_>>()
        };
        assert_eq!(of(&readings[..2]), [(true, Outcome::Own), (false, Outcome::Own)]);
        // A cell that is none is counted or not; the frame sets nothing aside.
        assert_eq!(of(&readings[2..]), [(false, Outcome::Own)]);
    }
}
