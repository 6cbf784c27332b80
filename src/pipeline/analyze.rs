//! From a field to its part of a case, and from all of them to the case.
//!
//! Order for a field: read, prepare, judge, measure, classify, picture; for the case: count over the accepted fields, then
//! the record. Fields are added in the order of the input, so the result does not depend on the number of threads; their
//! pictures and cells are kept outside of memory.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::examine::{ExamineError, ExaminedField, examine};
use super::models::Models;
use super::pictures::{preview, tile};
use super::prepare::SpecimenScale;
use super::provenance::provenance;
use super::stream::Interrupted;
use crate::case::{
    Case, CaseField, CaseFields, CaseRecord, CellTile, CountRecord, FOOTER, FieldRecord, InputFailure, InputFile,
    IssueTime, Laboratory, Order, QualityFigure, SCHEMA_VERSION, Timestamp, rounded, statement,
};
use crate::classify::ModelCard;
use crate::count::{CountOptions, FieldTally, Performance, SchistocyteCount};
use crate::segment::DetectError;
use crate::smear::{Calibration, CellClass, CellStatus, ClassifiedCell, Field};
use crate::source::{FieldSource, SourceError};
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

/// Told of the progress.
pub trait Progress: Sync {
    /// So many more fields are to be done.
    fn found(&self, fields: usize);
    /// One more field is done.
    fn field_done(&self);
}

/// What a field gives to its case.
pub(super) struct FieldResult {
    record: FieldRecord,
    field: CaseField,
    tally: Option<FieldTally>,
    /// The file, told apart from others of the same name and content.
    path: PathBuf,
    input: InputFile,
}

/// A field without pictures and cells: what stays in memory until the case is made.
struct CountedField {
    record: FieldRecord,
    tally: Option<FieldTally>,
    path: PathBuf,
    input: InputFile,
}

/// A case that grows field by field, in the order of the input.
pub(super) struct CaseBuilder {
    counted: Vec<CountedField>,
    fields: CaseFields,
    failed: Vec<InputFailure>,
}

impl CaseBuilder {
    /// Without fields; `failed` are inputs that were not readable from the start.
    pub(super) fn new(failed: Vec<InputFailure>) -> Self {
        Self { counted: Vec::new(), fields: CaseFields::default(), failed }
    }

    /// Adds the next field.
    ///
    /// # Errors
    /// [`AnalyzeError::Spool`].
    pub(super) fn add(&mut self, result: Result<FieldResult, InputFailure>) -> Result<(), AnalyzeError> {
        match result {
            Ok(FieldResult { record, field, tally, path, input }) => {
                self.fields.push(&field).map_err(AnalyzeError::Spool)?;
                self.counted.push(CountedField { record, tally, path, input });
            }
            Err(failure) => self.failed.push(failure),
        }
        Ok(())
    }

    /// The case.
    ///
    /// # Errors
    /// [`AnalyzeError::NoInputReadable`].
    pub(super) fn finish(self, options: &AnalyzeOptions, models: &Models) -> Result<Case, AnalyzeError> {
        if self.counted.is_empty() {
            return Err(AnalyzeError::NoInputReadable(self.failed));
        }
        Ok(Case { record: record_of(self.counted, self.failed, options, models), fields: self.fields })
    }
}

/// An input that could not be read, as the records name it.
pub fn input_failure(error: &SourceError) -> InputFailure {
    InputFailure { path: error.path.display().to_string(), reason: error.problem.to_string() }
}

/// Reads a field and takes it through all stages.
///
/// # Errors
/// The models fail or a picture cannot be encoded; a file that cannot be read is the inner error.
pub(super) fn field_result(
    source: &FieldSource,
    scale: &SpecimenScale,
    models: &Models,
) -> Result<Result<FieldResult, InputFailure>, AnalyzeError> {
    match source.read() {
        Ok(field) => result_of(source, &field, scale, models).map(Ok),
        Err(error) => Ok(Err(input_failure(&error))),
    }
}

fn result_of(
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

fn record_of(
    results: Vec<CountedField>,
    failed_inputs: Vec<InputFailure>,
    options: &AnalyzeOptions,
    models: &Models,
) -> CaseRecord {
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
    CaseRecord {
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
        fields: results.into_iter().map(|result| result.record).collect(),
    }
}

/// Newest modification time of the files; unknown where the file system keeps none.
fn newest_input(results: &[CountedField]) -> Option<Timestamp> {
    let modified = |result: &CountedField| std::fs::metadata(&result.path).and_then(|file| file.modified()).ok();
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

/// The options that can move a figure, by name, for the provenance.
pub fn named_options(options: &AnalyzeOptions) -> BTreeMap<String, Value> {
    let mut named: BTreeMap<String, Value> = BTreeMap::new();
    named.insert(String::from("um_per_px"), options.um_per_px.map_or(Value::Null, Value::from));
    named.insert(String::from("age_group"), options.count.age_group.name().into());
    named.insert(String::from("min_cells"), options.count.min_cells.into());
    let grading = options.count.grading.as_ref().map(|table| table.name.clone());
    named.insert(String::from("configuration_sha256"), options.configuration_sha256.as_str().into());
    named.insert(String::from("grading"), grading.map_or(Value::Null, Value::from));
    named
}
