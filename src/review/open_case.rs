//! A case under review: its cells, its trail, and every step that a person can take.
//!
//! In: a case folder. Out: events in its trail; after a signature, the reports made anew. A step that was answered is on the
//! disk. One that was interrupted is either there whole or not there; reports that a signature still owes are written when
//! the case is opened again.
//!
//! METHOD: each step says which event about its cell the person had seen. Where another one came in between, the step is
//! refused and the person is told, so that two people at one case never overwrite each other unseen.

use std::path::{Path, PathBuf};

use super::cells::ReviewCells;
use super::error::{ReviewError, TrailFault};
use super::event::{Act, Event, PROGRAM_VERSION, Series, Settled};
use super::files::{faults, hashes, keep, software_record};
use super::reviewed::{Figures, Reviewed};
use super::state::{ReviewState, Signature};
use super::trail::{ReadTrail, Trail};
use crate::case::{
    AgreementRecord, Case, CaseFields, CaseRecord, CellKey, Job, ReadAs, Reading, Reviewer, SignatureMeaning,
    TRAIL_FILE,
};
use crate::count::GradingTable;
use crate::optics::length;
use crate::report::{FolderContents, ReportFormat, ReportSettings, ReportTarget, read_archive};
use crate::smear::ExclusionReason;

/// Longest reason or comment, characters: what fits on a sheet, and into a note of every receiver.
pub const MAX_REMARK_CHARS: usize = 1000;

/// What a review writes its reports with.
#[derive(Debug, Clone, Default)]
pub struct ReviewSettings {
    /// Settings of the messages.
    pub messages: ReportSettings,
    /// What the laboratory settled; `None` keeps what the case was analyzed with.
    pub settled: Option<Settled>,
}

/// A case under review.
#[derive(Debug)]
pub struct OpenCase {
    folder: PathBuf,
    software: CaseRecord,
    job: String,
    cells: ReviewCells,
    state: ReviewState,
    trail: Option<Trail>,
    grading: Option<GradingTable>,
}

/// What a person is about to do to a cell.
#[derive(Debug, Clone)]
pub struct Step {
    /// Who.
    pub by: Reviewer,
    /// In which reading.
    pub series: Series,
    /// The cell.
    pub key: CellKey,
    /// Number of the last event about the cell that the person has seen, 0 for none.
    pub seen: u64,
}

impl OpenCase {
    /// Opens a case and gives the fields behind it. Nothing is written unless a signature still owes its reports.
    ///
    /// # Errors
    /// [`ReviewError::Case`], [`ReviewError::Damaged`] where trail or files were changed outside of a review.
    pub fn open(folder: &Path, settings: &ReviewSettings) -> Result<(Self, CaseFields), ReviewError> {
        let read = ReadTrail::of_folder(folder).map_err(super::files::failed(folder))?;
        let (trail, events) = match read {
            None => (None, Vec::new()),
            Some(_) => {
                let (trail, events) = Trail::open(folder)?;
                (Some(trail), events)
            }
        };
        let state = ReviewState::after(&events)?;
        if state.unreleased().is_none()
            && let Some(files) = state.files()
            && let Some(fault) = faults(folder, files, folder)?.into_iter().next()
        {
            return Err(fault.into());
        }
        let software = software_record(folder, &state)?;
        let fields = read_archive(&software, folder)?;
        let cells = ReviewCells::of(&software, &fields).map_err(super::files::failed(folder))?;
        let job = Job::of(&software)?.sha256().to_owned();
        let grading = settings.settled.as_ref().and_then(|settled| settled.grading.clone());
        let mut open = Self { folder: folder.to_owned(), software, job, cells, state, trail, grading };
        open.release(settings)?;
        Ok((open, fields))
    }

    /// The software's own record.
    pub fn software(&self) -> &CaseRecord {
        &self.software
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Name of the piece of work, of 64 hexadecimal digits.
    pub fn job(&self) -> &str {
        &self.job
    }

    /// Every object.
    pub fn cells(&self) -> &ReviewCells {
        &self.cells
    }

    /// The state of the review.
    pub fn state(&self) -> &ReviewState {
        &self.state
    }

    fn reviewed(&self) -> Reviewed<'_> {
        Reviewed::new(&self.software, &self.cells, &self.state, self.grading.clone())
    }

    /// What the review says now.
    pub fn figures(&self) -> Figures {
        self.reviewed().figures()
    }

    /// How far the second reader agrees.
    pub fn agreement(&self) -> Option<AgreementRecord> {
        self.reviewed().agreement()
    }

