//! `analyze`: photographs or slides of one specimen in, the report out.
//!
//! stdout: a short summary, or with `--json` the case as one JSON document and nothing else. Logs and progress go to
//! stderr, a progress bar only where that is a terminal. Where several exit codes apply, 4 (not assessable) goes before
//! 1 (some inputs failed).

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::{Args, ValueEnum};

use super::exit::{Exit, Failure};
use super::model_options::ModelOptions;
use super::output::{print, print_document, warn};
use super::progress::Bar;
use super::report_options::{ReportOptions, Requested, sorted};
use super::slide_options::SlideArgs;
use super::stop::on_interrupt;
use crate::case::{Case, FieldRecord, State};
use crate::count::CountOptions;
use crate::pipeline::{AnalyzeError, AnalyzeOptions, Interrupted, SlideOptions, analyze, thread_pool};
use crate::report::{ReportError, ReportFormat, ReportTarget, WrittenReports, state_words};
use crate::smear::AgeGroup;
use crate::source::passed_over;

/// The words of `--age-group`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum AgeWord {
    /// Adults and children beyond the newborn period
    #[default]
    Adult,
    /// Newborns at term
    TermNeonate,
    /// Newborns before term
    PretermNeonate,
}

impl From<AgeWord> for AgeGroup {
    fn from(word: AgeWord) -> Self {
        match word {
            AgeWord::Adult => Self::Adult,
            AgeWord::TermNeonate => Self::TermNeonate,
            AgeWord::PretermNeonate => Self::PretermNeonate,
        }
    }
}

/// Count the schistocytes of one specimen and write the report
#[derive(Debug, Clone, Args)]
pub struct AnalyzeArgs {
    /// Images, slides and folders: together one specimen
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder for the reports; made where missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Panel, order and configuration.
    #[command(flatten)]
    pub report: ReportOptions,
    /// Pixel size, µm; otherwise from the files, otherwise estimated from the median red cell
    #[arg(long, value_name = "X", value_parser = super::positive)]
    pub um_per_px: Option<f64>,
    /// Age group that selects the reference limit
    #[arg(long, value_enum, value_name = "G", default_value_t)]
    pub age_group: AgeWord,
    /// Fewest red cells for a percentage; otherwise from the configuration
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub min_cells: Option<u64>,
    /// Slides.
    #[command(flatten)]
    pub slide: SlideArgs,
    /// Model and engine.
    #[command(flatten)]
    pub model: ModelOptions,
    /// Threads; all processors by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Reports to write: json, csv, html, geojson, parquet, pictures, hl7, fhir; pdf where the build has it
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "json,csv,html")]
    pub format: Vec<ReportFormat>,
    /// Print the case as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    /// No progress and no notes on stderr
    #[arg(long)]
    pub quiet: bool,
}

impl From<AnalyzeError> for Failure {
    fn from(error: AnalyzeError) -> Self {
        let exit = match error {
            AnalyzeError::NoInputReadable(_) => Exit::NoInputReadable,
            AnalyzeError::Detect(_) | AnalyzeError::Examine { .. } => Exit::ModelUnusable,
            AnalyzeError::Interrupted(_) => Exit::Interrupted,
            AnalyzeError::Picture { .. } | AnalyzeError::Spool(_) => Exit::OutputNotWritable,
            AnalyzeError::Panicked { .. } => Exit::ProgramFailed,
        };
        Self::new(exit, error)
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        let exit = match error {
            ReportError::OtherSpecimen { .. } | ReportError::ForeignFile { .. } => Exit::Usage,
            _ => Exit::OutputNotWritable,
        };
        Self::new(exit, error)
    }
}

