//! The structure of HL7 v2 messages. The readers of panels and of orders use it.
//!
//! In: bytes with CR, LF or CRLF between segments, with or without MLLP framing or a byte order mark, in the character set
//! that MSH-18 names; MSH-2 with four encoding characters or, from version 2.7 on, five. Out: segments whose fields are read
//! by their HL7 number, with escapes decoded.
//!
//! Source: HL7 v2.5.1 chapter 2; v2.7 for the truncation character. `hl7-parser` takes the structure apart. Escapes are
//! decoded here, because the decoding of that crate slices text by characters as if they were bytes.
//!
//! Limits: one message in one character set. Without MSH-18 the bytes must be UTF-8, unless configuration names another set.

use hl7_parser::Message;
use hl7_parser::message::{Segment, Separators};

use super::character_set::CharacterSet;
use super::error::{PanelProblem, found_text};
use super::patient::{PatientIdentifier, PersonName};
use crate::time::Moment;

/// Framing of MLLP and white space around a message.
const FRAMING: [char; 6] = ['\u{b}', '\u{1c}', '\r', '\n', ' ', '\t'];

/// A time as a message writes it, for errors.
pub const HL7_TIME: &str = "20250102083000+0100";

/// MSH-18 as a number.
const CHARACTER_SET_FIELD: usize = 18;

/// Bytes behind a byte order mark and framing.
fn unframed(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = bytes.iter().position(|byte| !FRAMING.contains(&char::from(*byte))).unwrap_or(bytes.len());
    &bytes[start..]
}

/// Whether bytes begin as a message does.
pub fn is_message(bytes: &[u8]) -> bool {
    unframed(bytes).starts_with(b"MSH")
}

/// A message as text; CR ends each segment.
#[derive(Debug)]
pub struct MessageText {
    text: String,
    truncation: Option<char>,
}

/// What MSH-18 says. Every set writes these letters as ASCII does.
fn named_set(bytes: &[u8]) -> String {
    let header = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let Some(separator) = header.get(3) else { return String::new() };
    // MSH-1 is the separator itself: the part behind the n-th separator is MSH-(n+1).
    let field = header.split(|byte| byte == separator).nth(CHARACTER_SET_FIELD - 1).unwrap_or_default();
    String::from_utf8_lossy(field).trim().to_owned()
}

fn decoded_bytes(bytes: &[u8], unnamed: Option<CharacterSet>) -> Result<String, PanelProblem> {
    let named = named_set(bytes);
    let mut names = named.split('~').map(str::trim).filter(|name| !name.is_empty());
    let (first, more) = (names.next(), names.next());
    let set = match first {
        Some(name) => CharacterSet::from_name(name)
            .filter(|_| more.is_none())
            .ok_or_else(|| PanelProblem::CharacterSet { found: found_text(&named), accepted: CharacterSet::names() })?,
        None => unnamed.unwrap_or(CharacterSet::UTF_8),
    };
    set.decode(bytes).ok_or_else(|| match (first, unnamed) {
        (None, None) => PanelProblem::UnnamedSet {
            position: std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), |_| 0),
        },
        _ => PanelProblem::OtherSet { named: set.name() },
    })
}

impl MessageText {
    /// The text of a message; `unnamed` is the set of one whose MSH-18 names none.
    ///
    /// # Errors
    /// [`PanelProblem::CharacterSet`], [`PanelProblem::UnnamedSet`] or [`PanelProblem::OtherSet`].
    pub fn read(bytes: &[u8], unnamed: Option<CharacterSet>) -> Result<Self, PanelProblem> {
        let text = decoded_bytes(unframed(bytes), unnamed)?;
        let lines: Vec<&str> = text.trim_matches(FRAMING).split(['\r', '\n']).filter(|line| !line.is_empty()).collect();
        let mut text = lines.join("\r");
        let mut truncation = None;
        // The parser knows the four characters of older versions; the fifth changes nothing but `\P\`.
        if let Some(separator) = text.chars().nth(3) {
            let encoding: Vec<(usize, char)> =
                text.char_indices().skip(4).take_while(|(_, c)| *c != separator).take(6).collect();
            if let [_, _, _, _, (at, fifth)] = encoding[..] {
                truncation = Some(fifth);
                text.remove(at);
            }
        }
        Ok(Self { text, truncation })
    }

    /// The segments.
    ///
    /// # Errors
    /// [`PanelProblem::Message`] where it is not one message, of the kind `kind` in the words of `expected`.
    pub fn segments(&self, kind: &str, expected: &'static str) -> Result<Segments<'_>, PanelProblem> {
        let structure = |expected, found: String| PanelProblem::Message { expected, found };
        let message = Message::parse(&self.text).map_err(|error| structure("an HL7 v2 message", error.to_string()))?;
        let read_to = message.raw_value().len();
        if read_to < self.text.len() {
            let found: String = self.text[read_to..].trim_start_matches('\r').chars().take(20).collect();
            return Err(structure("segments of a name and fields", format!("`{found}`")));
        }
        let segments = Segments { message, truncation: self.truncation };
        let headers: Vec<(String, String)> =
            segments.of("MSH").map(|header| (header.component(9, 1), header.text(9))).collect();
        match &headers[..] {
            [(own, _)] if own == kind => Ok(segments),
            [(_, found)] => Err(structure(expected, format!("`{}`", found_text(found)))),
            _ => Err(structure("one message", format!("{} MSH segments", headers.len()))),
        }
    }
}

/// The segments of a message.
#[derive(Debug)]
pub struct Segments<'m> {
    message: Message<'m>,
    truncation: Option<char>,
}

