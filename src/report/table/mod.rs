//! Tables: one row a cell and one row a specimen, as CSV and as Parquet from one list of columns each.
//!
//! | file | rows | format |
//! | --- | --- | --- |
//! | `cells.csv`, `<accession>_<job>.cells.parquet` | one for each object of every field | [`rows`] |
//! | `<accession>_<job>.specimen.csv`, `<accession>_<job>.specimen.parquet` | one | [`rows`] |
//!
//! CSV is for people and their spreadsheets, Parquet for programs: it holds the texts as they are, CSV makes those that a
//! spreadsheet would run harmless ([`files`]). Numbers are the same in both: rounded once, to the decimals of their
//! column. What is absent is empty in CSV and null in Parquet, never 0.
//!
//! The tables of a batch join those of its specimens ([`joined`]); [`outcomes`] is a short one for all of them.
//!
//! The row of the specimen carries the fixed footer; a Parquet file also holds it in its metadata.

mod files;
mod joined;
mod outcomes;
mod rows;

pub use files::spreadsheet_text;
pub use joined::{JoinedTable, join_cells, join_specimens};
pub use outcomes::{is_own_column, outcome_table};
pub use rows::COLUMNS;

use rayon::prelude::*;

use super::error::ReportError;
use super::folder::FileSink;
use super::names::FileNames;
use crate::case::Case;

/// Fields whose rows are made at the same time: about a megabyte of text.
const FIELDS_TOGETHER: usize = 64;

/// Writes `cells.csv` and the CSV of the specimen.
pub(super) fn write_csv(case: &Case, names: &FileNames, sink: &mut dyn FileSink) -> Result<(), ReportError> {
    let (columns, rows) = (rows::cell_columns(), rows::CellRows::of(case));
    let text_of = |place| -> Result<Vec<u8>, ReportError> {
        let part_of = |rows: &[files::Row]| {
            let mut text = Vec::new();
            files::write_csv_rows(&columns, rows, &mut text).map(|()| text)
        };
        let parts =
            rows.of_field(place)?.par_chunks(rows::ROWS_TOGETHER).map(part_of).collect::<Result<Vec<_>, _>>()?;
        Ok(parts.concat())
    };
    sink.file("cells.csv", &mut |writer| {
        files::write_csv_head(&columns, writer)?;
        let fields: Vec<usize> = (0..case.record.fields.len()).collect();
        for together in fields.chunks(FIELDS_TOGETHER) {
            let texts: Vec<_> = together.par_iter().map(|place| text_of(*place)).collect::<Result<_, _>>()?;
            texts.iter().try_for_each(|text| writer.write_all(text))?;
        }
        Ok(())
    })?;
    let (columns, row) = rows::specimen(&case.record)?;
    sink.file(&names.with("specimen.csv"), &mut |writer| files::write_csv(&columns, std::slice::from_ref(&row), writer))
}

/// Writes the same tables as Parquet.
pub(super) fn write_parquet(case: &Case, names: &FileNames, sink: &mut dyn FileSink) -> Result<(), ReportError> {
    let metadata = files::metadata(&case.record)?;
    sink.file(&names.with("cells.parquet"), &mut |writer| {
        files::write_parquet(&rows::cell_columns(), rows::CellRows::of(case).all(), &metadata, writer)
    })?;
    let (columns, row) = rows::specimen(&case.record)?;
    sink.file(&names.with("specimen.parquet"), &mut |writer| {
        files::write_parquet(&columns, std::iter::once(Ok(row.clone())), &metadata, writer)
    })
}
