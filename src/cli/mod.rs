//! Commands and shared option groups: typed words to stage options. The only place for clap, the terminal and exit codes.

pub mod analyze;
pub mod batch;
mod batch_progress;
pub mod config;
pub mod config_options;
pub mod crop_archive;
pub mod crops;
pub mod evaluate;
mod evaluate_suite;
pub mod exit;
pub mod merge;
pub mod model;
pub mod model_options;
pub mod order_options;
pub mod output;
mod progress;
pub mod pseudo_patients;
pub mod repeatability;
pub mod report;
pub mod report_options;
pub mod score;
pub mod slide_options;
mod stop;
pub mod synth;
pub mod watch;

use clap::{Parser, Subcommand};

use exit::{Exit, Failure};

/// Counts schistocytes on photographs of stained blood smears
#[derive(Debug, Parser)]
#[command(name = "schistoquant", version, about)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Count the schistocytes of one specimen and write the report
    Analyze(analyze::AnalyzeArgs),
    /// Count the schistocytes of many specimens, resumable and divisible among machines
    Batch(Box<batch::BatchArgs>),
    /// Print the effective configuration with the source of each value
    Config(config::ConfigArgs),
    /// Export what the classifier sees of every object, for training
    Crops(crops::CropsArgs),
    /// Measure model and pipeline on labelled fields
    Evaluate(Box<evaluate::EvaluateArgs>),
    /// Join the shards of a batch
    Merge(merge::MergeArgs),
    /// Print the card of the model in use and the engine
    Model(model::ModelArgs),
    /// Draw films from evaluated cells and state how often count and state are right
    PseudoPatients(pseudo_patients::PseudoPatientsArgs),
    /// Print the published scores of a laboratory panel, without images
    Score(score::ScoreArgs),
    /// Measure how far the percentage moves when the pictures change and the cells do not
    Repeatability(repeatability::RepeatabilityArgs),
    /// Make the reports of a case again, without its images
    Report(report::ReportArgs),
    /// Draw a synthetic specimen with exact truth
    Synth(synth::SynthArgs),
    /// Analyze specimens as they are put into a folder
    Watch(Box<watch::WatchArgs>),
}

/// Runs a command.
///
/// # Errors
/// A [`Failure`] with its exit code where the command could not do its work.
pub fn run(cli: &Cli) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Analyze(args) => analyze::run(args),
        Command::Batch(args) => batch::run(args),
        Command::Config(args) => config::run(args).map(|()| Exit::Success),
        Command::Crops(args) => crops::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Merge(args) => merge::run(args),
        Command::Model(args) => model::run(args).map(|()| Exit::Success),
        Command::PseudoPatients(args) => pseudo_patients::run(args).map(|()| Exit::Success),
        Command::Score(args) => score::run(args).map(|()| Exit::Success),
        Command::Repeatability(args) => repeatability::run(args).map(|()| Exit::Success),
        Command::Report(args) => report::run(args),
        Command::Synth(args) => synth::run(args).map(|()| Exit::Success),
        Command::Watch(args) => watch::run(args),
    }
}

/// A finite number above zero, as typed.
fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err(String::from("expected a number above 0")),
    }
}