impl<'m> Segments<'m> {
    /// Every segment in its order.
    pub fn all(&self) -> impl Iterator<Item = Fields<'_, 'm>> {
        let (separators, truncation) = (self.message.separators, self.truncation);
        self.message.segments().map(move |segment| Fields { separators, truncation, segment })
    }

    /// The segments of a name.
    pub fn of<'s>(&'s self, name: &'static str) -> impl Iterator<Item = Fields<'s, 'm>> + 's {
        self.all().filter(move |fields| fields.name() == name)
    }
}

/// The fields of a segment by their HL7 numbers: the components of the first repeat, escapes decoded.
#[derive(Debug)]
pub struct Fields<'s, 'm> {
    separators: Separators,
    truncation: Option<char>,
    segment: &'s Segment<'m>,
}

impl Fields<'_, '_> {
    /// Name of the segment.
    pub fn name(&self) -> &str {
        self.segment.name
    }

    fn decoded(&self, raw: &str) -> String {
        let text = decoded(raw, &self.separators, self.truncation);
        if text == "\"\"" { String::new() } else { text.trim().to_owned() }
    }

    fn repeats(&self, number: usize) -> impl Iterator<Item = &str> {
        self.segment.field(number).into_iter().flat_map(|field| field.repeats()).map(|repeat| repeat.raw_value())
    }

    fn component_of<'r>(&self, repeat: &'r str, component: usize) -> &'r str {
        repeat.split(self.separators.component).nth(component - 1).unwrap_or_default()
    }

    fn first_subcomponent<'r>(&self, component: &'r str) -> &'r str {
        component.split(self.separators.subcomponent).next().unwrap_or_default()
    }

    fn raw_component(&self, number: usize, component: usize) -> &str {
        self.component_of(self.repeats(number).next().unwrap_or_default(), component)
    }

    /// A component, decoded; empty where it is not there or is the HL7 null `""`.
    pub fn component(&self, number: usize, component: usize) -> String {
        self.decoded(self.raw_component(number, component))
    }

    /// The first subcomponent of a component.
    pub fn first_part(&self, number: usize, component: usize) -> String {
        self.decoded(self.first_subcomponent(self.raw_component(number, component)))
    }

    /// The whole field, decoded; each repeat is a line.
    pub fn text(&self, number: usize) -> String {
        let lines: Vec<String> =
            self.repeats(number).map(|repeat| decoded(repeat, &self.separators, self.truncation)).collect();
        let text = lines.join("\n");
        if text == "\"\"" { String::new() } else { text.trim().to_owned() }
    }

    /// The unit of a field of type CE. A power that was written with the component separator (`10^9/L`) is joined again.
    pub fn unit(&self, number: usize) -> String {
        let (base, exponent) = (self.component(number, 1), self.component(number, 2));
        let is_base = matches!(base.to_ascii_lowercase().as_str(), "10" | "x10" | "x 10" | "*10" | "1" | "1 x10");
        let digits = exponent.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_exponent = digits.len() < exponent.len() && digits.trim_start().starts_with('/');
        if is_base && is_exponent { format!("{base}^{exponent}") } else { base }
    }

    /// The identifiers of a field of type CX, one for each repeat, with the type of each. CX.4 gives the authority by name
    /// and OID.
    pub fn identifiers(&self, number: usize) -> Vec<(PatientIdentifier, String)> {
        let identifier = |repeat: &str| {
            let authority = self.component_of(repeat, 4).split(self.separators.subcomponent).take(2);
            let names: Vec<String> = authority.map(|name| self.decoded(name)).collect();
            let value = self.decoded(self.component_of(repeat, 1));
            let identifier = PatientIdentifier::new(&value, names.iter().map(String::as_str))?;
            Some((identifier, self.decoded(self.component_of(repeat, 5))))
        };
        self.repeats(number).filter_map(identifier).collect()
    }

    /// The names of a field of type XPN, one for each repeat: family name without its prefixes, given and further names.
    pub fn names(&self, number: usize) -> Vec<PersonName> {
        let name = |repeat: &str| {
            let family = self.first_subcomponent(self.component_of(repeat, 1));
            let given = [2, 3].map(|component| self.decoded(self.component_of(repeat, component)));
            PersonName::new(&self.decoded(family), given.join(" ").trim())
        };
        self.repeats(number).filter_map(name).collect()
    }

    /// Whether a field has several repeats.
    pub fn has_repeats(&self, number: usize) -> bool {
        self.segment.field(number).is_some_and(|field| field.has_repeats())
    }

    /// A time.
    ///
    /// # Errors
    /// [`PanelProblem::BadTime`] where the field holds another text.
    pub fn moment(&self, number: usize) -> Result<Option<Moment>, PanelProblem> {
        let text = self.component(number, 1);
        if text.is_empty() {
            return Ok(None);
        }
        Moment::from_hl7(&text).map(Some).ok_or_else(|| PanelProblem::bad_time(HL7_TIME, &text))
    }
}

/// Text with its escapes decoded. Formatting is left out. A character of another set becomes the replacement character.
fn decoded(raw: &str, separators: &Separators, truncation: Option<char>) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, behind)) = rest.split_once(separators.escape) {
        text.push_str(before);
        let Some((escape, after)) = behind.split_once(separators.escape) else {
            text.push_str(behind);
            return text;
        };
        match escape {
            "F" => text.push(separators.field),
            "S" => text.push(separators.component),
            "T" => text.push(separators.subcomponent),
            "R" => text.push(separators.repetition),
            "E" => text.push(separators.escape),
            "P" => text.extend(truncation),
            ".br" => text.push('\n'),
            switched if switched.starts_with(['C', 'M']) => text.push(char::REPLACEMENT_CHARACTER),
            _ => {}
        }
        rest = after;
    }
    text.push_str(rest);
    text
}
