//! `batch`: a manifest or a folder of specimens in, the reports of all of them and the tables over them out.
//!
//! stdout: one line on what was done, or with `--dry-run` the specimens with their images. stderr: pictures that two
//! specimens name, columns that are carried along, results of an earlier run that do not stand any more, failures with the
//! line of the manifest; a bar over the fields where it is a terminal, else one JSON line each
//! [`BatchArgs::progress_seconds`]: `specimens`, `specimens_done`, `specimens_failed`, `fields_done`, `fields_expected`,
//! `fields_per_second`, `seconds_left` (the last three null while nothing tells).

use std::path::{Path, PathBuf};

use clap::Args;

use super::analyze::{AgeWord, analyze_options, some_names};
use super::batch_progress::BatchProgress;
use super::config_options::ConfigOptions;
use super::exit::{Exit, Failure, chain};
use super::model_options::ModelOptions;
use super::output::{print, warn};
use super::report_options::Requested;
use super::score::read_labs;
use super::stop::on_interrupt;
use crate::batch::{
    BatchError, BatchOptions, BatchReport, BatchSettings, GroupPattern, MOST_COMPARED, Manifest, ManifestProblem,
    ManifestRow, Prepared, Preparer, Shard, SharedImages, run as run_batch, shared_images,
};
use crate::case::SpecimenFailure;
use crate::pipeline::{AnalyzeError, AnalyzeOptions, SpecimenInputs, named_options, provenance, thread_pool};
use crate::report::{ReportError, ReportFormat};
use crate::settings::Settings;
use crate::smear::AgeGroup;
use crate::source::{listed_images, passed_over};

const EXAMPLES: &str = "Examples:
  schistoquant batch manifest.csv --out result --format json,csv,html
  schistoquant batch films --group '(?<accession>S-\\d+)' --out result --dry-run
  schistoquant batch manifest.csv --out result --resume";

/// Count the schistocytes of many specimens, resumable and divisible among machines
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct BatchArgs {
    /// Manifest (CSV: accession, inputs, um_per_px, age_group, labs, and columns to carry along), or a folder with a folder for each specimen
    #[arg(value_name = "MANIFEST|FOLDER")]
    pub manifest: PathBuf,
    /// Folder for the results; made where missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Group the images below the folder, at any depth, by a regular expression that finds the group `accession` in their paths
    #[arg(long, value_name = "REGEX")]
    pub group: Option<GroupPattern>,
    /// List the specimens with their images and end
    #[arg(long)]
    pub dry_run: bool,
    /// Take only the K-th of N parts of the specimens
    #[arg(long, value_name = "K/N")]
    pub shard: Option<Shard>,
    /// Go on with the batch in the folder: what is finished and unchanged is not repeated, what failed is tried again
    #[arg(long)]
    pub resume: bool,
    /// Pixel size, µm, where the manifest has none; otherwise from the files or estimated for each specimen
    #[arg(long, value_name = "X", value_parser = super::positive)]
    pub um_per_px: Option<f64>,
    /// Age group where the manifest has none
    #[arg(long, value_enum, value_name = "G", default_value_t)]
    pub age_group: AgeWord,
    /// Fewest red cells for a percentage; otherwise from the configuration
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub min_cells: Option<u64>,
    /// The laboratory's configuration.
    #[command(flatten)]
    pub config: ConfigOptions,
    /// Model and engine.
    #[command(flatten)]
    pub model: ModelOptions,
    /// Threads; all processors by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Reports to write for each specimen: json, csv, html, geojson, parquet, pictures, hl7, fhir; pdf where the build has it; json and parquet are always among them
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "json,parquet,html")]
    pub format: Vec<ReportFormat>,
    /// Time between two lines of progress where stderr is no terminal, s
    #[arg(long, value_name = "S", default_value_t = 30.0, value_parser = super::positive)]
    pub progress_seconds: f64,
    /// No progress on stderr
    #[arg(long)]
    pub quiet: bool,
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        let exit = match error {
            BatchError::Exists { .. } | BatchError::Differs { .. } | BatchError::Shards { .. } => Exit::Usage,
            BatchError::Read { .. } | BatchError::Damaged { .. } => Exit::NoInputReadable,
            BatchError::Interrupted => Exit::Interrupted,
            _ => Exit::OutputNotWritable,
        };
        Self::new(exit, error)
    }
}

impl From<ManifestProblem> for Failure {
    fn from(problem: ManifestProblem) -> Self {
        let exit = match problem {
            ManifestProblem::Read { .. } => Exit::NoInputReadable,
            _ => Exit::Usage,
        };
        Self::new(exit, problem)
    }
}

/// Reads what the rows name.
struct Rows<'a> {
    settings: &'a Settings,
    /// What stands where a row says nothing.
    defaults: &'a AnalyzeOptions,
}

fn failed(failure: &Failure) -> SpecimenFailure {
    SpecimenFailure { exit_code: failure.exit.code(), reason: chain(failure) }
}

