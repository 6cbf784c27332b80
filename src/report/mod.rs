//! Renders a [`Case`](crate::case::Case) as files. `case.json`, `cells.csv` and `report.html` are the working files of a case folder and keep
//! their names; what leaves the folder is called by accession and job, see [`FileNames`].
//!
//! In: a finished case; nothing is counted or judged here, every figure is the record's. Out: bytes, or files in a
//! folder through [`ReportTarget`]. The same case gives the same bytes: no clock, no host, no path of the machine.
//!
//! [`render()`](render::render) makes the files of one format in memory. [`ReportTarget::prepare`] checks the folder before work starts, so that a
//! wrong path costs seconds and not an analysis; [`ReportTarget::write`] leaves whole files or none.

pub(crate) mod document;
mod error;
mod fhir;
mod folder;
mod format;
mod geojson;
mod hl7;
mod html;
mod message;
mod names;
#[cfg(feature = "pdf")]
mod pdf;
mod pictures;
mod read;
mod render;
mod settings;
mod table;
mod target;

pub use document::words::state_words;
pub(crate) use document::words::time_words;
pub use error::ReportError;
pub use folder::{OutputFolder, ReportFile};
pub use format::{ReportFormat, UnknownFormat};
pub use html::{BatchAbout, PageFrame, batch_page};
pub(crate) use html::{sections, state_symbol};
pub use message::{AlternateCode, CodeOptions, ObservationCode, ObservationName};
pub use names::{FileNames, MAX_PART_CHARS};
pub use pictures::MOST_TILES;
pub use read::{CaseFolderError, MAX_CASE_BYTES, read_archive, read_case, read_record};
pub use render::{ARCHIVE_FILE, CASE_FILE, CASE_SCHEMA, case_schema, render, render_with};
pub use settings::{DocumentComponents, FhirOptions, Hl7Options, Hl7Version, ProcessingId, ReportSettings};
pub use table::{COLUMNS, JoinedTable, is_own_column, join_cells, join_specimens, outcome_table, spreadsheet_text};
pub use target::{FolderContents, ReportTarget, WrittenReports};
