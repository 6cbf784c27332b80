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
use rayon::prelude::*;

use super::error::BatchError;
use super::journal::{Journal, Outcomes, Work};
use super::manifest::{Manifest, ManifestRow};
use super::results::{self, BatchReport};
use super::settings::{self, BatchSettings, LEFT_OUT, SPECIMENS};
use crate::case::{Case, SpecimenFailure, SpecimenOutcome, SpecimenResult, TRAIL_FILE};
use crate::clinical::{LabPanel, ScoreOptions};
use crate::durable::{is_partial, remove_folder, replace_folder};
use crate::pipeline::{AnalyzeError, Interrupted, Models, Progress, SpecimenInputs, analyze_all};
use crate::report::{FileNames, OutputFolder, ReportError, ReportFormat, ReportSettings, ReportTarget};
use crate::source::listed_images;

/// Formats that every specimen of a batch has: the record, and the tables that are joined.
const NEEDED: [ReportFormat; 2] = [ReportFormat::Json, ReportFormat::Parquet];

/// Begins the name of a specimen's folder while it is written.
const PARTIAL: &str = ".partial-";

/// How a batch is run.
#[derive(Debug, Clone)]
pub struct BatchOptions {
    /// Output folder; made where missing.
    pub out: PathBuf,
    /// Formats of the reports, beside those that every batch has.
    pub formats: Vec<ReportFormat>,
    /// Keep messages back until a person signs a case.
    pub require_review: bool,
    /// Settings of the messages.
    pub reports: ReportSettings,
    /// Go on with the batch that the folder holds.
    pub resume: bool,
}

/// What a row of the manifest asks for, read.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Inputs and options.
    pub specimen: SpecimenInputs,
    /// Panel with the options of its scores.
    pub panel: Option<(LabPanel, ScoreOptions)>,
}

/// Reads what a row of the manifest names, and knows the exit codes of the command line.
pub trait Preparer: Sync {
    /// Reads what a row names.
    ///
    /// # Errors
    /// The specimen's failure.
    fn prepare(&self, row: &ManifestRow) -> Result<Prepared, SpecimenFailure>;

    /// The failure of a specimen of which no case could be made.
    fn analysis_failed(&self, error: AnalyzeError) -> SpecimenFailure;

    /// The failure of a specimen of which no report could be made.
    fn report_failed(&self, error: ReportError) -> SpecimenFailure;
}

/// Is told of the progress of a batch.
pub trait BatchWatcher: Progress {
    /// A result of an earlier run is kept although its files cannot be read any more.
    fn kept_unread(&self, outcome: &SpecimenOutcome);
    /// A result of an earlier run does not stand any more; its reports lie in the folder `left_out`.
    fn taken_back(&self, outcome: &SpecimenOutcome, why: TakenBack);
    /// So many specimens are to be done, so many are done from an earlier run; the others list so many images, by
    /// accession.
    fn specimens(&self, all: usize, done: usize, images: BTreeMap<String, u64>);
    /// A specimen is done.
    fn specimen_done(&self, outcome: &SpecimenOutcome);
}

/// Why an outcome of an earlier run does not stand any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBack {
    /// The manifest names no such specimen.
    Gone,
    /// Its row or a file that it names is another one.
    Changed,
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
    let (mut journal, earlier, is_new) = open(settings, options)?;
    let rows: Vec<u64> = settings.rows().collect();
    let outcomes = pool.install(|| still_standing(out, manifest, &rows, earlier, &mut journal, watcher))?;
    if is_new {
        // Written after the journal: a shard that is merged must not hold outcomes of another manifest.
        OutputFolder::prepare(out, &[settings::FILE])?.write(&[(settings::FILE, settings.bytes()?)])?;
    }
    let row = |row: u64| &manifest.rows()[row as usize - 1];
    let todo: Vec<u64> = rows.iter().copied().filter(|n| !outcomes.contains_key(&row(*n).accession)).collect();
    let images = |n: &u64| (row(*n).accession.clone(), listed_images(&row(*n).inputs).len() as u64);
    watcher.specimens(rows.len(), outcomes.len(), pool.install(|| todo.par_iter().map(images).collect()));

    let note = Note { journal: RefCell::new(journal), outcomes: RefCell::new(outcomes), watcher };
    let (formats, in_work) = (formats(&options.formats), Mutex::default());
    let writer = Writer { manifest, options, formats, preparer, in_work };
    let refused = Cell::new(None);
    let specimens = todo.into_iter().map_while(|row| {
        // An error of the journal ends the stream and is returned after it.
        let prepared = writer.prepared(row).or_else(|failure| note.down(writer.failed(row, failure)).map(|()| None));
        prepared.map_err(|error| refused.set(Some(error))).ok()
    });
    let finish = |row, case| writer.finish(row as u64, case);
    analyze_all(specimens.flatten(), models, pool, watcher, stop, finish, |_, outcome| note.down(outcome))?;
    if let Some(error) = refused.take() {
        return Err(error);
    }
    // The lock goes only when everything is written.
    let report = results::write(out, settings, &note.outcomes.borrow())?;
    drop(note);
    Ok(report)
}

