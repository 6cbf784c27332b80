//! Tables of many specimens from those of each: `cells.parquet` and `specimens.parquet` of a batch.
//!
//! In: Parquet files of one specimen as [`files`](super::files) writes them, in the order of the rows
//! wanted. Out: one Parquet file with the same columns; that of the cells has `accession` and `job` in front, because a
//! row must say whose cell it is. Values are copied column by column and never read as text, so that they are the same
//! to the last bit. Rows are gathered in groups as large as in a single table; memory holds one group.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::column::reader::ColumnReader;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use super::files::{Column, DEFINED, Kind, ROWS_PER_GROUP, schema};
use super::rows::cell_columns;
use crate::case::FOOTER;
use crate::report::error::ReportError;

/// A table of one specimen and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedTable {
    /// The file.
    pub path: PathBuf,
    /// Specimen number.
    pub accession: String,
    /// Job.
    pub job: String,
    /// Columns of the manifest that are carried along, by name.
    pub extra: BTreeMap<String, String>,
}

/// Joins the tables of the cells.
///
/// # Errors
/// [`ReportError::Table`] where a file cannot be read or has other columns, [`ReportError::Parquet`] where the result
/// cannot be written.
pub fn join_cells(tables: &[JoinedTable], writer: &mut (dyn Write + Send)) -> Result<(), ReportError> {
    let owner = ["accession", "job"].map(|name| Column::new(name, Kind::Text));
    let columns: Vec<Column> = owner.into_iter().chain(cell_columns()).collect();
    join(tables, schema(&columns)?, 2, &[], writer)
}

/// Joins the tables of the specimens, which say themselves whose they are; the first gives the columns. Those of the
/// manifest follow as text.
///
/// # Errors
/// As [`join_cells`]; no table at all cannot be joined.
pub fn join_specimens(
    tables: &[JoinedTable],
    extra_columns: &[String],
    writer: &mut (dyn Write + Send),
) -> Result<(), ReportError> {
    let first = tables.first().ok_or_else(|| ParquetError::General("expected a table, found none".to_owned()))?;
    let columns = open(&first.path)?.metadata().file_metadata().schema_descr().root_schema_ptr();
    let extra: Vec<Column> = extra_columns.iter().map(|name| Column::new(name, Kind::Text)).collect();
    let fields = columns.get_fields().iter().chain(schema(&extra)?.get_fields()).cloned().collect();
    let columns = Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?);
    join(tables, columns, 0, extra_columns, writer)
}

/// The values of a column that wait to be written.
enum Values {
    Text(Vec<ByteArray>),
    Count(Vec<i64>),
    Number(Vec<f64>),
}

struct Waiting {
    values: Values,
    levels: Vec<i16>,
}

fn join(
    tables: &[JoinedTable],
    columns: TypePtr,
    own_columns: usize,
    extra_columns: &[String],
    writer: &mut (dyn Write + Send),
) -> Result<(), ReportError> {
    let metadata = vec![KeyValue::new("footer".to_owned(), FOOTER.to_owned())];
    let properties = WriterProperties::builder().set_key_value_metadata(Some(metadata)).build();
    let mut file = SerializedFileWriter::new(writer, Arc::clone(&columns), Arc::new(properties))?;
    let mut waiting = empty(&columns);
    let mut rows = 0;
    let read_columns = columns.get_fields().len() - own_columns - extra_columns.len();
    for table in tables {
        let reader = open(&table.path)?;
        if *reader.metadata().file_metadata().schema().get_fields()
            != columns.get_fields()[own_columns..own_columns + read_columns]
        {
            let problem = "expected the columns of this version; analyze the specimen again".to_owned();
            return Err(ReportError::Table { path: table.path.clone(), problem });
        }
        let unreadable = |error: ParquetError| table_error(&table.path, &error);
        let owner = [&table.accession, &table.job].map(|text| ByteArray::from(text.as_str()));
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group).map_err(unreadable)?;
            let added = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            for (column, own) in waiting.iter_mut().zip(&owner[..own_columns]) {
                column.repeat(Some(own), added);
            }
            for (column, name) in waiting[own_columns + read_columns..].iter_mut().zip(extra_columns) {
                column.repeat(table.extra.get(name).map(|text| ByteArray::from(text.as_str())).as_ref(), added);
            }
            for (index, column) in waiting.iter_mut().skip(own_columns).take(read_columns).enumerate() {
                column.read(group.get_column_reader(index).map_err(unreadable)?, added).map_err(unreadable)?;
            }
            rows += added;
            if rows >= ROWS_PER_GROUP {
                write_group(&mut file, std::mem::replace(&mut waiting, empty(&columns)))?;
                rows = 0;
            }
        }
    }
    if rows > 0 {
        write_group(&mut file, waiting)?;
    }
    file.close()?;
    Ok(())
}

