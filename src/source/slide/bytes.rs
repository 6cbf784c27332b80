//! Bytes of a slide's file at any place, from any thread; a slide is never read whole but for its hash.
//!
//! In: a regular file of any size. Out: exactly the bytes asked for, or a [`SourceProblem`]; a length is checked against
//! the file before memory is taken.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use super::MAX_TILE_BYTES;
use crate::source::SourceProblem;

/// Bytes of the pieces in which a file is hashed.
const HASH_PIECE_BYTES: usize = 1 << 20;

/// A file that is read at given places.
#[derive(Debug)]
pub(super) struct SlideBytes {
    path: PathBuf,
    file: File,
    length: u64,
    sha256: OnceLock<String>,
    #[cfg(not(unix))]
    turn: std::sync::Mutex<()>,
}

impl SlideBytes {
    pub(super) fn open(path: &Path) -> Result<Self, SourceProblem> {
        // Before it is opened: opening a named pipe waits for a writer, perhaps forever.
        if !fs::metadata(path)?.is_file() {
            return Err(SourceProblem::NotAFile);
        }
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        if length == 0 {
            return Err(SourceProblem::Empty);
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            length,
            sha256: OnceLock::new(),
            #[cfg(not(unix))]
            turn: std::sync::Mutex::new(()),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The bytes at a place; refused where they reach beyond the file.
    pub(super) fn at(&self, offset: u64, bytes: u64, format: &'static str) -> Result<Vec<u8>, SourceProblem> {
        let end = offset.checked_add(bytes).filter(|end| *end <= self.length);
        if end.is_none() {
            let found = format!("data up to byte {}, {} bytes in all", offset.saturating_add(bytes), self.length);
            return Err(SourceProblem::Truncated { format, found });
        }
        // Not more than the file holds, so it fits where the file was made or is mapped.
        let length = usize::try_from(bytes).map_err(|_| SourceProblem::TooMuchMemory { format })?;
        let mut buffer = vec![0; length];
        self.read_exact_at(&mut buffer, offset)?;
        Ok(buffer)
    }

    /// The bytes of a tile; refused where they are more than any tile has.
    pub(super) fn tile(&self, offset: u64, bytes: u64, format: &'static str) -> Result<Vec<u8>, SourceProblem> {
        if bytes > MAX_TILE_BYTES {
            return Err(SourceProblem::TooMuchMemory { format });
        }
        self.at(offset, bytes, format)
    }

    #[cfg(unix)]
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, buffer, offset)
    }

    #[cfg(not(unix))]
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        use std::io::{Seek, SeekFrom};
        let _turn = self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(buffer)
    }

    /// SHA-256 of the whole file, lower-case hexadecimal; computed once.
    pub(super) fn sha256(&self) -> Result<&str, SourceProblem> {
        if let Some(known) = self.sha256.get() {
            return Ok(known);
        }
        let mut file = File::open(&self.path)?;
        let (mut hash, mut piece) = (Sha256::new(), vec![0; HASH_PIECE_BYTES]);
        loop {
            match file.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => hash.update(&piece[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.sha256.get_or_init(|| hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
    }
}