    /// Reads a cell. A cell that the program had left out needs a reason the first time.
    ///
    /// # Errors
    /// [`ReviewError::Conflict`], [`ReviewError::Refused`], [`ReviewError::Folder`].
    pub fn read(&mut self, step: &Step, reading: Reading, reason: Option<&str>) -> Result<Event, ReviewError> {
        self.check(step)?;
        let before = self.state.reading(step.series, &step.key);
        let reason = match (self.cells.get(&step.key), step.key) {
            (None, CellKey::Found { .. }) => return refused("the case has no such cell"),
            (None, CellKey::Added { .. }) => None,
            (Some(cell), _) => match cell.excluded {
                None => None,
                Some(_) if step.series == Series::Second => return refused("a blind reader reads what is shown"),
                Some(ExclusionReason::FieldRefused) => {
                    return refused("the field was refused: none of its cells is counted");
                }
                Some(_) if before.is_some() => None,
                Some(_) => Some(text("a reason", reason)?),
            },
        };
        let (series, key) = (step.series, step.key);
        self.write(Some(&step.by), Act::Read { series, key, before, reading, reason })
    }

    /// Takes a reading back.
    ///
    /// # Errors
    /// As [`OpenCase::read`].
    pub fn take_back(&mut self, step: &Step) -> Result<Event, ReviewError> {
        self.check(step)?;
        let Some(before) = self.state.reading(step.series, &step.key) else { return refused("the cell is not read") };
        self.write(Some(&step.by), Act::TakenBack { series: step.series, key: step.key, before })
    }

    /// Adds a cell that the program had not found, at a place in px of the original image.
    ///
    /// # Errors
    /// As [`OpenCase::read`].
    pub fn add(
        &mut self,
        by: &Reviewer,
        field: u32,
        [x_px, y_px]: [f64; 2],
        reading: Reading,
        reason: &str,
    ) -> Result<Event, ReviewError> {
        let Some(record) = self.software.fields.get(field as usize) else {
            return refused("the case has no such field");
        };
        if !record.accepted {
            return refused("the field was refused: none of its cells is counted");
        }
        let (width, height) = (f64::from(record.width_px), f64::from(record.height_px));
        if !((0.0..=width).contains(&x_px) && (0.0..=height).contains(&y_px)) {
            return refused("expected a place inside the field");
        }
        if reading.read_as() == ReadAs::NotAssessable {
            return refused("a cell that cannot be assessed is not added");
        }
        let is_there = |cell: &&super::cells::ReviewCell| {
            let [x, y] = cell.middle_px;
            cell.field == field && length(x - x_px, y - y_px) < cell.radius_px / 2.0
        };
        if let Some(cell) = self.cells.all().iter().find(is_there) {
            let found = cell.excluded.map_or("counted", ExclusionReason::describe);
            let text = format!("the program found a cell here ({found}); read that one instead");
            return Err(ReviewError::Refused(text));
        }
        let reason = text("a reason", Some(reason))?;
        let number = self.state.next_added();
        self.write(Some(by), Act::Added { number, field, x_px, y_px, reading, reason })
    }

    /// Signs the case and writes its reports anew.
    ///
    /// # Errors
    /// [`ReviewError::Refused`]; [`ReviewError::Report`], where the signature stands and the reports are still owed.
    pub fn sign(
        &mut self,
        by: &Reviewer,
        meaning: SignatureMeaning,
        comment: Option<&str>,
        seen: u64,
        settings: &ReviewSettings,
    ) -> Result<(), ReviewError> {
        if seen != self.state.events() {
            return refused("the case was changed while you looked at it; look at the figures again and sign then");
        }
        // Before anything is written: what cannot be made anew must not be signed.
        self.formats(&self.folder)?;
        settings.messages.check()?;
        let comment = comment.map(str::trim).filter(|comment| !comment.is_empty());
        let comment = comment.map(|comment| text("a comment", Some(comment))).transpose()?;
        let number = self.state.signatures().len() as u32 + 1;
        let settled = settings.settled.clone();
        self.write(Some(by), Act::Signed { number, meaning, comment, settled })?;
        self.release(settings)
    }

    /// Opens a signed case again.
    ///
    /// # Errors
    /// As [`OpenCase::read`].
    pub fn reopen(&mut self, by: &Reviewer, reason: &str) -> Result<Event, ReviewError> {
        let reason = text("a reason", Some(reason))?;
        self.write(Some(by), Act::Reopened { reason })
    }

    /// The record as signed; `None` without a signature that holds.
    pub fn signed_record(&self) -> Option<CaseRecord> {
        self.state.signature().filter(|_| self.state.is_signed()).map(|signature| self.record_of(signature))
    }

    fn record_of(&self, signature: &Signature) -> CaseRecord {
        let grading = signature.settled.as_ref().and_then(|settled| settled.grading.clone());
        Reviewed::new(&self.software, &self.cells, &self.state, grading).signed(signature)
    }

    fn formats(&self, folder: &Path) -> Result<Vec<ReportFormat>, ReviewError> {
        match FolderContents::read(folder)? {
            Some(contents) => Ok(contents.formats?),
            None => refused("expected the list of the reports (files.json) beside the case, found none"),
        }
    }

