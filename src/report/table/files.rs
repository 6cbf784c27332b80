//! A table as a file: its columns and rows, as CSV and as Parquet.
//!
//! CSV: UTF-8, comma, `\n`, quotes where needed (RFC 4180), one header row. What is absent stays empty; numbers have fixed
//! decimals and never an exponent.
//!
//! METHOD: a spreadsheet takes a text that begins with `=`, `+`, `-`, `@`, a tab or a line break for a formula, quoted or
//! not, and a file or specimen may bear any name. Such a text gets an apostrophe in front (OWASP, "CSV Injection"), which
//! a spreadsheet shows as text. The name then differs from that of its file by the apostrophe; the Parquet table and
//! `case.json` hold it unchanged.
//!
//! Parquet (format 2, uncompressed), for `pyarrow`, `pandas`, R, DuckDB and the like: text is `BYTE_ARRAY` with the logical
//! type `STRING`, whole numbers are `INT64`, numbers `DOUBLE`; every column is optional, and what is absent is null.
//! Numbers are those of the CSV, digit for digit. Rows are written in groups of [`ROWS_PER_GROUP`], so that memory does not
//! grow with their number. The file's metadata hold `accession`, `job`, `schema_version` of the record and `footer`.
//!
//! METHOD: the writer of the `parquet` crate alone, without Arrow: the tables are flat and a third of the dependencies
//! serve.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use crate::case::{CaseRecord, Job};
use crate::report::error::ReportError;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Count,
    /// A number with fixed decimals.
    Number { decimals: usize },
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

impl Column {
    pub(super) fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind }
    }
}

/// One entry of a row; absent entries are `None`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Datum {
    Text(String),
    Count(u64),
    /// Finite, as it was before rounding.
    Number(f64),
}

impl Datum {
    /// A number; none where it is not finite.
    pub(super) fn number(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self::Number(value))
    }

    pub(super) fn text(text: impl Into<String>) -> Option<Self> {
        Some(Self::Text(text.into()))
    }
}

pub(super) type Row = Vec<Option<Datum>>;

/// What a formula begins with.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Writes a table as CSV.
pub(super) fn write_csv(columns: &[Column], rows: &[Row], writer: &mut dyn Write) -> Result<(), ReportError> {
    write_csv_head(columns, writer)?;
    write_csv_rows(columns, rows, writer)
}

/// Writes the names of the columns.
pub(super) fn write_csv_head(columns: &[Column], writer: &mut dyn Write) -> Result<(), ReportError> {
    let mut writer = csv::Writer::from_writer(writer);
    writer.write_record(columns.iter().map(|column| &column.name))?;
    Ok(writer.flush()?)
}

/// Writes rows below the names.
pub(super) fn write_csv_rows(columns: &[Column], rows: &[Row], writer: &mut dyn Write) -> Result<(), ReportError> {
    let mut writer = csv::Writer::from_writer(writer);
    for row in rows {
        writer.write_record(columns.iter().zip(row).map(|(column, entry)| csv_text(column.kind, entry.as_ref())))?;
    }
    Ok(writer.flush()?)
}

fn csv_text(kind: Kind, entry: Option<&Datum>) -> String {
    match (entry, kind) {
        (None, _) => String::new(),
        (Some(Datum::Text(text)), _) => spreadsheet_text(text),
        (Some(Datum::Count(count)), _) => count.to_string(),
        (Some(Datum::Number(value)), Kind::Number { decimals }) => fixed(*value, decimals),
        (Some(Datum::Number(value)), _) => value.to_string(),
    }
}

/// A text that no spreadsheet runs.
pub fn spreadsheet_text(text: &str) -> String {
    if text.starts_with(FORMULA_STARTS) || text.starts_with('\n') { format!("'{text}") } else { text.to_owned() }
}

/// Rows of a group: some megabytes.
pub(super) const ROWS_PER_GROUP: usize = 50_000;

/// Definition level of an entry that is there; 0 is null.
pub(super) const DEFINED: i16 = 1;

/// What the metadata of a file say of its case.
pub(super) fn metadata(record: &CaseRecord) -> Result<Vec<KeyValue>, ReportError> {
    let entry = |key: &str, value: Option<&str>| KeyValue::new(key.to_owned(), value.map(str::to_owned));
    Ok(vec![
        entry("accession", record.accession.as_deref()),
        entry("job", Some(Job::of(record)?.id())),
        entry("schema_version", Some(&record.schema_version)),
        entry("footer", Some(&record.footer)),
    ])
}

