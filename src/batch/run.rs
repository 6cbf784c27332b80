//! Runs the specimens of a manifest, or of one shard of it.
//!
//! In: the manifest, a [`Preparer`] that reads what a row names, models, a pool. Out: the files of the module text.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use rayon::ThreadPool;

use super::journal::{Journal, Outcomes};
use super::manifest::ManifestRow;
use super::{BatchError, BatchReport, BatchSettings, Manifest, SPECIMENS, results, settings};
use crate::case::{Case, SpecimenFailure, SpecimenOutcome, SpecimenResult};
use crate::clinical::{LabPanel, ScoreOptions};
use crate::pipeline::{AnalyzeError, Interrupted, Models, Progress, SpecimenInputs, SpecimenSink, analyze_all};
use crate::report::{FileNames, OutputFolder, ReportError, ReportFormat, ReportSettings, ReportTarget};

/// Formats that every specimen of a batch has: the record, and the tables that are joined.
const NEEDED: [ReportFormat; 2] = [ReportFormat::Json, ReportFormat::Parquet];

/// Begins the name of a specimen's folder while it is written.
const PARTIAL: &str = ".partial-";

/// Ends the hidden name of a file while it is written, see [`OutputFolder`].
const PARTIAL_FILE: &str = ".partial";

/// How a batch is run.
#[derive(Debug, Clone)]
pub struct BatchOptions {
    /// Output folder; made where missing.
    pub out: PathBuf,
    /// Formats of the reports, beside those that every batch has.
    pub formats: Vec<ReportFormat>,
    /// Settings of the messages.
    pub reports: ReportSettings,
    /// Go on with the batch that the folder holds.
    pub resume: bool,
}

/// What a row of the manifest comes to.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Inputs and options.
    pub specimen: SpecimenInputs,
    /// Panel with the options of its scores.
    pub panel: Option<(LabPanel, ScoreOptions)>,
}

/// Reads what a row names and knows the exit codes of the command line.
pub trait Preparer: Sync {
    /// Reads what a row names.
    ///
    /// # Errors
    /// The specimen's failure.
    fn prepare(&self, row: &ManifestRow) -> Result<Prepared, SpecimenFailure>;

    /// An analysis that made no case, as the failure of its specimen.
    fn analysis_failed(&self, error: AnalyzeError) -> SpecimenFailure;

    /// A case of which no report can be made, as the failure of its specimen.
    fn report_failed(&self, error: ReportError) -> SpecimenFailure;
}

/// Told of the progress of a batch.
pub trait BatchWatcher: Progress {
    /// So many specimens are to be done, so many are done from an earlier run.
    fn specimens(&self, all: usize, done: usize);
    /// A specimen is done.
    fn specimen_done(&self, outcome: &SpecimenOutcome);
}

impl BatchOptions {
    /// Names of the formats that are written.
    pub fn format_names(&self) -> Vec<String> {
        formats(&self.formats).into_iter().map(|format| format.name().to_owned()).collect()
    }
}

/// The formats that are written, each once and in their order.
fn formats(asked: &[ReportFormat]) -> Vec<ReportFormat> {
    ReportFormat::ALL.into_iter().filter(|format| asked.contains(format) || NEEDED.contains(format)).collect()
}

/// Runs a batch to its end.
///
/// # Errors
/// [`BatchError`] where the run cannot go on; a specimen's failure is an outcome. What was finished before stays.
#[expect(clippy::too_many_arguments, reason = "each is one of the things a run needs and has no other home")]
pub fn run(
    manifest: &Manifest,
    settings: &BatchSettings,
    options: &BatchOptions,
    preparer: &dyn Preparer,
    models: &Models,
    pool: &ThreadPool,
    watcher: &dyn BatchWatcher,
    stop: &AtomicBool,
) -> Result<BatchReport, BatchError> {
    let out = &options.out;
    OutputFolder::prepare(out, &[settings::FILE])?.keep();
    let (journal, mut outcomes) = open(settings, options)?;
    // A result whose folder is gone is no result; a failure is tried again.
    outcomes.retain(|_, outcome| {
        outcome.result.as_ref().is_some_and(|result| out.join(SPECIMENS).join(&result.folder).is_dir())
    });
    let rows: Vec<u64> = settings.rows().collect();
    watcher.specimens(rows.len(), outcomes.len());
    let todo: Vec<u64> = rows.into_iter().filter(|row| !outcomes.contains_key(row)).collect();

    let note = Note { journal: RefCell::new(journal), outcomes: RefCell::new(outcomes), watcher };
    let sink = Writer { manifest, options, formats: formats(&options.formats), preparer, panels: Mutex::default() };
    let refused = Cell::new(None);
    let specimens = todo.into_iter().map_while(|row| {
        // An error of the journal ends the stream; it is told behind it.
        let prepared = sink.prepared(row).or_else(|failure| note.down(sink.failed(row, failure)).map(|()| None));
        prepared.map_err(|error| refused.set(Some(error))).ok()
    });
    analyze_all(specimens.flatten(), models, pool, watcher, stop, &sink, |_, outcome| note.down(outcome))?;
    if let Some(error) = refused.take() {
        return Err(error);
    }
    // The lock goes only when everything is written.
    let report = results::write(out, settings, &note.outcomes.borrow())?;
    drop(note);
    Ok(report)
}

