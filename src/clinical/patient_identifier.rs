//! Whose panel it is, as far as the panel says: identifiers to be compared with those of an order.
//!
//! In: PID-3 of a message, or `Patient.identifier` and `subject.identifier` of a Bundle. Out: [`PatientIdentifier`]s.
//! They are compared and never kept: no report holds them.
//!
//! METHOD: values are compared as written, because an identifier has no other form that is known to be the same. Names of
//! authorities are compared where both sides give one of the same kind, a plain name (`HOSP`) or a formal one (a URI or an
//! OID): the two kinds name the same authority in other words and cannot contradict each other.
//!
//! Limits: a reference to a Patient resource is an address on a server and no identifier. Without an identifier on both
//! sides nothing can be told.

use std::collections::BTreeSet;
use std::fmt;

/// An identifier of the patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientIdentifier {
    /// As written, without white space around it; never empty.
    pub value: String,
    /// Who assigned it, in every form given: name, OID, URI.
    pub authorities: Vec<String>,
}

impl PatientIdentifier {
    /// An identifier; `None` where the value is blank. Blank authorities are left out.
    pub fn new<'a>(value: &str, authorities: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let value = value.trim();
        let authorities = authorities.into_iter().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        (!value.is_empty()).then(|| Self { value: value.to_owned(), authorities: authorities.collect() })
    }

    /// Whether both are the same identifier as far as they say.
    pub fn is_same(&self, other: &Self) -> bool {
        self.value == other.value && !self.is_of_another_authority(other)
    }

    /// Whether they belong to two patients: other values from one authority, or from none that is named.
    pub fn contradicts(&self, other: &Self) -> bool {
        self.value != other.value && !self.is_of_another_authority(other)
    }

    fn is_of_another_authority(&self, other: &Self) -> bool {
        let pairs = self.authorities.iter().flat_map(|one| other.authorities.iter().map(move |name| (one, name)));
        let mut comparable = pairs.filter(|(one, name)| is_formal(one) == is_formal(name)).peekable();
        comparable.peek().is_some() && !comparable.any(|(one, name)| one.to_lowercase() == name.to_lowercase())
    }
}

/// The identifiers without those that say less than another one: a bare value beside the same value of an authority would
/// pass for that of any authority.
pub(super) fn telling(identifiers: Vec<PatientIdentifier>) -> Vec<PatientIdentifier> {
    let assigned: BTreeSet<String> =
        identifiers.iter().filter(|one| !one.authorities.is_empty()).map(|one| one.value.clone()).collect();
    identifiers.into_iter().filter(|one| !one.authorities.is_empty() || !assigned.contains(&one.value)).collect()
}

impl fmt::Display for PatientIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.value)?;
        if self.authorities.is_empty() { Ok(()) } else { write!(f, " ({})", self.authorities.join(", ")) }
    }
}

/// Whether a name is a URI or an OID.
fn is_formal(name: &str) -> bool {
    name.contains(':') || name.chars().all(|c| c.is_ascii_digit() || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(value: &str, authorities: &[&str]) -> PatientIdentifier {
        PatientIdentifier::new(value, authorities.iter().copied()).expect("an identifier")
    }

    #[test]
    fn the_value_decides_and_an_authority_where_both_give_one() {
        let own = id("MRN123", &["HOSP"]);
        for same in [id("MRN123", &["HOSP"]), id(" MRN123 ", &[]), id("MRN123", &["hosp", "1.2.3"])] {
            assert!(own.is_same(&same) && same.is_same(&own), "{same}");
        }
        for other in [id("MRN124", &["HOSP"]), id("MRN124", &[]), id("mrn123", &["HOSP"]), id("MRN123", &["CLINIC"])] {
            assert!(!own.is_same(&other) && !other.is_same(&own), "{other}");
        }
    }

    #[test]
    fn a_name_and_a_uri_say_nothing_of_each_other() {
        let own = id("7", &["HOSP"]);
        assert!(own.is_same(&id("7", &["http://hospital.example/mrn"])));
        assert!(own.is_same(&id("7", &["1.2.840.1"])));
        assert!(!own.is_same(&id("7", &["http://hospital.example/mrn", "CLINIC"])));
        assert!(!id("7", &["urn:oid:1.2"]).is_same(&id("7", &["urn:oid:1.3"])));
    }

    #[test]
    fn identifiers_of_two_authorities_do_not_contradict() {
        assert!(id("1", &[]).contradicts(&id("2", &[])));
        assert!(id("1", &["A"]).contradicts(&id("2", &["A"])));
        assert!(!id("1", &["A"]).contradicts(&id("2", &["B"])));
        assert!(!id("1", &["A"]).contradicts(&id("1", &["A"])));
    }

    #[test]
    fn a_bare_value_says_nothing_beside_one_with_its_authority() {
        let kept = telling(vec![id("7", &[]), id("7", &["CLINIC"]), id("8", &[]), id("7", &["HOSP"])]);
        assert_eq!(kept, [id("7", &["CLINIC"]), id("8", &[]), id("7", &["HOSP"])]);
    }

    #[test]
    fn a_blank_is_no_identifier() {
        assert_eq!(PatientIdentifier::new(" \t", ["HOSP"]), None);
        assert_eq!(id("1", &[" ", ""]).authorities, [] as [&str; 0]);
        assert_eq!(id("1", &["A", "1.2"]).to_string(), "1 (A, 1.2)");
    }
}
