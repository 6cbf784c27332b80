//! The cases that are open, shared by all requests: one writer for each, and its pictures.
//!
//! In: identifiers of cases. Out: the case under its lock, or its pictures. Cases are opened when they are first asked for and
//! closed again when many others were asked for since.
//!
//! Limits: [`MAX_OPEN`] cases and the fields of [`MAX_WITH_FIELDS`] are held at once; the fields of a case take up to 8 MiB of
//! memory, the rest lies in a temporary file.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::case::CaseFields;
use crate::report::read_archive;
use crate::review::{Listed, OpenCase, ReviewError, ReviewSettings, Worklist};

use super::view::Row;

/// Cases that are open at once.
const MAX_OPEN: usize = 512;
/// Cases whose fields are held at once.
const MAX_WITH_FIELDS: usize = 32;
/// Somebody who was not heard of for this long has left the case.
const PRESENCE: Duration = Duration::from_secs(75);

/// One case.
#[derive(Debug, Default)]
struct Slot {
    case: Mutex<Option<OpenCase>>,
    fields: Mutex<Option<Arc<CaseFields>>>,
    used: Mutex<Option<Instant>>,
}

/// The cases below a folder.
#[derive(Debug)]
pub struct Desk {
    worklist: Worklist,
    settings: ReviewSettings,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
    /// For each case who has it open.
    present: Mutex<HashMap<String, Present>>,
}

/// Sessions that have a case open: name of the reader, and when it was last heard of.
type Present = HashMap<String, (String, Instant)>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while it was held is a bug of its own; the case is read from the disk again by then.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    /// The cases of a worklist.
    pub fn new(worklist: Worklist, settings: ReviewSettings) -> Self {
        Self { worklist, settings, slots: Mutex::default(), present: Mutex::default() }
    }

    /// What reports are written with.
    pub fn settings(&self) -> &ReviewSettings {
        &self.settings
    }

    /// Every case with who has it open.
    ///
    /// # Errors
    /// [`ReviewError::Folder`].
    pub fn rows(&self) -> Result<Vec<Row>, ReviewError> {
        let with = |listed: Listed| Row { with: self.present(&listed.id, None), listed };
        Ok(self.worklist.cases()?.into_iter().map(with).collect())
    }

    /// The folder of a case.
    ///
    /// # Errors
    /// [`ReviewError::Folder`]; [`ReviewError::Refused`] where there is no such case.
    pub fn folder(&self, id: &str) -> Result<PathBuf, ReviewError> {
        let unknown = || ReviewError::Refused("expected a case of the list, found none of this address".to_owned());
        self.worklist.folder(id)?.ok_or_else(unknown)
    }

    /// Does something with a case, alone.
    ///
    /// # Errors
    /// Those of [`OpenCase::open`] and of `step`.
    pub fn with<T>(
        &self,
        id: &str,
        step: impl FnOnce(&mut OpenCase) -> Result<T, ReviewError>,
    ) -> Result<T, ReviewError> {
        let slot = self.slot(id)?;
        let mut case = lock(&slot.case);
        if case.is_none() {
            let (opened, fields) = OpenCase::open(&self.folder(id)?, &self.settings)?;
            *lock(&slot.fields) = Some(Arc::new(fields));
            *case = Some(opened);
            drop(case);
            self.close_others(id);
            case = lock(&slot.case);
        }
        match case.as_mut() {
            Some(case) => step(case),
            None => Err(ReviewError::Refused("the case was closed; load the page again".to_owned())),
        }
    }

    /// The fields of a case.
    ///
    /// # Errors
    /// As [`Desk::with`].
    pub fn fields(&self, id: &str) -> Result<Arc<CaseFields>, ReviewError> {
        let slot = self.slot(id)?;
        if let Some(fields) = lock(&slot.fields).clone() {
            return Ok(fields);
        }
        // Opening reads them; a case that is open already had them closed.
        let (record, folder) = self.with(id, |case| Ok((case.software().clone(), case.folder().to_owned())))?;
        let mut held = lock(&slot.fields);
        if held.is_none() {
            *held = Some(Arc::new(read_archive(&record, &folder)?));
        }
        let fields = held.clone();
        drop(held);
        self.close_others(id);
        fields.ok_or_else(|| ReviewError::Refused("the case was closed; load the page again".to_owned()))
    }

    fn slot(&self, id: &str) -> Result<Arc<Slot>, ReviewError> {
        let mut slots = lock(&self.slots);
        if !slots.contains_key(id) {
            // Only what exists gets a place.
            drop(slots);
            self.folder(id)?;
            slots = lock(&self.slots);
        }
        let slot = slots.entry(id.to_owned()).or_default().clone();
        *lock(&slot.used) = Some(Instant::now());
        Ok(slot)
    }

    /// Closes what was not used for long, where too much is open.
    fn close_others(&self, id: &str) {
        let mut slots = lock(&self.slots);
        let mut by_use: Vec<(Option<Instant>, String)> =
            slots.iter().map(|(other, slot)| (*lock(&slot.used), other.clone())).collect();
        by_use.sort_by_key(|(used, _)| std::cmp::Reverse(*used));
        let mut with_fields = 0;
        for (place, (_, other)) in by_use.iter().enumerate().filter(|(_, (_, other))| other != id) {
            let Some(slot) = slots.get(other) else { continue };
            // Nobody else may hold it: a second writer of one trail must not come to be.
            if place >= MAX_OPEN && Arc::strong_count(slot) == 1 {
                slots.remove(other);
                continue;
            }
            if let Ok(mut fields) = slot.fields.try_lock() {
                with_fields += usize::from(fields.is_some());
                if with_fields >= MAX_WITH_FIELDS {
                    *fields = None;
                }
            }
        }
    }

    /// Notes that a session has a case open, and tells who else has.
    pub fn here(&self, id: &str, session: &str, name: &str) -> Vec<String> {
        let mut present = lock(&self.present);
        present.entry(id.to_owned()).or_default().insert(session.to_owned(), (name.to_owned(), Instant::now()));
        drop(present);
        self.present(id, Some(session))
    }

    /// Who has a case open, but for one session.
    fn present(&self, id: &str, but: Option<&str>) -> Vec<String> {
        let mut present = lock(&self.present);
        let Some(sessions) = present.get_mut(id) else { return Vec::new() };
        sessions.retain(|_, (_, heard)| heard.elapsed() < PRESENCE);
        let others = sessions.iter().filter(|(session, _)| Some(session.as_str()) != but);
        let mut names: Vec<String> = others.map(|(_, (name, _))| name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }
}
