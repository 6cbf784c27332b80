//! Why a panel, or one entry of it, is refused: where, what was expected, what was found, what to do.

use std::fmt;

use thiserror::Error;

use super::analyte::Analyte;

/// Most characters of a text that an error repeats.
const FOUND_CHARS: usize = 40;

/// What was found, for an error: no more of it than a reader needs.
pub fn found_text(text: &str) -> String {
    text.chars().take(FOUND_CHARS).collect()
}

/// A panel that is refused.
#[derive(Debug, Error)]
#[error("{path}: {}{problem}", at.as_ref().map(|at| format!("{at}: ")).unwrap_or_default())]
#[non_exhaustive]
pub struct PanelError {
    /// File as named by the caller.
    pub path: String,
    /// Place in the file: `results[3]`, `OBX[4]`, `entry[5]`.
    pub at: Option<String>,
    /// What is wrong; its text is part of this error's.
    pub problem: Box<PanelProblem>,
}

/// What is wrong with a panel, an entry of it, or the configuration for it.
///
/// `found` is what stands there, `accepted` or `expected` what may stand there, in words.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are named above and shown in the texts
pub enum PanelProblem {
    #[error("expected a panel of at most {limit} bytes, found {found}; give the results of one patient")]
    TooLarge { limit: usize, found: usize },
    #[error("expected at most {limit} results, found {found}; give the results of one episode")]
    TooManyResults { limit: usize, found: usize },
    #[error("expected text in UTF-8, found other bytes from byte {position} on; save the file as UTF-8")]
    NotUtf8 { position: usize },
    /// A message that names no character set and is not UTF-8.
    #[error(
        "MSH-18: expected the name of the message's character set, found none and bytes that are no UTF-8 from byte {position} on; name it in MSH-18 (8859/1, UNICODE UTF-8) or as clinical.panel.hl7_character_set"
    )]
    UnnamedSet { position: usize },
    /// A character set that is not read.
    #[error("MSH-18: expected one character set ({accepted}), found `{found}`; send the message in one of these")]
    CharacterSet { found: String, accepted: String },
    /// Bytes that are not of the named character set.
    #[error(
        "expected a message in {named}, as MSH-18 or the configuration says, found other bytes; name the set in which it was written"
    )]
    OtherSet { named: &'static str },
    #[error(
        "expected JSON (panel or FHIR R4 Bundle) or an HL7 v2 message that begins with MSH, found neither; check the file"
    )]
    UnknownFormat,
    /// JSON that is no panel and no Bundle, or an entry of the wrong shape.
    #[error("expected {expected}, found {found}; compare it with the schema")]
    Json { expected: &'static str, found: String },
    /// Not the structure of an HL7 v2 message.
    #[error("expected {expected}, found {found}; send the message again as its system wrote it")]
    Message { expected: &'static str, found: String },
    #[error(
        "expected the results of one patient, found those of {found}; give each patient's results in a file of their own"
    )]
    ManyPatients { found: usize },
    #[error("expected a known analyte, found `{found}`; accepted: {accepted}")]
    UnknownAnalyte { found: String, accepted: String },
    #[error("expected a unit for {analyte}, found none; accepted: {accepted}")]
    MissingUnit { analyte: Analyte, accepted: String },
    #[error(
        "expected a unit of {analyte}, found `{found}`; accepted: {accepted}, and what clinical.panel.extra_units adds with its factor"
    )]
    UnknownUnit { analyte: Analyte, found: String, accepted: String },
    /// A D-dimer unit that says neither FEU nor DDU, or contradicts the code of its observation.
    #[error("expected a D-dimer unit that says FEU or DDU, found `{found}`; accepted: {accepted}")]
    DDimerKind { found: String, accepted: String },
    /// A value outside the plausible range; limits in the canonical unit.
    #[error("expected {analyte} of {low} to {high} {unit}, found {found}; check value and unit")]
    Implausible { analyte: Analyte, low: f64, high: f64, unit: &'static str, found: String },
    #[error("expected {expected} for {analyte}, found `{found}`; correct the value")]
    BadValue { analyte: Analyte, expected: String, found: String },
    /// Two values that time does not tell apart; `why` says what the times lack.
    #[error(
        "expected one value of {analyte}, or a time for each, found {first} and {second} {why}; give collected_at with the same precision"
    )]
    TwoValues { analyte: Analyte, first: String, second: String, why: &'static str },
    /// A text that is no date or time; `expected` is an example.
    #[error("expected a time such as {expected}, found `{found}`; correct it")]
    BadTime { expected: &'static str, found: String },
    #[error("expected {expected} for {field}, found `{found}`; correct it")]
    BadContext { field: &'static str, expected: &'static str, found: String },
    #[error("expected {expected} in the configuration of {field}, found `{found}`; correct the configuration")]
    Configuration { field: String, expected: String, found: String },
}

impl PanelProblem {
    /// A value that its analyte cannot have, with what would be accepted.
    pub fn bad_value(analyte: Analyte, found: &str) -> Self {
        let number = analyte.canonical_unit().map(|_| "a number of 0 or more");
        let words = analyte.coded_values().iter().map(|coded| coded.into());
        let expected = number.into_iter().chain(words).collect::<Vec<_>>().join(", ");
        Self::BadValue { analyte, expected, found: found.chars().take(60).collect() }
    }

    /// A text that is no time, with an example of one.
    pub fn bad_time(expected: &'static str, found: &str) -> Self {
        Self::BadTime { expected, found: found_text(found) }
    }
}

/// A problem with its place in the file; the path is added where it is known.
#[derive(Debug)]
pub struct Fault {
    pub at: Option<String>,
    pub problem: PanelProblem,
}

impl Fault {
    /// A fault at a place.
    pub fn at(at: impl fmt::Display, problem: PanelProblem) -> Self {
        Self { at: Some(at.to_string()), problem }
    }

    /// The error with its path.
    pub fn in_file(self, path: &str) -> PanelError {
        PanelError { path: path.to_owned(), at: self.at, problem: Box::new(self.problem) }
    }
}

impl From<PanelProblem> for Fault {
    fn from(problem: PanelProblem) -> Self {
        Self { at: None, problem }
    }
}
