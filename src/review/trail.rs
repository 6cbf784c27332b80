//! The audit trail of a case: an append-only file of events, and beside it a note of the last one.
//!
//! `review.jsonl` holds one [`Event`] a line. An event counts once its line is on the disk; only then the caller is answered.
//! `review.head` holds number and hash of the last event, 78 bytes, and is written over after each event.
//!
//! METHOD: hashes find every change of a line and every line that was taken out of the middle. Lines that are cut off the end
//! leave a trail that is sound in itself; the note finds these. A note may lag behind after a power cut, never the trail: it
//! is accepted where the trail holds its event and goes on soundly.
//!
//! Limits: whoever may write to the folder can write a whole new trail with a new note. Signed reports that have left the
//! folder bear the hash of their event, which such a trail cannot reproduce.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::{ReviewError, TrailFault};
use super::event::{Act, Event, NO_EVENT};
use crate::case::{HEAD_FILE, Reviewer, TRAIL_FILE};
use crate::time::Timestamp;

/// Digits of the number in the note.
const NUMBER_DIGITS: usize = 12;
/// Bytes of the note: number, space, hash, line end.
const NOTE_BYTES: usize = NUMBER_DIGITS + 1 + NO_EVENT.len() + 1;

/// An audit trail that is open for writing.
#[derive(Debug)]
pub struct Trail {
    path: PathBuf,
    file: File,
    head: File,
    last: (u64, String),
    bytes: u64,
    /// Whether a write failed and could not be taken back.
    broken: bool,
}

/// A trail as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadTrail {
    /// Its sound events.
    pub events: Vec<Event>,
    /// What is wrong with it.
    pub faults: Vec<TrailFault>,
    /// Bytes of its whole lines.
    bytes: u64,
    /// Whether a last line without end follows them.
    unfinished: bool,
}

impl ReadTrail {
    /// Reads the trail of a folder; `None` where there is none.
    ///
    /// # Errors
    /// What the system says.
    pub fn of_folder(folder: &Path) -> std::io::Result<Option<Self>> {
        let Some(text) = read_if_there(&folder.join(TRAIL_FILE))? else { return Ok(None) };
        let mut trail = Self::of_text(&text);
        let note = read_if_there(&folder.join(HEAD_FILE))?;
        trail.faults.extend(trail.fault_of_note(note.as_deref()));
        Ok(Some(trail))
    }

    fn of_text(text: &[u8]) -> Self {
        let mut trail = Self { events: Vec::new(), faults: Vec::new(), bytes: 0, unfinished: false };
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let before = trail.events.last().map_or((0, NO_EVENT), |event| (event.event, event.sha256.as_str()));
            if line.last() != Some(&b'\n') {
                trail.unfinished = true;
                trail.faults.push(TrailFault::Unfinished { line: before.0 + 1 });
                break;
            }
            match Event::read(line, before) {
                Ok(event) => trail.events.push(event),
                Err(fault) => {
                    trail.faults.push(fault);
                    break;
                }
            }
            trail.bytes += line.len() as u64;
        }
        trail
    }

    fn fault_of_note(&self, note: Option<&[u8]>) -> Option<TrailFault> {
        let wrong = || Some(TrailFault::Note { file: HEAD_FILE });
        let last = self.events.last().map_or(0, |event| event.event);
        let Some(note) = note.filter(|note| !note.is_empty()) else {
            // The first event is written before the first note, whose file is made before both.
            return if last > 1 { wrong() } else { None };
        };
        let Some((number, sha256)) = parsed(note) else { return wrong() };
        if number > last {
            return Some(TrailFault::Cut { found: last, noted: number });
        }
        let at = number.checked_sub(1).and_then(|index| self.events.get(usize::try_from(index).ok()?));
        if at.is_some_and(|event| event.sha256 == sha256) { None } else { wrong() }
    }
}

fn note(number: u64, sha256: &str) -> String {
    format!("{number:0NUMBER_DIGITS$} {sha256}\n")
}

fn parsed(text: &[u8]) -> Option<(u64, String)> {
    let text = std::str::from_utf8(text).ok()?;
    let (number, sha256) = text.strip_suffix('\n')?.split_once(' ')?;
    let number: u64 = number.parse().ok()?;
    (text.len() == NOTE_BYTES && note(number, sha256) == text).then(|| (number, sha256.to_owned()))
}