/// Runs the command.
///
/// # Errors
/// A [`Failure`] with its exit code where no report was made.
pub fn run(args: &AnalyzeArgs) -> Result<Exit, Failure> {
    // First of all, so that an interrupt while the model loads ends with the contract's code too.
    let stop = on_interrupt();
    let formats = sorted(&args.format);
    let requested = args.report.read()?;
    let slide = args.slide.read()?;
    args.slide.check_inputs(&args.inputs)?;
    let options = analyze_options(&requested, args.um_per_px, args.age_group.into(), args.min_cells);
    let options = AnalyzeOptions { slide, ..options };
    let models = args.model.open()?;
    let target = ReportTarget::prepare(&args.out, &formats)?;
    target.check_accession(options.accession.as_deref())?;
    let pool = thread_pool(args.threads).map_err(|error| Failure::new(Exit::Usage, error))?;
    let bar = Bar::new(args.quiet);
    let case = analyze(&args.inputs, &options, &models, &pool, &bar, &stop)?;
    let case = with_evidence(case, &requested);
    bar.clear();
    if stop.load(Ordering::Relaxed) {
        return Err(AnalyzeError::from(Interrupted).into());
    }
    let written = target.write_with(&case, &requested.settings.messages)?;
    if !args.quiet {
        for failure in &case.record.failed_inputs {
            warn(format_args!("{}: {}", failure.path, failure.reason));
        }
        let unread = passed_over(&args.inputs);
        if !unread.is_empty() {
            warn(format_args!("not read, as no images: {}", some_names(&unread)));
        }
    }
    if args.json {
        let document = serde_json::to_string(&case.record).map_err(ReportError::Json)?;
        print_document(&(document + "\n"))?;
    } else {
        print(&summary(&case, &written))?;
    }
    Ok(exit_of(&case))
}

/// The options of an analysis from what was asked for.
pub(super) fn analyze_options(
    requested: &Requested,
    um_per_px: Option<f64>,
    age_group: AgeGroup,
    min_cells: Option<u64>,
) -> AnalyzeOptions {
    let count = &requested.settings.count;
    AnalyzeOptions {
        accession: requested.accession.clone(),
        order: requested.order.clone(),
        laboratory: requested.laboratory(),
        issued_at: requested.issued_at.clone(),
        configuration_sha256: requested.settings_sha256.clone(),
        um_per_px,
        count: CountOptions {
            age_group,
            min_cells: min_cells.unwrap_or(count.min_cells),
            grading: count.grading.clone(),
            ..CountOptions::default()
        },
        slide: SlideOptions::default(),
    }
}

/// The case with its panel weighed, where there is one.
pub(super) fn with_evidence(case: Case, requested: &Requested) -> Case {
    match requested.panel_and_scores() {
        Some((panel, options)) => Case { record: case.record.with_panel(panel, options), fields: case.fields },
        None => case,
    }
}

/// The exit code that a case leaves with.
pub(super) fn exit_of(case: &Case) -> Exit {
    match case.record.count.state {
        State::NotAssessable | State::Insufficient => Exit::NotAssessable,
        _ if !case.record.failed_inputs.is_empty() => Exit::SomeInputsFailed,
        _ => Exit::Success,
    }
}

/// A case in a few lines.
pub(super) fn summary(case: &Case, written: &WrittenReports) -> String {
    let record = &case.record;
    let accepted = record.fields.iter().filter(|field| field.accepted).count();
    let mut text = format!("{}\n", record.statement);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "state: {}", state_words(record.count.state));
    let _ = writeln!(text, "fields: {accepted} of {} accepted", record.fields.len());
    let refused: Vec<&FieldRecord> = record.fields.iter().filter(|field| !field.accepted).collect();
    for field in refused.iter().take(MOST_NAMES) {
        let _ = writeln!(text, "refused: {}: {}", field.field, field.refusals.join("; "));
    }
    if refused.len() > MOST_NAMES {
        let _ = writeln!(text, "refused: {} more, named in the report", refused.len() - MOST_NAMES);
    }
    for slide in record.slides.iter().flat_map(|slides| &slides.slides) {
        let _ = writeln!(
            text,
            "slide: {}, {} of {} fields of the area ({})",
            slide.file, slide.examined_fields, slide.planned_fields, slide.area
        );
    }
    for (reason, n) in &record.exclusions {
        let _ = writeln!(text, "excluded: {n} {}", reason.describe());
    }
    for (what, paths) in [
        ("written", &written.files),
        ("removed, of an earlier run", &written.removed),
        ("left of an earlier run, not made again", &written.left),
    ] {
        for path in paths {
            let _ = writeln!(text, "{what}: {}", path.display());
        }
    }
    text
}

/// Things that are named one by one on the terminal.
const MOST_NAMES: usize = 10;

/// The first of some paths, and how many more there are.
pub(super) fn some_names(paths: &[PathBuf]) -> String {
    let mut names: Vec<String> = paths.iter().take(MOST_NAMES).map(|path| path.display().to_string()).collect();
    if paths.len() > names.len() {
        names.push(format!("{} more", paths.len() - names.len()));
    }
    names.join(", ")
}
