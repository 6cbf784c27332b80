//! One set: from its images to its evaluation.
//!
//! Order: 1. the fields of the wanted part; 2. pixel sizes; 3. for each field, in parallel: read it, run the pipeline, lay the
//! labels over the result; 4. the figures; 5. the pictures. Fields keep the order of the input, so that the result does not
//! depend on the number of threads.
//!
//! Rules:
//! * The labels' positions never reach the pipeline; it sees the image files alone.
//! * Pixel size: given, else from the file, else estimated as for a specimen, once for each group of the split file over
//!   all its fields among the inputs, labelled or not. Fields without a group share one estimate over all of them that
//!   belong to the wanted part.
//! * A field without labels is left aside unless it is declared to hold no schistocyte or lies in the folder of a read
//!   set.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use rayon::prelude::*;
use serde_json::Value;

use super::answers::{ANSWERS_FILE, Answer};
use super::field::{FieldInput, FieldOutcome};
use super::html;
use super::json::document;
use super::judged_set::JudgedSet;
use super::labels::readings::Readings;
use super::labels::{ImageFrame, LabelError, LabelFormat, LabelSet, Labels, detect};
use super::record::{Evaluation, Example};
use super::set::{ChosenFields, EvaluateError, LabelSource, LabelledSet, file_name};
use crate::case::{FOOTER, InputFailure, InputFile};
use crate::pipeline::{ExaminedField, Models, Progress, examine, in_order, input_failure, provenance, tile};
use crate::report::{PageFrame, ReportError};
use crate::smear::CellClass;
use crate::source::FieldSource;

/// Files that an evaluation is written to.
pub const EVALUATION_FILES: [&str; 3] = ["evaluation.json", "evaluation.html", ANSWERS_FILE];

/// An evaluation with pictures of its worst cells.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluatedSet {
    /// The figures.
    pub evaluation: Evaluation,
    /// What is known and said of single cells.
    pub answers: Vec<Answer>,
    /// PNG bytes of the worst false positives and misses; an example whose field has no pixel size has none.
    pub pictures: Vec<(Example, Vec<u8>)>,
    /// Whether the pipeline accepted a field at all.
    pub any_accepted: bool,
}

impl EvaluatedSet {
    /// The files of the evaluation, by name.
    ///
    /// # Errors
    /// Where the record cannot be written as JSON, or the cells as CSV.
    pub fn files(&self) -> Result<Vec<(&'static str, Vec<u8>)>, ReportError> {
        let [json, page, cells] = EVALUATION_FILES;
        let heading = html::heading(&self.evaluation);
        let frame = PageFrame {
            title: heading.clone(),
            heading,
            generator: &self.evaluation.provenance.software,
            footer: FOOTER,
            ..PageFrame::default()
        };
        let html = frame.around(&html::contents(&self.evaluation, &|example| self.picture(example)));
        let mut table = csv::Writer::from_writer(Vec::new());
        self.answers.iter().try_for_each(|answer| table.serialize(answer)).map_err(ReportError::from)?;
        let table = table.into_inner().map_err(|error| ReportError::Stream(error.into_error()))?;
        let json_bytes = document(&self.evaluation).map_err(ReportError::Json)?;
        Ok(vec![(json, json_bytes), (page, html.into_bytes()), (cells, table)])
    }

    /// The picture of an example.
    fn picture(&self, example: &Example) -> Option<Vec<u8>> {
        self.pictures.iter().find(|(pictured, _)| pictured == example).map(|(_, png)| png.clone())
    }
}

/// What became of a field.
enum Done {
    Failed(InputFailure),
    Unlabelled,
    Judged(Box<Judged>),
}

struct Judged {
    field: FieldOutcome,
    um_per_px: Option<f64>,
    input: InputFile,
    remarks: Vec<String>,
}

