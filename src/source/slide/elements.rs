//! The data set of a DICOM file up to its pixels: elements by tag, sequences as data sets.
//!
//! In: a file with the preamble and file meta group of DICOM PS3.10 (2024), chapter 7. Out: its transfer syntax, a
//! [`DataSet`] and the place of the pixel data, which is not read. Source of the encoding: PS3.5 (2024), 7.1 and 7.5.
//! Limits: explicit and implicit little endian; values over [`MAX_VALUE_BYTES`] are skipped; [`MAX_ELEMENTS`],
//! [`MAX_DEPTH`].
//!
//! METHOD: the crate `dicom-object` 0.9.1 was tried in its place and is less safe. Sequences nested 200,000 deep (4 MB)
//! overflow its stack and abort the program; it takes 1 GiB and 15 s for the places of 400,000 frames and reads a private
//! value of 300 MB into memory. It would also add 17 packages. Tags, representations and names come from `dicom-core` and
//! `dicom-dictionary-std`.

use std::collections::BTreeMap;
use std::io::{self, Read};

use dicom_core::{Tag, VR};
use dicom_dictionary_std::{tags, uids};

use crate::source::error::SourceProblem;
use crate::source::file::SlideBytes;

/// Largest value that is kept, bytes: an offset table of two million frames. No element that is used is larger.
const MAX_VALUE_BYTES: u32 = 16 << 20;

/// Most bytes of values that are kept of a file: two hundred bytes for each of 400,000 frames.
const MAX_KEPT_BYTES: u64 = 80 << 20;

/// Most elements of a file: a slide of 400,000 frames with the place of each.
const MAX_ELEMENTS: u64 = 8 << 20;

/// Deepest sequence within sequences: a slide needs three.
const MAX_DEPTH: usize = 16;

/// Bytes that are read at once.
const WINDOW_BYTES: u64 = 1 << 16;

/// Place of the first element: behind the preamble of 128 bytes and the signature.
const FIRST_ELEMENT_AT: u64 = 132;

const FORMAT: &str = "DICOM";

/// Tags that stand between items, PS3.5, 7.5.
const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

/// Representations whose length has 32 bits behind two bytes that mean nothing, PS3.5, 7.1.2.
const LONG: [VR; 13] = {
    use VR::{OB, OD, OF, OL, OV, OW, SQ, SV, UC, UN, UR, UT, UV};
    [OB, OD, OF, OL, OV, OW, SQ, SV, UC, UN, UR, UT, UV]
};

/// Length that stands for one that is not stated.
const UNDEFINED_LENGTH: u32 = u32::MAX;

/// Explicit VR big endian, which the standard has retired.
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// Elements by tag.
#[derive(Debug, Clone, Default)]
pub(super) struct DataSet {
    values: BTreeMap<Tag, Vec<u8>>,
    sequences: BTreeMap<Tag, Vec<DataSet>>,
}

/// Where the pixels lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PixelDataAt {
    /// First byte behind the element's header.
    pub(super) offset: u64,
    /// Length in bytes; `None` where the pixels are in fragments.
    pub(super) length: Option<u32>,
}

/// What stands before a value.
#[derive(Debug, Clone, Copy)]
struct ElementHeader {
    tag: Tag,
    /// Whether the value is a sequence by its representation.
    sequence: bool,
    /// Length in bytes; `None` where it is not stated.
    length: Option<u32>,
}

/// A file up to its pixels.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) transfer_syntax: String,
    pub(super) elements: DataSet,
    pub(super) pixels: Option<PixelDataAt>,
}

impl DataSet {
    fn bytes(&self, tag: Tag) -> Option<&[u8]> {
        self.values.get(&tag).map(Vec::as_slice)
    }

    /// The first four bytes of a value.
    fn four(&self, tag: Tag) -> Option<[u8; 4]> {
        self.bytes(tag)?.first_chunk().copied()
    }

    /// Texts of an element, separated by backslashes in the file.
    pub(super) fn texts(&self, tag: Tag) -> Vec<String> {
        let text = String::from_utf8_lossy(self.bytes(tag).unwrap_or_default()).into_owned();
        let parts = text.split('\\').map(|part| part.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_owned());
        parts.filter(|part| !part.is_empty()).collect()
    }

    pub(super) fn text(&self, tag: Tag) -> Option<String> {
        self.texts(tag).into_iter().next()
    }

