//! `evaluate`: labelled fields in, the figures of model and pipeline out.
//!
//! stdout: a short summary, or with `--json` the evaluation as one JSON document and nothing else. Progress and notes go
//! to stderr. A figure is data, never an exit code.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use clap::Args;

use super::exit::{Exit, Failure};
use super::model_options::ModelOptions;
use super::output::{print, warn};
use super::progress::Bar;
use super::stop::on_interrupt;
use crate::evaluate::labels::{LabelFormat, LabelOptions};
use crate::evaluate::part::HashedPart;
use crate::evaluate::{Evaluation, Figure, NamedFigure, document, html};
use crate::report::{OutputFolder, ReportError};
use crate::verify::{EVALUATION_FILES, LabelSource, LabelledSet, SplitSource, VerifiedSet, VerifyError, verify};

/// Measure model and pipeline on labelled fields
#[derive(Debug, Clone, Args)]
pub struct EvaluateArgs {
    /// Images and folders of images
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder for evaluation.json and evaluation.html; made where missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Label folder or file
    #[arg(long, value_name = "PATH")]
    pub labels: Option<PathBuf>,
    /// Label format: chula, voc, yolo, coco, qupath or truth; otherwise told by the files
    #[arg(long, value_name = "FORMAT", requires = "labels")]
    pub format: Option<LabelFormat>,
    /// Whether every object of a field is labelled; otherwise as is usual for the format
    #[arg(long, value_name = "BOOL", requires = "labels")]
    pub complete_labels: Option<bool>,
    /// Names of the YOLO classes in their order; otherwise from classes.txt
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "labels")]
    pub yolo_names: Option<Vec<String>>,
    /// CSV file with the columns image and split, and perhaps group and specimen
    #[arg(long, value_name = "FILE")]
    pub split: Option<PathBuf>,
    /// Part of the split file to evaluate; otherwise all
    #[arg(long, value_name = "NAME", requires = "split")]
    pub want: Option<String>,
    /// Part by the SHA-1 of the file name: test, val, train or not-train
    #[arg(long, value_name = "PART")]
    pub part: Option<HashedPart>,
    /// The fields hold no schistocyte: measure the false-positive floor
    #[arg(long)]
    pub expect_none: bool,
    /// Name of the set in the record; otherwise that of the first input
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Pixel size, µm; otherwise from the files, otherwise estimated from the median red cell of each group
    #[arg(long, value_name = "X", value_parser = super::positive)]
    pub um_per_px: Option<f64>,
    /// Model and engine.
    #[command(flatten)]
    pub model: ModelOptions,
    /// Threads; all processors by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Print the evaluation as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    /// No progress and no notes on stderr
    #[arg(long)]
    pub quiet: bool,
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        let exit = match error {
            VerifyError::NothingKnown { .. } | VerifyError::Labels(_) | VerifyError::Split(_) => Exit::Usage,
            VerifyError::NoField { .. } => Exit::NoInputReadable,
            VerifyError::Classify { .. } => Exit::ModelUnusable,
            VerifyError::Picture { .. } => Exit::OutputNotWritable,
            VerifyError::Interrupted(_) => Exit::Interrupted,
        };
        Self::new(exit, error)
    }
}

impl EvaluateArgs {
    fn set(&self) -> LabelledSet {
        let labels = self.labels.clone().map(|path| LabelSource {
            path,
            format: self.format,
            options: LabelOptions { complete: self.complete_labels, yolo_names: self.yolo_names.clone() },
        });
        LabelledSet {
            name: self.name.clone().unwrap_or_else(|| self.inputs.first().map_or_else(String::new, |path| tail(path))),
            inputs: self.inputs.clone(),
            labels,
            split: self.split.clone().map(|path| SplitSource { path, want: self.want.clone() }),
            part: self.part,
            expect_none: self.expect_none,
            um_per_px: self.um_per_px,
        }
    }
}

/// The last two names of a path: enough to know a set by, and nothing of the machine.
fn tail(path: &Path) -> String {
    let names: Vec<_> = path
        .components()
        .filter_map(|part| if let Component::Normal(name) = part { Some(name.to_string_lossy()) } else { None })
        .collect();
    names[names.len().saturating_sub(2)..].join("/")
}

