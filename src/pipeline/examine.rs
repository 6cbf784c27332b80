//! The models of a run, and one field through the stages: prepared, judged, measured, classified.
//!
//! In: the pixels of a field and the scale of its specimen. Out: every object of the field with its status, the figures of
//! the field's quality and the reasons for which it is refused. Nothing is counted here. Beside it stand what the model
//! cards state and what a record says of program, models and engine ([`provenance`]).

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;
use serde_json::Value;

use super::prepare::{PrepareError, PreparedField, SpecimenScale, prepare};
use crate::case::{DetectorProvenance, InputFailure, InputFile, ModelProvenance, Provenance};
use crate::classify::{Classifier, ClassifyError, CropTarget, FilmRange, ModelCard};
use crate::count::{LearnedRange, MeasuredFloor, Performance, UnseenPerformance};
use crate::measure::{form, measure};
use crate::optics::both;
use crate::quality::{FieldQuality, PictureSignature, assess, red_cell_um, unrecognized_share};
use crate::segment::{DetectError, Segmenter};
use crate::smear::{
    Calibration, Cell, CellClass, CellId, CellStatus, ClassifiedCell, ExclusionReason, Field,
    NOMINAL_RED_CELL_DIAMETER_UM, ObjectKind,
};
use crate::stats::{Interval, Probability};

/// Version of the method: raised with every change that can move a reported figure.
pub const METHOD_VERSION: &str = "9";

/// Objects that one thread measures at least: fewer take no longer than to hand them over.
const MEASURED_TOGETHER: usize = 128;

/// Share by which the median red cell of a field may differ from the nominal one, either way, before it is measured again.
const SIZE_IN_DOUBT: f64 = 0.12;

/// The two models of a run, which always go together: what finds the cells and what classifies them.
pub struct Models {
    /// Finds and outlines cells.
    pub segmenter: Segmenter,
    /// Classifies them.
    pub classifier: Classifier,
}

/// What a card states of its classifier, as a count takes it.
pub fn card_performance(card: &ModelCard) -> Performance {
    let checked = |value: Option<f64>| value.and_then(|value| Probability::new(value).ok());
    let measured = |percent: f64, low: f64, high: f64, cells: u64| {
        let share = Probability::new(percent / 100.0).ok()?;
        Some(MeasuredFloor { share, interval: Interval::new(low / 100.0, high / 100.0)?, cells })
    };
    let stated = &card.performance;
    let of_class = |class: CellClass| {
        let floor = stated.class_floors.iter().find(|floor| floor.class == class)?;
        measured(floor.percent, floor.low, floor.high, floor.cells)
    };
    let floor = stated.false_positive_floor.as_ref();
    Performance {
        sensitivity: checked(stated.sensitivity),
        sensitivity_cells: stated.sensitivity_cells,
        specificity: checked(stated.specificity),
        specificity_cells: stated.specificity_cells,
        healthy_floor: floor.and_then(|floor| measured(floor.percent, floor.low, floor.high, floor.cells)),
        class_floors: CellClass::ALL.map(of_class),
        repeatability_relative_sd: stated.repeatability.as_ref().map(|stated| stated.relative_sd),
        unseen: stated.unseen_origins.as_ref().and_then(|unseen| {
            let floor = &unseen.false_positive_floor;
            Some(UnseenPerformance {
                sensitivity: Probability::new(unseen.sensitivity).ok()?,
                sensitivity_cells: unseen.sensitivity_cells,
                healthy_floor: measured(floor.percent, floor.low, floor.high, floor.cells)?,
            })
        }),
    }
}

/// The ranges of films that a card states.
pub(super) fn learned_ranges(card: &ModelCard) -> Vec<LearnedRange> {
    let range = |range: &FilmRange| LearnedRange {
        measure: range.measure.clone(),
        learned: [range.low, range.high],
        tried: [range.tried_low, range.tried_high],
    };
    card.performance.film_ranges.iter().map(range).collect()
}

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

/// The work was stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted; nothing was written")]
pub struct Interrupted;

