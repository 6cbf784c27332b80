//! `pseudo-patients`: films drawn from cells whose truth is known, counted as a report counts them.
//!
//! In: output folders of `evaluate`, of read sets and of healthy ones, and the card of their model. stdout: tables in
//! Markdown, or with `--json` the record and nothing else. Files: `pseudo-patients.json` and `pseudo-patients.md`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Exit, Failure};
use super::output::{print, print_document};
use crate::classify::{Model, ModelCard};
use crate::evaluate::{ANSWERS_FILE, Answer, Evaluation};
use crate::pipeline::card_performance;
use crate::report::{OutputFolder, ReportError};
use crate::verify::EVALUATION_FILES;
use crate::verify::pseudo_patients::{
    DEFAULT_FILMS, DEFAULT_SEED, PseudoOptions, PseudoRecord, markdown, pseudo_patients,
};

/// Files of the command.
const FILES: [&str; 2] = ["pseudo-patients.json", "pseudo-patients.md"];
/// Version of the record.
const SCHEMA_VERSION: &str = "1.0";

/// Draw films from evaluated cells and state how often count and state are right
#[derive(Debug, Clone, Args)]
pub struct PseudoPatientsArgs {
    /// Output folders of `evaluate` with readings: schistocytes and cells that are none
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    pub read: Vec<PathBuf>,
    /// Output folders of `evaluate` on fields that hold no schistocyte
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    pub healthy: Vec<PathBuf>,
    /// Folder for pseudo-patients.json and pseudo-patients.md; made where missing
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

/// Runs the command.
///
/// # Errors
/// [`Exit::Usage`] for evaluations that cannot be used, [`Exit::ModelUnusable`] for any trouble with the model.
pub fn run(args: &PseudoPatientsArgs) -> Result<(), Failure> {
    let model = args.model.as_deref().map_or_else(Model::shipped, Model::from_file);
    let model = model.map_err(|error| Failure::new(Exit::ModelUnusable, error))?;
    let card = &model.card;
    let folder = OutputFolder::prepare(&args.out, &FILES)?;
    let usage = |error: EvaluationFault| Failure::new(Exit::Usage, error);
    let (read_names, read) = evaluations(&args.read, card).map_err(usage)?;
    let (healthy_names, healthy) = evaluations(&args.healthy, card).map_err(usage)?;
    let options = PseudoOptions { films: args.films, seed: args.seed };
    let rows = pseudo_patients(&read, &healthy, &card_performance(card), &options)
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    let table = markdown(&rows);
    let record = PseudoRecord {
        schema_version: SCHEMA_VERSION.to_owned(),
        model: format!("{} {}", card.name, card.version),
        model_sha256: card.graph_sha256.clone(),
        operating_point: card.operating_point,
        read: read_names,
        healthy: healthy_names,
        seed: args.seed,
        rows,
    };
    let mut json = serde_json::to_vec_pretty(&record).map_err(ReportError::Json)?;
    json.push(b'\n');
    folder.write(&[(FILES[0], json), (FILES[1], table.clone().into_bytes())])?;
    if args.json {
        let document = serde_json::to_string(&record).map_err(ReportError::Json)?;
        print_document(&(document + "\n"))
    } else {
        print(&table)
    }
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