/// Runs the command.
///
/// # Errors
/// A [`Failure`] with its exit code where nothing was evaluated.
pub fn run(args: &EvaluateArgs) -> Result<Exit, Failure> {
    let stop = on_interrupt();
    let classifier = args.model.open()?;
    let folder = OutputFolder::prepare(&args.out, &EVALUATION_FILES)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.map_or(0, usize::from))
        .build()
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    let bar = Bar::new(args.quiet);
    let verified = pool.install(|| verify(&args.set(), &classifier, &bar, &stop))?;
    bar.clear();
    let written = folder.write(&files(&verified)?)?;
    if !args.quiet {
        verified.evaluation.failed_inputs.iter().for_each(|failure| {
            warn(format_args!("{}: {}", failure.path, failure.reason));
        });
    }
    if args.json {
        let document = serde_json::to_string(&verified.evaluation).map_err(ReportError::Json)?;
        print(&(document + "\n"))?;
    } else {
        print(&summary(&verified.evaluation, &written))?;
    }
    Ok(exit_of(&verified))
}

/// The files of an evaluation, by name.
fn files(verified: &VerifiedSet) -> Result<Vec<(&'static str, Vec<u8>)>, ReportError> {
    let [json, page] = EVALUATION_FILES;
    let html = html::page(&verified.evaluation, &|example| verified.picture(example));
    Ok(vec![(json, document(&verified.evaluation)?), (page, html.into_bytes())])
}

fn exit_of(verified: &VerifiedSet) -> Exit {
    if !verified.any_accepted {
        Exit::NotAssessable
    } else if verified.evaluation.failed_inputs.is_empty() {
        Exit::Success
    } else {
        Exit::SomeInputsFailed
    }
}

/// Figures of the summary, in its order; those that are undefined are left out.
const SUMMARY: [NamedFigure; 20] = [
    NamedFigure::PointsOwn,
    NamedFigure::PointsOwnOrCutByFrame,
    NamedFigure::PointsOwnInsideFrame,
    NamedFigure::PointsMerged,
    NamedFigure::BoxRecall,
    NamedFigure::BoxPrecision,
    NamedFigure::BoxF1,
    NamedFigure::MeanIou,
    NamedFigure::PanopticQuality,
    NamedFigure::Sensitivity,
    NamedFigure::Specificity,
    NamedFigure::Auc,
    NamedFigure::AveragePrecision,
    NamedFigure::CountedSensitivity,
    NamedFigure::CountedSpecificity,
    NamedFigure::CountedAuc,
    NamedFigure::CountedAveragePrecision,
    NamedFigure::MacroF1,
    NamedFigure::CalibrationError,
    NamedFigure::FalsePositiveFloor,
];

fn summary(evaluation: &Evaluation, written: &[PathBuf]) -> String {
    let refused = evaluation.refused_fields.len();
    let mut text = format!("{}: {} fields, {refused} refused\n", evaluation.set, evaluation.fields);
    for name in SUMMARY {
        let figure = name.of(evaluation);
        if let Some(measured) = measured(name, &figure) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}: {measured}", name.describe());
        }
    }
    for path in written {
        let _ = writeln!(text, "written: {}", path.display());
    }
    text
}

/// A figure with its interval and what stands behind it; `None` where it is undefined.
fn measured(name: NamedFigure, figure: &Figure) -> Option<String> {
    let number = |value: f64| if name.is_share() { format!("{:.2}", 100.0 * value) } else { format!("{value:.4}") };
    let unit = if name.is_share() { " %" } else { "" };
    let interval = figure
        .interval_95
        .map(|interval| format!(" ({} to {})", number(interval.low), number(interval.high)))
        .unwrap_or_default();
    let behind = match figure.count {
        Some(count) => format!("{count} of {}", figure.n),
        None => format!("n {}", figure.n),
    };
    Some(format!("{}{unit}{interval}, {behind}", number(figure.value?)))
}