/// Opens the journal of a folder that holds this batch or none.
fn open(settings: &BatchSettings, options: &BatchOptions) -> Result<(Journal, Outcomes), BatchError> {
    let out = &options.out;
    let earlier = BatchSettings::read(out)?;
    match &earlier {
        Some(_) if !options.resume => return Err(BatchError::Exists { path: out.clone() }),
        Some(earlier) => {
            settings.must_equal(earlier, out)?;
            if earlier.shard != settings.shard {
                let path = out.join(settings::FILE);
                return Err(BatchError::Differs { path, what: "shard".to_owned() });
            }
        }
        None => {}
    }
    let (journal, outcomes) = Journal::open(out)?;
    if earlier.is_none() {
        OutputFolder::prepare(out, &[settings::FILE])?.write(&[(settings::FILE, settings.bytes()?)])?;
    }
    let specimens = out.join(SPECIMENS);
    fs::create_dir_all(&specimens).map_err(|source| BatchError::Write { path: specimens, source })?;
    remove_partial(out)?;
    Ok((journal, outcomes))
}

/// Removes what a killed run left half-written.
fn remove_partial(out: &Path) -> Result<(), BatchError> {
    let failed = |source| BatchError::Write { path: out.to_owned(), source };
    for entry in fs::read_dir(out).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(PARTIAL) {
            fs::remove_dir_all(entry.path()).map_err(failed)?;
        } else if name.starts_with('.') && name.ends_with(PARTIAL_FILE) {
            fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}

/// Notes outcomes, on the caller's thread alone.
struct Note<'a> {
    journal: RefCell<Journal>,
    outcomes: RefCell<Outcomes>,
    watcher: &'a dyn BatchWatcher,
}

impl Note<'_> {
    fn down(&self, outcome: SpecimenOutcome) -> Result<(), BatchError> {
        self.journal.borrow_mut().add(&outcome)?;
        self.watcher.specimen_done(&outcome);
        self.outcomes.borrow_mut().insert(outcome.row, outcome);
        Ok(())
    }
}

/// Writes the reports of each specimen.
struct Writer<'a> {
    manifest: &'a Manifest,
    options: &'a BatchOptions,
    formats: Vec<ReportFormat>,
    preparer: &'a dyn Preparer,
    /// Panels of the specimens in work, by row.
    panels: Mutex<BTreeMap<u64, (LabPanel, ScoreOptions)>>,
}

impl Writer<'_> {
    fn row(&self, row: u64) -> &ManifestRow {
        // Rows come from the manifest itself.
        &self.manifest.rows()[row as usize - 1]
    }

    /// The specimen of a row, for the stream.
    fn prepared(&self, row: u64) -> Result<Option<(usize, SpecimenInputs)>, SpecimenFailure> {
        let prepared = self.preparer.prepare(self.row(row))?;
        if let Some(panel) = prepared.panel {
            self.panels.lock().unwrap_or_else(PoisonError::into_inner).insert(row, panel);
        }
        Ok(Some((row as usize, prepared.specimen)))
    }

    fn failed(&self, row: u64, failure: SpecimenFailure) -> SpecimenOutcome {
        let accession = self.row(row).accession.clone();
        SpecimenOutcome { row, accession, result: None, failure: Some(failure) }
    }

    /// Writes the reports into a folder of their own and gives it its name when they stand.
    fn write(&self, row: u64, case: &Case) -> Result<SpecimenOutcome, ReportError> {
        let out = &self.options.out;
        let base = FileNames::of(&case.record)?.base().to_owned();
        let result = SpecimenResult::of(&case.record, &base)?;
        let partial = out.join(format!("{PARTIAL}{row}"));
        let target = ReportTarget::prepare(&partial, &self.formats)?;
        let place = out.join(SPECIMENS).join(&base);
        let moved = target.write_with(case, &self.options.reports).and_then(|_| {
            // Only a run that was killed between this rename and its line leaves such a folder.
            replace(&partial, &place).map_err(|source| ReportError::Write { path: place.clone(), source })
        });
        if let Err(error) = moved {
            // What is left of it is removed by the next run at the latest.
            let _ = fs::remove_dir_all(&partial);
            return Err(error);
        }
        let accession = self.row(row).accession.clone();
        Ok(SpecimenOutcome { row, accession, result: Some(result), failure: None })
    }
}

impl SpecimenSink for Writer<'_> {
    type Finished = SpecimenOutcome;
    type Error = BatchError;

    fn finish(&self, row: usize, case: Result<Case, AnalyzeError>) -> Result<SpecimenOutcome, BatchError> {
        let row = row as u64;
        let panel = self.panels.lock().unwrap_or_else(PoisonError::into_inner).remove(&row);
        let case = match case {
            Ok(case) => case,
            Err(AnalyzeError::Interrupted(_)) => return Err(Interrupted.into()),
            Err(AnalyzeError::Spool(source)) => return Err(BatchError::Spool(source)),
            Err(error) => return Ok(self.failed(row, self.preparer.analysis_failed(error))),
        };
        let case = match panel {
            Some((panel, scores)) => Case { record: case.record.with_panel(&panel, &scores), fields: case.fields },
            None => case,
        };
        match self.write(row, &case) {
            Ok(outcome) => Ok(outcome),
            Err(error) if error.is_environment() => Err(error.into()),
            Err(error) => Ok(self.failed(row, self.preparer.report_failed(error))),
        }
    }
}

/// Gives a folder its name, in place of one that has it, and makes that durable.
pub(super) fn replace(from: &Path, to: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(from, to)?;
    match to.parent() {
        Some(folder) => flush(folder),
        None => Ok(()),
    }
}

/// Makes renames in a folder durable; only Unix lets a folder be flushed.
pub(super) fn flush(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
