//! The configuration option shared by commands.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use crate::settings::LoadedSettings;

/// Configuration file, as typed.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigOptions {
    /// Laboratory's configuration, TOML; see the command `config`
    #[arg(long, value_name = "FILE", env = "SCHISTOQUANT_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
}

impl ConfigOptions {
    /// The settings of the file, or the built-in ones.
    ///
    /// # Errors
    /// [`Exit::Usage`] where the file cannot be read or used.
    pub fn load(&self) -> Result<LoadedSettings, Failure> {
        match &self.config {
            None => Ok(LoadedSettings::default()),
            Some(path) => LoadedSettings::read(path.clone()).map_err(|error| Failure::new(Exit::Usage, error)),
        }
    }
}
