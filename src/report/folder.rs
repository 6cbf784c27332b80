//! A folder of files that is checked before work starts and written whole or not at all.
//!
//! Order: every file is written under a temporary name in the same folder and flushed to the disk, and only when all of
//! them stand are they renamed. A failure before the renames leaves earlier files untouched; temporary files are
//! removed. Limits: the renames are one by one, so a power cut between two of them can leave files of two runs side by
//! side, each of them whole.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::ReportError;

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
    /// Makes the folder where it is missing and makes sure that files of these names can be written there.
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
        if let Some(path) = names.iter().map(|name| folder.join(name)).find(|path| path.is_dir()) {
            return Err(ReportError::Occupied { path });
        }
        // The permission bits do not tell (read-only mounts, quotas, access lists): only writing does.
        drop(target.temporary("probe").map_err(folder_error)?);
        Ok(target)
    }

    /// Path of a file in it.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes files by name and gives their paths.
    ///
    /// # Errors
    /// [`ReportError::Write`] where a file cannot be written or renamed.
    pub fn write(mut self, files: &[(&str, Vec<u8>)]) -> Result<Vec<PathBuf>, ReportError> {
        let staged = files.iter().map(|(name, bytes)| self.stage(name, bytes)).collect::<Result<Vec<_>, _>>()?;
        let mut written = Vec::with_capacity(staged.len());
        for (file, path) in staged {
            file.persist(&path).map_err(|error| ReportError::Write { path: path.clone(), source: error.error })?;
            self.created.clear();
            written.push(path);
        }
        self.flush_folder()?;
        Ok(written)
    }

    fn stage(&self, name: &str, bytes: &[u8]) -> Result<(NamedTempFile, PathBuf), ReportError> {
        let path = self.path_of(name);
        let write = || {
            let mut file = self.temporary(name)?;
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
