//! `evaluation.json`: the record for programs.
//!
//! Format: one JSON object in UTF-8, indented by two spaces, with a newline at the end; its fields are those of
//! [`Evaluation`] in the order of the type, documented there and in the JSON Schema (draft 2020-12) beside this file,
//! `schema/evaluation-v1.json`. Every field is always present: what is undefined is `null`, never 0.

use schemars::generate::SchemaSettings;

use super::Evaluation;

/// The committed JSON Schema of `evaluation.json`.
pub const EVALUATION_SCHEMA: &str = include_str!("schema/evaluation-v1.json");

/// The record as `evaluation.json` holds it.
///
/// # Errors
/// Where the record cannot be written as JSON.
pub fn document(evaluation: &Evaluation) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(evaluation)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The JSON Schema as the types state it now; a test compares it with [`EVALUATION_SCHEMA`].
///
/// # Errors
/// Where the schema cannot be written as JSON.
pub fn schema() -> serde_json::Result<String> {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    Ok(serde_json::to_string_pretty(&generator.into_root_schema_for::<Evaluation>())? + "\n")
}
