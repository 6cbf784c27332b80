//! `case.json`: the published record, for programs.
//!
//! Format: one JSON object in UTF-8, indented by two spaces, with a newline at the end. Its fields are those of
//! [`CaseRecord`] in the order of the type, documented there and in the JSON Schema (draft 2020-12) beside this file,
//! `schema/case-v2.json`. Every field is always present: what is unknown is `null`, never 0. Keys of `class_counts`,
//! `exclusions` and `options` are sorted. Numbers are written with the fewest digits that read back to the same double.
//! Readers should refuse a `schema_version` whose first number they do not know; unknown fields do not occur in one
//! version.
//!
//! Limits: a record with a number that is not finite would break the schema; the stages before never make one.

use schemars::generate::SchemaSettings;

use super::ReportError;
use super::sink::FileSink;
use crate::case::CaseRecord;

/// The committed JSON Schema of `case.json`.
pub const CASE_SCHEMA: &str = include_str!("schema/case-v2.json");

/// Name of the file.
const FILE: &str = "case.json";

/// The record as `case.json` holds it.
pub(super) fn write(record: &CaseRecord, sink: &mut dyn FileSink) -> Result<(), ReportError> {
    sink.file(FILE, &mut |writer| {
        serde_json::to_writer_pretty(&mut *writer, record)?;
        Ok(writer.write_all(b"\n")?)
    })
}

/// The JSON Schema as the types state it now; a test compares it with [`CASE_SCHEMA`].
///
/// # Errors
/// [`ReportError::Json`] where the schema cannot be written.
pub fn case_schema() -> Result<String, ReportError> {
    // Of what is written, not of what would be accepted: fields that may be null are required all the same.
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let schema = generator.into_root_schema_for::<CaseRecord>();
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}
