//! The fields of a case as one file beside `case.json`, so that a report can be made again without the images.
//!
//! Format: gzip of JSON Lines in UTF-8. The first line is an [`ArchiveHeader`]; one line for each field follows in the
//! order of the record: name, preview (JPEG, base64), objects with outline, measures and status, tiles (PNG, base64).
//! Numbers are written with the digits that read back to the same double, so that a report made again has the same bytes.
//!
//! In: at most [`MAX_ARCHIVE_BYTES`] after decompression, in lines of at most [`MAX_LINE_BYTES`]. Limits: an archive belongs to
//! one count. The hash over inputs, model and count tells another record, beside which the archive is refused.

use std::io::{BufRead, BufReader, BufWriter, Read, Write};

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Serialize};

use super::count_record::CountRecord;
use super::field::{CaseField, base64_text};
use super::fields::CaseFields;
use super::provenance::InputFile;
use super::record::CaseRecord;
use crate::durable::sha256_hex;

/// Largest archive that is read, bytes after decompression: about a hundred thousand cells with their pictures.
pub const MAX_ARCHIVE_BYTES: u64 = 4 << 30;

/// Level of the compression.
///
/// METHOD: on a hundred photographs level 6 took a fifth of the whole job; level 2 writes 4 % more bytes in a fraction of
/// that, level 1 42 % more.
const COMPRESSION_LEVEL: u32 = 2;

/// Bytes that the compressor is given at once.
const PIECE_BYTES: usize = 1 << 16;

/// Longest line, bytes: ten times a field of five thousand cells with their outlines and pictures. A line is held in
/// memory as a whole, so a small file that decompresses to one endless line must stop here.
pub const MAX_LINE_BYTES: u64 = 256 << 20;

/// Version of the format.
const ARCHIVE_VERSION: u32 = 1;

/// First line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArchiveHeader {
    archive_version: u32,
    /// SHA-256 over the canonical JSON of provenance inputs and count.
    counted_sha256: String,
    fields: usize,
    /// A picture of each slide, JPEG.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    thumbnails: Vec<Thumbnail>,
}

/// A JPEG.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Thumbnail(#[serde(with = "base64_text")] Vec<u8>);

/// Why an archive cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It cannot be read or decompressed.
    #[error("expected a compressed archive of fields; run `analyze` again")]
    Read(#[from] std::io::Error),
    /// A line is no JSON of this format, or an outline, a probability or a picture in it is not sound.
    #[error("line {line}: expected a field of an archive; run `analyze` again")]
    Line {
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A line is longer than a field.
    #[error("line {line}: expected at most {MAX_LINE_BYTES} bytes, found more; run `analyze` again")]
    LongLine {
        /// Line, from 1.
        line: usize,
    },
    /// It belongs to another record, or to another version of the program.
    #[error("expected the archive of this record, found that of another one; keep both files of a case together")]
    OtherRecord,
    /// Fields are missing or too many.
    #[error("expected {expected} fields in the order of the record, found {found}; run `analyze` again")]
    Fields {
        /// Fields of the record.
        expected: usize,
        /// Fields in the archive up to the first that differs.
        found: usize,
    },
}

/// What binds an archive to its record: the images and the count. Order, panel and time of issue may change later.
fn counted_sha256(record: &CaseRecord) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Counted<'a> {
        count: &'a CountRecord,
        inputs: &'a [InputFile],
        model: &'a str,
    }
    let (provenance, count) = (&record.provenance, record.software_count());
    let counted = Counted { count, inputs: &provenance.inputs, model: &provenance.model.sha256 };
    Ok(sha256_hex(&serde_json_canonicalizer::to_vec(&counted)?))
}

