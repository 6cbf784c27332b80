//! `panel.json`: a panel written for this program.
//!
//! Format: one JSON object with `context` and `results`, both optional; the JSON Schema (draft 2020-12) beside this file,
//! `../schema/panel-v1.json`, is generated from [`PanelFile`]. Unknown keys are refused. Limits of an interval stand in
//! the unit of the result.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Origin, RawPanel, RawReference, RawResult, RawValue, bad_value};
use crate::clinical::analyte::{Analyte, CodedValue};
use crate::clinical::context::ClinicalContext;
use crate::clinical::error::{Fault, PanelProblem};
use crate::clinical::hl7::found_text;
use crate::clinical::patient_identifier::PatientIdentifier;
use crate::clinical::person::PersonName;
use crate::clinical::result::{Comparator, ResultStatus};
use crate::time::Moment;

/// The committed JSON Schema of `panel.json`.
pub const PANEL_SCHEMA: &str = include_str!("../schema/panel-v1.json");

/// A panel file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PanelFile {
    /// Who the patient is.
    pub context: ClinicalContext,
    /// Whose panel it is; compared with the order and never kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<PanelPatient>,
    /// Numbers of its specimens; compared with the accession.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub specimens: Vec<String>,
    /// Results in any order.
    pub results: Vec<ResultFile>,
}

/// Whose panel it is. Sex stands in the context.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PanelPatient {
    /// Identifier, for instance the medical record number.
    pub id: Option<String>,
    /// Who assigned the identifier.
    pub id_authority: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Day of birth, `YYYY-MM-DD`.
    pub birth_date: Option<String>,
}

/// A panel file whose results are read one by one, so that a doubtful one stops no other.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Rows {
    context: ClinicalContext,
    patient: Option<PanelPatient>,
    specimens: Vec<String>,
    results: Vec<Value>,
}

/// One result of a panel file: either `value` with `unit`, or `coded`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResultFile {
    /// Name of the analyte.
    #[schemars(with = "Analyte")]
    pub analyte: String,
    /// Number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Comparator of the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparator: Option<Comparator>,
    /// Unit of the number and of the limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// A word in place of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coded: Option<CodedValue>,
    /// Lower limit of the laboratory's interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ref_low: Option<f64>,
    /// Upper limit of the laboratory's interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ref_high: Option<f64>,
    /// Where the interval is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ref_source: Option<String>,
    /// Time of collection, ISO 8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected_at: Option<String>,
    /// Whether the sample was drawn before plasma was given; for ADAMTS13.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_plasma: Option<bool>,
    /// Status.
    #[serde(default)]
    pub status: ResultStatus,
}

/// The JSON Schema as the types state it now; a test compares it with [`PANEL_SCHEMA`].
///
/// # Errors
/// Where the schema cannot be written.
pub fn panel_schema() -> Result<String, serde_json::Error> {
    let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    Ok(serde_json::to_string_pretty(&generator.into_root_schema_for::<PanelFile>())? + "\n")
}

/// Reads a panel file.
pub(super) fn read(text: &str) -> Result<RawPanel, Fault> {
    let file: Rows = serde_json::from_str(text)
        .map_err(|error| PanelProblem::Json { expected: "a panel", found: error.to_string() })?;
    let mut raw = RawPanel { context: file.context, ..RawPanel::default() };
    raw.person.specimens = file.specimens.into_iter().filter(|number| !number.trim().is_empty()).collect();
    if let Some(patient) = &file.patient {
        whose(patient, &mut raw).map_err(|problem| Fault::at("patient", problem))?;
    }
    for (index, row) in file.results.iter().enumerate() {
        let name = row.get("analyte").and_then(Value::as_str).unwrap_or_default();
        let label = Analyte::from_name(name).map(|analyte| analyte.label().to_owned()).unwrap_or_default();
        let origin = Origin { at: format!("results[{index}]"), code: found_text(name), name: label };
        let result = ResultFile::deserialize(row)
            .map_err(|error| PanelProblem::Json { expected: "a result", found: error.to_string() })
            .and_then(|result| understood(&result, &origin));
        match result {
            Ok(result) => raw.results.push(result),
            Err(problem) => raw.doubt(&origin, &problem),
        }
    }
    Ok(raw)
}

/// Identifier, name and day of birth.
fn whose(patient: &PanelPatient, raw: &mut RawPanel) -> Result<(), PanelProblem> {
    let text = |item: &Option<String>| item.clone().unwrap_or_default();
    raw.patient.extend(PatientIdentifier::new(&text(&patient.id), patient.id_authority.as_deref()));
    raw.person.names.extend(PersonName::new(&text(&patient.family_name), &text(&patient.given_name)));
    if let Some(born) = &patient.birth_date {
        let moment = Moment::from_iso(born)
            .ok_or_else(|| PanelProblem::BadTime { expected: "1961-03-14", found: found_text(born) })?;
        raw.person.birth_date = Some(moment.day());
    }
    Ok(())
}

fn understood(result: &ResultFile, origin: &Origin) -> Result<RawResult, PanelProblem> {
    let analyte = Analyte::from_name(&result.analyte).ok_or_else(|| PanelProblem::UnknownAnalyte {
        found: result.analyte.chars().take(60).collect(),
        accepted: Analyte::ALL.map(Analyte::name).join(", "),
    })?;
    let value = match (result.value, result.coded) {
        (Some(value), None) => RawValue::Number(result.comparator, value),
        (None, Some(coded)) if result.comparator.is_none() && result.unit.is_none() => RawValue::Coded(coded),
        (None, Some(_)) => return Err(bad_value(analyte, "a word with comparator or unit")),
        (Some(_), Some(_)) => return Err(bad_value(analyte, "both value and coded")),
        (None, None) => return Err(bad_value(analyte, "neither value nor coded")),
    };
    let reference = match (result.ref_low, result.ref_high) {
        (None, None) => RawReference::Absent,
        (low, high) => RawReference::Limits { low, high, source: result.ref_source.clone() },
    };
    let collected_at = match &result.collected_at {
        None => None,
        Some(text) => Some(Moment::from_iso(text).ok_or_else(|| PanelProblem::BadTime {
            expected: "2025-01-02T08:30:00+01:00",
            found: text.chars().take(40).collect(),
        })?),
    };
    Ok(RawResult {
        origin: origin.clone(),
        analyte,
        value,
        unit: result.unit.clone(),
        stated_kind: None,
        reference,
        collected_at,
        before_plasma: result.before_plasma,
        status: result.status,
    })
}
