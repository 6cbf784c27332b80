//! The cases below a folder, for the list of what is to be reviewed.
//!
//! In: a folder that `analyze`, `batch` or `watch` wrote to. Out: a [`Listed`] for each case, those first whose state a reading
//! is most likely to turn. Records and trails are read; archives are not, so that thousands of cases are listed in seconds.
//!
//! METHOD: indeterminate cases come first, then placed ones by how near their deciding limit lies to the reference limit, then
//! those that reading cannot place, at last what is signed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::error::ReviewError;
use super::event::Series;
use super::files::failed;
use super::state::ReviewState;
use super::trail::ReadTrail;
use crate::case::{PercentInterval, ReviewStatus, State, TRAIL_FILE, is_superseded};
use crate::count::Likeness;
use crate::durable::sha256_hex;
use crate::report::{CASE_FILE, FolderContents, read_record};

/// Folders below one another that are searched.
const MAX_DEPTH: usize = 8;
/// Characters of the identifier of a case in an address.
const ID_CHARS: usize = 16;

/// How far the review of a case has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Nobody has read a cell.
    Unread,
    /// Some cells were read.
    Begun,
    /// It was signed, and opened again.
    Reopened,
    /// It is signed.
    Signed {
        /// By whom.
        by: String,
        /// When, as written in the trail.
        at: String,
    },
    /// Record or trail cannot be used.
    Damaged {
        /// Why.
        why: String,
    },
}

/// A case in the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Identifier in addresses: it follows from the folder's name and tells nothing of it.
    pub id: String,
    /// The folder.
    pub folder: PathBuf,
    /// The folder below the one that is served.
    pub name: String,
    /// Specimen number.
    pub accession: Option<String>,
    /// Where the percentage lies; `None` for a damaged case.
    pub state: Option<State>,
    /// Percentage: the reviewed one where the case is signed.
    pub percent: Option<f64>,
    /// Its widest interval.
    pub interval: Option<PercentInterval>,
    /// Reference limit, %.
    pub threshold_percent: f64,
    /// Counted cells for a reader.
    pub cells_to_read: u64,
    /// Cells that the first reader has read.
    pub cells_read: u64,
    /// Cells that the second reader has read.
    pub second_read: u64,
    /// Fields in the count, and all.
    pub fields: (usize, usize),
    /// Whether the film is unlike those that the model learned from.
    pub unlike: bool,
    /// When the images were read or the specimen received; `None` where nobody knows.
    pub since: Option<SystemTime>,
    /// How far the review has come.
    pub progress: Progress,
    /// Whether messages wait for a signature.
    pub messages_wait: bool,
}

impl Listed {
    /// What comes first: the lesser.
    fn rank(&self) -> (u8, f64) {
        let done = matches!(self.progress, Progress::Signed { .. });
        match self.state {
            _ if done => (4, 0.0),
            None => (0, 0.0),
            Some(State::Indeterminate) => (1, 0.0),
            Some(State::Above | State::NotAbove) => (2, self.distance()),
            Some(State::Insufficient | State::NotAssessable) => (3, 0.0),
        }
    }

    /// How far the nearer end of the interval lies from the limit, shares of the limit.
    fn distance(&self) -> f64 {
        let Some(interval) = self.interval else { return f64::INFINITY };
        let of = |end: f64| ((end - self.threshold_percent) / self.threshold_percent).abs();
        of(interval.low).min(of(interval.high))
    }
}

/// When a file was written, and its size: what tells that it must be read again.
type Stamp = Option<(SystemTime, u64)>;

/// The cases below a folder, read again where their files changed.
#[derive(Debug)]
pub struct Worklist {
    root: PathBuf,
    seen: Mutex<HashMap<PathBuf, ([Stamp; 2], Listed)>>,
}

