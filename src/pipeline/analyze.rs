//! From the inputs of a specimen to its case.
//!
//! Order: 1. pixel size; 2. for each field, in parallel: read, prepare, judge, measure, classify, picture; 3. count over
//! the accepted fields; 4. the record. Fields keep the order of the input, so the result does not depend on the number
//! of threads. Memory holds the pixels of the fields in work only.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use serde_json::Value;

use super::examine::{ExamineError, ExaminedField, examine};
use super::models::Models;
use super::pictures::{preview, tile};
use super::prepare::{SpecimenScale, given_calibration};
use super::provenance::provenance;
use super::stream::{Interrupted, in_order};
use crate::case::{
    Case, CaseField, CaseRecord, CellTile, CountRecord, FOOTER, FieldRecord, InputFailure, InputFile, IssueTime,
    Laboratory, Order, QualityFigure, SCHEMA_VERSION, Timestamp, rounded, statement,
};
use crate::classify::ModelCard;
use crate::count::{CountOptions, FieldTally, Performance, SchistocyteCount};
use crate::segment::DetectError;
use crate::smear::{Calibration, CellClass, CellStatus, ClassifiedCell, Field};
use crate::source::{DecodeLimits, FieldSource, SourceError, expand_inputs};
use crate::stats::{Interval, Probability};

/// What an analysis is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AnalyzeOptions {
    /// Specimen number.
    pub accession: Option<String>,
    /// The order behind the specimen; its specimen number must be `accession`.
    pub order: Option<Order>,
    /// The laboratory that reports.
    pub laboratory: Option<Laboratory>,
    /// When reports and messages are issued; otherwise from the order or the newest input.
    pub issued_at: Option<Timestamp>,
    /// SHA-256 of the laboratory's configuration, for the provenance; empty where none was in use.
    pub configuration_sha256: String,
    /// Pixel size, µm; otherwise from the files or estimated.
    pub um_per_px: Option<f64>,
    /// Age group and minimum count.
    pub count: CountOptions,
}

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
    /// The user stopped the run.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

fn reasons(failures: &[InputFailure]) -> String {
    let texts: Vec<String> = failures.iter().map(|failure| format!("{}: {}", failure.path, failure.reason)).collect();
    if texts.is_empty() { String::from("name images or folders of images") } else { texts.join("; ") }
}

/// Told of the progress, and asked whether to go on.
pub trait Progress: Sync {
    /// Fields there are.
    fn start(&self, fields: usize);
    /// One more field is done.
    fn field_done(&self);
}

struct FieldResult {
    record: FieldRecord,
    field: CaseField,
    tally: Option<FieldTally>,
    /// The file, told apart from others of the same name and content.
    path: PathBuf,
    input: InputFile,
}

