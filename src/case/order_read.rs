//! An order from its file, in one of three formats: the JSON of an [`Order`], an HL7 v2 message OML^O21, or a FHIR R4
//! ServiceRequest. The content tells the format, never the name.
//!
//! HL7 v2: one message of one order on one specimen. PID-3 (the repeat of type MR or PI, else the first), PID-5, PID-7,
//! PID-8; ORC-2 or OBR-2 placer and ORC-3 or OBR-3 filler number; SPM-2 specimen number (the laboratory's, else the
//! requester's); SPM-17 or OBR-7 collection, SPM-18 or OBR-14 receipt; ORC-12 or OBR-16 requester. Source: HL7 v2.5.1, section
//! 4.4.6 (OML^O21) and the segments' own sections.
//!
//! METHOD: a time without an offset has that of MSH-7, which the standard makes the default of the whole message (section
//! 2.14.9.7). Where MSH-7 has none either, the time is refused: nothing says which hour it was.
//!
//! FHIR: a ServiceRequest, alone or in a Bundle with Patient and Specimen. ServiceRequest `identifier` (types PLAC and FILL of
//! v2-0203; one without a type is the placer's), `requisition`, `subject`, `specimen`, `requester`; Patient `identifier`,
//! `name`, `birthDate`, `gender`; Specimen `accessionIdentifier` or `identifier`, `collection.collectedDateTime`,
//! `receivedTime`. Source: HL7 FHIR R4 (4.0.1). A requester is named by `display` or by the one Practitioner or Organization
//! of the Bundle.
//!
//! Limits: several orders, specimens or patients in one file are refused, because the result would bear the number of any.

use serde::Deserialize;
use serde_json::Value;

use super::order::{AdministrativeSex, MAX_ORDER_BYTES, Order, OrderError, Patient, without_mark};
use crate::clinical::hl7::{Fields, MessageText, Segments, is_message};
use crate::time::{Date, Moment, TimeError, Timestamp};

/// Names by which an order lies beside the images of its specimen; what it holds tells its kind.
pub const ORDER_FILE_NAMES: [&str; 3] = ["order.json", "order.hl7", "order.fhir.json"];

/// Types of an identifier that name the patient in a hospital (HL7 table 0203).
const PATIENT_NUMBER_TYPES: [&str; 2] = ["MR", "PI"];

/// Whether a file of this name beside the images is an order; file shares and laboratory systems write `ORDER.HL7`.
pub fn is_order_name(name: &str) -> bool {
    ORDER_FILE_NAMES.iter().any(|order| order.eq_ignore_ascii_case(name))
}

impl Order {
    /// An order from a file: JSON, HL7 v2 OML^O21 or FHIR R4 ServiceRequest, told by the content.
    ///
    /// # Errors
    /// [`OrderError`] where it is too large, none of the three, or cannot be used.
    pub fn read(bytes: &[u8]) -> Result<Self, OrderError> {
        if bytes.len() > MAX_ORDER_BYTES {
            return Err(OrderError::TooLarge(bytes.len()));
        }
        let order = if is_message(bytes) {
            of_message(bytes)?
        } else {
            match serde_json::from_slice::<Value>(without_mark(bytes)) {
                Ok(value) if value.get("resourceType").is_some() => of_resource(&value)?,
                _ => return Self::from_json(bytes),
            }
        };
        order.check_texts()?;
        Ok(order)
    }
}

/// A time or day of a field, where there is one.
fn at<T>(
    at: &'static str,
    text: Option<String>,
    read: impl FnOnce(&str) -> Result<T, TimeError>,
) -> Result<Option<T>, OrderError> {
    text.map(|text| read(&text).map_err(|source| OrderError::Time { at, source })).transpose()
}

/// The order of an HL7 v2 message.
fn of_message(bytes: &[u8]) -> Result<Order, OrderError> {
    let message = MessageText::read(bytes, None)?;
    let segments = message.segments("OML", "an OML^O21 message in MSH-9")?;
    let sent = segments.of("MSH").next().map(|header| header.component(7, 1)).unwrap_or_default();
    let offset = sent.find(['+', '-']).map(|at| sent[at..].to_owned()).unwrap_or_default();
    let either = |one: (&'static str, usize, usize), other: (&'static str, usize, usize), what| {
        let found = only(&segments, one, what)?;
        if found.is_some() { Ok(found) } else { only(&segments, other, what) }
    };
    let placer_order_number = either(("ORC", 2, 1), ("OBR", 2, 1), "placer order number")?;
    let filler_order_number = either(("ORC", 3, 1), ("OBR", 3, 1), "filler order number")?;
    let time = |text: &str| timestamp(text, &offset);
    let requester = ["ORC", "OBR"]
        .into_iter()
        .zip([12, 16])
        .find_map(|(name, field)| segments.of(name).find_map(|fields| requester_of_message(&fields, field)));
    Ok(Order {
        accession: specimen(&segments)?,
        patient: patient_of_message(&segments)?,
        placer_order_number,
        filler_order_number,
        collected_at: at("SPM-17 or OBR-7", either(("SPM", 17, 1), ("OBR", 7, 1), "time")?, time)?,
        received_at: at("SPM-18 or OBR-14", either(("SPM", 18, 1), ("OBR", 14, 1), "time")?, time)?,
        requester,
    })
}