impl Worklist {
    /// Of a folder.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), seen: Mutex::new(HashMap::new()) }
    }

    /// Every case, most pressing first.
    ///
    /// # Errors
    /// [`ReviewError::Folder`] where the folder cannot be read.
    pub fn cases(&self) -> Result<Vec<Listed>, ReviewError> {
        let mut listed: Vec<Listed> = case_folders(&self.root)?.iter().map(|folder| self.listed(folder)).collect();
        listed.sort_by(|one, other| {
            let (a, b) = (one.rank(), other.rank());
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(one.since.cmp(&other.since)).then(one.name.cmp(&other.name))
        });
        Ok(listed)
    }

    /// The folder of a case by its identifier.
    ///
    /// # Errors
    /// [`ReviewError::Folder`] where the folders cannot be read.
    pub fn folder(&self, id: &str) -> Result<Option<PathBuf>, ReviewError> {
        Ok(case_folders(&self.root)?.into_iter().find(|folder| self.id_of(folder) == id))
    }

    fn name_of(&self, folder: &Path) -> String {
        let below = folder.strip_prefix(&self.root).unwrap_or(folder).to_string_lossy().into_owned();
        let own = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
        if below.is_empty() { own().unwrap_or_default() } else { below }
    }

    fn id_of(&self, folder: &Path) -> String {
        sha256_hex(self.name_of(folder).as_bytes())[..ID_CHARS].to_owned()
    }

    fn listed(&self, folder: &Path) -> Listed {
        let stamps = [CASE_FILE, TRAIL_FILE].map(|name| stamp(&folder.join(name)));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, listed)) = seen.get(folder)
            && *known == stamps
        {
            return listed.clone();
        }
        let listed = self.read(folder, stamps[0].map(|(at, _)| at));
        seen.insert(folder.to_owned(), (stamps, listed.clone()));
        listed
    }

    fn read(&self, folder: &Path, written: Option<SystemTime>) -> Listed {
        let name = self.name_of(folder);
        let damaged = |why: String| Listed {
            id: self.id_of(folder),
            folder: folder.to_owned(),
            name: name.clone(),
            accession: None,
            state: None,
            percent: None,
            interval: None,
            threshold_percent: 0.0,
            cells_to_read: 0,
            cells_read: 0,
            second_read: 0,
            fields: (0, 0),
            unlike: false,
            since: written,
            progress: Progress::Damaged { why },
            messages_wait: false,
        };
        let record = match read_record(&folder.join(CASE_FILE)) {
            Ok(record) => record,
            Err(error) => return damaged(error.to_string()),
        };
        let state = match ReadTrail::of_folder(folder) {
            Ok(None) => ReviewState::default(),
            Ok(Some(trail)) => match (trail.faults.into_iter().next(), ReviewState::after(&trail.events)) {
                (None, Ok(state)) => state,
                (Some(fault), _) | (None, Err(fault)) => return damaged(fault.to_string()),
            },
            Err(error) => return damaged(error.to_string()),
        };
        let cells_read = state.readings(Series::First).len() as u64;
        let progress = match (state.signature(), state.reopened()) {
            (Some(signature), None) => {
                Progress::Signed { by: signature.by.name.clone(), at: signature.at.as_str().to_owned() }
            }
            (Some(_), Some(_)) => Progress::Reopened,
            (None, _) if record.review_status() != ReviewStatus::Preliminary => {
                return damaged("the record is signed, and no audit trail lies beside it".to_owned());
            }
            (None, _) if cells_read > 0 => Progress::Begun,
            (None, _) => Progress::Unread,
        };
        let received = record.order.as_ref().and_then(|order| order.received_at.as_ref());
        Listed {
            accession: record.accession.clone(),
            state: Some(record.count.state),
            percent: record.count.percent,
            interval: record.count.widest_95(),
            threshold_percent: record.count.threshold_percent,
            cells_to_read: record.cells_to_read,
            cells_read,
            second_read: state.readings(Series::Second).len() as u64,
            fields: (record.fields.iter().filter(|field| field.accepted).count(), record.fields.len()),
            unlike: record.film.as_ref().is_some_and(|film| film.likeness >= Likeness::Unlike),
            since: received.map(|received| received.system()).or(written),
            progress,
            messages_wait: FolderContents::read(folder).ok().flatten().is_some_and(|contents| contents.holds_messages),
            ..damaged(String::new())
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    let file = fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}

/// Folders with a case, in the order of their names. Links are not followed: nothing outside of the folder is served.
///
/// # Errors
/// [`ReviewError::Folder`] where the first folder cannot be read; one below that cannot is passed over.
pub fn case_folders(root: &Path) -> Result<Vec<PathBuf>, ReviewError> {
    let mut found = Vec::new();
    let entries = fs::read_dir(root).map_err(failed(root))?;
    drop(entries);
    search(root, 0, &mut found);
    Ok(found)
}

fn search(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let is_file = |name: &str| fs::symlink_metadata(folder.join(name)).is_ok_and(|file| file.is_file());
    if is_file(CASE_FILE) || is_file(TRAIL_FILE) {
        found.push(folder.to_owned());
    }
    let Ok(entries) = fs::read_dir(folder) else { return };
    if depth == MAX_DEPTH {
        return;
    }
    let mut folders: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            !name.starts_with('.') && !is_superseded(&name)
        })
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders.iter().for_each(|folder| search(folder, depth + 1, found));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(state: State, low: f64, high: f64) -> Listed {
        Listed {
            id: String::new(),
            folder: PathBuf::new(),
            name: format!("{state:?} {low}"),
            accession: None,
            state: Some(state),
            percent: None,
            interval: Some(PercentInterval { low, high }),
            threshold_percent: 1.0,
            cells_to_read: 0,
            cells_read: 0,
            second_read: 0,
            fields: (1, 1),
            unlike: false,
            since: None,
            progress: Progress::Unread,
            messages_wait: false,
        }
    }

    #[test]
    fn what_a_reading_may_turn_comes_first() {
        let signed = Progress::Signed { by: "Ada".to_owned(), at: String::new() };
        let mut cases = [
            Listed { progress: signed, ..listed(State::Indeterminate, 0.1, 2.0) },
            listed(State::Insufficient, 0.1, 2.0),
            listed(State::Above, 3.0, 5.0),
            listed(State::NotAbove, 0.1, 0.9),
            listed(State::Indeterminate, 0.5, 1.5),
        ];
        cases.sort_by(|one, other| one.rank().partial_cmp(&other.rank()).expect("numbers"));
        let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["Indeterminate 0.5", "NotAbove 0.1", "Above 3", "Insufficient 0.1", "Indeterminate 0.1"]);
    }

    #[test]
    fn superseded_hidden_and_linked_folders_hold_no_case_of_their_own() {
        let base = tempfile::tempdir().expect("a folder");
        for folder in ["b/case", "a", "a/superseded-0", ".partial-x", "outside"] {
            fs::create_dir_all(base.path().join("served").join(folder)).expect("a folder");
            fs::write(base.path().join("served").join(folder).join(CASE_FILE), "{}").expect("written");
        }
        let root = base.path().join("served");
        fs::rename(root.join("outside"), base.path().join("outside")).expect("moved");
        #[cfg(unix)]
        std::os::unix::fs::symlink(base.path().join("outside"), root.join("link")).expect("a link");
        let found = case_folders(&root).expect("readable");
        assert_eq!(found, [root.join("a"), root.join("b/case")]);
        let worklist = Worklist::new(&root);
        let cases = worklist.cases().expect("readable");
        assert!(cases.iter().all(|case| matches!(case.progress, Progress::Damaged { .. })));
        assert_eq!(worklist.folder(&cases[0].id).expect("readable"), Some(cases[0].folder.clone()));
        assert_eq!(worklist.folder("../outside").expect("readable"), None);
    }
}
