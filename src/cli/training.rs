//! `synth` and `crops`: pictures to test and to train with.
//!
//! `synth` writes the fields of a drawn specimen: for each a PNG and a `.truth.json` beside it (a `LabeledField`). Files are
//! written under a temporary name and renamed; files of the same names are replaced. A folder that holds a field of another
//! run is refused: both together would be a specimen that nobody drew. `crops` writes what [`schistoquant::export`] describes.

use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use clap::Args;
use image::ImageFormat;
use rayon::prelude::*;

use super::exit::{Exit, Failure};
use super::options::{EngineOptions, positive};
use super::terminal::{on_interrupt, print, warn};
use schistoquant::durable;
use schistoquant::export::export_crops;
use schistoquant::smear::{CellClass, LabeledField, TruthKind};
use schistoquant::synth::{
    CELL_DIAMETER_RANGE_PX, DEFAULT_CELL_DIAMETER_PX, DEFAULT_FIELDS, FIELD_PREFIX, SynthError, SynthOptions, field,
};

/// Draw a synthetic specimen with exact truth
#[derive(Debug, Clone, PartialEq, Args)]
#[command(after_help = "Examples:
  schistoquant synth --out drawn --seed 3 --fields 30 --schistocyte-fraction 0.03")]
pub struct SynthArgs {
    /// Folder for the fields and their truth; made if missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Seed; the same seed gives the same bytes
    #[arg(long, value_name = "N")]
    pub seed: u64,
    /// Number of fields
    #[arg(long, value_name = "N", default_value_t = DEFAULT_FIELDS, value_parser = clap::value_parser!(u32).range(1..))]
    pub fields: u32,
    /// Share of the red cells that are schistocytes, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = fraction)]
    pub schistocyte_fraction: f64,
    /// Diameter of the mean normal red cell, px, 20 to 150
    #[arg(long, value_name = "D", default_value_t = DEFAULT_CELL_DIAMETER_PX, value_parser = cell_diameter)]
    pub cell_diameter_px: f64,
    /// Draw the fields as seen through an eyepiece: a bright disc in a dark surround
    #[arg(long)]
    pub eyepiece: bool,
}

fn fraction(text: &str) -> Result<f64, String> {
    within(text, (0.0, 1.0))
}

fn cell_diameter(text: &str) -> Result<f64, String> {
    within(text, CELL_DIAMETER_RANGE_PX)
}

fn within(text: &str, (low, high): (f64, f64)) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (low..=high).contains(&value) => Ok(value),
        _ => Err(format!("expected a number from {low} to {high}")),
    }
}

/// A specimen that could not be written.
#[derive(Debug, thiserror::Error)]
enum SynthFailure {
    #[error(transparent)]
    Draw(#[from] SynthError),
    #[error(
        "{}: expected a folder without fields of another run, found this one; remove it or choose another folder with --out",
        path.display()
    )]
    LeftOver { path: PathBuf },
    #[error("{}: expected a place that can be written to; choose another folder with --out", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl From<SynthFailure> for Failure {
    fn from(failure: SynthFailure) -> Self {
        let exit = match failure {
            SynthFailure::Draw(_) | SynthFailure::LeftOver { .. } => Exit::Usage,
            SynthFailure::Write { .. } => Exit::OutputNotWritable,
        };
        Self::new(exit, failure)
    }
}

/// Red cells of a field, the schistocytes among them, white cells, platelets.
fn tally(truth: &LabeledField) -> [u64; 4] {
    let of = |kind| truth.cells.iter().filter(|cell| cell.kind == kind).count() as u64;
    let schistocytes = truth.cells.iter().filter(|cell| cell.class == Some(CellClass::Schistocyte)).count() as u64;
    [of(TruthKind::RedCell), schistocytes, of(TruthKind::WhiteCell), of(TruthKind::Platelet)]
}

/// Runs `synth`: draws and writes the specimen, then prints what it holds.
///
/// # Errors
/// Options out of range ([`Exit::Usage`]) or an output that cannot be written ([`Exit::OutputNotWritable`]).
pub fn run_synth(args: &SynthArgs) -> Result<(), Failure> {
    let options = SynthOptions {
        cell_diameter_px: args.cell_diameter_px,
        schistocyte_fraction: args.schistocyte_fraction,
        // A specimen of schistocytes only leaves no room for other shapes.
        other_shapes_fraction: SynthOptions::default().other_shapes_fraction.min(1.0 - args.schistocyte_fraction),
        eyepiece: args.eyepiece,
        ..SynthOptions::default()
    };
    options.check().map_err(SynthFailure::from)?;
    fs::create_dir_all(&args.out).map_err(|source| SynthFailure::Write { path: args.out.clone(), source })?;
    check_left_over(&args.out, args.fields)?;
    let tally = (0..args.fields)
        .into_par_iter()
        .map(|index| write_field(&options, args.seed, index, &args.out))
        .try_reduce(<[u64; 4]>::default, |a, b| Ok(std::array::from_fn(|i| a[i] + b[i])))?;
    let [red_cells, schistocytes, white_cells, platelets] = tally;
    let percent = match red_cells {
        0 => String::from("no red cells"),
        cells => format!("{:.2} %", 100.0 * schistocytes as f64 / cells as f64),
    };
    print(&format!(
        "{}: {} fields, {red_cells} red cells, {schistocytes} schistocytes ({percent}), {white_cells} white cells, \
         {platelets} platelets\n",
        args.out.display(),
        args.fields
    ))
}

/// Refuses a folder with a field that is none of the first `fields`.
fn check_left_over(folder: &Path, fields: u32) -> Result<(), SynthFailure> {
    let failed = |source| SynthFailure::Write { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let number = name.strip_prefix(FIELD_PREFIX).and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
        if number.is_some_and(|number| number > fields) {
            return Err(SynthFailure::LeftOver { path });
        }
    }
    Ok(())
}

