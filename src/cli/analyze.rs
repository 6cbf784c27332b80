//! `analyze`: photographs or slides of one specimen in, the report out.
//!
//! stdout: a short summary, or with `--json` the case as one JSON document and nothing else. Logs and progress go to
//! stderr, a progress bar only where that is a terminal. Where several exit codes apply, 4 (not assessable) goes before
//! 1 (some inputs failed).

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use rayon::ThreadPool;

use super::exit::{Exit, Failure};
use super::options::{AGE_GROUPS, ModelOptions, ThreadOptions, one_of, positive};
use super::report_options::{FormatOptions, ReportOptions, Requested};
use super::terminal::{Bar, on_interrupt, print, print_json, warn};
use schistoquant::case::{Case, FieldRecord, State};
use schistoquant::count::CountOptions;
use schistoquant::pipeline::{
    AnalyzeError, AnalyzeOptions, DEFAULT_MAX_CELLS, Interrupted, ListedSpecimen, Models, SlideOptions, SpecimenInputs,
    StopRule, analyze_listed,
};
use schistoquant::report::{WrittenReports, state_words};
use schistoquant::review::is_reviewed;
use schistoquant::smear::AgeGroup;
use schistoquant::source::slide::PixelRect;
use schistoquant::source::{DecodeLimits, holds_slide, passed_over};
use schistoquant::survey::{Annotation, SlideArea};

/// Least memory that a run on slides is given, MiB: program, models and one field with its tiles.
const MIN_MEMORY_MIB: u64 = 512;

/// Count the schistocytes of one specimen and write the report
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  schistoquant analyze fixtures/specimen --out report
  schistoquant analyze fixtures/specimen --out report --order order.json --labs panel.hl7 --format json,html,hl7
  schistoquant analyze slide.svs --out report --format json,csv,html,geojson")]
pub struct AnalyzeArgs {
    /// Images, slides and folders: together one specimen
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder for the reports; made if missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub report: ReportOptions,
    /// Pixel size, µm; by default from the files, else estimated from the median red cell
    #[arg(long, value_name = "X", value_parser = positive)]
    pub um_per_px: Option<f64>,
    /// Age group that selects the reference limit
    #[arg(long, value_parser = one_of(AGE_GROUPS), value_name = "G", default_value = "adult")]
    pub age_group: AgeGroup,
    /// Fewest red cells for a percentage; by default from the configuration
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub min_cells: Option<u64>,
    #[command(flatten)]
    pub slide: SlideArgs,
    #[command(flatten)]
    pub model: ModelOptions,
    #[command(flatten)]
    pub threads: ThreadOptions,
    #[command(flatten)]
    pub formats: FormatOptions,
    /// Print the case as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    /// No progress and no notes on stderr
    #[arg(long)]
    pub quiet: bool,
}

/// Where on a slide fields are taken and how long is counted.
#[derive(Debug, Clone, Default, Args)]
pub struct SlideArgs {
    /// Count in this rectangle, in pixels at full resolution, instead of the monolayer that is found
    #[arg(long, value_name = "X,Y,W,H", value_parser = rectangle, help_heading = "Slides", group = "slide_area")]
    pub area: Option<PixelRect>,
    /// Count in the polygons of a GeoJSON file, as QuPath exports them
    #[arg(long, value_name = "FILE", help_heading = "Slides", group = "slide_area")]
    pub annotation: Option<PathBuf>,
    /// Count the whole slide, to its last field unless --cells or --max-cells ends the count
    #[arg(long, help_heading = "Slides", group = "slide_area")]
    pub all: bool,
    /// Count this number of red cells, whatever is found
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Slides", conflicts_with = "max_cells")]
    pub cells: Option<u64>,
    /// End a count that is still undecided at this number of red cells [default: 10000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Slides")]
    pub max_cells: Option<u64>,
    /// Seed of the order in which fields are taken
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Slides")]
    pub seed: u64,
    /// Memory of the run, MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(MIN_MEMORY_MIB..1 << 20), help_heading = "Slides")]
    pub slide_memory: u64,
}

impl SlideArgs {
    /// Refuses options that would be heeded by slides alone where no input is one.
    ///
    /// METHOD: a count that was asked to end at a number of cells and does not is another result than the one asked for.
    ///
    /// # Errors
    /// [`Exit::Usage`] with the option.
    fn check_inputs(&self, inputs: &[PathBuf]) -> Result<(), Failure> {
        let given = [(self.cells.is_some(), "--cells"), (self.max_cells.is_some(), "--max-cells")];
        let Some((_, option)) = given.into_iter().find(|(given, _)| *given) else { return Ok(()) };
        if holds_slide(inputs, DecodeLimits::default()) {
            return Ok(());
        }
        let text = format!(
            "{option}: expected a slide among the inputs, found photographs only, which are counted to the last; leave the \
             option out, or give fewer photographs"
        );
        Err(Failure::usage(text))
    }

