//! HL7 v2 ORU^R01: the results of one patient in one message.
//!
//! In: a message with CR, LF or CRLF between segments, with or without MLLP framing. Of each OBX: OBX-2 value type (NM, SN,
//! ST, TX, FT, CE, CWE, IS, ID), OBX-3 code as first or alternate triplet (LOINC as `LN`, own codes as `99TMA`, local
//! codes by configuration), OBX-5 value, OBX-6 unit, OBX-7 reference range, OBX-11 status, OBX-14 or else OBR-7 time. Of
//! PID: every repeat of PID-3 (CX.1 with CX.4), PID-7 and PID-8, the age at the first OBR-7. Out: results, context, and
//! what was left aside with its reason.
//!
//! Source: HL7 v2.5.1 chapter 7 in its own terms. The structure is taken apart by `hl7-parser`; escapes are decoded here,
//! because that crate's own decoding slices text by characters as if they were bytes.
//!
//! Limits: one message a file. A status of X, D, N, W or I gives no result. A range or titer in SN is refused.

use hl7_parser::Message;
use hl7_parser::message::{Segment, Separators};

use super::{
    CodeSystem, OWN_HL7_SYSTEM, RawPanel, RawReference, RawResult, RawValue, bad_value, d_dimer_kind_of_loinc, meaning,
    value_of_text,
};
use crate::clinical::analyte::{Analyte, CodedValue};
use crate::clinical::context::Sex;
use crate::clinical::context_code::{ContextField, ContextValue};
use crate::clinical::error::{Fault, PanelProblem};
use crate::clinical::moment::Moment;
use crate::clinical::number;
use crate::clinical::options::{Meaning, PanelOptions};
use crate::clinical::patient_identifier::PatientIdentifier;
use crate::clinical::result::{Comparator, ResultStatus};

/// Framing of MLLP and white space around a message.
const FRAMING: [char; 6] = ['\u{b}', '\u{1c}', '\r', '\n', ' ', '\t'];

/// Whether the text begins as a message does.
pub(super) fn is_message(text: &str) -> bool {
    text.trim_matches(FRAMING).starts_with("MSH")
}

/// A field of a segment by its HL7 number: the components of its first repeat, escapes decoded.
struct Reader<'m> {
    separators: Separators,
    segment: &'m Segment<'m>,
}

impl Reader<'_> {
    fn raw(&self, number: usize) -> &str {
        let repeat = self.segment.field(number).and_then(|field| field.repeat(1));
        repeat.map(|repeat| repeat.raw_value()).unwrap_or_default()
    }

    /// A component, decoded; empty where it is not there or is the HL7 null `""`.
    fn component(&self, number: usize, component: usize) -> String {
        let raw = self.raw(number).split(self.separators.component).nth(component - 1).unwrap_or_default();
        let text = decoded(raw, &self.separators);
        if text == "\"\"" { String::new() } else { text.trim().to_owned() }
    }

    /// The whole field, decoded; its repeats are lines.
    fn text(&self, number: usize) -> String {
        let repeats = self.segment.field(number).into_iter().flat_map(|field| field.repeats());
        let lines: Vec<String> = repeats.map(|repeat| decoded(repeat.raw_value(), &self.separators)).collect();
        let text = lines.join("\n");
        if text == "\"\"" { String::new() } else { text.trim().to_owned() }
    }

    /// The identifiers of a field of type CX, one for each repeat; the authority is CX.4 with its name and its OID.
    fn identifiers(&self, number: usize) -> Vec<PatientIdentifier> {
        let repeats = self.segment.field(number).into_iter().flat_map(|field| field.repeats());
        let text = |raw: &str| Some(decoded(raw, &self.separators)).filter(|text| text != "\"\"").unwrap_or_default();
        let identifier = |raw: &str| {
            let mut components = raw.split(self.separators.component);
            let value = text(components.next().unwrap_or_default());
            let authority = components.nth(2).unwrap_or_default();
            let names: Vec<String> = authority.split(self.separators.subcomponent).take(2).map(text).collect();
            PatientIdentifier::new(&value, names.iter().map(String::as_str))
        };
        repeats.filter_map(|repeat| identifier(repeat.raw_value())).collect()
    }

    fn has_repeats(&self, number: usize) -> bool {
        self.segment.field(number).is_some_and(|field| field.has_repeats())
    }

    fn moment(&self, number: usize) -> Result<Option<Moment>, PanelProblem> {
        let text = self.component(number, 1);
        if text.is_empty() {
            return Ok(None);
        }
        let found = || text.chars().take(40).collect();
        Moment::from_hl7(&text)
            .map(Some)
            .ok_or_else(|| PanelProblem::BadTime { expected: "20250102083000+0100", found: found() })
    }
}

