//! From a field to its part of a case, and from all of them to the case.
//!
//! Order for a field: read, prepare, judge, measure, classify, picture; for the case: count over the accepted fields, then
//! the record. Fields are added in the order of the input, so the result does not depend on the number of threads; their
//! pictures and cells are kept outside of memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::examine::{AnalyzeError, Models, card_performance, learned_ranges, provenance};
use super::field::{FieldResult, preview_jpeg};
use super::seams::Seams;
use super::slides::{self, SlideOptions, StopRule, stops};
use crate::case::{
    Case, CaseFields, CaseRecord, ClassRecord, CountRecord, FOOTER, FieldRecord, FilmRecord, InputFailure, InputFile,
    IssueTime, Laboratory, Order, RegionRecord, SCHEMA_VERSION, Stopped, likeness_notice, pixel_size_known,
    recognition_notice, repeated_notice, scale_notice, statement_with_notices,
};
use crate::classify::ModelCard;
use crate::count::{
    ClassShare, CountOptions, FieldTally, FilmLikeness, LearnedRange, NOT_RED_CELL_SHARE, Performance, SchistocyteCount,
};
use crate::quality::{CountedPictures, SAME_PICTURE_LIKENESS, SamePicture};
use crate::smear::{ClassifiedCell, ExclusionReason};
use crate::source::FieldRegion;
use crate::survey::{ListedSlide, SlideArea};
use crate::time::Timestamp;

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
    /// Leaves previews and tiles out, which no format asked for shows.
    pub without_pictures: bool,
}

/// What the card states of the classifier.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Stated {
    performance: Performance,
    /// The ranges of the films that it learned from.
    ranges: Vec<LearnedRange>,
    /// Least schistocyte probability for a reader; `None` leaves the called cells alone.
    review_operating_point: Option<f64>,
}

impl Stated {
    /// What a card states.
    pub(super) fn of(card: &ModelCard) -> Self {
        Self {
            performance: card_performance(card),
            ranges: learned_ranges(card),
            review_operating_point: card.review_operating_point,
        }
    }
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
    /// Counted cells for a reader.
    cells_to_read: u64,
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
    stated: Stated,
}

