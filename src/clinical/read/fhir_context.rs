//! FHIR R4 resources that are no Observations: diagnoses, drugs, specimens, and what is left aside.
//!
//! In: Condition (`code`, `clinicalStatus`, `verificationStatus`), MedicationRequest, MedicationStatement and
//! MedicationAdministration (`medicationCodeableConcept` or `medicationReference`, `status`, dates), Specimen
//! (`accessionIdentifier`, `identifier`). Out: diagnoses for the context, drugs, specimen numbers; every other resource of a
//! patient's state by name among what was left aside.
//!
//! METHOD: a drug was given where it was administered, is or was taken, or was ordered and not cancelled: an order is the
//! most that many systems send. A diagnosis counts unless it is refuted, an error, or not confirmed.
//!
//! Limits: a medication that is referred to is found in the Bundle or among the contained resources.

use serde::Deserialize;
use serde_json::Value;

use super::diagnosis::{self, CodedDiagnosis};
use super::drug_codes;
use super::fhir_types::{Coding, Concept, Identifier, Period};
use super::{Origin, RawPanel};
use crate::clinical::context::Drug;
use crate::clinical::error::PanelProblem;
use crate::clinical::hl7::found_text;
use crate::time::Moment;

/// Kinds of resources that say nothing of the patient's state.
const OF_THE_FRAME: &[&str] = &[
    "DiagnosticReport",
    "ServiceRequest",
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
    "Device",
    "Encounter",
    "EpisodeOfCare",
    "Medication",
    "MessageHeader",
    "Composition",
    "Provenance",
    "Task",
    "Coverage",
    "OperationOutcome",
];

/// Takes a resource other than Patient and Observation.
pub(super) fn take(
    kind: &str,
    resource: &Value,
    at: &str,
    entries: &[Value],
    diagnoses: &mut Vec<CodedDiagnosis>,
    raw: &mut RawPanel,
) {
    let taken = match kind {
        "Condition" => condition(resource, at, diagnoses, raw),
        "MedicationRequest" | "MedicationStatement" | "MedicationAdministration" => {
            medication(kind, resource, at, entries, raw)
        }
        "Specimen" => {
            raw.person.specimens.extend(specimen_numbers(resource));
            Ok(())
        }
        "" => Ok(()),
        frame if OF_THE_FRAME.contains(&frame) => Ok(()),
        other => {
            let shown = shown(&concept(resource, "code").unwrap_or_default());
            raw.ignore(
                format!("{} {}", found_text(other), shown.0).trim_end(),
                Some(&shown.1),
                "resources of this kind are not read",
            );
            Ok(())
        }
    };
    if let Err(problem) = taken {
        raw.doubt(&Origin { at: at.to_owned(), code: kind.to_owned(), name: String::new() }, &problem);
    }
}

/// The numbers of a specimen.
pub(super) fn specimen_numbers(specimen: &Value) -> Vec<String> {
    let accession = specimen.get("accessionIdentifier").into_iter();
    let identifiers = specimen.get("identifier").and_then(Value::as_array).into_iter().flatten();
    let number = |identifier: &Value| Some(identifier.get("value")?.as_str()?.trim().to_owned());
    accession.chain(identifiers).filter_map(number).filter(|number| !number.is_empty()).collect()
}

fn wrong(error: &serde_json::Error) -> PanelProblem {
    PanelProblem::Json { expected: "a resource of FHIR R4", found: error.to_string() }
}

/// A field of type CodeableConcept.
fn concept(resource: &Value, field: &str) -> Result<Concept, PanelProblem> {
    resource
        .get(field)
        .map_or_else(|| Ok(Concept::default()), |concept| Concept::deserialize(concept).map_err(|error| wrong(&error)))
}

/// Code with its system, and text.
fn shown_coding(coding: &Coding) -> String {
    let code = coding.code.as_deref().unwrap_or_default();
    coding.system.as_deref().map_or(code.to_owned(), |system| format!("{code} ({system})"))
}

fn shown(concept: &Concept) -> (String, String) {
    let first = concept.coding.first();
    let name = concept.text.clone().or_else(|| first.and_then(|coding| coding.display.clone()));
    (first.map(shown_coding).unwrap_or_default(), name.unwrap_or_default())
}

/// The code of a status that is a CodeableConcept.
fn status_code(resource: &Value, field: &str) -> Result<Option<String>, PanelProblem> {
    Ok(concept(resource, field)?.coding.into_iter().find_map(|coding| coding.code))
}

fn condition(
    resource: &Value,
    at: &str,
    diagnoses: &mut Vec<CodedDiagnosis>,
    raw: &mut RawPanel,
) -> Result<(), PanelProblem> {
    let code = concept(resource, "code")?;
    let (shown_code, text) = shown(&code);
    let verified = status_code(resource, "verificationStatus")?;
    if let Some(status) = verified.filter(|status| status != "confirmed") {
        raw.ignore(&shown_code, Some(&text), format!("{at}: a diagnosis that is {}", found_text(&status)));
        return Ok(());
    }
    let coded = code.coding.iter().find(|coding| diagnosis::is_icd10(coding.system.as_deref().unwrap_or_default()));
    let Some(coded) = coded else {
        raw.ignore(&shown_code, Some(&text), format!("{at}: expected a diagnosis in ICD-10, found none"));
        return Ok(());
    };
    let clinical = status_code(resource, "clinicalStatus")?;
    let active = clinical.as_deref().and_then(|status| match status {
        "active" | "recurrence" | "relapse" => Some(true),
        _ => None,
    });
    diagnoses.push(CodedDiagnosis {
        shown: shown_coding(coded),
        code: coded.code.clone().unwrap_or_default(),
        text,
        active,
        state: clinical.map(|status| found_text(&status)),
    });
    Ok(())
}

