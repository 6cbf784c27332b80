//! Photographs: one file in, its pictures out.
//!
//! In: a JPEG, PNG, TIFF, BMP or WebP file by content. Out: upright 8-bit RGB, alpha over white, 16 bits scaled by
//! the depth in use, with the pixel size where the file says one and the SHA-256 of its bytes.
//!
//! Order: 1. size of the file against the limit, 2. its bytes are read once, 3. size of the picture by its header
//! against the limit, 4. decoding from memory, 5. EXIF orientation.
//!
//! Limits: the first frame of an animation is read; color profiles are not applied.

use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::durable::sha256_hex;
use flate2::Crc;
use image::error::ImageError;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::error::{SourceError, SourceProblem};
use super::field::{FieldPixels, SmearSource};
use super::file::DecodeLimits;
use super::format::{Content, Format, HEAD_BYTES, describe_head, le_u32};
use super::samples::{DecodedImage, rgb_of, upright};
use super::{jpeg, tiff_pages};

/// Decodes the picture at position `page` (from 0) of a file in memory; only TIFF has more than one.
///
/// # Errors
/// A [`SourceProblem`] where the bytes are no complete image of a format decoded here, or where it is beyond `limits`.
pub fn decode(bytes: &[u8], page: usize, limits: &DecodeLimits) -> Result<DecodedImage, SourceProblem> {
    match content_of(bytes)? {
        Format::Jpeg => {
            let (rgb, orientation) = jpeg::decode(bytes, limits)?;
            Ok(DecodedImage { rgb: upright(rgb, orientation), calibration: None })
        }
        Format::Tiff => tiff_pages::decode_page(bytes, page, limits),
        Format::Png => {
            check_png_chunks(bytes)?;
            decode_raster(bytes, Format::Png, ImageFormat::Png, limits)
        }
        Format::Bmp => decode_raster(bytes, Format::Bmp, ImageFormat::Bmp, limits),
        Format::WebP => decode_raster(bytes, Format::WebP, ImageFormat::WebP, limits),
    }
}

fn content_of(head: &[u8]) -> Result<Format, SourceProblem> {
    if head.is_empty() {
        return Err(SourceProblem::Empty);
    }
    let head = &head[..head.len().min(HEAD_BYTES)];
    match Content::of(head) {
        Content::Image(format) => Ok(format),
        Content::Foreign(format) => Err(SourceProblem::UnsupportedFormat { format }),
        Content::Unknown => Err(SourceProblem::NotAnImage { found: describe_head(head) }),
    }
}

/// Bytes of the signature in front of the chunks of a PNG.
const PNG_SIGNATURE_BYTES: usize = 8;
/// Bytes of a chunk's length, of its type and of its checksum.
const CHUNK_PART_BYTES: usize = 4;

/// Refuses a PNG in which a chunk up to the end of the picture does not have its checksum (PNG, W3C, third edition, 2025,
/// sections 5.3 and 5.5).
///
/// METHOD: decoders ignore a damaged chunk that they do not need. Transparency and orientation are such chunks, so that a
/// damaged one would give another picture without a word. A chunk that reaches beyond the file is left to the decoder,
/// which says that the file ends early.
fn check_png_chunks(bytes: &[u8]) -> Result<(), SourceProblem> {
    let mut rest = bytes.get(PNG_SIGNATURE_BYTES..).unwrap_or_default();
    while let Some((length, behind)) = rest.split_first_chunk::<CHUNK_PART_BYTES>() {
        let covered = CHUNK_PART_BYTES.saturating_add(u32::from_be_bytes(*length) as usize);
        let Some((kind_and_body, behind)) = behind.split_at_checked(covered) else { break };
        let Some((checksum, behind)) = behind.split_first_chunk::<CHUNK_PART_BYTES>() else { break };
        let mut counted = Crc::new();
        counted.update(kind_and_body);
        let kind = &kind_and_body[..CHUNK_PART_BYTES];
        if counted.sum() != u32::from_be_bytes(*checksum) {
            let found = format!("a wrong checksum in the chunk `{}`", kind.escape_ascii());
            return Err(SourceProblem::Corrupt { format: Format::Png.name(), found });
        }
        if kind == b"IEND" {
            break;
        }
        rest = behind;
    }
    Ok(())
}

/// Memory of a decoder beside its pixels, bytes: tables, palettes, text chunks.
const DECODER_MEMORY: u64 = 64 << 20;

