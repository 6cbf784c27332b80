//! One field through the stages: prepared, judged, measured, classified.
//!
//! In: the pixels of a field and the scale of its specimen. Out: every object of the field with its status, the figures
//! of its quality and the reasons for which it is refused. Nothing is counted here.

use std::collections::BTreeMap;

use super::models::Models;
use super::prepare::{PrepareError, PreparedField, SpecimenScale, prepare};
use crate::classify::{Classifier, ClassifyError, CropTarget};
use crate::measure::{form, measure};
use crate::quality::{FieldQuality, PictureSignature, assess, red_cell_um, unrecognized_share};
use crate::segment::{DetectError, Segmenter};
use crate::smear::{
    Calibration, Cell, CellClass, CellId, CellStatus, ClassifiedCell, ExclusionReason, Field,
    NOMINAL_RED_CELL_DIAMETER_UM, ObjectKind,
};

/// Part by which the median red cell of a field may differ from the nominal one without a second look, either way.
const SIZE_IN_DOUBT: f64 = 0.12;

/// What the stages made of a field.
#[derive(Debug, Clone)]
pub struct ExaminedField {
    /// Pixel size in use; `None` where the field could not be prepared.
    pub calibration: Option<Calibration>,
    /// Figures of its quality; a field that could not be prepared has none and one refusal.
    pub quality: FieldQuality,
    /// Every object, counted or excluded with its reason; in a refused field none is counted.
    pub cells: Vec<ClassifiedCell>,
    /// What the picture looks like from afar; `None` where it shows nothing.
    pub signature: Option<PictureSignature>,
}

/// A model that gives no usable answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExamineError {
    /// The detector of cells.
    #[error(transparent)]
    Detect(#[from] DetectError),
    /// The classifier.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
}

/// Takes a field through the stages.
///
/// # Errors
/// [`ExamineError`]. A field that cannot be prepared is a refused field.
pub fn examine(field: &Field, scale: &SpecimenScale, models: &Models) -> Result<ExaminedField, ExamineError> {
    let prepared = match prepare(field, scale, &models.segmenter) {
        Ok(prepared) => prepared,
        Err(PrepareError::Detect(error)) => return Err(error.into()),
        Err(error) => {
            let quality = FieldQuality { figures: Vec::new(), refusals: vec![error.to_string()] };
            return Ok(ExaminedField { calibration: None, quality, cells: Vec::new(), signature: None });
        }
    };
    let red_cell_um = red_cell_size_um(field, &prepared, &models.segmenter)?;
    let PreparedField { background, normalized, segmentation, .. } = &prepared;
    let mut quality =
        assess(&field.rgb, normalized, background.mean(), background.evenness(), segmentation, red_cell_um);
    let mut cells = classified(&prepared, quality.accepted(), &models.classifier)?;
    // METHOD: judged last, since the classifier refuses what the detector took for a red cell.
    quality.judge_recognition(unrecognized_share(&cells));
    if !quality.accepted() {
        cells.iter_mut().for_each(refuse);
    }
    let signature = PictureSignature::of(&prepared.normalized);
    Ok(ExaminedField { calibration: Some(prepared.calibration), quality, cells, signature })
}

/// Median diameter of a field's red cells by the pixel size in use, µm.
///
/// METHOD: at a wrong scale cells are cut apart or taken for too large, and those that are left are those of the expected
/// size, so that their median tells little. Where it is off at all, the field's own scale is estimated from anew.
fn red_cell_size_um(
    field: &Field,
    prepared: &PreparedField,
    segmenter: &Segmenter,
) -> Result<Option<f64>, DetectError> {
    let um_per_px = prepared.calibration.um_per_px;
    let found = red_cell_um(&prepared.segmentation, um_per_px);
    let is_off = |um: f64| (um / NOMINAL_RED_CELL_DIAMETER_UM - 1.0).abs() > SIZE_IN_DOUBT;
    if !found.is_some_and(is_off) {
        return Ok(found);
    }
    let own = segmenter.estimate_scale(&field.rgb)?;
    Ok(own.map(|own| own.median_diameter_px * um_per_px).or(found))
}

/// Takes a cell of a refused field out of the count.
pub(super) fn refuse(cell: &mut ClassifiedCell) {
    if let CellStatus::Counted(call) = cell.status {
        cell.status = CellStatus::Excluded(ExclusionReason::FieldRefused, Some(call));
        cell.form = None;
    }
}

/// Every object with its status; in a refused field no cell is counted, and none is worth the classifier's time.
fn classified(
    prepared: &PreparedField,
    accepted: bool,
    classifier: &Classifier,
) -> Result<Vec<ClassifiedCell>, ClassifyError> {
    let PreparedField { calibration, normalized, segmentation, .. } = prepared;
    let targets: Vec<CropTarget> = segmentation
        .objects
        .iter()
        .enumerate()
        .filter(|(_, object)| accepted && object.kind == ObjectKind::RedCell)
        .map(|(index, object)| CropTarget::new(index as u32 + 1, &object.contour, normalized))
        .collect();
    let verdicts = classifier.classify(normalized, &segmentation.labels, &targets)?;
    let by_label: BTreeMap<u32, CellStatus> = targets
        .iter()
        .zip(&verdicts)
        .map(|(target, verdict)| {
            let hidden_share = segmentation.objects[target.label as usize - 1].hidden_share;
            (target.label, verdict.status(classifier.card(), hidden_share))
        })
        .collect();
    let cells = segmentation.objects.iter().enumerate().map(|(index, object)| {
        let label = index as u32 + 1;
        let status = match object.kind {
            ObjectKind::Excluded(reason) => CellStatus::Excluded(reason, None),
            ObjectKind::RedCell => {
                by_label.get(&label).copied().unwrap_or(CellStatus::Excluded(ExclusionReason::FieldRefused, None))
            }
        };
        let morphology = measure(&object.contour, calibration.um_per_px, normalized);
        let schistocyte = matches!(status, CellStatus::Counted(call) if call.class == CellClass::Schistocyte);
        ClassifiedCell {
            cell: Cell {
                id: CellId(label),
                contour: object.contour.clone(),
                morphology,
                kind: object.kind,
                hidden_share: object.hidden_share,
            },
            status,
            form: if schistocyte { form(&object.contour, &morphology) } else { None },
        }
    });
    Ok(cells.collect())
}
