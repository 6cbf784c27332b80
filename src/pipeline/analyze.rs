//! From a field to its part of a case, and from all of them to the case.
//!
//! Order for a field: read, prepare, judge, measure, classify, picture; for the case: count over the accepted fields, then
//! the record. Fields are added in the order of the input, so the result does not depend on the number of threads; their
//! pictures and cells are kept outside of memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::examine::{ExamineError, ExaminedField, examine, refuse};
use super::models::Models;
use super::pictures::{jpeg, preview, tile};
use super::prepare::SpecimenScale;
use super::provenance::provenance;
use super::seams::Seams;
use super::slides::{self, SlideOptions};
use super::stop::{StopRule, Stopped, stops};
use super::stream::Interrupted;
use crate::case::{
    Case, CaseField, CaseFields, CaseRecord, CellTile, ClassRecord, CountRecord, FOOTER, FieldRecord, InputFailure,
    InputFile, IssueTime, Laboratory, Order, QualityFigure, SCHEMA_VERSION, Timestamp, recognition_notice, rounded,
    statement_with_notice,
};
use crate::classify::ModelCard;
use crate::count::{ClassShare, CountOptions, FieldTally, MeasuredFloor, Performance, SchistocyteCount};
use crate::segment::DetectError;
use crate::smear::{Calibration, CalibrationSource, CellClass, CellStatus, ClassifiedCell, Field};
use crate::source::slide::SlideArea;
use crate::source::{FieldRegion, FieldSource, ListedSlide, SourceError};
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
    /// What is asked of slides; photographs are counted to the last.
    pub slide: SlideOptions,
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
    /// So many more fields are likely to be done.
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
    /// Place on its slide.
    region: Option<FieldRegion>,
}

/// A field without pictures and cells: what stays in memory until the case is made.
struct CountedField {
    record: FieldRecord,
    path: PathBuf,
    input: InputFile,
}

/// A case that grows field by field, in the order of the input.
pub(super) struct CaseBuilder {
    counted: Vec<CountedField>,
    /// Of the accepted fields.
    tallies: Vec<FieldTally>,
    fields: CaseFields,
    failed: Vec<InputFailure>,
    slides: Vec<ListedSlide>,
    seams: Seams,
    /// Whether the fields of slides lie in an area that was found, not given.
    area_was_found: bool,
    stop: StopRule,
    stopped: Stopped,
    count: CountOptions,
    performance: Performance,
}

impl CaseBuilder {
    /// Without fields; `failed` are inputs that were not readable from the start. Only slides are counted by a rule.
    pub(super) fn new(
        failed: Vec<InputFailure>,
        slides: Vec<ListedSlide>,
        options: &AnalyzeOptions,
        performance: Performance,
    ) -> Self {
        let stop = if slides.is_empty() { StopRule::Never } else { options.slide.stop };
        Self {
            counted: Vec::new(),
            tallies: Vec::new(),
            fields: CaseFields::default(),
            failed,
            slides,
            seams: Seams::default(),
            area_was_found: options.slide.area == SlideArea::Monolayer,
            stop,
            stopped: Stopped::LastField,
            count: CountOptions { looks: stop.looks(), ..options.count.clone() },
            performance,
        }
    }

    /// Adds the next field; the answer is whether the count ends with it.
    ///
    /// # Errors
    /// [`AnalyzeError::Spool`].
    pub(super) fn add(&mut self, result: Result<FieldResult, InputFailure>) -> Result<bool, AnalyzeError> {
        let mut result = match result {
            Ok(result) => result,
            Err(failure) => {
                self.failed.push(failure);
                return Ok(false);
            }
        };
        if let Some(region) = result.region {
            self.keep_own(&mut result, &region);
        }
        let FieldResult { record, field, tally, path, input, .. } = result;
        self.fields.push(&field).map_err(AnalyzeError::Spool)?;
        self.counted.push(CountedField { record, path, input });
        let Some(tally) = tally else { return Ok(false) };
        self.tallies.push(tally);
        let stopped = stops(self.stop, &self.tallies, &self.count, &self.performance);
        self.stopped = stopped.unwrap_or(self.stopped);
        Ok(stopped.is_some())
    }

    /// Leaves to a field of a slide the objects that belong to it.
    fn keep_own(&mut self, result: &mut FieldResult, region: &FieldRegion) {
        let FieldResult { record, field, tally, path, .. } = result;
        let middles: Vec<[f64; 2]> = field.cells.iter().map(|cell| cell.cell.contour.centroid()).collect();
        let mut own = self.seams.add(path, region, record.um_per_px, &middles).into_iter();
        field.cells.retain(|_| own.next().unwrap_or(false));
        let kept: BTreeSet<_> = field.cells.iter().map(|cell| cell.cell.id).collect();
        field.schistocyte_tiles.retain(|tile| kept.contains(&tile.cell_id));
        let red_cells = FieldTally::of_cells(&field.cells).red_cells();
        let known = record.um_per_px.zip(record.um_per_px_source).and_then(|(um, source)| Calibration::new(um, source));
        if let Some(reason) = slides::no_blood(region, known, red_cells).filter(|_| self.area_was_found) {
            record.accepted = false;
            record.refusals.push(reason);
            field.schistocyte_tiles.clear();
            field.cells.iter_mut().for_each(refuse);
        }
        *tally = record.accepted.then(|| FieldTally::of_cells(&field.cells));
        let slide = self.slides.iter().position(|slide| slide.plan.slide.path() == path.as_path());
        record.region = Some(slides::region_record(slide.unwrap_or(0), region));
        fill_counts(record, tally.as_ref(), &field.cells);
    }