fn read_if_there(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Trail {
    /// Opens the trail of a folder for writing, makes it where there is none, and returns its events. A last line that was
    /// never finished is taken away: nobody was told that it counts. The trail is locked until it is closed.
    ///
    /// # Errors
    /// [`ReviewError::Damaged`] where the trail is not sound, [`ReviewError::AlreadyServed`] where another program has it open,
    /// [`ReviewError::Folder`].
    pub fn open(folder: &Path) -> Result<(Self, Vec<Event>), ReviewError> {
        let path = folder.join(TRAIL_FILE);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| ReviewError::Folder { path, source }
        };
        // Locked before it is read: what another program writes is then there whole, or comes to nothing.
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ReviewError::AlreadyServed { path }),
            Err(TryLockError::Error(source)) => return Err(ReviewError::Folder { path, source }),
        }
        let read = ReadTrail::of_folder(folder).map_err(failed(&path))?;
        let read = read.unwrap_or_else(|| ReadTrail::of_text(&[]));
        if let Some(fault) = read.faults.iter().find(|fault| !matches!(fault, TrailFault::Unfinished { .. })) {
            return Err(fault.clone().into());
        }
        if read.unfinished {
            file.set_len(read.bytes).and_then(|()| file.sync_all()).map_err(failed(&path))?;
        }
        let head_path = folder.join(HEAD_FILE);
        let head = OpenOptions::new().create(true).write(true).truncate(false).open(&head_path);
        let head = head.map_err(failed(&head_path))?;
        let last = read.events.last().map_or((0, NO_EVENT.to_owned()), |event| (event.event, event.sha256.clone()));
        let mut trail = Self { path, file, head, last, bytes: read.bytes, broken: false };
        if trail.last.0 > 0 {
            trail.write_note().map_err(failed(&head_path))?;
        }
        crate::durable::flush_folder(folder).map_err(failed(folder))?;
        Ok((trail, read.events))
    }

    /// Number and hash of the last event.
    pub fn last(&self) -> (u64, &str) {
        (self.last.0, &self.last.1)
    }

    /// Writes the next event and flushes it to the disk.
    ///
    /// # Errors
    /// [`ReviewError::Folder`]: the event then does not count.
    pub fn append(&mut self, by: Option<Reviewer>, act: Act) -> Result<Event, ReviewError> {
        if self.broken {
            return Err(ReviewError::Refused(
                "the audit trail could not be written; start the review again".to_owned(),
            ));
        }
        let at = Timestamp::now().ok_or(ReviewError::Clock)?;
        let event = Event::behind(self.last(), at, by, act)?;
        let line = event.line()?;
        if let Err(source) = self.file.write_all(&line).and_then(|()| self.file.sync_data()) {
            // What was written of the line is taken away again: it was never answered.
            self.broken = self.file.set_len(self.bytes).is_err();
            return Err(ReviewError::Folder { path: self.path.clone(), source });
        }
        self.bytes += line.len() as u64;
        self.last = (event.event, event.sha256.clone());
        // The event counts already; a note that lags is accepted.
        let _ = self.write_note();
        Ok(event)
    }

    fn write_note(&mut self) -> std::io::Result<()> {
        self.head.seek(SeekFrom::Start(0))?;
        self.head.write_all(note(self.last.0, &self.last.1).as_bytes())?;
        self.head.set_len(NOTE_BYTES as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::event::FileHashes;

    fn opened() -> (tempfile::TempDir, Trail) {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut trail, events) = Trail::open(folder.path()).expect("a new trail");
        assert_eq!(events, []);
        trail.append(None, Act::Opened { files: FileHashes::new() }).expect("written");
        for reason in ["one", "two", "three"] {
            trail.append(None, Act::Reopened { reason: reason.to_owned() }).expect("written");
        }
        (folder, trail)
    }

    fn faults(folder: &Path) -> Vec<TrailFault> {
        ReadTrail::of_folder(folder).expect("readable").expect("a trail").faults
    }

    #[test]
    fn a_trail_goes_on_where_it_ended() {
        let (folder, trail) = opened();
        let last = trail.last.clone();
        drop(trail);
        let (again, events) = Trail::open(folder.path()).expect("sound");
        assert_eq!((events.len(), again.last), (4, last));
        assert_eq!(faults(folder.path()), []);
    }

    #[test]
    fn a_line_without_end_was_never_answered_and_goes() {
        let (folder, trail) = opened();
        drop(trail);
        let path = folder.path().join(TRAIL_FILE);
        let text = fs::read(&path).expect("a trail");
        fs::write(&path, [&text[..], b"{\"event\":5"].concat()).expect("written");
        assert_eq!(faults(folder.path()), [TrailFault::Unfinished { line: 5 }]);
        let (trail, events) = Trail::open(folder.path()).expect("mended");
        assert_eq!((events.len(), trail.last.0), (4, 4));
        assert_eq!((fs::read(&path).expect("a trail"), faults(folder.path())), (text, vec![]));
    }

    #[test]
    fn lines_cut_off_the_end_are_found_by_the_note() {
        let (folder, trail) = opened();
        drop(trail);
        let path = folder.path().join(TRAIL_FILE);
        let text = fs::read_to_string(&path).expect("a trail");
        let kept: String = text.split_inclusive('\n').take(2).collect();
        fs::write(&path, &kept).expect("written");
        assert_eq!(faults(folder.path()), [TrailFault::Cut { found: 2, noted: 4 }]);
        assert!(matches!(Trail::open(folder.path()), Err(ReviewError::Damaged(TrailFault::Cut { .. }))));
    }

    #[test]
    fn a_note_that_lags_is_sound_and_a_changed_one_is_not() {
        let (folder, trail) = opened();
        drop(trail);
        let head = folder.path().join(HEAD_FILE);
        let events = ReadTrail::of_folder(folder.path()).expect("readable").expect("a trail").events;
        fs::write(&head, note(3, &events[2].sha256)).expect("written");
        assert_eq!(faults(folder.path()), []);
        for wrong in [note(3, &events[1].sha256), "3".to_owned(), String::new(), note(0, NO_EVENT)] {
            fs::write(&head, &wrong).expect("written");
            assert_eq!(faults(folder.path()), [TrailFault::Note { file: HEAD_FILE }], "{wrong}");
        }
        fs::remove_file(&head).expect("there");
        assert_eq!(faults(folder.path()), [TrailFault::Note { file: HEAD_FILE }]);
    }
}
