//! `merge`: the shards of a batch in, the folder of the whole batch out.
//!
//! stdout: one line on what was joined. stderr: specimens without a result, by their line of the manifest.

use std::path::PathBuf;

use clap::Args;

use super::batch::{exit_of, failures, summary};
use super::exit::{Exit, Failure};
use super::output::print;
use crate::batch::merge;

/// Join the shards of a batch
#[derive(Debug, Clone, Args)]
pub struct MergeArgs {
    /// Output folders of all shards
    #[arg(required = true, value_name = "SHARD_DIR")]
    pub shards: Vec<PathBuf>,
    /// Folder for the whole batch; made where missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A [`Failure`] where the shards do not belong together or a folder cannot be read or written.
pub fn run(args: &MergeArgs) -> Result<Exit, Failure> {
    let report = merge(&args.shards, &args.out)?;
    failures(&report, "");
    print(&summary(&report, &args.out))?;
    Ok(exit_of(&report))
}
