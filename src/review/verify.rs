//! Proves that the audit trail of a case is complete and unchanged, and that its reports follow from it.
//!
//! In: a case folder, and the settings of the messages where the laboratory has any. Out: [`Verified`], with every fault that was
//! found. Order: 1. every line, its hash and its place; the note of the last event; 2. every event can follow those before it;
//! 3. the files beside the case have the hashes that the trail names, those of superseded reports too; 4. the signed record is
//! made anew from the software's record and the readings and must have the same bytes; 5. so must every other report.
//!
//! Limits: steps 4 and 5 need the program that wrote the reports, because another version writes other bytes; under another one they
//! are left out, and said. Step 5 needs the configuration that the signature was made with, too.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::cells::ReviewCells;
use super::error::{ReviewError, TrailFault};
use super::event::{FileHashes, PROGRAM_VERSION};
use super::files::{failed, faults, software_record};
use super::open_case::ReviewSettings;
use super::reviewed::Reviewed;
use super::state::ReviewState;
use super::trail::ReadTrail;
use crate::case::{Case, CaseRecord, superseded_by};
use crate::report::{ARCHIVE_FILE, CASE_FILE, FolderContents, ReportFormat, read_archive, read_record, render_with};

/// What was found of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// The folder.
    pub folder: PathBuf,
    /// Events of the trail; 0 without one.
    pub events: u64,
    /// Number of the latest signature; 0 without one.
    pub signatures: u32,
    /// Whether every report was made anew and compared; `false` without a signature, under another configuration and of another
    /// version.
    pub made_anew: bool,
    /// Version of the program that wrote the reports, where it is another one, so that nothing was made anew.
    pub other_version: Option<String>,
    /// What is wrong.
    pub faults: Vec<TrailFault>,
}

/// Looks at a case.
///
/// # Errors
/// A file cannot be read for another reason than that it is missing.
pub fn verify(folder: &Path, settings: &ReviewSettings) -> Result<Verified, ReviewError> {
    let mut verified = Verified {
        folder: folder.to_owned(),
        events: 0,
        signatures: 0,
        made_anew: false,
        other_version: None,
        faults: Vec::new(),
    };
    let Some(read) = ReadTrail::of_folder(folder).map_err(failed(folder))? else {
        // Nobody reviewed it; a record that says otherwise was signed elsewhere, or its trail is gone.
        match read_record(&folder.join(CASE_FILE)) {
            Ok(record) if record.review.is_some() => verified.faults.push(TrailFault::NoSignature),
            Ok(_) => {}
            Err(_) => verified.faults.push(TrailFault::Changed { file: CASE_FILE.to_owned() }),
        }
        return Ok(verified);
    };
    verified.events = read.events.len() as u64;
    verified.faults = read.faults;
    let state = match ReviewState::after(&read.events) {
        Ok(state) => state,
        Err(fault) => {
            verified.faults.push(fault);
            return Ok(verified);
        }
    };
    verified.signatures = state.signatures().len() as u32;
    if state.files().is_none() && verified.faults.is_empty() {
        return Ok(verified);
    }
    if let Some(signature) = state.unreleased() {
        let event = signature.event;
        let problem = "its reports were not written; start the review, which writes them".to_owned();
        verified.faults.push(TrailFault::Impossible { event, problem });
    } else if let Some(files) = state.files() {
        verified.faults.extend(faults(folder, files, folder)?);
    }
    for (number, files) in (1..).zip(state.superseded()) {
        let kept = superseded_by(number);
        let of_folder = faults(&folder.join(&kept), files, folder)?;
        // The archive is named once, for the newest reports.
        let own = of_folder.into_iter().filter(|fault| !is_of(fault, ARCHIVE_FILE));
        verified.faults.extend(own.map(|fault| within(&kept, fault)));
    }
    if state.is_signed() && verified.faults.is_empty() {
        match state.released_by().filter(|version| *version != PROGRAM_VERSION) {
            Some(version) => verified.other_version = Some(version.to_owned()),
            None => make_anew(folder, &state, settings, &mut verified)?,
        }
    }
    Ok(verified)
}

fn is_of(fault: &TrailFault, name: &str) -> bool {
    matches!(fault, TrailFault::Missing { file } | TrailFault::Changed { file } if file == name)
}

/// The fault with the folder in front of the file.
fn within(folder: &str, fault: TrailFault) -> TrailFault {
    match fault {
        TrailFault::Missing { file } => TrailFault::Missing { file: format!("{folder}/{file}") },
        TrailFault::Changed { file } => TrailFault::Changed { file: format!("{folder}/{file}") },
        other => other,
    }
}

/// Makes the signed record and its reports from the software's record and the readings, and compares them.
fn make_anew(
    folder: &Path,
    state: &ReviewState,
    settings: &ReviewSettings,
    verified: &mut Verified,
) -> Result<(), ReviewError> {
    let Some(signature) = state.signature() else { return Ok(()) };
    let software = software_record(folder, state)?;
    let fields = read_archive(&software, folder)?;
    let cells = ReviewCells::of(&software, &fields).map_err(failed(folder))?;
    let grading = signature.settled.as_ref().and_then(|settled| settled.grading.clone());
    let record = Reviewed::new(&software, &cells, state, grading).signed(signature);
    let is_same_configuration = configuration(&record)
        == settings.settled.as_ref().map_or_else(|| configuration(&software), |own| own.configuration_sha256.clone());
    let case = Case { record, fields };
    let contents = FolderContents::read(folder)?;
    let formats = match contents.map(|contents| contents.formats) {
        Some(Ok(formats)) if is_same_configuration => formats,
        _ => vec![ReportFormat::Json],
    };
    verified.made_anew = formats.len() > 1;
    let mut expected: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for format in formats {
        let files = render_with(format, &case, &settings.messages, None)?;
        expected.extend(files.into_iter().map(|file| (file.name, file.bytes)));
    }
    let listed: FileHashes = state.files().cloned().unwrap_or_default();
    for (file, bytes) in expected {
        let path = folder.join(&file);
        if !listed.contains_key(&file) || fs::read(&path).map_err(failed(&path))? != bytes {
            verified.faults.push(TrailFault::DoesNotFollow { file });
        }
    }
    Ok(())
}

fn configuration(record: &CaseRecord) -> String {
    let sha256 = record.provenance.options.get("configuration_sha256").and_then(|sha256| sha256.as_str());
    sha256.unwrap_or_default().to_owned()
}