/// Writes the fields of a record.
///
/// # Errors
/// What the writer says.
pub fn write_fields(record: &CaseRecord, fields: &CaseFields, archive: impl Write) -> std::io::Result<()> {
    // No name and no time in the header: the same fields give the same bytes.
    let gzip = GzBuilder::new().write(archive, Compression::new(COMPRESSION_LEVEL));
    // The compressor is given large pieces, because every call of it costs.
    let mut gzip = BufWriter::with_capacity(PIECE_BYTES, gzip);
    let header = ArchiveHeader {
        archive_version: ARCHIVE_VERSION,
        counted_sha256: counted_sha256(record)?,
        fields: fields.len(),
        thumbnails: fields.thumbnails().iter().map(|jpeg| Thumbnail(jpeg.clone())).collect(),
    };
    serde_json::to_writer(&mut gzip, &header)?;
    for field in fields.iter() {
        gzip.write_all(b"\n")?;
        serde_json::to_writer(&mut gzip, &field?)?;
    }
    gzip.write_all(b"\n")?;
    gzip.into_inner().map_err(std::io::IntoInnerError::into_error)?.finish().map(drop)
}

/// Reads the fields of a record.
///
/// # Errors
/// [`ArchiveError`].
pub fn read_fields(record: &CaseRecord, archive: impl Read) -> Result<CaseFields, ArchiveError> {
    let limited = GzDecoder::new(archive).take(MAX_ARCHIVE_BYTES);
    let mut reader = BufReader::new(limited);
    let mut text = Vec::new();
    if !next_line(&mut reader, 1, &mut text)? {
        return Err(ArchiveError::OtherRecord);
    }
    let header: ArchiveHeader = parsed(1, &text)?;
    let same = counted_sha256(record).is_ok_and(|counted| counted == header.counted_sha256);
    if header.archive_version != ARCHIVE_VERSION || !same {
        return Err(ArchiveError::OtherRecord);
    }
    let mut fields = CaseFields::default();
    header.thumbnails.into_iter().for_each(|Thumbnail(jpeg)| fields.push_thumbnail(jpeg));
    for line in 2.. {
        if !next_line(&mut reader, line, &mut text)? {
            break;
        }
        let field: CaseField = parsed(line, &text)?;
        if record.fields.get(fields.len()).is_none_or(|expected| expected.field != field.field) {
            return Err(ArchiveError::Fields { expected: record.fields.len(), found: fields.len() });
        }
        fields.push(&field)?;
    }
    if fields.len() != record.fields.len() {
        return Err(ArchiveError::Fields { expected: record.fields.len(), found: fields.len() });
    }
    Ok(fields)
}

/// Reads a line into `text`; `false` at the end.
fn next_line(reader: &mut impl BufRead, line: usize, text: &mut Vec<u8>) -> Result<bool, ArchiveError> {
    text.clear();
    let read = reader.take(MAX_LINE_BYTES + 1).read_until(b'\n', text)?;
    if read as u64 > MAX_LINE_BYTES {
        return Err(ArchiveError::LongLine { line });
    }
    Ok(read > 0)
}

fn parsed<'a, T: Deserialize<'a>>(line: usize, text: &'a [u8]) -> Result<T, ArchiveError> {
    serde_json::from_slice(text).map_err(|source| ArchiveError::Line { line, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_longest_length() {
        struct Spaces(u64);
        impl Read for Spaces {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let count = buffer.len().min(usize::try_from(self.0).unwrap_or(usize::MAX));
                buffer[..count].fill(b' ');
                self.0 -= count as u64;
                Ok(count)
            }
        }
        let read = |length| next_line(&mut BufReader::new(Spaces(length)), 3, &mut Vec::new());
        assert!(matches!(read(0), Ok(false)));
        assert!(matches!(read(MAX_LINE_BYTES), Ok(true)));
        assert!(matches!(read(MAX_LINE_BYTES + 1), Err(ArchiveError::LongLine { line: 3 })));
        assert!(matches!(read(u64::MAX), Err(ArchiveError::LongLine { line: 3 })), "an endless line");
    }
}
