//! Directories of a slide in TIFF: classic and BigTIFF, either byte order.
//!
//! In: the bytes of the file. Out: [`Directory`]s with their tags; values are read when asked for. Source: TIFF 6.0 (Adobe
//! 1992), section 2; BigTIFF (Aware Systems 2004): offsets and counts of 64 bits; TIFF Technical Note 1 (1995) for
//! `SubIFDs`. Limits: [`MAX_DIRECTORIES`], [`MAX_TAGS`], [`MAX_VALUE_BYTES`]; a chain that comes back to itself ends.
//!
//! METHOD: the crate `tiff` reads photographs, where its strictness is welcome, but not slides. Its decoder interprets the
//! first directory before a caller can look at it; it refuses a file that ends right behind its last directory, as some
//! scanners write; it holds each value of a tag in 32 bytes, which are 150 MB for the tiles of ten gigapixels; and one decoder
//! serves one thread at a time, while tiles are asked for from all of them.

use std::collections::{BTreeMap, BTreeSet};

use tiff::tags::Tag;

use crate::source::error::SourceProblem;
use crate::source::file::SlideBytes;

/// Most directories of a file: a pyramid has about ten; more are a file made to waste time.
const MAX_DIRECTORIES: usize = 4096;

/// Most tags of a directory: writers use about thirty.
const MAX_TAGS: u64 = 4096;

/// Largest value of a tag, bytes: 16 million tiles with offsets of 8 bytes.
const MAX_VALUE_BYTES: u64 = 128 << 20;

/// Name in messages.
const FORMAT: &str = "TIFF";

/// Where a tag's values lie.
#[derive(Debug, Clone, Copy)]
struct Value {
    kind: u16,
    count: u64,
    /// Place in the file; small values lie in the directory itself.
    offset: u64,
}

/// One directory: the tags of a picture.
#[derive(Debug)]
pub(super) struct Directory<'a> {
    file: &'a SlideBytes,
    tags: BTreeMap<u16, Value>,
    order: Order,
}

/// Byte order and width of the file.
#[derive(Debug, Clone, Copy)]
struct Order {
    little: bool,
    big_tiff: bool,
}

impl Order {
    fn number(self, bytes: &[u8]) -> u64 {
        let push = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        if self.little { bytes.iter().rev().fold(0, push) } else { bytes.iter().fold(0, push) }
    }
}

/// The directories of a file in their order, and why the list ends early where it does.
#[derive(Debug)]
pub(super) struct Directories<'a> {
    pub(super) pages: Vec<Directory<'a>>,
    pub(super) broken: Option<SourceProblem>,
    /// Whether samples are stored with the least byte first.
    pub(super) little_endian: bool,
}

/// Bytes of a value of a type; `None` for a type that TIFF does not know.
fn bytes_of(kind: u16) -> Option<u64> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 | 16 | 17 | 18 => Some(8),
        _ => None,
    }
}

fn corrupt(found: String) -> SourceProblem {
    SourceProblem::Corrupt { format: FORMAT, found }
}

/// Reads the directories; refused only where the first cannot be read.
pub(super) fn directories(file: &SlideBytes) -> Result<Directories<'_>, SourceProblem> {
    let head = file.at(0, 8, FORMAT)?;
    let little = head.starts_with(b"II");
    let mut order = Order { little, big_tiff: false };
    let first = match order.number(&head[2..4]) {
        42 => order.number(&head[4..8]),
        43 => {
            order.big_tiff = true;
            order.number(&file.at(8, 8, FORMAT)?)
        }
        version => return Err(corrupt(format!("version {version} instead of 42 or 43"))),
    };
    let mut all = Directories { pages: Vec::new(), broken: None, little_endian: little };
    let mut seen = BTreeSet::new();
    let mut next = first;
    while next != 0 && seen.insert(next) && all.broken.is_none() {
        if all.pages.len() >= MAX_DIRECTORIES {
            return Err(SourceProblem::TooManyPages { limit: MAX_DIRECTORIES });
        }
        match directory(file, order, next) {
            Ok((page, after)) => {
                let below = page.numbers(Tag::SubIfd);
                all.pages.push(page);
                next = after;
                // METHOD: OME-TIFF keeps the smaller levels of a picture below it; those of one picture follow it here.
                for offset in below.unwrap_or_default().into_iter().filter(|offset| seen.insert(*offset)) {
                    if all.pages.len() >= MAX_DIRECTORIES {
                        return Err(SourceProblem::TooManyPages { limit: MAX_DIRECTORIES });
                    }
                    match directory(file, order, offset) {
                        Ok((level, _)) => all.pages.push(level),
                        Err(problem) => all.broken = Some(problem),
                    }
                }
            }
            Err(problem) if all.pages.is_empty() => return Err(problem),
            Err(problem) => all.broken = Some(problem),
        }
    }
    if all.pages.is_empty() { Err(corrupt("no directory".to_owned())) } else { Ok(all) }
}

