//! FHIR R4: a Bundle of Observations of one patient.
//!
//! In: a Bundle with Observation resources (`code`, `status`, `valueQuantity` with comparator and UCUM code,
//! `valueCodeableConcept`, `valueString`, `valueBoolean`, `valueInteger`, `component`, `referenceRange`,
//! `effectiveDateTime`, `effectivePeriod`, `subject`, `specimen`), at most one Patient (`identifier`, `name`, `birthDate`,
//! `gender`), and what `fhir_context` reads. Out: results, context, and what was left aside with its reason.
//!
//! Source: HL7 FHIR R4 (4.0.1), Observation and Bundle. Codes are LOINC (`http://loinc.org`), this program's own
//! (`urn:schistoquant`), or local codes by configuration.
//!
//! Limits: references between resources are not followed; an Observation is a result only where it carries its own value.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::fhir_context::{self, HumanName, identifiers};
use super::fhir_types::{Concept, Identifier, Period};
use super::{
    CodeSystem, OWN_FHIR_SYSTEM, Origin, RawPanel, RawReference, RawResult, RawValue, bad_value, d_dimer_kind_of_loinc,
    diagnosis, meaning, value_of_text,
};
use crate::clinical::analyte::{Analyte, CodedValue};
use crate::clinical::context::Sex;
use crate::clinical::context_code::ContextValue;
use crate::clinical::error::{Fault, PanelProblem};
use crate::clinical::hl7::found_text;
use crate::clinical::number;
use crate::clinical::options::{Meaning, PanelOptions};
use crate::clinical::patient_identifier::PatientIdentifier;
use crate::clinical::person::PersonName;
use crate::clinical::result::{Comparator, ResultStatus};
use crate::time::Moment;

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

#[derive(Deserialize)]
struct Reference {
    reference: Option<String>,
    identifier: Option<Identifier>,
}

/// Reads a Bundle.
pub(super) fn read(value: &Value, options: &PanelOptions) -> Result<RawPanel, Fault> {
    let bundle_fault = |found: String| PanelProblem::Json { expected: "a FHIR R4 Bundle of Observations", found };
    let kind = |resource: &Value| resource.get("resourceType").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind(value) != "Bundle" {
        return Err(bundle_fault(format!("the resource `{}`", kind(value).chars().take(40).collect::<String>())).into());
    }
    let none = Vec::new();
    let entries = value.get("entry").and_then(Value::as_array).unwrap_or(&none);
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
            "Observation" => {
                let observation = match Observation::deserialize(resource) {
                    Ok(observation) => observation,
                    Err(error) => {
                        let origin = Origin { at, code: "Observation".to_owned(), name: String::new() };
                        raw.doubt(&origin, &bundle_fault(error.to_string()));
                        continue;
                    }
                };
                let subject = observation.subject.as_ref().and_then(|subject| subject.reference.clone());
                subjects.extend(subject);
                let identifier = observation.subject.as_ref().and_then(|subject| subject.identifier.as_ref()?.read());
                named.extend(identifier.filter(|identifier| !named.contains(identifier)));
                if named.len() > MAX_SUBJECT_IDENTIFIERS {
                    return Err(PanelProblem::ManyPatients { found: named.len() }.into());
                }
                let specimen = observation.specimen.as_ref().and_then(|specimen| specimen.identifier.as_ref()?.read());
                raw.person.specimens.extend(specimen.map(|specimen| specimen.value));
                take(observation, &at, &mut raw, options);
            }
            other => fhir_context::take(other, resource, &at, entries, &mut diagnoses, &mut raw),
        }
    }
    diagnosis::apply(diagnoses, &mut raw);
    raw.person.specimens.sort_unstable();
    raw.person.specimens.dedup();
    let people = patients.len().max(subjects.len());
    if people > 1 {
        return Err(PanelProblem::ManyPatients { found: people }.into());
    }
    if let Some(patient) = patients.first() {
        set_patient(patient, &mut raw).map_err(|found| Fault::at("Patient", bundle_fault(found)))?;
    }
    // METHOD: the identifiers of a Patient are one person's, however many; those of subjects are as long as none of them
    // contradicts another one or the Patient's.
    let strangers = if raw.patient.is_empty() {
        named.iter().any(|one| named.iter().any(|other| one.contradicts(other)))
    } else {
        let of_patient = |test: &dyn Fn(&PatientIdentifier) -> bool| raw.patient.iter().any(test);
        named.iter().any(|one| of_patient(&|own| own.contradicts(one)) && !of_patient(&|own| own.is_same(one)))
    };
    if strangers {
        return Err(PanelProblem::ManyPatients { found: named.len().max(2) }.into());
    }
    raw.patient.append(&mut named);
    Ok(raw)
}

/// Identifiers, names, sex, and the age at the earliest collection; an identifier or name that is none is an error in words.
fn set_patient(patient: &Value, raw: &mut RawPanel) -> Result<(), String> {
    if let Some(list) = patient.get("identifier") {
        raw.patient = identifiers(list)?.iter().filter_map(Identifier::read).collect();
    }
    if let Some(list) = patient.get("name") {
        let names = Vec::<HumanName>::deserialize(list).map_err(|error| error.to_string())?;
        raw.person.names = names
            .iter()
            .filter_map(|name| {
                let (family, given) = name.parts();
                PersonName::new(family, &given)
            })
            .collect();
    }
    let text = |field: &str| patient.get(field).and_then(Value::as_str);
    raw.context.sex = match text("gender") {
        Some("female") => Some(Sex::Female),
        Some("male") => Some(Sex::Male),
        _ => None,
    };
    let birth = text("birthDate").and_then(Moment::from_iso);
    raw.person.birth_date = birth.map(|birth| birth.day());
    let times = raw.results.iter().filter_map(|result| result.collected_at);
    let earliest =
        times.reduce(|one, other| if other.order(&one).is_some_and(|order| order.is_lt()) { other } else { one });
    if let (None, Some(birth), Some(at)) = (raw.context.age_years, birth, earliest) {
        raw.context.age_years = at.completed_years_since(&birth);
    }
    Ok(())
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
        let origin = origin(&part.code, at);
        if let Err(problem) = one(part, &origin, &status, effective.as_deref(), raw, options) {
            raw.doubt(&origin, &problem);
        }
    }
}

