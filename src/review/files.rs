//! The files of a reviewed case: their hashes, the software's own record, and the folders of superseded reports.
//!
//! Before the reports of signature n are written, those before it are linked into `superseded-(n−1)`: `superseded-0` holds the
//! software's preliminary reports. The archive of fields never changes and stays where it is.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::{ReviewError, TrailFault};
use super::event::FileHashes;
use super::state::ReviewState;
use crate::case::{CaseRecord, superseded_by};
use crate::durable::{flush_folder, sha256_of};
use crate::report::{ARCHIVE_FILE, CASE_FILE, FolderContents, read_record};

pub(super) fn failed(path: &Path) -> impl Fn(std::io::Error) -> ReviewError + use<> {
    let path = path.to_owned();
    move |source| ReviewError::Folder { path: path.clone(), source }
}

/// The reports in a folder with their hashes.
///
/// # Errors
/// [`ReviewError`] where the folder has no list of its files, or one cannot be read.
pub fn hashes(folder: &Path) -> Result<FileHashes, ReviewError> {
    let Some(contents) = FolderContents::read(folder)? else {
        return Err(ReviewError::Refused(
            "expected the list of the reports (files.json) beside the case, found none; make them again with `report`"
                .to_owned(),
        ));
    };
    contents.files.into_iter().map(|name| Ok((name.clone(), hash_of(&folder.join(&name))?))).collect()
}

fn hash_of(path: &Path) -> Result<String, ReviewError> {
    File::open(path).and_then(sha256_of).map_err(failed(path))
}

/// What is wrong with the files of a folder. The archive is looked for in `archive_folder`.
///
/// # Errors
/// A file cannot be read.
pub fn faults(folder: &Path, expected: &FileHashes, archive_folder: &Path) -> Result<Vec<TrailFault>, ReviewError> {
    let mut faults = Vec::new();
    for (file, sha256) in expected {
        let folder = if file == ARCHIVE_FILE { archive_folder } else { folder };
        let path = folder.join(file);
        match File::open(&path).and_then(sha256_of) {
            Ok(found) if found == *sha256 => {}
            Ok(_) => faults.push(TrailFault::Changed { file: file.clone() }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                faults.push(TrailFault::Missing { file: file.clone() })
            }
            Err(source) => return Err(ReviewError::Folder { path, source }),
        }
    }
    Ok(faults)
}

/// The software's own record of a case.
///
/// # Errors
/// [`ReviewError::Case`].
pub fn software_record(folder: &Path, state: &ReviewState) -> Result<CaseRecord, ReviewError> {
    let kept = folder.join(superseded_by(1)).join(CASE_FILE);
    let path = if !state.signatures().is_empty() && kept.exists() { kept } else { folder.join(CASE_FILE) };
    let record = read_record(&path)?;
    // A signature that the trail does not know of.
    if record.review.is_some() { Err(TrailFault::NoSignature.into()) } else { Ok(record) }
}

/// Links the reports of a folder into the folder of superseded ones and returns its path. What is there already stays: the
/// work may have been interrupted before.
///
/// # Errors
/// [`ReviewError::Folder`].
pub fn keep(folder: &Path, files: &FileHashes, number: u32) -> Result<PathBuf, ReviewError> {
    let kept = folder.join(superseded_by(number));
    fs::create_dir_all(&kept).map_err(failed(&kept))?;
    for file in files.keys().filter(|file| *file != ARCHIVE_FILE) {
        let (from, to) = (folder.join(file), kept.join(file));
        if to.exists() {
            continue;
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(failed(parent))?;
        }
        // Another name for the same bytes; a copy where the file system has no links.
        if fs::hard_link(&from, &to).is_err() {
            fs::copy(&from, &to).map_err(failed(&from))?;
            File::open(&to).and_then(|file| file.sync_all()).map_err(failed(&to))?;
        }
    }
    flush_folder(&kept).map_err(failed(&kept))?;
    flush_folder(folder).map_err(failed(folder))?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_when_the_file_is_written_anew() {
        let base = tempfile::tempdir().expect("a folder");
        fs::create_dir(base.path().join("geojson")).expect("a folder");
        for file in ["case.json", "geojson/a.geojson"] {
            fs::write(base.path().join(file), "software").expect("written");
        }
        let files = ["case.json", "geojson/a.geojson", ARCHIVE_FILE].map(|file| (file.to_owned(), String::new()));
        let kept = keep(base.path(), &FileHashes::from(files.clone()), 1).expect("linked");
        crate::durable::write(&base.path().join("case.json"), b"signed").expect("written");
        // Interrupted and done again.
        keep(base.path(), &FileHashes::from(files), 1).expect("linked");
        for file in ["case.json", "geojson/a.geojson"] {
            assert_eq!(fs::read_to_string(kept.join(file)).expect("kept"), "software");
        }
    }
}