    /// Writes the reports that a signature owes.
    fn release(&mut self, settings: &ReviewSettings) -> Result<(), ReviewError> {
        let Some(signature) = self.state.unreleased().cloned() else { return Ok(()) };
        let Some(files) = self.state.files().cloned() else { return Ok(()) };
        let kept = keep(&self.folder, &files, signature.number)?;
        let formats = self.formats(&kept)?;
        let case = Case { record: self.record_of(&signature), fields: read_archive(&self.software, &self.folder)? };
        ReportTarget::prepare(&self.folder, &formats)?.write_with(&case, &settings.messages)?;
        let files = hashes(&self.folder)?;
        let program = PROGRAM_VERSION.to_owned();
        self.write(None, Act::Released { number: signature.number, files, program }).map(drop)
    }

    /// Refuses a step that starts from something else than the cell is now.
    fn check(&self, step: &Step) -> Result<(), ReviewError> {
        self.state.may_read(step.series, &step.by).map_err(ReviewError::Refused)?;
        if self.state.touched(step.series, step.key) == step.seen {
            return Ok(());
        }
        let current = self.state.readings(step.series).get(&step.key);
        Err(ReviewError::Conflict {
            by: current.map(|current| current.by.clone()),
            now: current.map(|current| current.reading),
        })
    }

    /// Writes an event, the first of a trail behind the one that opens it.
    fn write(&mut self, by: Option<&Reviewer>, act: Act) -> Result<Event, ReviewError> {
        let mut trail = match self.trail.take() {
            Some(trail) => trail,
            None => {
                let (trail, events) = Trail::open(&self.folder)?;
                if !events.is_empty() {
                    return refused("the case was reviewed elsewhere in the meantime; start the review again");
                }
                trail
            }
        };
        let written = self.write_to(&mut trail, by, act);
        self.trail = Some(trail);
        written
    }

    fn write_to(&mut self, trail: &mut Trail, by: Option<&Reviewer>, act: Act) -> Result<Event, ReviewError> {
        // A trail without events is new, or was made by a run that was killed before it wrote the first.
        if self.state.files().is_none() {
            let event = trail.append(None, Act::Opened { files: hashes(&self.folder)? })?;
            self.state.apply(&event)?;
        }
        self.state.check(&act, by).map_err(ReviewError::Refused)?;
        let event = trail.append(by.cloned(), act)?;
        self.state.apply(&event)?;
        Ok(event)
    }
}

/// Whether a review of the case in a folder was begun.
pub fn is_reviewed(folder: &Path) -> bool {
    folder.join(TRAIL_FILE).exists()
}

/// Notes in the trail of a folder, where it has one, that its reports were made again outside of the review.
///
/// # Errors
/// [`ReviewError::Refused`] for a signed case.
pub fn note_remade(folder: &Path) -> Result<(), ReviewError> {
    if ReadTrail::of_folder(folder).map_err(super::files::failed(folder))?.is_none() {
        return Ok(());
    }
    let (mut trail, events) = Trail::open(folder)?;
    let state = ReviewState::after(&events)?;
    if state.files().is_none() {
        return Ok(());
    }
    let act = Act::Remade { files: hashes(folder)? };
    state.check(&act, None).map_err(ReviewError::Refused)?;
    trail.append(None, act).map(drop)
}

/// Makes sure that the reports of a folder may be made again outside of a review.
///
/// # Errors
/// [`ReviewError::Refused`] where a person signed them, [`ReviewError::Damaged`].
pub fn check_remake(folder: &Path) -> Result<(), ReviewError> {
    let Some(read) = ReadTrail::of_folder(folder).map_err(super::files::failed(folder))? else { return Ok(()) };
    if let Some(fault) = read.faults.into_iter().find(|fault| !matches!(fault, TrailFault::Unfinished { .. })) {
        return Err(fault.into());
    }
    let state = ReviewState::after(&read.events)?;
    if state.signatures().is_empty() {
        return Ok(());
    }
    refused(
        "a person signed these reports: they change by another signature alone; open the case in `review` and give a reason",
    )
}

fn refused<T>(text: &str) -> Result<T, ReviewError> {
    Err(ReviewError::Refused(text.to_owned()))
}

/// A text that somebody entered, without space around it.
fn text(what: &str, given: Option<&str>) -> Result<String, ReviewError> {
    let given = given.unwrap_or_default().trim().replace("\r\n", "\n");
    let chars = given.chars().count();
    match chars {
        0 => Err(ReviewError::Refused(format!("expected {what}, found none"))),
        _ if chars > MAX_REMARK_CHARS => Err(ReviewError::Refused(format!(
            "expected {what} of at most {MAX_REMARK_CHARS} characters, found {chars}"
        ))),
        _ if given.chars().any(|c| c.is_control() && c != '\n') => {
            Err(ReviewError::Refused(format!("expected {what} in plain text, found control characters")))
        }
        _ => Ok(given),
    }
}
