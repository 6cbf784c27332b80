//! HL7 v2 ORU^R01: the results of one patient in one message.
//!
//! In: a message, see [`crate::clinical::hl7`]. Of each OBX: OBX-2 value type (NM, SN, ST, TX, FT, CE, CWE, IS, ID), OBX-3
//! code as first or alternate triplet (LOINC as `LN`, own codes as `99TMA`, local codes by configuration), OBX-5 value,
//! OBX-6 unit, OBX-7 reference range, OBX-11 status, OBX-14 or else OBR-7 time. Of PID: every repeat of PID-3 (CX.1 with
//! CX.4) and PID-5, PID-7 and PID-8, the age at the first OBR-7. Of DG1: an ICD-10 code in DG1-3. Of SPM: both numbers of
//! SPM-2. Out: results, context, and what was left aside with its reason.
//!
//! Source: HL7 v2.5.1 chapter 7 in its own terms.
//!
//! METHOD: an NM value with a comparator (`>1000`) is no NM by the standard, and yet means one thing: it is read as a bound,
//! as SN would send it. A decimal comma is not read, because `1,234` means two things.
//!
//! Limits: one message a file. A status of X, D, N, W or I gives no result. A range or titer in SN is left aside, and so is
//! every drug, procedure and allergy of a message (RXA, RXD, RXE, RXG, RXO, PR1, AL1, IAM, PRB), by name.

use super::diagnosis::{self, CodedDiagnosis};
use super::{
    CodeSystem, OWN_HL7_SYSTEM, Origin, RawPanel, RawReference, RawResult, RawValue, bad_value, d_dimer_kind_of_loinc,
    meaning, value_of_text,
};
use crate::clinical::analyte::{Analyte, CodedValue};
use crate::clinical::context::Sex;
use crate::clinical::context_code::{ContextField, ContextValue};
use crate::clinical::error::{Fault, PanelProblem};
use crate::clinical::hl7::{Fields, MessageText, bad_time, found_text};
use crate::clinical::number;
use crate::clinical::options::{Meaning, PanelOptions};
use crate::clinical::result::{Comparator, ResultStatus};
use crate::time::Moment;

/// Segments that say something of the patient and are not read, with the field that names it.
const LEFT_ASIDE: &[(&str, usize)] =
    &[("RXA", 5), ("RXD", 2), ("RXE", 2), ("RXG", 4), ("RXO", 1), ("PR1", 3), ("AL1", 3), ("IAM", 3), ("PRB", 3)];

/// The time of the results under an OBR.
#[derive(Debug, Clone, Default)]
enum Observed {
    /// None is given.
    #[default]
    Unknown,
    At(Moment),
    /// Something is given that is no time.
    Unreadable(String),
}

impl Observed {
    fn of(fields: &Fields<'_, '_>) -> Self {
        match fields.moment(7) {
            Ok(None) => Self::Unknown,
            Ok(Some(at)) => Self::At(at),
            Err(_) => Self::Unreadable(fields.component(7, 1)),
        }
    }

    fn moment(&self) -> Result<Option<Moment>, PanelProblem> {
        match self {
            Self::Unknown => Ok(None),
            Self::At(at) => Ok(Some(*at)),
            Self::Unreadable(found) => Err(bad_time(found)),
        }
    }
}

/// Reads a message.
pub(super) fn read(bytes: &[u8], options: &PanelOptions) -> Result<RawPanel, Fault> {
    let message = MessageText::read(bytes, options.hl7_character_set)?;
    let segments = message.segments("ORU", "an ORU^R01 message in MSH-9")?;
    let patients = segments.of("PID").count();
    if patients > 1 {
        return Err(PanelProblem::ManyPatients { found: patients }.into());
    }
    let mut raw = RawPanel::default();
    let (mut observed, mut first_observed, mut birth) = (Observed::Unknown, None, None);
    let (mut observations, mut diagnoses) = (0, Vec::new());
    for fields in segments.all() {
        match fields.name() {
            "PID" => {
                raw.patient = fields.identifiers(3).into_iter().map(|(identifier, _)| identifier).collect();
                raw.person.names = fields.names(5);
                birth = Moment::from_hl7(&fields.component(7, 1));
                raw.person.birth_date = birth.map(|birth| birth.day());
                raw.context.sex = match fields.component(8, 1).as_str() {
                    "F" => Some(Sex::Female),
                    "M" => Some(Sex::Male),
                    _ => None,
                };
            }
            "OBR" => {
                observed = Observed::of(&fields);
                if let Observed::At(at) = observed {
                    first_observed = first_observed.or(Some(at));
                }
            }
            "OBX" => {
                observations += 1;
                let origin = origin(&fields, format!("OBX[{observations}]"), 3);
                if let Err(problem) = observation(&fields, &origin, &observed, &mut raw, options) {
                    raw.doubt(&origin, &problem);
                }
            }
            "DG1" => diagnosed(&fields, &mut diagnoses, &mut raw),
            "SPM" => {
                let numbers = [fields.first_part(2, 1), fields.first_part(2, 2)];
                raw.person.specimens.extend(numbers.into_iter().filter(|number| !number.is_empty()));
            }
            name => {
                if let Some((_, number)) = LEFT_ASIDE.iter().find(|(aside, _)| *aside == name) {
                    let origin = origin(&fields, name.to_owned(), *number);
                    let code = format!("{name} {}", origin.code);
                    raw.ignore(code.trim_end(), Some(&origin.name), "segments of this kind are not read");
                }
            }
        }
    }
    diagnosis::apply(diagnoses, &mut raw);
    if let (None, Some(birth), Some(at)) = (raw.context.age_years, birth, first_observed) {
        raw.context.age_years = at.completed_years_since(&birth);
    }
    Ok(raw)
}

