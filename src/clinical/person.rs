//! Who a panel says that its patient is: names, day of birth, sex, specimens; to be compared with an order.
//!
//! In: PID and SPM of a message, Patient and Specimen of a Bundle, `patient` and `specimens` of a panel file. Out: a
//! [`Person`]. It is compared and never kept: no report holds it.
//!
//! METHOD: names are compared as sets of words, because systems differ in how they write one name. Case, diacritics,
//! apostrophes and punctuation do not count; hyphens part words; family and given names may stand in either order; an umlaut
//! is the same written with e (`Müller`, `Mueller`, `Muller`). Two names are one person's where every word of the shorter one
//! is a word of the other, an initial standing for a word (`Doe, J` and `Doe, Jane Mary`). Of a married name beside a maiden
//! name no word of the family name is the same: that is another name, and a person must look at it.
//!
//! Limits: a name in two scripts is two names unless one side gives both.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonName {
    /// Family name.
    pub family: String,
    /// Given names.
    pub given: String,
}

/// Whose panel it is, as far as the panel says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Names, each as often as it is given in another form.
    pub names: Vec<PersonName>,
    /// Day of birth, `YYYY-MM-DD`; none where no full day is given.
    pub birth_date: Option<String>,
    /// Specimen numbers.
    pub specimens: Vec<String>,
}

/// What becomes of a panel whose patient has the order's identifier and another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherName {
    /// It is refused.
    #[default]
    Refuse,
    /// It is used and the report says so first, where the identifier is the same; for laboratories whose systems keep a
    /// former name.
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

impl std::fmt::Display for PersonName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.family.as_str(), self.given.as_str()) {
            (name, "") | ("", name) => f.write_str(name),
            (family, given) => write!(f, "{family}, {given}"),
        }
    }
}

fn is_initial(word: &str) -> bool {
    word.chars().count() == 1 && word.chars().all(char::is_alphabetic)
}

/// Lower case without diacritics and apostrophes, and with the letters that do not come apart written out.
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
    // An umlaut lost its dots above; written out it loses its e here.
    folded.replace("ae", "a").replace("oe", "o").replace("ue", "u")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(family: &str, given: &str) -> PersonName {
        PersonName::new(family, given).expect("a name")
    }

    #[test]
    fn one_name_in_the_spellings_of_two_systems_is_one() {
        for (one, other) in [
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
        ] {
            let (one, other) = (name(one.0, one.1), name(other.0, other.1));
            assert!(one.is_same(&other) && other.is_same(&one), "{one} and {other}");
        }
    }

    #[test]
    fn another_name_is_another() {
        for (one, other) in [
            (("Doe", "Jane"), ("Smith", "John")),
            (("Doe", "Jane"), ("Doe", "John")),
            (("Doe", "Jane"), ("Smith", "Jane")),
            (("Doe", "Jane"), ("Roe", "Jane")),
            (("Doe", "K."), ("Doe", "Jane")),
            (("Doe", "Jane Mary"), ("Doe", "Jane Ann")),
            (("J", ""), ("Doe", "Jane")),
            (("山田", "花子"), ("Yamada", "Hanako")),
        ] {
            let (one, other) = (name(one.0, one.1), name(other.0, other.1));
            assert!(!one.is_same(&other) && !other.is_same(&one), "{one} and {other}");
        }
    }

    #[test]
    fn a_blank_is_no_name() {
        assert_eq!(PersonName::new(" ", "\t"), None);
        assert_eq!(name("Doe", "").to_string(), "Doe");
        assert_eq!(name("Doe", "Jane").to_string(), "Doe, Jane");
    }
}