/// The outcomes of an earlier run that still stand. What does not is taken back in the journal, and its reports are moved out
/// of the specimens' folder; what stands takes line and columns of the manifest as it is now.
fn still_standing(
    out: &Path,
    manifest: &Manifest,
    rows: &[u64],
    earlier: Outcomes,
    journal: &mut Journal,
    watcher: &dyn BatchWatcher,
) -> Result<Outcomes, BatchError> {
    let rows: BTreeMap<&str, &ManifestRow> =
        rows.iter().map(|row| &manifest.rows()[*row as usize - 1]).map(|row| (row.accession.as_str(), row)).collect();
    // A result whose folder is gone is no result; a failure is tried again.
    let folder = |outcome: &SpecimenOutcome| Some(out.join(SPECIMENS).join(&outcome.result.as_ref()?.folder));
    let judged = |(accession, outcome): (String, SpecimenOutcome)| {
        let Some(row) = rows.get(accession.as_str()) else { return (outcome, Earlier::Back(TakenBack::Gone)) };
        if !folder(&outcome).is_some_and(|folder| folder.is_dir()) {
            return (outcome, Earlier::Open);
        }
        let judgement = match (outcome.row_sha256 == row.sha256, Work::of(row)) {
            // METHOD: images that were put away after the work, or lie on a drive that is missing for the moment, do not speak
            // against a result.
            (true, Err(_)) => Earlier::Unread,
            (true, Ok(work)) if outcome.files_sha256.as_ref() == Some(&work.sha256) => Earlier::Stands,
            _ => return (outcome, Earlier::Back(TakenBack::Changed)),
        };
        (SpecimenOutcome { line: row.line, extra: row.extra.clone(), ..outcome }, judgement)
    };
    let judged: Vec<_> = earlier.into_par_iter().map(judged).collect();
    let (mut standing, mut back) = (Outcomes::new(), Vec::new());
    for (outcome, judgement) in judged {
        match judgement {
            Earlier::Open => continue,
            Earlier::Stands => {}
            Earlier::Unread => watcher.kept_unread(&outcome),
            Earlier::Back(why) => {
                if let Some(folder) = folder(&outcome).filter(|folder| folder.is_dir()) {
                    leave_out(out, &folder)?;
                }
                watcher.taken_back(&outcome, why);
                back.push(SpecimenOutcome { result: None, failure: None, ..outcome });
                continue;
            }
        }
        standing.insert(outcome.accession.clone(), outcome);
    }
    journal.add_all(&back)?;
    Ok(standing)
}

/// What becomes of an outcome of an earlier run.
enum Earlier {
    /// Its row and its files are the same.
    Stands,
    /// Its row is the same, its files cannot be read any more.
    Unread,
    /// It does not stand any more.
    Back(TakenBack),
    /// It is no result: tried again.
    Open,
}

/// Moves the reports of a specimen out of the way: they are kept, and nothing counts them.
fn leave_out(out: &Path, folder: &Path) -> Result<(), BatchError> {
    let place = out.join(LEFT_OUT);
    let moved = fs::create_dir_all(&place).and_then(|()| match folder.file_name() {
        Some(name) => replace_folder(folder, &place.join(name)),
        None => Ok(()),
    });
    moved.map_err(|source| BatchError::Write { path: place, source })
}

