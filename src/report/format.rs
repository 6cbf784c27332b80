//! The formats of a report by name: those that this build can write. A build without the feature `pdf` has no sheets.

use std::str::FromStr;

use strum::{Display, IntoStaticStr};

/// Formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Display, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum ReportFormat {
    /// The record, `case.json`.
    Json,
    /// The tables of cells (`cells.csv`) and specimen.
    Csv,
    /// The page for people, `report.html`.
    Html,
    /// The sheets for paper, `<accession>_<job>.pdf`.
    #[cfg(feature = "pdf")]
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
    /// Every format of this build, in the order in which they are written.
    pub const ALL: [Self; 8 + cfg!(feature = "pdf") as usize] = [
        Self::Json,
        Self::Csv,
        Self::Html,
        #[cfg(feature = "pdf")]
        Self::Pdf,
        Self::Geojson,
        Self::Parquet,
        Self::Pictures,
        Self::Hl7,
        Self::Fhir,
    ];

    /// Name as typed.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether it leaves the laboratory for another system.
    pub fn is_message(self) -> bool {
        matches!(self, Self::Hl7 | Self::Fhir)
    }

    /// Whether it holds or shows pictures of fields and cells; `case.json` has them beside it for later reports.
    pub fn is_pictured(self) -> bool {
        match self {
            Self::Json | Self::Html | Self::Pictures => true,
            #[cfg(feature = "pdf")]
            Self::Pdf => true,
            Self::Csv | Self::Geojson | Self::Parquet | Self::Hl7 | Self::Fhir => false,
        }
    }

    /// Files and folders whose names are known before there is a record; a folder ends with `/`.
    pub fn fixed_names(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["case.json", "case.fields"],
            Self::Csv => &["cells.csv"],
            Self::Html => &["report.html"],
            Self::Geojson => &["geojson/"],
            #[cfg(feature = "pdf")]
            Self::Pdf => &[],
            Self::Parquet | Self::Hl7 | Self::Fhir => &[],
            Self::Pictures => &["fields/", "gallery.png"],
        }
    }
}

impl FromStr for ReportFormat {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// A name that is no report format of this build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a report format ({known}), found `{0}`{remedy}", known = ReportFormat::ALL.map(ReportFormat::name).join(", "), remedy = remedy(.0))]
pub struct UnknownFormat(pub String);

/// What to do about a format that another build can write.
fn remedy(name: &str) -> &'static str {
    if name == "pdf" { "; this build has none, make one with `cargo build --release --features pdf`" } else { "" }
}

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

    #[test]
    #[cfg(not(feature = "pdf"))]
    fn a_build_without_sheets_says_how_to_get_them() {
        let error = "pdf".parse::<ReportFormat>().expect_err("no sheets in this build");
        assert!(error.to_string().ends_with("make one with `cargo build --release --features pdf`"), "{error}");
    }
}
