//! PID, patient identification (HL7 v2.5.1, section 3.4.2).
//!
//! Sent where the order gives an identifier: without one, the receiver finds the patient by the order's numbers, and a name
//! alone identifies nobody. Where the name is unknown, PID-5 says so (name type `U`), because the field is required.

use super::options::Hl7Options;
use super::segment::Segment;
use crate::case::{AdministrativeSex, Patient};

/// The patient; none without an identifier.
pub(super) fn pid(options: &Hl7Options, patient: &Patient) -> Option<Segment> {
    let id = patient.id.as_deref()?;
    let text = |item: &Option<String>| item.clone().unwrap_or_default();
    let authority = text(&patient.id_authority);
    let (family, given) = (text(&patient.family_name), text(&patient.given_name));
    let name: &[&str] =
        if family.is_empty() && given.is_empty() { &["", "", "", "", "", "", "U"] } else { &[&family, &given] };
    let born = patient.birth_date.as_ref().map(|date| date.day().strftime("%Y%m%d").to_string()).unwrap_or_default();
    let segment = Segment::new("PID")
        .text(1, "1")
        .components(3, &[id, "", "", &authority, &options.patient_id_type])
        .components(5, name)
        .text(7, &born)
        .text(8, patient.sex.map_or("", sex_code));
    Some(segment)
}

/// Code of HL7 table 0001.
fn sex_code(sex: AdministrativeSex) -> &'static str {
    match sex {
        AdministrativeSex::Female => "F",
        AdministrativeSex::Male => "M",
        AdministrativeSex::Other => "O",
        AdministrativeSex::Unknown => "U",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Date;

    #[test]
    fn a_full_patient_and_one_without_a_name() {
        let options = Hl7Options::default();
        let patient = Patient {
            id: Some("MRN123".into()),
            id_authority: Some("HOSP".into()),
            family_name: Some("O^Doe".into()),
            given_name: Some("Jane".into()),
            birth_date: Date::parse("1960-01-31").ok(),
            sex: Some(AdministrativeSex::Female),
        };
        let segment = pid(&options, &patient).expect("an identifier").encoded();
        assert_eq!(segment, "PID|1||MRN123^^^HOSP^MR||O\\S\\Doe^Jane||19600131|F\r");
        let unnamed = Patient { id: Some("7".into()), ..Patient::default() };
        assert_eq!(pid(&options, &unnamed).expect("an identifier").encoded(), "PID|1||7^^^^MR||^^^^^^U\r");
        assert_eq!(pid(&options, &Patient { id: None, ..patient }), None);
    }
}
