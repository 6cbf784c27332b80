//! FHIR R4 resources about the patient: Patient, Condition, drugs, Specimen, and the data types that resources share.
//!
//! In: Patient (`identifier`, `name`, `birthDate`, `gender`), Condition (`code`, `clinicalStatus`, `verificationStatus`),
//! MedicationRequest, MedicationStatement and MedicationAdministration (`medicationCodeableConcept` or
//! `medicationReference`, `status`, dates), Specimen (`accessionIdentifier`, `identifier`). Out: who the patient is, diagnoses
//! for the context, drugs, specimen numbers. Every other resource that says something of the patient is left aside by name.
//!
//! Source: HL7 FHIR R4 (4.0.1).
//!
//! METHOD: a drug counts as given where it was administered, is or was taken, or was ordered and not cancelled: many systems
//! send no more than the order. A diagnosis counts unless it is refuted, an error, or not confirmed.
//!
//! Limits: a medication that is referred to is found in the Bundle or among the contained resources.

use serde::Deserialize;
use serde_json::Value;

use super::codes::{self, CodedDiagnosis};
use super::raw::{Origin, RawPanel, shown_code};
use crate::clinical::context::{Drug, Sex};
use crate::clinical::error::{PanelProblem, found_text};
use crate::clinical::patient::{PatientIdentifier, PersonName};
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

impl Coding {
    fn shown(&self) -> String {
        shown_code(self.code.as_deref().unwrap_or_default(), self.system.as_deref())
    }
}

impl Concept {
    /// Code with its system, and name.
    pub fn shown(&self) -> (String, String) {
        let first = self.coding.first();
        let name = self.text.clone().or_else(|| first?.display.clone());
        (first.map(Coding::shown).unwrap_or_default(), name.unwrap_or_default())
    }

    fn into_code(self) -> Option<String> {
        self.coding.into_iter().find_map(|coding| coding.code)
    }
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
    pub fn read(&self) -> Option<PatientIdentifier> {
        let assigner = self.assigner.as_ref().and_then(|assigner| assigner.display.as_deref());
        PatientIdentifier::new(self.value.as_deref()?, self.system.as_deref().into_iter().chain(assigner))
    }
}

#[derive(Deserialize)]
pub(super) struct Period {
    pub start: Option<String>,
}

#[derive(Deserialize)]
struct HumanName {
    #[serde(default)]
    family: String,
    #[serde(default)]
    given: Vec<String>,
}

/// Identifiers, names, sex, and the age at the earliest collection; an identifier or name of another shape is an error in
/// words.
pub(super) fn identify(patient: &Value, raw: &mut RawPanel) -> Result<(), String> {
    if let Some(list) = patient.get("identifier") {
        let identifiers = Vec::<Identifier>::deserialize(list).map_err(|error| error.to_string())?;
        raw.patient = identifiers.iter().filter_map(Identifier::read).collect();
    }
    if let Some(list) = patient.get("name") {
        let names = Vec::<HumanName>::deserialize(list).map_err(|error| error.to_string())?;
        raw.person.names =
            names.iter().filter_map(|name| PersonName::new(&name.family, &name.given.join(" "))).collect();
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
        "Condition" => typed(resource).map(|resource| condition(resource, at, diagnoses, raw)),
        "MedicationRequest" | "MedicationStatement" | "MedicationAdministration" => {
            typed(resource).and_then(|resource| medication(kind, resource, at, entries, raw))
        }
        "Specimen" => {
            raw.person.specimens.extend(specimen_numbers(resource));
            Ok(())
        }
        "" => Ok(()),
        frame if OF_THE_FRAME.contains(&frame) => Ok(()),
        other => {
            let (code, name) = code_of(resource).unwrap_or_default().shown();
            let code = format!("{} {code}", found_text(other));
            raw.ignore(code.trim_end(), &name, "resources of this kind are not read");
            Ok(())
        }
    };
    if let Err(problem) = taken {
        raw.doubt(&Origin { at: at.to_owned(), code: kind.to_owned(), name: String::new() }, &problem);
    }
}

fn typed<T: for<'de> Deserialize<'de>>(resource: &Value) -> Result<T, PanelProblem> {
    let wrong =
        |error: serde_json::Error| PanelProblem::Json { expected: "a resource of FHIR R4", found: error.to_string() };
    T::deserialize(resource).map_err(wrong)
}

/// The `code` of a resource.
fn code_of(resource: &Value) -> Result<Concept, PanelProblem> {
    resource.get("code").map_or_else(|| Ok(Concept::default()), typed)
}

