//! One set: from its images to its evaluation.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use rayon::prelude::*;
use serde_json::Value;

use super::fields::{ChosenFields, file_name};
use super::{EVALUATION_FILES, LabelSource, LabelledSet, VerifyError};
use crate::case::{FOOTER, InputFailure, InputFile};
use crate::evaluate::labels::readings::Readings;
use crate::evaluate::labels::{ImageFrame, LabelError, LabelFormat, LabelSet, Labels, detect};
use crate::evaluate::{
    Answer, Evaluation, Evaluator, Example, FieldInput, JudgedField, JudgingOptions, document, html,
};
use crate::pipeline::{ExaminedField, Models, Progress, examine, in_order, input_failure, provenance, tile};
use crate::report::{PageFrame, ReportError};
use crate::smear::{CellClass, Field, LabeledField};
use crate::source::FieldSource;

/// An evaluation with pictures of its worst cells.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedSet {
    /// The figures.
    pub evaluation: Evaluation,
    /// What is known and said of single cells.
    pub answers: Vec<Answer>,
    /// PNG bytes of the worst false positives and misses; an example whose field has no pixel size has none.
    pub pictures: Vec<(Example, Vec<u8>)>,
    /// Whether the pipeline accepted a field at all.
    pub any_accepted: bool,
}

impl VerifiedSet {
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
    field: JudgedField,
    name: String,
    um_per_px: Option<f64>,
    accepted: bool,
    input: InputFile,
    remarks: Vec<String>,
}

/// Evaluates a set.
///
/// # Errors
/// [`VerifyError`] where no field can be evaluated; a field that cannot is named in the record and the others go on.
pub fn verify(
    set: &LabelledSet,
    models: &Models,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<VerifiedSet, VerifyError> {
    let truth = Truth::open(set)?;
    if truth.labels.is_none() && truth.readings.is_none() && !set.expect_none {
        return Err(VerifyError::NothingKnown { set: set.name.clone() });
    }
    let fields = ChosenFields::of(set, &models.segmenter)?;
    let threshold = set.threshold.or(models.classifier.card().review_operating_point);
    let judging = JudgingOptions { threshold, unread_are_none: set.unread_are_none };
    let mut evaluator =
        Evaluator::new(&set.name, provenance(models, named_options(set, truth.format), Vec::new()), judging);
    truth.readings.iter().flat_map(Readings::inputs).for_each(|table| evaluator.add_input(table.clone()));
    let mut failures = fields.failures.clone();
    let mut um_per_px = BTreeMap::new();
    let (mut unlabelled, mut judged, mut any_accepted) = (0, 0_u64, false);
    progress.found(fields.sources.len());
    let work = |source: &FieldSource| {
        let done = field_done(source, set, &truth, &fields, models);
        progress.field_done();
        done
    };
    in_order(&fields.sources, stop, work, |done| -> Result<(), VerifyError> {
        match done {
            Done::Failed(failure) => failures.push(failure),
            Done::Unlabelled => unlabelled += 1,
            Done::Judged(done) => {
                let Judged { field, name, um_per_px: size, accepted, input, remarks } = *done;
                judged += 1;
                any_accepted |= accepted;
                um_per_px.extend(size.map(|size| (name, size)));
                evaluator.add_input(input);
                evaluator.add_label_remarks(remarks);
                evaluator.add_field(field);
            }
        }
        Ok(())
    })?;
    if judged == 0 {
        return Err(VerifyError::NoField { set: set.name.clone(), failures, unlabelled });
    }
    failures.into_iter().for_each(|failure| evaluator.add_failed_input(failure));
    (0..unlabelled).for_each(|_| evaluator.add_unlabelled_field());
    let answers = evaluator.answers();
    let evaluation = evaluator.finish();
    let pictures = pictures(&evaluation, &fields.sources, &um_per_px)?;
    Ok(VerifiedSet { evaluation, answers, pictures, any_accepted })
}

fn field_done(
    source: &FieldSource,
    set: &LabelledSet,
    truth: &Truth,
    fields: &ChosenFields,
    models: &Models,
) -> Result<Done, VerifyError> {
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
        let unlabelled = || Ok(Labels { field: unlabelled(&field), remarks: Vec::new() });
        let labels = labels.map_or_else(unlabelled, |labels| labels.labels_of(frame))?;
        let read = tables.map(|tables| tables.of_image(source.path(), frame)).transpose()?;
        Ok((labels, read.flatten()))
    };
    let (Labels { field: mut truth, remarks }, read) = match known() {
        Ok(known) => known,
        Err(error) => return Ok(Done::Failed(InputFailure { path: name, reason: error.to_string() })),
    };
    truth.field.clone_from(&name);
    // METHOD: the floor counts every call of a healthy field as false; a labelled schistocyte among them would raise it
    // without a word.
    if set.expect_none && truth.cells.iter().any(|cell| cell.class == Some(CellClass::Schistocyte)) {
        return Err(VerifyError::Contradicted { field: name });
    }
    let ExaminedField { calibration, quality, cells, .. } = examine(&field, fields.scale_of(source), models)
        .map_err(|source| VerifyError::Examine { field: name.clone(), source })?;
    let judged = JudgedField::of(&FieldInput {
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
        name,
        um_per_px: calibration.map(|calibration| calibration.um_per_px),
        accepted: quality.accepted(),
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

/// A field of which nothing is labelled.
fn unlabelled(field: &Field) -> LabeledField {
    LabeledField {
        field: field.id.to_string(),
        width_px: field.rgb.width(),
        height_px: field.rgb.height(),
        um_per_px: None,
        complete: false,
        cells: Vec::new(),
    }
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
) -> Result<Vec<(Example, Vec<u8>)>, VerifyError> {
    let examples = || evaluation.worst_false_positives.iter().chain(&evaluation.worst_misses);
    let mut by_field: BTreeMap<&str, Vec<&Example>> = BTreeMap::new();
    examples().for_each(|example| by_field.entry(&example.field).or_default().push(example));
    let cut = |(name, examples): (&str, Vec<&Example>)| -> Result<Vec<(Example, Vec<u8>)>, VerifyError> {
        let source = sources.iter().find(|source| source.id().to_string() == name);
        // A field that was read a moment ago and is gone now has no picture; its figures stand.
        let (Some(Ok(field)), Some(&size)) = (source.map(FieldSource::read), um_per_px.get(name)) else {
            return Ok(Vec::new());
        };
        let picture = |example: &Example| {
            let png = tile(&field.rgb, [example.x_px, example.y_px], size)
                .map_err(|source| VerifyError::Picture { field: name.to_owned(), source })?;
            Ok((example.clone(), png))
        };
        examples.into_iter().map(picture).collect()
    };
    let cut = by_field.into_par_iter().map(cut).collect::<Result<Vec<_>, _>>()?;
    Ok(cut.into_iter().flatten().collect())
}
