//! `pseudo-patients` and `repeatability`: how well the count of whole films holds.
//!
//! The first draws films from cells whose truth is known and counts them as a report does; it reads output folders of
//! `evaluate`. The second changes the pictures of films, but not their cells, and compares the percentages. stdout: tables
//! in Markdown, or with `--json` the record and nothing else.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Exit, Failure};
use super::options::{ModelOptions, positive};
use super::terminal::{Bar, indented, on_interrupt, print, print_json};
use schistoquant::classify::{Model, ModelCard};
use schistoquant::evaluate::pseudo_patients::{
    DEFAULT_FILMS, DEFAULT_SEED, PseudoOptions, PseudoRecord, markdown, pseudo_patients,
};
use schistoquant::evaluate::repeatability::{Change, FilmCount, RepeatabilityRecord, repeatability};
use schistoquant::evaluate::{ANSWERS_FILE, Answer, Evaluation};
use schistoquant::evaluate::{EVALUATION_FILES, LabelledSet, SplitSource};
use schistoquant::pipeline::card_performance;
use schistoquant::report::OutputFolder;

/// Files of `pseudo-patients`.
const PSEUDO_PATIENTS_FILES: [&str; 2] = ["pseudo-patients.json", "pseudo-patients.md"];
/// Version of the record of `pseudo-patients`.
const PSEUDO_PATIENTS_VERSION: &str = "1.0";

/// Draw films from evaluated cells and state how often count and state are right
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  schistoquant pseudo-patients --read evaluation/sick --healthy evaluation/healthy --out films")]
pub struct PseudoPatientsArgs {
    /// Output folders of `evaluate` with readings: schistocytes and cells that are none
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    pub read: Vec<PathBuf>,
    /// Output folders of `evaluate` on fields that hold no schistocyte
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    pub healthy: Vec<PathBuf>,
    /// Folder for pseudo-patients.json and pseudo-patients.md; made if missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// ONNX graph that was evaluated instead of the shipped classifier; its card lies beside it
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Films of each kind
    #[arg(long, value_name = "N", default_value_t = DEFAULT_FILMS, value_parser = clap::value_parser!(u32).range(1..))]
    pub films: u32,
    /// Seed of every draw
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED)]
    pub seed: u64,
    /// Print the record as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
}

/// Why an evaluation cannot be drawn from.
#[derive(Debug, thiserror::Error)]
enum EvaluationFault {
    #[error("{}: expected a file that `evaluate` wrote; name its output folder", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{}: expected the record of an evaluation by this version; evaluate again", path.display())]
    Malformed { path: PathBuf, source: serde_json::Error },
    #[error("{}: expected the cells of an evaluation by this version; evaluate again", path.display())]
    MalformedCells { path: PathBuf, source: csv::Error },
    #[error(
        "{}: expected an evaluation of the model in use, {expected} called from {expected_point}, found {found} called from \
         {found_point}; name its graph with --model or evaluate again", path.display()
    )]
    OtherModel { path: PathBuf, expected: String, expected_point: f64, found: String, found_point: f64 },
}

/// Runs `pseudo-patients`.
///
/// # Errors
/// [`Exit::Usage`] for evaluations that cannot be used, [`Exit::ModelUnusable`] for any trouble with the model.
pub fn run_pseudo_patients(args: &PseudoPatientsArgs) -> Result<(), Failure> {
    let model = args.model.as_deref().map_or_else(Model::shipped, Model::from_file);
    let model = model.map_err(|error| Failure::new(Exit::ModelUnusable, error))?;
    let card = &model.card;
    let folder = OutputFolder::prepare(&args.out, &PSEUDO_PATIENTS_FILES)?;
    let usage = |error: EvaluationFault| Failure::new(Exit::Usage, error);
    let (read_names, read) = evaluations(&args.read, card).map_err(usage)?;
    let (healthy_names, healthy) = evaluations(&args.healthy, card).map_err(usage)?;
    let options = PseudoOptions { films: args.films, seed: args.seed };
    let rows = pseudo_patients(&read, &healthy, &card_performance(card), &options).map_err(Failure::usage)?;
    let table = markdown(&rows);
    let record = PseudoRecord {
        schema_version: PSEUDO_PATIENTS_VERSION.to_owned(),
        model: format!("{} {}", card.name, card.version),
        model_sha256: card.graph_sha256.clone(),
        operating_point: card.operating_point,
        read: read_names,
        healthy: healthy_names,
        seed: args.seed,
        rows,
    };
    let json = indented(&record)?.into_bytes();
    folder.write(&[(PSEUDO_PATIENTS_FILES[0], json), (PSEUDO_PATIENTS_FILES[1], table.clone().into_bytes())])?;
    if args.json { print_json(&record) } else { print(&table) }
}

/// The names of evaluated sets and their cells together.
fn evaluations(folders: &[PathBuf], card: &ModelCard) -> Result<(Vec<String>, Vec<Answer>), EvaluationFault> {
    let (mut names, mut cells) = (Vec::new(), Vec::new());
    for folder in folders {
        names.push(evaluated(folder, card)?);
        cells.extend(answers(&folder.join(ANSWERS_FILE))?);
    }
    Ok((names, cells))
}