/// The numbers of a specimen.
fn specimen_numbers(specimen: &Value) -> Vec<String> {
    let accession = specimen.get("accessionIdentifier").into_iter();
    let identifiers = specimen.get("identifier").and_then(Value::as_array).into_iter().flatten();
    let number = |identifier: &Value| Some(identifier.get("value")?.as_str()?.trim().to_owned());
    accession.chain(identifiers).filter_map(number).filter(|number| !number.is_empty()).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Condition {
    #[serde(default)]
    code: Concept,
    #[serde(default)]
    verification_status: Concept,
    #[serde(default)]
    clinical_status: Concept,
}

fn condition(condition: Condition, at: &str, diagnoses: &mut Vec<CodedDiagnosis>, raw: &mut RawPanel) {
    let (shown, text) = condition.code.shown();
    let verified = condition.verification_status.into_code();
    if let Some(status) = verified.filter(|status| status != "confirmed") {
        raw.ignore(&shown, &text, format!("{at}: a diagnosis that is {}", found_text(&status)));
        return;
    }
    let of_icd10 = |coding: &&Coding| codes::is_icd10(coding.system.as_deref().unwrap_or_default());
    let Some(coded) = condition.code.coding.iter().find(of_icd10) else {
        raw.ignore(&shown, &text, format!("{at}: expected a diagnosis in ICD-10, found none"));
        return;
    };
    let clinical = condition.clinical_status.into_code();
    let active = matches!(clinical.as_deref(), Some("active" | "recurrence" | "relapse"));
    diagnoses.push(CodedDiagnosis {
        shown: coded.shown(),
        code: coded.code.clone().unwrap_or_default(),
        text,
        is_active: active,
        state: clinical.map(|status| found_text(&status)),
    });
}

/// What the three kinds of resources about a drug have in common.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Medication {
    #[serde(default)]
    medication_codeable_concept: Concept,
    medication_reference: Option<MedicationReference>,
    #[serde(default)]
    contained: Vec<Value>,
    #[serde(default)]
    status: String,
    #[serde(default)]
    do_not_perform: bool,
    effective_period: Option<Period>,
    effective_date_time: Option<String>,
    authored_on: Option<String>,
}

#[derive(Deserialize, Default)]
struct MedicationReference {
    #[serde(default)]
    reference: String,
    #[serde(default)]
    display: String,
}

fn medication(
    kind: &str,
    medication: Medication,
    at: &str,
    entries: &[Value],
    raw: &mut RawPanel,
) -> Result<(), PanelProblem> {
    let reference = medication.medication_reference.unwrap_or_default();
    let drug = match referred(&reference.reference, &medication.contained, entries) {
        Some(resource) => code_of(resource)?,
        None => medication.medication_codeable_concept,
    };
    let (shown, mut text) = drug.shown();
    if text.is_empty() {
        text = reference.display;
    }
    let (status, forbidden) = (medication.status.as_str(), medication.do_not_perform);
    let not_given = match kind {
        "MedicationRequest" => matches!(status, "cancelled" | "draft" | "entered-in-error") || forbidden,
        "MedicationStatement" => matches!(status, "intended" | "not-taken" | "entered-in-error"),
        _ => matches!(status, "not-done" | "entered-in-error"),
    };
    if not_given {
        let status = if forbidden { "not to be given" } else { status };
        raw.ignore(&shown, &text, format!("{at}: {kind} with the status {}", found_text(status)));
        return Ok(());
    }
    let substance = |coding: &Coding| codes::substance(coding.system.as_deref()?, coding.code.as_deref()?);
    // The substance of a code goes before a text in another language or of a brand, which stays beside it.
    let name = match (drug.coding.iter().find_map(substance), text) {
        (None, text) if text.is_empty() => {
            raw.ignore(&shown, "", format!("{at}: expected a drug by name, RxNorm or ATC, found none that is known"));
            return Ok(());
        }
        (None, text) => text,
        (Some(name), text) if text.is_empty() => name.to_owned(),
        (Some(name), text) if text.to_lowercase().contains(name) => text,
        (Some(name), text) => format!("{name} ({text})"),
    };
    let period = medication.effective_period.and_then(|period| period.start);
    let start = period.or(medication.effective_date_time).or(medication.authored_on);
    // A month or a year is no day: the start is then not known.
    let start_date = start.as_deref().and_then(Moment::from_iso).map(|moment| moment.day());
    let drugs = raw.context.drugs.get_or_insert_default();
    match drugs.iter_mut().find(|known| known.name.eq_ignore_ascii_case(&name)) {
        // The same drug again: its first day counts.
        Some(known) => known.start_date = known.start_date.take().into_iter().chain(start_date).min(),
        None => drugs.push(Drug { name, start_date }),
    }
    Ok(())
}

