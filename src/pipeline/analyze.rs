//! From a field to its part of a case, and from all of them to the case.
//!
//! Order for a field: read, prepare, judge, measure, classify, picture; for the case: count over the accepted fields, then
//! the record. Fields are added in the order of the input, so the result does not depend on the number of threads; their
//! pictures and cells are kept outside of memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::error::AnalyzeError;
use super::field_result::{FieldResult, fill_counts, refuse_field};
use super::models::{Models, learned_ranges};
use super::pictures::jpeg;
use super::provenance::provenance;
use super::seams::Seams;
use super::slides::{self, SlideOptions};
use super::stop::{StopRule, Stopped, stops};
use crate::case::{
    Case, CaseFields, CaseRecord, ClassRecord, CountRecord, FOOTER, FieldRecord, FilmRecord, InputFailure, InputFile,
    IssueTime, Laboratory, Order, SCHEMA_VERSION, Timestamp, likeness_notice, recognition_notice, repeated_notice,
    scale_notice, statement_with_notices,
};
use crate::count::{
    ClassShare, CountOptions, FieldTally, FilmLikeness, NOT_RED_CELL_SHARE, Performance, SchistocyteCount,
};
use crate::quality::{CountedPictures, SAME_PICTURE_LIKENESS, SamePicture};
use crate::smear::{Calibration, CalibrationSource, ExclusionReason};
use crate::source::FieldRegion;
use crate::survey::{ListedSlide, SlideArea};

/// What an analysis is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AnalyzeOptions {
    /// Specimen number.
    pub accession: Option<String>,
    /// The order behind the specimen; its specimen number must be `accession`.
    pub order: Option<Order>,
    /// The laboratory that reports.
    pub laboratory: Option<Laboratory>,
    /// When reports and messages are issued; otherwise from the order.
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

/// Told of the progress.
pub trait Progress: Sync {
    /// So many more fields are likely to be done.
    fn found(&self, fields: usize);
    /// One more field is done.
    fn field_done(&self);
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
    /// Photographs that are counted; the fields of a slide lie side by side.
    pictures: CountedPictures,
    /// Photographs that show one of them again.
    repeated: usize,
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
            pictures: CountedPictures::default(),
            repeated: 0,
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
        self.count_picture_once(&mut result);
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
        field.tiles.retain(|tile| kept.contains(&tile.cell_id));
        let red_cells = FieldTally::of_cells(&field.cells).red_cells();
        let known = record.um_per_px.zip(record.um_per_px_source).and_then(|(um, source)| Calibration::new(um, source));
        if let Some(reason) = slides::no_blood(region, known, red_cells).filter(|_| self.area_was_found) {
            refuse_field(record, field, reason);
        }
        *tally = record.accepted.then(|| FieldTally::of_cells(&field.cells));
        let slide = self.slides.iter().position(|slide| slide.plan.slide.path() == path.as_path());
        record.region = Some(slides::region_record(slide.unwrap_or(0), region));
        fill_counts(record, tally.as_ref(), &field.cells);
    }

    /// Refuses a photograph whose picture is counted already.
    ///
    /// METHOD: the first in the order of the input counts; a refused one, out of focus perhaps, keeps no other from it.
    fn count_picture_once(&mut self, result: &mut FieldResult) {
        let FieldResult { record, field, tally, .. } = result;
        let Some(signature) = record.picture_signature.clone().filter(|_| record.accepted) else { return };
        let Some(SamePicture { field: earlier, likeness }) = self.pictures.find(&signature) else {
            return self.pictures.add(&record.field, signature);
        };
        let reason = format!(
            "shows the picture of {earlier}, which is counted (likeness {likeness:.2}, expected less than \
             {SAME_PICTURE_LIKENESS}): photograph another field"
        );
        self.repeated += 1;
        refuse_field(record, field, reason);
        *tally = None;
        fill_counts(record, None, &field.cells);
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

fn record_of(built: CaseBuilder, options: &AnalyzeOptions, models: &Models) -> CaseRecord {
    let CaseBuilder {
        counted: results,
        tallies,
        failed: failed_inputs,
        slides,
        stop,
        stopped,
        count,
        performance,
        repeated,
        ..
    } = built;
    let total: FieldTally = tallies.iter().sum();
    let film = FilmLikeness::of(&learned_ranges(models.classifier.card()), |measure| values_of(&results, measure));
    let count = CountOptions { film: film.worst(), ..count };
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
    let issued_at = IssueTime::resolve(options.issued_at.as_ref(), options.order.as_ref());
    let slide_files = slides.iter().map(|slide| slide.plan.slide.path());
    let files = results.iter().map(|result| result.path.as_path()).chain(slide_files);
    // Only where it is needed: a copied file has another time and is the same work.
    let newest_image_at = if issued_at.is_none() { newest_image(files) } else { None };
    let fields: Vec<FieldRecord> = results.into_iter().map(|result| result.record).collect();
    let doubts = [likeness_notice(&film), scale_notice(&fields), repeated_notice(repeated, fields.len())];
    let doubts: Vec<String> = doubts.into_iter().flatten().collect();
    let slides = slides::slides_record(&slides, &fields, &options.slide, stop, stopped);
    let classes = ClassShare::all(&total, &performance.class_floors, pixel_size_known(&fields));
    CaseRecord {
        schema_version: SCHEMA_VERSION.to_owned(),
        accession: options.accession.clone(),
        order: options.order.clone(),
        laboratory: options.laboratory.clone(),
        issued_at,
        newest_image_at,
        age_group: options.count.age_group,
        statement: statement_with_notices(&count, notice.as_deref(), &doubts),
        evidence: None,
        panel_match: None,
        count,
        classes: classes.iter().map(|share| ClassRecord::of(share, total.red_cells())).collect(),
        exclusions: excluded,
        slides,
        film: (!film.measures.is_empty()).then(|| FilmRecord::from(&film)),
        failed_inputs,
        provenance: provenance(models, named, inputs),
        footer: FOOTER.to_owned(),
        fields,
    }
}

/// What the accepted fields have of a figure of quality, or the one value of all of them.
fn values_of(fields: &[CountedField], figure: &str) -> Vec<f64> {
    let accepted = fields.iter().map(|field| &field.record).filter(|record| record.accepted);
    if figure == NOT_RED_CELL_SHARE {
        let reason = ExclusionReason::NotRedCell.name();
        let refused: u64 = accepted.clone().filter_map(|record| record.exclusions.get(reason)).sum();
        let all = refused + accepted.map(|record| record.red_cells).sum::<u64>();
        return if all > 0 { vec![refused as f64 / all as f64] } else { Vec::new() };
    }
    accepted.filter_map(|record| record.quality.iter().find(|found| found.name == figure)?.value).collect()
}

/// Newest modification time of the files; unknown where the file system keeps none.
fn newest_image<'a>(paths: impl Iterator<Item = &'a Path>) -> Option<Timestamp> {
    let modified = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified()).ok();
    paths.filter_map(modified).max().and_then(Timestamp::of_system)
}

/// Whether the size of a pixel was measured in every field of the count.
fn pixel_size_known(fields: &[FieldRecord]) -> bool {
    let counted = || fields.iter().filter(|field| field.accepted && field.red_cells > 0);
    counted().all(|field| field.um_per_px_source.is_some_and(CalibrationSource::is_measured))
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
