//! `schistoquant score`: the published scores of a laboratory panel, without images.
//!
//! In: a panel as [`read_panel`] reads it; whether schistocytes are visible comes from its context. Out, on stdout: a table
//! for each score, or with `--json` one document with `scores`, `ignored`, `remarks`, `window` and `footer`. No specimen is known here, so the
//! time window lies around the newest result.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

#[cfg(doc)]
use super::exit::Exit;
use super::exit::Failure;
use super::options::{Word, one_of};
use super::report_options::{ConfigOptions, read_labs};
use super::terminal::{indented, print, print_document};
use schistoquant::case::FOOTER;
use schistoquant::clinical::{DicVersion, IgnoredObservation, Score, ScoreResult, WindowRecord, points_words, scores};

/// The words of `--dic-version`.
const DIC_VERSIONS: &[Word<DicVersion>] =
    &[("2001", DicVersion::V2001, "The score of 2001"), ("2025", DicVersion::V2025, "The update of 2025")];

/// Print the published scores of a laboratory panel, without images
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  schistoquant score --labs fixtures/labs/cancer.json")]
pub struct ScoreArgs {
    /// Laboratory panel: panel.json, HL7 v2 ORU^R01, or a FHIR R4 Bundle of Observations
    #[arg(long, value_name = "FILE")]
    pub labs: PathBuf,

    /// Version of the ISTH score for overt DIC; by default from the configuration
    #[arg(long, value_name = "YEAR", value_parser = one_of(DIC_VERSIONS))]
    pub dic_version: Option<DicVersion>,

    #[command(flatten)]
    pub config: ConfigOptions,

    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    scores: &'a [Score],
    ignored: &'a [IgnoredObservation],
    /// What a reader must know of results that were used.
    remarks: Vec<String>,
    /// Which results were taken.
    window: WindowRecord,
    footer: &'static str,
}

/// Runs the command.
///
/// # Errors
/// See [`read_labs`]; [`Exit::OutputNotWritable`] where stdout cannot be written. A closed pipe is a success.
pub fn run(args: &ScoreArgs) -> Result<(), Failure> {
    let mut options = args.config.load()?.settings.clinical;
    if let Some(version) = args.dic_version {
        options.scores.dic_version = version;
    }
    let (panel, window) = read_labs(&args.labs, &options.panel)?.around(None);
    let scores = scores(&panel, &options.scores);
    let document = Document {
        scores: &scores,
        ignored: &panel.ignored,
        remarks: panel.remarks().collect(),
        window,
        footer: FOOTER,
    };
    if args.json { print_document(&indented(&document)?) } else { print(&document.to_string()) }
}

impl fmt::Display for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for score in self.scores {
            write_score(f, score)?;
        }
        for observation in self.ignored {
            let name = observation.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            writeln!(f, "left aside: {}{name}: {}", observation.code, observation.reason)?;
        }
        for remark in &self.remarks {
            writeln!(f, "note: {remark}")?;
        }
        writeln!(f, "window: {}", self.window.sentence())?;
        writeln!(f, "{}", self.footer)
    }
}

fn write_score(f: &mut fmt::Formatter<'_>, score: &Score) -> fmt::Result {
    writeln!(f, "{}, {}", score.name, score.version)?;
    let mut line = |name: &str, text: &str| writeln!(f, "  {name:<14} {text}");
    line("estimates", &score.estimates)?;
    line("published for", &score.applicability)?;
    for condition in &score.conditions {
        line("condition", &format!("{}: {}", condition.condition, condition.state.words()))?;
    }
    for item in &score.items {
        let points = match (item.points, item.highest_points) {
            (_, 0) => String::new(),
            (Some(points), highest) => format!(", {points} of {highest}"),
            (None, highest) => format!(", 0 to {highest}"),
        };
        let value = item.value.as_deref().unwrap_or("not given");
        line("item", &format!("{} ({}): {value}: {}{points}", item.name, item.criterion, item.state.words()))?;
    }
    line("result", &result_text(score))?;
    for band in &score.bands {
        let points = if band.lowest == band.highest {
            band.lowest.to_string()
        } else {
            format!("{} to {}", band.lowest, band.highest)
        };
        let label = if band.label == points { String::new() } else { format!(" {}", band.label) };
        let cohorts = band.published_cohorts.join("; ");
        let cohorts = if cohorts.is_empty() { cohorts } else { format!(": {cohorts}") };
        line("band", &format!("{points}{label}{cohorts}"))?;
    }
    for caveat in &score.caveats {
        line("note", caveat)?;
    }
    line("source", &score.source)?;
    writeln!(f)
}

/// What came out, in words.
fn result_text(score: &Score) -> String {
    let highest: u32 = score.items.iter().map(|item| item.highest_points).sum();
    match &score.result {
        ScoreResult::Computed { points } => match score.band() {
            Some(band) if band.label != points.to_string() => {
                format!("{points} of {highest} points, band: {}", band.label)
            }
            _ => format!("{points} of {highest} points"),
        },
        ScoreResult::NotComputable { missing, lowest, highest } => {
            let range = match highest {
                0 => String::new(),
                _ => format!(" (possible: {})", points_words(*lowest, *highest)),
            };
            format!("not computable{range}; missing: {}", missing.join(", "))
        }
        ScoreResult::NotApplicable { reason } => format!("not applicable: {reason}"),
        ScoreResult::Checklist { met, not_met, missing } => {
            format!("checklist at one time: {met} met, {not_met} not met, {missing} missing; not summed up")
        }
    }
}
