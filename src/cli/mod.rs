//! Commands and shared option groups: typed words to stage options. The only place for clap, the terminal and exit codes.

pub mod console;
pub mod crop_archive;
pub mod crops;
pub mod exit;
pub mod input_options;
pub mod interrupt;
pub mod model;
pub mod model_options;
pub mod synth;
mod whole_file;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use self::exit::{Exit, Failure};

/// Counts schistocytes on photographs of stained blood smears
///
/// For Research Use Only. Not for use in diagnostic procedures.
#[derive(Debug, Clone, Parser)]
#[command(name = "schistoquant", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Write a crop of every object, to train a model of your own
    Crops(crops::CropsArgs),
    /// Draw a synthetic specimen with exact truth
    Synth(synth::SynthArgs),
    /// Print the card of the model in use and the engine
    Model(model::ModelArgs),
}

/// Reads the arguments and runs the command; prints the chain of causes where it cannot do its work.
pub fn run(words: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(help) => {
            // Help and version are no errors; where they cannot be printed there is nobody to tell.
            let _ = help.print();
            return if help.use_stderr() { Exit::Usage } else { Exit::Success };
        }
    };
    let done = match &cli.command {
        Command::Crops(args) => crops::run(args),
        Command::Synth(args) => synth::run(args).map(|()| Exit::Success),
        Command::Model(args) => model::run(args).map(|()| Exit::Success),
    };
    done.unwrap_or_else(|failure| {
        console::complain(chain(&failure));
        failure.exit
    })
}

/// The message and its causes, one for each line.
fn chain(failure: &Failure) -> String {
    let mut text = failure.to_string();
    let mut cause = std::error::Error::source(failure);
    while let Some(error) = cause {
        text.push_str(&format!("\n  caused by: {error}"));
        cause = error.source();
    }
    text
}
