//! `batch` and `merge`: a manifest or a folder of specimens in, the reports of all of them and the tables over them out;
//! and the shards of a batch joined to one folder.
//!
//! stdout: one line on what was done, or with `--dry-run` the specimens with their images. stderr: pictures that two
//! specimens name, columns that are carried along, results of an earlier run that no longer stand, failures with the line
//! of the manifest; a bar over the fields where it is a terminal, else one JSON line each [`BatchArgs::progress_seconds`]:
//! `specimens`, `specimens_done`, `specimens_failed`, `fields_done`, `fields_expected`, `fields_per_second`,
//! `seconds_left` (the last three are null while nothing tells).

use std::path::{Path, PathBuf};

use clap::Args;

use super::analyze::{analyze_options, some_names};
use super::exit::{Exit, Failure, chain};
use super::options::{AGE_GROUPS, ModelOptions, ThreadOptions, one_of, positive};
use super::report_options::{ConfigOptions, Requested, read_labs};
use super::terminal::{BatchProgress, on_interrupt, print, warn};
use schistoquant::batch::{
    BatchOptions, BatchReport, BatchSettings, GroupPattern, MOST_COMPARED, Manifest, ManifestRow, Prepared, Preparer,
    Shard, SharedImages, merge, run as run_batch, shared_images,
};
use schistoquant::case::SpecimenFailure;
use schistoquant::pipeline::{AnalyzeError, AnalyzeOptions, SpecimenInputs, named_options, provenance};
use schistoquant::report::{ReportError, ReportFormat};
use schistoquant::settings::Settings;
use schistoquant::smear::AgeGroup;
use schistoquant::source::{listed_images, passed_over};

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
    /// Folder for the results; made if missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Make specimens of the images below the folder, at any depth: this regular expression finds the group `accession` in each path
    #[arg(long, value_name = "REGEX")]
    pub group: Option<GroupPattern>,
    /// List the specimens with their images and end
    #[arg(long)]
    pub dry_run: bool,
    /// Take only the K-th of N parts of the specimens
    #[arg(long, value_name = "K/N")]
    pub shard: Option<Shard>,
    /// Go on with the batch in the folder: keep what is finished and unchanged, try again what failed
    #[arg(long)]
    pub resume: bool,
    /// Pixel size, µm, where the manifest has none; by default from the files, else estimated for each specimen
    #[arg(long, value_name = "X", value_parser = positive)]
    pub um_per_px: Option<f64>,
    /// Age group where the manifest has none
    #[arg(long, value_parser = one_of(AGE_GROUPS), value_name = "G", default_value = "adult")]
    pub age_group: AgeGroup,
    /// Fewest red cells for a percentage; by default from the configuration
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub min_cells: Option<u64>,
    #[command(flatten)]
    pub config: ConfigOptions,
    #[command(flatten)]
    pub model: ModelOptions,
    #[command(flatten)]
    pub threads: ThreadOptions,
    /// Reports to write for each specimen: json, csv, html, geojson, parquet, pictures, hl7, fhir; pdf where the build has it; json and parquet are always among them
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "json,parquet,html")]
    pub format: Vec<ReportFormat>,
    /// Keep messages (hl7, fhir) back until a person signs the case in `review`
    #[arg(long)]
    pub require_review: bool,
    /// Time between two lines of progress where stderr is no terminal, s
    #[arg(long, value_name = "S", default_value_t = 30.0, value_parser = positive)]
    pub progress_seconds: f64,
    /// No progress on stderr
    #[arg(long)]
    pub quiet: bool,
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
            um_per_px: row.um_per_px.or(self.defaults.um_per_px),
            ..self.defaults.clone()
        };
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
    let pool = args.threads.pool()?;
    if !args.quiet || args.dry_run {
        notes(args, &manifest, &pool.install(|| shared_images(&manifest)));
    }
    if args.dry_run {
        print(&listing(&manifest))?;
        return Ok(Exit::Success);
    }
    let requested = Requested::configured(&args.config)?;
    let reports = requested.settings.messages.clone();
    let defaults = analyze_options(&requested, args.um_per_px, args.age_group, args.min_cells);
    let models = args.model.open()?;
    let options = BatchOptions {
        out: args.out.clone(),
        formats: args.format.clone(),
        require_review: args.require_review,
        reports,
        resume: args.resume,
    };
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
fn failures(report: &BatchReport, place: &str) {
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
fn summary(report: &BatchReport, out: &Path) -> String {
    let BatchReport { finished, failed, failed_inputs, .. } = report;
    format!(
        "{finished} specimens finished, {} failed, {failed_inputs} inputs not readable; written: {}\n",
        failed.len(),
        out.display()
    )
}

/// The exit code of a batch that came to its end.
fn exit_of(report: &BatchReport) -> Exit {
    if !report.failed.is_empty() || report.failed_inputs > 0 { Exit::SomeInputsFailed } else { Exit::Success }
}

/// Join the shards of a batch
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  schistoquant merge shard-1 shard-2 --out result")]
pub struct MergeArgs {
    /// Output folders of all shards
    #[arg(required = true, value_name = "SHARD_DIR")]
    pub shards: Vec<PathBuf>,
    /// Folder for the whole batch; made if missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Runs `merge`.
///
/// # Errors
/// A [`Failure`] where the shards do not belong together or a folder cannot be read or written.
pub fn run_merge(args: &MergeArgs) -> Result<Exit, Failure> {
    let report = merge(&args.shards, &args.out)?;
    failures(&report, "");
    print(&summary(&report, &args.out))?;
    Ok(exit_of(&report))
}
