//! `evaluate`: labelled fields in, the figures of model and pipeline out.
//!
//! stdout: a short summary, with `--suite` the table of targets, or with `--json` the record as one JSON document and
//! nothing else. Progress and notes go to stderr. A figure is data, never an exit code, and so is a target.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use clap::Args;
use strum::VariantArray;

use super::exit::{Exit, Failure};
use super::options::{ModelOptions, ThreadOptions, positive};
use super::terminal::{Bar, indented, on_interrupt, print, print_json, warn};
use schistoquant::case::InputFailure;
use schistoquant::classify::{ModelCard, ModelOrigin, card_path};
use schistoquant::durable;
use schistoquant::evaluate::labels::{LabelFormat, LabelOptions};
use schistoquant::evaluate::split::HashedPart;
use schistoquant::evaluate::{
    EVALUATION_FILES, Estimate, EstimateName, EvaluatedSet, Evaluation, LabelSource, LabelledSet, SplitSource,
    evaluate_set, with_measured,
};
use schistoquant::report::{OutputFolder, ReportError};

/// Measure model and pipeline on labelled fields
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  schistoquant evaluate images --labels labels --out evaluation
  schistoquant evaluate images --expect-none --out evaluation
  schistoquant evaluate --suite models/evaluation-suite.json --data labelled --out evaluation")]
pub struct EvaluateArgs {
    /// Images and folders of images
    #[arg(required_unless_present = "suite", value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder for evaluation.json, evaluation.html and cells.csv, of a suite also for suite.json; made if missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Label folder or file
    #[arg(long, value_name = "PATH")]
    pub labels: Option<PathBuf>,
    /// Label format: chula, voc, yolo, coco, qupath, truth or readings; by default the files tell
    #[arg(long, value_name = "FORMAT", requires = "labels")]
    pub format: Option<LabelFormat>,
    /// Tables of two blind readings, or folders of them: judge schistocytes by the readings
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub readings: Vec<PathBuf>,
    /// Take cells that nobody read for none, and state the read percentage
    #[arg(long)]
    pub unread_are_none: bool,
    /// State sensitivity and precision at this threshold, too [default: the card's for review]
    #[arg(long, value_name = "P", value_parser = positive)]
    pub threshold: Option<f64>,
    /// Whether every object of a field is labelled; by default as is usual for the format
    #[arg(long, value_name = "BOOL", requires = "labels")]
    pub complete_labels: Option<bool>,
    /// Names of the YOLO classes in their order; by default from classes.txt
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "labels")]
    pub yolo_names: Option<Vec<String>>,
    /// CSV file with the columns image and split, and perhaps group and specimen
    #[arg(long, value_name = "FILE")]
    pub split: Option<PathBuf>,
    /// Part of the split file to evaluate; by default all
    #[arg(long, value_name = "NAME", requires = "split")]
    pub want: Option<String>,
    /// Part by the SHA-1 of the file name: test, val, train or not-train
    #[arg(long, value_name = "PART")]
    pub part: Option<HashedPart>,
    /// The fields hold no schistocyte: measure the false-positive floor
    #[arg(long)]
    pub expect_none: bool,
    /// Name of the set in the record; by default that of the first input
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Pixel size, µm; by default from the files, else estimated from the median red cell of each group
    #[arg(long, value_name = "X", value_parser = positive)]
    pub um_per_px: Option<f64>,
    /// Evaluate the sets of a suite and print its figures beside their targets
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "inputs", "labels", "readings", "unread_are_none", "split", "part", "expect_none", "name", "um_per_px"
        ]
    )]
    pub suite: Option<PathBuf>,
    /// Folder that the paths of the suite start from [env: SCHISTOQUANT_DATA]
    #[arg(long, value_name = "DIR", requires = "suite", conflicts_with = "inputs")]
    pub data: Option<PathBuf>,
    /// Sets of the suite to evaluate; all by default
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "suite", conflicts_with = "inputs")]
    pub only: Vec<String>,
    /// Earlier suite.json to compare with
    #[arg(long, value_name = "FILE", requires = "suite", conflicts_with = "inputs")]
    pub against: Option<PathBuf>,
    /// Put the measured figures into the card beside the model's graph
    #[arg(long, requires = "model")]
    pub write_card: bool,
    #[command(flatten)]
    pub model: ModelOptions,
    #[command(flatten)]
    pub threads: ThreadOptions,
    /// Print the evaluation as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    /// No progress and no notes on stderr
    #[arg(long)]
    pub quiet: bool,
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
            readings: self.readings.clone(),
            unread_are_none: self.unread_are_none,
            threshold: self.threshold,
            split: self.split.clone().map(|path| SplitSource { path, want: self.want.clone() }),
            part: self.part,
            expect_none: self.expect_none,
            um_per_px: self.um_per_px,
        }
    }

    /// The graph whose card is to be written, where one is.
    pub(super) fn card_of(&self) -> Option<&Path> {
        self.model.model.as_deref().filter(|_| self.write_card)
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
    let models = args.model.open()?;
    let pool = args.threads.pool()?;
    let folder = OutputFolder::prepare(&args.out, &EVALUATION_FILES)?;
    let bar = Bar::new(args.quiet);
    let evaluated = pool.install(|| evaluate_set(&args.set(), &models, &bar, &stop))?;
    bar.clear();
    let mut written = folder.write(&evaluated.files()?)?;
    if !args.quiet {
        evaluated.evaluation.failed_inputs.iter().for_each(warn_of);
    }
    if let Some(graph) = args.card_of() {
        written.push(write_card(graph, models.classifier.card(), &[&evaluated.evaluation])?);
    }
    if args.json {
        print_json(&evaluated.evaluation)?;
    } else {
        print(&summary(&evaluated.evaluation, &written))?;
    }
    Ok(exit_of(&evaluated))
}

