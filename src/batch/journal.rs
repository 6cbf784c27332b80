//! The journal of a batch: a line for each specimen that is done, durable before the next step.
//!
//! Format: JSON Lines, one [`SpecimenOutcome`] a line, in the order in which specimens end; a later line of an accession
//! stands for an earlier one, and one with neither result nor failure takes it back. A last line without its end was being
//! written when the run was killed: it is cut off. Any other line that cannot be read means that something else wrote
//! here, and is refused.
//!
//! METHOD: by accession and not by line, so that a row that is put into the manifest moves no result to another specimen.
//!
//! What the work on a row rests on beside the row is a hash over the name and the SHA-256 of each file: those named, and
//! every file of a folder that is named, one level deep, hidden ones left out, in the order of their names; then the panel. A
//! picture that is added, taken away or changed changes it. So does a note beside the pictures, which costs no more than
//! doing a specimen again.
//!
//! METHOD: bytes are hashed, not size and time of change. A copy or a restored backup has other times and is the same work,
//! and a changed picture of the same size is other work even where its time was kept. The journal also stays the same on
//! every machine. Going on with a batch reads the files of its finished specimens once, about a hundredth of the time that
//! their analysis took.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::BatchError;
use super::manifest::ManifestRow;
use crate::case::{CaseRecord, SpecimenOutcome};
use crate::durable::{sha256_hex, sha256_of};

/// Name of the file.
pub(super) const FILE: &str = "journal.jsonl";

/// A journal that is written to.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

/// Outcomes by accession.
pub type Outcomes = BTreeMap<String, SpecimenOutcome>;

impl Journal {
    /// Opens the journal of a folder, locks it, and reads what is done.
    ///
    /// # Errors
    /// [`BatchError::Locked`], [`BatchError::Damaged`], [`BatchError::Write`].
    pub(super) fn open(folder: &Path) -> Result<(Self, Outcomes), BatchError> {
        let path = folder.join(FILE);
        let unusable = |source| BatchError::Write { path: path.clone(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(unusable)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(BatchError::Locked { path }),
            // METHOD: some network file systems have no locks; the cluster's engine keeps jobs apart there.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        let (outcomes, whole) = read(&path)?;
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::Start(whole))).map_err(unusable)?;
        Ok((Self { path, file }, outcomes))
    }

    /// Adds a specimen and flushes the line to the disk.
    ///
    /// # Errors
    /// [`BatchError::Write`].
    pub(super) fn add(&mut self, outcome: &SpecimenOutcome) -> Result<(), BatchError> {
        self.add_all(std::slice::from_ref(outcome))
    }

    /// Adds lines and flushes them together.
    ///
    /// # Errors
    /// [`BatchError::Write`].
    pub(super) fn add_all(&mut self, outcomes: &[SpecimenOutcome]) -> Result<(), BatchError> {
        let lines = bytes(outcomes)?;
        if lines.is_empty() {
            return Ok(());
        }
        // A file that was removed takes every write: its name must still lead to it.
        let written =
            fs::metadata(&self.path).and_then(|_| self.file.write_all(&lines)).and_then(|()| self.file.sync_data());
        written.map_err(|source| BatchError::Write { path: self.path.clone(), source })
    }
}

