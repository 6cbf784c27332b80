//! The fields of a case, kept outside of memory, so that a specimen of a thousand fields needs no more of it than one of
//! ten.
//!
//! In: [`CaseField`]s one after another. Out: all of them again, any number of times, and the list of the cells called
//! schistocyte with their pictures. Each field is packed as [`packed`](super::packed) says. Up to
//! [`SPOOL_MEMORY_BYTES`] stay in memory, the rest lies in a temporary file without a name, which the system removes
//! with the process, however that ends. The archive of a case holds the same bytes.
//!
//! Limits: the temporary folder must hold about 0.05 MB for a field of a hundred cells.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::SpooledTempFile;

use super::field::CaseField;
use super::packed::{FieldFacts, PackedField};
use crate::smear::{Call, CellClass, CellId, CellStatus, ClassifiedCell, ExclusionReason};

/// Bytes of a case's fields that are kept in memory: some eighty fields.
pub const SPOOL_MEMORY_BYTES: usize = 4 << 20;

/// Where a piece of the spool lies.
#[derive(Debug, Clone, Copy)]
struct Span {
    offset: u64,
    bytes: u64,
}

#[derive(Debug)]
struct Entry {
    field: String,
    /// Facts and cells.
    facts: Span,
    /// Preview and tiles.
    pictures: Span,
}

/// Most near misses that a report shows: what a reader looks through beside the called cells.
pub const MOST_NEAR_MISSES: usize = 60;

/// A counted cell with its call and, where there is one, its picture.
#[derive(Debug, Clone)]
pub struct PicturedCell {
    /// Place of its field in the case, from 0.
    pub field_index: usize,
    /// Number of the cell in the field.
    pub cell_id: CellId,
    /// Its call.
    pub call: Call,
    tile: Option<Span>,
}

impl PicturedCell {
    fn new(field_index: usize, cell: &ClassifiedCell, call: &Call, tiles: &[(u32, Span)]) -> Self {
        let cell_id = cell.cell.id;
        let tile = tiles.iter().find(|(id, span)| *id == cell_id.0 && span.bytes > 0).map(|(_, span)| *span);
        Self { field_index, cell_id, call: *call, tile }
    }
}

/// Sorts by falling probability of a schistocyte; stable, so that ties keep their order.
fn likeliest_first(cells: &mut [PicturedCell]) {
    let chance = |cell: &PicturedCell| cell.call.schistocyte_probability.value();
    cells.sort_by(|one, other| chance(other).total_cmp(&chance(one)));
}

/// Where the tiles of a field lie: one after another, after the preview.
fn tile_spans(facts: &FieldFacts<'_>, pictures: Span) -> Vec<(u32, Span)> {
    let mut offset = pictures.offset + facts.preview_bytes;
    let span = |&(id, bytes): &(u32, u64)| {
        let span = Span { offset, bytes };
        offset += bytes;
        (id, span)
    };
    facts.tiles.iter().map(span).collect()
}

/// The fields of a case in their order.
#[derive(Debug)]
pub struct CaseFields {
    spool: Mutex<SpooledTempFile>,
    end: u64,
    entries: Vec<Entry>,
    called: Vec<PicturedCell>,
    uncounted_schistocytes: u64,
    reasons: BTreeSet<ExclusionReason>,
    thumbnails: Vec<Vec<u8>>,
}

impl Default for CaseFields {
    fn default() -> Self {
        Self {
            spool: Mutex::new(SpooledTempFile::new(SPOOL_MEMORY_BYTES)),
            end: 0,
            entries: Vec::new(),
            called: Vec::new(),
            uncounted_schistocytes: 0,
            reasons: BTreeSet::new(),
            thumbnails: Vec::new(),
        }
    }
}

impl CaseFields {
    /// The fields of a list.
    ///
    /// # Errors
    /// As [`CaseFields::push`].
    pub fn of(fields: impl IntoIterator<Item = CaseField>) -> io::Result<Self> {
        let mut all = Self::default();
        fields.into_iter().try_for_each(|field| all.push(&field))?;
        Ok(all)
    }

    /// Adds a field after the others.
    ///
    /// # Errors
    /// The temporary file cannot be written.
    pub fn push(&mut self, field: &CaseField) -> io::Result<()> {
        self.push_packed(field, &PackedField::of(field)?)
    }

    /// Adds a field that is packed already.
    ///
    /// # Errors
    /// As [`CaseFields::push`].
    pub fn push_packed(&mut self, field: &CaseField, packed: &PackedField) -> io::Result<()> {
        self.push_facts(packed, &FieldFacts::of(field))
    }

