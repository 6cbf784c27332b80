//! Why a panel is refused: where, what was expected, what was found, what to do.

use std::fmt;

use thiserror::Error;

use super::analyte::Analyte;

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

/// What is wrong with a panel.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PanelProblem {
    /// Too many bytes.
    #[error("expected a panel of at most {limit} bytes, found {found}; give the results of one patient")]
    TooLarge {
        /// Most bytes that are read.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
    /// Too many results.
    #[error("expected at most {limit} results, found {found}; give the results of one episode")]
    TooManyResults {
        /// Most results that are read.
        limit: usize,
        /// Results found.
        found: usize,
    },
    /// Not text.
    #[error("expected text in UTF-8, found other bytes from byte {position} on; save the file as UTF-8")]
    NotUtf8 {
        /// First byte that is no UTF-8.
        position: usize,
    },
    /// A message that names no character set and is not UTF-8.
    #[error(
        "MSH-18: expected the name of the message's character set, found none and bytes that are no UTF-8 from byte {position} on; name it in MSH-18 (8859/1, UNICODE UTF-8) or as clinical.panel.hl7_character_set"
    )]
    UnnamedSet {
        /// First byte that is no UTF-8.
        position: usize,
    },
    /// A character set that is not read.
    #[error("MSH-18: expected one character set ({accepted}), found `{found}`; send the message in one of these")]
    CharacterSet {
        /// What MSH-18 says.
        found: String,
        /// Sets that are read.
        accepted: String,
    },
    /// Bytes that are not of the named set.
    #[error(
        "expected a message in {named}, as MSH-18 or the configuration says, found other bytes; name the set in which it was written"
    )]
    OtherSet {
        /// The set.
        named: &'static str,
    },
    /// None of the formats.
    #[error(
        "expected JSON (panel or FHIR R4 Bundle) or an HL7 v2 message that begins with MSH, found neither; check the file"
    )]
    UnknownFormat,
    /// Not the JSON of a panel or Bundle.
    #[error("expected {expected}, found {found}; compare it with the schema")]
    Json {
        /// What was expected.
        expected: &'static str,
        /// What the reader says.
        found: String,
    },
    /// Not the structure of a message.
    #[error("expected {expected}, found {found}; send the message again as its system wrote it")]
    Message {
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// Results of more than one patient.
    #[error(
        "expected the results of one patient, found those of {found}; give each patient's results in a file of their own"
    )]
    ManyPatients {
        /// Patients found.
        found: usize,
    },
    /// No such analyte.
    #[error("expected a known analyte, found `{found}`; accepted: {accepted}")]
    UnknownAnalyte {
        /// Name found.
        found: String,
        /// Names accepted.
        accepted: String,
    },
    /// No unit.
    #[error("expected a unit for {analyte}, found none; accepted: {accepted}")]
    MissingUnit {
        /// Analyte.
        analyte: Analyte,
        /// Units accepted.
        accepted: String,
    },
    /// A unit that is not in the table.
    #[error(
        "expected a unit of {analyte}, found `{found}`; accepted: {accepted}, and what clinical.panel.extra_units adds with its factor"
    )]
    UnknownUnit {
        /// Analyte.
        analyte: Analyte,
        /// Unit found.
        found: String,
        /// Units accepted.
        accepted: String,
    },
    /// A D-dimer that does not say FEU or DDU, or says both.
    #[error("expected a D-dimer unit that says FEU or DDU, found `{found}`; accepted: {accepted}")]
    DDimerKind {
        /// Unit found.
        found: String,
        /// Units accepted.
        accepted: String,
    },
    /// Outside what is plausible.
    #[error("expected {analyte} of {low} to {high} {unit}, found {found}; check value and unit")]
    Implausible {
        /// Analyte.
        analyte: Analyte,
        /// Lowest plausible value.
        low: f64,
        /// Highest plausible value.
        high: f64,
        /// Canonical unit.
        unit: &'static str,
        /// Value and unit found.
        found: String,
    },
    /// Not a value of the analyte.
    #[error("expected {expected} for {analyte}, found `{found}`; correct the value")]
    BadValue {
        /// Analyte.
        analyte: Analyte,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// Two values that time does not tell apart.
    #[error(
        "expected one value of {analyte}, or a time for each, found {first} and {second} {why}; give collected_at with the same precision"
    )]
    TwoValues {
        /// Analyte.
        analyte: Analyte,
        /// One value.
        first: String,
        /// The other.
        second: String,
        /// What the times lack.
        why: &'static str,
    },
    /// Not a date or time.
    #[error("expected a time such as {expected}, found `{found}`; correct it")]
    BadTime {
        /// An example.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// Not a value of a context field.
    #[error("expected {expected} for {field}, found `{found}`; correct it")]
    BadContext {
        /// Field.
        field: &'static str,
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// Configuration that cannot be used.
    #[error("expected {expected} in the configuration of {field}, found `{found}`; correct the configuration")]
    Configuration {
        /// Field of the configuration.
        field: String,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
}

/// A place in a file with what is wrong there; the path is added where it is known.
#[derive(Debug)]
pub(super) struct Fault {
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

/// The accepted units of an analyte as one text.
pub(super) fn accepted_units(analyte: Analyte) -> String {
    analyte.units().collect::<Vec<_>>().join(", ")
}
