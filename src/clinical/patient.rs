//! Whose panel it is, as far as the panel says: identifiers, names, day of birth and specimens, to be compared with an order.
//!
//! In: PID and SPM of a message; Patient, `subject.identifier` and Specimen of a Bundle; `patient` and `specimens` of a panel
//! file. Out: [`PatientIdentifier`]s and a [`Person`]. They are compared and never kept: no report holds them.
//!
//! METHOD, identifiers: values are compared as written, because no other form of an identifier is known to be the same.
//! Names of authorities are compared where both sides give one of the same kind: a plain name (`HOSP`) or a formal one (a
//! URI or an OID). The two kinds name one authority in different words and cannot contradict each other.
//!
//! METHOD, names: they are compared as sets of words, because systems write one name in different ways. Case, diacritics,
//! apostrophes and punctuation do not count. Hyphens part words. Family and given names may stand in either order. An umlaut
//! is the same written with e (`Müller`, `Mueller`, `Muller`). Two names are one person's where every word of the shorter
//! one is a word of the other; an initial stands for a word (`Doe, J` and `Doe, Jane Mary`). A married name shares no word
//! of the family name with the maiden name: that is another name, and a person must look at it.
//!
//! Limits: a reference to a Patient resource is an address on a server and no identifier. Without an identifier on both
//! sides nothing can be told. A name in two scripts is two names unless one side gives both.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// An identifier of the patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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

/// Drops each bare value that also comes with an authority: alone it would pass for that of any authority.
pub(super) fn telling(mut identifiers: Vec<PatientIdentifier>) -> Vec<PatientIdentifier> {
    let assigned = identifiers.iter().filter(|one| !one.authorities.is_empty()).map(|one| one.value.clone());
    let assigned: BTreeSet<String> = assigned.collect();
    identifiers.retain(|one| !one.authorities.is_empty() || !assigned.contains(&one.value));
    identifiers
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

/// A name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonName {
    /// Family name.
    pub family: String,
    /// Given names.
    pub given: String,
}

/// Whose panel it is, as far as the panel says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Names, each as often as it is given in another form.
    pub names: Vec<PersonName>,
    /// Day of birth, `YYYY-MM-DD`; none where no full day is given.
    pub birth_date: Option<String>,
    /// Specimen numbers.
    pub specimens: Vec<String>,
}

/// What happens to a panel whose patient has the order's identifier and another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OtherName {
    /// It is refused.
    #[default]
    Refuse,
    /// It is used where the identifier is the same, and the report says so first. This is for laboratories whose systems keep
    /// a former name.
    ReportWithSameIdentifier,
}

impl PersonName {
    /// A name; `None` where both parts are blank.
    pub fn new(family: &str, given: &str) -> Option<Self> {
        let (family, given) = (family.trim(), given.trim());
        (!family.is_empty() || !given.is_empty()).then(|| Self { family: family.to_owned(), given: given.to_owned() })
    }

    /// Whether both may be the name of one person.
    pub fn is_same(&self, other: &Self) -> bool {
        let (own, others) = (self.words(), other.words());
        let (short, long) = if own.len() <= others.len() { (own, others) } else { (others, own) };
        let mut left = long;
        // Whole words first, so that an initial takes none of theirs.
        let (initials, whole): (Vec<String>, Vec<String>) = short.into_iter().partition(|word| is_initial(word));
        let mut take = |fits: &dyn Fn(&str) -> bool| {
            let found = left.iter().position(|word| fits(word));
            found.map(|at| left.swap_remove(at)).is_some()
        };
        let has_word = !whole.is_empty();
        whole.iter().all(|word| take(&|own| own == word) || take(&|own| is_initial(own) && word.starts_with(own)))
            && initials.iter().all(|initial| take(&|own| own.starts_with(initial.as_str())))
            && has_word
    }

    /// The folded words of the name.
    fn words(&self) -> Vec<String> {
        let text = folded(&format!("{} {}", self.family, self.given));
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.family.as_str(), self.given.as_str()) {
            (name, "") | ("", name) => f.write_str(name),
            (family, given) => write!(f, "{family}, {given}"),
        }
    }
}

fn is_initial(word: &str) -> bool {
    word.chars().count() == 1 && word.chars().all(char::is_alphabetic)
}