/// The resource that a reference leads to: a contained one or one of the Bundle.
fn referred<'v>(to: &str, contained: &'v [Value], entries: &'v [Value]) -> Option<&'v Value> {
    let has_id = |other: &Value, start: &str| {
        let id = other.get("id").and_then(Value::as_str);
        id.is_some_and(|id| to.strip_prefix(start) == Some(id))
    };
    let of_bundle = |entry: &'v Value| {
        let other = entry.get("resource")?;
        let is_address = !to.is_empty() && entry.get("fullUrl").and_then(Value::as_str) == Some(to);
        (is_address || has_id(other, "Medication/")).then_some(other)
    };
    contained.iter().find(|other| has_id(other, "#")).or_else(|| entries.iter().find_map(of_bundle))
}

#[cfg(test)]
mod tests {
    use super::super::tests::read_text;
    use crate::clinical::LabPanel;

    /// A Bundle of these resources.
    fn resources(resources: &[&str]) -> LabPanel {
        let entries: Vec<String> = resources.iter().map(|resource| format!(r#"{{"resource": {resource}}}"#)).collect();
        read_text(&format!(r#"{{"resourceType": "Bundle", "entry": [{}]}}"#, entries.join(","))).expect("a panel")
    }

    #[test]
    fn conditions_and_drugs_of_a_bundle_are_read_or_named() {
        let icd = "http://hl7.org/fhir/sid/icd-10";
        let condition = |code: &str, rest: &str| {
            format!(
                r#"{{"resourceType": "Condition", "code": {{"coding": [{{"system": "{icd}", "code": "{code}"}}]}}{rest}}}"#
            )
        };
        let status = |field: &str, code: &str| format!(r#", "{field}": {{"coding": [{{"code": "{code}"}}]}}"#);
        let drug = |kind: &str, concept: &str, rest: &str| {
            format!(r#"{{"resourceType": "{kind}", "medicationCodeableConcept": {concept}{rest}}}"#)
        };
        let rxnorm = r#"{"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "12574"}]}"#;
        let atc = r#"{"coding": [{"system": "http://www.whocc.no/atc", "code": "L04AD02"}], "text": "Prograf"}"#;
        let unknown = r#"{"coding": [{"system": "http://snomed.info/sct", "code": "387207008"}]}"#;
        let panel = resources(&[
            &condition("C25.9", &status("clinicalStatus", "active")),
            &condition("C79.52", ""),
            &condition("C18.9", &status("verificationStatus", "refuted")),
            r#"{"resourceType": "Condition", "code": {"coding": [{"system": "http://snomed.info/sct", "code": "126729006"}], "text": "TMA"}}"#,
            &drug("MedicationRequest", rxnorm, r#", "status": "active", "authoredOn": "2024-12-01""#),
            &drug(
                "MedicationAdministration",
                rxnorm,
                r#", "status": "completed", "effectiveDateTime": "2024-11-20T08:00:00Z""#,
            ),
            &drug("MedicationStatement", atc, r#", "status": "active""#),
            &drug("MedicationStatement", unknown, r#", "status": "active""#),
            &drug("MedicationRequest", r#"{"text": "oxaliplatin"}"#, r#", "status": "cancelled""#),
            r#"{"resourceType": "MedicationRequest", "status": "active", "medicationReference": {"reference": "Medication/m1"}}"#,
            r#"{"resourceType": "Medication", "id": "m1", "code": {"text": "Bevacizumab 400 mg"}}"#,
            r#"{"resourceType": "Procedure", "code": {"text": "Plasma exchange"}}"#,
            r#"{"resourceType": "Specimen", "accessionIdentifier": {"value": "S-7"}}"#,
        ]);
        let cancer = panel.context.cancer.as_ref().expect("a cancer");
        assert_eq!((cancer.active, cancer.metastatic, cancer.marrow), (Some(true), Some(true), Some(true)));
        assert!(cancer.tumor.as_deref().is_some_and(|tumor| tumor.starts_with("ICD-10 C25.9, active; ICD-10 C79.52")));
        let drugs = panel.context.drugs.as_deref().expect("drugs");
        let drugs: Vec<_> = drugs.iter().map(|drug| (drug.name.as_str(), drug.start_date.as_deref())).collect();
        assert_eq!(
            drugs,
            [("gemcitabine", Some("2024-11-20")), ("tacrolimus (Prograf)", None), ("Bevacizumab 400 mg", None)]
        );
        let aside: Vec<_> = panel.ignored.iter().map(|one| (one.code.as_str(), one.name.as_deref())).collect();
        assert_eq!(
            aside,
            [
                ("C18.9 (http://hl7.org/fhir/sid/icd-10)", None),
                ("126729006 (http://snomed.info/sct)", Some("TMA")),
                ("387207008 (http://snomed.info/sct)", None),
                ("", Some("oxaliplatin")),
                ("Procedure", Some("Plasma exchange")),
            ]
        );
        assert_eq!(panel.person.specimens, ["S-7"]);
    }
}