fn medication(
    kind: &str,
    resource: &Value,
    at: &str,
    entries: &[Value],
    raw: &mut RawPanel,
) -> Result<(), PanelProblem> {
    let (drug, referred) = substance(resource, entries)?;
    let (shown_code, text) = shown(&drug);
    let text = if text.is_empty() { referred } else { text };
    let coded = drug.coding.iter().find_map(|coding| {
        drug_codes::substance(drug_codes::system(coding.system.as_deref()?)?, coding.code.as_deref()?)
    });
    let status = resource.get("status").and_then(Value::as_str).unwrap_or_default();
    let forbidden = resource.get("doNotPerform").and_then(Value::as_bool) == Some(true);
    let not_given = match kind {
        "MedicationRequest" => matches!(status, "cancelled" | "draft" | "entered-in-error") || forbidden,
        "MedicationStatement" => matches!(status, "intended" | "not-taken" | "entered-in-error"),
        _ => matches!(status, "not-done" | "entered-in-error"),
    };
    if not_given {
        let status = if forbidden { "not to be given" } else { status };
        raw.ignore(&shown_code, Some(&text), format!("{at}: {kind} with the status {}", found_text(status)));
        return Ok(());
    }
    // The substance of a code goes before a text in another language or of a brand, which stays beside it.
    let name = match (coded, text.as_str()) {
        (None, "") => {
            raw.ignore(
                &shown_code,
                None,
                format!("{at}: expected a drug by name, RxNorm or ATC, found none that is known"),
            );
            return Ok(());
        }
        (None, text) => text.to_owned(),
        (Some(name), "") => name.to_owned(),
        (Some(name), text) if text.to_lowercase().contains(name) => text.to_owned(),
        (Some(name), text) => format!("{name} ({text})"),
    };
    let start_date = started(resource)?;
    let drugs = raw.context.drugs.get_or_insert_default();
    match drugs.iter_mut().find(|known| known.name.eq_ignore_ascii_case(&name)) {
        // The same drug again: its first day counts.
        Some(known) => {
            known.start_date = match (known.start_date.take(), start_date) {
                (Some(own), Some(other)) => Some(own.min(other)),
                (own, other) => own.or(other),
            };
        }
        None => drugs.push(Drug { name, start_date }),
    }
    Ok(())
}

/// The drug of a resource, itself or by reference, and the words of the reference.
fn substance(resource: &Value, entries: &[Value]) -> Result<(Concept, String), PanelProblem> {
    let own = concept(resource, "medicationCodeableConcept")?;
    let Some(reference) = resource.get("medicationReference") else { return Ok((own, String::new())) };
    let words = reference.get("display").and_then(Value::as_str).unwrap_or_default().to_owned();
    let to = reference.get("reference").and_then(Value::as_str).unwrap_or_default();
    let id = |resource: &Value| resource.get("id").and_then(Value::as_str).map(str::to_owned);
    let contained = resource.get("contained").and_then(Value::as_array).into_iter().flatten();
    let contained = contained.filter(|other| id(other).is_some_and(|id| to == format!("#{id}")));
    let of_bundle = entries.iter().filter_map(|entry| {
        let other = entry.get("resource")?;
        let address = entry.get("fullUrl").and_then(Value::as_str);
        let named = address == Some(to) || id(other).is_some_and(|id| to == format!("Medication/{id}"));
        (named && !to.is_empty()).then_some(other)
    });
    match contained.chain(of_bundle).next() {
        Some(medication) => Ok((concept(medication, "code")?, words)),
        None => Ok((own, words)),
    }
}

/// The first day of a drug.
fn started(resource: &Value) -> Result<Option<String>, PanelProblem> {
    let period = resource.get("effectivePeriod").map(Period::deserialize).transpose().map_err(|error| wrong(&error))?;
    let text = |field: &str| resource.get(field).and_then(Value::as_str).map(str::to_owned);
    let given =
        period.and_then(|period| period.start).or_else(|| text("effectiveDateTime")).or_else(|| text("authoredOn"));
    // A month or a year is no day: the start is then not known.
    Ok(given.as_deref().and_then(Moment::from_iso).map(|moment| moment.day()))
}

/// A name of a person, in the form of an order or a panel.
#[derive(Deserialize)]
pub(crate) struct HumanName {
    #[serde(default)]
    family: String,
    #[serde(default)]
    given: Vec<String>,
}

impl HumanName {
    /// Family name and given names.
    pub(crate) fn parts(&self) -> (&str, String) {
        (&self.family, self.given.join(" "))
    }
}

/// The identifiers of a list.
pub(super) fn identifiers(list: &Value) -> Result<Vec<Identifier>, String> {
    Vec::<Identifier>::deserialize(list).map_err(|error| error.to_string())
}
