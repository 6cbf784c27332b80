//! Files that are whole or not there: written under a temporary name in the same folder, then renamed.
//!
//! Limits: an earlier file of the name is replaced by the rename; a power cut can lose the last files, never half one.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// A temporary file in a folder, hidden and removed when dropped; `persist` gives it its name.
pub(super) fn partial(folder: &Path, name: &str) -> io::Result<NamedTempFile> {
    let prefix = format!(".{name}.");
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(".partial");
    // As readable as any other file of the user; temporary files would be private.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Writes a file whole or not at all.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = partial(folder, &path.file_name().unwrap_or_default().to_string_lossy())?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("below").join("a.txt");
        replace(&path, b"first").expect("written");
        replace(&path, b"second").expect("written again");
        assert_eq!(fs::read(&path).expect("a file"), b"second");
        assert_eq!(fs::read_dir(folder.path().join("below")).expect("a folder").count(), 1);
        fs::create_dir(folder.path().join("taken")).expect("a folder");
        replace(&folder.path().join("taken"), b"x").expect_err("a folder is in the way");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "the temporary file is gone");
    }
}
