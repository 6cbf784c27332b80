//! A patient's panel: context and results, each analyte with its values in order of time.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::analyte::Analyte;
use super::context::ClinicalContext;
use super::patient_identifier::PatientIdentifier;
use super::result::{LabResult, Quantity};

/// An observation of a message that is not on the list of analytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IgnoredObservation {
    /// Its code, with the code system behind it where it was given.
    pub code: String,
    /// Its name; null where not given.
    pub name: Option<String>,
    /// Why it was left aside.
    pub reason: String,
}

/// A panel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LabPanel {
    /// Context.
    pub context: ClinicalContext,
    /// Results of each analyte, oldest first.
    pub(super) results: BTreeMap<Analyte, Vec<LabResult>>,
    /// Observations that were left aside.
    pub ignored: Vec<IgnoredObservation>,
    /// Identifiers of the patient; none where the panel gives none.
    pub patient: Vec<PatientIdentifier>,
}

impl LabPanel {
    /// The same results under another context.
    pub fn with_context(&self, context: ClinicalContext) -> Self {
        Self { context, ..self.clone() }
    }

    /// The latest result; final ones go before preliminary ones.
    pub fn current(&self, analyte: Analyte) -> Option<&LabResult> {
        let results = self.results.get(&analyte)?;
        let preliminary = super::result::ResultStatus::Preliminary;
        results.iter().rev().find(|result| result.status != preliminary).or(results.last())
    }

    /// The earliest result: the value at presentation.
    pub fn at_presentation(&self, analyte: Analyte) -> Option<&LabResult> {
        self.results.get(&analyte)?.first()
    }

    /// The number of the latest result.
    pub fn current_quantity(&self, analyte: Analyte) -> Option<&Quantity> {
        self.current(analyte)?.quantity()
    }

    /// Results other than the current one, oldest first.
    pub fn earlier(&self, analyte: Analyte) -> impl Iterator<Item = &LabResult> {
        let current = self.current(analyte).map(std::ptr::from_ref);
        let results = self.results.get(&analyte).map(Vec::as_slice).unwrap_or_default();
        results.iter().filter(move |result| Some(std::ptr::from_ref(*result)) != current)
    }

    /// Every result, analytes in order, oldest first.
    pub fn results(&self) -> impl Iterator<Item = &LabResult> {
        self.results.values().flatten()
    }

    /// Whether nothing at all is known.
    pub fn is_empty(&self) -> bool {
        self.results.is_empty() && self.context == ClinicalContext::default()
    }
}
