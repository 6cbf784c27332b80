//! Reading a panel: the format is told from the content.
//!
//! In: the bytes of a file, at most [`MAX_PANEL_BYTES`]: JSON in UTF-8, or a message in the character set that it names.
//! Out: a [`LabPanel`]. JSON with `resourceType` is read as a FHIR R4 Bundle, other JSON as a panel, bytes that begin with
//! `MSH` as an HL7 v2 message.
//!
//! Order: 1. the format's own reader gives results and context; 2. coded diagnoses are laid over the context; 3. units are
//! resolved and values brought to canonical units; 4. intervals are chosen and flags set; 5. values of one analyte are put
//! in order of time.
//!
//! METHOD: a file that is no panel, or one of several patients, is refused. One entry that cannot be read without doubt
//! (unit, value, plausibility, time) is left aside by name with its reason and stops no other one.
//!
//! Limits: one file holds one patient. Nesting of JSON is limited to 128 levels by the JSON reader.

mod assemble;
mod diagnosis;
mod drug_codes;
mod fhir;
mod fhir_context;
mod fhir_types;
mod hl7;
mod panel_json;

use serde_json::Value;

pub use drug_codes::coded_substances;
pub use panel_json::{PANEL_SCHEMA, PanelFile, PanelPatient, ResultFile, panel_schema};

use super::analyte::{Analyte, CodedValue};
use super::context::ClinicalContext;
use super::context_code::ContextField;
use super::error::{Fault, PanelError, PanelProblem};
use super::hl7 as messages;
use super::options::{Meaning, PanelOptions};
use super::panel::{IgnoredObservation, LabPanel};
use super::patient_identifier::PatientIdentifier;
use super::person::Person;
use super::result::{Comparator, ResultStatus};
use super::unit::DDimerKind;
use crate::time::Moment;

/// Names by which a panel lies beside the images of its specimen, without regard to case.
pub const PANEL_FILE_NAMES: [&str; 3] = ["labs.json", "labs.hl7", "labs.fhir.json"];

/// Most bytes of a panel.
pub const MAX_PANEL_BYTES: usize = 8 * 1024 * 1024;

/// System of this program's own codes in HL7 v2.
pub const OWN_HL7_SYSTEM: &str = "99TMA";

/// System of this program's own codes in FHIR.
pub const OWN_FHIR_SYSTEM: &str = "urn:schistoquant";

/// A value before its unit is understood.
#[derive(Debug, Clone, Copy, PartialEq)]
enum RawValue {
    Number(Option<Comparator>, f64),
    Coded(CodedValue),
}

/// Where an entry stands and what it is called.
#[derive(Debug, Clone, Default)]
struct Origin {
    /// Place in the file: `OBX[4]`, `entry[5]`, `results[3]`.
    at: String,
    /// Code with its system.
    code: String,
    /// Name; empty where not given.
    name: String,
}

/// A result before its unit is understood.
#[derive(Debug)]
struct RawResult {
    /// Where it stands and what it is called, for the case that it is left aside.
    origin: Origin,
    analyte: Analyte,
    value: RawValue,
    unit: Option<String>,
    /// What the observation's code says of a D-dimer unit.
    stated_kind: Option<DDimerKind>,
    reference: RawReference,
    collected_at: Option<Moment>,
    before_plasma: Option<bool>,
    status: ResultStatus,
}

/// The interval as sent.
#[derive(Debug, Clone, PartialEq)]
enum RawReference {
    /// None was sent: a configured or built-in one may stand in.
    Absent,
    /// One was sent that could not be understood: none stands in for it.
    Unreadable(String),
    /// Limits in the unit of the result.
    Limits { low: Option<f64>, high: Option<f64>, source: Option<String> },
}

/// What a format's reader gives.
#[derive(Debug, Default)]
struct RawPanel {
    context: ClinicalContext,
    results: Vec<RawResult>,
    before_plasma: Option<bool>,
    ignored: Vec<IgnoredObservation>,
    patient: Vec<PatientIdentifier>,
    person: Person,
}

