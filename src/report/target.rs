//! Where the reports go: an [`OutputFolder`] and the formats to write there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{OutputFolder, ReportError, ReportFormat, ReportSettings, write};
use crate::case::Case;

/// A folder that was found writable, and the formats to write there.
///
/// Folders made by [`ReportTarget::prepare`] are removed again where nothing is written into them.
#[derive(Debug)]
pub struct ReportTarget {
    folder: OutputFolder,
    formats: BTreeSet<ReportFormat>,
}

impl ReportTarget {
    /// Makes the folder where it is missing and makes sure that every report can be written there.
    ///
    /// # Errors
    /// [`ReportError::Folder`], [`ReportError::NotAFolder`] or [`ReportError::Occupied`].
    pub fn prepare(folder: &Path, formats: &[ReportFormat]) -> Result<Self, ReportError> {
        let formats: BTreeSet<_> = formats.iter().copied().collect();
        let names: Vec<_> = formats.iter().flat_map(|format| format.fixed_names()).copied().collect();
        Ok(Self { folder: OutputFolder::prepare(folder, &names)?, formats })
    }

    /// Writes the reports, with settings by default, and gives the paths of their files in the order of
    /// [`ReportFormat::ALL`].
    ///
    /// # Errors
    /// As [`ReportTarget::write_with`].
    pub fn write(self, case: &Case) -> Result<Vec<PathBuf>, ReportError> {
        self.write_with(case, &ReportSettings::default())
    }

    /// Writes the reports and gives the paths of their files.
    ///
    /// # Errors
    /// Those of [`render_with`](super::render_with), and [`ReportError::Write`] where a file cannot be written or renamed.
    pub fn write_with(self, case: &Case, settings: &ReportSettings) -> Result<Vec<PathBuf>, ReportError> {
        let formats = self.formats;
        self.folder
            .write_with(|staged| formats.iter().try_for_each(|&format| write(format, case, settings, None, staged)))
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

    #[test]
    fn repeated_formats_are_written_once() {
        let base = temporary_folder();
        let formats = [ReportFormat::Html, ReportFormat::Json, ReportFormat::Html];
        let target = ReportTarget::prepare(base.path(), &formats).expect("a writable folder");
        assert_eq!(target.formats.into_iter().collect::<Vec<_>>(), [ReportFormat::Json, ReportFormat::Html]);
    }
}