/// Why no case could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalyzeError {
    /// Nothing to read; every failure is named.
    #[error("expected at least one readable image, found none; {}", reasons(.0))]
    NoInputReadable(Vec<InputFailure>),
    /// The detector of cells failed while the pixel size was estimated.
    #[error(transparent)]
    Detect(#[from] DetectError),
    /// A model failed on a field.
    #[error("{field}: the models gave no usable answer; check them with the command `model`")]
    Examine {
        /// Field.
        field: String,
        /// What went wrong.
        source: ExamineError,
    },
    /// A picture could not be encoded.
    #[error("{field}: its picture could not be encoded")]
    Picture {
        /// Field.
        field: String,
        /// What went wrong.
        source: image::ImageError,
    },
    /// The fields could not be kept in the temporary folder.
    #[error("the temporary folder {} could not be used; free space there or set TMPDIR", std::env::temp_dir().display())]
    Spool(#[source] std::io::Error),
    /// The program failed.
    #[error("{what}: the program failed here; report it as a bug with the images")]
    Panicked {
        /// File, or what was in work.
        what: String,
    },
    /// The user stopped the run.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

fn reasons(failures: &[InputFailure]) -> String {
    let texts: Vec<String> = failures.iter().map(|failure| format!("{}: {}", failure.path, failure.reason)).collect();
    if texts.is_empty() { String::from("name images or folders of images") } else { texts.join("; ") }
}

/// METHOD: a panic is a bug of this program. One image that meets it must not end the run over thousands of others.
pub(super) fn caught<T>(what: &str, work: impl FnOnce() -> Result<T, AnalyzeError>) -> Result<T, AnalyzeError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked(what)))
}

/// The error of a panic.
pub(super) fn panicked(what: &str) -> AnalyzeError {
    AnalyzeError::Panicked { what: what.to_owned() }
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
            let quality = FieldQuality { measures: Vec::new(), refusals: vec![error.to_string()] };
            return Ok(ExaminedField { calibration: None, quality, cells: Vec::new(), signature: None });
        }
    };
    let red_cell_um = red_cell_size_um(field, &prepared, &models.segmenter)?;
    let PreparedField { background, normalized, segmentation, .. } = &prepared;
    let mut quality =
        assess(&field.rgb, normalized, background.mean(), background.evenness(), segmentation, red_cell_um);
    let (cells, signature) = both(
        &field.rgb,
        || classified(&prepared, quality.accepted(), &models.classifier),
        || PictureSignature::of(&prepared.normalized),
    );
    let mut cells = cells?;
    // METHOD: judged last, since the classifier refuses what the detector took for a red cell.
    quality.judge_recognition(unrecognized_share(&cells));
    if !quality.accepted() {
        cells.iter_mut().for_each(refuse);
    }
    Ok(ExaminedField { calibration: Some(prepared.calibration), quality, cells, signature })
}

/// Median diameter of a field's red cells by the pixel size in use, µm.
///
/// METHOD: at a wrong scale cells are cut apart or taken for too large. Those that are left have the expected size, so that
/// their median tells little. Where it is off at all, the scale of this field is estimated anew.
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

/// Every object with its status. In a refused field no cell is counted, so the classifier is not asked.
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
    let cells = segmentation.objects.par_iter().with_min_len(MEASURED_TOGETHER).enumerate().map(|(index, object)| {
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

/// The provenance of a run with these options on these inputs.
pub fn provenance(models: &Models, options: BTreeMap<String, Value>, inputs: Vec<InputFile>) -> Provenance {
    let (detector, card) = (models.segmenter.detector().card(), models.classifier.card());
    let unseen = card.performance.unseen_origins.as_ref();
    Provenance {
        software: env!("CARGO_PKG_NAME").to_owned(),
        software_version: env!("CARGO_PKG_VERSION").to_owned(),
        method_version: METHOD_VERSION.to_owned(),
        detector: DetectorProvenance {
            name: detector.name.clone(),
            version: detector.version.clone(),
            sha256: detector.graph_sha256.clone(),
        },
        model: ModelProvenance {
            name: card.name.clone(),
            version: card.version.clone(),
            sha256: card.graph_sha256.clone(),
            operating_point: card.operating_point,
            review_operating_point: card.review_operating_point,
            review_sensitivity: card.review_sensitivity().map(|(rate, _)| rate),
            review_sensitivity_cells: card.review_sensitivity().map(|(_, cells)| cells),
            unseen_sensitivity: unseen.map(|unseen| unseen.sensitivity),
            unseen_sensitivity_cells: unseen.map(|unseen| unseen.sensitivity_cells),
            sensitivity: card.performance.sensitivity,
            sensitivity_cells: card.performance.sensitivity_cells,
            specificity: card.performance.specificity,
            specificity_cells: card.performance.specificity_cells,
            measured_on: card.performance.measured_on.clone(),
            healthy_share: card.performance.false_positive_floor.clone(),
            class_healthy_shares: card.performance.class_floors.clone(),
        },
        engine: models.classifier.engine().map_or("scripted", |engine| engine.kind.name()).to_owned(),
        options,
        inputs,
    }
}
