//! `watch`: specimens put into a drop folder are analyzed as they come, for a laboratory system that only writes files.
//!
//! stdout: one JSON line for each finished specimen, its receipt. stderr: notes. SIGTERM and Ctrl-C are its regular end:
//! the work on a specimen stops between two fields, stays claimed, and is taken up at the next start; exit code 0. With
//! `--once` it leaves with 1 where a specimen was refused or an input of one could not be read.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;

use super::analyze::{analyze_options, exit_of, with_evidence};
use super::exit::{Exit, Failure, chain};
use super::options::{AGE_GROUPS, ModelOptions, ThreadOptions, one_of, positive};
use super::report_options::{ConfigOptions, FormatOptions, Requested, check_patient, read_labs};
use super::terminal::{on_interrupt, print_document, warn};
use schistoquant::case::is_order_name;
use schistoquant::clinical::is_panel_name;
use schistoquant::pipeline::{AnalyzeError, AnalyzeOptions, Models, analyze};
use schistoquant::report::FileNames;
use schistoquant::smear::AgeGroup;
use schistoquant::source::passed_over;
use schistoquant::watch::{Claimed, Handled, Receipt, ReceiptState, Refusal, WatchEvent, WatchOptions, watch};

const SECONDS_PER_HOUR: f64 = 3600.0;

const EXAMPLES: &str = "Examples:
  schistoquant watch drop --out results --format json,html,hl7
  schistoquant watch drop --out results --once";

/// Analyze specimens as they are put into a folder
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct WatchArgs {
    /// Drop folder: specimen folders and order files
    #[arg(value_name = "DROP")]
    pub drop: PathBuf,
    /// Folder of the results; made if missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// A specimen without `.ready` is complete when nothing in it has changed for this long, s
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = positive)]
    pub settle_seconds: f64,
    /// Time between two looks, s
    #[arg(long, value_name = "S", default_value_t = 1.0, value_parser = positive)]
    pub poll_seconds: f64,
    /// Refuse an order whose files have not come after this time, hours
    #[arg(long, value_name = "H", default_value_t = 24.0, value_parser = positive)]
    pub order_wait_hours: f64,
    /// End when no specimen is left, with exit code 1 if one was refused or an input failed
    #[arg(long)]
    pub once: bool,
    #[command(flatten)]
    pub config: ConfigOptions,
    /// Pixel size, µm; by default from the files, else estimated from the median red cell
    #[arg(long, value_name = "X", value_parser = positive)]
    pub um_per_px: Option<f64>,
    /// Age group that selects the reference limit
    #[arg(long, value_parser = one_of(AGE_GROUPS), value_name = "G", default_value = "adult")]
    pub age_group: AgeGroup,
    #[command(flatten)]
    pub model: ModelOptions,
    #[command(flatten)]
    pub threads: ThreadOptions,
    #[command(flatten)]
    pub formats: FormatOptions,
    /// No notes on stderr
    #[arg(long)]
    pub quiet: bool,
}

/// Analyzes a claimed specimen.
struct Analyzer<'a> {
    args: &'a WatchArgs,
    /// What holds for every specimen: the configuration.
    requested: Requested,
    models: Models,
    pool: rayon::ThreadPool,
    stop: &'a AtomicBool,
}

