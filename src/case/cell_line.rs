//! A classified cell as plain data: what the archive and the spool of the fields hold of it.
//!
//! In and out: [`ClassifiedCell`]; a line that was read is checked again, because a file may have been changed.

use serde::{Deserialize, Serialize};

use crate::smear::{
    Call, Cell, CellClass, CellId, CellStatus, ClassifiedCell, Contour, ExclusionReason, Morphology, ObjectKind,
    SchistocyteForm,
};
use crate::stats::Probability;

/// A cell.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CellLine {
    id: u32,
    contour: Vec<[f64; 2]>,
    morphology: Morphology,
    /// Why the segmenter left it out; null for a red cell.
    segmented_as: Option<ExclusionReason>,
    hidden_share: f64,
    /// Why it is not counted; null where it is.
    excluded: Option<ExclusionReason>,
    call: Option<CallLine>,
    form: Option<SchistocyteForm>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallLine {
    class: CellClass,
    class_probability: f64,
    schistocyte_probability: f64,
}

impl From<&ClassifiedCell> for CellLine {
    fn from(classified: &ClassifiedCell) -> Self {
        let (excluded, call) = match classified.status {
            CellStatus::Counted(call) => (None, Some(call)),
            CellStatus::Excluded(reason, call) => (Some(reason), call),
        };
        Self {
            id: classified.cell.id.0,
            contour: classified.cell.contour.points().to_vec(),
            morphology: classified.cell.morphology,
            segmented_as: match classified.cell.kind {
                ObjectKind::RedCell => None,
                ObjectKind::Excluded(reason) => Some(reason),
            },
            hidden_share: classified.cell.hidden_share,
            excluded,
            call: call.map(|call| CallLine {
                class: call.class,
                class_probability: call.class_probability.value(),
                schistocyte_probability: call.schistocyte_probability.value(),
            }),
            form: classified.form,
        }
    }
}

impl CellLine {
    /// The cell.
    ///
    /// # Errors
    /// What was expected of a line that is not sound.
    pub(super) fn cell(self) -> Result<ClassifiedCell, &'static str> {
        let probability = |value| Probability::new(value).map_err(|_| "probabilities from 0 to 1");
        let call = self.call.map(|call| -> Result<Call, &'static str> {
            Ok(Call {
                class: call.class,
                class_probability: probability(call.class_probability)?,
                schistocyte_probability: probability(call.schistocyte_probability)?,
            })
        });
        let call = call.transpose()?;
        let status = match (self.excluded, call) {
            (Some(reason), call) => CellStatus::Excluded(reason, call),
            (None, Some(call)) => CellStatus::Counted(call),
            (None, None) => return Err("a call for every counted cell"),
        };
        let contour = Contour::new(self.contour).ok_or("outlines of at least three points")?;
        let kind = self.segmented_as.map_or(ObjectKind::RedCell, ObjectKind::Excluded);
        if !(0.0..=1.0).contains(&self.hidden_share) {
            return Err("shares of hidden outline from 0 to 1");
        }
        let hidden_share = self.hidden_share;
        let cell = Cell { id: CellId(self.id), contour, morphology: self.morphology, kind, hidden_share };
        Ok(ClassifiedCell { cell, status, form: self.form })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell(id: u32, status: CellStatus, form: Option<SchistocyteForm>) -> ClassifiedCell {
        let morphology = Morphology {
            area_um2: 40.1,
            perimeter_um: 0.1 + 0.2,
            diameter_um: 7.0,
            circularity: 0.9,
            solidity: 1.0 / 3.0,
            aspect_ratio: 1.0,
            mean_optical_density: 0.2,
            pallor_contrast: None,
        };
        let contour = Contour::new(vec![[0.1, 0.2], [3.3, 0.0], [1.0 / 7.0, 9.9]]).expect("three points");
        ClassifiedCell {
            cell: Cell { id: CellId(id), contour, morphology, kind: ObjectKind::RedCell, hidden_share: 1.0 / 7.0 },
            status,
            form,
        }
    }

    fn call() -> Call {
        let probability = |value| Probability::new(value).expect("0 to 1");
        Call {
            class: CellClass::Schistocyte,
            class_probability: probability(0.1 + 0.2),
            schistocyte_probability: probability(1.0 / 3.0),
        }
    }

    #[test]
    fn a_cell_reads_back_to_the_last_bit() {
        for classified in [
            cell(1, CellStatus::Counted(call()), Some(SchistocyteForm::Helmet)),
            cell(2, CellStatus::Excluded(ExclusionReason::NotRedCell, Some(call())), None),
            cell(3, CellStatus::Excluded(ExclusionReason::FieldRefused, None), None),
        ] {
            let text = serde_json::to_string(&CellLine::from(&classified)).expect("plain numbers");
            let line: CellLine = serde_json::from_str(&text).expect("its own text");
            assert_eq!(line.cell().expect("sound"), classified);
        }
    }

    #[test]
    fn unsound_cells_are_refused() {
        let line = || CellLine::from(&cell(1, CellStatus::Counted(call()), None));
        assert!(line().cell().is_ok());
        for (broken, expected) in [
            (CellLine { call: None, ..line() }, "a call for every counted cell"),
            (CellLine { contour: vec![[0.0, 0.0]; 2], ..line() }, "outlines of at least three points"),
        ] {
            assert_eq!(broken.cell(), Err(expected));
        }
    }

    proptest! {
        #[test]
        fn numbers_survive_the_text(value in proptest::num::f64::NORMAL) {
            let text = serde_json::to_string(&value).expect("finite");
            prop_assert_eq!(serde_json::from_str::<f64>(&text).expect("its own text").to_bits(), value.to_bits());
        }
    }
}