/// The journal's bytes with one line for each specimen, in the order of the manifest.
pub(super) fn bytes(outcomes: &[SpecimenOutcome]) -> Result<Vec<u8>, BatchError> {
    let mut bytes = Vec::new();
    for outcome in outcomes {
        serde_json::to_writer(&mut bytes, outcome)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// What is done by a journal, and the bytes of its whole lines.
///
/// # Errors
/// [`BatchError::Read`], [`BatchError::Damaged`].
pub(super) fn read(path: &Path) -> Result<(Outcomes, u64), BatchError> {
    let bytes = fs::read(path).map_err(|source| BatchError::Read { path: path.to_owned(), source })?;
    parse(&bytes).map_err(|found| {
        let expected = "a line of JSON for each specimen";
        BatchError::Damaged { path: path.to_owned(), expected, found }
    })
}

/// What is done by the bytes of a journal, and how many of them are whole lines.
///
/// # Errors
/// Which line is wrong and why.
pub fn parse(bytes: &[u8]) -> Result<(Outcomes, u64), String> {
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
    let mut outcomes = Outcomes::new();
    for (index, line) in bytes[..whole].split_inclusive(|&byte| byte == b'\n').enumerate() {
        let outcome: SpecimenOutcome =
            serde_json::from_slice(line).map_err(|error| format!("line {}: {error}", index + 1))?;
        match (&outcome.result, &outcome.failure) {
            (Some(_), Some(_)) => return Err(format!("line {}: both a result and a failure", index + 1)),
            (None, None) => drop(outcomes.remove(&outcome.accession)),
            _ => drop(outcomes.insert(outcome.accession.clone(), outcome)),
        }
    }
    Ok((outcomes, whole as u64))
}

/// The hash of a row's files, together and each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Work {
    /// The hash of all of them.
    pub sha256: String,
    files: BTreeSet<String>,
}

impl Work {
    /// The work of a row as its files are now.
    pub(super) fn of(row: &ManifestRow) -> io::Result<Self> {
        let mut text = String::new();
        let mut hashes = BTreeSet::new();
        for input in row.inputs.iter().chain(&row.labs) {
            text.push('\0');
            for file in files(input)? {
                let (name, sha256) = (file.file_name().unwrap_or_default(), sha256_of(File::open(&file)?)?);
                text.push_str(&format!("{}\0{sha256}\0", name.to_string_lossy()));
                hashes.insert(sha256);
            }
        }
        Ok(Self { sha256: sha256_hex(text.as_bytes()), files: hashes })
    }

    /// Whether every image behind a record is among the files: none was exchanged during the work.
    pub(super) fn holds(&self, record: &CaseRecord) -> bool {
        record.provenance.inputs.iter().all(|input| self.files.contains(&input.sha256))
    }
}

/// A file, or the files of a folder.
fn files(input: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(input)?.is_dir() {
        return Ok(vec![input.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(input)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::manifest::Manifest;
    use crate::case::SpecimenFailure;

    fn outcome(line: u64, reason: &str) -> SpecimenOutcome {
        let failure = SpecimenFailure { exit_code: 3, reason: reason.to_owned() };
        let (row_sha256, files_sha256, extra) = (String::new(), None, BTreeMap::new());
        let accession = format!("S-{line}");
        SpecimenOutcome { line, accession, row_sha256, files_sha256, extra, result: None, failure: Some(failure) }
    }

    #[test]
    fn a_line_that_was_being_written_is_cut_off_and_the_journal_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut journal, done) = Journal::open(folder.path()).expect("a journal");
        assert!(done.is_empty());
        journal.add(&outcome(2, "a")).expect("a line");
        journal.add(&outcome(1, "b")).expect("a line");
        drop(journal);
        let path = folder.path().join(FILE);
        let whole = fs::read(&path).expect("a journal");
        for cut in 1..30 {
            fs::write(&path, [&whole[..], &whole[..cut]].concat()).expect("a journal");
            let (mut journal, done) = Journal::open(folder.path()).expect("a journal");
            assert_eq!(done.keys().collect::<Vec<_>>(), ["S-1", "S-2"]);
            journal.add(&outcome(3, "c")).expect("a line");
            drop(journal);
            assert_eq!(read(&path).expect("whole lines").0.len(), 3);
        }
    }

    #[test]
    fn a_later_line_stands_for_an_earlier_one_and_one_with_nothing_takes_it_back() {
        let back = SpecimenOutcome { failure: None, ..outcome(3, "") };
        // The accession counts, not the line: a row may have moved.
        let moved = SpecimenOutcome { line: 7, ..outcome(2, "c") };
        let lines = [outcome(2, "a"), outcome(1, "b"), outcome(3, "x"), moved, back];
        let text: Vec<u8> = lines
            .iter()
            .flat_map(|line| [serde_json::to_vec(line).expect("a line"), b"\n".to_vec()].concat())
            .collect();
        let (outcomes, whole) = parse(&text).expect("whole lines");
        let of_two = &outcomes["S-2"];
        assert_eq!((of_two.failure.as_ref().map(|f| f.reason.as_str()), of_two.line), (Some("c"), 7));
        assert_eq!((outcomes.len(), whole), (2, text.len() as u64));
        let written = bytes(&outcomes.values().cloned().collect::<Vec<_>>()).expect("lines");
        assert_eq!(parse(&written).expect("whole lines").0, outcomes);
    }

    #[test]
    fn what_nobody_wrote_here_is_refused() {
        for wrong in ["x\n", "{}\n", "{\"row\":1}\n"] {
            assert!(parse(wrong.as_bytes()).expect_err("not a line").starts_with("line 1: "), "{wrong}");
        }
        assert_eq!(parse(b"").expect("empty"), (Outcomes::new(), 0));
    }

    #[test]
    fn a_second_run_is_kept_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Journal::open(folder.path()).expect("a journal");
        assert!(matches!(Journal::open(folder.path()), Err(BatchError::Locked { .. })));
        drop(first);
        assert!(Journal::open(folder.path()).is_ok());
    }

    #[test]
    fn whatever_changes_the_files_changes_the_work_and_a_copy_does_not() {
        let place = || {
            let base = tempfile::tempdir().expect("a folder");
            fs::create_dir(base.path().join("s")).expect("a folder");
            fs::write(base.path().join("s/a.png"), "one").expect("written");
            fs::write(base.path().join("p.json"), "{}").expect("written");
            base
        };
        let work = |base: &Path, text: &str| {
            let manifest = Manifest::of_csv(text.as_bytes(), base).expect("a manifest");
            Work::of(&manifest.rows()[0]).map(|work| work.sha256)
        };
        let text = "accession,inputs,labs,site\nS-1,s,p.json,A\n";
        let (base, copy) = (place(), place());
        let first = work(base.path(), text).expect("readable");
        assert_eq!(work(copy.path(), text).expect("readable"), first);
        type Change = fn(&Path);
        let changes: [(&str, Change); 4] = [
            ("the same size", |base| fs::write(base.join("s/a.png"), "two").expect("written")),
            ("another name", |base| fs::rename(base.join("s/a.png"), base.join("s/b.png")).expect("renamed")),
            ("one more", |base| fs::write(base.join("s/c.png"), "").expect("written")),
            ("another panel", |base| fs::write(base.join("p.json"), "[]").expect("written")),
        ];
        for (what, change) in changes {
            let base = place();
            change(base.path());
            assert_ne!(work(base.path(), text).expect("readable"), first, "{what}");
        }
        assert_ne!(work(base.path(), "accession,inputs\nS-1,s\n").expect("readable"), first);
        assert!(work(base.path(), "accession,inputs\nS-1,none\n").is_err());
    }
}