impl Analyzer<'_> {
    fn handle(&self, claimed: &Claimed, partial: &Path) -> Result<Handled, Refusal> {
        let usage = |reason: String| Refusal::Failed { exit_code: Exit::Usage.code(), reason };
        let failed = |failure: Failure| Refusal::Failed { exit_code: failure.exit.code(), reason: chain(&failure) };
        let output = |error: &dyn std::error::Error| Refusal::Output(chain(error));
        let order = claimed.order().map_err(|problem| usage(problem.to_string()))?;
        let panel = claimed.labs().map_err(|problem| usage(problem.to_string()))?;
        let panel = panel.map(|path| read_labs(&path, &self.requested.settings.clinical.panel)).transpose();
        let panel = panel.map_err(failed)?;
        check_patient(order.as_ref(), panel.as_ref()).map_err(failed)?;
        // Without an order the name of the drop is all that says whose it is.
        let accession = order.as_ref().and_then(|order| order.accession.clone());
        let requested = Requested {
            accession: Some(accession.unwrap_or_else(|| claimed.name().to_owned())),
            order,
            panel,
            ..self.requested.clone()
        };
        let options = AnalyzeOptions {
            without_pictures: !self.args.formats.is_pictured(),
            ..analyze_options(&requested, self.args.um_per_px, self.args.age_group, None)
        };
        let inputs = claimed.inputs();
        let case =
            analyze(&inputs, &options, &self.models, &self.pool, &(), self.stop).map_err(|error| match error {
                AnalyzeError::Interrupted(_) => Refusal::Interrupted,
                error => failed(error.into()),
            })?;
        let case = with_evidence(case, &requested);
        let result = FileNames::of(&case.record).map_err(|error| output(&error))?.base().to_owned();
        let target = self.args.formats.target(partial).map_err(|error| output(&error))?;
        let write = || target.write_with(&case, &self.requested.settings.messages);
        let written = self.pool.install(write).map_err(|error| output(&error))?;
        let below =
            |path: &Path, folder: &Path| path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
        let failed = case.record.failed_inputs.iter();
        let failed = failed.map(|input| format!("{}: {}", below(Path::new(&input.path), claimed.path()), input.reason));
        Ok(Handled {
            result,
            state: case.record.count.state.name().to_owned(),
            files: written.files.iter().map(|path| below(path, partial)).collect(),
            exit_code: exit_of(&case).code(),
            failed_inputs: failed.collect(),
            passed_over: unread(&inputs).iter().map(|path| below(path, claimed.path())).collect(),
        })
    }
}

/// Files of a drop that nothing was made of: neither image nor order nor panel.
fn unread(inputs: &[PathBuf]) -> Vec<PathBuf> {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let known = |name: String| is_order_name(&name) || is_panel_name(&name);
    passed_over(inputs).into_iter().filter(|path| !known(name(path))).collect()
}

/// Receipts to stdout, notes to stderr.
struct Log {
    quiet: bool,
    /// Whether a specimen was refused or an input of one could not be read.
    any_failed: Cell<bool>,
    /// What has been said, so that a drop that waits is named once.
    said: RefCell<BTreeSet<String>>,
}

impl Log {
    fn told(&self, event: WatchEvent<'_>) {
        match event {
            WatchEvent::Finished(receipt) => self.finished(receipt),
            WatchEvent::Waiting { name, reason } => self.waiting(name, reason),
        }
    }

    fn finished(&self, receipt: &Receipt) {
        if let Ok(line) = serde_json::to_string(receipt) {
            // Nobody may read along any more; the receipt lies in the folder.
            let _ = print_document(&(line + "\n"));
        }
        if receipt.state == ReceiptState::Error || !receipt.failed_inputs.is_empty() {
            self.any_failed.set(true);
        }
        if self.quiet {
            return;
        }
        for reason in receipt.reason.iter().chain(&receipt.failed_inputs) {
            warn(format_args!("{}: {reason}", receipt.name));
        }
        if !receipt.passed_over.is_empty() {
            warn(format_args!("{}: not read: {}", receipt.name, receipt.passed_over.join(", ")));
        }
    }

    fn waiting(&self, name: &str, reason: &str) {
        let text = format!("{name}: {reason}");
        if !self.quiet && self.said.borrow_mut().insert(text.clone()) {
            warn(format_args!("{text}"));
        }
    }
}

/// Runs the command.
///
/// # Errors
/// A [`Failure`] where configuration, model or a folder cannot be used; a specimen's failure is a receipt.
pub fn run(args: &WatchArgs) -> Result<Exit, Failure> {
    let stop = on_interrupt();
    let pool = args.threads.pool()?;
    let analyzer = Analyzer {
        args,
        requested: Requested::configured(&args.config)?,
        models: args.model.open()?,
        pool,
        stop: &stop,
    };
    let options = WatchOptions {
        drop: args.drop.clone(),
        out: args.out.clone(),
        settle: seconds(args.settle_seconds)?,
        poll: seconds(args.poll_seconds)?,
        order_wait: seconds(args.order_wait_hours * SECONDS_PER_HOUR)?,
        once: args.once,
    };
    let log = Log { quiet: args.quiet, any_failed: Cell::new(false), said: RefCell::default() };
    let handle = |claimed: &Claimed, partial: &Path| analyzer.handle(claimed, partial);
    watch(&options, &handle, &|event| log.told(event), &stop)?;
    // Without an end of its own the watcher is ended by the user: its receipts have said what failed.
    Ok(if args.once && log.any_failed.get() { Exit::SomeInputsFailed } else { Exit::Success })
}

fn seconds(value: f64) -> Result<Duration, Failure> {
    Duration::try_from_secs_f64(value).map_err(Failure::usage)
}
