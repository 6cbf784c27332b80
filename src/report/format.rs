//! The formats of a report by name.

use std::fmt;
use std::str::FromStr;

/// Formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReportFormat {
    /// The record, `case.json`.
    Json,
    /// The tables of cells (`cells.csv`) and specimen.
    Csv,
    /// The page for people, `report.html`.
    Html,
    /// The sheets for paper, `<accession>_<job>.pdf`.
    Pdf,
    /// The outlines of each field as QuPath detections.
    Geojson,
    /// The tables of cells and specimen as Parquet.
    Parquet,
    /// Fields with their outlines and a sheet of the called schistocytes.
    Pictures,
    /// The result as an HL7 v2 message.
    Hl7,
    /// The result as a FHIR R4 bundle.
    Fhir,
}

impl ReportFormat {
    /// Every format, in the order in which they are written.
    pub const ALL: [Self; 9] = [
        Self::Json,
        Self::Csv,
        Self::Html,
        Self::Pdf,
        Self::Geojson,
        Self::Parquet,
        Self::Pictures,
        Self::Hl7,
        Self::Fhir,
    ];

    /// Name as typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Html => "html",
            Self::Pdf => "pdf",
            Self::Geojson => "geojson",
            Self::Parquet => "parquet",
            Self::Pictures => "pictures",
            Self::Hl7 => "hl7",
            Self::Fhir => "fhir",
        }
    }

    /// Files and folders whose names are known before there is a record; a folder ends with `/`.
    pub fn fixed_names(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["case.json", "case.fields.gz"],
            Self::Csv => &["cells.csv"],
            Self::Html => &["report.html"],
            Self::Geojson => &["geojson/"],
            Self::Pdf | Self::Parquet | Self::Hl7 | Self::Fhir => &[],
            Self::Pictures => &["fields/", "gallery.png"],
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
#[error("expected a report format ({known}), found `{0}`", known = ReportFormat::ALL.map(ReportFormat::name).join(", "))]
pub struct UnknownFormat(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_names_round_trip() {
        for format in ReportFormat::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        let error = "docx".parse::<ReportFormat>().expect_err("no such format");
        assert!(error.to_string().starts_with("expected a report format (json, csv, html"), "{error}");
        assert!(error.to_string().ends_with("), found `docx`"), "{error}");
    }
}
