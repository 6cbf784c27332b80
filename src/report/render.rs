//! The files of a case in one format, and `case.json`: the published record, for programs.
//!
//! Format of `case.json`: one JSON object in UTF-8, indented by two spaces, with a newline at the end. Its fields are those
//! of [`CaseRecord`] in the order of the type, documented there and in the JSON Schema (draft 2020-12) beside this file,
//! `schema/case-v4.json`. Every field is always present: what is unknown is `null`, never 0. Keys of `exclusions` and
//! `options` are sorted. Numbers are written with the fewest digits that read back to the same double. Readers should
//! refuse a `schema_version` whose first number they do not know; unknown fields do not occur in one version.
//!
//! Limits: a record with a number that is not finite would break the schema; the stages before never make one.

use schemars::generate::SchemaSettings;

use super::error::ReportError;
use super::folder::{FileSink, ReportFile};
use super::format::ReportFormat;
use super::names::FileNames;
#[cfg(feature = "pdf")]
use super::pdf;
use super::settings::ReportSettings;
use super::{fhir, geojson, hl7, html, pictures, table};
use crate::case::{Case, CaseRecord, write_fields};

/// The files of a case in one format, with settings by default.
///
/// # Errors
/// As [`render_with`].
pub fn render(format: ReportFormat, case: &Case) -> Result<Vec<ReportFile>, ReportError> {
    render_with(format, case, &ReportSettings::default(), None)
}

/// The files of a case in one format. `pdf` is what messages embed where their options ask for it; the case's own sheets
/// where it is left out.
///
/// # Errors
/// [`ReportError::FieldsDisagree`] where record and fields do not belong together, and those of the format's encoder.
pub fn render_with(
    format: ReportFormat,
    case: &Case,
    settings: &ReportSettings,
    pdf: Option<&[u8]>,
) -> Result<Vec<ReportFile>, ReportError> {
    let mut files = Vec::new();
    write(format, case, settings, pdf, &mut files)?;
    Ok(files)
}

/// Gives the files of a case in one format to a sink.
pub(super) fn write(
    format: ReportFormat,
    case: &Case,
    settings: &ReportSettings,
    pdf: Option<&[u8]>,
    sink: &mut dyn FileSink,
) -> Result<(), ReportError> {
    check_fields(case)?;
    let (record, codes) = (&case.record, &settings.codes);
    let names = FileNames::of(record)?;
    let embeds = match format {
        ReportFormat::Hl7 => settings.hl7.embed_pdf,
        ReportFormat::Fhir => settings.fhir.embed_pdf,
        _ => false,
    };
    let rendered = if embeds && pdf.is_none() { Some(sheets(case)?) } else { None };
    let pdf = pdf.or(rendered.as_deref()).filter(|_| embeds);
    match format {
        ReportFormat::Json => write_record(case, sink),
        ReportFormat::Csv => table::write_csv(case, &names, sink),
        ReportFormat::Html => sink.file(html::FILE, &mut |writer| html::write(case, writer)),
        #[cfg(feature = "pdf")]
        ReportFormat::Pdf => sink.bytes(&names.with(pdf::EXTENSION), &sheets(case)?),
        ReportFormat::Geojson => geojson::write(case, &names, sink),
        ReportFormat::Parquet => table::write_parquet(case, &names, sink),
        ReportFormat::Pictures => pictures::write(case, &names, sink),
        ReportFormat::Hl7 => sink.bytes(&names.with("hl7"), &hl7::message(record, &settings.hl7, codes, pdf)?),
        ReportFormat::Fhir => sink.bytes(&names.with("fhir.json"), &fhir::bundle(record, &settings.fhir, codes, pdf)?),
    }
}

/// The sheets of a case as PDF.
#[cfg(feature = "pdf")]
fn sheets(case: &Case) -> Result<Vec<u8>, ReportError> {
    pdf::render(case)
}

/// The sheets of a case as PDF: none in this build.
#[cfg(not(feature = "pdf"))]
fn sheets(_case: &Case) -> Result<Vec<u8>, ReportError> {
    Err(ReportError::NoSheets)
}

/// Both lists of fields must name the same fields in the same order: everything below walks them side by side.
fn check_fields(case: &Case) -> Result<(), ReportError> {
    let mut recorded = case.record.fields.iter().map(|field| field.field.as_str());
    let mut pictured = case.fields.names();
    loop {
        match (recorded.next(), pictured.next()) {
            (None, None) => return Ok(()),
            (expected, found) if expected == found => {}
            (expected, found) => {
                let name = |field: Option<&str>| field.unwrap_or("no further field").to_owned();
                return Err(ReportError::FieldsDisagree { expected: name(expected), found: name(found) });
            }
        }
    }
}

/// The committed JSON Schema of `case.json`.
pub const CASE_SCHEMA: &str = include_str!("schema/case-v4.json");

/// Name of the record's file.
pub const CASE_FILE: &str = "case.json";

/// Name of the file beside it that holds the fields, see [`write_fields`]: what `report` needs in place of the images.
pub const ARCHIVE_FILE: &str = "case.fields";

/// The record as `case.json` holds it, and the archive of its fields.
fn write_record(case: &Case, sink: &mut dyn FileSink) -> Result<(), ReportError> {
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