/// Code and name of an observation.
fn origin(code: &Concept, at: &str) -> Origin {
    let first = code.coding.first();
    let name = code.text.clone().or_else(|| first.and_then(|coding| coding.display.clone())).unwrap_or_default();
    let code = match first.map(|coding| (coding.code.as_deref().unwrap_or_default(), coding.system.as_deref())) {
        Some((code, Some(system))) => format!("{code} ({system})"),
        Some((code, None)) => code.to_owned(),
        None => String::new(),
    };
    Origin { at: at.to_owned(), code, name }
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
}

fn one(
    part: Component,
    origin: &Origin,
    status: &Result<ResultStatus, String>,
    effective: Option<&str>,
    raw: &mut RawPanel,
    options: &PanelOptions,
) -> Result<(), PanelProblem> {
    let name = Some(origin.name.as_str());
    let found = part.code.coding.iter().find_map(|coding| {
        let system = match coding.system.as_deref() {
            Some("http://loinc.org") => CodeSystem::Loinc,
            Some(OWN_FHIR_SYSTEM) => CodeSystem::Own,
            _ => CodeSystem::Other,
        };
        let code = coding.code.as_deref().unwrap_or_default();
        meaning(code, system, options).map(|meaning| (meaning, code.to_owned()))
    });
    let Some((meaning, known_code)) = found else {
        raw.ignore(&origin.code, name, "not on the list of analytes");
        return Ok(());
    };
    let status = match status {
        Ok(status) => *status,
        Err(other) => {
            raw.ignore(&origin.code, name, format!("result status {other}"));
            return Ok(());
        }
    };
    if part.value.is_empty() {
        raw.ignore(&origin.code, name, "no value");
        return Ok(());
    }
    let moment = effective
        .map(|text| {
            let bad = || PanelProblem::BadTime { expected: "2025-01-02T08:30:00+01:00", found: found_text(text) };
            Moment::from_iso(text).ok_or_else(bad)
        })
        .transpose()?;
    match meaning {
        Meaning::Context(field) => {
            let concept = part.value.value_codeable_concept.as_ref();
            let coding = concept.and_then(|concept| concept.coding.first()?.code.clone());
            let yes_or_no = part.value.value_boolean.map(|yes| if yes { "Y" } else { "N" }.to_owned());
            let number = part.value.value_integer.map(|number| number.to_string());
            let text = concept.and_then(|concept| concept.text.clone());
            let value = ContextValue {
                word: coding.or(yes_or_no).or(number).or(part.value.value_string.clone()).or(text.clone()),
                text,
                date: moment.map(|moment| moment.day()),
            };
            field.set(&mut raw.context, &mut raw.before_plasma, &value)
        }
        Meaning::Analyte(analyte) => {
            let (value, unit) = value(analyte, &part.value)?;
            let reference = reference(&part.reference_range, unit.as_deref());
            raw.results.push(RawResult {
                origin: origin.clone(),
                analyte,
                value,
                unit,
                stated_kind: d_dimer_kind_of_loinc(&known_code),
                reference,
                collected_at: moment,
                before_plasma: None,
                status,
            });
            Ok(())
        }
    }
}

/// The value with its unit.
fn value(analyte: Analyte, value: &ValueX) -> Result<(RawValue, Option<String>), PanelProblem> {
    if let Some(quantity) = &value.value_quantity
        && let Some(number) = quantity.value
    {
        let comparator = match quantity.comparator.as_deref() {
            None => None,
            Some(sign) => Some(Comparator::from_sign(sign).ok_or_else(|| bad_value(analyte, sign))?),
        };
        return Ok((RawValue::Number(comparator, number), quantity.written_unit().map(str::to_owned)));
    }
    if let Some(concept) = &value.value_codeable_concept {
        let codings = concept.coding.iter().flat_map(|coding| [coding.code.as_deref(), coding.display.as_deref()]);
        let words: Vec<&str> = codings.chain([concept.text.as_deref()]).flatten().collect();
        let coded = words.iter().find_map(|word| CodedValue::from_word(word));
        let found = words.first().copied().unwrap_or_default();
        return coded.map(|coded| (RawValue::Coded(coded), None)).ok_or_else(|| bad_value(analyte, found));
    }
    if let Some(text) = &value.value_string {
        return Ok((value_of_text(analyte, text)?, None));
    }
    let boolean = value.value_boolean.map(|yes| if yes { CodedValue::Positive } else { CodedValue::Negative });
    boolean.map(|coded| (RawValue::Coded(coded), None)).ok_or_else(|| bad_value(analyte, "a value of another type"))
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
        (None, None, _) => match range.text.as_deref().and_then(number::interval) {
            Some((low, high)) => RawReference::Limits { low, high, source: None },
            None => RawReference::Unreadable(found_text(range.text.as_deref().unwrap_or_default())),
        },
        (_, _, Some(other)) => RawReference::Unreadable(format!("in {}", found_text(other))),
        (low, high, None) => RawReference::Limits { low, high, source: None },
    }
}