impl CaseBuilder {
    /// Without fields; `failed` are inputs that were not readable from the start. Only slides are counted by a rule.
    pub(super) fn new(
        failed: Vec<InputFailure>,
        slides: Vec<ListedSlide>,
        options: &AnalyzeOptions,
        stated: Stated,
    ) -> Self {
        let stop = if slides.is_empty() { StopRule::Never } else { options.slide.stop };
        Self {
            counted: Vec::new(),
            tallies: Vec::new(),
            cells_to_read: 0,
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
            stated,
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
        let region = result.region.map(|region| self.keep_own(&mut result, &region));
        self.count_picture_once(&mut result);
        let near = self.stated.review_operating_point;
        let is_for_a_reader =
            |cell: &&ClassifiedCell| cell.is_counted_schistocyte() || near.is_some_and(|near| cell.is_near_miss(near));
        self.cells_to_read += result.field.cells.iter().filter(is_for_a_reader).count() as u64;
        let kept = match &result.packed {
            Some(packed) => self.fields.push_packed(&result.field, packed),
            None => self.fields.push(&result.field),
        };
        kept.map_err(AnalyzeError::Spool)?;
        let (record, tally) = (result.record(region), result.tally());
        self.counted.push(CountedField { record, path: result.path, input: result.input });
        let Some(tally) = tally else { return Ok(false) };
        self.tallies.push(tally);
        let film = || self.film().worst();
        let stopped = stops(self.stop, &self.tallies, &self.count, &self.stated.performance, film);
        self.stopped = stopped.unwrap_or(self.stopped);
        Ok(stopped.is_some())
    }

    /// Keeps of a field of a slide the objects that belong to it, and returns its place as published.
    fn keep_own(&mut self, result: &mut FieldResult, region: &FieldRegion) -> RegionRecord {
        let FieldResult { field, path, calibration, packed, .. } = result;
        let middles: Vec<[f64; 2]> = field.cells.iter().map(|cell| cell.cell.contour.centroid()).collect();
        let um_per_px = calibration.map(|calibration| calibration.um_per_px);
        let mut own = self.seams.add(path, region, um_per_px, &middles).into_iter();
        field.cells.retain(|_| own.next().unwrap_or(false));
        if field.cells.len() < middles.len() {
            *packed = None;
        }
        let kept: BTreeSet<_> = field.cells.iter().map(|cell| cell.cell.id).collect();
        field.tiles.retain(|tile| kept.contains(&tile.cell_id));
        let red_cells = FieldTally::of_cells(&field.cells).red_cells();
        let slide = self.slides.iter().position(|slide| slide.plan.slide.path() == path.as_path());
        if let Some(reason) = slides::no_blood(region, *calibration, red_cells).filter(|_| self.area_was_found) {
            result.refuse(reason);
        }
        slides::region_record(slide.unwrap_or(0), region)
    }

    /// Refuses a photograph whose picture is counted already.
    ///
    /// METHOD: the first in the order of the input counts. A refused one, out of focus perhaps, keeps no other from it.
    fn count_picture_once(&mut self, result: &mut FieldResult) {
        let Some(signature) = result.signature.clone().filter(|_| result.quality.accepted()) else { return };
        let Some(SamePicture { field: earlier, likeness }) = self.pictures.find(&signature) else {
            return self.pictures.add(&result.field.field, signature);
        };
        self.repeated += 1;
        result.refuse(format!(
            "shows the picture of {earlier}, which is counted (likeness {likeness:.2}, expected less than \
             {SAME_PICTURE_LIKENESS}): photograph another field"
        ));
    }

    /// How like the films that the model learned from the film is, by the fields so far.
    fn film(&self) -> FilmLikeness {
        FilmLikeness::of(&self.stated.ranges, |measure| values_of(&self.counted, measure))
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
            let jpeg = preview_jpeg(&slide.plan.thumbnail)
                .map_err(|source| AnalyzeError::Picture { field: slide.file_name.clone(), source })?;
            self.fields.push_thumbnail(jpeg);
        }
        let fields = std::mem::take(&mut self.fields);
        Ok(Case { record: record_of(self, options, models), fields })
    }
}