impl Preparer for Rows<'_> {
    fn prepare(&self, row: &ManifestRow) -> Result<Prepared, SpecimenFailure> {
        let labs = row.labs.as_deref().map(|path| read_labs(path, &self.settings.clinical.panel)).transpose();
        let panel = labs.map_err(|failure| failed(&failure))?;
        let mut options = AnalyzeOptions {
            accession: Some(row.accession.clone()),
            um_per_px: row.um_per_px,
            ..self.defaults.clone()
        };
        options.um_per_px = options.um_per_px.or(self.defaults.um_per_px);
        options.count.age_group = row.age_group.unwrap_or(self.defaults.count.age_group);
        Ok(Prepared {
            specimen: SpecimenInputs { inputs: row.inputs.clone(), options },
            panel: panel.map(|panel| (panel, self.settings.clinical.scores.clone())),
        })
    }

    fn analysis_failed(&self, error: AnalyzeError) -> SpecimenFailure {
        failed(&error.into())
    }

    fn report_failed(&self, error: ReportError) -> SpecimenFailure {
        failed(&error.into())
    }
}

/// Runs the command.
///
/// # Errors
/// A [`Failure`] where the batch cannot go on; a specimen's failure is a row of `failures.csv` and exit code 1.
pub fn run(args: &BatchArgs) -> Result<Exit, Failure> {
    let stop = on_interrupt();
    let manifest = match &args.group {
        Some(pattern) => Manifest::of_groups(&args.manifest, pattern),
        None => Manifest::read(&args.manifest),
    };
    let manifest = manifest.map_err(|problem| Failure::from(problem).within(&args.manifest.display().to_string()))?;
    let pool = thread_pool(args.threads).map_err(|error| Failure::new(Exit::Usage, error))?;
    if !args.quiet || args.dry_run {
        notes(args, &manifest, &pool.install(|| shared_images(&manifest)));
    }
    if args.dry_run {
        print(&listing(&manifest))?;
        return Ok(Exit::Success);
    }
    let settings = args.config.load()?.settings;
    let settings_sha256 = settings.sha256().map_err(|error| Failure::new(Exit::Usage, error))?;
    let reports = settings.messages.clone();
    let requested = Requested { accession: None, order: None, issued_at: None, panel: None, settings, settings_sha256 };
    let defaults = analyze_options(&requested, args.um_per_px, AgeGroup::from(args.age_group), args.min_cells);
    let models = args.model.open()?;
    let options = BatchOptions { out: args.out.clone(), formats: args.format.clone(), reports, resume: args.resume };
    let asked = BatchSettings::new(
        provenance(&models, named_options(&defaults), Vec::new()),
        options.format_names(),
        &manifest,
        args.shard,
    );
    let progress = BatchProgress::new(args.quiet, args.progress_seconds);
    let rows = Rows { settings: &requested.settings, defaults: &defaults };
    let report = run_batch(&manifest, &asked, &options, &rows, &models, &pool, &progress, &stop)?;
    progress.clear();
    if !args.quiet {
        failures(&report, &format!("{}: ", args.manifest.display()));
    }
    print(&summary(&report, &args.out))?;
    Ok(exit_of(&report))
}

/// What the caller should know before the work begins.
fn notes(args: &BatchArgs, manifest: &Manifest, shared: &[SharedImages]) {
    for pair in shared {
        warn(format_args!("{}: {}", args.manifest.display(), pair.words()));
    }
    if !manifest.extra_columns().is_empty() {
        let columns = manifest.extra_columns().join(", ");
        warn(format_args!("columns carried into the tables and not heeded otherwise: {columns}"));
    }
    for row in manifest.rows() {
        let unread: Vec<PathBuf> =
            passed_over(&row.inputs).into_iter().filter(|path| Some(path) != row.labs.as_ref()).collect();
        if !unread.is_empty() {
            warn(format_args!("{}: not read, as no images: {}", row.accession, some_names(&unread)));
        }
    }
}

/// The specimens with their images, as the manifest or the pattern makes them.
fn listing(manifest: &Manifest) -> String {
    let (mut text, mut all) = (String::new(), 0);
    for row in manifest.rows() {
        let images = listed_images(&row.inputs);
        all += images.len();
        text.push_str(&format!("{}: {} images\n", row.accession, images.len()));
        for path in images.iter().chain(&row.labs) {
            text.push_str(&format!("  {}\n", path.display()));
        }
    }
    text + &format!("{} specimens, {all} images\n", manifest.rows().len())
}

/// Most repeated pictures that are named on a terminal; the table has all.
const MOST_NAMED: usize = 20;

/// Names each specimen without a result by its line, and pictures that two specimens show.
pub(super) fn failures(report: &BatchReport, place: &str) {
    match &report.repeated {
        Some(repeated) => {
            for picture in repeated.iter().take(MOST_NAMED) {
                warn(format_args!("{place}{}", picture.words()));
            }
            if repeated.len() > MOST_NAMED {
                warn(format_args!("{} further repeated pictures stand in repeated.csv", repeated.len() - MOST_NAMED));
            }
        }
        None => {
            warn(format_args!("more than {MOST_COMPARED} photographs: only files with the same bytes were looked for"))
        }
    }
    for outcome in &report.failed {
        let reason = outcome.failure.as_ref().map_or("", |failure| failure.reason.as_str());
        warn(format_args!("{place}line {}: {}: {reason}", outcome.line, outcome.accession));
    }
}

/// One line on what was done.
pub(super) fn summary(report: &BatchReport, out: &Path) -> String {
    let BatchReport { finished, failed, failed_inputs, .. } = report;
    format!(
        "{finished} specimens finished, {} failed, {failed_inputs} inputs not readable; written: {}\n",
        failed.len(),
        out.display()
    )
}

/// The exit code of a batch that came to its end.
pub(super) fn exit_of(report: &BatchReport) -> Exit {
    if !report.failed.is_empty() || report.failed_inputs > 0 { Exit::SomeInputsFailed } else { Exit::Success }
}
