//! Reads a case back from the folder that it was written to: `case.json` and its archive of fields.
//!
//! In: a folder. Out: the [`Case`], with the fields on disk again. Limits: a record of another schema version is refused, and
//! one larger than [`MAX_CASE_BYTES`].

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::render::{ARCHIVE_FILE, CASE_FILE};
use crate::case::{ArchiveError, Case, CaseFields, CaseRecord, SCHEMA_VERSION, read_fields};

/// Largest `case.json` that is read, bytes.
pub const MAX_CASE_BYTES: u64 = 256 << 20;

/// Why a case folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaseFolderError {
    /// A file is missing or cannot be read.
    #[error("{path}: expected a file of a case folder that can be read; name a folder that `analyze` wrote with the format json", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no record.
    #[error("{path}: expected a record with schema version {SCHEMA_VERSION}; run `analyze` again", path = .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The record is of another version.
    #[error("{path}: expected schema version {SCHEMA_VERSION}, found {found}; run `analyze` again", path = .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// The record is too large.
    #[error("{path}: expected a record of at most {MAX_CASE_BYTES} bytes, found {found}", path = .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        found: u64,
    },
    /// The archive cannot be used.
    #[error("{path}: the fields of the case cannot be used", path = .path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ArchiveError,
    },
}

/// The case that a folder holds.
///
/// # Errors
/// [`CaseFolderError`].
pub fn read_case(folder: &Path) -> Result<Case, CaseFolderError> {
    let record = read_record(&folder.join(CASE_FILE))?;
    let fields = read_archive(&record, folder)?;
    Ok(Case { record, fields })
}

/// The record of a file.
///
/// # Errors
/// All of [`CaseFolderError`] but those of the archive.
pub fn read_record(path: &Path) -> Result<CaseRecord, CaseFolderError> {
    let found = fs::metadata(path).map_err(unreadable(path))?.len();
    if found > MAX_CASE_BYTES {
        return Err(CaseFolderError::TooLarge { path: path.to_owned(), found });
    }
    let bytes = fs::read(path).map_err(unreadable(path))?;
    let broken = |source| CaseFolderError::Record { path: path.to_owned(), source };
    // The version first: a record of another one has other fields, and its number is what helps.
    let version: serde_json::Value = serde_json::from_slice(&bytes).map_err(broken)?;
    match version["schema_version"].as_str() {
        Some(found) if found != SCHEMA_VERSION => {
            Err(CaseFolderError::Version { path: path.to_owned(), found: found.to_owned() })
        }
        _ => serde_json::from_slice(&bytes).map_err(broken),
    }
}

/// The fields behind a record, from the archive in its folder.
///
/// # Errors
/// [`CaseFolderError::Read`], [`CaseFolderError::Archive`].
pub fn read_archive(record: &CaseRecord, folder: &Path) -> Result<CaseFields, CaseFolderError> {
    let path = folder.join(ARCHIVE_FILE);
    let file = File::open(&path).map_err(unreadable(&path))?;
    read_fields(record, file).map_err(|source| CaseFolderError::Archive { path, source })
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> CaseFolderError {
    move |source| CaseFolderError::Read { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_another_version_is_refused_by_its_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let refused = |text: &str| {
            fs::write(folder.path().join(CASE_FILE), text).expect("written");
            read_case(folder.path()).expect_err(text)
        };
        for other in ["1.0", "3.0", "4.99", "5.0"] {
            let error = refused(&format!(r#"{{"schema_version": "{other}"}}"#));
            assert!(matches!(&error, CaseFolderError::Version { found, .. } if found == other), "{error:?}");
            let text = error.to_string();
            let said =
                format!("case.json: expected schema version {SCHEMA_VERSION}, found {other}; run `analyze` again");
            assert!(text.ends_with(&said), "{text}");
        }
        // Of this version, or of none, it must be whole.
        for broken in [format!(r#"{{"schema_version": "{SCHEMA_VERSION}"}}"#), "{}".to_owned(), "notes".to_owned()] {
            let error = refused(&broken);
            assert!(matches!(error, CaseFolderError::Record { .. }), "{error:?}");
        }
    }
}
