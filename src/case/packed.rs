//! A field of a case in few bytes: in the spool of a run and in the archive of a case.
//!
//! In: a [`CaseField`]. Out: a [`PackedField`]: its facts and cells in the encoding of `postcard` (numbers as they are in memory, to
//! the last bit; outlines as steps on their grid), compressed by DEFLATE, and behind them preview and tiles as they are.
//!
//! METHOD: pictures are not compressed again. JPEG in a compressed stream took a fifth of a whole job and gave nothing.
//!
//! Limits: facts of more than [`MAX_FACTS_BYTES`] are refused, whatever few bytes they were compressed to.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use super::field::{CaseField, CellTile, Preview};
use crate::smear::{CellId, ClassifiedCell};

/// Longest facts of a field, bytes after decompression: ten times those of a field of twenty thousand cells.
pub const MAX_FACTS_BYTES: u64 = 64 << 20;
/// Level of the compression. METHOD: level 6 takes three times as long for 5 % fewer bytes.
const COMPRESSION_LEVEL: u32 = 2;

/// Why facts cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactsError {
    /// They cannot be decompressed.
    #[error("expected compressed facts of a field, found other bytes")]
    Compression(#[from] io::Error),
    /// They are longer than those of a field.
    #[error("expected facts of at most {MAX_FACTS_BYTES} bytes, found more")]
    TooLong,
    /// An outline, a probability or a cell is not sound.
    #[error("expected sound cells, found others")]
    Cells(#[from] postcard::Error),
}

/// Facts and cells of a field, and how long its pictures are. A field without a preview has one of no bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FieldFacts<'a> {
    pub field: String,
    pub preview_width_px: u32,
    pub preview_height_px: u32,
    pub preview_px_per_px: f64,
    pub preview_bytes: u64,
    pub cells: Cow<'a, [ClassifiedCell]>,
    /// Number of the cell and bytes of its picture.
    pub tiles: Vec<(u32, u64)>,
}

impl<'a> FieldFacts<'a> {
    pub(super) fn of(field: &'a CaseField) -> Self {
        let preview = field.preview.as_ref();
        Self {
            field: field.field.clone(),
            preview_width_px: preview.map_or(0, |preview| preview.width_px),
            preview_height_px: preview.map_or(0, |preview| preview.height_px),
            preview_px_per_px: preview.map_or(1.0, |preview| preview.px_per_px),
            preview_bytes: preview.map_or(0, |preview| preview.jpeg.len() as u64),
            cells: Cow::Borrowed(&field.cells),
            tiles: field.tiles.iter().map(|tile| (tile.cell_id.0, tile.jpeg.len() as u64)).collect(),
        }
    }

    fn packed(&self) -> io::Result<Vec<u8>> {
        let plain = postcard::to_extend(self, Vec::new()).map_err(io::Error::other)?;
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::new(COMPRESSION_LEVEL));
        packed.write_all(&plain)?;
        packed.finish()
    }

    /// # Errors
    /// [`FactsError`].
    pub(super) fn unpacked(packed: &[u8]) -> Result<FieldFacts<'static>, FactsError> {
        let mut plain = Vec::new();
        DeflateDecoder::new(packed).take(MAX_FACTS_BYTES + 1).read_to_end(&mut plain)?;
        if plain.len() as u64 > MAX_FACTS_BYTES {
            return Err(FactsError::TooLong);
        }
        Ok(postcard::from_bytes(&plain)?)
    }

    /// Bytes of all pictures; `None` where their sum is no number.
    pub(super) fn picture_bytes(&self) -> Option<u64> {
        self.tiles.iter().try_fold(self.preview_bytes, |sum, (_, bytes)| sum.checked_add(*bytes))
    }

    /// The field; `None` where the pictures end too early.
    pub(super) fn with_pictures(self, pictures: &[u8]) -> Option<CaseField> {
        let mut rest = pictures;
        let mut next = |bytes: u64| {
            let (head, tail) = rest.split_at_checked(usize::try_from(bytes).ok()?)?;
            rest = tail;
            Some(head.to_vec())
        };
        let preview = Preview {
            jpeg: next(self.preview_bytes)?,
            width_px: self.preview_width_px,
            height_px: self.preview_height_px,
            px_per_px: self.preview_px_per_px,
        };
        let tile = |(id, bytes)| Some(CellTile { cell_id: CellId(id), jpeg: next(bytes)? });
        Some(CaseField {
            field: self.field,
            preview: Some(preview).filter(|preview| !preview.jpeg.is_empty()),
            tiles: self.tiles.into_iter().map(tile).collect::<Option<_>>()?,
            cells: self.cells.into_owned(),
        })
    }
}

/// A field as its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedField {
    /// Facts and cells, compressed.
    pub(super) facts: Vec<u8>,
    /// Preview and tiles.
    pub(super) pictures: Vec<u8>,
}

impl PackedField {
    /// Packs a field.
    ///
    /// # Errors
    /// The facts cannot be encoded.
    pub fn of(field: &CaseField) -> io::Result<Self> {
        let mut pictures = field.preview.as_ref().map_or_else(Vec::new, |preview| preview.jpeg.clone());
        field.tiles.iter().for_each(|tile| pictures.extend_from_slice(&tile.jpeg));
        Ok(Self { facts: FieldFacts::of(field).packed()?, pictures })
    }
}