/// Code and name of a field of type CE.
fn origin(fields: &Fields<'_, '_>, at: String, number: usize) -> Origin {
    let (code, name, system) = (fields.component(number, 1), fields.component(number, 2), fields.component(number, 3));
    Origin { at, code: if system.is_empty() { code } else { format!("{code} ({system})") }, name }
}

/// One DG1.
fn diagnosed(fields: &Fields<'_, '_>, diagnoses: &mut Vec<CodedDiagnosis>, raw: &mut RawPanel) {
    let shown = origin(fields, "DG1".to_owned(), 3);
    let described = fields.text(4);
    let text = if shown.name.is_empty() { found_text(&described) } else { shown.name };
    let coded = [1, 4].into_iter().find(|first| diagnosis::is_icd10(&fields.component(3, first + 2)));
    match coded {
        Some(first) => diagnoses.push(CodedDiagnosis {
            shown: shown.code,
            code: fields.component(3, first),
            text,
            active: None,
            state: None,
        }),
        None => raw.ignore(&shown.code, Some(&text), "expected a code of ICD-10 (I10, I10C) in DG1-3, found none"),
    }
}

/// One OBX.
fn observation(
    fields: &Fields<'_, '_>,
    origin: &Origin,
    observed: &Observed,
    raw: &mut RawPanel,
    options: &PanelOptions,
) -> Result<(), PanelProblem> {
    let triplet = |first: usize| {
        let system = match fields.component(3, first + 2).as_str() {
            "LN" => CodeSystem::Loinc,
            OWN_HL7_SYSTEM => CodeSystem::Own,
            _ => CodeSystem::Other,
        };
        let code = fields.component(3, first);
        meaning(&code, system, options).map(|meaning| (meaning, code))
    };
    let name = Some(origin.name.as_str());
    let Some((meaning, known_code)) = triplet(1).or_else(|| triplet(4)) else {
        raw.ignore(&origin.code, name, "not on the list of analytes");
        return Ok(());
    };
    let status = match fields.component(11, 1).as_str() {
        "F" | "U" => ResultStatus::Final,
        "C" => ResultStatus::Corrected,
        // METHOD: without a status nothing says that a result is final.
        "P" | "R" | "S" | "" => ResultStatus::Preliminary,
        other => {
            raw.ignore(&origin.code, name, format!("result status {}", found_text(other)));
            return Ok(());
        }
    };
    if fields.text(5).is_empty() {
        raw.ignore(&origin.code, name, "no value");
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
                    None => RawReference::Unreadable(found_text(&text)),
                },
            };
            let collected_at = match fields.moment(14)? {
                Some(at) => Some(at),
                None => observed.moment()?,
            };
            raw.results.push(RawResult {
                origin: origin.clone(),
                analyte,
                value,
                unit: Some(fields.unit(6)),
                stated_kind: d_dimer_kind_of_loinc(&known_code),
                reference,
                collected_at,
                before_plasma: None,
                status,
            });
            Ok(())
        }
    }
}

/// The value of OBX-5 by the type of OBX-2.
fn value(analyte: Analyte, fields: &Fields<'_, '_>) -> Result<RawValue, PanelProblem> {
    let whole = fields.text(5);
    if fields.has_repeats(5) {
        return Err(bad_value(analyte, &format!("several values {whole}")));
    }
    match fields.component(2, 1).as_str() {
        "NM" => {
            let (comparator, number) = number::compared(&whole).ok_or_else(|| bad_value(analyte, &whole))?;
            Ok(RawValue::Number(comparator, number))
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
fn context(field: ContextField, fields: &Fields<'_, '_>, raw: &mut RawPanel) -> Result<(), PanelProblem> {
    let coded = matches!(fields.component(2, 1).as_str(), "CE" | "CWE" | "CNE");
    let value = ContextValue {
        word: Some(if coded { fields.component(5, 1) } else { fields.text(5) }),
        text: coded.then(|| fields.component(5, 2)),
        date: fields.moment(14)?.map(|moment| moment.day()),
    };
    field.set(&mut raw.context, &mut raw.before_plasma, &value)
}