/// Lower case without diacritics and apostrophes; letters that Unicode does not decompose are written out.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'þ' => folded.push_str("th"),
            'ı' => folded.push('i'),
            '\'' | '’' | '‘' | 'ʼ' | '`' => {}
            other => folded.push(other),
        }
    }
    // Above an umlaut loses its dots. Here one that is written with e loses its e.
    folded.replace("ae", "a").replace("oe", "o").replace("ue", "u")
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
    fn authorities_of_one_kind_alone_are_compared() {
        let uri = "http://hospital.example/mrn";
        for (one, other, same, contradicts) in [
            (id("7", &["HOSP"]), id("7", &[uri]), true, false),
            (id("7", &["HOSP"]), id("7", &["1.2.840.1"]), true, false),
            (id("7", &["HOSP"]), id("7", &[uri, "CLINIC"]), false, false),
            (id("7", &["urn:oid:1.2"]), id("7", &["urn:oid:1.3"]), false, false),
            (id("1", &[]), id("2", &[]), false, true),
            (id("1", &["A"]), id("2", &["A"]), false, true),
            (id("1", &["A"]), id("2", &["B"]), false, false),
            (id("1", &["A"]), id("1", &["A"]), true, false),
        ] {
            assert_eq!((one.is_same(&other), one.contradicts(&other)), (same, contradicts), "{one} and {other}");
        }
    }

    #[test]
    fn a_bare_value_says_nothing_beside_one_with_its_authority() {
        let kept = telling(vec![id("7", &[]), id("7", &["CLINIC"]), id("8", &[]), id("7", &["HOSP"])]);
        assert_eq!(kept, [id("7", &["CLINIC"]), id("8", &[]), id("7", &["HOSP"])]);
    }

    fn name(family: &str, given: &str) -> PersonName {
        PersonName::new(family, given).expect("a name")
    }

    #[test]
    fn one_name_in_the_spellings_of_two_systems_is_one_and_another_name_is_another() {
        let one_person = [
            (("Doe", "Jane"), ("DOE", "JANE")),
            (("Müller", "Jörg"), ("Mueller", "Joerg")),
            (("Müller", "Jörg"), ("MULLER", "JORG")),
            (("Doe", "Jane"), ("Jane", "Doe")),
            (("Meyer-Schmidt", "Anna"), ("Meyer Schmidt", "Anna")),
            (("Meyer-Schmidt", "Anna"), ("Meyer", "Anna")),
            (("O'Brien", "Seán"), ("OBrien", "Sean")),
            (("Doe", "Jane"), ("Doe", "Jane Mary")),
            (("Doe", "J."), ("Doe", "Jane")),
            (("Doe", ""), ("Doe", "Jane")),
            (("Wałęsa", "Lech"), ("Walesa", "Lech")),
            (("Weiß", "Søren"), ("Weiss", "Soren")),
            (("Nguyễn", "Ánh"), ("Nguyen", "Anh")),
            (("山田", "花子"), ("山田", "花子")),
        ];
        let two_people = [
            (("Doe", "Jane"), ("Smith", "John")),
            (("Doe", "Jane"), ("Doe", "John")),
            (("Doe", "Jane"), ("Smith", "Jane")),
            (("Doe", "Jane"), ("Roe", "Jane")),
            (("Doe", "K."), ("Doe", "Jane")),
            (("Doe", "Jane Mary"), ("Doe", "Jane Ann")),
            (("J", ""), ("Doe", "Jane")),
            (("山田", "花子"), ("Yamada", "Hanako")),
        ];
        let pairs = one_person.iter().map(|pair| (pair, true)).chain(two_people.iter().map(|pair| (pair, false)));
        for ((one, other), same) in pairs {
            let (one, other) = (name(one.0, one.1), name(other.0, other.1));
            assert_eq!((one.is_same(&other), other.is_same(&one)), (same, same), "{one} and {other}");
        }
    }

    #[test]
    fn a_blank_is_no_identifier_and_no_name() {
        assert_eq!(PatientIdentifier::new(" \t", ["HOSP"]), None);
        assert_eq!(id("1", &[" ", ""]).authorities, [] as [&str; 0]);
        assert_eq!(id("1", &["A", "1.2"]).to_string(), "1 (A, 1.2)");
        assert_eq!(PersonName::new(" ", "\t"), None);
        assert_eq!(name("Doe", "").to_string(), "Doe");
        assert_eq!(name("Doe", "Jane").to_string(), "Doe, Jane");
    }
}
