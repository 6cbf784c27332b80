//! Where the reports of a specimen go: an [`OutputFolder`], the formats to write there, and `files.json`, which says of which
//! specimen the folder is and which files earlier runs wrote.
//!
//! METHOD: an output folder belongs to one specimen; the reports of two in one folder are a mixed-up patient. The same
//! specimen means: the accessions do not contradict each other (one may be missing), and of the images behind the two
//! records one set holds the other, by their SHA-256, so that a field may be added or taken away. A folder without
//! `files.json` is recognized by its `case.json`; other files in it stay.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::ReportError;
use super::folder::{Content, FileSink, OutputFolder};
use super::format::{ReportFormat, UnknownFormat};
use super::render::{CASE_FILE, write};
use super::settings::ReportSettings;
use crate::case::{Case, CaseRecord, InputFile, Job};

/// A folder that was found writable, and the formats to write there.
///
/// Folders made by [`ReportTarget::prepare`] are removed again where nothing is written into them.
#[derive(Debug)]
pub struct ReportTarget {
    path: PathBuf,
    folder: OutputFolder,
    formats: BTreeSet<ReportFormat>,
    held: BTreeSet<ReportFormat>,
}

/// What a run left in the folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WrittenReports {
    /// Files that were written, in the order of [`ReportFormat::ALL`].
    pub files: Vec<PathBuf>,
    /// Files of earlier runs that these take the place of; they are gone.
    pub removed: Vec<PathBuf>,
    /// Files of earlier runs, made from another record, that were not made again.
    pub left: Vec<PathBuf>,
}

/// Notes the name and the format of each file.
struct Noting<'a> {
    sink: &'a mut dyn FileSink,
    format: ReportFormat,
    names: &'a mut Vec<(ReportFormat, String)>,
}

impl FileSink for Noting<'_> {
    fn file(&mut self, name: &str, content: Content<'_>) -> Result<(), ReportError> {
        self.names.push((self.format, name.to_owned()));
        self.sink.file(name, content)
    }
}

impl ReportTarget {
    /// Makes the folder where it is missing and makes sure that every report can be written there.
    ///
    /// # Errors
    /// [`ReportError::Folder`], [`ReportError::NotAFolder`] or [`ReportError::Occupied`].
    pub fn prepare(folder: &Path, formats: &[ReportFormat]) -> Result<Self, ReportError> {
        let formats: BTreeSet<_> = formats.iter().copied().collect();
        let names: Vec<_> = formats.iter().flat_map(|format| format.fixed_names()).copied().collect();
        // An empty path means the working folder.
        let path = if folder.as_os_str().is_empty() { Path::new(".") } else { folder }.to_owned();
        Ok(Self { path, folder: OutputFolder::prepare(folder, &names)?, formats, held: BTreeSet::new() })
    }

    /// Keeps back the messages among the formats until a person signs the case; the folder says so.
    pub fn hold_messages(mut self) -> Self {
        self.held = self.formats.iter().copied().filter(|format| format.is_message()).collect();
        self.formats.retain(|format| !format.is_message());
        self
    }

    /// Refuses a folder that holds the reports of another accession: known before work starts, the images are not.
    ///
    /// # Errors
    /// [`ReportError::OtherSpecimen`], [`ReportError::ForeignFile`].
    pub fn check_accession(&self, accession: Option<&str>) -> Result<(), ReportError> {
        match Contents::of_folder(&self.path)? {
            Some(found) => found.check_accession(&self.path, accession),
            None => Ok(()),
        }
    }

    /// Writes the reports with settings by default.
    ///
    /// # Errors
    /// As [`ReportTarget::write_with`].
    pub fn write(self, case: &Case) -> Result<WrittenReports, ReportError> {
        self.write_with(case, &ReportSettings::default())
    }

