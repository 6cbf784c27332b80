//! The files over all specimens, written when the last of them is done: `failures.csv`, `repeated.csv`, `specimens.csv`, the
//! joined tables, the page, the settings, and the journal in the order of the manifest.
//!
//! In: the outcomes and the folder with the specimens' own files. Out: whole files or none, see
//! [`OutputFolder`]. The same outcomes give the same bytes.
//!
//! [`merge`] joins the shards of a batch into the folder that an undivided run would have made, byte for byte. It takes the
//! output folders of all shards, each at its end. Shards of other models, options, versions or manifests are refused, and so
//! is a shard that is missing, doubled or not at its end: a total over a part of the specimens would be a wrong number. Files
//! of the specimens are linked where both folders lie on one file system, else copied. Every program that writes reports puts
//! a new file in place of the old one, so that a shard and the merged folder never change each other.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::BatchError;
use super::journal::{self, Outcomes};
use super::same_pictures::{RepeatedPicture, repeated_pictures, repeated_table};
use super::settings::{self, BatchSettings, SPECIMENS};
use crate::case::{HEAD_FILE, SpecimenOutcome, TRAIL_FILE, superseded_by};
use crate::durable::{flush_folder, remove_folder, replace_folder, write_with};
use crate::report::{
    BatchAbout, JoinedTable, OutputFolder, ReportError, ReportFormat, batch_page, join_cells, join_specimens,
    outcome_table, spreadsheet_text,
};

/// What a run or a merge came to.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchReport {
    /// Specimens with a result.
    pub finished: usize,
    /// Specimens without one, with the reason.
    pub failed: Vec<SpecimenOutcome>,
    /// Inputs of finished specimens that could not be read.
    pub failed_inputs: u64,
    /// Pictures that two specimens show; `None` where there were too many to compare.
    pub repeated: Option<Vec<RepeatedPicture>>,
}

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
    let repeated_rows = repeated_table(repeated.as_deref().unwrap_or_default())?;
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
        (REPEATED, repeated_rows),
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
        let specimen = folder.join(SPECIMENS).join(&result.folder);
        let name = format!("{}.{kind}.parquet", result.folder);
        // METHOD: the tables of a batch are the software's. Where a case was signed, its own lie among what was superseded.
        let path = match specimen.join(superseded_by(1)).join(&name) {
            kept if kept.exists() => kept,
            _ => specimen.join(&name),
        };
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
    write_with(&path, |writer| content(writer)).map_err(|error| match error {
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

/// Joins the shards of a batch.
///
/// # Errors
/// [`BatchError::Differs`] and [`BatchError::Shards`] where they do not belong together, the others where a folder
/// cannot be read or written.
pub fn merge(shards: &[PathBuf], out: &Path) -> Result<BatchReport, BatchError> {
    let found = shards.iter().map(|folder| read(folder)).collect::<Result<Vec<_>, _>>()?;
    let settings = joined(&found)?;
    if BatchSettings::read(out)?.is_some() {
        return Err(BatchError::Exists { path: out.to_owned() });
    }
    OutputFolder::prepare(out, &[settings::FILE])?.keep();
    let specimens = out.join(SPECIMENS);
    fs::create_dir_all(&specimens).map_err(|source| BatchError::Write { path: specimens.clone(), source })?;
    let mut outcomes = Outcomes::new();
    for shard in found {
        for result in shard.outcomes.values().filter_map(|outcome| outcome.result.as_ref()) {
            let from = shard.folder.join(SPECIMENS).join(&result.folder);
            let (partial, to) = (out.join(format!(".partial-{}", result.folder)), specimens.join(&result.folder));
            take(&from, &partial)?;
            replace_folder(&partial, &to).map_err(|source| BatchError::Write { path: to, source })?;
        }
        outcomes.extend(shard.outcomes);
    }
    flush_folder(&specimens).map_err(|source| BatchError::Write { path: specimens, source })?;
    write(out, &settings, &outcomes)
}

/// A shard's folder with what it holds.
struct Found {
    folder: PathBuf,
    settings: BatchSettings,
    outcomes: Outcomes,
}

fn read(folder: &Path) -> Result<Found, BatchError> {
    let Some(settings) = BatchSettings::read(folder)? else {
        let found = format!("{} without a batch", folder.display());
        return Err(BatchError::Shards { found, remedy: "name the output folders of the shards" });
    };
    let (outcomes, _) = journal::read(&folder.join(journal::FILE))?;
    // A run takes back what its manifest no longer names before it writes the settings: no outcome is of another row.
    let open = settings.rows().count().saturating_sub(outcomes.len());
    if open > 0 {
        let found = format!("{} with {open} specimens still open", folder.display());
        return Err(BatchError::Shards { found, remedy: "run the shard to its end with --resume" });
    }
    Ok(Found { folder: folder.to_owned(), settings, outcomes })
}

/// The settings of the whole batch.
fn joined(found: &[Found]) -> Result<BatchSettings, BatchError> {
    let wrong = |found: String, remedy| Err(BatchError::Shards { found, remedy });
    let Some(first) = found.first() else { return wrong("none".to_owned(), "name the output folders of the shards") };
    let Some(count) = first.settings.shard.map(|shard| shard.count) else {
        let found = format!("{} of a whole batch", first.folder.display());
        return wrong(found, "nothing is to be merged");
    };
    let mut folders = BTreeMap::new();
    for shard in found {
        first.settings.must_equal(&shard.settings, &shard.folder)?;
        if !first.settings.same_manifest(&shard.settings) {
            let path = shard.folder.join(settings::FILE);
            return Err(BatchError::Differs { path, what: "manifest".to_owned() });
        }
        match shard.settings.shard {
            Some(part) if part.count == count => {
                if let Some(other) = folders.insert(part.index, &shard.folder) {
                    let found = format!("shard {part} in {} and {}", other.display(), shard.folder.display());
                    return wrong(found, "name each shard once");
                }
            }
            _ => return wrong(format!("{} of another division", shard.folder.display()), "divide the batch once"),
        }
    }
    match (1..=count).find(|index| !folders.contains_key(index)) {
        Some(index) => wrong(format!("no shard {index}/{count}"), "name the folders of all shards"),
        None => Ok(BatchSettings { shard: None, ..first.settings.clone() }),
    }
}

/// Links or copies a folder with its files and the folders in it.
fn take(from: &Path, to: &Path) -> Result<(), BatchError> {
    let unreadable = |source| BatchError::Read { path: from.to_owned(), source };
    let failed = |source| BatchError::Write { path: to.to_owned(), source };
    remove_folder(to).and_then(|_| fs::create_dir(to)).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, place) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().map_err(unreadable)?.is_dir() {
            take(&path, &place)?;
        } else if is_written_on(&entry.file_name()) || fs::hard_link(&path, &place).is_err() {
            // Another file system, or one without links.
            fs::copy(&path, &place).map_err(failed)?;
        }
    }
    flush_folder(to).map_err(failed)
}

/// Whether a file is written on where it lies: two names for one such file would be two reviews in one trail.
fn is_written_on(name: &std::ffi::OsStr) -> bool {
    [TRAIL_FILE, HEAD_FILE].iter().any(|own| name == *own)
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