/// Writes a table as Parquet.
pub(super) fn write_parquet(
    columns: &[Column],
    mut rows: impl Iterator<Item = io::Result<Row>>,
    metadata: &[KeyValue],
    writer: &mut (dyn Write + Send),
) -> Result<(), ReportError> {
    let properties = WriterProperties::builder().set_key_value_metadata(Some(metadata.to_vec())).build();
    let mut file = SerializedFileWriter::new(writer, schema(columns)?, Arc::new(properties))?;
    loop {
        let group: Vec<Row> = rows.by_ref().take(ROWS_PER_GROUP).collect::<io::Result<_>>()?;
        if group.is_empty() {
            break;
        }
        let mut writer = file.next_row_group()?;
        for (index, column) in columns.iter().enumerate() {
            if let Some(mut chunk) = writer.next_column()? {
                let entries: Vec<Option<&Datum>> = group.iter().map(|row| row[index].as_ref()).collect();
                write_column(column.kind, &entries, &mut chunk)?;
                chunk.close()?;
            }
        }
        writer.close()?;
    }
    file.close()?;
    Ok(())
}

pub(super) fn schema(columns: &[Column]) -> Result<TypePtr, ParquetError> {
    let field = |column: &Column| {
        let (physical, logical) = match column.kind {
            Kind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Count => (PhysicalType::INT64, None),
            Kind::Number { .. } => (PhysicalType::DOUBLE, None),
        };
        let builder = Type::primitive_type_builder(&column.name, physical);
        builder.with_repetition(Repetition::OPTIONAL).with_logical_type(logical).build().map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?))
}

fn write_column(
    kind: Kind,
    entries: &[Option<&Datum>],
    chunk: &mut SerializedColumnWriter<'_>,
) -> Result<(), ParquetError> {
    let levels: Vec<i16> = entries.iter().map(|entry| if entry.is_some() { DEFINED } else { 0 }).collect();
    let known = entries.iter().flatten();
    match kind {
        Kind::Text => {
            let text = |datum: &Datum| match datum {
                Datum::Text(text) => text.as_str().into(),
                Datum::Count(count) => count.to_string().as_str().into(),
                Datum::Number(value) => value.to_string().as_str().into(),
            };
            let values: Vec<ByteArray> = known.map(|datum| text(datum)).collect();
            chunk.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
        }
        Kind::Count => {
            let values = known.map(|datum| match datum {
                Datum::Count(count) => i64::try_from(*count).map_err(|error| ParquetError::General(error.to_string())),
                other => Err(ParquetError::General(format!("expected a whole number, found {other:?}"))),
            });
            let values = values.collect::<Result<Vec<i64>, _>>()?;
            chunk.typed::<Int64Type>().write_batch(&values, Some(&levels), None)?;
        }
        Kind::Number { decimals } => {
            let values = known.map(|datum| match datum {
                Datum::Number(value) => rounded(*value, decimals),
                other => Err(ParquetError::General(format!("expected a number, found {other:?}"))),
            });
            let values = values.collect::<Result<Vec<f64>, _>>()?;
            chunk.typed::<DoubleType>().write_batch(&values, Some(&levels), None)?;
        }
    }
    Ok(())
}

/// The number that the CSV shows.
fn rounded(value: f64, decimals: usize) -> Result<f64, ParquetError> {
    fixed(value, decimals).parse().map_err(|_| ParquetError::General(format!("expected a number, found {value}")))
}

/// A number with fixed decimals and no negative zero.
fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|byte| matches!(byte, b'0' | b'.')) => digits.to_owned(),
        _ => text,
    }
}

impl From<ParquetError> for ReportError {
    fn from(error: ParquetError) -> Self {
        Self::Parquet(Box::new(error))
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

    #[test]
    fn a_formula_gets_an_apostrophe_and_a_name_with_one_inside_does_not() {
        for formula in ["=1+1", "+1", "-1.jpg", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            assert_eq!(spreadsheet_text(formula), format!("'{formula}"));
        }
        for plain in ["", "a=1.jpg", "field-1.jpg", "'=1", " =1"] {
            assert_eq!(spreadsheet_text(plain), plain);
        }
    }
}