    /// Adds a packed field; `facts` are those in it.
    pub(super) fn push_facts(&mut self, packed: &PackedField, facts: &FieldFacts<'_>) -> io::Result<()> {
        let own = Span { offset: self.end, bytes: packed.facts.len() as u64 };
        let pictures = Span { offset: own.offset + own.bytes, bytes: packed.pictures.len() as u64 };
        let mut spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
        spool.seek(SeekFrom::Start(self.end))?;
        spool.write_all(&packed.facts)?;
        spool.write_all(&packed.pictures)?;
        drop(spool);
        let tiles = tile_spans(facts, pictures);
        self.end = pictures.offset + pictures.bytes;
        let field_index = self.entries.len();
        for cell in facts.cells.iter() {
            if let CellStatus::Excluded(reason, call) = cell.status {
                self.reasons.insert(reason);
                self.uncounted_schistocytes += u64::from(call.is_some_and(|call| call.class == CellClass::Schistocyte));
            }
            if let Some(call) = cell.counted_call().filter(|_| cell.is_counted_schistocyte()) {
                self.called.push(PicturedCell::new(field_index, cell, call, &tiles));
            }
        }
        self.entries.push(Entry { field: facts.field.clone(), facts: own, pictures });
        Ok(())
    }

    /// Every field as it is packed, one after another.
    ///
    /// # Errors
    /// An item is an error where the temporary file cannot be read.
    pub(super) fn packed(&self) -> impl Iterator<Item = io::Result<PackedField>> {
        self.entries.iter().map(|entry| self.packed_of(entry))
    }

    /// Adds the picture (JPEG) of the next slide.
    pub fn push_thumbnail(&mut self, jpeg: Vec<u8>) {
        self.thumbnails.push(jpeg);
    }

