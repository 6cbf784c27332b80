//! An order as FHIR R4: a ServiceRequest, alone or in a Bundle with Patient and Specimen.
//!
//! In: JSON. Out: an [`Order`]: ServiceRequest `identifier` (types PLAC and FILL of v2-0203; without a type the placer's),
//! `requisition`, `subject`, `specimen`, `requester`; Patient `identifier`, `name`, `birthDate`, `gender`; Specimen
//! `accessionIdentifier` or `identifier`, `collection.collectedDateTime`, `receivedTime`.
//!
//! Source: HL7 FHIR R4 (4.0.1), ServiceRequest, Patient, Specimen.
//!
//! Limits: several ServiceRequests, Patients or Specimens in one Bundle are refused, because the result would bear the number
//! of any. A requester is named by `display` or by the one Practitioner or Organization of the Bundle.

use serde_json::Value;

use super::order::{AdministrativeSex, Order, OrderError, Patient};
use crate::time::{Date, Timestamp};

/// Reads a resource.
pub(super) fn read(value: &Value) -> Result<Order, OrderError> {
    let kind = |resource: &Value| text(resource, "/resourceType").unwrap_or_default();
    let resources: Vec<&Value> = match kind(value).as_str() {
        "Bundle" => {
            let entries = value.get("entry").and_then(Value::as_array).into_iter().flatten();
            entries.filter_map(|entry| entry.get("resource")).collect()
        }
        "ServiceRequest" => {
            let contained = value.get("contained").and_then(Value::as_array).into_iter().flatten();
            std::iter::once(value).chain(contained).collect()
        }
        other => {
            return Err(OrderError::Kind(format!("the resource `{}`", other.chars().take(40).collect::<String>())));
        }
    };
    let of = |wanted: &'static str| -> Result<Option<&Value>, OrderError> {
        let mut all = resources.iter().filter(|resource| kind(resource) == wanted);
        let (first, second) = (all.next(), all.next());
        match (first, second) {
            (Some(first), Some(second)) => {
                let name = |resource: &Value| text(resource, "/id").unwrap_or_else(|| "without id".to_owned());
                Err(OrderError::Several { at: "Bundle", what: wanted, first: name(first), second: name(second) })
            }
            (first, _) => Ok(first.copied()),
        }
    };
    let request =
        of("ServiceRequest")?.ok_or_else(|| OrderError::Kind("a Bundle without ServiceRequest".to_owned()))?;
    let specimen = of("Specimen")?;
    let accession = specimen
        .and_then(|specimen| {
            text(specimen, "/accessionIdentifier/value").or_else(|| text(specimen, "/identifier/0/value"))
        })
        .or_else(|| text(request, "/specimen/0/identifier/value"));
    let time = |at: &'static str, pointers: &[&str]| {
        let given = specimen.and_then(|specimen| pointers.iter().find_map(|pointer| text(specimen, pointer)));
        given.map(|given| Timestamp::parse(&given).map_err(|source| OrderError::Time { at, source })).transpose()
    };
    Ok(Order {
        accession,
        patient: patient(request, of("Patient")?)?,
        placer_order_number: number(request, "PLAC").or_else(|| text(request, "/requisition/value")),
        filler_order_number: number(request, "FILL"),
        collected_at: time(
            "Specimen.collection",
            &["/collection/collectedDateTime", "/collection/collectedPeriod/start"],
        )?,
        received_at: time("Specimen.receivedTime", &["/receivedTime"])?,
        requester: text(request, "/requester/display").or_else(|| requester(&resources)),
    })
}

