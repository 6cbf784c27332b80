//! `files.json`: of which specimen a folder of reports is, and which files earlier runs wrote there.
//!
//! In: the record that is to be written and what the folder holds. Out: whether both are of one specimen, and which files
//! of earlier runs are out of date.
//!
//! METHOD: an output folder belongs to one specimen; the reports of two in one folder are a mixed-up patient. The same
//! specimen means: the accessions do not contradict each other (one may be missing), and of the images behind the two
//! records one set holds the other, by their SHA-256, so that a field may be added or taken away. A folder without
//! `files.json` is told by its `case.json`; what it holds beside that is left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::json::CASE_FILE;
use super::{ReportError, ReportFormat};
use crate::case::{CaseRecord, InputFile, Job};

/// Name of the file.
pub(super) const FILE: &str = "files.json";

/// A file of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Listed {
    /// Format that it belongs to, as typed.
    format: String,
    /// Job of the record that it was made from.
    job: String,
}

/// What a folder of reports holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Contents {
    accession: Option<String>,
    /// Images behind the latest record.
    inputs: Vec<InputFile>,
    /// Files by name.
    files: BTreeMap<String, Listed>,
}

/// The part of a `case.json` of any version that says of which specimen it is.
#[derive(Deserialize)]
struct Recorded {
    accession: Option<String>,
    provenance: RecordedInputs,
}

#[derive(Deserialize)]
struct RecordedInputs {
    inputs: Vec<InputFile>,
}

/// Files of earlier runs beside those of this one.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// Of formats that are written now, under names that are not: out of date.
    pub superseded: Vec<String>,
    /// Of formats that are not written now, made from another record.
    pub left: Vec<String>,
}

impl Contents {
    /// What a folder holds; `None` where it holds no report.
    pub(super) fn of_folder(folder: &Path) -> Result<Option<Self>, ReportError> {
        let of = |name: &str| -> Result<Option<Vec<u8>>, ReportError> {
            match fs::read(folder.join(name)) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(ReportError::Folder { path: folder.join(name), source }),
                Ok(bytes) => Ok(Some(bytes)),
            }
        };
        let foreign = |name: &str| ReportError::ForeignFile { path: folder.join(name) };
        if let Some(bytes) = of(FILE)? {
            return serde_json::from_slice(&bytes).map(Some).map_err(|_| foreign(FILE));
        }
        let Some(bytes) = of(CASE_FILE)? else { return Ok(None) };
        let recorded: Recorded = serde_json::from_slice(&bytes).map_err(|_| foreign(CASE_FILE))?;
        let (accession, inputs) = (recorded.accession, recorded.provenance.inputs);
        Ok(Some(Self { accession, inputs, files: BTreeMap::new() }))
    }

    /// What a folder holds after a run that writes these files, in place of what it held.
    pub(super) fn after(
        record: &CaseRecord,
        written: &[(ReportFormat, String)],
        earlier: Option<&Self>,
    ) -> Result<(Self, Earlier), ReportError> {
        let job = Job::of(record).map_err(ReportError::Json)?.id().to_owned();
        let of = |(format, name): &(ReportFormat, String)| {
            (name.clone(), Listed { format: format.name().to_owned(), job: job.clone() })
        };
        let mut files: BTreeMap<String, Listed> = written.iter().map(of).collect();
        let formats: BTreeSet<&str> = written.iter().map(|(format, _)| format.name()).collect();
        let mut old = Earlier::default();
        for (name, listed) in earlier.iter().flat_map(|earlier| &earlier.files) {
            if files.contains_key(name) || !is_plain(name) {
                continue;
            }
            if formats.contains(listed.format.as_str()) {
                old.superseded.push(name.clone());
                continue;
            }
            if listed.job != job {
                old.left.push(name.clone());
            }
            files.insert(name.clone(), listed.clone());
        }
        let (accession, inputs) = (record.accession.clone(), record.provenance.inputs.clone());
        Ok((Self { accession, inputs, files }, old))
    }

    pub(super) fn bytes(&self) -> Result<Vec<u8>, ReportError> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Refuses an accession that contradicts the folder's.
    pub(super) fn check_accession(&self, folder: &Path, accession: Option<&str>) -> Result<(), ReportError> {
        match (self.accession.as_deref(), accession) {
            (Some(found), Some(given)) if found != given => Err(self.other(folder, Some(given), &[])),
            _ => Ok(()),
        }
    }

    /// Refuses a record of another specimen.
    pub(super) fn check(&self, folder: &Path, record: &CaseRecord) -> Result<(), ReportError> {
        let accession = record.accession.as_deref();
        self.check_accession(folder, accession)?;
        let images = |inputs: &[InputFile]| inputs.iter().map(|input| input.sha256.clone()).collect::<BTreeSet<_>>();
        let (found, given) = (images(&self.inputs), images(&record.provenance.inputs));
        if found.is_subset(&given) || given.is_subset(&found) {
            return Ok(());
        }
        Err(self.other(folder, accession, &record.provenance.inputs))
    }

    fn other(&self, folder: &Path, accession: Option<&str>, inputs: &[InputFile]) -> ReportError {
        ReportError::OtherSpecimen {
            path: folder.to_owned(),
            found: specimen_words(self.accession.as_deref(), &self.inputs),
            given: specimen_words(accession, inputs),
        }
    }
}

/// Names that a sink takes, so that a file which somebody changed leads nowhere else.
fn is_plain(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    parts.len() <= 2
        && parts.iter().all(|part| !part.is_empty() && *part != "." && *part != ".." && !part.contains('\\'))
}

/// A specimen by accession and images.
fn specimen_words(accession: Option<&str>, inputs: &[InputFile]) -> String {
    /// Images that are named.
    const MOST_NAMES: usize = 3;
    let accession = accession.map_or_else(|| "no accession".to_owned(), |accession| format!("accession `{accession}`"));
    if inputs.is_empty() {
        return accession;
    }
    let mut names: Vec<&str> = inputs.iter().take(MOST_NAMES).map(|input| input.file.as_str()).collect();
    let more = inputs.len() - names.len();
    let rest = format!("{more} more");
    if more > 0 {
        names.push(&rest);
    }
    format!("{accession}, images {}", names.join(", "))
}

/// Removes files of earlier runs from a folder, and a folder below that is empty then.
pub(super) fn remove(folder: &Path, names: &[String]) -> Result<Vec<PathBuf>, ReportError> {
    let mut removed = Vec::new();
    for name in names {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Ok(()) => removed.push(path.clone()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(ReportError::Write { path, source }),
        }
        if let (true, Some(parent)) = (name.contains('/'), path.parent()) {
            // A folder with other files in it stays.
            let _ = fs::remove_dir(parent);
        }
    }
    Ok(removed)
}
