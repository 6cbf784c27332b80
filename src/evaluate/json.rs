//! How a record is written: one JSON object in UTF-8, indented by two spaces, with a newline at the end; and its schema.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

/// The committed JSON Schema of `evaluation.json`.
pub const EVALUATION_SCHEMA: &str = include_str!("schema/evaluation-v1.json");

/// The committed JSON Schema of `suite.json`.
pub const SUITE_SCHEMA: &str = include_str!("schema/suite-v1.json");

/// The bytes of a record.
///
/// # Errors
/// Where the record cannot be written as JSON.
pub fn document<T: Serialize>(record: &T) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(record)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The JSON Schema (draft 2020-12) of a record as its types state it now; a test compares it with the committed one.
///
/// # Errors
/// Where the schema cannot be written as JSON.
pub fn schema<T: JsonSchema>() -> serde_json::Result<String> {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    Ok(serde_json::to_string_pretty(&generator.into_root_schema_for::<T>())? + "\n")
}