/// The name of an evaluated set, of this model at its operating point.
fn evaluated(folder: &Path, card: &ModelCard) -> Result<String, EvaluationFault> {
    let path = folder.join(EVALUATION_FILES[0]);
    let text = fs::read(&path).map_err(|source| EvaluationFault::Unreadable { path: path.clone(), source })?;
    let evaluation: Evaluation =
        serde_json::from_slice(&text).map_err(|source| EvaluationFault::Malformed { path: path.clone(), source })?;
    let found = &evaluation.provenance.model;
    if found.sha256 != card.graph_sha256 || found.operating_point != card.operating_point {
        return Err(EvaluationFault::OtherModel {
            path,
            expected: card.graph_sha256.clone(),
            expected_point: card.operating_point,
            found: found.sha256.clone(),
            found_point: found.operating_point,
        });
    }
    Ok(evaluation.set)
}

fn answers(path: &Path) -> Result<Vec<Answer>, EvaluationFault> {
    let malformed = |source| EvaluationFault::MalformedCells { path: path.to_owned(), source };
    let text = fs::read(path).map_err(|source| EvaluationFault::Unreadable { path: path.to_owned(), source })?;
    csv::Reader::from_reader(&text[..]).deserialize().map(|row| row.map_err(malformed)).collect()
}

/// File of `repeatability`.
const REPEATABILITY_FILE: &str = "repeatability.json";

/// Measure how far the percentage moves when the pictures change and the cells do not
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  schistoquant repeatability images --split split.csv --want val --out films
  schistoquant repeatability images --changes shrink:75,turn --out films")]
pub struct RepeatabilityArgs {
    /// Images and folders of images
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder for repeatability.json; made if missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Changes: blur, sharpen, stain, enlarge, reduce, turn, mirror, resave, shift, all by default; or shrink:PERCENT of the width
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub changes: Vec<Change>,
    /// CSV file with the columns image and split, and perhaps group: the films
    #[arg(long, value_name = "FILE")]
    pub split: Option<PathBuf>,
    /// Part of the split file; by default all
    #[arg(long, value_name = "NAME", requires = "split")]
    pub want: Option<String>,
    /// Pixel size, µm; by default from the files, else estimated from the median red cell of each film
    #[arg(long, value_name = "X", value_parser = positive)]
    pub um_per_px: Option<f64>,
    /// Name of the set in the record
    #[arg(long, value_name = "NAME", default_value = "films")]
    pub name: String,
    #[command(flatten)]
    pub model: ModelOptions,
    /// Print the record as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    /// No progress on stderr
    #[arg(long)]
    pub quiet: bool,
}

/// Runs `repeatability`.
///
/// # Errors
/// A [`Failure`] with its exit code where nothing was measured.
pub fn run_repeatability(args: &RepeatabilityArgs) -> Result<(), Failure> {
    let stop = on_interrupt();
    let models = args.model.open()?;
    let folder = OutputFolder::prepare(&args.out, &[REPEATABILITY_FILE])?;
    let set = LabelledSet {
        name: args.name.clone(),
        inputs: args.inputs.clone(),
        split: args.split.clone().map(|path| SplitSource { path, want: args.want.clone() }),
        um_per_px: args.um_per_px,
        ..LabelledSet::default()
    };
    let changes = if args.changes.is_empty() { Change::ALL.to_vec() } else { args.changes.clone() };
    let bar = Bar::new(args.quiet);
    let record = repeatability(&set, &changes, &models, &bar, &stop)?;
    bar.clear();
    let json = indented(&record)?.into_bytes();
    folder.write(&[(REPEATABILITY_FILE, json)])?;
    if args.json { print_json(&record) } else { print(&table(&record)) }
}

/// Films in rows, changes in columns; the last rows are all films and the relative change.
fn table(record: &RepeatabilityRecord) -> String {
    let percent = |count: &FilmCount| count.percent.map_or("–".to_owned(), |percent| format!("{percent:.2}"));
    let mut text = String::from("| film | cells | as it is, % |");
    record.changes.iter().for_each(|change| text.push_str(&format!(" {}, % |", change.change)));
    text.push_str("\n|---|--:|--:|");
    record.changes.iter().for_each(|_| text.push_str("--:|"));
    text.push('\n');
    let Some(first) = record.changes.first() else { return text };
    for (i, film) in first.films.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(text, "| {} | {} | {} |", film.film, film.before.red_cells, percent(&film.before));
        record.changes.iter().for_each(|change| text.push_str(&format!(" {} |", percent(&change.films[i].after))));
        text.push('\n');
    }
    let _ = write!(text, "| all | {} | {} |", first.before.red_cells, percent(&first.before));
    record.changes.iter().for_each(|change| text.push_str(&format!(" {} |", percent(&change.after))));
    text.push_str("\n| relative change, % | | |");
    for change in &record.changes {
        let relative = change.relative_change.map_or("–".to_owned(), |share| format!("{:+.0}", 100.0 * share));
        text.push_str(&format!(" {relative} |"));
    }
    text.push('\n');
    text
}
