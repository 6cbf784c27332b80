//! Where the reports go: checked before work starts, written whole or not at all.
//!
//! Order: every report is rendered, then written under a temporary name in the same folder and flushed to the disk,
//! and only when all of them stand are they renamed. A failure before the renames leaves an earlier report untouched;
//! temporary files are removed. Limits: the renames are one by one, so a power cut between two of them can leave
//! reports of two runs side by side, each of them whole.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::{ReportError, ReportFormat, render};
use crate::case::Case;

/// A folder that was found writable, and the formats to write there.
///
/// Folders made by [`ReportTarget::prepare`] are removed again where nothing is written into them.
#[derive(Debug)]
pub struct ReportTarget {
    folder: PathBuf,
    formats: BTreeSet<ReportFormat>,
    /// Folders that were missing, deepest first.
    created: Vec<PathBuf>,
}

impl ReportTarget {
    /// Makes the folder where it is missing and makes sure that every report can be written there.
    ///
    /// # Errors
    /// [`ReportError::Folder`], [`ReportError::NotAFolder`] or [`ReportError::Occupied`].
    pub fn prepare(folder: &Path, formats: &[ReportFormat]) -> Result<Self, ReportError> {
        // An empty path means the working folder.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if folder.exists() && !folder.is_dir() {
            return Err(ReportError::NotAFolder { path: folder.to_owned() });
        }
        let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let created = folder.ancestors().take_while(missing).map(Path::to_owned).collect();
        let target = Self { folder: folder.to_owned(), formats: formats.iter().copied().collect(), created };

        let folder_error = |source| ReportError::Folder { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(folder_error)?;
        if let Some(path) = target.paths().find(|path| path.is_dir()) {
            return Err(ReportError::Occupied { path });
        }
        // The permission bits do not tell (read-only mounts, quotas, access lists): only writing does.
        drop(target.temporary("probe").map_err(folder_error)?);
        Ok(target)
    }

    /// Files that [`ReportTarget::write`] leaves, in the order of [`ReportFormat::ALL`].
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.formats.iter().map(|format| self.folder.join(format.file_name()))
    }

    /// Writes the reports and gives their paths.
    ///
    /// # Errors
    /// Those of [`render`], and [`ReportError::Write`] where a file cannot be written or renamed.
    pub fn write(mut self, case: &Case) -> Result<Vec<PathBuf>, ReportError> {
        let mut rendered = Vec::with_capacity(self.formats.len());
        for &format in &self.formats {
            rendered.push((format, render(format, case)?));
        }
        let mut staged = Vec::with_capacity(rendered.len());
        for (format, bytes) in &rendered {
            staged.push(self.stage(*format, bytes)?);
        }
        let mut written = Vec::with_capacity(staged.len());
        for (file, path) in staged {
            file.persist(&path).map_err(|error| ReportError::Write { path: path.clone(), source: error.error })?;
            self.created.clear();
            written.push(path);
        }
        self.flush_folder()?;
        Ok(written)
    }

    fn stage(&self, format: ReportFormat, bytes: &[u8]) -> Result<(NamedTempFile, PathBuf), ReportError> {
        let path = self.folder.join(format.file_name());
        let write = || {
            let mut file = self.temporary(format.file_name())?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        let file = write().map_err(|source| ReportError::Write { path: path.clone(), source })?;
        Ok((file, path))
    }

    /// A hidden file beside the reports, removed when dropped.
    fn temporary(&self, name: &str) -> io::Result<NamedTempFile> {
        let prefix = format!(".{name}.");
        let mut builder = Builder::new();
        builder.prefix(&prefix).suffix(".partial");
        // Reports are as readable as any other file of the user; temporary files would be private.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(&self.folder)
    }

    /// Makes the renames themselves durable; only Unix lets a folder be flushed.
    fn flush_folder(&self) -> Result<(), ReportError> {
        #[cfg(unix)]
        fs::File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| ReportError::Write { path: self.folder.clone(), source })?;
        Ok(())
    }
}

impl Drop for ReportTarget {
    fn drop(&mut self) {
        for folder in &self.created {
            // Only an empty folder goes; whatever else was put there stays, and there is nobody to tell.
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
        let names: Vec<_> = target.paths().filter_map(|path| path.file_name().map(ToOwned::to_owned)).collect();
        assert_eq!(names, ["case.json", "report.html"]);
    }
}