/// Evaluates a set.
///
/// # Errors
/// [`EvaluateError`] where no field can be evaluated; a field that cannot is named in the record and the others go on.
pub fn evaluate_set(
    set: &LabelledSet,
    models: &Models,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<EvaluatedSet, EvaluateError> {
    let truth = Truth::open(set)?;
    if truth.labels.is_none() && truth.readings.is_none() && !set.expect_none {
        return Err(EvaluateError::NothingKnown { set: set.name.clone() });
    }
    let fields = ChosenFields::of(set, &models.segmenter)?;
    let mut judged = JudgedSet {
        set: set.name.clone(),
        threshold: set.threshold.or(models.classifier.card().review_operating_point),
        unread_are_none: set.unread_are_none,
        provenance: provenance(models, named_options(set, truth.format), Vec::new()),
        fields: Vec::new(),
        unlabelled_fields: 0,
        failed_inputs: fields.failures.clone(),
        label_remarks: Vec::new(),
    };
    truth.readings.iter().flat_map(Readings::inputs).for_each(|table| judged.add_input(table.clone()));
    let mut um_per_px = BTreeMap::new();
    progress.found(fields.sources.len());
    let work = |source: &FieldSource| {
        let done = field_done(source, set, &truth, &fields, models);
        progress.field_done();
        done
    };
    in_order(&fields.sources, stop, work, |done| -> Result<(), EvaluateError> {
        match done {
            Done::Failed(failure) => judged.failed_inputs.push(failure),
            Done::Unlabelled => judged.unlabelled_fields += 1,
            Done::Judged(done) => {
                um_per_px.extend(done.um_per_px.map(|size| (done.field.name.clone(), size)));
                judged.add_input(done.input);
                judged.label_remarks.extend(done.remarks);
                judged.fields.push(done.field);
            }
        }
        Ok(())
    })?;
    if judged.fields.is_empty() {
        let (failures, unlabelled) = (judged.failed_inputs, judged.unlabelled_fields);
        return Err(EvaluateError::NoField { set: set.name.clone(), failures, unlabelled });
    }
    let any_accepted = judged.fields.iter().any(|field| field.accepted);
    let answers = judged.answers();
    let evaluation = judged.evaluation();
    let pictures = pictures(&evaluation, &fields.sources, &um_per_px)?;
    Ok(EvaluatedSet { evaluation, answers, pictures, any_accepted })
}

fn field_done(
    source: &FieldSource,
    set: &LabelledSet,
    truth: &Truth,
    fields: &ChosenFields,
    models: &Models,
) -> Result<Done, EvaluateError> {
    let file = file_name(source.path());
    let name = source.id().to_string();
    // Further pages of a file share its name; labels are of the first.
    let is_first = name.ends_with(&file);
    let labels = truth.labels.as_ref().filter(|labels| is_first && labels.holds(frame(&file, 0, 0)));
    let tables = truth.readings.as_ref().filter(|readings| is_first && readings.hold(source.path()));
    if labels.is_none() && tables.is_none() && !set.expect_none {
        return Ok(Done::Unlabelled);
    }
    let field = match source.read() {
        Ok(field) => field,
        Err(error) => return Ok(Done::Failed(input_failure(&error))),
    };
    let (width_px, height_px) = field.rgb.dimensions();
    let frame = frame(&file, width_px, height_px);
    let known = || -> Result<(Labels, Option<Vec<_>>), LabelError> {
        let labels = labels.map_or_else(|| Ok(Labels::none(frame)), |labels| labels.labels_of(frame))?;
        let read = tables.map(|tables| tables.of_image(source.path(), frame)).transpose()?;
        Ok((labels, read.flatten()))
    };
    let (Labels { field: mut truth, remarks }, read) = match known() {
        Ok(known) => known,
        Err(error) => return Ok(Done::Failed(InputFailure { path: name, reason: error.to_string() })),
    };
    truth.field.clone_from(&name);
    // METHOD: the floor counts every call of a healthy field as false. A labelled schistocyte among them would raise it
    // unnoticed.
    if set.expect_none && truth.cells.iter().any(|cell| cell.class == Some(CellClass::Schistocyte)) {
        return Err(EvaluateError::Contradicted { field: name });
    }
    let ExaminedField { calibration, quality, cells, .. } = examine(&field, fields.scale_of(source), models)
        .map_err(|source| EvaluateError::Examine { field: name.clone(), source })?;
    let judged = FieldOutcome::of(&FieldInput {
        truth: &truth,
        cells: &cells,
        accepted: quality.accepted(),
        group: fields.group_of(source),
        specimen: fields.specimen_of(source),
        expect_none: set.expect_none,
        readings: read.as_deref(),
    });
    Ok(Done::Judged(Box::new(Judged {
        field: judged,
        um_per_px: calibration.map(|calibration| calibration.um_per_px),
        input: InputFile { file, sha256: field.sha256 },
        remarks,
    })))
}

/// What is known of the fields of a set.
struct Truth {
    labels: Option<LabelSet>,
    format: Option<LabelFormat>,
    readings: Option<Readings>,
}

impl Truth {
    /// Opens labels and readings; labels in the format of readings are readings.
    fn open(set: &LabelledSet) -> Result<Self, LabelError> {
        let format_of = |source: &LabelSource| source.format.map_or_else(|| detect(&source.path), Ok);
        let format = set.labels.as_ref().map(format_of).transpose()?;
        let mut tables: Vec<PathBuf> = set.readings.clone();
        let labels = match (&set.labels, format) {
            (Some(source), Some(LabelFormat::Readings)) => {
                tables.push(source.path.clone());
                None
            }
            (Some(source), Some(format)) => Some(LabelSet::open(&source.path, format, source.options.clone())?),
            _ => None,
        };
        let readings = (!tables.is_empty()).then(|| Readings::open(&tables)).transpose()?;
        Ok(Self { labels, format, readings })
    }
}

fn frame(name: &str, width_px: u32, height_px: u32) -> ImageFrame<'_> {
    ImageFrame { name, width_px, height_px }
}