/// A directory and the place of the next one.
fn directory(file: &SlideBytes, order: Order, offset: u64) -> Result<(Directory<'_>, u64), SourceProblem> {
    let (count_bytes, entry_bytes, offset_bytes) = if order.big_tiff { (8u64, 20u64, 8u64) } else { (2, 12, 4) };
    let count = order.number(&file.at(offset, count_bytes, FORMAT)?);
    if count > MAX_TAGS {
        return Err(corrupt(format!("a directory of {count} tags")));
    }
    let begin = offset.saturating_add(count_bytes);
    let entries = file.at(begin, count * entry_bytes, FORMAT)?;
    let mut tags = BTreeMap::new();
    for (place, entry) in (0u64..).zip(entries.chunks_exact(entry_bytes as usize)) {
        let (number, kind) = (order.number(&entry[..2]) as u16, order.number(&entry[2..4]) as u16);
        let count = order.number(&entry[4..4 + offset_bytes as usize]);
        let Some(size) = bytes_of(kind).and_then(|bytes| bytes.checked_mul(count)) else { continue };
        let value_at = 4 + offset_bytes as usize;
        let offset = if size <= offset_bytes {
            begin + place * entry_bytes + value_at as u64
        } else {
            order.number(&entry[value_at..])
        };
        tags.entry(number).or_insert(Value { kind, count, offset });
    }
    // Some writers end the file right behind the last directory, without the link that says so.
    let next = file.at(begin + count * entry_bytes, offset_bytes, FORMAT).map_or(0, |bytes| order.number(&bytes));
    Ok((Directory { file, tags, order }, next))
}

impl Directory<'_> {
    fn value(&self, tag: Tag) -> Option<&Value> {
        self.tags.get(&tag.to_u16())
    }

    pub(super) fn has(&self, tag: Tag) -> bool {
        self.value(tag).is_some()
    }

    /// Bytes of a tag's values; `None` without the tag.
    pub(super) fn bytes(&self, tag: Tag) -> Result<Option<Vec<u8>>, SourceProblem> {
        let Some(value) = self.value(tag) else { return Ok(None) };
        let size = bytes_of(value.kind).and_then(|bytes| bytes.checked_mul(value.count));
        match size.filter(|size| *size <= MAX_VALUE_BYTES) {
            Some(size) => self.file.at(value.offset, size, FORMAT).map(Some),
            None => Err(SourceProblem::TooMuchMemory { format: FORMAT }),
        }
    }

    /// Whole numbers of a tag; none without the tag.
    pub(super) fn numbers(&self, tag: Tag) -> Result<Vec<u64>, SourceProblem> {
        let Some(value) = self.value(tag) else { return Ok(Vec::new()) };
        if !matches!(value.kind, 1 | 3 | 4 | 13 | 16 | 18) {
            return Err(corrupt(format!("tag {} of type {} where a whole number belongs", tag.to_u16(), value.kind)));
        }
        let size = bytes_of(value.kind).unwrap_or(1) as usize;
        let bytes = self.bytes(tag)?.unwrap_or_default();
        Ok(bytes.chunks_exact(size).map(|number| self.order.number(number)).collect())
    }

    /// The first number of a tag.
    pub(super) fn number(&self, tag: Tag) -> Result<Option<u64>, SourceProblem> {
        Ok(self.numbers(tag)?.first().copied())
    }

    /// A size in pixels that must be there and fit 32 bits.
    pub(super) fn size(&self, tag: Tag) -> Result<u32, SourceProblem> {
        let number = self.number(tag)?.ok_or_else(|| corrupt(format!("no tag {}", tag.to_u16())))?;
        u32::try_from(number).map_err(|_| corrupt(format!("{number} in tag {}", tag.to_u16())))
    }

    /// A ratio of two numbers; `None` without the tag, with another type or over 0.
    pub(super) fn ratio(&self, tag: Tag) -> Option<f64> {
        let value = self.value(tag).filter(|value| value.kind == 5)?;
        let bytes = self.file.at(value.offset, 8, FORMAT).ok()?;
        let (over, under) = (self.order.number(&bytes[..4]), self.order.number(&bytes[4..]));
        (under > 0).then(|| over as f64 / under as f64)
    }

    /// Text of a tag up to its end mark.
    pub(super) fn text(&self, tag: Tag) -> Option<String> {
        let bytes = self.bytes(tag).ok().flatten()?;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }
}