    /// The case.
    ///
    /// # Errors
    /// [`AnalyzeError::NoInputReadable`]; [`AnalyzeError::Picture`] for the picture of a slide.
    pub(super) fn finish(mut self, options: &AnalyzeOptions, models: &Models) -> Result<Case, AnalyzeError> {
        if self.counted.is_empty() && !self.slides.iter().any(|slide| slides::is_readable(&slide.plan)) {
            return Err(AnalyzeError::NoInputReadable(self.failed));
        }
        for slide in &self.slides {
            let jpeg = jpeg(&slide.plan.thumbnail)
                .map_err(|source| AnalyzeError::Picture { field: slide.file_name.clone(), source })?;
            self.fields.push_thumbnail(jpeg);
        }
        let fields = std::mem::take(&mut self.fields);
        Ok(Case { record: record_of(self, options, models), fields })
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
    let mut record = FieldRecord {
        field: name.clone(),
        region: None,
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
        red_cells: 0,
        schistocytes: 0,
        exclusions: BTreeMap::new(),
    };
    fill_counts(&mut record, tally.as_ref(), &cells);
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
        region: source.region(),
    })
}

/// What was counted in a field and what was left out.
fn fill_counts(record: &mut FieldRecord, tally: Option<&FieldTally>, cells: &[ClassifiedCell]) {
    record.red_cells = tally.map_or(0, FieldTally::red_cells);
    record.schistocytes = tally.map_or(0, FieldTally::schistocytes);
    record.exclusions = exclusions(cells);
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

fn record_of(built: CaseBuilder, options: &AnalyzeOptions, models: &Models) -> CaseRecord {
    let CaseBuilder {
        counted: results, tallies, failed: failed_inputs, slides, stop, stopped, count, performance, ..
    } = built;
    let total: FieldTally = tallies.iter().sum();
    let count = CountRecord::from(&SchistocyteCount::of_fields(&tallies, &count, &performance));
    let mut excluded: BTreeMap<String, u64> = BTreeMap::new();
    for (reason, n) in results.iter().flat_map(|result| &result.record.exclusions) {
        *excluded.entry(reason.clone()).or_insert(0) += n;
    }
    let notice = recognition_notice(count.red_cells, &excluded);
    // Pages of one file follow each other.
    let files = results.chunk_by(|one, next| one.path == next.path);
    let mut inputs: Vec<InputFile> = files.map(|pages| pages[0].input.clone()).collect();
    let unseen = slides.iter().filter(|slide| !results.iter().any(|result| result.path == slide.plan.slide.path()));
    inputs.extend(unseen.map(|slide| InputFile { file: slide.file_name.clone(), sha256: slide.plan.sha256.clone() }));
    let mut named = named_options(options);
    if !slides.is_empty() {
        named.extend(slides::named_options(&options.slide));
    }
    let issued_at = IssueTime::resolve(
        options.issued_at.as_ref(),
        options.order.as_ref(),
        newest_input(
            results
                .iter()
                .map(|result| result.path.as_path())
                .chain(slides.iter().map(|slide| slide.plan.slide.path())),
        ),
    );
    let fields: Vec<FieldRecord> = results.into_iter().map(|result| result.record).collect();
    let slides = slides::slides_record(&slides, &fields, &options.slide, stop, stopped);
    let classes = ClassShare::all(&total, &performance.class_floors, pixel_size_known(&fields));
    CaseRecord {
        schema_version: SCHEMA_VERSION.to_owned(),
        accession: options.accession.clone(),
        order: options.order.clone(),
        laboratory: options.laboratory.clone(),
        issued_at,
        age_group: options.count.age_group,
        statement: statement_with_notice(&count, notice.as_deref()),
        evidence: None,
        panel_match: None,
        count,
        classes: classes.iter().map(|share| ClassRecord::of(share, total.red_cells())).collect(),
        exclusions: excluded,
        slides,
        failed_inputs,
        provenance: provenance(models, named, inputs),
        footer: FOOTER.to_owned(),
        fields,
    }
}

/// Newest modification time of the files; unknown where the file system keeps none.
fn newest_input<'a>(paths: impl Iterator<Item = &'a Path>) -> Option<Timestamp> {
    let modified = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified()).ok();
    paths.filter_map(modified).max().and_then(Timestamp::of_system)
}

/// Whether the size of a pixel was measured in every field of the count.
fn pixel_size_known(fields: &[FieldRecord]) -> bool {
    let counted = || fields.iter().filter(|field| field.accepted && field.red_cells > 0);
    counted().all(|field| field.um_per_px_source.is_some_and(CalibrationSource::is_measured))
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
