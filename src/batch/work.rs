//! What the work on a row rests on beside the row: the bytes of the files that it names, as one hash.
//!
//! In: a row. Out: SHA-256 over name and SHA-256 of each file: those named, and every file of a
//! folder that is named, one level deep, hidden ones left out, in the order of their names; then the panel. A picture that
//! is added, taken away or changed changes it, and so does a note beside the pictures, which costs no more than doing a
//! specimen again.
//!
//! METHOD: bytes and not size and time of change. A copy or a restored backup has other times and is the same work, and a
//! changed picture of the same size is other work even where its time was kept; the journal also stays the same on every
//! machine. Price: going on with a batch reads the files of its finished specimens once, about a hundredth of the time
//! that their analysis took.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::ManifestRow;
use crate::case::CaseRecord;
use crate::durable::{sha256_hex, sha256_of};

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
    use super::super::Manifest;
    use super::*;

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