    /// Writes the reports and removes what they take the place of.
    ///
    /// # Errors
    /// [`ReportError::OtherSpecimen`] where the folder is of another specimen, those of
    /// [`render_with`](super::render_with), and [`ReportError::Write`] where a file cannot be written or renamed.
    pub fn write_with(self, case: &Case, settings: &ReportSettings) -> Result<WrittenReports, ReportError> {
        let Self { path, folder, formats, held } = self;
        let found = Contents::of_folder(&path)?;
        if let Some(found) = &found {
            found.check(&path, &case.record)?;
        }
        let mut earlier = Earlier::default();
        let mut files = folder.write_with(|staged| {
            let mut names = Vec::new();
            for &format in &formats {
                write(format, case, settings, None, &mut Noting { sink: &mut *staged, format, names: &mut names })?;
            }
            let (mut contents, old) = Contents::after(&case.record, &names, found.as_ref())?;
            contents.held.extend(held.iter().map(|format| format.name().to_owned()));
            earlier = old;
            staged.bytes(CONTENTS_FILE, &contents.bytes()?)
        })?;
        // The list itself is no report; it is the last.
        files.pop();
        let removed = remove(&path, &earlier.superseded)?;
        Ok(WrittenReports { files, removed, left: earlier.left.iter().map(|name| path.join(name)).collect() })
    }
}

/// Name of the file that lists what a folder holds.
const CONTENTS_FILE: &str = "files.json";

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
struct Contents {
    accession: Option<String>,
    /// Images behind the latest record.
    inputs: Vec<InputFile>,
    /// Files by name.
    files: BTreeMap<String, Listed>,
    /// Formats that wait for a signature.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    held: BTreeSet<String>,
}

/// What a folder of reports holds, as its list says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderContents {
    /// Names of the files, the list itself last.
    pub files: Vec<String>,
    /// Formats that were written or wait for a signature; `Err` names one that this build cannot write.
    pub formats: Result<Vec<ReportFormat>, UnknownFormat>,
    /// Whether messages wait for a signature.
    pub holds_messages: bool,
}

impl FolderContents {
    /// What a folder holds; `None` where it has no list.
    ///
    /// # Errors
    /// [`ReportError::Folder`], [`ReportError::ForeignFile`].
    pub fn read(folder: &Path) -> Result<Option<Self>, ReportError> {
        let Some(contents) = Contents::of_folder(folder)?.filter(|contents| !contents.files.is_empty()) else {
            return Ok(None);
        };
        let written = contents.files.values().map(|listed| &listed.format);
        let names: BTreeSet<&String> = written.chain(&contents.held).collect();
        let formats = names.iter().map(|name| name.parse()).collect();
        let files = contents.files.keys().filter(|name| is_plain(name)).cloned();
        let files = files.chain([CONTENTS_FILE.to_owned()]).collect();
        Ok(Some(Self { files, formats, holds_messages: !contents.held.is_empty() }))
    }
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
struct Earlier {
    /// Of formats that are written now, under names that are not: out of date.
    pub superseded: Vec<String>,
    /// Of formats that are not written now, made from another record.
    pub left: Vec<String>,
}

impl Contents {
    /// What a folder holds; `None` where it holds no report.
    fn of_folder(folder: &Path) -> Result<Option<Self>, ReportError> {
        let of = |name: &str| -> Result<Option<Vec<u8>>, ReportError> {
            match fs::read(folder.join(name)) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(ReportError::Folder { path: folder.join(name), source }),
                Ok(bytes) => Ok(Some(bytes)),
            }
        };
        let foreign = |name: &str| ReportError::ForeignFile { path: folder.join(name) };
        if let Some(bytes) = of(CONTENTS_FILE)? {
            return serde_json::from_slice(&bytes).map(Some).map_err(|_| foreign(CONTENTS_FILE));
        }
        let Some(bytes) = of(CASE_FILE)? else { return Ok(None) };
        let recorded: Recorded = serde_json::from_slice(&bytes).map_err(|_| foreign(CASE_FILE))?;
        let (accession, inputs) = (recorded.accession, recorded.provenance.inputs);
        Ok(Some(Self { accession, inputs, files: BTreeMap::new(), held: BTreeSet::new() }))
    }

    /// What a folder holds after a run that writes these files, in place of what it held.
    fn after(
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
        let held = earlier.iter().flat_map(|earlier| earlier.held.iter().cloned());
        let held = held.filter(|name| !formats.contains(name.as_str())).collect();
        Ok((Self { accession, inputs, files, held }, old))
    }