/// What can move a figure, by name.
fn named_options(set: &LabelledSet, format: Option<LabelFormat>) -> BTreeMap<String, Value> {
    let or_null = |value: Option<String>| value.map_or(Value::Null, Value::from);
    let complete = set.labels.as_ref().and_then(|labels| labels.options.complete);
    let want = set.split.as_ref().and_then(|split| split.want.clone());
    let options = [
        ("um_per_px", set.um_per_px.map_or(Value::Null, Value::from)),
        ("label_format", or_null(format.map(|format| format.name().to_owned()))),
        ("complete_labels", complete.map_or(Value::Null, Value::from)),
        ("want", or_null(want)),
        ("part", or_null(set.part.map(|part| part.name().to_owned()))),
        ("expect_none", set.expect_none.into()),
        ("unread_are_none", set.unread_are_none.into()),
        ("threshold", set.threshold.map_or(Value::Null, Value::from)),
    ];
    options.map(|(name, value)| (name.to_owned(), value)).into()
}

/// Cuts the worst cells out of their fields, each field read once more.
fn pictures(
    evaluation: &Evaluation,
    sources: &[FieldSource],
    um_per_px: &BTreeMap<String, f64>,
) -> Result<Vec<(Example, Vec<u8>)>, EvaluateError> {
    let examples = || evaluation.worst_false_positives.iter().chain(&evaluation.worst_misses);
    let mut by_field: BTreeMap<&str, Vec<&Example>> = BTreeMap::new();
    examples().for_each(|example| by_field.entry(&example.field).or_default().push(example));
    let cut = |(name, examples): (&str, Vec<&Example>)| -> Result<Vec<(Example, Vec<u8>)>, EvaluateError> {
        let source = sources.iter().find(|source| source.id().to_string() == name);
        // A field that cannot be read any more has no picture; its figures stand.
        let (Some(Ok(field)), Some(&size)) = (source.map(FieldSource::read), um_per_px.get(name)) else {
            return Ok(Vec::new());
        };
        let picture = |example: &Example| {
            let jpeg = tile(&field.rgb, [example.x_px, example.y_px], size)
                .map_err(|source| EvaluateError::Picture { field: name.to_owned(), source })?;
            Ok((example.clone(), jpeg))
        };
        examples.into_iter().map(picture).collect()
    };
    let cut = by_field.into_par_iter().map(cut).collect::<Result<Vec<_>, _>>()?;
    Ok(cut.into_iter().flatten().collect())
}
