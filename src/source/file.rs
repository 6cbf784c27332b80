//! Bytes of a file within limits: read whole, or at any place and from any thread.
//!
//! In: a path. Out: exactly the bytes asked for, or a [`SourceProblem`]. A length is checked against the file before memory
//! is taken. A photograph is read whole; a slide is read whole only for its hash, piece by piece.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::durable::hex;
use sha2::{Digest, Sha256};

use super::error::SourceProblem;

/// Bytes of the pieces in which a file is hashed.
const HASH_PIECE_BYTES: u64 = 1 << 20;

/// Most bytes that a tile of a slide is stored in: the largest tile that is read, three samples of 16 bits, not packed.
const MAX_TILE_BYTES: u64 = 400 << 20;

/// How much a file may ask for. Checked on sizes and headers, before memory is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Most pixels of a picture.
    pub max_pixels: u64,
    /// Most bytes of a file.
    pub max_file_bytes: u64,
}

impl DecodeLimits {
    /// Default for [`Self::max_pixels`]: twice the 50 megapixels of the largest microscope cameras. As RGB that is 300
    /// MB; a scanned slide is larger and is read by tiles instead.
    pub const DEFAULT_MAX_PIXELS: u64 = 100_000_000;

    /// Default for [`Self::max_file_bytes`], 1 GiB: the largest picture of [`Self::DEFAULT_MAX_PIXELS`] as RGBA of 16
    /// bits without compression (800 MB) fits.
    pub const DEFAULT_MAX_FILE_BYTES: u64 = 1 << 30;

    /// Bytes of the largest pixel that is decoded: RGBA of 16 bits.
    pub(crate) const MAX_PIXEL_BYTES: u64 = 8;

    /// Refuses a picture without pixels or with too many.
    pub(super) fn check_pixels(&self, width: u32, height: u32) -> Result<(), SourceProblem> {
        if width == 0 || height == 0 {
            return Err(SourceProblem::ZeroSized { width, height });
        }
        if u64::from(width) * u64::from(height) > self.max_pixels {
            return Err(SourceProblem::TooManyPixels { width, height, limit: self.max_pixels });
        }
        Ok(())
    }

    fn check_bytes(&self, bytes: u64) -> Result<(), SourceProblem> {
        if bytes > self.max_file_bytes {
            return Err(SourceProblem::TooManyBytes { bytes, limit: self.max_file_bytes });
        }
        Ok(())
    }

    /// Opens a file and tells its size in bytes; refused where it is empty, too large or no regular file.
    pub(super) fn open(&self, path: &Path) -> Result<(File, u64), SourceProblem> {
        let (file, length) = open(path)?;
        self.check_bytes(length)?;
        Ok((file, length))
    }

    /// The bytes of a file; a file that grows while it is read stops at the limit.
    pub(super) fn read(&self, path: &Path) -> Result<Vec<u8>, SourceProblem> {
        let (file, length) = self.open(path)?;
        let mut bytes = Vec::with_capacity(length as usize);
        file.take(self.max_file_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
        self.check_bytes(bytes.len() as u64)?;
        Ok(bytes)
    }
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { max_pixels: Self::DEFAULT_MAX_PIXELS, max_file_bytes: Self::DEFAULT_MAX_FILE_BYTES }
    }
}

/// Opens a regular file that is not empty, and tells its size in bytes.
fn open(path: &Path) -> Result<(File, u64), SourceProblem> {
    // Before it is opened: opening a named pipe waits for a writer, perhaps forever.
    if !fs::metadata(path)?.is_file() {
        return Err(SourceProblem::NotAFile);
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length == 0 { Err(SourceProblem::Empty) } else { Ok((file, length)) }
}

/// A file of any size that is read at given places.
#[derive(Debug)]
pub(super) struct SlideBytes {
    path: PathBuf,
    file: File,
    length: u64,
    #[cfg(not(unix))]
    turn: std::sync::Mutex<()>,
}

impl SlideBytes {
    pub(super) fn open(path: &Path) -> Result<Self, SourceProblem> {
        let (file, length) = open(path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            length,
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

    /// SHA-256 of the whole file, lower-case hexadecimal; given up as soon as `stop` is set.
    pub(super) fn sha256(&self, stop: &AtomicBool) -> Result<String, SourceProblem> {
        let mut hash = Sha256::new();
        for offset in (0..self.length).step_by(HASH_PIECE_BYTES as usize) {
            if stop.load(Ordering::Relaxed) {
                return Err(SourceProblem::Interrupted);
            }
            hash.update(self.at(offset, HASH_PIECE_BYTES.min(self.length - offset), "slide")?);
        }
        Ok(hex(&hash.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use crate::durable::sha256_hex;

    use super::*;

    #[test]
    fn pixels_and_bytes_are_limited_on_both_sides() {
        let limits = DecodeLimits { max_pixels: 12, max_file_bytes: 5 };
        assert!(limits.check_pixels(4, 3).is_ok());
        assert!(matches!(
            limits.check_pixels(13, 1),
            Err(SourceProblem::TooManyPixels { width: 13, height: 1, limit: 12 })
        ));
        assert!(matches!(limits.check_pixels(u32::MAX, u32::MAX), Err(SourceProblem::TooManyPixels { .. })));
        assert!(matches!(limits.check_pixels(0, 3), Err(SourceProblem::ZeroSized { width: 0, height: 3 })));
        assert!(limits.check_bytes(5).is_ok());
        assert!(matches!(limits.check_bytes(6), Err(SourceProblem::TooManyBytes { bytes: 6, limit: 5 })));
    }

    #[test]
    fn a_file_is_hashed_in_pieces_until_the_flag_is_set() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("slide");
        let content = vec![7u8; HASH_PIECE_BYTES as usize + 3];
        fs::write(&path, &content).expect("written");
        let file = SlideBytes::open(&path).expect("a file");
        assert_eq!(file.sha256(&AtomicBool::new(false)).expect("read"), sha256_hex(&content));
        assert!(matches!(file.sha256(&AtomicBool::new(true)), Err(SourceProblem::Interrupted)));
    }
}