/// The one value that a component has in every segment of a name.
fn only(
    segments: &Segments<'_>,
    (name, field, component): (&'static str, usize, usize),
    what: &'static str,
) -> Result<Option<String>, OrderError> {
    one_of(segments.of(name).map(|fields| fields.component(field, component)), name, what)
}

fn one_of(
    values: impl Iterator<Item = String>,
    at: &'static str,
    what: &'static str,
) -> Result<Option<String>, OrderError> {
    let mut values = values.filter(|value| !value.is_empty());
    let Some(first) = values.next() else { return Ok(None) };
    match values.find(|value| *value != first) {
        Some(second) => Err(OrderError::Several { at, what, first, second }),
        None => Ok(Some(first)),
    }
}

/// The specimen number: the laboratory's goes before the requester's.
fn specimen(segments: &Segments<'_>) -> Result<Option<String>, OrderError> {
    let number = |fields: Fields<'_, '_>| {
        let own = fields.first_part(2, 2);
        if own.is_empty() { fields.first_part(2, 1) } else { own }
    };
    one_of(segments.of("SPM").map(number), "SPM-2", "specimen")
}

fn patient_of_message(segments: &Segments<'_>) -> Result<Option<Patient>, OrderError> {
    let mut all = segments.of("PID");
    let Some(fields) = all.next() else { return Ok(None) };
    if let Some(other) = all.next() {
        let (first, second) = (fields.text(3), other.text(3));
        return Err(OrderError::Several { at: "PID-3", what: "patient", first, second });
    }
    let identifiers = fields.identifiers(3);
    let of_hospital = identifiers.iter().find(|(_, kind)| PATIENT_NUMBER_TYPES.contains(&kind.as_str()));
    let identifier = of_hospital.or(identifiers.first()).map(|(identifier, _)| identifier.clone());
    let name = fields.names(5).into_iter().next();
    let part = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let day = |text: &str| Date::parse(Moment::from_hl7(text).map(|moment| moment.day()).as_deref().unwrap_or(text));
    let sex = match fields.component(8, 1).as_str() {
        "F" => Some(AdministrativeSex::Female),
        "M" => Some(AdministrativeSex::Male),
        "O" | "A" | "N" => Some(AdministrativeSex::Other),
        "U" => Some(AdministrativeSex::Unknown),
        _ => None,
    };
    Ok(Some(Patient {
        id_authority: identifier.as_ref().and_then(|identifier| identifier.authorities.first().cloned()),
        id: identifier.map(|identifier| identifier.value),
        family_name: name.as_ref().and_then(|name| part(&name.family)),
        given_name: name.as_ref().and_then(|name| part(&name.given)),
        birth_date: at("PID-7", Some(fields.component(7, 1)).filter(|born| !born.is_empty()), day)?,
        sex,
    }))
}

/// Whoever asked, by name, else by identifier (type XCN).
fn requester_of_message(fields: &Fields<'_, '_>, number: usize) -> Option<String> {
    let names = [fields.first_part(number, 2), fields.component(number, 3)];
    let name = names.iter().filter(|name| !name.is_empty()).cloned().collect::<Vec<_>>().join(", ");
    Some(if name.is_empty() { fields.component(number, 1) } else { name }).filter(|name| !name.is_empty())
}

/// A time of the message as RFC 3339.
fn timestamp(text: &str, offset: &str) -> Result<Timestamp, TimeError> {
    let with_offset = if text.contains(['+', '-']) { text.to_owned() } else { format!("{text}{offset}") };
    let wrong = || TimeError::Timestamp(text.to_owned());
    let moment = Moment::from_hl7(&with_offset).ok_or_else(wrong)?;
    Timestamp::parse(&moment.to_string()).map_err(|_| wrong())
}

/// The order of a FHIR resource.
fn of_resource(value: &Value) -> Result<Order, OrderError> {
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
    let time = |name: &'static str, pointers: &[&str]| {
        let given = specimen.and_then(|specimen| pointers.iter().find_map(|pointer| text(specimen, pointer)));
        at(name, given, Timestamp::parse)
    };
    Ok(Order {
        accession,
        patient: patient_of_resource(request, of("Patient")?)?,
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
fn patient_of_resource(request: &Value, resource: Option<&Value>) -> Result<Option<Patient>, OrderError> {
    let Some(resource) = resource else {
        let id = text(request, "/subject/identifier/value");
        let id_authority = authority(request, "/subject/identifier");
        return Ok(id.is_some().then(|| Patient { id, id_authority, ..Patient::default() }));
    };
    let given = resource.pointer("/name/0/given").and_then(Value::as_array).into_iter().flatten();
    let given: Vec<&str> = given.filter_map(Value::as_str).collect();
    Ok(Some(Patient {
        id: text(resource, "/identifier/0/value"),
        id_authority: authority(resource, "/identifier/0"),
        family_name: text(resource, "/name/0/family"),
        given_name: Some(given.join(" ")).filter(|given| !given.trim().is_empty()),
        birth_date: at("Patient.birthDate", text(resource, "/birthDate"), Date::parse)?,
        // The codes of FHIR are the names that records have.
        sex: resource.get("gender").and_then(|code| AdministrativeSex::deserialize(code).ok()),
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

    /// What message and bundle say, as the JSON of an order.
    const JSON: &str = r#"{"accession": "S-2041-0007", "patient": {"id": "MRN123", "id_authority": "HOSP",
        "family_name": "Doe", "given_name": "Jane Mary", "birth_date": "1960-01-31", "sex": "female"},
        "placer_order_number": "P-1", "filler_order_number": "F-1", "collected_at": "2025-01-02T09:00:00+01:00",
        "received_at": "2025-01-02T10:00:00+02:00", "requester": "Brown, Ann"}"#;

    const MESSAGE: &str = "MSH|^~\\&|LIS|HOSP|SCHISTOQUANT|LAB|20250102100000+0100||OML^O21^OML_O21|1|P|2.5.1\r\
        PID|1||998^^^NATIONAL^NI~MRN123^^^HOSP^MR||Doe^Jane^Mary||19600131|F\r\
        ORC|NW|P-1^LIS|F-1^LAB|||||||||77^Brown^Ann\r\
        OBR|1|P-1^LIS|F-1^LAB|SMEAR-TMA^Film^99TMA|||20250102080000\r\
        SPM|1|R-9&LIS^S-2041-0007&LAB||BLD|||||||||||||20250102090000|20250102100000+0200\r";

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

    fn refused(text: &str) -> String {
        Order::read(text.as_bytes()).expect_err("an order to refuse").to_string()
    }

    #[test]
    fn message_and_bundle_give_the_order_that_json_gives() {
        let expected = Order::read(JSON.as_bytes()).expect("an order");
        let framed = format!("\u{b}{}\u{1c}\r", MESSAGE.replace('\r', "\r\n"));
        for text in [MESSAGE, &framed, BUNDLE] {
            assert_eq!(Order::read(text.as_bytes()).expect("an order"), expected, "{text}");
        }
    }

    #[test]
    fn a_latin_1_name_is_read_by_msh_18() {
        let text = MESSAGE.replace("|2.5.1\r", "|2.5.1||||||8859/1\r").replace("Doe", "M\u{fc}ller");
        let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
        let order = Order::read(&bytes).expect("an order");
        assert_eq!(order.patient.and_then(|patient| patient.family_name).as_deref(), Some("Müller"));
    }

    #[test]
    fn a_message_that_is_not_one_order_is_refused_by_name() {
        let second = MESSAGE.to_owned() + "SPM|2|^S-8||BLD\r";
        assert!(refused(&second).contains("SPM-2: expected one specimen, found `S-2041-0007` and `S-8`"));
        let other = MESSAGE.to_owned() + "ORC|NW|P-2\r";
        assert!(refused(&other).contains("ORC: expected one placer order number, found `P-1` and `P-2`"));
        assert!(refused(&(MESSAGE.to_owned() + "PID|2||5\r")).contains("PID-3: expected one patient"));
        assert!(
            refused(&MESSAGE.replace("OML^O21", "ORU^R01")).contains("expected an OML^O21 message in MSH-9, found")
        );
        let unzoned = MESSAGE.replace("100000+0100||OML", "100000||OML");
        assert!(refused(&unzoned).starts_with("SPM-17 or OBR-7: expected a time with its offset"));
        assert!(refused(&MESSAGE.replace("19600131", "1960")).starts_with("PID-7: expected a day"));
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
    fn a_resource_that_is_not_one_order_is_refused_by_name() {
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
