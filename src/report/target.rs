//! Where the reports go: an [`OutputFolder`] and the formats to write there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::contents::{self, Contents};
use super::sink::{Content, FileSink};
use super::{OutputFolder, ReportError, ReportFormat, ReportSettings, write};
use crate::case::Case;

/// A folder that was found writable, and the formats to write there.
///
/// Folders made by [`ReportTarget::prepare`] are removed again where nothing is written into them.
#[derive(Debug)]
pub struct ReportTarget {
    path: PathBuf,
    folder: OutputFolder,
    formats: BTreeSet<ReportFormat>,
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
        Ok(Self { path, folder: OutputFolder::prepare(folder, &names)?, formats })
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
        let Self { path, folder, formats } = self;
        let found = Contents::of_folder(&path)?;
        if let Some(found) = &found {
            found.check(&path, &case.record)?;
        }
        let mut earlier = contents::Earlier::default();
        let mut files = folder.write_with(|staged| {
            let mut names = Vec::new();
            for &format in &formats {
                write(format, case, settings, None, &mut Noting { sink: &mut *staged, format, names: &mut names })?;
            }
            let (contents, old) = Contents::after(&case.record, &names, found.as_ref())?;
            earlier = old;
            staged.bytes(contents::FILE, &contents.bytes()?)
        })?;
        // The list itself is no report; it is the last.
        files.pop();
        let removed = contents::remove(&path, &earlier.superseded)?;
        Ok(WrittenReports { files, removed, left: earlier.left.iter().map(|name| path.join(name)).collect() })
    }
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
