//! Data types of FHIR R4 that several resources hold, as far as they are read.
//!
//! Source: HL7 FHIR R4 (4.0.1), CodeableConcept, Coding, Identifier, Period.

use serde::Deserialize;

use crate::clinical::patient_identifier::PatientIdentifier;

#[derive(Deserialize, Default)]
pub(super) struct Concept {
    #[serde(default)]
    pub coding: Vec<Coding>,
    pub text: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Coding {
    pub system: Option<String>,
    pub code: Option<String>,
    pub display: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Identifier {
    system: Option<String>,
    value: Option<String>,
    assigner: Option<Assigner>,
}

#[derive(Deserialize)]
struct Assigner {
    display: Option<String>,
}

impl Identifier {
    pub(super) fn read(&self) -> Option<PatientIdentifier> {
        let assigner = self.assigner.as_ref().and_then(|assigner| assigner.display.as_deref());
        PatientIdentifier::new(self.value.as_deref()?, self.system.as_deref().into_iter().chain(assigner))
    }
}

#[derive(Deserialize)]
pub(super) struct Period {
    pub start: Option<String>,
}