    fn bytes(&self) -> Result<Vec<u8>, ReportError> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Refuses an accession that contradicts the folder's.
    fn check_accession(&self, folder: &Path, accession: Option<&str>) -> Result<(), ReportError> {
        match (self.accession.as_deref(), accession) {
            (Some(found), Some(given)) if found != given => Err(self.other(folder, Some(given), &[])),
            _ => Ok(()),
        }
    }

    /// Refuses a record of another specimen.
    fn check(&self, folder: &Path, record: &CaseRecord) -> Result<(), ReportError> {
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
fn remove(folder: &Path, names: &[String]) -> Result<Vec<PathBuf>, ReportError> {
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn temporary_folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder")
    }

    #[test]
    fn folders_made_for_nothing_go_again() {
        let base = temporary_folder();
        let target = ReportTarget::prepare(&base.path().join("a/b"), &ReportFormat::ALL).expect("a writable folder");
        assert!(base.path().join("a/b").is_dir());
        drop(target);
        assert!(!base.path().join("a").exists());
        assert!(base.path().is_dir());
    }

    #[test]
    fn a_folder_that_was_there_stays() {
        let base = temporary_folder();
        drop(ReportTarget::prepare(base.path(), &[ReportFormat::Csv]).expect("a writable folder"));
        assert!(base.path().is_dir());
        assert_eq!(fs::read_dir(base.path()).expect("a folder").count(), 0, "the probe is gone");
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let base = temporary_folder();
        let file = base.path().join("out");
        fs::write(&file, "kept").expect("a file");
        let error = ReportTarget::prepare(&file, &ReportFormat::ALL).expect_err("a file is no folder");
        assert!(matches!(&error, ReportError::NotAFolder { path } if *path == file), "{error:?}");
        let error = ReportTarget::prepare(&file.join("below"), &ReportFormat::ALL).expect_err("nor is its inside");
        assert!(matches!(&error, ReportError::Folder { .. }), "{error:?}");
        assert_eq!(fs::read_to_string(&file).expect("still there"), "kept");
    }

    #[test]
    fn a_folder_in_place_of_a_report_is_named() {
        let base = temporary_folder();
        fs::create_dir(base.path().join("report.html")).expect("a folder");
        let error = ReportTarget::prepare(base.path(), &ReportFormat::ALL).expect_err("cannot be replaced");
        assert!(matches!(&error, ReportError::Occupied { path } if path.ends_with("report.html")), "{error:?}");
        ReportTarget::prepare(base.path(), &[ReportFormat::Json]).expect("other formats are free");
    }

    /// A minimal `case.json` of any version.
    fn record(folder: &Path, accession: &str, images: &[&str]) {
        let inputs: Vec<_> =
            images.iter().map(|image| serde_json::json!({"file": format!("{image}.png"), "sha256": image})).collect();
        let json = serde_json::json!({"accession": accession, "provenance": {"inputs": inputs}});
        fs::write(folder.join("case.json"), json.to_string()).expect("written");
    }

    #[test]
    fn a_folder_of_another_accession_is_refused_before_work_starts() {
        let base = temporary_folder();
        record(base.path(), "S-1", &["a", "b", "c", "d"]);
        let target = ReportTarget::prepare(base.path(), &ReportFormat::ALL).expect("a writable folder");
        target.check_accession(Some("S-1")).expect("the same");
        target.check_accession(None).expect("nothing contradicts");
        let error = target.check_accession(Some("S-2")).expect_err("another one").to_string();
        assert!(error.contains("this specimen (accession `S-2`)"), "{error}");
        assert!(
            error.contains("(accession `S-1`, images a.png, b.png, c.png, 1 more); name another folder"),
            "{error}"
        );
        fs::write(base.path().join("case.json"), "notes").expect("written");
        let error = target.check_accession(None).expect_err("no record");
        assert!(matches!(error, ReportError::ForeignFile { .. }), "{error}");
    }

    #[test]
    fn repeated_formats_are_written_once() {
        let base = temporary_folder();
        let formats = [ReportFormat::Html, ReportFormat::Json, ReportFormat::Html];
        let target = ReportTarget::prepare(base.path(), &formats).expect("a writable folder");
        assert_eq!(target.formats.into_iter().collect::<Vec<_>>(), [ReportFormat::Json, ReportFormat::Html]);
    }
}
