//! What receivers of FHIR differ in.

use serde::{Deserialize, Serialize};

/// Options of FHIR bundles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FhirOptions {
    /// URI of the system that report numbers (the whole hash of the job) are of.
    pub report_system: String,
    /// URI of the system that specimen numbers are of; not sent where it was not given.
    pub accession_system: Option<String>,
    /// URI of the system that patient identifiers are of; not sent where it was not given.
    pub patient_id_system: Option<String>,
    /// Whether the report as PDF is embedded as `presentedForm`.
    pub embed_pdf: bool,
}

impl Default for FhirOptions {
    fn default() -> Self {
        Self {
            report_system: "urn:schistoquant:job".to_owned(),
            accession_system: None,
            patient_id_system: None,
            embed_pdf: false,
        }
    }
}