fn record_of(built: CaseBuilder, options: &AnalyzeOptions, models: &Models) -> CaseRecord {
    let film = built.film();
    let CaseBuilder {
        counted: results,
        tallies,
        cells_to_read,
        failed: failed_inputs,
        slides,
        stop,
        stopped,
        count,
        stated: Stated { performance, .. },
        repeated,
        ..
    } = built;
    let total: FieldTally = tallies.iter().sum();
    let count = CountOptions { film: film.worst(), ..count };
    let count = CountRecord::from(&SchistocyteCount::of_fields(&tallies, &count, &performance));
    let mut excluded: BTreeMap<ExclusionReason, u64> = BTreeMap::new();
    for (reason, n) in results.iter().flat_map(|result| &result.record.exclusions) {
        *excluded.entry(*reason).or_insert(0) += n;
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
    // A copied file has another time and is the same work, so the time is given only where nothing better is known.
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
        panel: None,
        panel_match: None,
        cells_to_read,
        review: None,
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

/// The values of a quality figure in the accepted fields; of [`NOT_RED_CELL_SHARE`] the one value of all of them.
fn values_of(fields: &[CountedField], figure: &str) -> Vec<f64> {
    let accepted = fields.iter().map(|field| &field.record).filter(|record| record.accepted);
    if figure == NOT_RED_CELL_SHARE {
        let not_red_cell = |record: &FieldRecord| record.exclusions.get(&ExclusionReason::NotRedCell).copied();
        let refused: u64 = accepted.clone().filter_map(not_red_cell).sum();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{CaseField, PackedField, State};
    use crate::count::{MeasuredFloor, UnseenPerformance};
    use crate::quality::{FieldQuality, QualityMeasure};
    use crate::smear::{CellClass, made};
    use crate::source::slide::PixelRect;
    use crate::stats::{Interval, Probability};

    fn share(value: f64) -> Probability {
        Probability::new(value).expect("a share")
    }

    /// Sensitivity 0.9, and 0.5 on origins that were not seen; a density of 0.1 to 0.3 was learned, up to 0.5 tried.
    fn stated() -> Stated {
        let interval = Interval::new(0.0, 0.002).expect("ordered");
        let healthy_floor = MeasuredFloor { share: share(0.001), interval, cells: 5000 };
        let unseen = UnseenPerformance { sensitivity: share(0.5), sensitivity_cells: 80, healthy_floor };
        Stated {
            performance: Performance {
                sensitivity: Some(share(0.9)),
                sensitivity_cells: Some(1000),
                healthy_floor: Some(healthy_floor),
                unseen: Some(unseen),
                ..Performance::default()
            },
            review_operating_point: None,
            ranges: vec![LearnedRange { measure: "stain_density".to_owned(), learned: [0.1, 0.3], tried: [0.05, 0.5] }],
        }
    }

    /// A field of a hundred normal cells of this density.
    fn result(density: f64) -> FieldResult {
        let field = CaseField {
            field: "a.svs".to_owned(),
            preview: None,
            cells: (1..=100).map(|id| made::cell(id, CellClass::Normal, 0.01)).collect(),
            tiles: Vec::new(),
        };
        FieldResult {
            packed: Some(PackedField::of(&field).expect("packs")),
            field,
            size_px: (100, 100),
            calibration: None,
            quality: FieldQuality {
                measures: vec![QualityMeasure { name: "stain_density", value: Some(density), min: None, max: None }],
                refusals: Vec::new(),
            },
            signature: None,
            path: PathBuf::from("a.svs"),
            input: InputFile { file: "a.svs".to_owned(), sha256: String::new() },
            region: None,
        }
    }

    #[test]
    fn what_is_kept_of_a_field_is_what_became_of_it() {
        let mut builder = CaseBuilder::new(Vec::new(), Vec::new(), &AnalyzeOptions::default(), stated());
        let rect = |at: u32, side: u32| PixelRect { x: at, y: at, width: side, height: side };
        // Its cells belong to another field of the slide.
        let elsewhere = FieldRegion { frame: rect(0, 2000), core: rect(1900, 100) };
        let mut refused = result(0.2);
        refused.refuse("for the test".to_owned());
        for result in [result(0.2), FieldResult { region: Some(elsewhere), ..result(0.2) }, refused] {
            builder.add(Ok(result)).expect("a temporary file");
        }
        let counted = |cells: &[ClassifiedCell]| cells.iter().filter(|cell| cell.counted_call().is_some()).count();
        let kept: Vec<_> = (0..3).map(|field| builder.fields.cells_of(field).expect("readable")).collect();
        let kept: Vec<_> = kept.iter().map(|cells| (cells.len(), counted(cells))).collect();
        assert_eq!(kept, [(100, 100), (0, 0), (100, 0)]);
    }

    #[test]
    fn a_film_unlike_the_learned_ones_is_counted_until_the_wider_limits_decide() {
        let counted = |density: f64| {
            let mut builder = CaseBuilder::new(Vec::new(), Vec::new(), &AnalyzeOptions::default(), stated());
            builder.stop = StopRule::default();
            builder.count.looks = builder.stop.looks();
            let fields = (1..=200).find(|_| builder.add(Ok(result(density))).expect("a temporary file"));
            let film = builder.film().worst();
            let options = CountOptions { film, ..builder.count.clone() };
            let count = SchistocyteCount::of_fields(&builder.tallies, &options, &builder.stated.performance);
            (fields, builder.stopped, count.state)
        };
        let (learned, unlike) = (counted(0.2), counted(0.4));
        assert_eq!(learned, (Some(10), Stopped::Decided, State::NotAbove));
        assert!(unlike.0 > Some(10), "{unlike:?}");
        assert_eq!((unlike.1, unlike.2), (Stopped::Decided, State::NotAbove));
    }
}
