//! Character sets of HL7 v2 messages, as MSH-18 names them (HL7 table 0211).
//!
//! In: bytes and the name of their set, or a text and the name of the wanted set. Out: the text, or the bytes. The tables
//! are those of `encoding_rs` (WHATWG Encoding Standard).
//!
//! METHOD: reading is liberal where nothing is lost by it. Bytes 0x80–0x9F of 8859/1 and 8859/9 are control characters that
//! no text holds; senders on Windows mean its own letters there, so they are read by Windows-1252 and Windows-1254. Writing
//! is strict: only what the named set holds is written. A sign of print that it lacks (dash, quotation mark, `≤`) is written
//! in plain signs. Any other character is refused, because a name must never be changed.
//!
//! Limits: a message has one set. Switching between sets inside a message (escapes `\C…\` and `\M…\`) is not read. UTF-16
//! and UTF-32 are not read, because HL7 segments end with a single byte.

use encoding_rs::{self as tables, Encoding};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A character set of table 0211.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CharacterSet {
    name: &'static str,
    coding: Coding,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Ascii,
    Utf8,
    /// One byte a character, with no letters in 0x80–0x9F.
    Iso8859(&'static Encoding),
    /// Several bytes a character, or letters everywhere.
    Other(&'static Encoding),
}

const fn iso(name: &'static str, table: &'static Encoding) -> CharacterSet {
    CharacterSet { name, coding: Coding::Iso8859(table) }
}

const fn other(name: &'static str, table: &'static Encoding) -> CharacterSet {
    CharacterSet { name, coding: Coding::Other(table) }
}

/// The sets that are read and written. The HL7 table has no `WINDOWS-1252`, but senders use the name and mean one set.
static SETS: &[CharacterSet] = &[
    CharacterSet { name: "ASCII", coding: Coding::Ascii },
    CharacterSet::UTF_8,
    iso("8859/1", tables::WINDOWS_1252),
    iso("8859/2", tables::ISO_8859_2),
    iso("8859/3", tables::ISO_8859_3),
    iso("8859/4", tables::ISO_8859_4),
    iso("8859/5", tables::ISO_8859_5),
    iso("8859/6", tables::ISO_8859_6),
    iso("8859/7", tables::ISO_8859_7),
    iso("8859/8", tables::ISO_8859_8),
    iso("8859/9", tables::WINDOWS_1254),
    iso("8859/15", tables::ISO_8859_15),
    other("GB 18030-2000", tables::GB18030),
    other("BIG-5", tables::BIG5),
    other("KS X 1001", tables::EUC_KR),
    other("WINDOWS-1252", tables::WINDOWS_1252),
];

/// Other spellings, folded as [`folded`] does.
const SPELLINGS: &[(&str, &str)] =
    &[("UTF8", "UNICODE UTF-8"), ("USASCII", "ASCII"), ("IR6", "ASCII"), ("CP1252", "WINDOWS-1252")];

/// Signs of print and what stands for them where a set lacks them. None of these is part of a name, none a delimiter.
const PLAIN: &[(&str, &str)] = &[
    ("–—‐‑−", "-"),
    ("’‘", "'"),
    ("“”„", "\""),
    ("…", "..."),
    ("≤", "<="),
    ("≥", ">="),
    ("×", "x"),
    ("±", "+/-"),
    ("µμ", "u"),
    ("·", "."),
    ("\u{a0}\u{202f}\u{2009}", " "),
    ("⁹", "*9"),
    ("⁶", "*6"),
    ("³", "*3"),
];

/// A name without case, spaces and the ways of writing `ISO 8859-1`.
fn folded(name: &str) -> String {
    let text: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    text.strip_prefix("ISO").map_or(text.clone(), str::to_owned)
}

impl CharacterSet {
    /// UTF-8.
    pub const UTF_8: Self = Self { name: "UNICODE UTF-8", coding: Coding::Utf8 };

    /// Names of the sets.
    pub fn names() -> String {
        SETS.iter().map(|set| set.name).collect::<Vec<_>>().join(", ")
    }

    /// The set of a name of table 0211, or of a usual spelling of one.
    pub fn from_name(name: &str) -> Option<Self> {
        let wanted = folded(name);
        let wanted = SPELLINGS.iter().find(|(own, _)| *own == wanted).map_or(wanted, |(_, name)| folded(name));
        SETS.iter().find(|set| folded(set.name) == wanted).copied()
    }

    /// Name of table 0211.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The text of bytes; `None` where they are no text of the set.
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        match self.coding {
            Coding::Ascii if !bytes.is_ascii() => None,
            Coding::Ascii | Coding::Utf8 => std::str::from_utf8(bytes).ok().map(str::to_owned),
            Coding::Iso8859(table) | Coding::Other(table) => {
                table.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
            }
        }
    }

    /// The bytes of a text.
    ///
    /// # Errors
    /// The first character that the set does not hold and for which no plain signs stand.
    pub fn encode(self, text: &str) -> Result<Vec<u8>, char> {
        let mut bytes = Vec::with_capacity(text.len());
        for character in text.chars() {
            let mut buffer = [0; 4];
            match self.bytes_of(character.encode_utf8(&mut buffer)) {
                Some(own) => bytes.extend(own),
                None => {
                    let plain = PLAIN.iter().find(|(signs, _)| signs.contains(character)).ok_or(character)?;
                    bytes.extend(plain.1.as_bytes());
                }
            }
        }
        Ok(bytes)
    }

    /// The bytes of one character, where the set holds it.
    fn bytes_of(self, character: &str) -> Option<Vec<u8>> {
        if character.is_ascii() || self.coding == Coding::Utf8 {
            return Some(character.as_bytes().to_vec());
        }
        let (Coding::Iso8859(table) | Coding::Other(table)) = self.coding else { return None };
        let (bytes, _, unmappable) = table.encode(character);
        let no_letter = |byte: &u8| matches!(self.coding, Coding::Iso8859(_)) && (0x80..=0x9f).contains(byte);
        (!unmappable && !bytes.iter().any(no_letter)).then(|| bytes.into_owned())
    }
}

impl Serialize for CharacterSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl<'de> Deserialize<'de> for CharacterSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let unknown = || format!("expected a character set ({}), found `{name}`; name one of these", Self::names());
        Self::from_name(&name).ok_or_else(|| D::Error::custom(unknown()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str) -> CharacterSet {
        CharacterSet::from_name(name).unwrap_or_else(|| panic!("{name}"))
    }

    #[test]
    fn names_and_their_spellings_are_known_and_others_are_not() {
        for (written, name) in [
            ("8859/1", "8859/1"),
            ("ISO-8859-1", "8859/1"),
            ("iso8859/15", "8859/15"),
            ("UNICODE UTF-8", "UNICODE UTF-8"),
            ("utf-8", "UNICODE UTF-8"),
            ("ISO IR6", "ASCII"),
            ("US-ASCII", "ASCII"),
            ("GB 18030-2000", "GB 18030-2000"),
        ] {
            assert_eq!(set(written).name(), name, "{written}");
        }
        for unknown in ["", "LATIN9000", "8859/11", "UNICODE", "UNICODE UTF-16", "ISO IR87", "é"] {
            assert_eq!(CharacterSet::from_name(unknown), None, "{unknown}");
        }
        assert!(serde_json::from_str::<CharacterSet>("\"LATIN9000\"").is_err_and(|error| {
            error.to_string().contains("8859/15") && error.to_string().contains("found `LATIN9000`")
        }));
    }

    #[test]
    fn a_name_has_the_bytes_of_its_set() {
        assert_eq!(set("8859/1").encode("Müller"), Ok(b"M\xfcller".to_vec()));
        assert_eq!(set("8859/15").encode("5 €"), Ok(b"5 \xa4".to_vec()));
        assert_eq!(set("8859/2").encode("Wałęsa"), Ok(b"Wa\xb3\xeasa".to_vec()));
        assert_eq!(set("8859/5").encode("Иван"), Ok(b"\xb8\xd2\xd0\xdd".to_vec()));
        assert_eq!(set("UTF-8").encode("Müller"), Ok("Müller".as_bytes().to_vec()));
        for name in ["8859/1", "8859/2", "8859/9", "8859/15", "UNICODE UTF-8", "WINDOWS-1252", "GB 18030-2000"] {
            let bytes = set(name).encode("Müller, Jörg").expect("letters of the set");
            assert_eq!(set(name).decode(&bytes).as_deref(), Some("Müller, Jörg"), "{name}");
        }
    }

    #[test]
    fn what_a_set_lacks_is_refused_or_written_in_plain_signs() {
        assert_eq!(set("8859/1").encode("Wałęsa"), Err('ł'));
        assert_eq!(set("ASCII").encode("Müller"), Err('ü'));
        // Windows has letters there, 8859/1 has none.
        assert_eq!(set("8859/1").encode("Šimek"), Err('Š'));
        assert_eq!(set("8859/9").encode("5 €"), Err('€'));
        assert_eq!(set("8859/1").encode("2.25–4.16 %, ≤ 1"), Ok(b"2.25-4.16 %, <= 1".to_vec()));
        assert_eq!(set("ASCII").encode("10⁹/L, µm"), Ok(b"10*9/L, um".to_vec()));
    }

    #[test]
    fn bytes_that_are_no_text_of_the_set_are_refused() {
        assert_eq!(set("ASCII").decode(b"M\xfcller"), None);
        assert_eq!(set("UTF-8").decode(b"M\xfcller"), None);
        assert_eq!(set("8859/1").decode(b"M\xfcller").as_deref(), Some("Müller"));
        assert_eq!(set("8859/1").decode(b"\x8aimek").as_deref(), Some("Šimek"));
        assert_eq!(set("8859/15").decode(b"5 \xa4").as_deref(), Some("5 €"));
        assert_eq!(set("GB 18030-2000").decode(b"\xff\xff"), None);
    }
}