    /// Reads what is named.
    ///
    /// # Errors
    /// [`Exit::Usage`] where the annotation cannot be read.
    fn read(&self) -> Result<SlideOptions, Failure> {
        let area = match (&self.area, &self.annotation, self.all) {
            (Some(rect), ..) => SlideArea::Rectangle(*rect),
            (None, Some(path), _) => SlideArea::Annotation(Annotation::read(path).map_err(Failure::usage)?),
            (None, None, true) => SlideArea::All,
            (None, None, false) => SlideArea::Monolayer,
        };
        let stop = match (self.cells, self.max_cells) {
            (Some(cells), _) => StopRule::Cells(cells),
            (None, Some(max_cells)) => StopRule::Decided { max_cells },
            (None, None) if self.all => StopRule::Never,
            (None, None) => StopRule::Decided { max_cells: DEFAULT_MAX_CELLS },
        };
        Ok(SlideOptions { area, seed: self.seed, stop, memory_bytes: self.slide_memory << 20 })
    }
}

/// `x,y,width,height`, whole numbers, the last two above 0.
fn rectangle(text: &str) -> Result<PixelRect, String> {
    let numbers: Option<Vec<u32>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[x, y, width, height]) if width > 0 && height > 0 => Ok(PixelRect { x, y, width, height }),
        _ => Err("expected x,y,width,height in whole pixels, for example 12000,8000,4000,4000".to_owned()),
    }
}

/// Runs the command.
///
/// # Errors
/// A [`Failure`] with its exit code where no report was made.
pub fn run(args: &AnalyzeArgs) -> Result<Exit, Failure> {
    // First of all, so that an interrupt while the model loads ends with the contract's code too.
    let stop = on_interrupt();
    let requested = args.report.read()?;
    let slide = args.slide.read()?;
    args.slide.check_inputs(&args.inputs)?;
    let options = analyze_options(&requested, args.um_per_px, args.age_group, args.min_cells);
    let options = AnalyzeOptions { slide, without_pictures: !args.formats.is_pictured(), ..options };
    if is_reviewed(&args.out) {
        let text = format!(
            "{}: expected a folder without a review, found one; name another folder with --out",
            args.out.display()
        );
        return Err(Failure::usage(text));
    }
    let pool = args.threads.pool()?;
    let specimen = SpecimenInputs { inputs: args.inputs.clone(), options };
    let (models, listed) = open_and_list(&args.model, specimen, &pool, &stop);
    let models = models?;
    let target = args.formats.target(&args.out)?;
    target.check_accession(requested.accession.as_deref())?;
    let bar = Bar::new(args.quiet);
    let case = analyze_listed(listed?, &models, &pool, &bar, &stop)?;
    let case = with_evidence(case, &requested);
    bar.clear();
    if stop.load(Ordering::Relaxed) {
        return Err(AnalyzeError::from(Interrupted).into());
    }
    let written = pool.install(|| target.write_with(&case, &requested.settings.messages))?;
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
        print_json(&case.record)?;
    } else {
        print(&summary(&case, &written, models.classifier.engine().and_then(|engine| engine.library.as_deref())))?;
    }
    let exit = exit_of(&case);
    // METHOD: the program ends here, and the system frees all memory at once. Taking models and cells apart would take 9 ms.
    std::mem::forget((models, case));
    Ok(exit)
}

/// Opens the models, and beside that lists the inputs and reads the first of them.
fn open_and_list(
    model: &ModelOptions,
    specimen: SpecimenInputs,
    pool: &ThreadPool,
    stop: &AtomicBool,
) -> (Result<Models, Failure>, Result<ListedSpecimen, AnalyzeError>) {
    let is_opened = AtomicBool::new(false);
    let open = || {
        let models = model.open();
        is_opened.store(true, Ordering::Relaxed);
        models
    };
    pool.install(|| rayon::join(open, || ListedSpecimen::list(specimen, &is_opened, stop)))
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
        without_pictures: false,
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

/// A case in a few lines; `library` is the file of ONNX Runtime, where that ran.
pub(super) fn summary(case: &Case, written: &WrittenReports, library: Option<&str>) -> String {
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
    let library = library.map(|library| format!(", {library}")).unwrap_or_default();
    let _ = writeln!(text, "engine: {}{library}", record.provenance.engine);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_has_four_numbers_and_a_size() {
        assert_eq!(rectangle("1, 2,3,4"), Ok(PixelRect { x: 1, y: 2, width: 3, height: 4 }));
        for bad in ["", "1,2,3", "1,2,3,4,5", "1,2,0,4", "-1,2,3,4", "1.5,2,3,4"] {
            assert!(rectangle(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_stop_rule_follows_the_options() {
        let stop = |args: SlideArgs| args.read().map(|options| options.stop).map_err(|_| ());
        assert_eq!(stop(SlideArgs::default()), Ok(StopRule::Decided { max_cells: DEFAULT_MAX_CELLS }));
        assert_eq!(stop(SlideArgs { all: true, ..SlideArgs::default() }), Ok(StopRule::Never));
        let capped = SlideArgs { all: true, max_cells: Some(50), ..SlideArgs::default() };
        assert_eq!(stop(capped), Ok(StopRule::Decided { max_cells: 50 }));
        assert_eq!(stop(SlideArgs { cells: Some(9), ..SlideArgs::default() }), Ok(StopRule::Cells(9)));
    }
}