fn write_field(options: &SynthOptions, seed: u64, index: u32, folder: &Path) -> Result<[u64; 4], SynthFailure> {
    let drawn = field(options, seed, index)?;
    let image = folder.join(&drawn.truth.field);
    let truth = image.with_extension("truth.json");
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| SynthFailure::Write { path, source }
    };
    let mut png = Cursor::new(Vec::new());
    drawn.rgb.write_to(&mut png, ImageFormat::Png).map_err(|error| failed(&image)(io::Error::other(error)))?;
    durable::write(&image, png.get_ref()).map_err(failed(&image))?;
    let json = serde_json::to_vec(&drawn.truth).map_err(|error| failed(&truth)(io::Error::other(error)))?;
    durable::write(&truth, &json).map_err(failed(&truth))?;
    Ok(tally(&drawn.truth))
}

/// Export what the classifier sees of every object, for training
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  schistoquant crops images --out crops")]
pub struct CropsArgs {
    /// Images and folders: the fields of one specimen
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder for crops.npy, crops.csv, fields.csv, fields and labels; made if missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Pixel size, µm; by default from the file, else estimated
    #[arg(long, value_name = "X", value_parser = positive)]
    pub um_per_px: Option<f64>,
    #[command(flatten)]
    pub engine: EngineOptions,
}

/// Runs `crops`: writes the crops and prints how many.
///
/// # Errors
/// [`Exit::NoInputReadable`] where not one field can be used, [`Exit::OutputNotWritable`] where a file cannot be
/// written, [`Exit::Interrupted`].
pub fn run_crops(args: &CropsArgs) -> Result<Exit, Failure> {
    let stop = on_interrupt();
    let segmenter = args.engine.segmenter()?;
    let exported = export_crops(&args.inputs, args.um_per_px, &segmenter, &args.out, &stop, |what| warn(what))?;
    print(&format!("{}: {} crops of {} fields\n", args.out.display(), exported.crops, exported.fields))?;
    Ok(if exported.left_out == 0 { Exit::Success } else { Exit::SomeInputsFailed })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        synth: SynthArgs,
    }

    fn parse(more: &[&str]) -> Result<SynthArgs, clap::Error> {
        let base = ["synth", "--out", "x", "--seed", "1"];
        Command::try_parse_from(base.iter().chain(more)).map(|command| command.synth)
    }

    fn args(out: &Path) -> SynthArgs {
        SynthArgs {
            out: out.to_owned(),
            seed: 3,
            fields: 2,
            schistocyte_fraction: 0.03,
            cell_diameter_px: 20.0,
            eyepiece: false,
        }
    }

    #[test]
    fn words_out_of_range_are_refused_and_limits_are_taken() {
        for bad in [
            ["--fields", "0"],
            ["--schistocyte-fraction", "1.01"],
            ["--schistocyte-fraction=-0.01", "--fields=1"],
            ["--schistocyte-fraction", "NaN"],
            ["--cell-diameter-px", "19.9"],
            ["--cell-diameter-px", "150.1"],
        ] {
            let error = parse(&bad).expect_err("out of range");
            assert_eq!(error.kind(), clap::error::ErrorKind::ValueValidation, "{bad:?}");
        }
        for good in [["--fields", "1"], ["--schistocyte-fraction", "1"], ["--cell-diameter-px", "150"]] {
            assert!(parse(&good).is_ok(), "{good:?}");
        }
        let plain = parse(&[]).expect("defaults");
        assert_eq!((plain.fields, plain.cell_diameter_px), (DEFAULT_FIELDS, DEFAULT_CELL_DIAMETER_PX));
    }

    #[test]
    fn fields_and_truth_are_written_whole_and_the_same_each_time() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let read = || {
            let mut files: Vec<_> = fs::read_dir(folder.path())
                .expect("a folder")
                .map(|entry| entry.expect("an entry").path())
                .map(|path| (path.clone(), fs::read(path).expect("a file")))
                .collect();
            files.sort();
            files
        };
        run_synth(&args(folder.path())).expect("written");
        let first = read();
        let names: Vec<_> = first.iter().filter_map(|(path, _)| path.file_name()?.to_str()).collect();
        assert_eq!(names, ["field-0001.png", "field-0001.truth.json", "field-0002.png", "field-0002.truth.json"]);
        run_synth(&args(folder.path())).expect("written again");
        assert_eq!(read(), first);
        let truth: LabeledField = serde_json::from_slice(&first[1].1).expect("truth reads back");
        let image = image::load_from_memory(&first[0].1).expect("an image");
        assert_eq!((image.width(), image.height()), (truth.width_px, truth.height_px));
    }

    #[test]
    fn a_field_of_another_run_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        run_synth(&args(folder.path())).expect("two fields");
        fs::write(folder.path().join("field-notes.txt"), "kept").expect("written");
        let failure = run_synth(&SynthArgs { fields: 1, ..args(folder.path()) }).expect_err("the second field is left");
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.to_string().contains("field-0002."), "{failure}");
        run_synth(&SynthArgs { fields: 3, ..args(folder.path()) }).expect("every field is drawn again");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_output_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("taken");
        fs::write(&file, b"in the way").expect("written");
        let failure = run_synth(&args(&file.join("below"))).expect_err("a file is in the way");
        assert_eq!(failure.exit, Exit::OutputNotWritable);
        assert!(failure.to_string().contains("taken"), "{failure}");
    }

    #[test]
    fn schistocytes_only_leave_no_room_for_other_shapes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        run_synth(&SynthArgs { schistocyte_fraction: 1.0, fields: 1, ..args(folder.path()) }).expect("written");
    }
}