fn open(path: &Path) -> Result<SerializedFileReader<File>, ReportError> {
    let problem = |error: String| ReportError::Table { path: path.to_owned(), problem: error };
    let file = File::open(path).map_err(|error| problem(error.to_string()))?;
    SerializedFileReader::new(file).map_err(|error| problem(error.to_string()))
}

fn table_error(path: &Path, error: &ParquetError) -> ReportError {
    ReportError::Table { path: path.to_owned(), problem: error.to_string() }
}

fn empty(columns: &TypePtr) -> Vec<Waiting> {
    use parquet::basic::Type as Physical;
    let values = |physical| match physical {
        Physical::INT64 => Values::Count(Vec::new()),
        Physical::DOUBLE => Values::Number(Vec::new()),
        _ => Values::Text(Vec::new()),
    };
    let column = |column: &TypePtr| Waiting { values: values(column.get_physical_type()), levels: Vec::new() };
    columns.get_fields().iter().map(column).collect()
}

impl Waiting {
    /// The same text, or none, for a number of rows.
    fn repeat(&mut self, text: Option<&ByteArray>, rows: usize) {
        if let Values::Text(values) = &mut self.values {
            values.extend(text.into_iter().flat_map(|text| std::iter::repeat_n(text.clone(), rows)));
            self.levels.extend(std::iter::repeat_n(text.map_or(0, |_| DEFINED), rows));
        }
    }

    fn read(&mut self, reader: ColumnReader, rows: usize) -> Result<(), ParquetError> {
        let levels = Some(&mut self.levels);
        let (read, _, _) = match (reader, &mut self.values) {
            (ColumnReader::ByteArrayColumnReader(mut reader), Values::Text(values)) => {
                reader.read_records(rows, levels, None, values)?
            }
            (ColumnReader::Int64ColumnReader(mut reader), Values::Count(values)) => {
                reader.read_records(rows, levels, None, values)?
            }
            (ColumnReader::DoubleColumnReader(mut reader), Values::Number(values)) => {
                reader.read_records(rows, levels, None, values)?
            }
            _ => return Err(ParquetError::General("found a column of another type".to_owned())),
        };
        if read == rows { Ok(()) } else { Err(ParquetError::EOF(format!("expected {rows} rows, found {read}"))) }
    }
}

