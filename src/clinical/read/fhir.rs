//! FHIR R4: a Bundle of Observations of one patient.
//!
//! In: a Bundle with Observation resources (`code`, `status`, `valueQuantity` with comparator and UCUM code,
//! `valueCodeableConcept`, `valueString`, `valueBoolean`, `valueInteger`, `component`, `referenceRange`,
//! `effectiveDateTime`, `effectivePeriod`, `subject`, `specimen`), at most one Patient, and the other resources that
//! `fhir_patient` reads. Out: results, context, and what was left aside with its reason.
//!
//! Source: HL7 FHIR R4 (4.0.1), Observation and Bundle. Codes are LOINC (`http://loinc.org`), this program's own
//! (`urn:schistoquant`), or local codes by configuration.
//!
//! Limits: references between Observations are not followed; one is a result only where it carries its own value.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::codes;
use super::fhir_patient::{self, Concept, Identifier, Period};
use super::raw::{CodeSystem, Origin, RawPanel, RawReference, RawResult, RawValue, iso_time};
use crate::clinical::analyte::{Analyte, CodedValue};
use crate::clinical::context::{ContextValue, Meaning};
use crate::clinical::error::{Fault, PanelProblem, found_text};
use crate::clinical::options::PanelOptions;
use crate::clinical::patient::PatientIdentifier;
use crate::clinical::result::{Comparator, ResultStatus, interval_limits};
use crate::clinical::unit::DDimerKind;

/// System of this program's own codes in FHIR.
pub const OWN_FHIR_SYSTEM: &str = "urn:schistoquant";

/// Most different identifiers of subjects: more than any person has, few enough to compare each with each.
const MAX_SUBJECT_IDENTIFIERS: usize = 64;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Observation {
    status: String,
    code: Concept,
    subject: Option<Reference>,
    specimen: Option<Reference>,
    effective_date_time: Option<String>,
    effective_instant: Option<String>,
    effective_period: Option<Period>,
    #[serde(flatten)]
    value: ValueX,
    #[serde(default)]
    reference_range: Vec<Range>,
    #[serde(default)]
    component: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    code: Concept,
    #[serde(flatten)]
    value: ValueX,
    #[serde(default)]
    reference_range: Vec<Range>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValueX {
    value_quantity: Option<Quantity>,
    value_codeable_concept: Option<Concept>,
    value_string: Option<String>,
    value_boolean: Option<bool>,
    value_integer: Option<i64>,
}

#[derive(Deserialize)]
struct Quantity {
    value: Option<f64>,
    comparator: Option<String>,
    unit: Option<String>,
    code: Option<String>,
}

impl Quantity {
    /// The UCUM code, or else the unit as it is shown.
    fn written_unit(&self) -> Option<&str> {
        self.code.as_deref().or(self.unit.as_deref())
    }
}

#[derive(Deserialize)]
struct Range {
    low: Option<Quantity>,
    high: Option<Quantity>,
    text: Option<String>,
}

#[derive(Deserialize, Default)]
struct Reference {
    reference: Option<String>,
    identifier: Option<Identifier>,
}

/// Reads a Bundle.
pub(super) fn read(value: &Value, options: &PanelOptions) -> Result<RawPanel, Fault> {
    let bundle_fault = |found: String| PanelProblem::Json { expected: "a FHIR R4 Bundle of Observations", found };
    let kind = |resource: &Value| resource.get("resourceType").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind(value) != "Bundle" {
        return Err(bundle_fault(format!("the resource `{}`", found_text(&kind(value)))).into());
    }
    let entries = value.get("entry").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut raw = RawPanel::default();
    let mut diagnoses = Vec::new();
    let mut patients: Vec<&Value> = Vec::new();
    let mut subjects: BTreeSet<String> = BTreeSet::new();
    let mut named: Vec<PatientIdentifier> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let at = format!("entry[{index}]");
        let Some(resource) = entry.get("resource") else { continue };
        match kind(resource).as_str() {
            "Patient" => patients.push(resource),
            "Observation" => match Observation::deserialize(resource) {
                Ok(mut observation) => {
                    let subject = observation.subject.take().unwrap_or_default();
                    subjects.extend(subject.reference);
                    let identifier = subject.identifier.and_then(|identifier| identifier.read());
                    named.extend(identifier.filter(|identifier| !named.contains(identifier)));
                    if named.len() > MAX_SUBJECT_IDENTIFIERS {
                        return Err(PanelProblem::ManyPatients { found: named.len() }.into());
                    }
                    let specimen = observation.specimen.take().and_then(|specimen| specimen.identifier?.read());
                    raw.person.specimens.extend(specimen.map(|specimen| specimen.value));
                    take(observation, &at, &mut raw, options);
                }
                Err(error) => {
                    let origin = Origin { at, code: "Observation".to_owned(), name: String::new() };
                    raw.doubt(&origin, &bundle_fault(error.to_string()));
                }
            },
            other => fhir_patient::take(other, resource, &at, entries, &mut diagnoses, &mut raw),
        }
    }
    codes::apply(diagnoses, &mut raw);
    raw.person.specimens.sort_unstable();
    raw.person.specimens.dedup();
    let people = patients.len().max(subjects.len());
    if people > 1 {
        return Err(PanelProblem::ManyPatients { found: people }.into());
    }
    if let Some(patient) = patients.first() {
        fhir_patient::identify(patient, &mut raw).map_err(|found| Fault::at("Patient", bundle_fault(found)))?;
    }
    if are_of_several_patients(&raw.patient, &named) {
        return Err(PanelProblem::ManyPatients { found: named.len().max(2) }.into());
    }
    raw.patient.append(&mut named);
    Ok(raw)
}

