//! The fields of a case as one file beside `case.json`, so that a report can be made again without the images.
//!
//! Format: one line of JSON in UTF-8, an [`ArchiveHeader`], and behind it for each field, in the order of the record, the number of
//! bytes of its facts (32 bits, least byte first), the facts and the pictures, as [`packed`](super::packed) says. Numbers
//! come back to the last bit, so that a report made again has the same bytes.
//!
//! In: lines and facts of limited length, pictures of at most [`MAX_PICTURE_BYTES`] for a field. Limits: an archive belongs to
//! one count. The hash over inputs, model and count tells another record, beside which the archive is refused.

use std::io::{BufRead, BufReader, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::count_record::CountRecord;
use super::fields::CaseFields;
use super::packed::{FactsError, FieldFacts, PackedField};
use super::provenance::InputFile;
use super::record::CaseRecord;
use crate::durable::sha256_hex;

/// Longest header, bytes: pictures of a hundred slides.
const MAX_HEADER_BYTES: u64 = 64 << 20;
/// Largest facts of a field as they lie in the file, bytes. They are held in memory as a whole.
const MAX_PACKED_BYTES: u32 = 64 << 20;
/// Largest pictures of a field, bytes: ten times those of a field with a thousand called cells.
pub const MAX_PICTURE_BYTES: u64 = 256 << 20;

/// Version of the format.
const ARCHIVE_VERSION: u32 = 2;

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

/// A JPEG, written as base64.
#[derive(Debug)]
struct Thumbnail(Vec<u8>);

impl Serialize for Thumbnail {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Thumbnail {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = |_| serde::de::Error::custom("expected a picture in base64");
        STANDARD.decode(text).map(Self).map_err(expected)
    }
}

/// Why an archive cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It cannot be read, or it ends too early.
    #[error("expected a whole archive of fields; run `analyze` again")]
    Read(#[from] std::io::Error),
    /// The first line is no header of this format.
    #[error("expected an archive of fields; run `analyze` again")]
    Header(#[source] serde_json::Error),
    /// A field is not sound.
    #[error("field {field}: expected a field of an archive; run `analyze` again")]
    Field {
        /// Field, from 1.
        field: usize,
        /// What is wrong.
        source: FactsError,
    },
    /// The first line is longer than pictures of slides make it.
    #[error("expected a header of at most {MAX_HEADER_BYTES} bytes, found more; run `analyze` again")]
    LongHeader,
    /// Facts or pictures are longer than a field can make them.
    #[error("field {field}: expected at most {most} bytes, found more; run `analyze` again")]
    TooLong {
        /// Field, from 1.
        field: usize,
        /// Bytes that are read.
        most: u64,
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
pub fn write_fields(record: &CaseRecord, fields: &CaseFields, mut archive: impl Write) -> std::io::Result<()> {
    let header = ArchiveHeader {
        archive_version: ARCHIVE_VERSION,
        counted_sha256: counted_sha256(record)?,
        fields: fields.len(),
        thumbnails: fields.thumbnails().iter().map(|jpeg| Thumbnail(jpeg.clone())).collect(),
    };
    serde_json::to_writer(&mut archive, &header)?;
    archive.write_all(b"\n")?;
    for field in fields.packed() {
        let PackedField { facts, pictures } = field?;
        let length = u32::try_from(facts.len()).map_err(std::io::Error::other)?;
        archive.write_all(&length.to_le_bytes())?;
        archive.write_all(&facts)?;
        archive.write_all(&pictures)?;
    }
    archive.flush()
}

/// Reads the fields of a record.
///
/// # Errors
/// [`ArchiveError`].
pub fn read_fields(record: &CaseRecord, archive: impl Read) -> Result<CaseFields, ArchiveError> {
    let mut reader = BufReader::new(archive);
    let header = read_header(&mut reader)?;
    let same = counted_sha256(record).is_ok_and(|counted| counted == header.counted_sha256);
    if header.archive_version != ARCHIVE_VERSION || !same {
        return Err(ArchiveError::OtherRecord);
    }
    let mut fields = CaseFields::default();
    header.thumbnails.into_iter().for_each(|Thumbnail(jpeg)| fields.push_thumbnail(jpeg));
    while !reader.fill_buf()?.is_empty() {
        let number = fields.len() + 1;
        let mut length = [0; 4];
        reader.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        if length > MAX_PACKED_BYTES {
            return Err(ArchiveError::TooLong { field: number, most: MAX_PACKED_BYTES.into() });
        }
        let packed = exactly(&mut reader, length.into())?;
        let facts = FieldFacts::unpacked(&packed).map_err(|source| ArchiveError::Field { field: number, source })?;
        if record.fields.get(fields.len()).is_none_or(|expected| expected.field != facts.field) {
            return Err(ArchiveError::Fields { expected: record.fields.len(), found: fields.len() });
        }
        let Some(bytes) = facts.picture_bytes().filter(|bytes| *bytes <= MAX_PICTURE_BYTES) else {
            return Err(ArchiveError::TooLong { field: number, most: MAX_PICTURE_BYTES });
        };
        let pictures = exactly(&mut reader, bytes)?;
        fields.push_facts(&PackedField { facts: packed, pictures }, &facts)?;
    }
    if fields.len() != record.fields.len() {
        return Err(ArchiveError::Fields { expected: record.fields.len(), found: fields.len() });
    }
    Ok(fields)
}

fn read_header(reader: &mut impl BufRead) -> Result<ArchiveHeader, ArchiveError> {
    let mut text = Vec::new();
    let read = reader.take(MAX_HEADER_BYTES + 1).read_until(b'\n', &mut text)?;
    if read as u64 > MAX_HEADER_BYTES {
        return Err(ArchiveError::LongHeader);
    }
    serde_json::from_slice(&text).map_err(ArchiveError::Header)
}

/// So many bytes. Memory is taken as they come, whatever number a file states.
fn exactly(reader: &mut impl Read, bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut read = Vec::new();
    reader.take(bytes).read_to_end(&mut read)?;
    if read.len() as u64 == bytes { Ok(read) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_a_longest_length() {
        let read = |length: u64| read_header(&mut BufReader::new(std::io::repeat(b' ').take(length)));
        assert!(matches!(read(0), Err(ArchiveError::Header(_))));
        assert!(matches!(read(MAX_HEADER_BYTES), Err(ArchiveError::Header(_))));
        for too_long in [MAX_HEADER_BYTES + 1, u64::MAX] {
            assert!(matches!(read(too_long), Err(ArchiveError::LongHeader)), "{too_long}");
        }
    }

    #[test]
    fn a_file_that_ends_early_takes_no_more_memory_than_it_has() {
        assert!(exactly(&mut [1, 2, 3].as_slice(), u64::MAX).is_err());
        assert_eq!(exactly(&mut [1, 2, 3].as_slice(), 2).expect("two bytes"), [1, 2]);
    }
}