fn write_group<W: Write + Send>(file: &mut SerializedFileWriter<W>, group: Vec<Waiting>) -> Result<(), ReportError> {
    let mut writer = file.next_row_group()?;
    for Waiting { values, levels } in group {
        let Some(mut chunk) = writer.next_column()? else { break };
        let levels = Some(levels.as_slice());
        match values {
            Values::Text(values) => chunk.typed::<ByteArrayType>().write_batch(&values, levels, None)?,
            Values::Count(values) => chunk.typed::<Int64Type>().write_batch(&values, levels, None)?,
            Values::Number(values) => chunk.typed::<DoubleType>().write_batch(&values, levels, None)?,
        };
        chunk.close()?;
    }
    writer.close()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use parquet::record::Field;

    use super::super::files::{self, Datum, Row};
    use super::*;

    fn table(folder: &Path, name: &str, cells: u64) -> JoinedTable {
        let path = folder.join(format!("{name}.parquet"));
        let mut file = File::create(&path).expect("a file");
        let row = |id: u64| -> std::io::Result<Row> {
            let mut row: Row = vec![None; cell_columns().len()];
            row[0] = Datum::text(format!("{name}.png"));
            row[1] = Some(Datum::Count(id));
            row[2] = Datum::number(id as f64 / 4.0);
            Ok(row)
        };
        files::write_parquet(&cell_columns(), (1..=cells).map(row), &[], &mut file).expect("a table");
        let extra = BTreeMap::from([(format!("only {name}"), name.to_owned()), ("site".to_owned(), "A".to_owned())]);
        JoinedTable { path, accession: format!("S-{name}"), job: "j".to_owned(), extra }
    }

    fn rows(bytes: Vec<u8>) -> Vec<Vec<Field>> {
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("a table");
        let rows = reader.get_row_iter(None).expect("rows");
        rows.map(|row| row.expect("a row").into_columns().into_iter().map(|(_, field)| field).collect()).collect()
    }

    #[test]
    fn rows_follow_each_other_with_their_owner_and_absent_stays_absent() {
        let folder = tempfile::tempdir().expect("a folder");
        let tables = [("a", 2), ("b", 0), ("c", 1)].map(|(name, cells)| table(folder.path(), name, cells));
        let mut joined = Vec::new();
        join_cells(&tables, &mut joined).expect("a table");
        let rows = rows(joined);
        let text = |text: &str| Field::Str(text.to_owned());
        let heads: Vec<_> = rows.iter().map(|row| row[..5].to_vec()).collect();
        assert_eq!(
            heads,
            [
                vec![text("S-a"), text("j"), text("a.png"), Field::Long(1), Field::Double(0.25)],
                vec![text("S-a"), text("j"), text("a.png"), Field::Long(2), Field::Double(0.5)],
                vec![text("S-c"), text("j"), text("c.png"), Field::Long(1), Field::Double(0.25)],
            ]
        );
        assert!(rows.iter().all(|row| row[5..].iter().all(|field| *field == Field::Null)));
    }

    #[test]
    fn columns_of_the_manifest_follow_as_text() {
        let folder = tempfile::tempdir().expect("a folder");
        let tables = ["a", "b"].map(|name| table(folder.path(), name, 1));
        let mut joined = Vec::new();
        join_specimens(&tables, &["site".to_owned(), "only b".to_owned()], &mut joined).expect("a table");
        let reader = SerializedFileReader::new(bytes::Bytes::from(joined.clone())).expect("a table");
        let schema = reader.metadata().file_metadata().schema().clone();
        let names: Vec<_> = schema.get_fields()[cell_columns().len()..].iter().map(|field| field.name()).collect();
        assert_eq!(names, ["site", "only b"]);
        let ends: Vec<_> = rows(joined).iter().map(|row| row[row.len() - 2..].to_vec()).collect();
        let text = |text: &str| Field::Str(text.to_owned());
        assert_eq!(ends, [vec![text("A"), Field::Null], vec![text("A"), text("b")]]);
    }

    #[test]
    fn many_rows_are_written_in_groups_and_none_is_lost() {
        let folder = tempfile::tempdir().expect("a folder");
        let half = ROWS_PER_GROUP as u64 / 2;
        let tables = ["a", "b", "c"].map(|name| table(folder.path(), name, half + 1));
        let mut joined = Vec::new();
        join_cells(&tables, &mut joined).expect("a table");
        let reader = SerializedFileReader::new(bytes::Bytes::from(joined)).expect("a table");
        assert_eq!(reader.num_row_groups(), 2);
        assert_eq!(reader.metadata().file_metadata().num_rows(), 3 * (half as i64 + 1));
    }

    #[test]
    fn a_table_of_other_columns_or_none_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut other = table(folder.path(), "a", 1);
        let columns = [Column::new("else", Kind::Count)];
        let row: std::io::Result<Row> = Ok(vec![None]);
        files::write_parquet(&columns, std::iter::once(row), &[], &mut File::create(&other.path).expect("a file"))
            .expect("a table");
        let error = join_cells(std::slice::from_ref(&other), &mut Vec::new()).expect_err("other columns");
        assert!(error.to_string().contains("expected the columns of this version"), "{error}");
        other.path = folder.path().join("none.parquet");
        let error = join_cells(&[other], &mut Vec::new()).expect_err("no file");
        assert!(error.to_string().contains("none.parquet"), "{error}");
        join_specimens(&[], &[], &mut Vec::new()).expect_err("nothing to join");
    }
}
