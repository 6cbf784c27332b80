//! The fields of one specimen as typed, shared by every command that reads them.

use std::fmt;
use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use crate::smear::{Calibration, CalibrationSource};
use crate::source::{
    DecodeLimits, FieldSource, MAX_PLAUSIBLE_UM_PER_PX, MIN_PLAUSIBLE_UM_PER_PX, SourceError, expand_inputs,
};

/// Inputs and their scale.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct InputOptions {
    /// Photographs, and folders of them, of one specimen (JPEG, PNG, TIFF, BMP, WebP)
    #[arg(value_name = "INPUT", required = true)]
    pub inputs: Vec<PathBuf>,

    /// Pixel size, µm; without it the files' own, else estimated from the median red cell
    #[arg(long, value_name = "X", value_parser = um_per_px)]
    pub um_per_px: Option<f64>,
}

fn um_per_px(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (MIN_PLAUSIBLE_UM_PER_PX..=MAX_PLAUSIBLE_UM_PER_PX).contains(&value) => Ok(value),
        _ => Err(format!("expected a number from {MIN_PLAUSIBLE_UM_PER_PX} to {MAX_PLAUSIBLE_UM_PER_PX}")),
    }
}

/// Not one input gives a field.
#[derive(Debug)]
pub(super) struct NothingReadable(pub Vec<String>);

impl fmt::Display for NothingReadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected at least one readable field, found none")?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl std::error::Error for NothingReadable {}

impl From<NothingReadable> for Failure {
    fn from(nothing: NothingReadable) -> Self {
        Self::new(Exit::NoInputReadable, nothing)
    }
}

impl InputOptions {
    /// The pixel size that was typed.
    pub fn calibration(&self) -> Option<Calibration> {
        self.um_per_px.and_then(|um_per_px| Calibration::new(um_per_px, CalibrationSource::Given))
    }

    /// The fields, and the inputs that give none.
    ///
    /// # Errors
    /// [`Exit::NoInputReadable`] where no input gives a field.
    pub fn expand(&self) -> Result<(Vec<FieldSource>, Vec<SourceError>), Failure> {
        let (fields, failures) = expand_inputs(&self.inputs, DecodeLimits::default());
        if fields.is_empty() {
            return Err(NothingReadable(failures.iter().map(ToString::to_string).collect()).into());
        }
        Ok((fields, failures))
    }
}