/// Text with its escapes decoded; an escape that is not known is left out, as formatting is.
fn decoded(raw: &str, separators: &Separators) -> String {
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
            ".br" => text.push('\n'),
            _ => {}
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// Reads a message.
pub(super) fn read(text: &str, options: &PanelOptions) -> Result<RawPanel, Fault> {
    let lines: Vec<&str> = text.trim_matches(FRAMING).split(['\r', '\n']).filter(|line| !line.is_empty()).collect();
    let text = lines.join("\r");
    let structure = |expected, found: String| PanelProblem::Message { expected, found };
    let message = Message::parse(&text).map_err(|error| structure("an HL7 v2 message", error.to_string()))?;
    let read_to = message.raw_value().len();
    if read_to < text.len() {
        let found = text[read_to..].trim_start_matches('\r').chars().take(20).collect();
        return Err(structure("segments of a name and fields", format!("`{}`", found_text(found))).into());
    }
    let of = |name: &str| message.segments().filter(|segment| segment.name == name).count();
    if of("MSH") > 1 {
        return Err(structure("one message", format!("{} MSH segments", of("MSH"))).into());
    }
    if of("PID") > 1 {
        return Err(PanelProblem::ManyPatients { found: of("PID") }.into());
    }
    let mut raw = RawPanel::default();
    let (mut observed_at, mut first_observed_at, mut birth) = (None, None, None);
    let mut observations = 0;
    for segment in message.segments() {
        let fields = Reader { separators: message.separators, segment };
        match segment.name {
            "MSH" if fields.component(9, 1) != "ORU" => {
                let found = format!("`{}`", found_text(fields.text(9)));
                return Err(Fault::at("MSH-9", structure("an ORU^R01 message", found)));
            }
            "PID" => {
                raw.patient = fields.identifiers(3);
                birth = Moment::from_hl7(&fields.component(7, 1));
                raw.context.sex = match fields.component(8, 1).as_str() {
                    "F" => Some(Sex::Female),
                    "M" => Some(Sex::Male),
                    _ => None,
                };
            }
            "OBR" => {
                observed_at = fields.moment(7).map_err(|problem| Fault::at("OBR-7", problem))?;
                first_observed_at = first_observed_at.or(observed_at);
            }
            "OBX" => {
                observations += 1;
                let at = format!("OBX[{observations}]");
                observation(&fields, &at, observed_at, &mut raw, options).map_err(|problem| Fault::at(&at, problem))?;
            }
            _ => {}
        }
    }
    if let (None, Some(birth), Some(at)) = (raw.context.age_years, birth, first_observed_at) {
        raw.context.age_years = at.completed_years_since(&birth);
    }
    Ok(raw)
}

/// Text for a message: no more than it needs.
fn found_text(text: String) -> String {
    text.chars().take(40).collect()
}

/// One OBX.
fn observation(
    fields: &Reader<'_>,
    at: &str,
    observed_at: Option<Moment>,
    raw: &mut RawPanel,
    options: &PanelOptions,
) -> Result<(), PanelProblem> {
    let triplet = |first: usize| {
        let system = fields.component(3, first + 2);
        let known = match system.as_str() {
            "LN" => CodeSystem::Loinc,
            OWN_HL7_SYSTEM => CodeSystem::Own,
            _ => CodeSystem::Other,
        };
        (fields.component(3, first), fields.component(3, first + 1), system, known)
    };
    let (code, name, system, _) = triplet(1);
    let shown = if system.is_empty() { code.clone() } else { format!("{code} ({system})") };
    let found = [triplet(1), triplet(4)]
        .into_iter()
        .find_map(|(code, _, _, system)| meaning(&code, system, options).map(|meaning| (meaning, code)));
    let Some((meaning, known_code)) = found else {
        raw.ignore(&shown, Some(&name), "not on the list of analytes");
        return Ok(());
    };
    let status = match fields.component(11, 1).as_str() {
        "F" | "U" => ResultStatus::Final,
        "C" => ResultStatus::Corrected,
        // METHOD: without a status nothing says that a result is final.
        "P" | "R" | "S" | "" => ResultStatus::Preliminary,
        other => {
            raw.ignore(&shown, Some(&name), format!("result status {}", found_text(other.to_owned())));
            return Ok(());
        }
    };
    if fields.text(5).is_empty() {
        raw.ignore(&shown, Some(&name), "no value");
        return Ok(());
    }
    match meaning {
        Meaning::Context(field) => context(field, fields, raw),
        Meaning::Analyte(analyte) => {
            let value = value(analyte, fields)?;
            let reference = match fields.text(7) {
                text if text.is_empty() => RawReference::Absent,
                text => match number::interval(&text) {
                    Some((low, high)) => RawReference::Limits { low, high, source: None },
                    None => {
                        if matches!(value, RawValue::Number(..)) {
                            let reason = format!("reference range `{}` could not be read", found_text(text));
                            raw.ignore(&shown, Some(&name), reason);
                        }
                        RawReference::Unreadable
                    }
                },
            };
            raw.results.push(RawResult {
                at: at.to_owned(),
                analyte,
                value,
                unit: Some(fields.component(6, 1)),
                stated_kind: d_dimer_kind_of_loinc(&known_code),
                reference,
                collected_at: fields.moment(14)?.or(observed_at),
                before_plasma: None,
                status,
            });
            Ok(())
        }
    }
}

/// The value of OBX-5 by the type of OBX-2.
fn value(analyte: Analyte, fields: &Reader<'_>) -> Result<RawValue, PanelProblem> {
    let whole = fields.text(5);
    if fields.has_repeats(5) {
        return Err(bad_value(analyte, &format!("several values {whole}")));
    }
    match fields.component(2, 1).as_str() {
        "NM" => {
            let number = number::plain(&whole).ok_or_else(|| bad_value(analyte, &whole))?;
            Ok(RawValue::Number(None, number))
        }
        "SN" => {
            let (sign, first, separator) = (fields.component(5, 1), fields.component(5, 2), fields.component(5, 3));
            let comparator = match sign.as_str() {
                "" | "=" => None,
                sign => Some(Comparator::from_sign(sign).ok_or_else(|| bad_value(analyte, &whole))?),
            };
            let number = number::plain(&first).filter(|_| separator.is_empty());
            Ok(RawValue::Number(comparator, number.ok_or_else(|| bad_value(analyte, &whole))?))
        }
        "CE" | "CWE" | "CNE" => {
            let words = [fields.component(5, 1), fields.component(5, 2)];
            let coded = words.iter().find_map(|word| CodedValue::from_word(word));
            coded.map(RawValue::Coded).ok_or_else(|| bad_value(analyte, &whole))
        }
        "ST" | "TX" | "FT" | "IS" | "ID" => value_of_text(analyte, &whole),
        other => Err(bad_value(analyte, &format!("{whole} of type {other}"))),
    }
}

/// A field of the context.
fn context(field: ContextField, fields: &Reader<'_>, raw: &mut RawPanel) -> Result<(), PanelProblem> {
    let coded = matches!(fields.component(2, 1).as_str(), "CE" | "CWE" | "CNE");
    let value = ContextValue {
        word: Some(if coded { fields.component(5, 1) } else { fields.text(5) }),
        text: coded.then(|| fields.component(5, 2)),
        date: fields.moment(14)?.map(|moment| moment.day()),
    };
    field.set(&mut raw.context, &mut raw.before_plasma, &value)
}
