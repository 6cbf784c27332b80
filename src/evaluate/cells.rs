//! Single cells of a field: what the classifier said of a found cell, a cell whose truth is known, and a read cell.

use super::labels::readings::{KnownTruth, ReadCell};
use super::matching::{Outcome, match_readings};
use crate::measure::form;
use crate::smear::{CellClass, ClassifiedCell, ExclusionReason, LabeledField, SchistocyteForm};

/// What the classifier said, as far as it is evaluated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CellCall {
    pub class: CellClass,
    pub probability: f64,
}

impl CellCall {
    /// The call of a counted cell.
    pub(super) fn of(cell: &ClassifiedCell) -> Option<Self> {
        let call = cell.counted_call()?;
        Some(Self { class: call.class, probability: call.schistocyte_probability.value() })
    }

    /// Whether it is called schistocyte.
    pub(super) fn is_schistocyte(&self) -> bool {
        self.class == CellClass::Schistocyte
    }
}

/// A cell of which labels or, where there are any, readings say whether it is a schistocyte.
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

    /// The cell, where its label is taken for the truth.
    pub(super) fn known(&self) -> KnownCell {
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

/// A cell that two readers read, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ReadOutcome {
    pub read: ReadCell,
    pub consensus: KnownTruth,
    pub outcome: Outcome,
    /// The object that it lies in.
    pub object: Option<usize>,
    /// Its call, where it has a counted cell of its own.
    pub call: Option<CellCall>,
    /// Whether the frame cuts it.
    pub at_frame: bool,
    /// What the rules call the outline of its counted cell, schistocyte or not; `None` where it is not counted.
    pub rule_form: Option<Option<SchistocyteForm>>,
}

impl ReadOutcome {
    /// What became of the read cells of a field.
    pub(super) fn of_field(truth: &LabeledField, read: &[ReadCell], cells: &[ClassifiedCell]) -> Vec<Self> {
        let matches = match_readings(truth, read, cells).into_iter();
        let outcomes = matches.map(|matched| {
            let read = read[matched.read];
            let own = matched.object.map(|object| &cells[object]).filter(|_| matched.outcome == Outcome::Own);
            let call = own.and_then(CellCall::of);
            Self {
                read,
                consensus: read.consensus(),
                outcome: matched.outcome,
                object: matched.object,
                call,
                at_frame: matched.at_frame || matched.outcome == Outcome::Excluded(ExclusionReason::FrameEdge),
                rule_form: own.filter(|_| call.is_some()).map(|own| form(&own.cell.contour, &own.cell.morphology)),
            }
        });
        outcomes.collect()
    }

    /// Cells that it stands for.
    ///
    /// METHOD: where every labelled point is used as well, a read cell with a label stands for itself alone, because the
    /// cells that it was drawn to stand for are there themselves.
    pub(super) fn weight(&self, labels_used: bool) -> f64 {
        if labels_used && self.read.labelled { 1.0 } else { self.read.weight }
    }

    /// Whether it is a schistocyte that the frame cuts, which is not to be counted.
    pub(super) fn is_set_aside(&self) -> bool {
        self.consensus == KnownTruth::Schistocyte && self.at_frame
    }

    /// The cell, where both readings settle what it is.
    pub(super) fn known(&self, labels_used: bool) -> Option<KnownCell> {
        let positive = self.consensus.is_schistocyte()?;
        Some(KnownCell {
            positive,
            weight: self.weight(labels_used),
            position: self.read.position,
            truth: if positive { "read as schistocyte" } else { "read as none" },
            read: true,
            outcome: self.outcome,
            call: self.call,
            set_aside: self.is_set_aside(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::labels::readings::Reading;
    use crate::evaluate::matching::scenes::{counted, field};
    use crate::smear::CellClass::Normal;

    #[test]
    fn a_read_schistocyte_that_the_frame_cuts_is_set_aside() {
        let cells = [counted(0.0, 50.0, 30.0, Normal, 0.1), counted(60.0, 50.0, 30.0, Normal, 0.1)];
        let read = |x: f64, y: f64, both: &str| {
            let reading = Reading::of_text(both).expect("a reading");
            ReadCell { position: [x, y], labelled: false, readings: [reading; 2], weight: 1.0 }
        };
        let of = |readings: &[ReadCell]| {
            let read = ReadOutcome::of_field(&field(false, Vec::new()), readings, &cells);
            let known = read.iter().filter_map(|cell| cell.known(false));
            known.map(|cell| (cell.set_aside, cell.outcome)).collect::<Vec<_>>()
        };
        let schistocytes = [read(15.0, 65.0, "S"), read(75.0, 65.0, "S")];
        assert_eq!(of(&schistocytes), [(true, Outcome::Own), (false, Outcome::Own)]);
        // A cell that is none is counted or not; the frame sets nothing aside.
        assert_eq!(of(&[read(15.0, 65.5, "N")]), [(false, Outcome::Own)]);
    }
}
