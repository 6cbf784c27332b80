//! The files over all specimens, written when the last of them is done: `failures.csv`, `repeated.csv`, `specimens.csv`, the joined tables,
//! the page, the settings and the journal in the order of the manifest.
//!
//! In: the outcomes and the folder with the specimens' own files. Out: whole files or none, see
//! [`OutputFolder`]. The same outcomes give the same bytes.

use std::io::Write;
use std::path::Path;

use super::journal::Outcomes;
use super::repeated::repeated_pictures;
use super::{BatchError, BatchReport, BatchSettings, SPECIMENS, journal, repeated, settings};
use crate::case::SpecimenOutcome;
use crate::durable;
use crate::report::{
    BatchAbout, JoinedTable, OutputFolder, ReportError, ReportFormat, batch_page, join_cells, join_specimens,
    outcome_table, spreadsheet_text,
};

const FAILURES: &str = "failures.csv";
const REPEATED: &str = "repeated.csv";
const OUTCOME_TABLE: &str = "specimens.csv";
const SPECIMEN_TABLE: &str = "specimens.parquet";
const CELL_TABLE: &str = "cells.parquet";
const PAGE: &str = "batch.html";

/// Writes the files over all specimens.
///
/// # Errors
/// [`BatchError::Report`] where a table cannot be joined or a file cannot be written.
pub(super) fn write(folder: &Path, settings: &BatchSettings, outcomes: &Outcomes) -> Result<BatchReport, BatchError> {
    let mut all: Vec<SpecimenOutcome> = outcomes.values().cloned().collect();
    all.sort_by_key(|outcome| outcome.line);
    let extra_columns = settings.extra_columns.clone();
    let about = BatchAbout {
        software: &settings.software(),
        model: &settings.model(),
        extra_columns: &extra_columns,
        linked: settings.formats.iter().any(|format| format == ReportFormat::Html.name()),
    };
    let page = batch_page(&about, &all);
    let failures = failures(&all)?;
    let specimens = outcome_table(&all, &extra_columns)?;
    let repeated = repeated_pictures(folder, &all);
    let repeated_table = repeated::table(repeated.as_deref().unwrap_or_default())?;
    let (settings, journal) = (settings.bytes()?, journal::bytes(&all)?);
    let cells = tables(folder, &all, "cells");
    if !cells.is_empty() {
        write_table(folder, CELL_TABLE, |writer| join_cells(&cells, writer))?;
        write_table(folder, SPECIMEN_TABLE, |writer| {
            join_specimens(&tables(folder, &all, "specimen"), &extra_columns, writer)
        })?;
    }
    let files = [
        (FAILURES, failures),
        (REPEATED, repeated_table),
        (OUTCOME_TABLE, specimens),
        (PAGE, page.into_bytes()),
        (settings::FILE, settings),
        (journal::FILE, journal),
    ];
    let names = files.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    OutputFolder::prepare(folder, &names)?.write(&files)?;
    let results = || all.iter().filter_map(|outcome| outcome.result.as_ref());
    Ok(BatchReport {
        finished: results().count(),
        failed: all.iter().filter(|outcome| outcome.result.is_none()).cloned().collect(),
        failed_inputs: results().map(|result| result.failed_inputs).sum(),
        repeated,
    })
}

/// The tables of the finished specimens.
fn tables(folder: &Path, outcomes: &[SpecimenOutcome], kind: &str) -> Vec<JoinedTable> {
    let table = |outcome: &SpecimenOutcome| {
        let result = outcome.result.as_ref()?;
        let path = folder.join(SPECIMENS).join(&result.folder).join(format!("{}.{kind}.parquet", result.folder));
        let (accession, extra) = (outcome.accession.clone(), outcome.extra.clone());
        Some(JoinedTable { path, accession, job: result.job.clone(), extra })
    };
    outcomes.iter().filter_map(table).collect()
}

/// Writes a table, which may be larger than memory.
fn write_table(
    folder: &Path,
    name: &str,
    content: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), ReportError>,
) -> Result<(), BatchError> {
    let path = folder.join(name);
    durable::write_with(&path, |writer| content(writer)).map_err(|error| match error {
        ReportError::Stream(source) => BatchError::Write { path, source },
        other => other.into(),
    })
}

/// One row for each specimen without a result.
fn failures(outcomes: &[SpecimenOutcome]) -> Result<Vec<u8>, BatchError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["line", "accession", "exit_code", "reason"]).map_err(ReportError::from)?;
    for outcome in outcomes {
        let Some(failure) = &outcome.failure else { continue };
        let (line, code) = (outcome.line.to_string(), failure.exit_code.to_string());
        let texts = [&line, &spreadsheet_text(&outcome.accession), &code, &spreadsheet_text(&failure.reason)];
        writer.write_record(texts).map_err(ReportError::from)?;
    }
    writer.into_inner().map_err(|error| ReportError::Stream(error.into_error()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::SpecimenFailure;

    #[test]
    fn failures_are_rows_that_no_spreadsheet_runs() {
        let failure = SpecimenFailure { exit_code: 3, reason: "expected an image, found \"=1\"".to_owned() };
        let outcome = SpecimenOutcome {
            line: 7,
            accession: "=cmd()".to_owned(),
            row_sha256: String::new(),
            files_sha256: None,
            extra: std::collections::BTreeMap::new(),
            result: None,
            failure: Some(failure),
        };
        let text = String::from_utf8(failures(&[outcome]).expect("a table")).expect("UTF-8");
        assert_eq!(text, "line,accession,exit_code,reason\n7,'=cmd(),3,\"expected an image, found \"\"=1\"\"\"\n");
    }
}
