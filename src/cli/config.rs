//! `config`: the effective configuration, key by key, each with where it came from.
//!
//! stdout is TOML that can be used as a configuration file again.

use clap::Args;

use super::config_options::ConfigOptions;
use super::exit::{Exit, Failure};
use super::output::print_document;

/// Print the effective configuration with the source of each value
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigOptions,
}

/// Runs the command.
///
/// # Errors
/// [`Exit::Usage`] where the configuration cannot be used, [`Exit::OutputNotWritable`] where stdout cannot be written.
pub fn run(args: &ConfigArgs) -> Result<(), Failure> {
    let entries = args.config.load()?.entries().map_err(|error| Failure::new(Exit::Usage, error))?;
    // TOML holds no control character but tabs and line ends, and a value must read back as it is.
    print_document(&entries.iter().map(|entry| format!("{entry}\n")).collect::<String>())
}
