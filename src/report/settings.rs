//! What a laboratory settles about its messages: codes, HL7 and FHIR. Every part has a default; unknown keys are refused.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::error::ReportError;
use super::message::CodeOptions;
use crate::clinical::CharacterSet;

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

/// Version of the standard. Receivers that know only an older one refuse a newer message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, IntoStaticStr)]
pub enum Hl7Version {
    /// 2.3: no SFT or SPM, coded values as CE.
    #[serde(rename = "2.3")]
    #[strum(serialize = "2.3")]
    V2_3,
    /// 2.4: no SFT or SPM, coded values as CE.
    #[serde(rename = "2.4")]
    #[strum(serialize = "2.4")]
    V2_4,
    /// 2.5.1.
    #[default]
    #[serde(rename = "2.5.1")]
    #[strum(serialize = "2.5.1")]
    V2_5_1,
}

impl Hl7Version {
    /// Every version, oldest first.
    pub const ALL: [Self; 3] = [Self::V2_3, Self::V2_4, Self::V2_5_1];

    /// As MSH-12 names it.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What a message is for, by its code of HL7 table 0103.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
pub enum ProcessingId {
    /// Production.
    #[default]
    #[strum(serialize = "P")]
    Production,
    /// Training.
    #[strum(serialize = "T")]
    Training,
    /// Debugging.
    #[strum(serialize = "D")]
    Debugging,
}

/// Components of an embedded document (data type ED) in front of its data: receivers differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DocumentComponents {
    /// ED.1, source application.
    pub source_application: String,
    /// ED.2, type of data (table 0191).
    pub type_of_data: String,
    /// ED.3, subtype (table 0291).
    pub subtype: String,
    /// ED.4, encoding (table 0299).
    pub encoding: String,
}

impl Default for DocumentComponents {
    fn default() -> Self {
        Self {
            source_application: "SCHISTOQUANT".to_owned(),
            type_of_data: "Application".to_owned(),
            subtype: "PDF".to_owned(),
            encoding: "Base64".to_owned(),
        }
    }
}

/// Options of HL7 v2 messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hl7Options {
    /// Version of the standard.
    pub version: Hl7Version,
    /// MSH-3.
    pub sending_application: String,
    /// MSH-4; empty where it was not given.
    pub sending_facility: String,
    /// MSH-5; empty where it was not given.
    pub receiving_application: String,
    /// MSH-6; empty where it was not given.
    pub receiving_facility: String,
    /// MSH-11.
    pub processing_id: ProcessingId,
    /// MSH-18, a name of HL7 table 0211; the message is written in that set.
    pub character_set: CharacterSet,
    /// PID-3.5, type of the patient's identifier (table 0203).
    pub patient_id_type: String,
    /// OBR-24, diagnostic section (table 0074).
    pub diagnostic_section: String,
    /// Whether the report as PDF is embedded in an OBX of type ED.
    pub embed_pdf: bool,
    /// Components of the embedded PDF.
    pub document: DocumentComponents,
}

impl Default for Hl7Options {
    fn default() -> Self {
        Self {
            version: Hl7Version::default(),
            sending_application: "SCHISTOQUANT".to_owned(),
            sending_facility: String::new(),
            receiving_application: String::new(),
            receiving_facility: String::new(),
            processing_id: ProcessingId::default(),
            character_set: CharacterSet::UTF_8,
            patient_id_type: "MR".to_owned(),
            diagnostic_section: "HM".to_owned(),
            embed_pdf: false,
            document: DocumentComponents::default(),
        }
    }
}

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
