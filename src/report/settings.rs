//! What a laboratory settles about its messages: codes, HL7 and FHIR. Every part has a default; unknown keys are refused.

use serde::{Deserialize, Serialize};

use super::error::ReportError;
use super::fhir::FhirOptions;
use super::hl7::Hl7Options;
use super::message::CodeOptions;

/// Settings of the messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportSettings {
    /// Codes, the same in HL7 and FHIR.
    pub codes: CodeOptions,
    /// HL7 v2 messages.
    pub hl7: Hl7Options,
    /// FHIR bundles.
    pub fhir: FhirOptions,
}

impl ReportSettings {
    /// Whether this build can make what the settings ask for.
    ///
    /// # Errors
    /// [`ReportError::NoSheets`].
    pub fn check(&self) -> Result<(), ReportError> {
        let embeds = self.hl7.embed_pdf || self.fhir.embed_pdf;
        if embeds && !cfg!(feature = "pdf") { Err(ReportError::NoSheets) } else { Ok(()) }
    }
}
