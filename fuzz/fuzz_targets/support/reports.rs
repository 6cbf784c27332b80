//! Every report that needs no typesetting, of a case whose record came from outside: written or refused, never a panic.

use schistoquant::case::Case;
use schistoquant::report::{ReportFormat, render};

const FORMATS: [ReportFormat; 7] = [
    ReportFormat::Json,
    ReportFormat::Csv,
    ReportFormat::Html,
    ReportFormat::Geojson,
    ReportFormat::Parquet,
    ReportFormat::Hl7,
    ReportFormat::Fhir,
];

pub fn check(case: &Case) {
    for format in FORMATS {
        for file in render(format, case).unwrap_or_default() {
            assert!(!file.name.starts_with(['/', '.']) && !file.name.contains(".."), "{}", file.name);
        }
    }
}
