//! `repeatability`: the called percentage of films before and after a change of their pictures.
//!
//! stdout: a table in Markdown, or with `--json` the record and nothing else. File: `repeatability.json`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::exit::Failure;
use super::model_options::ModelOptions;
use super::output::{print, print_document};
use super::progress::Bar;
use super::stop::on_interrupt;
use crate::report::{OutputFolder, ReportError};
use crate::verify::repeatability::{Change, FilmCount, RepeatabilityRecord, repeatability};
use crate::verify::{LabelledSet, SplitSource};

/// File of the command.
const FILE: &str = "repeatability.json";

/// Measure how far the percentage moves when the pictures change and the cells do not
#[derive(Debug, Clone, Args)]
pub struct RepeatabilityArgs {
    /// Images and folders of images
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder for repeatability.json; made where missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Changes: blur, sharpen, stain, enlarge, reduce, turn, mirror, resave, shift, all by default; or shrink:PERCENT of the width
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub changes: Vec<Change>,
    /// CSV file with the columns image and split, and perhaps group: the films
    #[arg(long, value_name = "FILE")]
    pub split: Option<PathBuf>,
    /// Part of the split file; otherwise all
    #[arg(long, value_name = "NAME", requires = "split")]
    pub want: Option<String>,
    /// Pixel size, µm; otherwise from the files, otherwise estimated from the median red cell of each film
    #[arg(long, value_name = "X", value_parser = super::positive)]
    pub um_per_px: Option<f64>,
    /// Name of the set in the record
    #[arg(long, value_name = "NAME", default_value = "films")]
    pub name: String,
    /// Model and engine.
    #[command(flatten)]
    pub model: ModelOptions,
    /// Print the record as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    /// No progress on stderr
    #[arg(long)]
    pub quiet: bool,
}

/// Runs the command.
///
/// # Errors
/// A [`Failure`] with its exit code where nothing was measured.
pub fn run(args: &RepeatabilityArgs) -> Result<(), Failure> {
    let stop = on_interrupt();
    let models = args.model.open()?;
    let folder = OutputFolder::prepare(&args.out, &[FILE])?;
    let set = LabelledSet {
        name: args.name.clone(),
        inputs: args.inputs.clone(),
        split: args.split.clone().map(|path| SplitSource { path, want: args.want.clone() }),
        um_per_px: args.um_per_px,
        ..LabelledSet::default()
    };
    let changes = if args.changes.is_empty() { Change::ALL.to_vec() } else { args.changes.clone() };
    let bar = Bar::new(args.quiet);
    let record = repeatability(&set, &changes, &models, &bar, &stop)?;
    bar.clear();
    let mut json = serde_json::to_vec_pretty(&record).map_err(ReportError::Json)?;
    json.push(b'\n');
    folder.write(&[(FILE, json)])?;
    if args.json {
        let document = serde_json::to_string(&record).map_err(ReportError::Json)?;
        print_document(&(document + "\n"))
    } else {
        print(&table(&record))
    }
}

/// Films in rows, changes in columns; the last rows are all films and the relative change.
fn table(record: &RepeatabilityRecord) -> String {
    let percent = |count: &FilmCount| count.percent.map_or("–".to_owned(), |percent| format!("{percent:.2}"));
    let mut text = String::from("| film | cells | as it is, % |");
    record.changes.iter().for_each(|change| text.push_str(&format!(" {}, % |", change.change)));
    text.push_str("\n|---|--:|--:|");
    record.changes.iter().for_each(|_| text.push_str("--:|"));
    text.push('\n');
    let Some(first) = record.changes.first() else { return text };
    for (i, film) in first.films.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(text, "| {} | {} | {} |", film.film, film.before.red_cells, percent(&film.before));
        record.changes.iter().for_each(|change| text.push_str(&format!(" {} |", percent(&change.films[i].after))));
        text.push('\n');
    }
    let _ = write!(text, "| all | {} | {} |", first.before.red_cells, percent(&first.before));
    record.changes.iter().for_each(|change| text.push_str(&format!(" {} |", percent(&change.after))));
    text.push_str("\n| relative change, % | | |");
    for change in &record.changes {
        let relative = change.relative_change.map_or("–".to_owned(), |share| format!("{:+.0}", 100.0 * share));
        text.push_str(&format!(" {relative} |"));
    }
    text.push('\n');
    text
}
