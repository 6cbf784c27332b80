//! `crops`: what the classifier sees of every object, for training a model of one's own.
//!
//! In: images and folders, the fields of one specimen; no model of classes is needed. Out: the files of [`super::crop_archive`].
//! A field that cannot be used is named and the others go on. Memory holds the fields in work only.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::crop_archive::{ArchiveError, CropArchive, CutError, FieldCrops};
use super::exit::{Exit, Failure};
use super::model_options::EngineOptions;
use super::output::{print, warn};
use super::stop::on_interrupt;
use crate::pipeline::{Interrupted, PrepareError, SpecimenScale, given_calibration, in_order, prepare};
use crate::segment::{DetectError, Segmenter};
use crate::smear::FieldId;
use crate::source::{DecodeLimits, FieldSource, SourceError, expand_inputs};

/// Export what the classifier sees of every object, for training
#[derive(Debug, Clone, Args)]
pub struct CropsArgs {
    /// Images and folders: the fields of one specimen
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder for crops.npy, crops.csv, fields.csv, fields and labels; made where missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Pixel size, µm; otherwise from the file or estimated
    #[arg(long, value_name = "X", value_parser = super::positive)]
    pub um_per_px: Option<f64>,
    /// Engine.
    #[command(flatten)]
    pub engine: EngineOptions,
}

/// Why the export stopped.
#[derive(Debug, thiserror::Error)]
enum CropsError {
    #[error("expected at least one readable field, found none; name images or folders of images")]
    NoField,
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Detect(#[from] DetectError),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<CropsError> for Failure {
    fn from(error: CropsError) -> Self {
        let exit = match error {
            CropsError::NoField => Exit::NoInputReadable,
            CropsError::Archive(_) => Exit::OutputNotWritable,
            CropsError::Detect(_) => Exit::ModelUnusable,
            CropsError::Interrupted(_) => Exit::Interrupted,
        };
        Self::new(exit, error)
    }
}

/// Why a field is left out; the others go on.
#[derive(Debug, thiserror::Error)]
enum LeftOut {
    #[error(transparent)]
    Read(#[from] SourceError),
    #[error("{field}: {reason}")]
    Prepare { field: FieldId, reason: PrepareError },
    #[error(transparent)]
    Cut(#[from] CutError),
}

/// Writes the crops and prints how many.
///
/// # Errors
/// [`Exit::NoInputReadable`] where not one field can be used, [`Exit::OutputNotWritable`] where a file cannot be
/// written, [`Exit::Interrupted`].
pub fn run(args: &CropsArgs) -> Result<Exit, Failure> {
    let (sources, failures) = expand_inputs(&args.inputs, DecodeLimits::default());
    failures.iter().for_each(warn);
    let stop = on_interrupt();
    let (mut written, mut left_out) = (0_usize, failures.len());
    if sources.is_empty() {
        return Err(CropsError::NoField.into());
    }
    let segmenter = args.engine.segmenter()?;
    let mut archive = CropArchive::create(&args.out).map_err(CropsError::from)?;
    let scale = SpecimenScale::of_specimen(&sources, args.um_per_px.and_then(given_calibration), &segmenter)
        .map_err(CropsError::from)?;
    export(&sources, &scale, &segmenter, &stop, |field| {
        match field {
            Ok(field) => {
                archive.add(&field)?;
                written += 1;
            }
            Err(error) => {
                warn(error);
                left_out += 1;
            }
        }
        Ok(())
    })?;
    if written == 0 {
        return Err(CropsError::NoField.into());
    }
    let crops = archive.count();
    archive.finish().map_err(CropsError::from)?;
    print(&format!("{}: {crops} crops of {written} fields\n", args.out.display()))?;
    Ok(if left_out == 0 { Exit::Success } else { Exit::SomeInputsFailed })
}

fn export(
    sources: &[FieldSource],
    scale: &SpecimenScale,
    segmenter: &Segmenter,
    stop: &AtomicBool,
    sink: impl FnMut(Result<FieldCrops, LeftOut>) -> Result<(), CropsError>,
) -> Result<(), CropsError> {
    let work = |source: &FieldSource| match cut(source, scale, segmenter) {
        Err(LeftOut::Prepare { reason: PrepareError::Detect(error), .. }) => Err(error.into()),
        result => Ok(result),
    };
    in_order(sources, stop, work, sink)
}

fn cut(source: &FieldSource, scale: &SpecimenScale, segmenter: &Segmenter) -> Result<FieldCrops, LeftOut> {
    let field = source.read()?;
    let prepared =
        prepare(&field, scale, segmenter).map_err(|reason| LeftOut::Prepare { field: field.id.clone(), reason })?;
    Ok(FieldCrops::cut(&field, &prepared)?)
}
