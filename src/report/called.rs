//! The cells counted as schistocytes, likeliest first: what a reviewer looks at to accept or reject each call.
//!
//! Ties of probability keep the order of fields and cell numbers.

use crate::case::{Case, CaseField};
use crate::smear::{Call, CellClass, CellStatus, ClassifiedCell};

/// A cell counted as a schistocyte, with its field.
#[derive(Debug, Clone, Copy)]
pub(super) struct CalledSchistocyte<'a> {
    /// The field with its pictures.
    pub(super) field: &'a CaseField,
    /// Number of the field in the case, from 1.
    pub(super) field_number: usize,
    /// The cell.
    pub(super) cell: &'a ClassifiedCell,
    /// Its call.
    pub(super) call: &'a Call,
}

impl<'a> CalledSchistocyte<'a> {
    /// Every one of a case, by falling probability.
    pub(super) fn all(case: &'a Case) -> Vec<Self> {
        let mut called: Vec<Self> = Vec::new();
        for (index, field) in case.fields.iter().enumerate() {
            let schistocytes = field.cells.iter().filter(|cell| cell.is_counted_schistocyte());
            called.extend(schistocytes.filter_map(|cell| {
                cell.counted_call().map(|call| Self { field, field_number: index + 1, cell, call })
            }));
        }
        // Stable, so that ties keep their order.
        called
            .sort_by(|a, b| b.call.schistocyte_probability.value().total_cmp(&a.call.schistocyte_probability.value()));
        called
    }

    /// Its picture, where there is one.
    pub(super) fn png(&self) -> Option<&'a [u8]> {
        let tile = self.field.schistocyte_tiles.iter().find(|tile| tile.cell_id == self.cell.cell.id)?;
        (!tile.png.is_empty()).then_some(tile.png.as_slice())
    }
}

/// Objects with this call that were excluded and not counted.
pub(super) fn uncounted_schistocytes(case: &Case) -> u64 {
    let excluded = |cell: &&ClassifiedCell| matches!(cell.status, CellStatus::Excluded(_, Some(call)) if call.class == CellClass::Schistocyte);
    case.fields.iter().flat_map(|field| &field.cells).filter(excluded).count() as u64
}
