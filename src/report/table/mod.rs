//! Tables: one row a cell and one row a specimen, as CSV and as Parquet from one list of columns each.
//!
//! | file | rows | format |
//! | --- | --- | --- |
//! | `cells.csv`, `<accession>_<job>.cells.parquet` | one for each object of every field | [`cells`] |
//! | `<accession>_<job>.specimen.csv`, `<accession>_<job>.specimen.parquet` | one | [`specimen`] |
//!
//! CSV is for people and their spreadsheets, Parquet for programs: it holds the texts as they are, CSV makes those that a
//! spreadsheet would run harmless ([`csv_file`]). Numbers are the same in both: rounded once, to the decimals of their
//! column. What is absent is empty in CSV and null in Parquet, never 0.
//!
//! The tables of a batch join those of its specimens ([`joined`]); [`outcomes`] is a short one for all of them.
//!
//! The row of the specimen carries the fixed footer; a Parquet file also holds it in its metadata.

mod cells;
mod csv_file;
mod joined;
mod outcomes;
mod own_columns;
mod parquet_file;
mod specimen;

pub use cells::COLUMNS;
pub use csv_file::spreadsheet_text;
pub use joined::{JoinedTable, join_cells, join_specimens};
pub use outcomes::outcome_table;
pub use own_columns::is_own_column;

use super::sink::FileSink;
use super::{FileNames, ReportError};
use crate::case::Case;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Count,
    /// A number with fixed decimals.
    Number { decimals: usize },
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    name: String,
    kind: Kind,
}

impl Column {
    fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind }
    }
}

/// One entry of a row; absent entries are `None`.
#[derive(Debug, Clone, PartialEq)]
enum Datum {
    Text(String),
    Count(u64),
    /// Finite, as it was before rounding.
    Number(f64),
}

impl Datum {
    /// A number; none where it is not finite.
    fn number(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self::Number(value))
    }

    fn text(text: impl Into<String>) -> Option<Self> {
        Some(Self::Text(text.into()))
    }
}

type Row = Vec<Option<Datum>>;

/// Writes `cells.csv` and the CSV of the specimen.
pub(super) fn write_csv(case: &Case, names: &FileNames, sink: &mut dyn FileSink) -> Result<(), ReportError> {
    sink.file("cells.csv", &mut |writer| csv_file::write(&cells::columns(), cells::rows(case), writer))?;
    let (columns, row) = specimen::table(&case.record)?;
    sink.file(&names.with("specimen.csv"), &mut |writer| {
        csv_file::write(&columns, std::iter::once(Ok(row.clone())), writer)
    })
}

/// Writes the same tables as Parquet.
pub(super) fn write_parquet(case: &Case, names: &FileNames, sink: &mut dyn FileSink) -> Result<(), ReportError> {
    let metadata = parquet_file::metadata(&case.record)?;
    sink.file(&names.with("cells.parquet"), &mut |writer| {
        parquet_file::write(&cells::columns(), cells::rows(case), &metadata, writer)
    })?;
    let (columns, row) = specimen::table(&case.record)?;
    sink.file(&names.with("specimen.parquet"), &mut |writer| {
        parquet_file::write(&columns, std::iter::once(Ok(row.clone())), &metadata, writer)
    })
}

/// A number with fixed decimals and no negative zero.
fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|byte| matches!(byte, b'0' | b'.')) => digits.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_fixed_and_plain() {
        assert_eq!(fixed(12.0, 2), "12.00");
        assert_eq!(fixed(0.0000001, 6), "0.000000");
        assert_eq!(fixed(1e21, 1), "1000000000000000000000.0");
        assert_eq!(fixed(-0.004, 2), "0.00");
        assert_eq!(fixed(-0.006, 2), "-0.01");
        assert_eq!((Datum::number(f64::NAN), Datum::number(0.0)), (None, Some(Datum::Number(0.0))));
    }
}
