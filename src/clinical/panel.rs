//! A patient's panel: context and results, each analyte with its values in order of time.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::analyte::Analyte;
use super::context::ClinicalContext;
use super::patient_identifier::PatientIdentifier;
use super::person::{OtherName, Person};
use super::result::{LabResult, Quantity};
use super::time_window::TimeWindow;

/// An entry of a panel that was left aside, with its reason: an observation that is not on the list of analytes, one that
/// cannot be read without doubt, one of another time, a coded diagnosis or drug that no table holds.
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
    /// Names, day of birth and specimens, as far as the panel gives them.
    pub person: Person,
    /// Which results belong to a specimen.
    pub window: TimeWindow,
    /// What becomes of it where the name is another one than the order's.
    pub other_name: OtherName,
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

    /// What a reader must know of results that are used, one sentence each.
    pub fn remarks(&self) -> impl Iterator<Item = String> {
        self.results().filter_map(|result| {
            let range = result.unread_reference.as_ref()?;
            Some(format!("{} used; its reference range `{range}` could not be read", result.analyte.label()))
        })
    }

    /// Whether there is no result.
    pub fn is_empty_of_results(&self) -> bool {
        self.results.is_empty()
    }

    /// Whether nothing at all is known.
    pub fn is_empty(&self) -> bool {
        self.results.is_empty() && self.context == ClinicalContext::default()
    }
}
