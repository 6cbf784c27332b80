//! `case.json`: the published record, for programs.
//!
//! Format: one JSON object in UTF-8, indented by two spaces, with a newline at the end. Its fields are those of
//! [`CaseRecord`] in the order of the type, documented there and in the JSON Schema (draft 2020-12) beside this file,
//! `schema/case-v4.json`. Every field is always present: what is unknown is `null`, never 0. Keys of
//! `exclusions` and `options` are sorted. Numbers are written with the fewest digits that read back to the same double.
//! Readers should refuse a `schema_version` whose first number they do not know; unknown fields do not occur in one
//! version.
//!
//! Limits: a record with a number that is not finite would break the schema; the stages before never make one.

use schemars::generate::SchemaSettings;

use super::ReportError;
use super::sink::FileSink;
use crate::case::{Case, CaseRecord, write_fields};

/// The committed JSON Schema of `case.json`.
pub const CASE_SCHEMA: &str = include_str!("schema/case-v4.json");

/// Name of the record's file.
pub const CASE_FILE: &str = "case.json";

/// Name of the file beside it that holds the fields, see [`write_fields`]: what `report` needs in place of the images.
pub const ARCHIVE_FILE: &str = "case.fields.gz";

/// The record as `case.json` holds it, and the archive of its fields.
pub(super) fn write(case: &Case, sink: &mut dyn FileSink) -> Result<(), ReportError> {
    sink.file(CASE_FILE, &mut |writer| {
        serde_json::to_writer_pretty(&mut *writer, &case.record)?;
        Ok(writer.write_all(b"\n")?)
    })?;
    sink.file(ARCHIVE_FILE, &mut |writer| Ok(write_fields(&case.record, &case.fields, writer)?))
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