/// Whether the identifiers of subjects belong to more than one person, or to another one than the Patient.
///
/// METHOD: the identifiers of a Patient are one person's, however many. Those of subjects are one person's too, as long as
/// none of them contradicts another one or the Patient's.
fn are_of_several_patients(patient: &[PatientIdentifier], subjects: &[PatientIdentifier]) -> bool {
    let known = if patient.is_empty() { subjects } else { patient };
    subjects.iter().any(|one| {
        let is_the_patients = patient.iter().any(|own| own.is_same(one));
        !is_the_patients && known.iter().any(|own| own.contradicts(one))
    })
}

/// One Observation with its components; what cannot be read without doubt is left aside.
fn take(observation: Observation, at: &str, raw: &mut RawPanel, options: &PanelOptions) {
    let status = match observation.status.as_str() {
        "final" => Ok(ResultStatus::Final),
        "amended" | "corrected" => Ok(ResultStatus::Corrected),
        "preliminary" => Ok(ResultStatus::Preliminary),
        other => Err(found_text(other)),
    };
    let period = observation.effective_period.and_then(|period| period.start);
    let effective = observation.effective_date_time.or(observation.effective_instant).or(period);
    let own =
        Component { code: observation.code, value: observation.value, reference_range: observation.reference_range };
    let has_components = !observation.component.is_empty();
    for (index, part) in std::iter::once(own).chain(observation.component).enumerate() {
        // A panel's own code carries no value; its components do.
        if index == 0 && has_components && part.value.is_empty() {
            continue;
        }
        let (code, name) = part.code.shown();
        let origin = Origin { at: at.to_owned(), code, name };
        if let Err(problem) = one(part, &origin, status.clone(), effective.as_deref(), raw, options) {
            raw.doubt(&origin, &problem);
        }
    }
}

fn one(
    part: Component,
    origin: &Origin,
    status: Result<ResultStatus, String>,
    effective: Option<&str>,
    raw: &mut RawPanel,
    options: &PanelOptions,
) -> Result<(), PanelProblem> {
    let codes = part.code.coding.into_iter().map(|coding| {
        let system = match coding.system.as_deref() {
            Some("http://loinc.org") => CodeSystem::Loinc,
            Some(OWN_FHIR_SYSTEM) => CodeSystem::Own,
            _ => CodeSystem::Other,
        };
        (system, coding.code.unwrap_or_default())
    });
    let known = raw.recognize(origin, codes, status, !part.value.is_empty(), options);
    let Some((meaning, code, status)) = known else { return Ok(()) };
    let collected_at = effective.map(iso_time).transpose()?;
    match meaning {
        Meaning::Context(field) => {
            let value = part.value.context(collected_at.map(|moment| moment.day()));
            field.set(&mut raw.context, &mut raw.before_plasma, value)?;
        }
        Meaning::Analyte(analyte) => {
            let (value, unit) = part.value.of(analyte)?;
            let reference = reference(&part.reference_range, unit.as_deref());
            raw.results.push(RawResult {
                origin: origin.clone(),
                analyte,
                value,
                unit,
                stated_kind: DDimerKind::of_loinc(&code),
                reference,
                collected_at,
                before_plasma: None,
                status,
            });
        }
    }
    Ok(())
}

