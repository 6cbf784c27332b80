//! Commands: typed words to options of the library, results to stdout and an exit code. The only place for clap, the
//! terminal and exit codes.
//!
//! Every command has an `Args` with its options and a function that runs it. `options` and `report_options` hold what
//! commands share, [`exit`] what each error means for the caller.

mod about;
mod analyze;
mod batch;
mod evaluate;
mod evaluate_suite;
pub mod exit;
mod films;
mod options;
mod report;
mod report_options;
mod review;
mod score;
pub mod terminal;
mod training;
mod watch;

use clap::{CommandFactory, Parser, Subcommand};

use exit::{Exit, Failure};

/// Counts schistocytes on photographs and slides of stained blood smears. For research use only
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
    Analyze(Box<analyze::AnalyzeArgs>),
    /// Count the schistocytes of many specimens; resumable, and divisible among machines
    Batch(Box<batch::BatchArgs>),
    /// Print the configuration in force, with the source of each value
    Config(about::ConfigArgs),
    /// Export what the classifier sees of every object, for training
    Crops(training::CropsArgs),
    /// Measure model and pipeline on labelled fields
    Evaluate(Box<evaluate::EvaluateArgs>),
    /// Write the manual pages and the completions of shells, for packagers
    Manual(about::ManualArgs),
    /// Join the shards of a batch
    Merge(batch::MergeArgs),
    /// Print the card of the model in use and the engine
    Model(about::ModelArgs),
    /// Draw films from evaluated cells and state how often count and state are right
    PseudoPatients(films::PseudoPatientsArgs),
    /// Measure how far the percentage moves when the pictures change and the cells do not
    Repeatability(films::RepeatabilityArgs),
    /// Make the reports of a case again, without its images
    Report(report::ReportArgs),
    /// Read and sign cases in a browser on this machine
    Review(Box<review::ReviewArgs>),
    /// Print the published scores of a laboratory panel, without images
    Score(score::ScoreArgs),
    /// Draw a synthetic specimen with exact truth
    Synth(training::SynthArgs),
    /// Analyze specimens as they are put into a folder
    Watch(Box<watch::WatchArgs>),
}

/// Runs a command.
///
/// # Errors
/// A [`Failure`] with its exit code where the command could not do its work.
pub fn run(cli: &Cli) -> Result<Exit, Failure> {
    let done = match &cli.command {
        Command::Analyze(args) => return analyze::run(args),
        Command::Batch(args) => return batch::run(args),
        Command::Crops(args) => return training::run_crops(args),
        Command::Evaluate(args) => {
            return match &args.suite {
                Some(suite) => evaluate_suite::run(args, suite),
                None => evaluate::run(args),
            };
        }
        Command::Merge(args) => return batch::run_merge(args),
        Command::Report(args) => return report::run(args),
        Command::Review(args) => return review::run(args),
        Command::Watch(args) => return watch::run(args),
        Command::Config(args) => about::run_config(args),
        Command::Manual(args) => about::run_manual(args, Cli::command()),
        Command::Model(args) => about::run_model(args),
        Command::PseudoPatients(args) => films::run_pseudo_patients(args),
        Command::Repeatability(args) => films::run_repeatability(args),
        Command::Score(args) => score::run(args),
        Command::Synth(args) => training::run_synth(args),
    };
    done.map(|()| Exit::Success)
}