    /// A number written in digits.
    pub(super) fn decimal(&self, tag: Tag) -> Option<f64> {
        self.text(tag)?.parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// An unsigned number of 16 or 32 bits.
    pub(super) fn unsigned(&self, tag: Tag) -> Option<u32> {
        match *self.bytes(tag)? {
            [a, b] => Some(u16::from_le_bytes([a, b]).into()),
            _ => self.four(tag).map(u32::from_le_bytes),
        }
    }

    /// A number of 32 bits with sign.
    pub(super) fn signed(&self, tag: Tag) -> Option<i64> {
        self.four(tag).map(|value| i32::from_le_bytes(value).into())
    }

    /// A number of 32 bits with a point.
    pub(super) fn single(&self, tag: Tag) -> Option<f64> {
        self.four(tag).map(f32::from_le_bytes).filter(|value| value.is_finite()).map(f64::from)
    }

    /// Items of a sequence.
    pub(super) fn items(&self, tag: Tag) -> &[DataSet] {
        self.sequences.get(&tag).map(Vec::as_slice).unwrap_or_default()
    }

    /// The first item of a sequence.
    pub(super) fn item(&self, tag: Tag) -> Option<&DataSet> {
        self.items(tag).first()
    }
}

/// Reads a file up to its pixels.
pub(super) fn header(file: &SlideBytes) -> Result<Header, SourceProblem> {
    let mut walk = Walk::new(file, FIRST_ELEMENT_AT, true);
    let (meta, _) = walk.data_set(u64::MAX, |tag| tag.group() == 2)?;
    let transfer_syntax = meta
        .text(tags::TRANSFER_SYNTAX_UID)
        .ok_or_else(|| corrupt("no transfer syntax in the file meta group".to_owned()))?;
    let explicit = transfer_syntax != uids::IMPLICIT_VR_LITTLE_ENDIAN;
    if matches!(transfer_syntax.as_str(), BIG_ENDIAN | uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN) {
        let found = format!("transfer syntax {transfer_syntax}");
        return Err(SourceProblem::UnsupportedEncoding { format: FORMAT, found });
    }
    let mut walk = Walk::new(file, walk.at, explicit);
    let (elements, stopped) = walk.data_set(u64::MAX, |tag| tag != tags::PIXEL_DATA)?;
    let pixels = stopped.map(|header| PixelDataAt { offset: walk.at, length: header.length });
    Ok(Header { transfer_syntax, elements, pixels })
}

/// Places and lengths of the fragments of encapsulated pixels; the first is the basic offset table.
pub(super) fn fragments(file: &SlideBytes, offset: u64) -> Result<Vec<(u64, u32)>, SourceProblem> {
    let mut walk = Walk::new(file, offset, true);
    let mut found = Vec::new();
    while let Some(length) = walk.item()? {
        let length = length.ok_or_else(|| corrupt("a fragment without a length".to_owned()))?;
        walk.count()?;
        found.push((walk.at, length));
        walk.at += u64::from(length);
    }
    Ok(found)
}

fn corrupt(found: String) -> SourceProblem {
    SourceProblem::Corrupt { format: FORMAT, found }
}

/// The sequences that a slide is read by.
fn is_sequence(tag: Tag) -> bool {
    matches!(
        tag,
        tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE
            | tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE
            | tags::PIXEL_MEASURES_SEQUENCE
            | tags::PLANE_POSITION_SLIDE_SEQUENCE
            | tags::OPTICAL_PATH_SEQUENCE
    )
}

/// A place in the file that moves on.
struct Walk<'a> {
    file: &'a SlideBytes,
    at: u64,
    explicit: bool,
    /// Bytes read ahead, and where they begin.
    window: Vec<u8>,
    window_at: u64,
    elements: u64,
    /// Bytes of values kept so far.
    kept_bytes: u64,
    depth: usize,
}

impl Read for Walk<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let within = self.at.checked_sub(self.window_at).filter(|skip| *skip < self.window.len() as u64);
        let skip = match within {
            Some(skip) => skip as usize,
            None => {
                let bytes = WINDOW_BYTES.min(self.file.length().saturating_sub(self.at));
                self.window = self.file.at(self.at, bytes, FORMAT).map_err(io::Error::other)?;
                self.window_at = self.at;
                0
            }
        };
        let rest = &self.window[skip..];
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        self.at += read as u64;
        Ok(read)
    }
}

impl<'a> Walk<'a> {
    fn new(file: &'a SlideBytes, at: u64, explicit: bool) -> Self {
        Self { file, at, explicit, window: Vec::new(), window_at: 0, elements: 0, kept_bytes: 0, depth: 0 }
    }