    /// A picture (JPEG) of each slide, in the order of the record.
    pub fn thumbnails(&self) -> &[Vec<u8>] {
        &self.thumbnails
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Names of the fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.field.as_str())
    }

    /// Every field, read one after another.
    ///
    /// # Errors
    /// An item is an error where the temporary file cannot be read.
    pub fn iter(&self) -> impl Iterator<Item = io::Result<CaseField>> {
        self.entries.iter().map(|entry| self.read(entry))
    }

    /// The cells counted as schistocytes, likeliest first; ties keep the order of fields and cell numbers.
    pub fn called(&self) -> Vec<PicturedCell> {
        let mut called = self.called.clone();
        likeliest_first(&mut called);
        called
    }

    /// The near misses: counted cells called another class though their probability of being a schistocyte is at least
    /// `from`; likeliest first, ties in the order of fields and cell numbers.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub fn near_misses(&self, from: f64) -> io::Result<Vec<PicturedCell>> {
        let mut near = Vec::new();
        for (field_index, entry) in self.entries.iter().enumerate() {
            let facts = self.facts(entry)?;
            let tiles = tile_spans(&facts, entry.pictures);
            for cell in facts.cells.iter() {
                let call = cell.counted_call().filter(|_| cell.is_near_miss(from));
                near.extend(call.map(|call| PicturedCell::new(field_index, cell, call, &tiles)));
            }
        }
        likeliest_first(&mut near);
        Ok(near)
    }

    /// Picture (JPEG) of a cell; `None` where there is none.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub fn tile(&self, called: &PicturedCell) -> io::Result<Option<Vec<u8>>> {
        called.tile.map(|span| self.bytes(span)).transpose()
    }

    /// Objects of a field, without its pictures; none of a field that is not there.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub fn cells_of(&self, field_index: usize) -> io::Result<Vec<ClassifiedCell>> {
        let facts = self.entries.get(field_index).map(|entry| self.facts(entry)).transpose()?;
        Ok(facts.map(|facts| facts.cells.into_owned()).unwrap_or_default())
    }

    /// A field with its pictures; `None` where it is not there.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub fn field_of(&self, field_index: usize) -> io::Result<Option<CaseField>> {
        self.entries.get(field_index).map(|entry| self.read(entry)).transpose()
    }

    /// Picture (JPEG) of a cell; `None` where there is none.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub fn tile_of(&self, field_index: usize, cell_id: CellId) -> io::Result<Option<Vec<u8>>> {
        let Some(entry) = self.entries.get(field_index) else { return Ok(None) };
        let spans = tile_spans(&self.facts(entry)?, entry.pictures);
        let span = spans.iter().find(|(id, span)| *id == cell_id.0 && span.bytes > 0).map(|(_, span)| *span);
        span.map(|span| self.bytes(span)).transpose()
    }

    /// Objects that were called schistocyte and excluded.
    pub fn uncounted_schistocytes(&self) -> u64 {
        self.uncounted_schistocytes
    }

    /// Whether an object was left out for this reason.
    pub fn has_excluded(&self, reason: ExclusionReason) -> bool {
        self.reasons.contains(&reason)
    }

    fn spool(&self) -> MutexGuard<'_, SpooledTempFile> {
        // Every access seeks first: a position that another thread left does no harm.
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bytes(&self, span: Span) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(span.bytes).map_err(io::Error::other)?];
        let mut spool = self.spool();
        spool.seek(SeekFrom::Start(span.offset))?;
        spool.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn packed_of(&self, entry: &Entry) -> io::Result<PackedField> {
        Ok(PackedField { facts: self.bytes(entry.facts)?, pictures: self.bytes(entry.pictures)? })
    }

    fn facts(&self, entry: &Entry) -> io::Result<FieldFacts<'static>> {
        FieldFacts::unpacked(&self.bytes(entry.facts)?).map_err(io::Error::other)
    }

    fn read(&self, entry: &Entry) -> io::Result<CaseField> {
        let PackedField { facts, pictures } = self.packed_of(entry)?;
        let facts = FieldFacts::unpacked(&facts).map_err(io::Error::other)?;
        facts.with_pictures(&pictures).ok_or(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::field::{CellTile, Preview};
    use crate::smear::made;

    fn cell(id: u32, chance: f64, counted: bool) -> ClassifiedCell {
        let cell = made::cell(id, CellClass::Schistocyte, chance);
        let call = cell.counted_call().copied();
        match counted {
            true => cell,
            false => ClassifiedCell { status: CellStatus::Excluded(ExclusionReason::FrameEdge, call), ..cell },
        }
    }

    fn field(name: &str, preview: usize, cells: Vec<ClassifiedCell>) -> CaseField {
        let tiles = cells.iter().filter(|cell| cell.cell.id.0 % 2 == 1);
        CaseField {
            field: name.to_owned(),
            preview: (preview > 0).then(|| Preview {
                jpeg: vec![7; preview],
                width_px: 640,
                height_px: 480,
                px_per_px: 0.3,
            }),
            tiles: tiles.map(|cell| CellTile { cell_id: cell.cell.id, jpeg: vec![cell.cell.id.0 as u8; 3] }).collect(),
            cells,
        }
    }

    fn three(preview: usize) -> Vec<CaseField> {
        vec![
            field("a", preview, vec![cell(1, 0.6, true), cell(2, 0.9, true)]),
            field("b", 0, Vec::new()),
            field("c", preview, vec![cell(1, 0.9, true), cell(3, 0.7, false)]),
        ]
    }

    #[test]
    fn fields_come_back_as_they_were_from_memory_and_from_the_file() {
        for preview in [1, SPOOL_MEMORY_BYTES] {
            let fields = CaseFields::of(three(preview)).expect("a temporary file");
            for _ in 0..2 {
                let read: Vec<CaseField> = fields.iter().collect::<Result<_, _>>().expect("readable");
                assert_eq!(read, three(preview));
            }
            assert_eq!((fields.len(), fields.names().collect::<Vec<_>>()), (3, vec!["a", "b", "c"]));
        }
    }

    #[test]
    fn called_cells_are_listed_with_their_pictures_likeliest_first() {
        let fields = CaseFields::of(three(5)).expect("a temporary file");
        let called = fields.called();
        let places: Vec<_> = called.iter().map(|cell| (cell.field_index, cell.cell_id.0)).collect();
        assert_eq!(places, [(0, 2), (2, 1), (0, 1)]);
        let tiles: Vec<_> = called.iter().map(|cell| fields.tile(cell).expect("readable")).collect();
        assert_eq!(tiles, [None, Some(vec![1; 3]), Some(vec![1; 3])]);
        assert_eq!(fields.uncounted_schistocytes(), 1);
        assert!(fields.has_excluded(ExclusionReason::FrameEdge) && !fields.has_excluded(ExclusionReason::Platelet));
    }

    #[test]
    fn near_misses_are_counted_cells_from_the_threshold_on_with_their_pictures_likeliest_first() {
        let near = |id: u32, chance: f64, counted: bool| {
            let mut cell = cell(id, chance, counted);
            if let CellStatus::Counted(call) = &mut cell.status {
                call.class = CellClass::Normal;
            }
            cell
        };
        let fields = CaseFields::of([
            field("a", 5, vec![cell(1, 0.9, true), near(2, 0.1, true), near(3, 0.3, true), near(5, 0.2, false)]),
            field("b", 0, vec![near(1, 0.0999, true), near(3, 0.3, true), near(4, 0.4, true)]),
        ])
        .expect("a temporary file");
        let near = fields.near_misses(0.1).expect("readable");
        let places: Vec<_> = near.iter().map(|cell| (cell.field_index, cell.cell_id.0)).collect();
        assert_eq!(places, [(1, 4), (0, 3), (1, 3), (0, 2)]);
        let tiles: Vec<_> = near.iter().map(|cell| fields.tile(cell).expect("readable")).collect();
        assert_eq!(tiles, [None, Some(vec![3; 3]), Some(vec![3; 3]), None]);
        assert_eq!(fields.called().len(), 1);
    }

    #[test]
    fn a_field_that_is_added_after_reading_stands_last() {
        let mut fields = CaseFields::of(three(5)).expect("a temporary file");
        assert_eq!(fields.iter().count(), 3);
        fields.push(&field("d", 9, Vec::new())).expect("a temporary file");
        let names: Vec<String> = fields.iter().map(|field| field.expect("readable").field).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
    }
}
