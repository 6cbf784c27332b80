//! Renders a [`Case`] as files: `case.json`, `cells.csv` and `report.html`.
//!
//! In: a finished case; nothing is counted or judged here, every figure is the record's. Out: bytes, or files in a
//! folder through [`ReportTarget`]. The same case gives the same bytes: no clock, no host, no path of the machine.
//!
//! [`render`] makes the bytes of one format. [`ReportTarget::prepare`] checks the folder before work starts, so that a
//! wrong path costs seconds and not an analysis; [`ReportTarget::write`] leaves whole files or none.

mod folder;
mod html;
mod json;
mod table;
mod target;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

pub use folder::OutputFolder;
pub use json::{CASE_SCHEMA, case_schema};
pub use table::COLUMNS;
pub use target::ReportTarget;

use crate::case::Case;

/// Formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReportFormat {
    /// The record, `case.json`.
    Json,
    /// One row for each object of every field, `cells.csv`.
    Csv,
    /// The page for people, `report.html`.
    Html,
}

impl ReportFormat {
    /// Every format, in the order in which they are written.
    pub const ALL: [Self; 3] = [Self::Json, Self::Csv, Self::Html];

    /// Name as typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Html => "html",
        }
    }

    /// File that the format is written to.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Json => "case.json",
            Self::Csv => "cells.csv",
            Self::Html => "report.html",
        }
    }
}

impl fmt::Display for ReportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ReportFormat {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// A name that is no report format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a report format (json, csv or html), found `{0}`")]
pub struct UnknownFormat(pub String);

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The output folder cannot be created or written to (environment).
    #[error("{path}: expected an output folder that can be created and written to; name another one or change its permissions", path = .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something else stands where the output folder should be (request invalid).
    #[error("{path}: expected an output folder, found a file; name another folder", path = .path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// A folder stands where a report should be written (request invalid).
    #[error("{path}: expected a file or nothing, found a folder; move it or name another output folder", path = .path.display())]
    Occupied {
        /// The path of the report.
        path: PathBuf,
    },
    /// A file cannot be written (environment).
    #[error("{path}: expected a file that can be written; check permissions and free space", path = .path.display())]
    Write {
        /// The file, or the folder where it was to be made.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The record cannot be written as JSON.
    #[error("the record cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The cells cannot be written as CSV.
    #[error("the cells of the case cannot be written as CSV")]
    Csv(#[from] csv::Error),
    /// Record and pictures of a case do not belong together.
    #[error("expected the fields of the record in their order ({expected}), found `{found}` among the pictures")]
    FieldsDisagree {
        /// Name of the field in the record, or that there is none.
        expected: String,
        /// Name of the field that came with objects and picture, or that there is none.
        found: String,
    },
}

/// The bytes of a case in one format.
///
/// # Errors
/// [`ReportError::FieldsDisagree`] where record and fields do not belong together, [`ReportError::Json`] and
/// [`ReportError::Csv`] where a value cannot be written.
pub fn render(format: ReportFormat, case: &Case) -> Result<Vec<u8>, ReportError> {
    check_fields(case)?;
    match format {
        ReportFormat::Json => json::render(&case.record),
        ReportFormat::Csv => table::render(case),
        ReportFormat::Html => Ok(html::render(case).into_bytes()),
    }
}

/// Both lists of fields must name the same fields in the same order: everything below walks them side by side.
fn check_fields(case: &Case) -> Result<(), ReportError> {
    let mut recorded = case.record.fields.iter().map(|field| field.field.as_str());
    let mut pictured = case.fields.iter().map(|field| field.field.as_str());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_names_round_trip() {
        for format in ReportFormat::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        let error = "pdf".parse::<ReportFormat>().expect_err("no such format");
        assert_eq!(error.to_string(), "expected a report format (json, csv or html), found `pdf`");
    }
}
