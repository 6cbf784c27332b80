//! Files that stand whole or not at all, and hashes of files.
//!
//! A file is written under a hidden name beside its own, flushed to the disk and renamed. What a killed run leaves is called
//! `.NAME.partial` ([`is_partial`]), and the next write of the same file takes its place.
//!
//! Limits: a rename is durable once its folder is flushed too ([`flush_folder`]); only Unix can do that.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Ends the hidden name of a file while it is written.
const PARTIAL: &str = ".partial";

/// Bytes of a file that are hashed at once.
const BLOCK_BYTES: usize = 1 << 16;

/// Whether a file of this name was being written when a run was killed.
pub fn is_partial(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(PARTIAL)
}

/// Writes a file whole or not at all.
///
/// # Errors
/// The file cannot be written or renamed; an earlier file of the name then stands as it was.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with(path, |writer| writer.write_all(bytes))
}

/// Writes what `fill` gives, whole or not at all: the content may be larger than memory.
///
/// # Errors
/// Those of `fill`, or the file cannot be written or renamed.
pub fn write_with<E: From<io::Error>>(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<(), E> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = path.with_file_name(format!(".{name}{PARTIAL}"));
    let mut writer = BufWriter::new(File::create(&partial)?);
    fill(&mut writer)?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(fs::rename(&partial, path)?)
}

/// Gives a folder another name, in place of a folder that has it, and makes that durable.
///
/// # Errors
/// The old folder cannot be removed, or the new one cannot be moved.
pub fn replace_folder(from: &Path, to: &Path) -> io::Result<()> {
    remove_folder(to)?;
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), flush_folder)
}

/// Makes the renames in a folder durable; only Unix lets a folder be flushed.
///
/// # Errors
/// The folder cannot be opened or flushed.
pub fn flush_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Removes a file; whether it was there.
///
/// # Errors
/// It is there and cannot be removed.
pub fn remove_file(path: &Path) -> io::Result<bool> {
    was_there(fs::remove_file(path))
}

/// Removes a folder with everything in it; whether it was there.
///
/// # Errors
/// It is there and cannot be removed.
pub fn remove_folder(path: &Path) -> io::Result<bool> {
    was_there(fs::remove_dir_all(path))
}

fn was_there(removed: io::Result<()>) -> io::Result<bool> {
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// SHA-256 of bytes, lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of everything that a reader gives, lower-case hexadecimal; it may be larger than memory.
///
/// # Errors
/// It cannot be read to its end.
pub fn sha256_of(mut reader: impl Read) -> io::Result<String> {
    let (mut hasher, mut block) = (Sha256::new(), vec![0; BLOCK_BYTES]);
    loop {
        match reader.read(&mut block) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(read) => hasher.update(&block[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_published_one() {
        // FIPS 180-2, appendix B.1.
        let published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), published);
        assert_eq!(sha256_of(&b"abc"[..]).expect("readable"), published);
        let long = vec![7; 3 * BLOCK_BYTES + 1];
        assert_eq!(sha256_of(&long[..]).expect("readable"), sha256_hex(&long));
    }

    #[test]
    fn a_write_that_fails_leaves_the_earlier_file_and_a_name_that_is_known_as_partial() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.json");
        write(&path, b"one").expect("written");
        let failed = write_with(&path, |writer| {
            writer.write_all(b"two")?;
            Err(io::Error::other("the disk is full"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).expect("a file"), b"one");
        let names = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let left: Vec<String> =
            names.map(|name| name.to_string_lossy().into_owned()).filter(|name| is_partial(name)).collect();
        assert_eq!(left, [".a.json.partial"]);
        write(&path, b"three").expect("written");
        assert_eq!((fs::read(&path).expect("a file"), remove_file(&path).expect("there")), (b"three".to_vec(), true));
        assert!(!remove_file(&path).expect("gone"));
    }

    #[test]
    fn a_folder_takes_the_place_of_another() {
        let base = tempfile::tempdir().expect("a folder");
        let (from, to) = (base.path().join("from"), base.path().join("to"));
        for (folder, name) in [(&from, "new"), (&to, "old")] {
            fs::create_dir(folder).expect("a folder");
            fs::write(folder.join(name), "").expect("written");
        }
        replace_folder(&from, &to).expect("moved");
        assert!(to.join("new").exists() && !to.join("old").exists() && !from.exists());
        assert!(remove_folder(&to).expect("there") && !remove_folder(&to).expect("gone"));
    }
}