/// Analyzes a specimen.
///
/// # Errors
/// [`AnalyzeError`] where no case can be made; an input that cannot be read is recorded and the others go on.
pub fn analyze(
    inputs: &[PathBuf],
    options: &AnalyzeOptions,
    models: &Models,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Case, AnalyzeError> {
    let (sources, unreadable) = expand_inputs(inputs, DecodeLimits::default());
    let mut failed: Vec<InputFailure> = unreadable.iter().map(input_failure).collect();
    let given = options.um_per_px.and_then(given_calibration);
    let scale = SpecimenScale::of_specimen(&sources, given, &models.segmenter)?;
    progress.start(sources.len());
    let mut fields = Vec::new();
    let work = |source: &FieldSource| {
        let result = match source.read() {
            Ok(field) => field_result(source, &field, &scale, models).map(Ok),
            Err(error) => Ok(Err(input_failure(&error))),
        };
        progress.field_done();
        result
    };
    in_order(&sources, stop, work, |result| -> Result<(), AnalyzeError> {
        match result {
            Ok(field) => fields.push(field),
            Err(error) => failed.push(error),
        }
        Ok(())
    })?;
    if fields.is_empty() {
        return Err(AnalyzeError::NoInputReadable(failed));
    }
    Ok(case_of(fields, failed, options, models))
}

/// An input that could not be read, as the records name it.
pub fn input_failure(error: &SourceError) -> InputFailure {
    InputFailure { path: error.path.display().to_string(), reason: error.problem.to_string() }
}

fn field_result(
    source: &FieldSource,
    field: &Field,
    scale: &SpecimenScale,
    models: &Models,
) -> Result<FieldResult, AnalyzeError> {
    let name = field.id.to_string();
    let picture = |source| AnalyzeError::Picture { field: name.clone(), source };
    let ExaminedField { calibration, quality, cells } =
        examine(field, scale, models).map_err(|source| AnalyzeError::Examine { field: name.clone(), source })?;
    let accepted = quality.accepted();
    let (preview_jpeg, preview_width_px, preview_height_px, preview_px_per_px) =
        preview(&field.rgb).map_err(picture)?;
    let tiles = tiles(field, &cells, calibration).map_err(picture)?;
    let tally = accepted.then(|| FieldTally::of_cells(&cells));
    let record = FieldRecord {
        field: name.clone(),
        width_px: field.rgb.width(),
        height_px: field.rgb.height(),
        um_per_px: calibration.map(|calibration| rounded(calibration.um_per_px)),
        um_per_px_source: calibration.map(|calibration| calibration.source),
        accepted,
        refusals: quality.refusals,
        quality: quality
            .figures
            .iter()
            .map(|figure| QualityFigure {
                name: figure.name.to_owned(),
                value: figure.value.map(rounded),
                min: figure.min,
                max: figure.max,
                accepted: figure.accepted(),
            })
            .collect(),
        red_cells: tally.as_ref().map_or(0, FieldTally::red_cells),
        schistocytes: tally.as_ref().map_or(0, FieldTally::schistocytes),
        exclusions: exclusions(&cells),
    };
    Ok(FieldResult {
        record,
        field: CaseField {
            field: name,
            preview_jpeg,
            preview_width_px,
            preview_height_px,
            preview_px_per_px,
            cells,
            schistocyte_tiles: tiles,
        },
        tally,
        path: source.path().to_owned(),
        input: InputFile { file: source.file_name().to_owned(), sha256: field.sha256.clone() },
    })
}

fn tiles(
    field: &Field,
    cells: &[ClassifiedCell],
    calibration: Option<Calibration>,
) -> image::ImageResult<Vec<CellTile>> {
    let Some(calibration) = calibration else { return Ok(Vec::new()) };
    cells
        .iter()
        .filter(|cell| cell.is_counted_schistocyte())
        .map(|cell| {
            let png = tile(&field.rgb, cell.cell.contour.centroid(), calibration.um_per_px)?;
            Ok(CellTile { cell_id: cell.cell.id, png })
        })
        .collect()
}

fn exclusions(cells: &[ClassifiedCell]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for cell in cells {
        if let CellStatus::Excluded(reason, _) = cell.status {
            *counts.entry(reason.name().to_owned()).or_insert(0) += 1;
        }
    }
    counts
}

fn case_of(
    results: Vec<FieldResult>,
    failed_inputs: Vec<InputFailure>,
    options: &AnalyzeOptions,
    models: &Models,
) -> Case {
    let card = models.classifier.card();
    let tallies: Vec<FieldTally> = results.iter().filter_map(|result| result.tally).collect();
    let total: FieldTally = tallies.iter().sum();
    let count = CountRecord::from(&SchistocyteCount::of_fields(&tallies, &options.count, &performance(card)));
    let mut excluded: BTreeMap<String, u64> = BTreeMap::new();
    for (reason, n) in results.iter().flat_map(|result| &result.record.exclusions) {
        *excluded.entry(reason.clone()).or_insert(0) += n;
    }
    // Pages of one file follow each other.
    let files = results.chunk_by(|one, next| one.path == next.path);
    let inputs: Vec<InputFile> = files.map(|pages| pages[0].input.clone()).collect();
    let record = CaseRecord {
        schema_version: SCHEMA_VERSION.to_owned(),
        accession: options.accession.clone(),
        order: options.order.clone(),
        laboratory: options.laboratory.clone(),
        issued_at: IssueTime::resolve(options.issued_at.as_ref(), options.order.as_ref(), newest_input(&results)),
        age_group: options.count.age_group,
        statement: statement(&count),
        evidence: None,
        count,
        class_counts: CellClass::ALL.into_iter().map(|class| (class.name().to_owned(), total.of(class))).collect(),
        exclusions: excluded,
        failed_inputs,
        provenance: provenance(models, named_options(options), inputs),
        footer: FOOTER.to_owned(),
        fields: results.iter().map(|result| result.record.clone()).collect(),
    };
    Case { record, fields: results.into_iter().map(|result| result.field).collect() }
}

/// Newest modification time of the files; unknown where the file system keeps none.
fn newest_input(results: &[FieldResult]) -> Option<Timestamp> {
    let modified = |result: &FieldResult| std::fs::metadata(&result.path).and_then(|file| file.modified()).ok();
    results.iter().filter_map(modified).max().and_then(Timestamp::of_system)
}

fn performance(card: &ModelCard) -> Performance {
    let checked = |value: Option<f64>| value.and_then(|value| Probability::new(value).ok());
    Performance {
        sensitivity: checked(card.performance.sensitivity),
        sensitivity_cells: card.performance.sensitivity_cells,
        specificity: checked(card.performance.specificity),
        specificity_cells: card.performance.specificity_cells,
        healthy_share: card.performance.false_positive_floor.as_ref().and_then(|floor| {
            let share = Probability::new(floor.percent / 100.0).ok()?;
            Some((share, Interval::new(floor.low / 100.0, floor.high / 100.0)?))
        }),
    }
}

fn named_options(options: &AnalyzeOptions) -> BTreeMap<String, Value> {
    let mut named: BTreeMap<String, Value> = BTreeMap::new();
    named.insert(String::from("um_per_px"), options.um_per_px.map_or(Value::Null, Value::from));
    named.insert(String::from("age_group"), options.count.age_group.name().into());
    named.insert(String::from("min_cells"), options.count.min_cells.into());
    let grading = options.count.grading.as_ref().map(|table| table.name.clone());
    named.insert(String::from("configuration_sha256"), options.configuration_sha256.as_str().into());
    named.insert(String::from("grading"), grading.map_or(Value::Null, Value::from));
    named
}