    fn count(&mut self) -> Result<(), SourceProblem> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS { Err(SourceProblem::TooMuchMemory { format: FORMAT }) } else { Ok(()) }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], SourceProblem> {
        let (at, mut bytes) = (self.at, [0; N]);
        self.read_exact(&mut bytes).map_err(|_| {
            let found = format!("the end in an element at byte {at}");
            SourceProblem::Truncated { format: FORMAT, found }
        })?;
        Ok(bytes)
    }

    fn tag(&mut self) -> Result<Tag, SourceProblem> {
        let [a, b, c, d] = self.bytes()?;
        Ok(Tag(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])))
    }

    /// A length of 32 bits; `None` where it is not stated.
    fn length(&mut self) -> Result<Option<u32>, SourceProblem> {
        let length = u32::from_le_bytes(self.bytes()?);
        Ok((length != UNDEFINED_LENGTH).then_some(length))
    }

    fn element_header(&mut self) -> Result<ElementHeader, SourceProblem> {
        let at = self.at;
        let tag = self.tag()?;
        // Items and their ends have no representation in either encoding.
        if !self.explicit || tag.group() == ITEM.group() {
            let length = self.length()?;
            return Ok(ElementHeader { tag, sequence: length.is_none(), length });
        }
        let representation: [u8; 2] = self.bytes()?;
        let Some(representation) = VR::from_binary(representation) else {
            return Err(corrupt(format!("no element at byte {at}")));
        };
        let length = if LONG.contains(&representation) {
            self.bytes::<2>()?;
            self.length()?
        } else {
            Some(u16::from_le_bytes(self.bytes()?).into())
        };
        Ok(ElementHeader { tag, sequence: representation == VR::SQ, length })
    }

    /// Length of the next item, `None` within where it is not stated; `None` at the end of the sequence.
    fn item(&mut self) -> Result<Option<Option<u32>>, SourceProblem> {
        let at = self.at;
        match (self.tag()?, self.length()?) {
            (ITEM, length) => Ok(Some(length)),
            (SEQUENCE_END, _) => Ok(None),
            _ => Err(corrupt(format!("no item at byte {at}"))),
        }
    }

    /// Elements up to `end`, to the end of an item or of the file, or to the first tag that is not `wanted`; the header of
    /// that one.
    fn data_set(
        &mut self,
        end: u64,
        wanted: fn(Tag) -> bool,
    ) -> Result<(DataSet, Option<ElementHeader>), SourceProblem> {
        let mut set = DataSet::default();
        while self.at < end.min(self.file.length()) {
            self.count()?;
            let began = self.at;
            let header = self.element_header()?;
            if header.tag == ITEM_END {
                break;
            }
            if !wanted(header.tag) {
                if header.tag != tags::PIXEL_DATA {
                    self.at = began;
                }
                return Ok((set, Some(header)));
            }
            // In implicit encoding a sequence of stated length looks like a value: the dictionary tells it.
            let nested = header.sequence || header.length.is_none() || is_sequence(header.tag) && !self.explicit;
            match header.length {
                _ if nested => {
                    let items = self.sequence(header.length)?;
                    set.sequences.insert(header.tag, items);
                }
                Some(length) if length <= MAX_VALUE_BYTES => {
                    self.kept_bytes += u64::from(length);
                    if self.kept_bytes > MAX_KEPT_BYTES {
                        return Err(SourceProblem::TooMuchMemory { format: FORMAT });
                    }
                    let value = self.file.at(self.at, length.into(), FORMAT)?;
                    self.at += u64::from(length);
                    set.values.insert(header.tag, value);
                }
                length => self.at += u64::from(length.unwrap_or(0)),
            }
        }
        Ok((set, None))
    }

    fn sequence(&mut self, length: Option<u32>) -> Result<Vec<DataSet>, SourceProblem> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(corrupt(format!("sequences more than {MAX_DEPTH} deep")));
        }
        let end = length.map_or(u64::MAX, |length| self.at + u64::from(length));
        let mut items = Vec::new();
        while self.at < end {
            let Some(length) = self.item()? else { break };
            self.count()?;
            let item_end = length.map_or(u64::MAX, |length| self.at + u64::from(length));
            items.push(self.data_set(item_end, |_| true)?.0);
        }
        self.depth -= 1;
        Ok(items)
    }
}
