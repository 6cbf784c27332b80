//! `report`: the reports of a case made again, with another panel, order, configuration or format; no image is read.
//!
//! In: a folder with `case.json` and its archive of fields, as `analyze` left it. What is not given stays as it was
//! recorded; a panel takes the place of an earlier one. The count and its provenance never change here.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use clap::Args;

use super::analyze::{exit_of, summary};
use super::exit::{Exit, Failure};
use super::report_options::{FormatOptions, ReportOptions, Requested, check_patient};
use super::terminal::{print, print_json};
use schistoquant::case::{ArchiveError, Case, CaseRecord, IssueSource, IssueTime, SCHEMA_VERSION, read_fields};
use schistoquant::report::{ARCHIVE_FILE, CASE_FILE, ReportTarget};

/// Largest `case.json` that is read, bytes.
const MAX_CASE_BYTES: u64 = 256 << 20;

const EXAMPLES: &str = "Examples:
  schistoquant report case --labs panel.hl7 --format json,html,hl7
  schistoquant report case --out again --format parquet";

/// Make the reports of a case again, without its images
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReportArgs {
    /// Folder that `analyze` wrote
    #[arg(value_name = "CASE_DIR")]
    pub case: PathBuf,
    /// Folder for the reports; the case's own by default
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub report: ReportOptions,
    #[command(flatten)]
    pub formats: FormatOptions,
    /// Print the case as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
}

/// Why a case folder cannot be used.
#[derive(Debug, thiserror::Error)]
enum CaseFolderError {
    #[error("{path}: expected a file of a case folder that can be read; name a folder that `analyze` wrote with the format json", path = .path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path}: expected a record with schema version {SCHEMA_VERSION}; run `analyze` again", path = .path.display())]
    Record { path: PathBuf, source: serde_json::Error },
    #[error("{path}: expected schema version {SCHEMA_VERSION}, found {found}; run `analyze` again", path = .path.display())]
    Version { path: PathBuf, found: String },
    #[error("{path}: expected a record of at most {MAX_CASE_BYTES} bytes, found {found}", path = .path.display())]
    TooLarge { path: PathBuf, found: u64 },
    #[error("{path}: the fields of the case cannot be used", path = .path.display())]
    Archive { path: PathBuf, source: ArchiveError },
}

/// The case that a folder holds.
fn read_case(folder: &Path) -> Result<Case, CaseFolderError> {
    let path = folder.join(CASE_FILE);
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| CaseFolderError::Read { path, source }
    };
    let found = fs::metadata(&path).map_err(unreadable(&path))?.len();
    if found > MAX_CASE_BYTES {
        return Err(CaseFolderError::TooLarge { path, found });
    }
    let bytes = fs::read(&path).map_err(unreadable(&path))?;
    let broken = |source| CaseFolderError::Record { path: path.clone(), source };
    // The version first: a record of another one has other fields, and its number is what helps.
    let version: serde_json::Value = serde_json::from_slice(&bytes).map_err(broken)?;
    match version["schema_version"].as_str() {
        Some(found) if found != SCHEMA_VERSION => {
            return Err(CaseFolderError::Version { path, found: found.to_owned() });
        }
        _ => {}
    }
    let record: CaseRecord = serde_json::from_slice(&bytes).map_err(broken)?;
    let path = folder.join(ARCHIVE_FILE);
    let file = File::open(&path).map_err(unreadable(&path))?;
    let fields = read_fields(&record, file).map_err(|source| CaseFolderError::Archive { path, source })?;
    Ok(Case { record, fields })
}

/// The record with what was asked for now in place of what it held.
fn renewed(record: CaseRecord, requested: &Requested, configured: bool) -> CaseRecord {
    let mut record = record;
    if let Some(order) = &requested.order {
        record = record.with_later_order(order.clone());
    }
    record.accession = requested.accession.clone().or(record.accession);
    if configured {
        record.laboratory = requested.laboratory();
        let sha256 = requested.settings_sha256.clone();
        record.provenance.options.insert("configuration_sha256".to_owned(), sha256.into());
    }
    // A time that was given stays; one that followed from the order follows from the order of now.
    let given = requested.issued_at.as_ref().or(record
        .issued_at
        .as_ref()
        .filter(|issued| issued.source == IssueSource::Given)
        .map(|issued| &issued.at));
    record.issued_at = IssueTime::resolve(given, record.order.as_ref());
    record.newest_image_at = record.newest_image_at.filter(|_| record.issued_at.is_none());
    match requested.panel_and_scores() {
        Some((panel, options)) => record.with_panel(panel, options),
        None => record,
    }
}

/// Runs the command.
///
/// # Errors
/// [`Exit::NoInputReadable`] where the case cannot be used, [`Exit::Usage`] where panel, order or configuration are
/// refused, [`Exit::OutputNotWritable`] where a report cannot be written.
pub fn run(args: &ReportArgs) -> Result<Exit, Failure> {
    let requested = args.report.read()?;
    let case = read_case(&args.case).map_err(|error| Failure::new(Exit::NoInputReadable, error))?;
    // A new panel meets the recorded order where no other one is given.
    check_patient(requested.order.as_ref().or(case.record.order.as_ref()), requested.panel.as_ref())?;
    let target = ReportTarget::prepare(args.out.as_deref().unwrap_or(&args.case), &args.formats.sorted())?;
    if let (Some(given), Some(recorded)) = (&requested.accession, &case.record.accession)
        && given != recorded
    {
        let text = format!("expected specimen `{recorded}`, found `{given}`; check which specimen this is");
        return Err(Failure::usage(text));
    }
    let configured = args.report.config.config.is_some();
    let case = Case { record: renewed(case.record, &requested, configured), fields: case.fields };
    let written = target.write_with(&case, &requested.settings.messages)?;
    if args.json {
        print_json(&case.record)?;
    } else {
        print(&summary(&case, &written))?;
    }
    Ok(exit_of(&case))
}
