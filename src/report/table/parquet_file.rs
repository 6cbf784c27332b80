//! A table as Parquet (format 2, uncompressed), for `pyarrow`, `pandas`, R, DuckDB and the like.
//!
//! Types: text is `BYTE_ARRAY` with the logical type `STRING`, whole numbers are `INT64`, numbers `DOUBLE`; every column
//! is optional, and what is absent is null. Numbers are those of the CSV, digit for digit. Rows are written in groups of
//! [`ROWS_PER_GROUP`], so that memory does not grow with their number. The file's metadata hold `accession`, `job`,
//! `schema_version` of the record and `footer`.
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

use super::{Column, Datum, Kind, Row, fixed};
use crate::case::{CaseRecord, FOOTER, Job};
use crate::report::ReportError;

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
        entry("footer", Some(FOOTER)),
    ])
}

/// Writes a table.
pub(super) fn write(
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
