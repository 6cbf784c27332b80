//! Where the files of a report go: memory, or a folder that is checked before work starts and written whole or not at all.
//!
//! A file may lie in a folder of its own below, one level deep. Order: every file is written under a temporary name in
//! the same folder and flushed to the disk, and only when all of
//! them stand are they renamed. A failure before the renames leaves earlier files untouched; temporary files are
//! removed. Limits: the renames are one by one, so a power cut between two of them can leave files of two runs side by
//! side, each of them whole.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::durable::flush_folder;
use tempfile::{Builder, NamedTempFile};

use super::error::ReportError;

/// Writes the content of one file.
pub(super) type Content<'a> = &'a mut dyn FnMut(&mut (dyn Write + Send)) -> Result<(), ReportError>;

/// Takes the files of a report, one after another: a folder, or memory. A writer of a format gives it each file as a name and a
/// function that writes its content, so that a large file need never lie in memory as a whole.
pub(super) trait FileSink {
    /// Takes a file. The name may hold one `/`, behind the name of a folder.
    ///
    /// # Errors
    /// What the content says, and [`ReportError::Write`] where it cannot be written.
    fn file(&mut self, name: &str, content: Content<'_>) -> Result<(), ReportError>;

    /// Takes a file whose bytes are ready.
    ///
    /// # Errors
    /// [`ReportError::Write`] where it cannot be written.
    fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), ReportError> {
        self.file(name, &mut |writer| Ok(writer.write_all(bytes)?))
    }
}

/// A file of a report in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    /// Name below the output folder; at most one folder in front of it.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
}

impl FileSink for Vec<ReportFile> {
    fn file(&mut self, name: &str, content: Content<'_>) -> Result<(), ReportError> {
        let mut bytes = Vec::new();
        content(&mut bytes)?;
        self.push(ReportFile { name: name.to_owned(), bytes });
        Ok(())
    }
}

/// A folder that was found writable.
///
/// Folders made by [`OutputFolder::prepare`] are removed again where nothing is written into them.
#[derive(Debug)]
pub struct OutputFolder {
    folder: PathBuf,
    /// Folders that were missing, deepest first.
    created: Vec<PathBuf>,
}

impl OutputFolder {
    /// Makes the folder where it is missing and makes sure that files of these names can be written there; a name that
    /// ends with `/` is that of a folder.
    ///
    /// # Errors
    /// [`ReportError::Folder`], [`ReportError::NotAFolder`] or [`ReportError::Occupied`].
    pub fn prepare(folder: &Path, names: &[&str]) -> Result<Self, ReportError> {
        // An empty path means the working folder.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if folder.exists() && !folder.is_dir() {
            return Err(ReportError::NotAFolder { path: folder.to_owned() });
        }
        let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let created = folder.ancestors().take_while(missing).map(Path::to_owned).collect();
        let target = Self { folder: folder.to_owned(), created };

        let folder_error = |source| ReportError::Folder { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(folder_error)?;
        for name in names {
            let path = folder.join(name.trim_end_matches('/'));
            match (name.ends_with('/'), path.is_dir()) {
                (false, true) => return Err(ReportError::Occupied { path }),
                (true, false) if path.exists() => return Err(ReportError::NotAFolder { path }),
                _ => {}
            }
        }
        // The permission bits do not tell (read-only mounts, quotas, access lists): only writing does.
        drop(target.temporary("probe").map_err(folder_error)?);
        Ok(target)
    }

    /// Keeps the folder although nothing is written into it by this value.
    pub fn keep(mut self) {
        self.created.clear();
    }

    /// Path of a file in it.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes files by name and gives their paths.
    ///
    /// # Errors
    /// [`ReportError::Write`] where a file cannot be written or renamed.
    pub fn write(self, files: &[(&str, Vec<u8>)]) -> Result<Vec<PathBuf>, ReportError> {
        self.write_with(|staged| files.iter().try_for_each(|(name, bytes)| staged.bytes(name, bytes)))
    }

    /// Writes the files that `fill` gives and returns their paths.
    ///
    /// # Errors
    /// Those of `fill`, and [`ReportError::Write`] where a file cannot be written or renamed.
    pub(super) fn write_with(
        mut self,
        fill: impl FnOnce(&mut dyn FileSink) -> Result<(), ReportError>,
    ) -> Result<Vec<PathBuf>, ReportError> {
        let mut staged = Staged { folder: &mut self, files: Vec::new() };
        fill(&mut staged)?;
        let files = staged.files;
        let mut written = Vec::with_capacity(files.len());
        let mut folders = BTreeSet::from([self.folder.clone()]);
        for (file, path) in files {
            file.persist(&path).map_err(|error| ReportError::Write { path: path.clone(), source: error.error })?;
            self.created.clear();
            folders.extend(path.parent().map(Path::to_owned));
            written.push(path);
        }
        for folder in &folders {
            flush_folder(folder).map_err(|source| ReportError::Write { path: folder.clone(), source })?;
        }
        Ok(written)
    }

    /// Makes the folder of a file below the output folder where it is missing.
    fn make_parent(&mut self, path: &Path) -> io::Result<()> {
        match path.parent() {
            Some(parent) if parent != self.folder && !parent.exists() => {
                fs::create_dir(parent)?;
                self.created.insert(0, parent.to_owned());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A hidden file beside the reports, removed when dropped.
    fn temporary(&self, name: &str) -> io::Result<NamedTempFile> {
        let (below, name) = name.rsplit_once('/').unwrap_or(("", name));
        let prefix = format!(".{name}.");
        let mut builder = Builder::new();
        builder.prefix(&prefix).suffix(".partial");
        // Reports are as readable as any other file of the user; temporary files would be private.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(self.folder.join(below))
    }
}

/// Files that stand under temporary names, with the paths they are to have.
struct Staged<'a> {
    folder: &'a mut OutputFolder,
    files: Vec<(NamedTempFile, PathBuf)>,
}

impl FileSink for Staged<'_> {
    fn file(&mut self, name: &str, content: Content<'_>) -> Result<(), ReportError> {
        let path = self.folder.path_of(name);
        let mut write = || -> Result<_, ReportError> {
            self.folder.make_parent(&path)?;
            let mut file = self.folder.temporary(name)?;
            let mut writer = BufWriter::new(file.as_file_mut());
            content(&mut writer)?;
            writer.flush()?;
            drop(writer);
            file.as_file().sync_all()?;
            Ok(file)
        };
        let file = write().map_err(|error| match error {
            ReportError::Stream(source) => ReportError::Write { path: path.clone(), source },
            other => other,
        })?;
        self.files.push((file, path));
        Ok(())
    }
}

impl Drop for OutputFolder {
    fn drop(&mut self) {
        for folder in &self.created {
            // Only an empty folder goes; whatever else was put there stays, and there is nobody to tell.
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
}