/// A text at a place; nothing where it is blank.
fn text(value: &Value, pointer: &str) -> Option<String> {
    let text = value.pointer(pointer)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The number of a type of v2-0203; one without a type is the placer's.
fn number(request: &Value, wanted: &str) -> Option<String> {
    let identifiers = request.get("identifier").and_then(Value::as_array)?;
    let kind = |identifier: &Value| text(identifier, "/type/coding/0/code");
    let typed = identifiers.iter().find(|identifier| kind(identifier).as_deref() == Some(wanted));
    let untyped = identifiers.iter().find(|identifier| wanted == "PLAC" && kind(identifier).is_none());
    text(typed.or(untyped)?, "/value")
}

/// Who the subject is: the Patient, or what the subject says of itself.
fn patient(request: &Value, resource: Option<&Value>) -> Result<Option<Patient>, OrderError> {
    let Some(resource) = resource else {
        let id = text(request, "/subject/identifier/value");
        let id_authority = authority(request, "/subject/identifier");
        return Ok(id.is_some().then(|| Patient { id, id_authority, ..Patient::default() }));
    };
    let birth_date = text(resource, "/birthDate")
        .map(|born| Date::parse(&born).map_err(|source| OrderError::Time { at: "Patient.birthDate", source }))
        .transpose()?;
    let given = resource.pointer("/name/0/given").and_then(Value::as_array).into_iter().flatten();
    let given: Vec<&str> = given.filter_map(Value::as_str).collect();
    let sex = match text(resource, "/gender").as_deref() {
        Some("female") => Some(AdministrativeSex::Female),
        Some("male") => Some(AdministrativeSex::Male),
        Some("other") => Some(AdministrativeSex::Other),
        Some("unknown") => Some(AdministrativeSex::Unknown),
        _ => None,
    };
    Ok(Some(Patient {
        id: text(resource, "/identifier/0/value"),
        id_authority: authority(resource, "/identifier/0"),
        family_name: text(resource, "/name/0/family"),
        given_name: Some(given.join(" ")).filter(|given| !given.trim().is_empty()),
        birth_date,
        sex,
    }))
}

/// Who assigned an identifier: its name, else its system.
fn authority(value: &Value, identifier: &str) -> Option<String> {
    text(value, &format!("{identifier}/assigner/display")).or_else(|| text(value, &format!("{identifier}/system")))
}

/// The one Practitioner or Organization of a Bundle.
fn requester(resources: &[&Value]) -> Option<String> {
    let name = |resource: &&Value| match text(resource, "/resourceType").as_deref() {
        Some("Practitioner") => {
            let parts = [text(resource, "/name/0/family"), text(resource, "/name/0/given/0")];
            Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", ")).filter(|name| !name.is_empty())
        }
        Some("Organization") => text(resource, "/name"),
        _ => None,
    };
    let mut names = resources.iter().filter_map(name);
    names.next().filter(|_| names.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUNDLE: &str = r#"{"resourceType": "Bundle", "type": "collection", "entry": [
        {"resource": {"resourceType": "ServiceRequest", "status": "active", "intent": "order",
            "identifier": [{"type": {"coding": [{"code": "FILL"}]}, "value": "F-1"},
                           {"type": {"coding": [{"code": "PLAC"}]}, "value": "P-1"}],
            "requester": {"display": "Brown, Ann"}, "subject": {"reference": "Patient/1"}}},
        {"resource": {"resourceType": "Patient", "id": "1", "gender": "female", "birthDate": "1960-01-31",
            "identifier": [{"value": "MRN123", "assigner": {"display": "HOSP"}}],
            "name": [{"family": "Doe", "given": ["Jane", "Mary"]}]}},
        {"resource": {"resourceType": "Specimen", "accessionIdentifier": {"value": "S-2041-0007"},
            "receivedTime": "2025-01-02T10:00:00+02:00",
            "collection": {"collectedDateTime": "2025-01-02T09:00:00+01:00"}}}]}"#;

    #[test]
    fn a_bundle_gives_the_order_that_json_gives() {
        let json = r#"{"accession": "S-2041-0007", "patient": {"id": "MRN123", "id_authority": "HOSP",
            "family_name": "Doe", "given_name": "Jane Mary", "birth_date": "1960-01-31", "sex": "female"},
            "placer_order_number": "P-1", "filler_order_number": "F-1", "collected_at": "2025-01-02T09:00:00+01:00",
            "received_at": "2025-01-02T10:00:00+02:00", "requester": "Brown, Ann"}"#;
        let expected = Order::read(json.as_bytes()).expect("an order");
        assert_eq!(Order::read(BUNDLE.as_bytes()).expect("an order"), expected);
    }

    #[test]
    fn a_request_alone_names_its_patient_by_identifier() {
        let text = r#"{"resourceType": "ServiceRequest", "identifier": [{"value": "P-9"}],
            "subject": {"identifier": {"system": "urn:oid:1.2", "value": "7"}},
            "specimen": [{"identifier": {"value": "S-1"}}]}"#;
        let order = Order::read(text.as_bytes()).expect("an order");
        let patient = order.patient.expect("a patient");
        assert_eq!((patient.id.as_deref(), patient.id_authority.as_deref()), (Some("7"), Some("urn:oid:1.2")));
        assert_eq!((order.placer_order_number.as_deref(), order.accession.as_deref()), (Some("P-9"), Some("S-1")));
    }

    #[test]
    fn what_is_not_one_order_is_refused_by_name() {
        let refused = |text: &str| Order::read(text.as_bytes()).expect_err("an order to refuse").to_string();
        assert!(refused(r#"{"resourceType": "Patient"}"#).contains("found the resource `Patient`"));
        assert!(refused(r#"{"resourceType": "Bundle"}"#).contains("found a Bundle without ServiceRequest"));
        let two = BUNDLE.replacen("\"entry\": [", "\"entry\": [{\"resource\": {\"resourceType\": \"Specimen\"}},", 1);
        assert!(refused(&two).contains("Bundle: expected one Specimen, found `without id` and `without id`"));
        let day = BUNDLE.replace("2025-01-02T09:00:00+01:00", "2025-01-02");
        assert!(refused(&day).starts_with("Specimen.collection: expected a time with its offset"));
        let born = BUNDLE.replace("1960-01-31", "1960");
        assert!(refused(&born).starts_with("Patient.birthDate: expected a day"));
    }
}
