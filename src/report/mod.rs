//! Renders a [`Case`] as files. `case.json`, `cells.csv` and `report.html` are the working files of a case folder and keep
//! their names; what leaves the folder is called by accession and job, see [`FileNames`].
//!
//! In: a finished case; nothing is counted or judged here, every figure is the record's. Out: bytes, or files in a
//! folder through [`ReportTarget`]. The same case gives the same bytes: no clock, no host, no path of the machine.
//!
//! [`render`] makes the files of one format in memory. [`ReportTarget::prepare`] checks the folder before work starts, so that a
//! wrong path costs seconds and not an analysis; [`ReportTarget::write`] leaves whole files or none.

mod colors;
mod contents;
mod document;
mod error;
mod fhir;
mod folder;
mod format;
mod geojson;
mod hl7;
mod html;
mod json;
mod message;
mod names;
#[cfg(feature = "pdf")]
mod pdf;
mod pictures;
mod settings;
mod sink;
mod table;
mod target;
mod urn;

pub use document::words::{reason_words, state_words};
pub use error::ReportError;
pub use fhir::FhirOptions;
pub use folder::OutputFolder;
pub use format::{ReportFormat, UnknownFormat};
pub use hl7::{DocumentComponents, Hl7Options, Hl7Version, ProcessingId};
pub use html::{BatchAbout, PageFrame, batch_page, data_uri};
pub use json::{ARCHIVE_FILE, CASE_FILE, CASE_SCHEMA, case_schema};
pub use message::{AlternateCode, CodeOptions, ObservationCode, ObservationName};
pub use names::{FileNames, MAX_PART_CHARS};
pub use pictures::MOST_TILES;
pub use settings::ReportSettings;
pub use sink::ReportFile;
pub use table::{COLUMNS, JoinedTable, is_own_column, join_cells, join_specimens, outcome_table, spreadsheet_text};
pub use target::{ReportTarget, WrittenReports};

use crate::case::Case;
use sink::FileSink;

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
fn write(
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
        ReportFormat::Json => json::write(case, sink),
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