impl RawPanel {
    /// Leaves an entry aside that cannot be read without doubt.
    fn doubt(&mut self, origin: &Origin, problem: &PanelProblem) {
        self.ignore(&origin.code, Some(&origin.name), format!("{}: {problem}", origin.at));
    }

    fn ignore(&mut self, code: &str, name: Option<&str>, reason: impl Into<String>) {
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        self.ignored.push(IgnoredObservation { code: code.to_owned(), name, reason: reason.into() });
    }
}

/// Reads a panel; `path` is for messages alone.
///
/// # Errors
/// [`PanelError`] where the panel is refused: never a panic, whatever the bytes.
pub fn read_panel(bytes: &[u8], path: &str, options: &PanelOptions) -> Result<LabPanel, PanelError> {
    read(bytes, options).map_err(|fault| fault.in_file(path))
}

fn read(bytes: &[u8], options: &PanelOptions) -> Result<LabPanel, Fault> {
    options.check()?;
    if bytes.len() > MAX_PANEL_BYTES {
        return Err(PanelProblem::TooLarge { limit: MAX_PANEL_BYTES, found: bytes.len() }.into());
    }
    let raw = if messages::is_message(bytes) {
        hl7::read(bytes, options)?
    } else {
        let text =
            std::str::from_utf8(bytes).map_err(|error| PanelProblem::NotUtf8 { position: error.valid_up_to() })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if !text.trim_start().starts_with(['{', '[']) {
            return Err(PanelProblem::UnknownFormat.into());
        }
        read_json(text, options)?
    };
    assemble::panel(raw, options)
}

fn read_json(text: &str, options: &PanelOptions) -> Result<RawPanel, Fault> {
    let json_fault =
        |error: serde_json::Error| PanelProblem::Json { expected: "one JSON document", found: error.to_string() };
    let value: Value = serde_json::from_str(text).map_err(json_fault)?;
    if value.get("resourceType").is_some() {
        return fhir::read(&value, options);
    }
    panel_json::read(text)
}

/// What a code of a message means: local codes go first, then this program's own, then LOINC.
fn meaning(code: &str, system: CodeSystem, options: &PanelOptions) -> Option<Meaning> {
    if code.is_empty() {
        return None;
    }
    if let Some(name) = options.local_codes.get(code) {
        return Meaning::from_name(name);
    }
    match system {
        CodeSystem::Own => Meaning::from_name(code),
        CodeSystem::Loinc if super::context_code::SCHISTOCYTES_LOINC.contains(&code) => {
            Some(Meaning::Context(ContextField::SchistocytesOnFilm))
        }
        CodeSystem::Loinc => Analyte::from_loinc(code).map(Meaning::Analyte),
        CodeSystem::Other => None,
    }
}

/// Whose code it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CodeSystem {
    Own,
    Loinc,
    Other,
}

/// What LOINC's two codes for D-dimer say of the unit.
fn d_dimer_kind_of_loinc(code: &str) -> Option<DDimerKind> {
    match code {
        "48065-7" => Some(DDimerKind::Feu),
        "48066-5" => Some(DDimerKind::Ddu),
        _ => None,
    }
}

/// A value of an analyte from text: a number with comparator, or one of its words.
fn value_of_text(analyte: Analyte, text: &str) -> Result<RawValue, PanelProblem> {
    if analyte.canonical_unit().is_some()
        && let Some((comparator, value)) = super::number::compared(text)
    {
        return Ok(RawValue::Number(comparator, value));
    }
    let coded = CodedValue::from_word(text).filter(|coded| analyte.coded_values().contains(coded));
    coded.map(RawValue::Coded).ok_or_else(|| bad_value(analyte, text))
}

/// The refusal of a value with what would be accepted.
fn bad_value(analyte: Analyte, found: &str) -> PanelProblem {
    let number = analyte.canonical_unit().map(|_| "a number of 0 or more");
    let words = analyte.coded_values().iter().map(|coded| coded.name());
    let expected = number.into_iter().chain(words).collect::<Vec<_>>().join(", ");
    PanelProblem::BadValue { analyte, expected, found: found.chars().take(60).collect() }
}

#[cfg(test)]
mod entry_tests;
#[cfg(test)]
mod tests;
