//! `panel.json`: a panel written for this program.
//!
//! Format: one JSON object with `context` and `results`, both optional. Its JSON Schema (draft 2020-12),
//! `../schema/panel-v1.json`, is generated from [`PanelFile`]. Unknown keys are refused. Limits of an interval stand in the
//! unit of the result.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::raw::{Origin, RawPanel, RawReference, RawResult, RawValue, iso_time};
use crate::clinical::analyte::{Analyte, CodedValue};
use crate::clinical::context::ClinicalContext;
use crate::clinical::error::{Fault, PanelProblem, found_text};
use crate::clinical::patient::{PatientIdentifier, PersonName};
use crate::clinical::result::{Comparator, ResultStatus};
use crate::time::Moment;

/// A panel file.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct PanelFile {
    /// Who the patient is.
    context: ClinicalContext,
    /// Whose panel it is; compared with the order and never kept.
    patient: Option<PanelPatient>,
    /// Numbers of its specimens; compared with the accession.
    #[serde(skip_serializing_if = "Vec::is_empty")] // so that the schema states no default
    specimens: Vec<String>,
    /// Results in any order.
    #[schemars(with = "Vec<ResultFile>")]
    results: Vec<Value>, // each is read by itself, so that a doubtful one stops no other
}

/// Whose panel it is. Sex stands in the context.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct PanelPatient {
    /// Identifier, for instance the medical record number.
    id: Option<String>,
    /// Who assigned the identifier.
    id_authority: Option<String>,
    /// Family name.
    family_name: Option<String>,
    /// Given name.
    given_name: Option<String>,
    /// Day of birth, `YYYY-MM-DD`.
    birth_date: Option<String>,
}

/// One result of a panel file: either `value` with `unit`, or `coded`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ResultFile {
    /// Name of the analyte.
    #[schemars(with = "Analyte")]
    analyte: String,
    /// Number.
    value: Option<f64>,
    /// Comparator of the number.
    comparator: Option<Comparator>,
    /// Unit of the number and of the limits.
    unit: Option<String>,
    /// A word in place of a number.
    coded: Option<CodedValue>,
    /// Lower limit of the laboratory's interval.
    ref_low: Option<f64>,
    /// Upper limit of the laboratory's interval.
    ref_high: Option<f64>,
    /// Where the interval is from.
    ref_source: Option<String>,
    /// Time of collection, ISO 8601.
    collected_at: Option<String>,
    /// Whether the sample was drawn before plasma was given; for ADAMTS13.
    before_plasma: Option<bool>,
    /// Status.
    #[serde(default)]
    status: ResultStatus,
}

/// Reads a panel file.
pub(super) fn read(text: &str) -> Result<RawPanel, Fault> {
    let file: PanelFile = serde_json::from_str(text)
        .map_err(|error| PanelProblem::Json { expected: "a panel", found: error.to_string() })?;
    let mut raw = RawPanel { context: file.context, ..RawPanel::default() };
    raw.person.specimens = file.specimens.into_iter().filter(|number| !number.trim().is_empty()).collect();
    if let Some(patient) = file.patient {
        identify(patient, &mut raw).map_err(|problem| Fault::at("patient", problem))?;
    }
    for (index, row) in file.results.iter().enumerate() {
        let name = row.get("analyte").and_then(Value::as_str).unwrap_or_default();
        let label = name.parse().map(|analyte: Analyte| analyte.label().to_owned()).unwrap_or_default();
        let origin = Origin { at: format!("results[{index}]"), code: found_text(name), name: label };
        let result = ResultFile::deserialize(row)
            .map_err(|error| PanelProblem::Json { expected: "a result", found: error.to_string() })
            .and_then(|result| result.raw(&origin));
        match result {
            Ok(result) => raw.results.push(result),
            Err(problem) => raw.doubt(&origin, &problem),
        }
    }
    Ok(raw)
}

/// Identifier, name and day of birth.
fn identify(patient: PanelPatient, raw: &mut RawPanel) -> Result<(), PanelProblem> {
    let id = patient.id.unwrap_or_default();
    raw.patient.extend(PatientIdentifier::new(&id, patient.id_authority.as_deref()));
    let (family, given) = (patient.family_name.unwrap_or_default(), patient.given_name.unwrap_or_default());
    raw.person.names.extend(PersonName::new(&family, &given));
    if let Some(born) = patient.birth_date {
        let moment = Moment::from_iso(&born).ok_or_else(|| PanelProblem::bad_time("1961-03-14", &born))?;
        raw.person.birth_date = Some(moment.day());
    }
    Ok(())
}

impl ResultFile {
    fn raw(self, origin: &Origin) -> Result<RawResult, PanelProblem> {
        let analyte = self.analyte.parse().map_err(|_| PanelProblem::UnknownAnalyte {
            found: self.analyte.chars().take(60).collect(),
            accepted: Analyte::ALL.iter().map(|analyte| analyte.name()).collect::<Vec<_>>().join(", "),
        })?;
        let bad = |found| Err(PanelProblem::bad_value(analyte, found));
        let value = match (self.value, self.coded) {
            (Some(value), None) => RawValue::Number(self.comparator, value),
            (None, Some(coded)) if self.comparator.is_none() && self.unit.is_none() => RawValue::Coded(coded),
            (None, Some(_)) => return bad("a word with comparator or unit"),
            (Some(_), Some(_)) => return bad("both value and coded"),
            (None, None) => return bad("neither value nor coded"),
        };
        let reference = match (self.ref_low, self.ref_high) {
            (None, None) => RawReference::Absent,
            (low, high) => RawReference::Limits { low, high, source: self.ref_source },
        };
        Ok(RawResult {
            origin: origin.clone(),
            analyte,
            value,
            unit: self.unit,
            stated_kind: None,
            reference,
            collected_at: self.collected_at.as_deref().map(iso_time).transpose()?,
            before_plasma: self.before_plasma,
            status: self.status,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use schemars::generate::SchemaSettings;

    use super::*;

    #[test]
    fn the_committed_schema_is_the_one_of_the_types_and_holds_for_the_fixtures() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = root.join("src/clinical/schema/panel-v1.json");
        let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
        let schema = generator.into_root_schema_for::<PanelFile>();
        let text = serde_json::to_string_pretty(&schema).expect("the types have a schema") + "\n";
        if std::env::var_os("REGENERATE").is_some() {
            fs::write(path, text).expect("the repository is writable");
            return;
        }
        let committed = fs::read_to_string(path).expect("the committed schema");
        assert!(committed == text, "panel-v1.json differs from the types; run with REGENERATE=1 and review the change");
        let validator = jsonschema::validator_for(schema.as_value()).expect("a JSON Schema");
        let fixture = |file: &str| -> Value {
            let text = fs::read(root.join("fixtures").join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            serde_json::from_slice(&text).expect("JSON")
        };
        for file in ["labs/cancer.json", "labs/sparse.json", "labs/ttp_like.json"] {
            let document = fixture(file);
            let faults: Vec<String> = validator.iter_errors(&document).map(|fault| fault.to_string()).collect();
            assert_eq!(faults, Vec::<String>::new(), "{file}");
        }
        for file in ["labs/doubtful/unknown-analyte.json", "bad/labs/unknown-key.json"] {
            assert!(!validator.is_valid(&fixture(file)), "{file}");
        }
    }
}