fn decode_raster(
    bytes: &[u8],
    format: Format,
    image_format: ImageFormat,
    limits: &DecodeLimits,
) -> Result<DecodedImage, SourceProblem> {
    if format == Format::Bmp && bmp_is_run_length_coded(bytes) {
        let found = "run-length coding, which may leave pixels out".to_owned();
        return Err(SourceProblem::UnsupportedEncoding { format: format.name(), found });
    }
    let name = format.name();
    let mut reader = ImageReader::with_format(Cursor::new(bytes), image_format);
    let mut memory = image::Limits::no_limits();
    memory.max_alloc =
        Some(limits.max_pixels.saturating_mul(DecodeLimits::MAX_PIXEL_BYTES).saturating_add(DECODER_MEMORY));
    reader.limits(memory);
    let mut decoder = reader.into_decoder().map_err(|error| problem(error, name))?;
    let (width, height) = decoder.dimensions();
    limits.check_pixels(width, height)?;
    let orientation = decoder.orientation().map_err(|error| problem(error, name))?;
    let image = DynamicImage::from_decoder(decoder).map_err(|error| problem(error, name))?;
    Ok(DecodedImage { rgb: upright(rgb_of(image)?, orientation), calibration: None })
}

/// Whether a BMP is run-length coded (compression 1 or 2): such a stream may end early and leave pixels undefined.
fn bmp_is_run_length_coded(bytes: &[u8]) -> bool {
    const HEADER_SIZE_AT: usize = 14;
    const COMPRESSION_AT: usize = 30;
    le_u32(bytes, HEADER_SIZE_AT).is_some_and(|size| size >= 40) && matches!(le_u32(bytes, COMPRESSION_AT), Some(1 | 2))
}

fn problem(error: ImageError, format: &'static str) -> SourceProblem {
    match &error {
        ImageError::Unsupported(what) => {
            SourceProblem::UnsupportedEncoding { format, found: what.to_string().to_lowercase() }
        }
        ImageError::Limits(_) => SourceProblem::TooMuchMemory { format },
        other if ends_early(other) => SourceProblem::Truncated { format, found: "the end inside its data".to_owned() },
        other => SourceProblem::Corrupt { format, found: other.to_string().to_lowercase() },
    }
}

/// Whether the cause of an error is the end of the bytes.
fn ends_early(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|io| io.kind() == io::ErrorKind::UnexpectedEof)
}

/// A photograph on disk, or a TIFF file with several.
#[derive(Debug)]
pub(super) struct StillFile {
    path: PathBuf,
    limits: DecodeLimits,
    /// Positions of the pictures in the file, from 0.
    pages: Vec<usize>,
    held: Mutex<Held>,
}

/// Bytes of a file between the first and the last of its pages.
#[derive(Debug)]
struct Held {
    file: Option<Arc<FileBytes>>,
    unread_pages: usize,
}

#[derive(Debug)]
struct FileBytes {
    bytes: Vec<u8>,
    sha256: String,
}

impl StillFile {
    /// Opens a file, tells its format by content and lists its pictures; no pixel is read. The second value is why a
    /// page is not among them, where one is not.
    pub(super) fn open(path: &Path, limits: DecodeLimits) -> Result<(Self, Option<SourceProblem>), SourceProblem> {
        let (mut file, _) = limits.open(path)?;
        let mut head = Vec::with_capacity(HEAD_BYTES);
        (&mut file).take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        let (pages, left_out) = if content_of(&head)? == Format::Tiff {
            file.rewind()?;
            let listed = tiff_pages::pages(BufReader::new(file))?;
            (listed.pictures, listed.left_out)
        } else {
            (vec![0], None)
        };
        let held = Mutex::new(Held { file: None, unread_pages: pages.len() });
        Ok((Self { path: path.to_owned(), limits, pages, held }, left_out))
    }

    /// The file's bytes: read with its first page, dropped with its last.
    fn bytes(&self) -> Result<Arc<FileBytes>, SourceProblem> {
        // A reader that panicked left the bytes whole or absent: both are sound.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match held.file.take() {
            Some(file) => file,
            None => Arc::new(FileBytes::read(&self.path, &self.limits)?),
        };
        held.unread_pages = held.unread_pages.saturating_sub(1);
        if held.unread_pages > 0 {
            held.file = Some(Arc::clone(&file));
        }
        Ok(file)
    }
}

impl FileBytes {
    fn read(path: &Path, limits: &DecodeLimits) -> Result<Self, SourceProblem> {
        let bytes = limits.read(path)?;
        let sha256 = sha256_hex(&bytes);
        Ok(Self { bytes, sha256 })
    }
}

impl SmearSource for StillFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn field_suffixes(&self) -> Vec<String> {
        self.pages.iter().map(|page| if *page == 0 { String::new() } else { format!("#{}", page + 1) }).collect()
    }

    fn read(&self, index: usize) -> Result<FieldPixels, SourceError> {
        let at_path = |problem: SourceProblem| problem.at(&self.path);
        let file = self.bytes().map_err(at_path)?;
        let DecodedImage { rgb, calibration } =
            decode(&file.bytes, self.pages[index], &self.limits).map_err(at_path)?;
        Ok(FieldPixels { rgb, calibration, sha256: file.sha256.clone() })
    }
}

#[cfg(test)]
mod tests;