/// Opens the journal of a folder that holds this batch or none; whether the settings are still to be written.
fn open(settings: &BatchSettings, options: &BatchOptions) -> Result<(Journal, Outcomes, bool), BatchError> {
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
    let is_new = earlier.as_ref() != Some(settings);
    let specimens = out.join(SPECIMENS);
    fs::create_dir_all(&specimens).map_err(|source| BatchError::Write { path: specimens, source })?;
    remove_partial(out)?;
    Ok((journal, outcomes, is_new))
}

/// Removes what a killed run left half-written.
fn remove_partial(out: &Path) -> Result<(), BatchError> {
    let failed = |source| BatchError::Write { path: out.to_owned(), source };
    for entry in fs::read_dir(out).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(PARTIAL) {
            fs::remove_dir_all(entry.path()).map_err(failed)?;
        } else if is_partial(&name) {
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
        self.outcomes.borrow_mut().insert(outcome.accession.clone(), outcome);
        Ok(())
    }
}

/// Writes the reports of each specimen.
struct Writer<'a> {
    manifest: &'a Manifest,
    options: &'a BatchOptions,
    formats: Vec<ReportFormat>,
    preparer: &'a dyn Preparer,
    /// Panels of the specimens in work, by the place of their row.
    in_work: Mutex<BTreeMap<u64, (LabPanel, ScoreOptions)>>,
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
            self.in_work.lock().unwrap_or_else(PoisonError::into_inner).insert(row, panel);
        }
        Ok(Some((row as usize, prepared.specimen)))
    }

    fn failed(&self, row: u64, failure: SpecimenFailure) -> SpecimenOutcome {
        let ManifestRow { line, accession, extra, sha256, .. } = self.row(row).clone();
        let (row_sha256, files_sha256) = (sha256, None);
        SpecimenOutcome { line, accession, row_sha256, files_sha256, extra, result: None, failure: Some(failure) }
    }

    /// Writes the reports into a folder of their own and gives it its name when they stand.
    fn write(&self, row: u64, case: &Case) -> Result<SpecimenOutcome, ReportError> {
        let out = &self.options.out;
        let base = FileNames::of(&case.record)?.base().to_owned();
        let result = SpecimenResult::of(&case.record, &base)?;
        let partial = out.join(format!("{PARTIAL}{row}"));
        let target = ReportTarget::prepare(&partial, &self.formats)?;
        let target = if self.options.require_review { target.hold_messages() } else { target };
        let place = out.join(SPECIMENS).join(&base);
        let moved = target.write_with(case, &self.options.reports).and_then(|_| {
            // The same work, whose review was begun: what a person did stays.
            if place.join(TRAIL_FILE).exists() {
                return remove_folder(&partial)
                    .map(drop)
                    .map_err(|source| ReportError::Write { path: partial.clone(), source });
            }
            // Only a run that was killed between this rename and its line leaves such a folder.
            replace_folder(&partial, &place).map_err(|source| ReportError::Write { path: place.clone(), source })
        });
        if let Err(error) = moved {
            // What is left of it is removed by the next run at the latest.
            let _ = fs::remove_dir_all(&partial);
            return Err(error);
        }
        // METHOD: the files are hashed after the work and compared with the images that it read. Where a picture was exchanged
        // meanwhile there is no hash, and the specimen is done again when the batch goes on.
        let work = Work::of(self.row(row)).ok().filter(|work| work.holds(&case.record));
        let ManifestRow { line, accession, extra, sha256, .. } = self.row(row).clone();
        let (row_sha256, files_sha256) = (sha256, work.map(|work| work.sha256));
        Ok(SpecimenOutcome { line, accession, row_sha256, files_sha256, extra, result: Some(result), failure: None })
    }

    /// Writes the reports of a specimen; the outcome says why there are none.
    fn finish(&self, row: u64, case: Result<Case, AnalyzeError>) -> Result<SpecimenOutcome, BatchError> {
        let panel = self.in_work.lock().unwrap_or_else(PoisonError::into_inner).remove(&row);
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
