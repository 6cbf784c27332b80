//! An order as an HL7 v2 message, OML^O21.
//!
//! In: one message of one order on one specimen. Out: an [`Order`]: PID-3 (the repeat of type MR or PI, else the first),
//! PID-5, PID-7, PID-8; ORC-2 or OBR-2 placer and ORC-3 or OBR-3 filler number; SPM-2 specimen number (the laboratory's, else
//! the requester's); SPM-17 or OBR-7 collection, SPM-18 or OBR-14 receipt; ORC-12 or OBR-16 requester.
//!
//! Source: HL7 v2.5.1, section 4.4.6 (OML^O21) and the segments' own sections.
//!
//! METHOD: a time without an offset is that of MSH-7, which the standard makes the default of the whole message (section
//! 2.14.9.7). Where MSH-7 has none either, the time is refused: nothing says which hour it was.
//!
//! Limits: several orders, specimens or patients in one message are refused, because the result would bear the number of any.

use super::order::{AdministrativeSex, Order, OrderError, Patient};
use crate::clinical::hl7::{Fields, MessageText, Segments};
use crate::time::{Date, Moment, TimeError, Timestamp};

/// Types of an identifier that name the patient in a hospital (HL7 table 0203).
const PATIENT_NUMBER_TYPES: [&str; 2] = ["MR", "PI"];

/// Reads a message.
pub(super) fn read(bytes: &[u8]) -> Result<Order, OrderError> {
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
    let time = |one: (&'static str, usize, usize), other: (&'static str, usize, usize), at: &'static str| {
        let text = either(one, other, "time")?;
        text.map(|text| timestamp(&text, &offset).map_err(|source| OrderError::Time { at, source })).transpose()
    };
    let requester = ["ORC", "OBR"]
        .into_iter()
        .zip([12, 16])
        .find_map(|(name, field)| segments.of(name).find_map(|fields| requester(&fields, field)));
    Ok(Order {
        accession: specimen(&segments)?,
        patient: patient(&segments)?,
        placer_order_number,
        filler_order_number,
        collected_at: time(("SPM", 17, 1), ("OBR", 7, 1), "SPM-17 or OBR-7")?,
        received_at: time(("SPM", 18, 1), ("OBR", 14, 1), "SPM-18 or OBR-14")?,
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

fn patient(segments: &Segments<'_>) -> Result<Option<Patient>, OrderError> {
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
    let born = fields.component(7, 1);
    let birth_date = match born.as_str() {
        "" => None,
        text => {
            let day = Moment::from_hl7(text).map(|moment| moment.day());
            let refused = |source| OrderError::Time { at: "PID-7", source };
            Some(Date::parse(day.as_deref().unwrap_or(text)).map_err(refused)?)
        }
    };
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
        birth_date,
        sex,
    }))
}

/// Whoever asked, by name, else by identifier (type XCN).
fn requester(fields: &Fields<'_, '_>, number: usize) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "MSH|^~\\&|LIS|HOSP|SCHISTOQUANT|LAB|20250102100000+0100||OML^O21^OML_O21|1|P|2.5.1\r\
        PID|1||998^^^NATIONAL^NI~MRN123^^^HOSP^MR||Doe^Jane^Mary||19600131|F\r\
        ORC|NW|P-1^LIS|F-1^LAB|||||||||77^Brown^Ann\r\
        OBR|1|P-1^LIS|F-1^LAB|SMEAR-TMA^Film^99TMA|||20250102080000\r\
        SPM|1|R-9&LIS^S-2041-0007&LAB||BLD|||||||||||||20250102090000|20250102100000+0200\r";

    fn refused(text: &str) -> String {
        Order::read(text.as_bytes()).expect_err("an order to refuse").to_string()
    }

    #[test]
    fn a_message_gives_the_order_that_json_gives() {
        let json = r#"{"accession": "S-2041-0007", "patient": {"id": "MRN123", "id_authority": "HOSP",
            "family_name": "Doe", "given_name": "Jane Mary", "birth_date": "1960-01-31", "sex": "female"},
            "placer_order_number": "P-1", "filler_order_number": "F-1", "collected_at": "2025-01-02T09:00:00+01:00",
            "received_at": "2025-01-02T10:00:00+02:00", "requester": "Brown, Ann"}"#;
        let expected = Order::read(json.as_bytes()).expect("an order");
        assert_eq!(Order::read(MESSAGE.as_bytes()).expect("an order"), expected);
        let framed = format!("\u{b}{}\u{1c}\r", MESSAGE.replace('\r', "\r\n"));
        assert_eq!(Order::read(framed.as_bytes()).expect("an order"), expected);
    }

    #[test]
    fn a_latin_1_name_is_read_by_msh_18() {
        let text = MESSAGE.replace("|2.5.1\r", "|2.5.1||||||8859/1\r").replace("Doe", "M\u{fc}ller");
        let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
        let order = Order::read(&bytes).expect("an order");
        assert_eq!(order.patient.and_then(|patient| patient.family_name).as_deref(), Some("Müller"));
    }

    #[test]
    fn what_is_not_one_order_is_refused_by_name() {
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
}
