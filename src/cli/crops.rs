//! `crops`: writes a crop of every object of a specimen, for people who train a model of their own.
//!
//! Needs no model. The files are described in `crop_archive`; they hold the same pixels that the shipped model would see.

use std::path::PathBuf;

use clap::Args;

use super::console::{Console, say};
use super::crop_archive::{ArchiveError, CropArchive, FieldCrops};
use super::exit::{Exit, Failure};
use super::input_options::{InputOptions, NothingReadable};
use super::interrupt::on_ctrl_c;
use crate::pipeline::{FieldError, Interrupted, SpecimenScale, in_order, segmented};

/// Arguments of `crops`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct CropsArgs {
    /// Inputs and their scale.
    #[command(flatten)]
    pub input: InputOptions,

    /// Folder for crops.npy, crops.csv, fields.csv and labels/; made where missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Why the export stopped.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Interrupted(error) => Self::new(Exit::Interrupted, error),
            ExportError::Archive(error) => error.into(),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// [`Exit::NoInputReadable`] where no input gives a field with objects, [`Exit::OutputNotWritable`],
/// [`Exit::Interrupted`].
pub fn run(args: &CropsArgs) -> Result<Exit, Failure> {
    let (fields, failures) = args.input.expand()?;
    let interrupt = on_ctrl_c();
    let mut archive = CropArchive::create(&args.out)?;
    let console = Console::new(fields.len(), false);
    console.errors(&failures);

    let mut refused: Vec<String> = failures.iter().map(ToString::to_string).collect();
    let listed = refused.len();
    let scale = SpecimenScale::find(&fields, args.input.calibration(), &interrupt).map_err(ExportError::from)?;
    let cut = |source: &_| -> Result<FieldCrops, String> {
        let cut = segmented(source, &scale)
            .map_err(|error: FieldError| error.to_string())
            .and_then(|field| FieldCrops::cut(&field).map_err(|error| error.to_string()));
        console.advance();
        cut
    };
    in_order(&fields, &interrupt, cut, |field| -> Result<(), ExportError> {
        match field {
            Ok(field) => archive.add(&field)?,
            Err(error) => {
                console.error(&error);
                refused.push(error);
            }
        }
        Ok(())
    })?;
    drop(console);

    let written = fields.len() - (refused.len() - listed);
    if written == 0 {
        return Err(NothingReadable(refused).into());
    }
    let crops = archive.count();
    archive.finish()?;
    say(&format!("{}: {crops} crops from {written} fields\n", args.out.display()))
        .map_err(|error| Failure::new(Exit::OutputNotWritable, error))?;
    Ok(if refused.is_empty() { Exit::Success } else { Exit::SomeInputsFailed })
}