/// Says on stderr which input could not be evaluated, and why.
pub(super) fn warn_of(failure: &InputFailure) {
    warn(format_args!("{}: {}", failure.path, failure.reason));
}

/// Puts the figures of evaluations into the card beside a graph and gives its path.
pub(super) fn write_card(graph: &Path, card: &ModelCard, evaluations: &[&Evaluation]) -> Result<PathBuf, Failure> {
    let measured = |card, evaluation: &&Evaluation| with_measured(card, evaluation);
    let card = evaluations.iter().try_fold(card.clone(), measured).map_err(Failure::usage)?;
    let path = card_path(graph);
    let json = indented(&card)?.into_bytes();
    // What is written must load again: read it back before it replaces the card.
    ModelCard::from_json(&json, &ModelOrigin::File(graph.to_owned()))
        .map_err(|error| Failure::new(Exit::ModelUnusable, error))?;
    durable::write(&path, &json).map_err(|source| ReportError::Write { path: path.clone(), source })?;
    Ok(path)
}

fn exit_of(evaluated: &EvaluatedSet) -> Exit {
    if !evaluated.any_accepted {
        Exit::NotAssessable
    } else if evaluated.evaluation.failed_inputs.is_empty() {
        Exit::Success
    } else {
        Exit::SomeInputsFailed
    }
}

fn summary(evaluation: &Evaluation, written: &[PathBuf]) -> String {
    let refused = evaluation.refused_fields.len();
    let mut text = format!("{}: {} fields, {refused} refused\n", evaluation.set, evaluation.fields);
    for &name in EstimateName::VARIANTS {
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
pub(super) fn measured(name: EstimateName, figure: &Estimate) -> Option<String> {
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
    let behind = figure.weight.map_or(behind.clone(), |weight| format!("{behind}, by weight of {weight:.0}"));
    Some(format!("{}{unit}{interval}, {behind}", number(figure.value?)))
}
