//! `report`: the reports of a case made again, with another panel, order, configuration or format; no image is read.
//!
//! In: a folder with `case.json` and its archive of fields, as `analyze` left it. What is not given stays as it was
//! recorded; a panel takes the place of an earlier one. The count and its provenance never change here.

use std::path::PathBuf;

use clap::Args;

use super::analyze::{exit_of, summary};
use super::exit::{Exit, Failure};
use super::report_options::{FormatOptions, ReportOptions, Requested, check_patient};
use super::terminal::{print, print_json};
use schistoquant::case::{Case, CaseRecord, IssueSource, IssueTime};
use schistoquant::report::read_case;
use schistoquant::review::{check_remake, note_remade};

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

impl ReportArgs {
    /// Whether the record is only to be written in other formats.
    fn changes_nothing(&self) -> bool {
        let ReportOptions { order, labs, config } = &self.report;
        order.accession.is_none()
            && order.order.is_none()
            && order.issued_at.is_none()
            && labs.is_none()
            && config.config.is_none()
    }
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
    let out = args.out.as_deref().unwrap_or(&args.case);
    check_remake(out)?;
    let target = args.formats.target(out)?;
    if let (Some(given), Some(recorded)) = (&requested.accession, &case.record.accession)
        && given != recorded
    {
        let text = format!("expected specimen `{recorded}`, found `{given}`; check which specimen this is");
        return Err(Failure::usage(text));
    }
    let configured = args.report.config.config.is_some();
    let record = match case.record.review {
        None => renewed(case.record, &requested, configured),
        Some(_) if args.changes_nothing() => case.record,
        Some(_) => {
            let text = "expected nothing but formats for a signed case, which changes by another signature alone; open it in \
                        `review`";
            return Err(Failure::usage(text));
        }
    };
    let case = Case { record, fields: case.fields };
    let written = target.write_with(&case, &requested.settings.messages)?;
    note_remade(out)?;
    if args.json {
        print_json(&case.record)?;
    } else {
        print(&summary(&case, &written, None))?;
    }
    Ok(exit_of(&case))
}