impl ValueX {
    fn is_empty(&self) -> bool {
        let quantity = self.value_quantity.as_ref().is_none_or(|quantity| quantity.value.is_none());
        quantity
            && self.value_codeable_concept.is_none()
            && self.value_string.is_none()
            && self.value_boolean.is_none()
            && self.value_integer.is_none()
    }

    /// The value for a field of the context.
    fn context(self, date: Option<String>) -> ContextValue {
        let concept = self.value_codeable_concept.unwrap_or_default();
        let code = concept.coding.into_iter().next().and_then(|coding| coding.code);
        let yes_or_no = self.value_boolean.map(|yes| if yes { "Y" } else { "N" }.to_owned());
        let number = self.value_integer.map(|number| number.to_string());
        let word = code.or(yes_or_no).or(number).or(self.value_string).or(concept.text.clone());
        ContextValue { word, text: concept.text, date }
    }

    /// The value of an analyte with its unit.
    fn of(self, analyte: Analyte) -> Result<(RawValue, Option<String>), PanelProblem> {
        if let Some(quantity) = &self.value_quantity
            && let Some(number) = quantity.value
        {
            let sign = quantity.comparator.as_deref();
            let known = |sign| Comparator::from_sign(sign).ok_or_else(|| PanelProblem::bad_value(analyte, sign));
            let value = RawValue::Number(sign.map(known).transpose()?, number);
            return Ok((value, quantity.written_unit().map(str::to_owned)));
        }
        let value = if let Some(concept) = &self.value_codeable_concept {
            let codings = concept.coding.iter().flat_map(|coding| [coding.code.as_deref(), coding.display.as_deref()]);
            let words: Vec<&str> = codings.chain([concept.text.as_deref()]).flatten().collect();
            RawValue::of_words(analyte, &words, words.first().copied().unwrap_or_default())?
        } else if let Some(text) = &self.value_string {
            RawValue::of_text(analyte, text)?
        } else {
            let yes = self.value_boolean.ok_or_else(|| PanelProblem::bad_value(analyte, "a value of another type"))?;
            RawValue::Coded(if yes { CodedValue::Positive } else { CodedValue::Negative })
        };
        Ok((value, None))
    }
}

/// The first range with limits.
fn reference(ranges: &[Range], unit: Option<&str>) -> RawReference {
    let Some(range) = ranges.iter().find(|range| range.low.is_some() || range.high.is_some()).or(ranges.first()) else {
        return RawReference::Absent;
    };
    let limit = |limit: &Option<Quantity>| limit.as_ref().and_then(|limit| limit.value);
    let units = [&range.low, &range.high].into_iter().flatten().filter_map(Quantity::written_unit);
    let other_unit = units.into_iter().find(|written| Some(*written) != unit);
    match (limit(&range.low), limit(&range.high), other_unit) {
        (None, None, _) => match range.text.as_deref().and_then(interval_limits) {
            Some((low, high)) => RawReference::Limits { low, high, source: None },
            None => RawReference::Unreadable(found_text(range.text.as_deref().unwrap_or_default())),
        },
        (_, _, Some(other)) => RawReference::Unreadable(format!("in {}", found_text(other))),
        (low, high, None) => RawReference::Limits { low, high, source: None },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read_text;
    use super::*;

    /// A Bundle of a Patient and Observations of these subjects.
    fn bundle(patient: &str, subjects: &[&str]) -> String {
        let observation = |(index, subject): (usize, &&str)| {
            let value = format!(r#""valueQuantity": {{"value": {}, "code": "10*3/uL"}}"#, 100 + index);
            format!(
                r#"{{"resource": {{"resourceType": "Observation", "status": "final", "subject": {subject},
                    "effectiveDateTime": "2025-03-05T{:02}:{:02}:00Z", "code": {{"coding": [{{"system": "http://loinc.org", "code": "777-3"}}]}}, {value}}}}}"#,
                index / 60,
                index % 60
            )
        };
        let patient =
            (!patient.is_empty()).then(|| format!(r#"{{"resource": {{"resourceType": "Patient", {patient}}}}}"#));
        let entries: Vec<String> = patient.into_iter().chain(subjects.iter().enumerate().map(observation)).collect();
        format!(r#"{{"resourceType": "Bundle", "entry": [{}]}}"#, entries.join(","))
    }

    #[test]
    fn the_identifiers_of_a_bundle_are_those_of_its_patient_and_subjects() {
        let patient = r#""identifier": [{"system": "http://hosp.example/mrn", "value": "MRN123", "assigner": {"display": "HOSP"}}, {"value": "7"}]"#;
        let of = |patient: &str, subjects: &[&str]| {
            read_text(&bundle(patient, subjects))
                .map(|panel| panel.patient.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(of(patient, &[]).expect("a panel"), ["MRN123 (http://hosp.example/mrn, HOSP)", "7"]);
        let subject = r#"{"identifier": {"value": "MRN123"}}"#;
        assert_eq!(of("", &[subject, subject]).expect("a panel"), ["MRN123"]);
        // The subject says less than the Patient of the same value.
        assert_eq!(of(patient, &[subject]), of(patient, &[]));
        // An address on a server is no identifier.
        assert_eq!(of("", &[r#"{"reference": "Patient/MRN999"}"#]).expect("a panel"), [] as [&str; 0]);
        let national = r#"{"identifier": {"system": "urn:oid:1.2", "value": "5"}}"#;
        let local = r#"{"identifier": {"system": "urn:oid:1.3", "value": "6"}}"#;
        assert_eq!(of("", &[national, local]).expect("two authorities, one patient").len(), 2);
    }

    #[test]
    fn subjects_of_two_identifiers_are_two_patients() {
        let subject = |value: &str| format!(r#"{{"identifier": {{"value": "{value}"}}}}"#);
        let two = read_text(&bundle("", &[&subject("1"), &subject("2")])).expect_err("two patients");
        assert!(two.contains("found those of 2"), "{two}");
        let other =
            read_text(&bundle(r#""identifier": [{"value": "1"}]"#, &[&subject("2")])).expect_err("another patient");
        assert!(other.contains("found those of 2"), "{other}");
        let many: Vec<String> =
            (0..=64).map(|n| format!(r#"{{"identifier": {{"system": "urn:x:{n}", "value": "1"}}}}"#)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let many = read_text(&bundle("", &many)).expect_err("nobody has so many");
        assert!(many.contains("found those of 65"), "{many}");
        assert!(read_text(&bundle(r#""identifier": {"value": "1"}"#, &[])).is_err(), "no list");
    }

    #[test]
    fn fhir_components_statuses_and_units_are_understood() {
        let observation = |rest: &str| {
            read_text(&format!(
                r#"{{"resourceType": "Bundle", "entry": [{{"resource": {{"resourceType": "Observation", {rest}}}}}]}}"#
            ))
        };
        let platelets = r#""code": {"coding": [{"system": "http://loinc.org", "code": "777-3"}]}"#;
        let value = r#""valueQuantity": {"value": 38, "unit": "K/uL"}"#;
        let panel =
            observation(&format!(r#""status": "final", {platelets}, {value}, "effectiveDateTime": "2025-03-05""#));
        assert_eq!(
            panel.expect("a panel").current_quantity(Analyte::Platelets).map(|q| q.unit.clone()).as_deref(),
            Some("10*3/uL")
        );
        let cancelled =
            observation(&format!(r#""status": "entered-in-error", {platelets}, {value}"#)).expect("a panel");
        assert_eq!((cancelled.results().count(), cancelled.ignored.len()), (0, 1));
        let parts = format!(r#""status": "final", "code": {{"text": "CBC"}}, "component": [{{{platelets}, {value}}}]"#);
        assert_eq!(observation(&parts).expect("a panel").results().count(), 1);
        let other = r#""referenceRange": [{"low": {"value": 150000, "code": "/uL"}}]"#;
        let panel = observation(&format!(r#""status": "final", {platelets}, {value}, {other}"#)).expect("a panel");
        assert_eq!(
            panel.remarks().collect::<Vec<_>>(),
            ["Platelets used; its reference range `in /uL` could not be read"]
        );
    }
}
